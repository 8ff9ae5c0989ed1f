"""Image files in folders: one subfolder for each class, or no classes at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from maskcover.data.classes import ClassList
from maskcover.data.dataset import Dataset, IntArray
from maskcover.data.pictures import SUFFIXES, picture_size, read_picture
from maskcover.errors import InvalidInput

SPLITS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})


def open_folder(folder: Path, split: str | None, _: ClassList | None) -> Dataset:
    """The images below a folder, or below the subfolder that the split names.

    Subfolders are classes: numbered by their names if all of these are whole numbers, else in the order of names. Where
    images lie beside them, subfolders are not taken for classes, and there are no labels.
    """
    folder = part_of(folder, split)
    classes = subfolders(folder)
    if not classes or any(map(_is_image, files_in(folder))):
        return of_files(str(folder), folder, list(_images(folder)), None)
    numbered = all(name.isdecimal() for name in classes)
    paths, labels = list[str](), list[int]()
    for number, name in enumerate(classes):
        found = list(_images(folder, f"{name}/"))
        paths += found
        labels += [int(name) if numbered else number] * len(found)
    return of_files(str(folder), folder, paths, np.array(labels, np.int64), None if numbered else tuple(classes))


def part_of(folder: Path, split: str | None) -> Path:
    """The subfolder that a split names; the folder itself where there are no such parts.

    Raises:
        InvalidInput: the subfolders are parts such as train and val, and none is named; there is no such part.
    """
    names = subfolders(folder)
    if split is None:
        if names and all(name.lower() in SPLITS for name in names):
            raise InvalidInput(f"{folder} has the parts {', '.join(names)}; name one with split= (--split)")
        return folder
    if split not in names:
        raise InvalidInput(f"{folder} has no part {split!r}; expected one of {', '.join(names) or 'no subfolders'}")
    return folder / split


def of_files(
    source: str, folder: Path, ids: Sequence[str], labels: IntArray | None, classes: tuple[str, ...] | None = None
) -> Dataset:
    """The image files with these paths within a folder, which are their ids."""
    if not ids:
        raise InvalidInput(f"found no images in {source}; expected files such as .png or .jpg")

    def read(number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        return read_picture(folder / ids[number], str(folder / ids[number]))

    def measure(number: int) -> tuple[int, int]:
        return picture_size(folder / ids[number], str(folder / ids[number]))

    return Dataset(source, tuple(ids), labels, read, measure, classes)


def subfolders(folder: Path) -> list[str]:
    """The names of the folders in a folder, in order; what begins with a dot belongs to programs."""
    return [entry.name for entry in _entries(folder) if entry.is_dir()]


def files_in(folder: Path) -> list[str]:
    """The names of the files in a folder, in order."""
    return [entry.name for entry in _entries(folder) if not entry.is_dir()]


def has_images(folder: Path) -> bool:
    """Whether an image file lies anywhere below a folder."""
    return next(_images(folder), None) is not None


def _images(folder: Path, prefix: str = "") -> Iterator[str]:
    """The paths of the image files below a subfolder, relative to the folder, in the order of names."""
    for entry in _entries(folder / prefix):
        if entry.is_dir():
            yield from _images(folder, f"{prefix}{entry.name}/")
        elif _is_image(entry.name):
            yield f"{prefix}{entry.name}"


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122  # a million times: no Path for each


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((one for one in entries if not one.name.startswith(".")), key=lambda one: one.name)
    except OSError as error:
        raise InvalidInput(f"cannot read the folder {folder}: {error.strerror}") from error
