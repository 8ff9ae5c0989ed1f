"""Interval certification from the command line: a model in a file is bounded without being asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskcover import cover, squares
from tests.cli.conftest import Run

MODEL = "tests.cli.models:interval_net"
PROCEDURE = ("--procedure", "intervals()")
SCALED = ("--mean", "0.5", "--std", "0.5")


@pytest.fixture
def masks(tmp_path: Path) -> str:
    cover(squares(size=4), image_size=24, grid=(3, 3)).save(tmp_path / "masks.json")
    return "masks.json"


def test_a_model_in_a_file_is_bounded_and_its_run_is_served_and_replayed(run: Run, photos: Path, masks: str) -> None:
    """The run keeps the interval, so that predict, replay and report need no option for it."""
    common = ("--model", MODEL, "--data", str(photos))
    found = run("certify", *common, "--masks", masks, *SCALED, *PROCEDURE, "--out", "RUN", "--json")
    assert found.code == 0, found.err
    assert found.json["certified"]["count"] == 3
    shown = run("certify", *common, "--masks", masks, *SCALED, *PROCEDURE, "--json")
    assert "certain_labels" in shown.json["fingerprint"]
    assert "-1.0000" in shown.json["fingerprint"]["certain_labels"]
    assert {row["case"] for row in shown.json["images"]} == {"undefended"}
    predicted = run("predict", *common, "--run", "RUN", "--json")
    assert predicted.code == 0, predicted.err
    assert [row["label"] for row in predicted.json["images"]] == [row["label"] for row in shown.json["images"]]
    assert run("replay", "RUN", "--model", MODEL).code == 0
    report = run("report", "RUN", "--regions", "squares(size=2)", *PROCEDURE, "--json")
    assert report.code == 0, report.err
    refused = run("report", "RUN", "--regions", "squares(size=40)", *PROCEDURE)
    assert refused.code != 0
    explained = run("explain", str(photos / "dark/a.png"), "--model", MODEL, "--masks", masks, *SCALED, *PROCEDURE)
    assert explained.code == 0, explained.err


def test_the_interval_can_be_typed_and_is_checked(run: Run, photos: Path, masks: str) -> None:
    """An image outside of it is refused; so is an interval for a model without bounds."""
    common = ("certify", "--model", MODEL, "--data", str(photos), "--masks", masks, *PROCEDURE)
    assert run(*common, "--pixels", "0,1").code == 0
    outside = run(*common, *SCALED, "--pixels", "0,1")
    assert outside.code == 2
    assert "outside the pixel interval" in outside.err
    wrong = run(*common, "--pixels", "0,1,2")
    assert wrong.code == 2
    assert "--pixels is two numbers" in wrong.err
    filled = run(*common, "--fill", "0.5")
    assert filled.code == 2
    assert "leave fill" in filled.err


def test_a_model_without_bounds_is_refused(run: Run, photos: Path, masks: str) -> None:
    """A network with another part is named; a function has no bounds at all."""
    network = run(
        "certify", "--model", "tests.cli.models:brightness", "--data", str(photos), "--masks", masks, *PROCEDURE
    )
    assert network.code == 2
    assert "no interval bounds are known" in network.err
    ordinary = run("certify", "--model", MODEL, "--data", str(photos), "--masks", masks, "--out", "PLAIN")
    assert ordinary.code == 0
    asked = run("report", "PLAIN", *PROCEDURE)
    assert asked.code == 2
    assert "needs certain labels" in asked.err
