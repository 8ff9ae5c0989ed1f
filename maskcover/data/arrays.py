"""Data sets whose images lie in one array, and a limit on the size of arrays that are unpacked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from maskcover.data.dataset import Dataset
from maskcover.data.images import ImageArray
from maskcover.data.labels import whole_labels
from maskcover.errors import InvalidInput

_PLENTY = 1 << 30  # bytes
_RATIO = 50


def of_arrays(
    source: str,
    part: str,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.generic] | None,
    classes: tuple[str, ...] | None = None,
) -> Dataset:
    """A data set of an array (n, height, width), (n, height, width, 1) or (n, height, width, 3).

    Args:
        source: A description of the array, for messages.
        part: The start of the ids: "test" gives "test/000000" and so on.
        images: uint8; may be a memory map.
        labels: Whole numbers of shape (n,) or (n, 1).
        classes: The names of the classes.
    """
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or images.shape[3:] not in ((), (1,), (3,)):
        raise InvalidInput(
            f"{source}: expected images uint8 (n, height, width) or (n, height, width, 3), values from 0 to 255, as "
            f"before any preprocessing; got {images.dtype} {images.shape}"
        )
    if not images.size:
        raise InvalidInput(f"{source}: expected images; got an array of shape {images.shape}")

    def image_at(number: int) -> ImageArray:
        pixels = np.array(images[number])
        return pixels[:, :, 0] if pixels.shape[2:] == (1,) else pixels

    return Dataset(
        source,
        numbered(part, len(images)),
        None if labels is None else _checked_labels(labels, len(images), source),
        image_at,
        lambda _: (images.shape[1], images.shape[2]),
        classes,
    )


def expect_bounded(source: str, packed: int, unpacked: int) -> None:
    """Refuse a packed array that unpacks to far more bytes than images do: it would fill the memory.

    >>> expect_bounded("a.npz", 6_000_000, 6_000_000_000)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    maskcover.errors.InvalidInput: a.npz: 6,000,000 bytes unpack to 6,000,000,000; expected at most 1 GiB, or 50 ...
    """
    if unpacked > max(_PLENTY, _RATIO * packed):
        raise InvalidInput(
            f"{source}: {packed:,} bytes unpack to {unpacked:,}; expected at most {_PLENTY >> 30} GiB, or {_RATIO} "
            "times as many: store the images unpacked"
        )


def numbered(part: str, count: int) -> tuple[str, ...]:
    """The ids of `count` images.

    >>> numbered("test", 2)
    ('test/000000', 'test/000001')
    """
    return tuple(f"{part}/{number:06}" for number in range(count))


def _checked_labels(labels: npt.NDArray[np.generic], count: int, source: str) -> npt.NDArray[np.int64]:
    if labels.dtype.kind not in "iu" or labels.shape not in ((count,), (count, 1)):
        raise InvalidInput(
            f"{source}: expected one whole number as the label of each of {count} images; got {labels.dtype} "
            f"{labels.shape}"
        )
    return whole_labels(labels.reshape(count), source)
