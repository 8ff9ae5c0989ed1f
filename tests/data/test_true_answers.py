"""Texts as true answers: from NPZ, Hugging Face and Python objects, and never as class numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from maskcover.data import open_dataset
from maskcover.errors import InvalidInput
from tests.data import test_huggingface as hf
from tests.data.files import noise

TEXTS = ["STOP", " SLOW 30", "7"]
ANSWERS = ("STOP", "SLOW 30", "7")
PICTURES = np.stack([noise(number) for number in range(3)])


class Listed:
    """An object that tells its labels in a list, as data sets of torchvision do."""

    def __init__(self, targets: Any, items: Any) -> None:
        self.targets, self.items = targets, items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, number: int) -> tuple[Any, Any]:
        return PICTURES[number], self.items[number]


def saved(folder: Path, labels: Any) -> Path:
    np.savez(folder / "signs.npz", images=PICTURES, labels=labels)
    return folder / "signs.npz"


def in_columns(folder: Path, monkeypatch: pytest.MonkeyPatch, values: Any, kind: Any) -> Path:
    """A folder of Hugging Face whose column label has these values."""
    pictures = hf.column
    with monkeypatch.context() as patch:
        patch.setattr(
            hf, "column",
            lambda name, one, count: pictures(name, one, count) if name == "image" else pa.array(values, kind),
        )  # fmt: skip
        return hf.write(folder, {"image": hf.IMAGE, "label": {"_type": "Value", "dtype": "string"}}, (2, 1))


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_texts_of_npz_are_answers(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = saved(tmp_path, np.array(TEXTS).reshape(shape))
    data = open_dataset(path, answers=True)
    assert (data.true_answers, data.labels) == (ANSWERS, None)
    assert data.part([2, 0]).true_answers == ("7", "STOP")
    with pytest.raises(InvalidInput, match="expected one whole number as the label"):
        open_dataset(path)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array(["a", "b"]), "one text for each of 3 images"),
        (np.array(["a", " ", "b"]), "row/000001 has ' '"),
        (np.array([b"a", b"b", b"c"]), "expected one whole number as the label"),
    ],
)
def test_other_texts_of_npz_are_refused(tmp_path: Path, labels: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        open_dataset(saved(tmp_path, labels), answers=True)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_a_column_of_texts_is_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    folder = in_columns(tmp_path / "data", monkeypatch, TEXTS, kind)
    data = open_dataset(folder, answers=True)
    assert (data.true_answers, data.labels, data.classes) == (ANSWERS, None, None)
    assert np.array_equal(data[2], PICTURES[2])
    with pytest.raises(InvalidInput, match="expected whole numbers as labels; got"):
        open_dataset(folder)


def test_a_column_with_a_missing_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = in_columns(tmp_path / "data", monkeypatch, ["a", None, "b"], pa.string())
    with pytest.raises(InvalidInput, match=r"row/000001 has None"):
        open_dataset(folder, answers=True)


@pytest.mark.parametrize(
    "source",
    [
        list(zip(PICTURES, TEXTS, strict=True)),
        [{"image": picture, "label": text} for picture, text in zip(PICTURES, TEXTS, strict=True)],
        Listed(TEXTS, TEXTS),
        Listed(np.array(TEXTS), np.array(TEXTS)),
    ],
    ids=["items", "mappings", "targets", "array"],
)
def test_texts_of_objects_are_answers(source: Any) -> None:
    data = open_dataset(source, answers=True)
    assert (data.true_answers, data.labels) == (ANSWERS, None)
    assert {type(answer) for answer in data.true_answers} == {str}
    assert np.array_equal(data[1], PICTURES[1])
    with pytest.raises(InvalidInput, match="expected a whole number as label"):
        open_dataset(source)


def test_a_mixture_of_texts_and_numbers_is_refused() -> None:
    mixed = list(zip(PICTURES, ["a", 1, "1"], strict=True))
    with pytest.raises(InvalidInput, match=r"item/000001 has 1"):
        open_dataset(mixed, answers=True)
    with pytest.raises(InvalidInput, match=r"item/000001 has 1"):
        open_dataset(Listed(["a", 1, "1"], ["a", 1, "1"]), answers=True)
    with pytest.raises(InvalidInput, match="a whole number or a text as label"):
        open_dataset([(PICTURES[0], 1.5)], answers=True)


def test_items_that_contradict_the_list_of_texts_are_errors() -> None:
    data = open_dataset(Listed(TEXTS, ["STOP", "GO", "7"]), answers=True)
    with pytest.raises(InvalidInput, match="has the label GO as an item"):
        data[1]


@pytest.mark.parametrize("label", [-1, 2])
def test_a_number_without_a_name_is_no_answer(label: int) -> None:
    class Named(Listed):
        classes = ("stop", "go")

    with pytest.raises(InvalidInput, match=f"item/000001 has the label {label}"):
        _ = open_dataset(Named([0, label, 1], [0, label, 1]), answers=True).true_answers
    assert open_dataset(Named([0, 1, 1], [0, 1, 1]), answers=True).true_answers == ("stop", "go", "go")
