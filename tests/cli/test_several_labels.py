"""`maskcover certify --task multilabel`, from a table of labels to a report and an attack."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from maskcover_torch.attacks import attack_labels
from maskcover_torch.model import TorchModel
from PIL import Image

import maskcover as mc
from tests.cli.conftest import Run

CODE = """
import os
import time
from pathlib import Path

import torch

class Bright(torch.nn.Module):
    def forward(self, images):
        # With BRIGHT_WAITS in the environment it waits for ever once that run has three shards.
        waits = os.environ.get("BRIGHT_WAITS")
        while waits and len(list(Path(waits).glob("shards/*.parquet"))) >= 3:
            time.sleep(0.1)
        left, right = images[:, 0, :, :8], images[:, 0, :, 8:]
        return torch.stack([part.flatten(1).topk(3).values[:, -1] - 0.6 for part in (left, right)], dim=1)

def bright():
    return Bright().eval()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images with bright dots on the left or on the right, their labels, masks, and a module with the model."""
    chance = np.random.default_rng(0)
    rows = []
    for number in range(6):
        pixels = np.zeros((16, 16, 3), np.uint8)
        present = chance.random(2) < 0.6
        for side in np.flatnonzero(present):
            for place in chance.choice(16 * 8, 100 if number % 2 else 4, replace=False):
                pixels[place // 8, place % 8 + 8 * side] = 255
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        rows.append([f"{number}.png", *present[::-1].astype(int).tolist()])
    with (tmp_path / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["path", "right", "left"], *rows])
    (tmp_path / "classes.txt").write_text("left\nright\n")
    (tmp_path / "bright_sides.py").write_text(CODE)
    mc.cover(mc.squares(size=2), image_size=16, grid=(3, 3)).save(tmp_path / "masks.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


CERTIFY = [
    "certify", "--task", "multilabel", "--model", "bright_sides:bright", "--data", "labels.csv", "--masks",
    "masks.json", "--thresholds", "0", "--batch-size", "8",
]  # fmt: skip
NAMED = ["--classes", "classes.txt"]


def document(run: Run, *arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.code == 0, result.err
    return result.json


@pytest.mark.usefixtures("folder")
def test_at_once_and_in_a_folder_the_figures_are_the_same(run: Run) -> None:
    once = document(run, *CERTIFY, *NAMED, "--keep-scores", "--out", "RUN")
    again = document(run, *CERTIFY, *NAMED, "--keep-scores", "--out", "RUN")  # it goes on, and nothing is missing
    report = document(run, "report", "RUN")
    for key in ("figures", "classes", "average_precision", "thresholds"):
        assert once[key] == again[key] == report[key], key
    assert 0 < once["figures"]["micro"]["certified"]["recall"] < 1
    assert [one["class"] for one in once["classes"]] == ["left", "right"]
    at_once = document(run, *CERTIFY, *NAMED)
    assert at_once["figures"] == once["figures"]


def test_a_command_that_is_killed_goes_on_with_equal_rows(folder: Path, run: Run) -> None:
    typed = [*CERTIFY, *NAMED, "--shard-size", "1", "--out"]
    assert run(*typed, "WHOLE").code == 0
    waiting = {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path]), "BRIGHT_WAITS": str(folder / "RUN")}
    process = subprocess.Popen([sys.executable, "-m", "maskcover", *typed, "RUN"], env=os.environ | waiting)
    while process.poll() is None and len(list(folder.glob("RUN/shards/*.parquet"))) < 3:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL
    assert len(list(folder.glob("RUN/shards/*.parquet"))) == 3
    assert run(*typed, "RUN").code == 0
    whole, resumed = mc.open_run("WHOLE"), mc.open_run("RUN")
    assert len(resumed) == 6
    assert resumed.ids == whole.ids
    assert [row.classes for row in resumed] == [row.classes for row in whole]
    assert (resumed.certified == whole.certified).all()


@pytest.mark.usefixtures("folder")
def test_one_image_is_explained_as_its_run_says(run: Run) -> None:
    run(*CERTIFY, *NAMED, "--out", "RUN")
    opened = mc.open_run("RUN")
    sides = ["left", "right"]
    common = ["--task", "multilabel", "--model", "bright_sides:bright", "--masks", "masks.json", "--thresholds", "0"]
    for number, name in enumerate(opened.ids):
        present = ",".join(side for side, flag in zip(sides, opened.labels[number], strict=True) if flag)
        result = run("explain", name, *common, *NAMED, "--batch-size", "8", "--label", present)
        assert result.code == int(not opened.certified[number].all())
        assert opened.explain(number) in result.out
    said = run("explain", "1.png", *common, *NAMED, "--batch-size", "8", "--json").json
    assert said["present"] == said["defended"]
    assert said["explanation"]
    for further, message in (
        ([], "type --classes"), ([*NAMED, "--label", "up"], "up"), ([*NAMED, "-o", "a.png"], "leave --output out")
    ):  # fmt: skip
        refused = run("explain", "1.png", *common, *further)
        assert refused.code == 2
        assert message in refused.err


def test_a_report_names_the_figures_and_the_classes(folder: Path, run: Run) -> None:
    run(*CERTIFY, *NAMED, "--out", "RUN")
    result = run("report", "RUN", "--html", "report.html", "--markdown", "report.md")
    assert result.code == 0, result.err
    for page in ("report.html", "report.md"):
        text = (folder / page).read_text()
        assert "does not change a certified answer" in text
        assert "left" in text
        assert "right" in text
    smaller = run("report", "RUN", "--regions", "squares(size=1)")
    assert "against squares(size=1):" in smaller.out
    refused = run("report", "RUN", "--rule", "all-pairs")
    assert refused.code == 2
    assert "a run of several labels answers for other --regions" in refused.err


@pytest.mark.usefixtures("folder")
def test_an_attack_breaks_no_certified_answer(run: Run) -> None:
    run(*CERTIFY, *NAMED, "--out", "RUN")
    result = run("attack", "RUN", "--model", "bright_sides:bright", "--steps", "6", "--placements", "6")
    assert result.code == 0, result.err
    assert "true positives: 0 of " in result.out
    assert "absences: 0 of " in result.out
    replayed = run("replay", "RUN", "--model", "bright_sides:bright")
    assert replayed.code == 0, replayed.err


def test_a_run_answers_for_images_without_labels_too(folder: Path, run: Run) -> None:
    run(*CERTIFY, *NAMED, "--out", "RUN")
    (folder / "photos").mkdir()
    for number in range(6):
        (folder / f"{number}.png").rename(folder / "photos" / f"{number}.png")
    predicted = document(run, "predict", "--run", "RUN", "--model", "bright_sides:bright", "--data", "photos")
    opened = mc.open_run("RUN")
    assert [row["id"] for row in predicted["images"]] == opened.ids
    lines = run("predict", "--run", "RUN", "--model", "bright_sides:bright", "--data", "photos").out.splitlines()
    for line, present in zip(lines, opened.defended, strict=True):
        assert line.endswith(f"classes {', '.join(map(str, np.flatnonzero(present))) or 'none'} of 2")


@pytest.mark.usefixtures("folder")
def test_runs_of_several_labels_are_not_compared_as_if_they_had_one(run: Run) -> None:
    run(*CERTIFY, *NAMED, "--out", "RUN")
    result = run("compare", "RUN", "RUN")
    assert result.code == 2
    assert "is a run of several labels" in result.err
    with pytest.raises(mc.InvalidInput, match="run of several labels"):
        mc.compare("RUN", "RUN")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("further", "message"),
    [
        ([], "does not say which of its outputs is which class"),
        ([*NAMED, "--frame", "source", "--regions", "squares(size=2)", "--out", "RUN"], "leave --frame source out"),
        ([*NAMED, "--procedure", "voting()"], "several labels need double_masking() or challenger_masking()"),
        ([*NAMED, "--min-margin", "0.1"], "leave min_margin out"),
    ],
)
def test_what_cannot_be_certified_is_refused(run: Run, further: list[str], message: str) -> None:
    result = run(*CERTIFY, *further)
    assert result.code == 2
    assert message in " ".join(result.err.split())


def test_thresholds_are_for_several_labels(folder: Path, run: Run) -> None:
    result = run("certify", "--model", "bright_sides:bright", "--data", str(folder), "--thresholds", "0.5")
    assert result.code == 2
    assert 'task="multilabel"' in result.err


def test_an_attack_finds_what_is_not_certified(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report tells a false claim: with all answers claimed, broken ones are refutations."""
    monkeypatch.syspath_prepend(str(folder))
    import bright_sides  # type: ignore[import-not-found]  # the fixture writes it

    images = [np.zeros((3, 16, 16), np.float32) for _ in range(2)]
    images[0][0, 3, [2, 3, 4]] = 1.0  # three dots that one mask hides
    truths = np.array([[True, False], [False, False]])
    masks = mc.MaskSet.load(folder / "masks.json")
    model, procedure = TorchModel(bright_sides.bright(), batch_size=8), mc.MultiLabel(0.0)
    honest = mc.certify(model, images, truths, masks, task="multilabel", procedure=procedure)
    claimed = attack_labels(model, images, truths, masks, procedure=procedure, certified=truths | True, steps=4)
    assert 0 in claimed.refutations
    report = attack_labels(model, images, truths, masks, procedure=procedure, steps=4)
    assert not report.refutations
    assert report.broken.any()
    for sets, verdict in zip(report.wrong, honest.verdicts, strict=True):
        threatened = verdict.certificates.threatened
        assert all((~wrong | threatened).all(axis=1).any() for wrong in sets)  # never more at once than is said
