"""Data sets from any object with a length and items (image, label), such as a map-style data set of torch.

No framework is imported: images of Pillow and tensors of torch are recognised by their methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.data.arrays import numbered
from maskcover.data.classes import few
from maskcover.data.dataset import Dataset, IntArray
from maskcover.data.huggingface import columns, names_of
from maskcover.data.images import ImageArray, pixels_of
from maskcover.data.labels import true_texts, whole_labels
from maskcover.errors import InvalidInput

_TRIED = 4  # images that are fetched twice
_DEEPEST = 100  # parts of parts of a data set


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys under which items of a data set hold image and label, and whether labels may be texts."""

    image: tuple[str, ...] = ("image", "img", "picture", "pixels")
    label: tuple[str, ...] = ("label", "labels", "fine_label")
    texts: bool = False


def of_mapstyle(source: Any, *, answers: bool = False) -> Dataset:
    """A data set of an object whose items are (image, label), or mappings with image and label; ids are numbers.

    An image is of Pillow, an array (height, width[, channels]) or a tensor ([channels, ]height, width); its values are
    uint8, or floats that are exactly those bytes over 255, as torchvision's ``ToTensor`` makes them. Pixels are used
    as they come: an image that the data set does not turn upright is not turned.

    Labels are the object's ``targets`` or ``labels``, unless it transforms them, or its column of labels; otherwise
    every item is fetched once. The first items are fetched twice, and an object that gives random images is refused. A
    part or several joined parts (``Subset``, ``ConcatDataset``) have the classes of the data sets that they come from.

    With `answers` labels may be texts: the true answers, without spaces around them.
    """
    name, count = type(source).__name__, len(source)
    ids, keys = numbered("item", count), _keys(source, name, answers=answers)

    def image_at(number: int) -> ImageArray:
        image, label = _item(source, number, ids[number], keys)
        if labels is not None and label is not None and label != labels[number]:
            raise InvalidInput(f"{ids[number]} has the label {label} as an item, and {labels[number]} among the labels")
        return _image(image, ids[number])

    labels = _labels(source, count, ids, keys)
    _expect_repeatable(name, image_at, min(count, _TRIED))
    words = f"{name} of {count} items"
    if isinstance(labels, tuple):
        return Dataset(words, ids, None, image_at, answers=labels)
    return Dataset(words, ids, labels, image_at, None, _classes(source, keys))


def is_mapstyle(source: object) -> bool:
    """Whether an object has a length and an index; a mapping, such as one of splits, has names instead."""
    return hasattr(source, "__len__") and hasattr(source, "__getitem__") and not isinstance(source, Mapping)


def _features(source: Any) -> dict[str, dict[str, Any]]:
    """The columns of a data set of Hugging Face, as its files describe them; none of another object."""
    features = getattr(source, "features", None)
    if not isinstance(features, Mapping) or not hasattr(source, "column_names"):
        return {}
    return {
        str(name): {"_type": getattr(feature, "_type", None), "names": getattr(feature, "names", None)}
        for name, feature in features.items()
    }


def _keys(source: Any, name: str, *, answers: bool) -> _Keys:
    """The columns of image and label, chosen as in a folder of Hugging Face; else the usual keys."""
    image, label = columns(name, _features(_origin(source)))
    usual = _Keys()
    return _Keys(usual.image if image is None else (image,), usual.label if label is None else (label,), answers)


def _origin(source: Any) -> Any:
    """The data set that a part comes from; the first one if several are joined."""
    for _ in range(_DEEPEST):
        parts = _parts(source)
        if not parts:
            return source
        source = parts[0]
    raise InvalidInput(f"expected a data set; got a part of a part of … more than {_DEEPEST} deep")


def _parts(source: Any) -> list[Any]:
    """The data sets inside a ``Subset`` or a ``ConcatDataset`` of torch; [] for other objects."""
    if hasattr(source, "dataset") and hasattr(source, "indices"):
        return [source.dataset]
    parts = getattr(source, "datasets", None)
    return list(parts) if isinstance(parts, list | tuple) else []


def _classes(source: Any, keys: _Keys, depth: int = 0) -> tuple[str, ...] | None:
    """The names of the classes; None unless the object, or each data set inside it, tells them."""
    if depth > _DEEPEST:
        return None
    classes = [_classes(part, keys, depth + 1) for part in _parts(source)] or [_own_classes(source, keys)]
    different = {names for names in classes if names is not None}
    if len(different) > 1:
        raise InvalidInput(
            f"{type(source).__name__} joins data sets with other classes: {'; '.join(map(few, sorted(different)))}: "
            "one label would have two meanings. Open them one by one"
        )
    return None if None in classes else classes[0]


def _own_classes(source: Any, keys: _Keys) -> tuple[str, ...] | None:
    column = next((feature for key, feature in _features(source).items() if key in keys.label), {})
    named = names_of(column.get("names")) or names_of(getattr(source, "classes", None))
    return named or _by_number(getattr(source, "class_to_idx", None))


def _by_number(numbers: Any) -> tuple[str, ...] | None:
    """The names in a mapping of names to 0, 1, 2 …, in order; None for anything else."""
    if not isinstance(numbers, Mapping) or set(numbers.values()) != set(range(len(numbers))):
        return None
    return names_of(sorted(numbers, key=lambda name: int(numbers[name])))


