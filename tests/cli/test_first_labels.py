"""The first k labels in all commands: certify, at once and into a run, report, replay, attack, predict, explain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("one_thread")
MODEL = ("--model", "tests.cli.models:greys")
INPUT = ("--input-size", "24", "--mean", "0.5", "--std", "0.5", "--batch-size", "8")
REGIONS = ("--regions", "squares(size=2)")
PROCEDURES = {
    "votes": ("voting(bands(width=4, axis='columns'), top=2)", "first by votes"),
    "evidence": ("voting(bands(width=4), evidence='clip(0, 4)', top=2)", "first by votes"),
    "detection": ("detection(0.2, top=2)", "no alert"),
}


@pytest.fixture
def greys(tmp_path: Path) -> Path:
    """Four classes by folder; "1_dark/b" is mostly of class 2, of "3_white/d" nothing is of its class."""
    for name, left, right in (
        ("0_black/a", 32, 32), ("1_dark/b", 158, 97), ("2_light/c", 160, 160), ("3_white/d", 32, 32),
    ):  # fmt: skip
        pixels = np.full((24, 24, 3), left, np.uint8)
        pixels[:, 14:] = right
        (tmp_path / "greys" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "greys" / f"{name}.png")
    return tmp_path / "greys"


@pytest.mark.parametrize("kind", PROCEDURES)
def test_first_labels_go_through_all_commands(run: Run, greys: Path, kind: str) -> None:
    procedure, case = PROCEDURES[kind]
    certify = ("certify", *MODEL, "--data", str(greys), *INPUT, *REGIONS, "--procedure", procedure)
    at_once = run(*certify, "--json")
    assert at_once.code == 0, at_once.err
    rows = {row["id"]: row for row in at_once.json["images"]}
    assert "among the first 2" in at_once.json["claim"]
    second = rows["1_dark/b.png"]
    assert (second["label"], second["defended"], second["first_labels"], second["case"]) == (1, 1, [2, 1], case)
    wrong = rows["3_white/d.png"]
    assert (wrong["label"], wrong["defended"], wrong["first_labels"], wrong["certified"]) == (3, 0, [0, 1], False)
    assert rows["0_black/a.png"]["certified"]
    assert f"1_dark/b.png: label 1, undefended 2, defended 2, 1 ({case})" in run(*certify).out

    made = run(*certify, "--out", "RUN", "--json")
    assert (made.code, made.json["rows"]) == (0, 4), made.err
    assert made.json["defended"]["count"] == 3
    assert made.json["certified"]["count"] == at_once.json["certified"] >= 2
    assert run("replay", "RUN", *MODEL).code == 0
    told = run("report", "RUN", "--json")
    assert told.json["defended"]["count"] == 3
    written = run("report", "RUN", "--markdown", "report.md")
    assert written.code == 0, written.err
    assert "has the true label among its first 2 labels" in Path("report.md").read_text()
    attacked = run("attack", "RUN", *MODEL, "--placements", "3", "--steps", "3", "--json")
    assert (attacked.code, attacked.json["refuted"]) == (0, []), attacked.err

    for bound in (("--run", "RUN"), (*REGIONS, *INPUT, "--procedure", procedure)):
        predicted = run("predict", *MODEL, "--data", str(greys), *bound, "--json")
        assert predicted.code == 0, predicted.err
        labels = {row["id"]: (row["label"], row["first_labels"]) for row in predicted.json["images"]}
        assert labels["1_dark/b.png"] == (2, [2, 1])
        assert labels["3_white/d.png"] == (0, [0, 1])
    assert f"1_dark/b.png: 2, 1 ({case})" in run("predict", *MODEL, "--data", str(greys), "--run", "RUN").out

    explain = (
        "explain",
        str(greys / "1_dark/b.png"),
        *MODEL,
        *INPUT,
        *REGIONS,
        "--procedure",
        procedure,
        "--label",
        "1",
    )
    explained = run(*explain, "--json")
    assert explained.code == (0 if second["certified"] else 1), explained.err
    assert (explained.json["label"], explained.json["first_labels"]) == (1, [2, 1])
    assert "undefended 2, defended 2, 1" in run(*explain).out


def test_a_single_label_has_no_list_of_labels(run: Run, greys: Path) -> None:
    procedure = ("--procedure", "voting(bands(width=4))")
    certified = run("certify", *MODEL, "--data", str(greys), *INPUT, *REGIONS, *procedure, "--json")
    predicted = run("predict", *MODEL, "--data", str(greys), *INPUT, *REGIONS, *procedure, "--json")
    assert not any("first_labels" in row for row in certified.json["images"] + predicted.json["images"])
