"""The remark on a model that is right no more often than a guess, on stderr, at once and in a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskcover.cli.guessing import remark_on_guesses
from tests.cli.conftest import Run, picture

COMMON = (
    "--model", "tests.cli.models:brightness", "--mean", "0.5", "--std", "0.5", "--batch-size", "8",
    "--regions", "squares(size=4)", "--input-size", "24", "--data", "photos",
)  # fmt: skip
REMARK = "the model is right for 0 of 20 images without defence"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twenty photos, whose model calls the dark ones 0 and the light ones 1; by the alphabet "dark" comes first."""
    for number in range(10):
        picture(tmp_path / f"photos/dark/{number}.png", 10 + number)
        picture(tmp_path / f"photos/light/{number}.png", 240 + number)
    return tmp_path / "photos"


@pytest.mark.usefixtures("one_thread", "photos")
@pytest.mark.parametrize("out", [(), ("--out", "RUN")])
@pytest.mark.parametrize("frame", [(), ("--frame", "source")])
def test_classes_in_another_order_are_remarked_on(
    run: Run, tmp_path: Path, out: tuple[str, ...], frame: tuple[str, ...]
) -> None:
    (tmp_path / "names.txt").write_text("light\ndark\n")
    found = run("certify", *COMMON, *out, *frame, "--classes", "names.txt")
    assert found.code == 0, found.err
    assert REMARK in found.err
    assert "--classes" in found.err
    right = run("certify", *COMMON, *frame, *(("--out", "RIGHT") if out else ()))
    assert "without defence" not in right.err


@pytest.mark.usefixtures("one_thread", "photos")
def test_a_run_that_is_not_complete_says_nothing_yet(run: Run, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("light\ndark\n")
    command = ("certify", *COMMON, "--classes", "names.txt", "--out", "RUN", "--shard-size", "1")
    half = run(*command, "--shard", "0/2")  # ten photos, five of each class
    assert half.code == 0, half.err
    assert "without defence" not in half.err
    assert REMARK in run(*command, "--shard", "1/2").err


@pytest.mark.parametrize(
    ("labels", "undefended", "remarked"),
    [
        (np.arange(12) % 3, np.zeros(12, np.int64), True),
        (np.arange(12) % 3, np.full(12, -1), True),
        (np.arange(12) % 3, np.minimum(np.arange(12) % 3, 1), False),
        (np.arange(9) % 3, np.ones(9, np.int64), False),  # too few to tell
        (np.zeros(12, np.int64), np.ones(12, np.int64), False),  # one class says nothing of their order
    ],
)
def test_only_a_guess_is_remarked_on(labels: np.ndarray, undefended: np.ndarray, remarked: bool) -> None:
    assert (remark_on_guesses(labels, undefended) is not None) == remarked