def _item(source: Any, number: int, name: str, keys: _Keys) -> tuple[Any, int | str | None]:
    """The image and the label of an item; the label is None if there is none."""
    item = source[number]
    if isinstance(item, Mapping):
        return _at(item, keys.image, name), _plain_label(_at(item, keys.label, name), name, keys)
    if isinstance(item, tuple | list) and len(item) >= 2:
        return item[0], _plain_label(item[1], name, keys)
    raise InvalidInput(f"{name}: expected (image, label), or a mapping with image and label; got {type(item).__name__}")


def _at(item: Mapping[str, Any], keys: tuple[str, ...], name: str) -> Any:
    """The value of an item under the first of the keys that it has; None if it has none of them."""
    there = [key for key in keys if key in item]
    if {"label", "labels"} <= {*there}:
        raise InvalidInput(f"{name} has a label and labels; expected one of them, so that it is clear which is meant")
    return item[there[0]] if there else None


def _plain_label(label: Any, name: str, keys: _Keys) -> int | str | None:
    """The label of an item as a number, or as a text if labels may be texts; None if there is none."""
    if label is None:
        return None
    if keys.texts and isinstance(label, str):
        return true_texts([label], [name], "the label")[0]
    number = np.asarray(label)
    if number.size != 1 or number.dtype.kind not in "iu":
        texts = " or a text" if keys.texts else ""
        raise InvalidInput(f"{name}: expected a whole number{texts} as label; got {label!r:.60}")
    return int(whole_labels(number.reshape(()), name))


def _labels(source: Any, count: int, ids: tuple[str, ...], keys: _Keys) -> IntArray | tuple[str, ...] | None:
    """The labels of all items: numbers, or texts if labels may be texts; None if there are none."""
    listed = _all_labels(source, keys)
    if listed is not None:
        if keys.texts and _are_texts(listed):
            return true_texts(list(listed), ids, type(source).__name__)
        numbers = np.asarray(listed)
        if numbers.shape == (count,) and numbers.dtype.kind in "iu":
            nothing = (
                bool(_features(source)) and (numbers == -1).all()
            )  # Hugging Face's way to say that there are no labels
            return None if nothing else whole_labels(numbers, type(source).__name__)
    labels = [_label(source, number, ids[number], keys) for number in range(count)]
    if all(label is None for label in labels):
        return None
    if None in labels:
        raise InvalidInput(f"{ids[labels.index(None)]} has no label, and others have; expected one for each, or none")
    if any(isinstance(label, str) for label in labels):
        return true_texts(labels, ids, type(source).__name__)
    return np.array(labels, np.int64)


def _are_texts(values: Any) -> bool:
    """Whether a list of labels has only texts; an array may be of texts as well."""
    return isinstance(values, list | tuple | np.ndarray) and len(values) > 0 and all(map(_is_text, values))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _all_labels(source: Any, keys: _Keys) -> Any:
    """All labels of an object at once; None if it has no list of them, or transforms them."""
    if _features(source):
        column = next((key for key in keys.label if key in source.column_names), None)
        return None if column is None else list(source[column])
    if getattr(source, "target_transform", None) is not None:
        return None
    lists = (getattr(source, name, None) for name in ("targets", "labels"))
    return next((labels for labels in lists if labels is not None), None)


def _label(source: Any, number: int, name: str, keys: _Keys) -> int | str | None:
    try:
        return _item(source, number, name, keys)[1]
    except InvalidInput:
        raise
    except Exception as error:
        raise InvalidInput(f"cannot fetch {name} for its label: {type(error).__name__}: {error}") from error


def _image(image: Any, name: str) -> ImageArray:
    if hasattr(image, "getbands"):
        return pixels_of(image, name)
    tensor = hasattr(image, "detach")
    pixels = np.asarray(image.detach().cpu() if tensor else image)
    if tensor and pixels.ndim == 3:
        pixels = pixels.transpose(1, 2, 0)
    whole = _bytes(pixels, name)
    if whole.ndim not in (2, 3) or whole.shape[2:] not in ((), (1,), (3,)) or not whole.size:
        form = "tensors (3, height, width)" if tensor else "arrays (height, width, 3)"
        raise InvalidInput(f"{name}: expected {form}, or without channels; got the shape {tuple(image.shape)}")
    return np.array(whole[:, :, 0] if whole.shape[2:] == (1,) else whole)


def _bytes(pixels: npt.NDArray[Any], name: str) -> ImageArray:
    """The pixels as uint8; floats are accepted only if they are exactly bytes divided by 255."""
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind == "f" and np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1:
        whole: ImageArray = np.rint(pixels * 255).astype(np.uint8)
        if np.array_equal(whole.astype(pixels.dtype) / pixels.dtype.type(255), pixels):
            return whole
    raise InvalidInput(
        f"{name}: expected uint8, or those bytes over 255; got {pixels.dtype} of other values: leave out what "
        "normalises or resizes, which belongs into the Preprocessing"
    )


def _expect_repeatable(name: str, image_at: Any, count: int) -> None:
    for number in range(count):
        try:
            first, second = image_at(number), image_at(number)
        except Exception:  # noqa: S112  # an item that cannot be read is an error when it is needed
            continue
        if not np.array_equal(first, second):
            raise InvalidInput(f"{name} gives another image each time item {number} is read; leave out what is random")
