"""Several labels for each image, as a table of images and classes in the order of the model's outputs.

Names decide which column is which class: data and model may have their classes in different orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from maskcover.data.classes import ClassList, few, of_model
from maskcover.data.dataset import BoolArray, Dataset, PreparedImages
from maskcover.errors import InvalidInput

_FIX = "Give classes= (--classes) with the names of the model's classes, in the order of its outputs"


def with_names(dataset: Dataset, rows: Sequence[Sequence[str]], classes: ClassList | None) -> Dataset:
    """The data set with several labels, from the names of the classes that each image has; the others are absent.

    Args:
        dataset: The images.
        rows: For each image the names of the classes that are present; none at all is allowed.
        classes: The model's classes.

    Raises:
        InvalidInput: the names of the model's classes are not known, or an image has a name that is none of them.
    """
    if classes is None or not classes.names:
        used = sorted({name for row in rows for name in row})
        raise InvalidInput(
            f"{dataset.source} has several labels by name ({few(used)}), and a class that no image has would be "
            f"missing among them. {_FIX}"
        )
    names = sorted({name for row in rows for name in row})
    numbers = dict(zip(names, classes.numbers(names, dataset.source), strict=True))
    table = np.zeros((len(rows), classes.count), dtype=np.bool_)
    for place, row in enumerate(rows):
        table[place, [numbers[name] for name in row]] = True
    return replace(dataset, label_sets=table, classes=classes.own, matched=True)


def with_table(dataset: Dataset, table: BoolArray, own: Sequence[str], classes: ClassList | None) -> Dataset:
    """The data set with several labels, from a table whose columns are the data's own classes.

    Args:
        dataset: The images.
        table: Whether each class is present, bool (images, own classes).
        own: The names of the columns, all different.
        classes: The model's classes; without their names the columns stay in the order of the data, and `for_model`
            refuses them where the model knows its classes under other names.

    Raises:
        InvalidInput: the data have another class than the model, or say nothing about one of the model's classes.
    """
    _expect_different(dataset.source, own)
    if classes is not None and classes.names:
        return replace(
            dataset, label_sets=_in_order(dataset.source, table, own, classes), classes=classes.own, matched=True
        )
    if classes is not None and classes.count != len(own):
        raise InvalidInput(
            f"{dataset.source} has {len(own)} classes ({few(tuple(own))}), and the model {classes.count}: which is "
            f"which? {_FIX}"
        )
    return replace(dataset, label_sets=table, classes=tuple(own))


def sets_for_model(dataset: Dataset, class_names: Sequence[str] | None) -> Dataset:
    """The data set with its several labels in the order of the classes that a model knows; checked, never assumed.

    Raises:
        InvalidInput: the data have no several labels, or nobody knows the names of the model's classes.

    >>> images = Dataset("two", ("a", "b"), None, lambda _: np.zeros((2, 2), np.uint8), classes=("cat", "dog"),
    ...                  label_sets=np.array([[True, False], [False, False]]))
    >>> sets_for_model(images, ("dog", "cat")).true_label_sets.tolist()
    [[False, True], [False, False]]
    """
    table = dataset.true_label_sets
    if dataset.matched:
        if class_names is not None and not _same(dataset.classes or (), class_names):
            raise InvalidInput(
                f"{dataset.source} was opened with the classes {few(dataset.classes or ())}, and the model says that "
                f"its outputs are {few(class_names)}, in this order; {_FIX}"
            )
        return dataset
    if class_names is None:
        raise InvalidInput(
            f"{dataset.source} has the classes {few(dataset.classes or ())}, and the model does not say which of its "
            f"outputs is which class. {_FIX}"
        )
    return with_table(replace(dataset, label_sets=None), table, dataset.classes or (), of_model(class_names))


def dataset_classes(images: object) -> tuple[str, ...] | None:
    """The names of the classes that images bring with them; None for images that name none."""
    dataset = images.dataset if isinstance(images, PreparedImages) else images
    return dataset.classes if isinstance(dataset, Dataset) else None


def expect_label_classes(
    images: object, labels: BoolArray, outputs: int | None, class_names: Sequence[str] | None
) -> None:
    """Refuse several labels in another order of classes than the model's; as `maskcover.data.labels.expect_matching`.

    Args:
        images: The images to be certified; only a `Dataset`, or images prepared from one, name their classes.
        labels: Whether each class is present, bool (images, classes).
        outputs: The number of the model's classes, if it is known.
        class_names: The names of the model's classes, if the model knows them.
    """
    if class_names is not None and outputs not in (None, len(class_names)):
        raise InvalidInput(f"the model has {outputs} outputs, and class_names for {len(class_names)}; they must agree")
    if outputs is not None and labels.shape[1] != outputs:
        raise InvalidInput(
            f"the labels are for {labels.shape[1]} classes, but the classifier scores {outputs}; labels are of shape "
            "(images, classes), in the order of the scores"
        )
    dataset = images.dataset if isinstance(images, PreparedImages) else images
    if not isinstance(dataset, Dataset) or dataset.label_sets is None or class_names is None:
        return
    if not np.array_equal(sets_for_model(dataset, class_names).true_label_sets, labels):
        raise InvalidInput(
            f"the several labels are not in the order of the model's classes ({few(class_names)}); open the data with "
            "classes=classifier.class_names"
        )


def _same(names: Sequence[str], class_names: Sequence[str]) -> bool:
    """Whether two lists of names can be the same classes in the same order: no name stands at another place."""
    classes = of_model(class_names)
    numbers = [classes.number(name) for name in names]
    return len(names) == classes.count and all(number in (None, place) for place, number in enumerate(numbers))


def _in_order(source: str, table: BoolArray, own: Sequence[str], classes: ClassList) -> BoolArray:
    """The columns in the order of the model's classes."""
    numbers = classes.numbers(list(own), source)
    places = {number: place for place, number in enumerate(numbers)}
    if len(places) != len(numbers):
        twice = next(name for name, number in zip(own, numbers, strict=True) if numbers.count(number) > 1)
        raise InvalidInput(
            f"{source}: two classes of the data are one class of the model, such as {twice!r}; join them"
        )
    missing = [name for number, name in enumerate(classes.own) if number not in places]
    if missing:
        raise InvalidInput(
            f"{source} says nothing about {few(missing)}, which the model decides too; expected a label for each of "
            f"the model's {classes.count} classes: add what is missing to the data"
        )
    return table[:, [places[number] for number in range(classes.count)]]


def _expect_different(source: str, own: Sequence[str]) -> None:
    twice = next((name for name in own if list(own).count(name) > 1), None)
    if twice is not None or not own or not all(own):
        raise InvalidInput(
            f"{source}: expected at least one class, all with different names; got "
            f"{few(tuple(own)) or 'none'}" + (f", and {twice!r} twice" if twice else "")
        )
