"""Reading IDX files, the format of MNIST and Fashion-MNIST: a head of a few numbers, then bytes, or both in gzip.

torchvision needs torch for this, which the core does not import; it needs unpacked files in folders with its own names,
reads whole files, and refuses some damage by a bare `assert`. So they are read here, by a memory map.
"""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from pathlib import Path
from typing import IO, cast

import numpy as np
import numpy.typing as npt

from maskcover.data.arrays import expect_bounded, of_arrays
from maskcover.data.dataset import Dataset
from maskcover.data.folders import files_in
from maskcover.data.labels import Request
from maskcover.errors import InvalidInput

_IMAGES = re.compile(r"(?:.*-)?(train|t10k|test)-images[.-]idx3-ubyte(\.gz)?")
_PARTS = {"test": "t10k"}  # MNIST's name for its test images
_BYTES = 8  # the code for unsigned bytes


def open_idx(path: Path, request: Request) -> Dataset:
    """Open the images of a folder, or of a file, with the labels beside them; by default the test images."""
    images = _images_file(path, request.split)
    labels = _labels_file(images)
    pixels, numbers = read_idx(images, 3), None if labels is None else read_idx(labels, 1)
    match = _IMAGES.fullmatch(images.name)
    part = match[1].replace("t10k", "test") if match else "row"
    return of_arrays(str(images), part, pixels, numbers)


def is_idx_folder(folder: Path) -> bool:
    """Whether a folder holds images in IDX files."""
    return any(map(_IMAGES.fullmatch, files_in(folder)))


def is_idx_file(path: Path) -> bool:
    """Whether a file has the name of an IDX file of images."""
    return _IMAGES.fullmatch(path.name) is not None


def read_idx(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """Read the array of an IDX file, uint8; a memory map if the file is not packed.

    Raises:
        InvalidInput: the file has another magic number, or its sizes do not fit its number of bytes.
    """
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rb") as packed:
                return _unpack(path, cast("IO[bytes]", packed), dimensions)
        with path.open("rb") as stream:
            shape = _shape(path, stream, dimensions)
            start = stream.tell()
        _expect_bytes(path, shape, path.stat().st_size - start)
        return np.memmap(path, np.uint8, "r", start, shape) if math.prod(shape) else np.empty(shape, np.uint8)
    except (OSError, EOFError, zlib.error, OverflowError, MemoryError) as error:  # the latter two: nonsense in the head
        raise InvalidInput(f"cannot read {path}: {error}") from error


def _unpack(path: Path, stream: IO[bytes], dimensions: int) -> npt.NDArray[np.uint8]:
    shape = _shape(path, stream, dimensions)
    expect_bounded(f"cannot read {path}", path.stat().st_size, math.prod(shape))
    content = stream.read(math.prod(shape) + 1)  # one more than expected, and never all that a zip bomb holds
    _expect_bytes(path, shape, len(content))
    return np.frombuffer(content, np.uint8).reshape(shape)


def _shape(path: Path, stream: IO[bytes], dimensions: int) -> tuple[int, ...]:
    head = stream.read(4 + 4 * dimensions)
    if len(head) < 4 + 4 * dimensions or head[:4] != bytes((0, 0, _BYTES, dimensions)):
        raise InvalidInput(
            f"{path}: expected an IDX file of unsigned bytes in {dimensions} dimensions, which begins with "
            f"{bytes((0, 0, _BYTES, dimensions)).hex()}; got {head[:4].hex() or 'an empty file'}"
        )
    return struct.unpack(f">{dimensions}I", head[4:])


def _expect_bytes(path: Path, shape: tuple[int, ...], count: int) -> None:
    if count != math.prod(shape):
        amount = "fewer" if count < math.prod(shape) else "more"
        raise InvalidInput(
            f"{path}: expected {math.prod(shape)} bytes for {shape}; there are {amount}: is it truncated?"
        )


def _images_file(path: Path, split: str | None) -> Path:
    if path.is_file():
        if split is not None:
            raise InvalidInput(f"{path} is one file; leave split out, or name the folder")
        return path
    usual = _PARTS.get(split or "test", split or "test")
    names = {name: match[1] for name in files_in(path) if (match := _IMAGES.fullmatch(name))}
    fitting = [name for name, part in names.items() if part in (usual, split or "test")]
    files = [name for name in fitting if name.removesuffix(".gz") == name or name.removesuffix(".gz") not in fitting]
    if len(files) != 1:
        raise InvalidInput(
            f"{path}: expected one file {usual}-images-idx3-ubyte, or .gz; found "
            f"{', '.join(sorted(files)) or 'none'} among {', '.join(sorted(names)) or 'no images'}: name the file, or "
            "another split= (--split)"
        )
    return path / files[0]


def _labels_file(images: Path) -> Path | None:
    """The file of labels, named after the file of images, packed or not; None if there is none."""
    name = images.name.replace("-images", "-labels").replace("idx3", "idx1").removesuffix(".gz")
    paths = (images.with_name(candidate) for candidate in (name, f"{name}.gz") if candidate != images.name)
    return next((path for path in paths if path.exists()), None)
