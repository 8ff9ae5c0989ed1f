"""Reading image files as uint8 arrays (height, width, 3), upright and in RGB; any doubt is a clear error."""

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

ImageArray = npt.NDArray[np.uint8]
"""The pixels of an image: uint8 (height, width, 3), or (height, width) if it is grey."""
SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
# The formats that Pillow may read, whatever the name of a file: some of its other readers start programs (EPS).
_FORMATS = ("AVIF", "BMP", "GIF", "HEIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP")
_MODES = frozenset({"1", "L", "P", "RGB", "CMYK", "YCbCr"})
_ORIENTATION = 0x0112  # the tag of Exif; from 5 on the image lies on its side
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


def read_image(file: str | PathLike[str] | IO[bytes], name: str) -> ImageArray:
    """Read an image file, or a stream of its bytes, as uint8 (height, width, 3), turned upright.

    Of an MPO file, which many phones write, the first image is read.

    Raises:
        InvalidInput: not an image, damaged, enormous, animated, with transparency, or of more than 8 bits a channel:
            there would be more than one way to read it. The message contains the name.
    """
    with _opened(file, name) as image:
        image.load()
        turn = _TURNS.get(_orientation(image, name))
        upright = image if turn is None else image.transpose(pillow().Image.Transpose[turn])
        return np.asarray(upright.convert("RGB"), dtype=np.uint8)


def read_size(file: str | PathLike[str] | IO[bytes], name: str) -> tuple[int, int]:
    """Read the (height, width) that `read_image` gives, from the head of the file alone; raises as that does."""
    with _opened(file, name) as image:
        if image.format == "TIFF":
            image.load()  # Pillow then turns the image, and removes the tag
        width, height = image.size
        return (width, height) if _orientation(image, name) >= 5 else (height, width)


def pixels_of(image: Any, name: str = "the image") -> ImageArray:
    """The pixels of an image of Pillow as uint8 (height, width, 3); the image is not turned.

    Raises:
        InvalidInput: transparency, or more than 8 bits a channel; or it cannot be decoded.
    """
    with _clear_errors(name):
        _refuse_odd(name, image)
        return np.array(image.convert("RGB"), dtype=np.uint8)


@contextmanager
def _opened(file: str | PathLike[str] | IO[bytes], name: str) -> Iterator[Any]:
    module = pillow()
    with _clear_errors(name), module.Image.open(file, formats=_formats(module)) as image:
        _refuse_odd(name, image)
        yield image


@contextmanager
def _clear_errors(name: str) -> Iterator[None]:
    """Turn any error of Pillow into `InvalidInput`: on damaged files its readers raise a dozen kinds."""
    bomb = pillow().Image.DecompressionBombWarning
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about damaged metadata, which many good photos have
            warnings.simplefilter("error", bomb)
            yield
    except InvalidInput:
        raise
    except Exception as error:
        raise InvalidInput(f"cannot read the image {name}: {str(error) or type(error).__name__:.300}") from error


def _formats(module: Any) -> list[str]:
    """The formats among `_FORMATS` that this Pillow, or a plug-in of it that was imported, can read."""
    module.Image.init()
    return [name for name in _FORMATS if name in module.Image.OPEN]


def _orientation(image: Any, name: str) -> int:
    """The orientation of the camera, from 1 to 8; 1 where the file does not say.

    Raises:
        InvalidInput: the tag is not a whole number, so the orientation is unknown.
    """
    orientation = image.getexif().get(_ORIENTATION, 1)
    if type(orientation) is not int:
        raise InvalidInput(
            f"{name}: expected a whole number from 1 to 8 as the Exif orientation; got {orientation!r:.40}"
        )
    return orientation if orientation in _TURNS else 1


def _refuse_odd(name: str, image: Any) -> None:
    # Beside its first image an MPO, which many phones write, holds the same image in other sizes or for the other eye.
    if getattr(image, "is_animated", False) and getattr(image, "format", None) != "MPO":
        raise InvalidInput(f"{name} is animated or has several pages; expected a single image")
    if image.mode not in _MODES or "transparency" in image.info:
        raise InvalidInput(f"{name} has mode {image.mode} or transparency; save it as 8-bit RGB or grey first")
