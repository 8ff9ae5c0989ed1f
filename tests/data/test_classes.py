"""From the classes that data name to the numbers that a model gives them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision.models import _meta  # type: ignore[import-untyped]  # has no types

from maskcover.data import Dataset, open_dataset
from maskcover.data.classes import imagenet, of_model, read_classes
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


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({}, "a name for each number from 0 on, or a number for each name; got nothing"),
        ({"cat": 0, "dog": 2}, "expected numbers from 0 to 1 for 2 classes; 1 is missing"),
        ({"cat": -1, "dog": 0}, "1 is missing"),
        ({"cat": 1, "dog": "0"}, "a name for each number"),
        ({"cat": True, "dog": False}, "a name for each number"),
        ({0: "cat", 2: "dog"}, "got 0, 2"),
        ({0: "cat", "0": "dog"}, "got 0, 0"),
        ({0: 1, 1: 0}, "expected a number for each name; got the number 1 for 0"),
        ({"9" * 5000: "cat"}, "a name for each number"),
    ],
)
def test_bad_mappings(classes: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        open_dataset([], classes=classes)


@pytest.mark.parametrize("text", ["9" * 21, "9" * 5000])
def test_a_number_of_classes_has_an_end(text: str) -> None:
    with pytest.raises(InvalidInput, match=rf"got a number of {len(text)} digits"):
        open_dataset([], classes=text)


@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"cat": 0, "cat": 1}', '{"cat": 0.0}', '{"0": "cat", "2": "dog"}', '{"cat": ' + "9" * 5000]
)
def test_files_of_classes_that_could_be_read_in_two_ways(tmp_path: Path, text: str) -> None:
    path = tmp_path / "classes.json"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=r"classes\.json"):
        read_classes(path)


def test_several_names_may_have_one_number(tmp_path: Path) -> None:
    tree(tmp_path, "cat/a.png", "kitten/b.png", "dog/c.png")
    data = open_dataset(tmp_path, classes={"dog": 1, "cat": 0, "kitten": 0})
    assert (data.true_labels.tolist(), data.classes) == ([0, 1, 0], ("cat", "dog"))


def categories() -> list[str]:
    """ImageNet's names as torchvision has them, a word for each."""
    return list(_meta._IMAGENET_CATEGORIES)


def described() -> list[str]:
    """ImageNet's names as the configurations of transformers have them: all words, with commas between them."""
    return ["tench, Tinca tinca" if number == 0 else name for number, name in enumerate(categories())]


@pytest.mark.parametrize("names", [categories(), described(), [wnid for (wnid,) in imagenet().names]])
def test_a_model_of_imagenet_is_known_by_its_names(imagenette: Path, names: list[str]) -> None:
    data = open_dataset(imagenette, split="val", class_names=names)
    assert data.true_labels.tolist() == list(IMAGENETTE.values())
    assert data.classes == tuple(names)
    # Two classes are called crane: in a model of ImageNet each has its place, and by the word alone neither is meant.
    assert [of_model(names).number(wnid) for wnid in ("n02012849", "n03126707")] == [134, 517]


def test_names_in_another_order_than_imagenets_are_found_by_name(imagenette: Path) -> None:
    names = categories()[::-1]
    data = open_dataset(imagenette, split="val", class_names=names)
    assert data.true_labels.tolist() == [999 - number for number in IMAGENETTE.values()]
    assert of_model(names).number("n02012849") is None  # a crane, of which there are two


def test_a_model_of_some_of_imagenets_classes_has_their_ids(imagenette: Path) -> None:
    own = [categories()[number] for number in IMAGENETTE.values()][::-1]
    data = open_dataset(imagenette, split="val", class_names=own)
    assert data.true_labels.tolist() == list(range(9, -1, -1))
    with pytest.raises(InvalidInput, match="got n01440764"):
        open_dataset(imagenette, split="val", class_names=own[:9])


def test_a_word_of_a_model_of_other_things_is_not_taken_for_imagenets() -> None:
    """ImageNet's mouse is that of a computer."""
    assert of_model(["cat", "mouse"]).number("n03793489") is None
    assert of_model(["cat", "mouse, computer mouse"]).number("n03793489") == 1
    assert of_model(["tench", "mouse"]).number("n03793489") == 1


def test_a_part_of_a_name_is_a_name_unless_two_classes_have_it() -> None:
    known = of_model(["tub, vat", "bathtub, bathing tub, tub", "horn", "French horn, horn"])
    assert [known.number(name) for name in ("VAT", "bathing tub", "tub", "horn", "French horn, horn", "Horn")] == [
        0, 1, None, 2, 3, 2,
    ]  # fmt: skip


@pytest.mark.parametrize("names", ["cat", [], [1, 2], [""][:0], 5])
def test_names_of_a_model_that_are_no_names(names: Any) -> None:
    with pytest.raises(InvalidInput, match=r"the names of the (model's )?classes"):
        open_dataset([], class_names=names)
