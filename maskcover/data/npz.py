"""Reading NPZ files: named numpy arrays of images and labels, never pickled objects."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from maskcover.data.arrays import expect_bounded, of_arrays
from maskcover.data.dataset import Dataset
from maskcover.data.labels import Request, true_texts
from maskcover.errors import InvalidInput

_PLAIN = (("images", "labels"), ("x", "y"), ("arr_0", "arr_1"))


def open_npz(path: Path, request: Request) -> Dataset:
    """Open the images and labels of an NPZ file.

    The names are tried in this order, here for the split "test": x_test and y_test, test_images and test_labels;
    without a split ("test" then goes first) also images and labels, x and y, arr_0 and arr_1. Labels may be missing.
    Where the request is for answers, they may be texts, an array of ``str``: the true answers, without spaces around
    them.
    """
    try:
        # Opened here, since numpy does not close a file that is not an archive.
        with path.open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise InvalidInput(f"{path}: expected an NPZ file; got one array")
            part, keys = _keys(path, set(archive.files), request.split)
            for key in keys:
                _expect_held(path, archive, key)
            images, labels = archive[keys[0]], archive[keys[1]] if keys[1] in archive.files else None
    except InvalidInput:
        raise
    except Exception as error:  # a damaged archive may fail in any way
        raise InvalidInput(f"cannot read {path}: {str(error) or type(error).__name__}") from error
    source = f"{path} ({keys[0]})"
    if not request.answers or labels is None or labels.dtype.kind != "U":
        return of_arrays(source, part, images, labels)
    dataset = of_arrays(source, part, images, None)
    if labels.shape not in ((len(dataset),), (len(dataset), 1)):
        raise InvalidInput(f"{source}: expected one text for each of {len(dataset)} images; got {labels.shape}")
    return replace(dataset, answers=true_texts(labels.reshape(len(dataset)).tolist(), dataset.ids, source))


def _expect_held(path: Path, archive: np.lib.npyio.NpzFile, key: str) -> None:
    """Refuse an array that claims more bytes than the archive holds for it, or two arrays with one name.

    numpy allocates all that an array claims before it reads any of it.
    """
    packed: zipfile.ZipFile = archive.zip  # type: ignore[assignment]  # None only once it is closed
    members = [member for member in packed.infolist() if member.filename in (key, f"{key}.npy")]
    if len(members) > 1:
        raise InvalidInput(f"{path} holds {key} twice; expected one array of a name")
    for member in members:
        with packed.open(member) as stream:
            claimed = _claimed(stream)
            held = member.file_size - stream.tell()
        if claimed not in (None, held):
            raise InvalidInput(f"{path}: {key} claims {claimed:,} bytes, and holds {held:,}: is it truncated?")
        expect_bounded(f"{path} ({key})", member.compress_size, member.file_size)


def _claimed(stream: IO[bytes]) -> int | None:
    """The number of bytes that the head of an array announces; None for objects, which numpy refuses."""
    version = np.lib.format.read_magic(stream)
    read_head = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_head(stream)
    return None if dtype.hasobject else math.prod(shape) * dtype.itemsize


def _keys(path: Path, names: set[str], split: str | None) -> tuple[str, tuple[str, str]]:
    """The part of the data, and the names of the arrays with its images and labels."""
    candidates = list(_candidates(split))
    chosen = next((candidate for candidate in candidates if candidate[1][0] in names), None)
    if chosen is None:
        expected = ", ".join(images for _, (images, _) in candidates)
        raise InvalidInput(
            f"{path} holds {', '.join(sorted(names)) or 'nothing'}; expected images named {expected}: "
            "rename them, or name another split= (--split)"
        )
    return chosen


def _candidates(split: str | None) -> Iterator[tuple[str, tuple[str, str]]]:
    part: Any = split or "test"
    yield part, (f"x_{part}", f"y_{part}")
    yield part, (f"{part}_images", f"{part}_labels")
    if split is None:
        yield from (("row", keys) for keys in _PLAIN)
