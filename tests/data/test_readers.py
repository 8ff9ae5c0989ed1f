"""One contract for all readers: the same pictures with the same labels are the same, whatever they are kept in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import datasets as hugging  # type: ignore[import-untyped]  # has no types
import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from torchvision import datasets  # type: ignore[import-untyped]  # has no types

from maskcover.data import Dataset, Preprocessing, Skipped, for_model, open_dataset
from maskcover.data.labels import expect_matching
from maskcover.errors import InvalidInput
from tests.data import test_cifar, test_idx, test_webdataset
from tests.data.files import noise, png, save
from tests.data.test_huggingface import IMAGE, rewritten_as

PICTURES = (2, 0, 1, 2)  # the class of each, among the names in the order of their letters
NAMES = ("ant", "bee", "cow")
MODEL = ("cow", "dog", "ant", "bee")  # in the order of its outputs
EXPECTED = (0, 2, 3, 0)

Writer = Callable[[Path, Sequence[str]], Any]


def folder(path: Path, names: Sequence[str]) -> Path:
    for number, label in enumerate(PICTURES):
        save(path / names[label] / f"{number}.png", Image.fromarray(noise(number)))
    return path


def table(path: Path, names: Sequence[str]) -> Path:
    lines = ["path,label"]
    for number, label in enumerate(PICTURES):
        save(path / f"{number}.png", Image.fromarray(noise(number)))
        lines.append(f"{number}.png,{names[label]}")
    (path / "t.csv").write_text("\n".join(lines))
    return path / "t.csv"


def shard(path: Path, names: Sequence[str]) -> Path:
    members = dict[str, bytes]()
    for number, label in enumerate(PICTURES):
        members |= {f"{number}.png": png(noise(number)), f"{number}.cls": names[label].encode()}
    return test_webdataset.shard(path / "a.tar", members)


def shard_of_json(path: Path, names: Sequence[str]) -> Path:
    members = dict[str, bytes]()
    for number, label in enumerate(PICTURES):
        content = json.dumps({"label": names[label]}).encode()
        members |= {f"{number}.png": png(noise(number)), f"{number}.json": content}
    return test_webdataset.shard(path / "a.tar", members)


def on_disk(path: Path, names: Sequence[str]) -> Path:
    images = [{"bytes": png(noise(number)), "path": None} for number in range(len(PICTURES))]
    label = {"_type": "ClassLabel", "names": list(names)}
    return rewritten_as(path / "data", {"image": IMAGE, "label": label}, pa.array(PICTURES), images)


def in_memory(_: Path, names: Sequence[str], column: str = "label") -> Any:
    features = hugging.Features({"img": hugging.Image(), column: hugging.ClassLabel(names=list(names))})
    images = [Image.fromarray(noise(number)) for number in range(len(PICTURES))]
    return hugging.Dataset.from_dict({"img": images, column: list(PICTURES)}, features=features)


def fine_labels(path: Path, names: Sequence[str]) -> Any:
    return in_memory(path, names, "fine_label")


class Listed(torch.utils.data.Dataset[Any]):
    """Pairs with the names of their classes."""

    def __init__(self, classes: list[Any] | None) -> None:
        self.classes = classes
        self.class_to_idx: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(PICTURES)

    def __getitem__(self, number: int) -> Any:
        return noise(number), PICTURES[number]


def pairs(_: Path, names: Sequence[str]) -> Listed:
    return Listed(list(names))


def image_folder(path: Path, names: Sequence[str]) -> Any:
    return datasets.ImageFolder(str(folder(path, names)))


def part(path: Path, names: Sequence[str]) -> Any:
    return torch.utils.data.Subset(pairs(path, names), range(4))


def part_of_a_part(path: Path, names: Sequence[str]) -> Any:
    return torch.utils.data.Subset(part(path, names), [0, 1, 2, 3])


def joined(path: Path, names: Sequence[str]) -> Any:
    whole = pairs(path, names)
    return torch.utils.data.ConcatDataset([torch.utils.data.Subset(whole, [first, first + 1]) for first in (0, 2)])


def cifar(path: Path, names: Sequence[str]) -> Path:
    pixels = np.stack([np.resize(noise(number).transpose(2, 0, 1).ravel(), 3072) for number in range(len(PICTURES))])
    (path / "test_batch").write_bytes(test_cifar.python2({"data": pixels, "labels": list(PICTURES)}))
    every = [*names, *(f"more{number}" for number in range(10 - len(names)))]
    (path / "batches.meta").write_bytes(test_cifar.python2({"label_names": every}))
    return path


WRITERS: dict[str, Writer] = {
    "folder": folder, "csv": table, "wds": shard, "wds of json": shard_of_json, "hf": on_disk,
    "datasets.Dataset": in_memory, "fine_label": fine_labels, "pairs": pairs, "ImageFolder": image_folder,
    "Subset": part, "Subset of a Subset": part_of_a_part, "ConcatDataset": joined, "cifar10": cifar,
}  # fmt: skip
BY_NAME_ALONE = {"csv", "wds", "wds of json"}  # they name classes, and no order of them
TELL = set(WRITERS) - BY_NAME_ALONE


def by_picture(data: Dataset) -> list[int]:
    """The labels in the order in which the pictures were written, told by their first pixels."""
    if data.size(0) == (32, 32):
        return list(data.true_labels)
    written = [noise(number).tobytes() for number in range(len(PICTURES))]
    labels = dict(zip([data[number].tobytes() for number in range(len(data))], data.true_labels.tolist(), strict=True))
    return [labels[content] for content in written]


FORMS: dict[str, Callable[[Path, Sequence[str]], Any]] = {
    "list": lambda _, names: list(names),
    "id2label": lambda _, names: dict(enumerate(names)),
    "label2id": lambda _, names: {name: number for number, name in reversed([*enumerate(names)])},
    "lines": lambda path, names: _file(path, "\n".join(names)),
    "JSON list": lambda path, names: _file(path, json.dumps(list(names))),
    "JSON id2label": lambda path, names: _file(path, json.dumps(dict(enumerate(names)))),
    "JSON label2id": lambda path, names: _file(path, json.dumps({name: n for n, name in enumerate(names)})),
}


def _file(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.mark.parametrize("reader", WRITERS)
def test_names_that_are_given_win_in_every_form(place: Path, tmp_path: Path, reader: str) -> None:
    source = WRITERS[reader](place, NAMES)
    for form, make in FORMS.items():
        data = open_dataset(source, classes=make(tmp_path / "classes" / form, MODEL))
        assert by_picture(data) == list(EXPECTED), form
        assert (data.classes, data.matched) == (MODEL, True)


@pytest.mark.parametrize("names", [("0", "1", "10"), ("0", "180", "90"), ("1", "2", "3")])
@pytest.mark.parametrize("reader", WRITERS)
def test_names_that_are_numbers_are_names_where_names_are_given(
    place: Path, reader: str, names: tuple[str, ...]
) -> None:
    """A model of torchvision's folders counts 0, 1, 10, 11, …, 2; one of rotations has 0, 90, 180, 270."""
    source = WRITERS[reader](place, names)
    model = (names[2], "7000", names[0], names[1])
    assert by_picture(open_dataset(source, classes=model)) == list(EXPECTED)
    assert by_picture(open_dataset(source, class_names=model)) == list(EXPECTED)
    with pytest.raises(InvalidInput, match=rf"got .*{names[0]}|the label '{names[0]}'|'label': '{names[0]}'"):
        open_dataset(source, classes=["7000", "8000", names[1], names[2]])


