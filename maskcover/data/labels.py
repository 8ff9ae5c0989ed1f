"""Labels as the model's class numbers, worked out from the class names in the data.

Names of `classes=` come first, else the names that the model itself knows. Numbers in the data are class numbers only
if no name of a class is a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.data.classes import ClassList, few, imagenet, of_model
from maskcover.data.dataset import Dataset, IntArray, PreparedImages
from maskcover.errors import InvalidInput

_DIGITS = 18  # int64 holds any number with 18 digits
_FIX = "Give classes= (--classes) with the model's names or wnids, in the order of its outputs"


@dataclass(frozen=True, slots=True)
class Request:
    """The options of a user for the reader of a data set.

    Args:
        split: The part to read, such as train, val or test; None if the user named none.
        classes: The model's classes, if they are known.
        outside: Whether data may name files outside their own folder.
        answers: Whether labels are answers, such as texts, instead of classes.
        several: Whether each image may have several labels.
    """

    split: str | None = None
    classes: ClassList | None = None
    outside: bool = False
    answers: bool = False
    several: bool = False

    @property
    def digits_are_names(self) -> bool:
        """Whether a number in the data is the name of a class."""
        return self.answers or (self.classes is not None and self.classes.has_digits)


def labelled(dataset: Dataset, classes: ClassList | None) -> Dataset:
    """The data set with the model's class numbers as labels, which are checked against the number of classes.

    If the data name their classes, they are matched by name: with the model's names if they are known, else with
    ImageNet's if all are WordNet ids of ImageNet-1k. Otherwise their own order counts, if their number is the model's.
    """
    labels = dataset.labels
    if labels is None:
        return dataset
    if dataset.classes is not None:
        _expect_classes(dataset, len(dataset.classes))
        dataset = _renumbered(dataset, dataset.classes, classes)
    elif classes is not None and classes.has_digits:
        dataset = replace(dataset, labels=_by_digits(labels, classes, dataset.source))
    if classes is not None:
        _expect_classes(dataset, classes.count)
        if classes.names:
            return replace(dataset, classes=classes.own, matched=True)
    return dataset


def for_model(dataset: Dataset, class_names: Sequence[str] | None) -> Dataset:
    """The data set with labels by the names that a model itself knows; unchanged if it was matched before.

    Args:
        dataset: A data set of `open_dataset`.
        class_names: The model's names in the order of its outputs, such as ``classifier.class_names``; or None.

    Raises:
        InvalidInput: the data have a class that the model does not have.

    >>> images = Dataset("two", ("a", "b"), np.array([0, 1]), lambda _: np.zeros((2, 2), np.uint8),
    ...                    classes=("cat", "dog"))
    >>> for_model(images, ("dog", "cow", "cat")).true_labels
    array([2, 0])
    """
    return dataset if class_names is None or dataset.matched else labelled(dataset, of_model(class_names))


def expect_matching(
    images: object, labels: npt.NDArray[np.int64], outputs: int | None, class_names: Sequence[str] | None
) -> None:
    """Refuse labels in the data's own order of classes if it is not the model's (docs/threats.md, 53).

    Args:
        images: The images to be certified; only a `Dataset`, or images prepared from one, name their classes.
        labels: The labels of the images. Only the data set's own labels are checked; the caller answers for others.
        outputs: The number of the model's classes, if it is known.
        class_names: The names of the model's classes, if the model knows them.
    """
    if class_names is not None and outputs not in (None, len(class_names)):
        raise InvalidInput(f"the model has {outputs} outputs, and class_names for {len(class_names)}; they must agree")
    dataset = images.dataset if isinstance(images, PreparedImages) else images
    if not isinstance(dataset, Dataset) or dataset.labels is None or not np.array_equal(labels, dataset.labels):
        return
    if outputs is not None and dataset.classes is not None and len(dataset.classes) != outputs:
        raise _which_is_which(dataset.source, dataset.classes, outputs)
    if not np.array_equal(labels, for_model(dataset, class_names).true_labels):
        raise InvalidInput(
            f"{dataset.source} is not labelled in the order of the model's classes ({few(tuple(class_names or ()))}); "
            "open it with classes=classifier.class_names"
        )


def class_number(text: str, classes: ClassList | None) -> int | None:
    """The class number for a text: a name of one of the model's classes, a WordNet id of ImageNet, or a number."""
    named = classes if classes is not None and classes.names else imagenet()
    number = named.number(text)
    if number is not None or named.has_digits:
        return number
    return _plain(text)


def named_by(dataset: Dataset, request: Request) -> Dataset:
    """The data set, marked as matched if its reader could look up labels by the model's names."""
    classes = request.classes
    return dataset if classes is None or not classes.names else replace(dataset, classes=classes.own, matched=True)


