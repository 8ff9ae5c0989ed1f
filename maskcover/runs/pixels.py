"""Digests of images as the classifier gets them, to notice that pixels changed under an id (threats.md, 41)."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.classifiers.evaluation import Images


def pixel_digest(image: Any) -> str:
    """``blake2b:…`` of an array or tensor: of its kind of numbers, its shape and its values.

    It is empty for images of any other kind, which are opaque here. The order of the bytes in memory does not matter.

    >>> grey = np.zeros((2, 2), np.uint8)
    >>> pixel_digest(grey) == pixel_digest(grey.T), pixel_digest(grey) == pixel_digest(grey.astype(np.int8))
    (True, False)
    >>> pixel_digest("cat.png")
    ''
    """
    values = _array(image)
    if values is None or values.dtype.kind not in "biufc":
        return ""
    kind = str(image.dtype).rpartition(".")[2] if not isinstance(image, np.ndarray) else values.dtype.name
    hasher = hashlib.blake2b(f"{kind} {values.shape} ".encode(), digest_size=32)
    hasher.update(np.ascontiguousarray(values, values.dtype.newbyteorder("<")).data)
    return f"blake2b:{hasher.hexdigest()}"


class Watched:
    """Images whose digests are kept when they are fetched; everything else is as in the images themselves."""

    def __init__(self, images: Images) -> None:
        self._images = images
        self.digests: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, number: int, /) -> Any:
        image = self._images[number]
        self.digests[number] = pixel_digest(image)
        return image

    def __getattr__(self, name: str) -> Any:
        return getattr(self._images, name)


def _array(image: Any) -> npt.NDArray[Any] | None:
    """The values of an image as an array; None if it is of a kind that is not known here."""
    if isinstance(image, np.ndarray):
        return None if isinstance(image, np.ma.MaskedArray) else image
    if not (hasattr(image, "dtype") and hasattr(image, "shape")):
        return None
    try:
        host = image.detach().cpu() if hasattr(image, "detach") else image
        try:
            return np.asarray(host)
        except TypeError:  # numbers that numpy lacks, such as bfloat16; float32 holds each of them
            return np.asarray(host.float())
    except Exception:  # whatever it is, it is opaque
        return None