@pytest.mark.parametrize("reader", WRITERS)
def test_names_that_are_numbers_are_numbers_where_no_names_are_given_or_none_is_a_number(
    place: Path, reader: str
) -> None:
    source = WRITERS[reader](place, ("0", "1", "2"))
    if reader != "cifar10":  # whose other names are words
        assert by_picture(open_dataset(source)) == [2, 0, 1, 2]
        assert by_picture(open_dataset(source, classes=["ant", "bee", "cow", "dog"])) == [2, 0, 1, 2]


@pytest.mark.parametrize("reader", sorted(TELL - {"folder", "cifar10"}))
def test_numbers_in_another_order_than_they_say_are_not_guessed_at(place: Path, reader: str) -> None:
    source = WRITERS[reader](place, ("0", "1", "10"))
    for classes in (None, 3, 11):
        with pytest.raises(InvalidInput, match="numbers as names of classes, but in another order: 10 is class 2"):
            open_dataset(source, classes=classes)


@pytest.mark.parametrize("reader", sorted(TELL))
def test_readers_keep_the_names_that_the_data_tell(place: Path, reader: str) -> None:
    data = open_dataset(WRITERS[reader](place, NAMES))
    assert data.classes is not None
    assert data.classes[:3] == NAMES
    assert by_picture(data) == [2, 0, 1, 2]
    assert data.matched is False


