"""Image files in folders: one subfolder for each class, or no classes at all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from maskcover.data.dataset import Dataset, IntArray, Skipped
from maskcover.data.images import SUFFIXES, ImageArray, read_image, read_size
from maskcover.data.labels import Request, numbers_of
from maskcover.errors import InvalidInput

SPLITS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})
_DEEPEST = 200  # folders in folders; Python's own limit is not far above


def open_folder(folder: Path, request: Request) -> Dataset:
    """Open the images below a folder, or below the subfolder that the split names.

    Subfolders are classes, in the order of their names. If all names are whole numbers, and no name of the model's
    classes is a number, they are the numbers of the model's classes. If images lie beside the subfolders, these are not
    classes, and there are no labels.
    """
    folder = part_of(folder, request.split)
    classes, walk = subfolders(folder), Walk(folder)
    if not classes or any(map(_is_image, files_in(folder))):
        return walk.recorded(of_files(str(folder), folder, list(walk.images()), None))
    numbers = None if request.digits_are_names else numbers_of(classes, str(folder))
    walk.other += files_in(folder)
    files = [list(walk.images(f"{name}/")) for name in classes]
    labels = np.repeat(np.array(range(len(classes)) if numbers is None else numbers, np.int64), [*map(len, files)])
    empty = [name for name, paths in zip(classes, files, strict=True) if not paths]
    paths = [path for some in files for path in some]
    return walk.recorded(
        of_files(str(folder), folder, paths, labels, tuple(classes) if numbers is None else None), empty
    )


def part_of(folder: Path, split: str | None) -> Path:
    """The subfolder that a split names; the folder itself if there is no split and no such subfolder.

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
    """A data set of image files; their paths within a folder are the ids."""
    if not ids:
        raise InvalidInput(f"found no images in {source}; expected files such as .png or .jpg")

    def image_at(number: int) -> ImageArray:
        return read_image(folder / ids[number], str(folder / ids[number]))

    def size_of(number: int) -> tuple[int, int]:
        return read_size(folder / ids[number], str(folder / ids[number]))

    return Dataset(source, tuple(ids), labels, image_at, size_of, classes)


def subfolders(folder: Path) -> list[str]:
    """The names of the folders in a folder, in order, without names that begin with a dot."""
    return [entry.name for entry in _entries(folder) if _is_folder(entry)]


def files_in(folder: Path) -> list[str]:
    """The names of the files in a folder, in order."""
    return [entry.name for entry in _entries(folder) if not _is_folder(entry)]


def has_images(folder: Path) -> bool:
    """Whether an image file lies anywhere below a folder."""
    return next(Walk(folder).images(), None) is not None


@dataclass(slots=True)
class Walk:
    """A walk through all folders below a folder, each once; `other` collects the files that are not images."""

    folder: Path
    other: list[str] = field(default_factory=list)
    visited: dict[tuple[int, int], str] = field(default_factory=dict)

    def images(self, prefix: str = "") -> Iterator[str]:
        """The paths of the image files below a subfolder, relative to the folder, in the order of names.

        Raises:
            InvalidInput: links lead to one folder twice: the same images would have several names, or the walk no end.
        """
        self._expect_new(prefix)
        for entry in _entries(self.folder / prefix):
            if _is_folder(entry):
                yield from self.images(f"{prefix}{entry.name}/")
            elif _is_image(entry.name):
                yield f"{prefix}{entry.name}"
            else:
                self.other.append(f"{prefix}{entry.name}")

    def recorded(self, dataset: Dataset, empty: Sequence[str] = ()) -> Dataset:
        """The data set with a record of the files that were left out."""
        return replace(dataset, skipped=Skipped.of(self.other, empty))

    def _expect_new(self, prefix: str) -> None:
        path = self.folder / prefix
        if prefix.count("/") > _DEEPEST:
            raise InvalidInput(f"{path} lies more than {_DEEPEST} folders deep; expected the images higher up")
        try:
            status = os.stat(path)  # noqa: PTH116  # of a thousand classes
        except OSError as error:
            raise InvalidInput(f"cannot read the folder {path}: {error.strerror}") from error
        before = self.visited.setdefault((status.st_dev, status.st_ino), prefix)
        if before != prefix:
            raise InvalidInput(f"{path} is the same folder as {self.folder / before}, by a link; take one of them away")


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122  # a million times: no Path for each


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:  # a link to itself
        raise InvalidInput(f"cannot read {entry.path}: {error.strerror}") from error


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
    except OSError as error:
        raise InvalidInput(f"cannot read the folder {folder}: {error.strerror}") from error
