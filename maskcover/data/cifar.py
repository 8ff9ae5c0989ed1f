"""Reading CIFAR-10 and CIFAR-100 from the files that are distributed: pickles of Python, or records of bytes.

torchvision reads only the pickles, by ``pickle.load``, which runs whatever a file names, and only files with the
checksums of the archive. And the core imports no framework. So the files are read here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.data.arrays import numbered
from maskcover.data.dataset import Dataset
from maskcover.data.images import ImageArray
from maskcover.data.labels import Request
from maskcover.data.unpickling import read_pickle
from maskcover.errors import InvalidInput

Bytes = npt.NDArray[np.uint8]
_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE
_FILES = {
    (10, "train"): tuple(f"data_batch_{number}" for number in range(1, 6)),
    (10, "test"): ("test_batch",),
    (100, "train"): ("train",),
    (100, "test"): ("test",),
}
_FOLDERS = {10: ("cifar-10-batches-py", "cifar-10-batches-bin"), 100: ("cifar-100-python", "cifar-100-binary")}
_NAMES = {  # pickle with the names of the classes, its key, text file with the names
    10: ("batches.meta", "label_names", "batches.meta.txt"),
    100: ("meta", "fine_label_names", "fine_label_names.txt"),
}


def open_cifar10(path: Path, request: Request) -> Dataset:
    """Open CIFAR-10 from its folder, or from the folder above it; by default the test images."""
    return _open(path, request.split, 10)


def open_cifar100(path: Path, request: Request) -> Dataset:
    """Open CIFAR-100 with its 100 fine labels, from its folder or the folder above it; by default the test images."""
    return _open(path, request.split, 100)


def is_cifar10(path: Path) -> bool:
    """Whether a folder holds CIFAR-10."""
    return _folder_of(path, 10) is not None


def is_cifar100(path: Path) -> bool:
    """Whether a folder holds CIFAR-100."""
    return _folder_of(path, 100) is not None


def _open(path: Path, split: str | None, classes: int) -> Dataset:
    part = split or "test"
    if (classes, part) not in _FILES:
        raise InvalidInput(f"{path}: CIFAR-{classes} has the parts train and test; got {split!r}")
    folder = _folder_of(path, classes)
    names = _FILES[classes, part]
    if folder is None:
        raise InvalidInput(
            f"{path} is not a folder of CIFAR-{classes}; expected the files {', '.join(names)}, or the same with .bin"
        )
    packed = (folder / f"{names[0]}.bin").is_file()
    read_file: Callable[[Path, int], tuple[Bytes, Bytes]] = _read_records if packed else _read_pickled
    files = [read_file(folder / (f"{name}.bin" if packed else name), classes) for name in names]
    labels = np.concatenate([numbers for _, numbers in files]).astype(np.int64)
    return Dataset(
        f"CIFAR-{classes} {part} in {folder}",
        numbered(part, len(labels)),
        labels,
        _read_from([pixels for pixels, _ in files]),
        lambda _: (_SIDE, _SIDE),
        _class_names(folder, classes),
    )


def _folder_of(path: Path, classes: int) -> Path | None:
    """The folder with the files: the given one, or a folder in it named as in the archive; None if there is none."""
    names = [name for part in ("test", "train") for name in _FILES[classes, part]]
    for folder in (path, *(path / name for name in _FOLDERS[classes])):
        if any((folder / f"{name}{suffix}").is_file() for name in names for suffix in ("", ".bin")):
            return folder
    return None


def _read_from(files: list[Bytes]) -> Callable[[int], ImageArray]:
    """A function that returns an image by its number, from arrays (n, 3072) that follow each other."""
    starts = np.cumsum([0, *map(len, files)])

    def image_at(number: int) -> ImageArray:
        file = int(np.searchsorted(starts, number, side="right")) - 1
        planes = np.array(files[file][number - starts[file]]).reshape(3, _SIDE, _SIDE)
        return np.ascontiguousarray(planes.transpose(1, 2, 0))

    return image_at


def _read_records(path: Path, classes: int) -> tuple[Bytes, Bytes]:
    """The pixels and labels of a file of records: one label (for CIFAR-100 two, the coarse one first), then pixels."""
    head = 1 if classes == 10 else 2
    size = path.stat().st_size if path.is_file() else 0
    if not size or size % (head + _PIXELS):
        raise InvalidInput(
            f"{path}: expected a file of records of {head + _PIXELS} bytes; it has {size:,} bytes: is it truncated?"
        )
    records = np.memmap(path, np.uint8, "r").reshape(-1, head + _PIXELS)
    return records[:, head:], np.array(records[:, head - 1])


def _read_pickled(path: Path, classes: int) -> tuple[Bytes, Bytes]:
    """The pixels and labels of a pickle."""
    document = read_pickle(path)
    pixels, labels = document.get("data"), document.get("labels" if classes == 10 else "fine_labels")
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 2 or pixels.shape[1] != _PIXELS or not len(pixels):
        raise InvalidInput(f"{path}: expected data of {_PIXELS} bytes for each image")
    if (
        not isinstance(labels, list)
        or len(labels) != len(pixels)
        or not all(_is_class(label, classes) for label in labels)
    ):
        raise InvalidInput(f"{path}: expected a label from 0 to {classes - 1} for each of {len(pixels)} images")
    return pixels, np.array(labels, np.uint8)


def _is_class(label: Any, classes: int) -> bool:
    return type(label) is int and 0 <= label < classes


def _class_names(folder: Path, classes: int) -> tuple[str, ...] | None:
    """The names of the classes from the file in the folder; None if there is no such file."""
    pickled, key, listed = _NAMES[classes]
    if (folder / pickled).is_file():
        names = read_pickle(folder / pickled).get(key)
    elif (folder / listed).is_file():
        names = (folder / listed).read_text(encoding="utf-8", errors="replace").split()
    else:
        return None
    if not isinstance(names, list) or len(names) != classes:
        raise InvalidInput(f"{folder}: expected the names of {classes} classes in {pickled} or {listed}")
    return tuple(map(str, names))
