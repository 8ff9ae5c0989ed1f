"""Any object with a length and an index that gives pictures and labels, such as a map-style data set of torch.

No framework is imported: a picture is known by what it can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.data.arrays import numbered
from maskcover.data.dataset import Dataset, IntArray
from maskcover.data.pictures import Picture, picture_of
from maskcover.errors import InvalidInput

_IMAGE_KEYS, _LABEL_KEYS = ("image", "img"), ("label", "labels")
_TRIED = 4  # pictures that are fetched twice


def of_mapstyle(source: Any) -> Dataset:
    """The items (image, label) of an object, or its mappings with image and label; ids are numbers.

    An image is of Pillow, an array (height, width[, channels]) or a tensor ([channels, ]height, width); its values are
    uint8, or floats that are exactly those bytes over 255, as torchvision's ``ToTensor`` makes them. Pixels are taken
    as they are given: an image that the data set does not turn upright is not turned.

    Labels are the object's ``targets`` or ``labels`` if it has them and transforms none; else every item is fetched
    once. The first items are fetched twice: a data set that draws at random is refused.
    """
    name, count = type(source).__name__, len(source)
    ids = numbered("item", count)

    def read(number: int) -> Picture:
        image, label = _item(source, number, ids[number])
        if labels is not None and label is not None and label != labels[number]:
            raise InvalidInput(f"{ids[number]} has the label {label} as an item, and {labels[number]} among the labels")
        return _picture(image, ids[number])

    labels = _labels(source, count, ids)
    _expect_repeatable(name, read, min(count, _TRIED))
    classes = getattr(source, "classes", None)
    return Dataset(f"{name} of {count} items", ids, labels, read, None, _names(classes))


def is_mapstyle(source: object) -> bool:
    """Whether an object has a length and an index."""
    return hasattr(source, "__len__") and hasattr(source, "__getitem__")


def _item(source: Any, number: int, name: str) -> tuple[Any, int | None]:
    """Image and label of an item; a label is None if there is none."""
    item = source[number]
    if isinstance(item, Mapping):
        image = next((item[key] for key in _IMAGE_KEYS if key in item), None)
        return image, _whole(next((item[key] for key in _LABEL_KEYS if key in item), None), name)
    if isinstance(item, tuple | list) and len(item) >= 2:
        return item[0], _whole(item[1], name)
    raise InvalidInput(f"{name}: expected (image, label), or a mapping with image and label; got {type(item).__name__}")


def _whole(label: Any, name: str) -> int | None:
    if label is None:
        return None
    number = np.asarray(label)
    if number.size != 1 or number.dtype.kind not in "iu":
        raise InvalidInput(f"{name}: expected a whole number as label; got {label!r:.60}")
    return int(number.reshape(()))


def _labels(source: Any, count: int, ids: tuple[str, ...]) -> IntArray | None:
    told = next((found for name in ("targets", "labels") if (found := getattr(source, name, None)) is not None), None)
    if told is not None and getattr(source, "target_transform", None) is None:
        numbers = np.asarray(told)
        if numbers.shape == (count,) and numbers.dtype.kind in "iu":
            return numbers.astype(np.int64)
    found = [_label(source, number, ids[number]) for number in range(count)]
    if all(one is None for one in found):
        return None
    if None in found:
        raise InvalidInput(f"{ids[found.index(None)]} has no label, and others have; expected one for each, or none")
    return np.array(found, np.int64)


def _label(source: Any, number: int, name: str) -> int | None:
    try:
        return _item(source, number, name)[1]
    except InvalidInput:
        raise
    except Exception as error:
        raise InvalidInput(f"cannot fetch {name} for its label: {type(error).__name__}: {error}") from error


def _picture(image: Any, name: str) -> Picture:
    if hasattr(image, "getbands"):
        return picture_of(image, name)
    tensor = hasattr(image, "detach")
    pixels = np.asarray(image.detach().cpu() if tensor else image)
    if tensor and pixels.ndim == 3:
        pixels = pixels.transpose(1, 2, 0)
    found = _bytes(pixels, name)
    if found.ndim not in (2, 3) or found.shape[2:] not in ((), (1,), (3,)) or not found.size:
        form = "tensors (3, height, width)" if tensor else "arrays (height, width, 3)"
        raise InvalidInput(f"{name}: expected {form}, or without channels; got the shape {tuple(image.shape)}")
    return np.array(found[:, :, 0] if found.shape[2:] == (1,) else found)


def _bytes(pixels: npt.NDArray[Any], name: str) -> Picture:
    """The bytes that floats were made of, if that is what they are."""
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind == "f" and np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1:
        found: Picture = np.rint(pixels * 255).astype(np.uint8)
        if np.array_equal(found.astype(pixels.dtype) / pixels.dtype.type(255), pixels):
            return found
    raise InvalidInput(
        f"{name}: expected uint8, or those bytes over 255; got {pixels.dtype} of other values: leave out what "
        "normalises or resizes, which belongs into the Preprocessing"
    )


def _names(classes: Any) -> tuple[str, ...] | None:
    if isinstance(classes, list | tuple) and all(isinstance(one, str) for one in classes):
        return tuple(classes) or None
    return None


def _expect_repeatable(name: str, read: Any, count: int) -> None:
    for number in range(count):
        try:
            first, second = read(number), read(number)
        except Exception:  # noqa: S112  # an item that cannot be read is an error when it is asked for
            continue
        if not np.array_equal(first, second):
            raise InvalidInput(
                f"{name} gives another picture each time it is asked for item {number}; leave out what is random"
            )
