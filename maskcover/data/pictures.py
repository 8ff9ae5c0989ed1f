"""Image files as pictures: uint8 arrays (height, width, 3), upright and in RGB; each file right, or one clear error."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from maskcover.data.pillow import pillow
from maskcover.errors import InvalidInput

Picture = npt.NDArray[np.uint8]
SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
_MODES = frozenset({"1", "L", "P", "RGB", "CMYK", "YCbCr"})
_ORIENTATION = 0x0112  # the tag of Exif; from 5 on the image lies on its side


def read_picture(file: str | PathLike[str] | IO[bytes], name: str) -> Picture:
    """An image file, or what it holds, as uint8 (height, width, 3), turned upright.

    Raises:
        InvalidInput: not an image, damaged, enormous, animated, with transparency, or of more than 8 bits a channel:
            there would be more than one way to read it. The message has the name.
    """
    with _opened(file, name) as image:
        return np.asarray(pillow().ImageOps.exif_transpose(image).convert("RGB"), dtype=np.uint8)


def picture_size(file: str | PathLike[str] | IO[bytes], name: str) -> tuple[int, int]:
    """(height, width) of what `read_picture` gives, from the head of the file alone."""
    with _opened(file, name) as image:
        width, height = image.size
        on_its_side = image.getexif().get(_ORIENTATION, 1) >= 5
        return (width, height) if on_its_side else (height, width)


def picture_of(image: Any, name: str = "the image") -> Picture:
    """An image that Pillow has open, as uint8 (height, width, 3), as it lies: it is not turned.

    Raises:
        InvalidInput: transparency, or more than 8 bits a channel.
    """
    _refuse_odd(name, image)
    return np.array(image.convert("RGB"), dtype=np.uint8)


@contextmanager
def _opened(file: str | PathLike[str] | IO[bytes], name: str) -> Iterator[Any]:
    module = pillow()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", module.Image.DecompressionBombWarning)
            with module.Image.open(file) as image:
                _refuse_odd(name, image)
                yield image
    except (
        OSError, SyntaxError, module.Image.DecompressionBombError, module.Image.DecompressionBombWarning
    ) as error:  # fmt: skip
        raise InvalidInput(f"cannot read the image {name}: {error}") from error


def _refuse_odd(name: str, image: Any) -> None:
    if getattr(image, "n_frames", 1) > 1:
        raise InvalidInput(f"{name} is animated or has several pages; expected a single picture")
    if image.mode not in _MODES or "transparency" in image.info:
        raise InvalidInput(f"{name} has mode {image.mode} or transparency; save it as 8-bit RGB or grey first")