@pytest.mark.parametrize("reader", WRITERS)
def test_a_class_that_the_model_lacks_is_an_error(place: Path, reader: str) -> None:
    source = WRITERS[reader](place, NAMES)
    for told in ({"classes": ["ant", "bee", "dog"]}, {"class_names": ("ant", "bee", "dog")}):
        with pytest.raises(InvalidInput, match="cow"):
            open_dataset(source, **told)


@pytest.mark.parametrize("reader", WRITERS)
def test_the_names_that_a_model_knows_are_taken_unless_others_are_given(place: Path, reader: str) -> None:
    source = WRITERS[reader](place, NAMES)
    data = open_dataset(source, class_names=MODEL)
    assert (by_picture(data), data.classes, data.matched) == (list(EXPECTED), MODEL, True)
    typed = open_dataset(source, classes=NAMES[::-1], class_names=("Kuh", "Biene", "Ameise"))
    assert (by_picture(typed), typed.classes) == ([0, 2, 1, 0], NAMES[::-1])
    with pytest.raises(InvalidInput, match=r"gives 3 classes, but the model knows 4 by name \(cow, dog, ant, bee\)"):
        open_dataset(source, classes=NAMES, class_names=MODEL)


@pytest.mark.parametrize("reader", sorted(TELL))
def test_data_that_were_opened_before_are_brought_to_the_model_or_refused(place: Path, reader: str) -> None:
    """Where data and model meet: a data set in its own order never passes for one in the model's."""
    data = open_dataset(WRITERS[reader](place, NAMES))
    images = data.prepared(Preprocessing())
    assert by_picture(for_model(data, MODEL)) == list(EXPECTED)
    assert for_model(data, None) is data
    with pytest.raises(InvalidInput, match=r"not labelled in the order of the model's classes \(cow, dog, ant, bee\)"):
        expect_matching(images, data.true_labels, 4 if len(data.classes or ()) == 4 else None, MODEL)
    with pytest.raises(InvalidInput, match=r"classes.*and the model 1000: which is which"):
        expect_matching(images, data.true_labels, 1000, None)
    right = for_model(data, MODEL)
    expect_matching(right.prepared(Preprocessing()), right.true_labels, 4, MODEL)
    expect_matching(images, right.true_labels, 4, MODEL)  # the caller numbered them himself
    expect_matching(images, data.true_labels, len(data.classes or ()), None)


def arrays(path: Path) -> Path:
    np.savez(path / "a.npz", images=np.stack([noise(number) for number in range(4)]), labels=np.array(PICTURES))
    return path / "a.npz"


def mnist(path: Path) -> Path:
    images = np.stack([noise(number)[:, :, 0] for number in range(4)])
    test_idx.write(path, "test", images, np.array(PICTURES, np.uint8))
    return path


