"""From the classes that data name to the numbers that a model gives them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskcover.data import Dataset, open_dataset
from maskcover.data.classes import imagenet, read_classes
from maskcover.errors import InvalidInput
from tests.data.files import tree

IMAGENETTE = {
    "n01440764": 0, "n02102040": 217, "n02979186": 482, "n03000684": 491, "n03028079": 497, "n03394916": 566,
    "n03417042": 569, "n03425413": 571, "n03445777": 574, "n03888257": 701,
}  # fmt: skip


@pytest.fixture
def imagenette(tmp_path: Path) -> Path:
    files = (f"{part}/{wnid}/{wnid}_0.JPEG" for wnid in IMAGENETTE for part in ("train", "val"))
    return tree(tmp_path / "imagenette2", *files)


def test_the_thousand_wordnet_ids_are_all_there_and_in_order() -> None:
    wnids = [wnid for (wnid,) in imagenet().names]
    assert len(set(wnids)) == imagenet().count == 1000
    assert wnids == sorted(wnids)
    assert all(re.fullmatch(r"n\d{8}", wnid) for wnid in wnids)


@pytest.mark.parametrize("classes", [None, 1000, "1000"])
def test_imagenettes_ten_are_found_among_a_thousand(imagenette: Path, classes: int | str | None) -> None:
    data = open_dataset(imagenette, split="val", classes=classes)
    assert data.true_labels.tolist() == list(IMAGENETTE.values())
    assert data.classes is not None
    assert len(data.classes) == 1000
    assert "the WordNet ids of 10 of ImageNet's 1000 classes" in data.source


def test_a_model_of_the_ten_classes_has_them_in_order(imagenette: Path) -> None:
    data = open_dataset(imagenette, split="val", classes=10)
    assert data.true_labels.tolist() == list(range(10))
    assert data.classes == tuple(IMAGENETTE)


def test_wordnet_ids_that_are_not_imagenets_are_classes_like_others(tmp_path: Path) -> None:
    data = open_dataset(tree(tmp_path, "n01440764/a.png", "n99999999/a.png"))
    assert data.true_labels.tolist() == [0, 1]


def test_another_number_of_classes_is_no_reason_to_guess(imagenette: Path) -> None:
    with pytest.raises(InvalidInput, match=r"has 10 classes \(n01440764.* and 5 more\), and the model 21843"):
        open_dataset(imagenette, split="val", classes=21843)


@pytest.mark.parametrize("classes", [["dog", "cat", "bird"], ["Dog", "CAT", "x"], ("dog", "cat")])
def test_names_are_found_in_the_models_order(tmp_path: Path, classes: Any) -> None:
    data = open_dataset(tree(tmp_path, "cat/a.png", "dog/b.png"), classes=classes)
    assert data.true_labels.tolist() == [1, 0]
    assert data.classes == tuple(classes)


def test_strangers_are_listed(tmp_path: Path) -> None:
    tree(tmp_path, "cat/a.png", "dgo/b.png", "fish/c.png")
    with pytest.raises(InvalidInput, match="among the 2 classes; got dgo, fish"):
        open_dataset(tmp_path, classes=["cat", "dog"])


def test_a_name_of_two_classes_is_not_guessed_at(tmp_path: Path) -> None:
    tree(tmp_path, "crane/a.png")
    words = tmp_path / "words.txt"
    words.write_text("n02012849 crane\nn03126707 crane\nn03160309 dam\n")
    with pytest.raises(InvalidInput, match="got crane"):
        open_dataset(f"folder:{tmp_path}", classes=words)
    assert read_classes(words) is not None
    (tmp_path / "crane").rename(tmp_path / "n03126707")
    assert open_dataset(f"folder:{tmp_path}", classes=words).true_labels.tolist() == [1]


@pytest.mark.parametrize(
    "text",
    [
        "dog\n\ncat\r\n",
        "n02084071 dog\nn02121620 cat\n",
        json.dumps(["dog", "cat"]),
        json.dumps({"0": "dog", "1": "cat"}),
        json.dumps({"1": ["n02121620", "cat"], "0": ["n02084071", "dog"]}),
    ],
)
def test_names_come_from_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "classes"
    path.write_text(text)
    known = read_classes(path)
    assert known is not None
    assert (known.count, known.number("dog"), known.number("cat"), known.number("cow")) == (2, 0, 1, None)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (0, "at least 1"),
        (True, "at least 1"),
        ([], "names of the classes"),
        ([1, 2], "names of the classes"),
        ("nowhere.txt", "cannot read class names from nowhere.txt"),
    ],
)
def test_bad_class_lists(classes: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        open_dataset([], classes=classes)


@pytest.mark.parametrize("text", ["", "{", '{"a": "cat"}', '{"1": "cat"}', "[1]", "[[]]"])
def test_bad_files_of_classes(tmp_path: Path, text: str) -> None:
    path = tmp_path / "classes.json"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=r"classes\.json"):
        read_classes(path)


def grey(labels: list[int], classes: tuple[str, ...] | None = None) -> Dataset:
    ids = tuple(f"p{number}" for number in range(len(labels)))
    return Dataset("grey", ids, np.array(labels), lambda _: np.zeros((2, 2), np.uint8), None, classes)


def test_the_first_label_that_is_no_class_is_named() -> None:
    with pytest.raises(InvalidInput, match="from 0 to 2, for 3 classes; p1 has the label 3"):
        open_dataset(grey([2, 3, 4]), classes=3)
    with pytest.raises(InvalidInput, match="p0 has the label -1"):
        open_dataset(grey([-1, 0], ("a", "b")))
    assert open_dataset(grey([2, 0]), classes=3).true_labels.tolist() == [2, 0]


def test_only_names_that_pictures_have_need_to_be_classes_of_the_model() -> None:
    found = open_dataset(grey([0, 2], ("cat", "unicorn", "dog")), classes=["dog", "cat"])
    assert found.true_labels.tolist() == [1, 0]
    assert open_dataset(found, classes=["dog", "cat"]).true_labels.tolist() == [1, 0]
