"""Folders of images: classes, parts, ids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskcover.data import Dataset, open_dataset
from maskcover.errors import InvalidInput
from tests.data.files import gradient, save, tree


def labels(data: Dataset) -> dict[str, int]:
    return dict(zip(data.ids, data.true_labels.tolist(), strict=True))


def test_classes_are_numbered_by_the_order_of_their_names(tmp_path: Path) -> None:
    tree(tmp_path, "cat/x.png", "ant/y.JPG", "ant/deep/z.png", "ant/notes.txt", "bee/.hidden.png", ".cache/a.png")
    data = open_dataset(tmp_path)
    assert list(labels(data).items()) == [("ant/deep/z.png", 0), ("ant/y.JPG", 0), ("cat/x.png", 2)]
    assert data.classes == ("ant", "bee", "cat")


def test_classes_named_by_numbers_keep_them(tmp_path: Path) -> None:
    data = open_dataset(tree(tmp_path, "281/x.png", "10/x.png"))
    assert labels(data) == {"10/x.png": 10, "281/x.png": 281}
    assert data.classes is None


def test_pictures_and_their_sizes_are_those_of_the_files(tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / f"{number % 2}/{number}.png", gradient(4 + number, 7))
    data = open_dataset(tmp_path)
    assert data.ids == ("0/0.png", "0/2.png", "1/1.png")
    assert [data.size(number) for number in range(3)] == [(4, 7), (6, 7), (5, 7)]
    assert np.array_equal(data[2], np.asarray(gradient(5, 7)))
    with pytest.raises(IndexError):
        data[3]


def test_the_parts_of_a_data_set_are_told_from_classes(tmp_path: Path) -> None:
    tree(tmp_path, "train/cat/a.png", "train/dog/b.png", "val/cat/c.png")
    with pytest.raises(InvalidInput, match="has the parts train, val; name one with split="):
        open_dataset(tmp_path)
    assert open_dataset(tmp_path, split="val").ids == ("cat/c.png",)
    assert labels(open_dataset(tmp_path, split="train")) == {"cat/a.png": 0, "dog/b.png": 1}
    with pytest.raises(InvalidInput, match="no part 'test'; expected one of train, val"):
        open_dataset(tmp_path, split="test")


def test_images_beside_folders_are_no_classes(tmp_path: Path) -> None:
    data = open_dataset(tree(tmp_path, "b.png", "a/x.png"))
    assert (data.ids, data.labels) == (("a/x.png", "b.png"), None)
    with pytest.raises(InvalidInput, match="has no labels"):
        _ = data.true_labels


def test_folders_without_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="found no images"):
        open_dataset(f"folder:{tmp_path}")
    (tmp_path / "cat").mkdir()
    with pytest.raises(InvalidInput, match="found no images"):
        open_dataset(tmp_path)
    with pytest.raises(InvalidInput, match="there is no file or folder"):
        open_dataset(f"folder:{tmp_path / 'nowhere'}")


def test_numbers_as_names_of_classes_are_numbers_unless_names_are_given(tmp_path: Path) -> None:
    tree(tmp_path, "0/a.png", "90/b.png", "180/c.png", "270/d.png")
    assert labels(open_dataset(tmp_path)) == {"0/a.png": 0, "180/c.png": 180, "270/d.png": 270, "90/b.png": 90}
    named = open_dataset(tmp_path, classes=["0", "90", "180", "270"])
    assert labels(named) == {"0/a.png": 0, "180/c.png": 2, "270/d.png": 3, "90/b.png": 1}
    with pytest.raises(InvalidInput, match="expected labels from 0 to 3"):
        open_dataset(tmp_path, classes=4)


def test_numbers_as_names_are_names_to_the_letter_where_names_are_given(tmp_path: Path) -> None:
    tree(tmp_path, "1/a.png", "01/b.png")
    assert labels(open_dataset(tmp_path, classes=["1", "01"])) == {"01/b.png": 1, "1/a.png": 0}


@pytest.mark.parametrize("name", ["01", "9" * 21, "9" * 200])
def test_numbers_that_could_be_read_in_two_ways_are_refused(tmp_path: Path, name: str) -> None:
    tree(tmp_path, "1/a.png", f"{name}/b.png")
    with pytest.raises(InvalidInput, match=r"is no class number|are the same class number"):
        open_dataset(tmp_path)


def test_links_that_lead_back_end_at_once(tmp_path: Path) -> None:
    tree(tmp_path, "cat/a.png", "dog/b.png")
    for number in range(3):
        (tmp_path / f"cat/again{number}").symlink_to(tmp_path / "cat")
    with pytest.raises(InvalidInput, match=r"is the same folder as .*, by a link"):
        open_dataset(tmp_path)


def test_one_folder_of_two_classes_is_refused(tmp_path: Path) -> None:
    tree(tmp_path, "cat/a.png")
    (tmp_path / "dog").symlink_to(tmp_path / "cat")
    with pytest.raises(InvalidInput, match=r"dog.* is the same folder as .*cat"):
        open_dataset(tmp_path)


def test_links_to_other_folders_and_to_images_are_followed(tmp_path: Path) -> None:
    tree(tmp_path, "elsewhere/x.png", "data/dog/b.png")
    (tmp_path / "data/cat").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data/dog/c.png").symlink_to(tmp_path / "elsewhere/x.png")
    assert labels(open_dataset(tmp_path / "data")) == {"cat/x.png": 0, "dog/b.png": 1, "dog/c.png": 1}


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    tree(tmp_path, "cat/a.png")
    (tmp_path / "cat/b.png").symlink_to(tmp_path / "cat/b.png")
    with pytest.raises(InvalidInput, match=r"cannot read .*b.png: Too many levels"):
        open_dataset(tmp_path)


def test_folders_deeper_than_anyone_has_them_are_refused(tmp_path: Path) -> None:
    deep = tmp_path / "data/cat"
    deep.mkdir(parents=True)
    for _ in range(300):
        deep = deep / "a"
        deep.mkdir()
    with pytest.raises(InvalidInput, match="lies more than 200 folders deep"):
        open_dataset(tmp_path / "data")