def whole_labels(values: Any, source: str) -> IntArray:
    """Labels as an int64 array.

    Raises:
        InvalidInput: the labels are not whole numbers, or too large for int64.
    """
    try:
        labels = np.asarray(values)
        if labels.dtype.kind in "iu" and (not labels.size or int(labels.max()) < 10**_DIGITS):
            return labels.astype(np.int64)
    except (ValueError, OverflowError) as error:  # lists of different lengths, and values that no array can hold
        raise InvalidInput(f"{source}: expected whole numbers as labels: {error}") from error
    raise InvalidInput(f"{source}: expected whole numbers below 10^{_DIGITS} as labels; got {labels.dtype}")


def true_texts(values: Sequence[Any], names: Sequence[str], source: str) -> tuple[str, ...]:
    """True answers that are texts, without the spaces around them.

    Args:
        values: A value for each image.
        names: The ids of the images, for messages.
        source: The place of the data, for messages.

    Raises:
        InvalidInput: the number of values is not that of images, or a value is no text, or an empty one.

    >>> true_texts(["STOP", " SLOW 30 "], ["a.png", "b.png"], "signs.npz")
    ('STOP', 'SLOW 30')
    """
    if len(values) != len(names):
        raise InvalidInput(f"{source}: expected one text for each of {len(names)} images; got {len(values)}")
    odd = [place for place, value in enumerate(values) if not isinstance(value, str) or not value.strip()]
    if odd:
        raise InvalidInput(
            f"{source}: expected the true answer of each image, a text that is not empty; {names[odd[0]]} has "
            f"{values[odd[0]]!r:.60}"
        )
    return tuple(str(value).strip() for value in values)


def numbers_of(names: Sequence[str], source: str) -> list[int] | None:
    """The class numbers that names stand for, if all names are numbers; else None.

    Raises:
        InvalidInput: two names of one number, such as 1 and 01; or a number that is too long.
    """
    if not names or not all(name.isdecimal() for name in names):
        return None
    numbers = [_plain(name) for name in names]
    name_of: dict[int | None, str] = {}
    for name, number in zip(names, numbers, strict=True):
        other = name_of.setdefault(number, name)
        if number is None or other != name:
            problem = "is no class number" if number is None else f"and {other} are the same class number"
            raise InvalidInput(f"{source}: the class {name:.40} {problem}; rename it. {_FIX}")
    return [number for number in numbers if number is not None]


def _plain(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else None


def _renumbered(dataset: Dataset, own: tuple[str, ...], classes: ClassList | None) -> Dataset:
    """The data set with labels in the order of the model's classes, if names tell which is which."""
    labels = dataset.true_labels
    if classes is not None and classes.own == own:
        return dataset
    numbered = (classes is None or not classes.has_digits) and _by_own_digits(dataset, own)
    if classes is not None and classes.names:
        return dataset if numbered else replace(dataset, labels=_by_name(labels, own, classes, dataset.source))
    count = None if classes is None else classes.count
    ids = imagenet().own
    if set(own) <= set(ids) and own != ids and count in (None, 1000):
        source = f"{dataset.source}, labelled by the WordNet ids of {len(own)} of ImageNet's 1000 classes"
        return replace(dataset, source=source, labels=_by_name(labels, own, imagenet(), dataset.source), classes=ids)
    if count is not None and count != len(own):
        raise _which_is_which(dataset.source, own, count)
    return dataset


def _which_is_which(source: str, own: tuple[str, ...], count: int) -> InvalidInput:
    return InvalidInput(f"{source} has {len(own)} classes ({few(own)}), and the model {count}: which is which? {_FIX}")


def _by_own_digits(dataset: Dataset, own: tuple[str, ...]) -> bool:
    """Whether the name of each class is its own number; raises `InvalidInput` if names are other numbers."""
    numbers = numbers_of(own, dataset.source)
    if numbers is None:
        return False
    wrong = next((place for place, number in enumerate(numbers) if place != number), None)
    if wrong is not None:
        raise InvalidInput(
            f"{dataset.source} has numbers as names of classes, but in another order: {own[wrong]} is class {wrong}. "
            f"{_FIX}"
        )
    return True


def _by_digits(labels: IntArray, classes: ClassList, source: str) -> IntArray:
    """The model's class numbers for labels that are names of classes, written as numbers."""
    used, places = np.unique(labels, return_inverse=True)
    return np.array(classes.numbers([str(number) for number in used.tolist()], source), np.int64)[places]


def _by_name(labels: IntArray, own: tuple[str, ...], classes: ClassList, source: str) -> IntArray:
    """The model's class numbers, looked up by name; classes without an image need no number."""
    used = np.unique(labels)
    numbers = np.full(len(own), -1, np.int64)
    numbers[used] = classes.numbers([own[number] for number in used.tolist()], source)
    return numbers[labels]


def _expect_classes(dataset: Dataset, count: int) -> None:
    labels = dataset.true_labels
    (wrong,) = np.nonzero((labels < 0) | (labels >= count))
    if len(wrong):
        raise InvalidInput(
            f"{dataset.source}: expected labels from 0 to {count - 1}, for {count} classes; "
            f"{dataset.ids[wrong[0]]} has the label {labels[wrong[0]]}"
        )