def plain_pairs(_: Path) -> list[Any]:
    return [(noise(number), label) for number, label in enumerate(PICTURES)]


@pytest.mark.parametrize("make", [arrays, mnist, plain_pairs])
def test_numbers_without_names_are_names_only_for_classes_called_by_numbers(
    place: Path, make: Callable[[Path], Any]
) -> None:
    data = open_dataset(make(place))
    assert (data.true_labels.tolist(), data.classes) == ([2, 0, 1, 2], None)
    assert open_dataset(data, classes=["ant", "bee", "cow"]).true_labels.tolist() == [2, 0, 1, 2]
    assert open_dataset(data, classes=["2", "1", "0"]).true_labels.tolist() == [0, 2, 1, 0]
    assert for_model(data, ("0", "1", "2")).true_labels.tolist() == [2, 0, 1, 2]
    for names in (["1", "2", "3"], ["-1", "1", "2"], ["0.0", "1.0", "2.0"]):
        with pytest.raises(InvalidInput, match="got 0"):
            open_dataset(data, classes=names)
    with pytest.raises(InvalidInput, match="not labelled in the order"):
        expect_matching(data.prepared(Preprocessing()), data.true_labels, 3, ("2", "1", "0"))


def test_joined_data_of_other_classes_are_refused(place: Path) -> None:
    join = torch.utils.data.ConcatDataset
    with pytest.raises(InvalidInput, match="joins data sets with other classes: ant, bee, cow; cow, bee, ant"):
        open_dataset(join([pairs(place, NAMES), pairs(place, NAMES[::-1])]))
    assert open_dataset(join([pairs(place, NAMES), Listed(None)])).classes is None


def test_the_classes_of_an_object_may_be_told_by_their_numbers() -> None:
    source = Listed(None)
    source.class_to_idx = {"cow": 2, "ant": 0, "bee": 1}
    assert open_dataset(source).classes == NAMES
    source.class_to_idx = {"cow": 2, "ant": 0}
    assert open_dataset(source).classes is None
    source.classes = [("ant", "emmet"), ("bee",), ("cow", "moo-cow")]  # as torchvision has those of ImageNet
    assert open_dataset(source).classes == ("ant, emmet", "bee", "cow, moo-cow")


def test_what_is_left_out_is_counted_and_named(place: Path) -> None:
    folder(place, NAMES)
    for name in ("ant/a.avif", "ant/deep/b.heic", "bee/c.jfif", "cow/d", "cow/e.jpe", "notes.txt", "cow/.hidden"):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).touch()
    (place / "dog").mkdir()
    data = open_dataset(place)
    examples = ("notes.txt", "ant/a.avif", "ant/deep/b.heic", "bee/c.jfif", "cow/d")
    assert data.skipped == Skipped(6, examples, ("dog",))
    assert str(data.skipped) == (
        "left out 6 that are no .png, .jpg or the like: notes.txt, ant/a.avif, ant/deep/b.heic, bee/c.jfif, cow/d, …; "
        "without an image: dog"
    )
    assert data.limited(1).prepared(Preprocessing()).skipped == data.skipped
    assert Skipped.read(data.skipped.document()) == data.skipped


def test_of_shards_too(tmp_path: Path) -> None:
    members = test_webdataset.samples(0) | {"1.avif": b"", "1.cls": b"0", "readme.txt": b""}
    path = test_webdataset.shard(tmp_path / "a.tar", members)
    with test_webdataset.appended(path) as archive:
        test_webdataset.link(archive, "2.png", "000.png")
    data = open_dataset(path)
    assert data.ids == ("a.tar/000",)
    assert data.skipped == Skipped(3, ("a.tar/2.png", "a.tar/1", "a.tar/readme"))


@pytest.mark.parametrize("reader", sorted(WRITERS))
def test_nothing_is_said_where_nothing_is_left_out(place: Path, reader: str) -> None:
    assert open_dataset(WRITERS[reader](place, NAMES), classes=MODEL).skipped is None
