"""NPZ files: named numpy arrays of pictures and labels, never pickled objects."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from maskcover.data.arrays import of_arrays
from maskcover.data.classes import ClassList
from maskcover.data.dataset import Dataset
from maskcover.errors import InvalidInput

_PLAIN = (("images", "labels"), ("x", "y"), ("arr_0", "arr_1"))


def open_npz(path: Path, split: str | None, _: ClassList | None) -> Dataset:
    """The pictures and labels of an NPZ file.

    Looked for are, in this order and for the split "test": x_test and y_test, test_images and test_labels; without a
    split ("test" then goes first) also images and labels, x and y, arr_0 and arr_1. Labels may be missing.
    """
    try:
        # Opened here: what numpy opens it leaves open where it finds no archive.
        with path.open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise InvalidInput(f"{path}: expected an NPZ file; got one array")
            part, keys = _keys(path, set(archive.files), split)
            images, labels = archive[keys[0]], archive[keys[1]] if keys[1] in archive.files else None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise error if isinstance(error, InvalidInput) else InvalidInput(f"cannot read {path}: {error}") from error
    return of_arrays(f"{path} ({keys[0]})", part, images, labels)


def _keys(path: Path, names: set[str], split: str | None) -> tuple[str, tuple[str, str]]:
    """The part, and the names of its pictures and labels."""
    tried = list(_candidates(split))
    found = next((one for one in tried if one[1][0] in names), None)
    if found is None:
        wanted = ", ".join(images for _, (images, _) in tried)
        raise InvalidInput(
            f"{path} holds {', '.join(sorted(names)) or 'nothing'}; expected pictures named {wanted}: "
            "rename them, or name another split= (--split)"
        )
    return found


def _candidates(split: str | None) -> Iterator[tuple[str, tuple[str, str]]]:
    part: Any = split or "test"
    yield part, (f"x_{part}", f"y_{part}")
    yield part, (f"{part}_images", f"{part}_labels")
    if split is None:
        yield from (("row", keys) for keys in _PLAIN)
