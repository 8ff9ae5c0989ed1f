"""Runs of answers and of several labels by workers elsewhere: the folder is that of one process."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import maskcover as mc
from maskcover.runs import RunSpec
from maskcover.runs import launching as module
from tests.runs.lookups import rows
from tests.runs.test_launching import expect_like_alone, launch

SIDE, COUNT = 8, 7
MASKS = mc.cover(mc.squares(size=1), image_size=SIDE, grid=(2, 2))


@pytest.fixture(autouse=True)
def without_workers_of_before() -> Iterator[None]:
    yield
    module._workers().clear()


def pictures(folder: Path) -> list[np.ndarray]:
    """Grey pictures, each brighter than the one before, with a bright dot on the left of every second one."""
    images = []
    for number in range(COUNT):
        pixels = np.full((SIDE, SIDE), 30 * number, np.uint8)
        pixels[number, 1] = 255 if number % 2 else 30 * number
        Image.fromarray(pixels).save(folder / f"{number}.png")
        images.append(pixels)
    return images


def answers(folder: Path) -> RunSpec:
    """The run of a function of answers; the first true answer is one that it never gives."""
    words = ["7", *("night" if image.mean() < 102 else "day" if image.mean() > 153 else "dusk" for image in
                    pictures(folder)[1:])]  # fmt: skip
    table(folder, [["path", "label"], *([f"{number}.png", word] for number, word in enumerate(words))])
    return RunSpec(
        model="tests.runs.readers:shade", data=str(folder / "table.csv"), masks=MASKS, task="answers", channels=1,
        fill=0.5, input_size=str(SIDE), shard_size=2,
    )  # fmt: skip


def labels(folder: Path) -> RunSpec:
    """The run of a function of scores for two classes."""
    truths = [[int(image[:, :4].max() >= 128), int(image[:, 4:].max() >= 128)] for image in pictures(folder)]
    table(folder, [["path", "left", "right"], *([f"{n}.png", *map(str, truth)] for n, truth in enumerate(truths))])
    (folder / "classes.txt").write_text("left\nright\n")
    return RunSpec(
        model="tests.runs.readers:sides", data=str(folder / "table.csv"), masks=MASKS, task="multilabel", channels=1,
        classes=str(folder / "classes.txt"), procedure="multi_label(thresholds=0.5)", input_size=str(SIDE),
        shard_size=2,
    )  # fmt: skip


def table(folder: Path, lines: list[list[str]]) -> None:
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(lines)


def test_answers_come_back_from_workers_as_texts(tmp_path: Path) -> None:
    spec = answers(tmp_path)
    launch(spec, tmp_path / "out")
    expect_like_alone(spec, tmp_path / "out", tmp_path / "alone")
    assert rows(tmp_path / "out") == rows(tmp_path / "alone")
    run = mc.open_run(tmp_path / "out")
    assert [run.answer_of(number) for number in run.defended] == ["night"] * 4 + ["dusk"] * 2 + ["day"]
    assert run.certified().tolist() == mc.open_run(tmp_path / "alone").certified().tolist()
    assert run.certified().any()
    assert not run.certified()[0], "its true answer is another"


def test_several_labels_come_back_from_workers_whole(tmp_path: Path) -> None:
    spec = labels(tmp_path)
    launch(spec, tmp_path / "out")
    expect_like_alone(spec, tmp_path / "out", tmp_path / "alone")
    run, alone = mc.open_run(tmp_path / "out"), mc.open_run(tmp_path / "alone")
    assert len(run) == COUNT
    assert [row.classes for row in run] == [row.classes for row in alone]
    assert (run.certified == alone.certified).all()
    assert run.certified.any()
    assert not run.certified.all()
