"""`maskcover explain`: one image, as text, as JSON and as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Run, picture

MODEL = ("--mean", "0.5", "--std", "0.5", "--batch-size", "8", "--input-size", "24", "--regions", "squares(size=4)")


@pytest.fixture
def dark(tmp_path: Path) -> str:
    return str(picture(tmp_path / "dark.png", 10, (30, 40)))


@pytest.fixture
def cornered(tmp_path: Path) -> str:
    """Dark, with a light corner that the model of that name looks at."""
    pixels = np.full((24, 24, 3), 10, np.uint8)
    pixels[0, 0] = 250
    Image.fromarray(pixels).save(tmp_path / "cornered.png")
    return str(tmp_path / "cornered.png")


def test_a_certified_image(run: Run, dark: str, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("night\nday\n")
    more = ("--classes", "names.txt", "-o", "x.png")
    found = run("explain", dark, "--model", "tests.cli.models:brightness", *MODEL, *more)
    assert found.code == 0, found.err
    assert "label 0 night (the defended one; no true label was given): certified against squares(size=4)" in found.out
    assert "0 of 666 predictions under two masks have another label" in found.out
    with Image.open("x.png") as drawn:
        assert drawn.size[0] > 500


def test_an_image_that_is_not_certified(run: Run, cornered: str) -> None:
    found = run("explain", cornered, "--model", "tests.cli.models:corner", *MODEL, "--label", "1", "-o", "x.png")
    assert found.code == 1, found.err
    assert "label 1: not certified" in found.out
    assert "under one mask: 1 (35 masks), 0 (1 mask)" in found.out
    told = run("explain", cornered, "--model", "tests.cli.models:corner", *MODEL, "--label", "1", "--json").json
    assert told["failing"][0] == [0, 0, 0]
    assert len(told["failing"]) == 36
    assert told["good"] == []
    assert Path("x.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (("--label", "9"), "the label 9, but the classifier has 2 classes"),
        (("--regions", "squares(size=400)"), "400"),
        (("-o", "x.jpg"), "ending in .png"),
    ],
)
def test_bad_input_is_refused(run: Run, dark: str, more: tuple[str, ...], named: str) -> None:
    found = run("explain", dark, "--model", "tests.cli.models:brightness", *MODEL, *more)
    assert found.code == 2
    assert named in found.err


def test_what_is_no_image_is_refused_before_the_model_is_loaded(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    found = run("explain", "text.png", "--model", "tests.cli.models:failing", *MODEL)
    assert found.code == 2
    assert "cannot read the image text.png" in found.err
    assert "name the masks" in run("explain", "text.png", "--model", "tests.cli.models:brightness").err


def test_labels_are_told_by_the_names_that_the_model_knows(run: Run, dark: str) -> None:
    model = ("--model", "tests.cli.models:named", *MODEL[:4], *MODEL[6:])
    found = run("explain", dark, *model)
    assert found.code == 0, found.err
    assert "label 1 dark (the defended one" in found.out
    refused = run("explain", dark, *model, "--classes", "9" * 5000)
    assert (refused.code, "a number of 5000 digits" in refused.err) == (2, True)


def test_another_defence_is_explained_and_drawn(run: Run, cornered: str) -> None:
    detection = ("--procedure", "detection(threshold=0.5)", "--label", "1", "-o", "x.png")
    found = run("explain", cornered, "--model", "tests.cli.models:corner", *MODEL, *detection, "--json")
    assert found.code == 1, found.err
    assert found.json["failing"] == [[0, 0, 0]]
    assert len(found.json["one_mask"]) == 36
    assert Path("x.png").stat().st_size > 10_000
