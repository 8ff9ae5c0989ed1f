"""The model's classes, and how the classes that a data set names become their numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from operator import index
from os import PathLike
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np

from maskcover.data.dataset import Dataset, IntArray
from maskcover.errors import InvalidInput

Classes = SupportsIndex | str | PathLike[str] | Sequence[str]
_WNID = re.compile(r"n\d{8}")


@dataclass(frozen=True)
class ClassList:
    """The classes of a model.

    Args:
        count: How many there are.
        names: For each class the names by which data may call it, the first of them its own; empty if none is known.
    """

    count: int
    names: tuple[tuple[str, ...], ...] = ()

    def number(self, name: str) -> int | None:
        """The class of a name: spelled so, or so but for upper and lower case; None if there is none, or several."""
        exact, folded = self._spellings
        return exact[name] if name in exact else folded.get(name.casefold())

    @cached_property
    def _spellings(self) -> tuple[dict[str, int | None], dict[str, int | None]]:
        """From each name to its class, None where two have it: ImageNet's words have two cranes and two maillots."""
        exact: dict[str, int | None] = {}
        folded: dict[str, int | None] = {}
        for number, names in enumerate(self.names):
            for name in names:
                exact[name] = number if exact.get(name, number) == number else None
                low = name.casefold()
                folded[low] = number if folded.get(low, number) == number else None
        return exact, folded

    def numbers(self, names: Sequence[str], source: str) -> list[int]:
        """The classes of some names.

        Raises:
            InvalidInput: names that are no class, all of them named.
        """
        known = {name: self.number(name) for name in names}
        strangers = [name for name, number in known.items() if number is None]
        if strangers:
            raise InvalidInput(
                f"{source}: expected names among the {self.count} classes; got {_few(strangers)}: "
                "give classes= (--classes) with the model's names or wnids, in the order of its outputs"
            )
        return [number for number in known.values() if number is not None]


@cache
def imagenet() -> ClassList:
    """The 1000 classes of ImageNet-1k by their WordNet ids, in the order in which every model has them.

    >>> imagenet().number("n01440764"), imagenet().number("n03888257")
    (0, 701)
    """
    text = files("maskcover.data").joinpath("imagenet_wnids.txt").read_text(encoding="ascii")
    return ClassList(1000, tuple((wnid,) for wnid in text.split()))


def read_classes(classes: Classes | None) -> ClassList | None:
    """The model's classes: how many there are, their names in order, or a file with the names.

    A text of digits is a number, any other text is a path. A file has one name a line (a WordNet id may come before
    it), or is JSON: a list, or an object from numbers to a name or to a list of names.

    >>> read_classes(10), read_classes(["cat", "dog"]).number("Dog")
    (ClassList(count=10, names=()), 1)
    """
    if classes is None:
        return None
    if isinstance(classes, str | PathLike):
        text = str(classes)
        return _counted(int(text)) if text.isdecimal() else _named(_from_file(Path(classes)), text)
    if isinstance(classes, SupportsIndex):
        return _counted(index(classes) if not isinstance(classes, bool) else 0)
    return _named(list(classes), "classes")


def labelled(dataset: Dataset, classes: ClassList | None) -> Dataset:
    """The data set with the model's class numbers as labels, which are checked against the number of classes.

    Where the data name their classes, names are what counts: those of the model if they are known, else ImageNet's if
    all are WordNet ids of ImageNet-1k. Only then, and if there are as many, their own order holds.
    """
    if dataset.labels is None:
        return dataset
    if dataset.classes is not None:
        _expect_classes(dataset, len(dataset.classes))
        dataset = _renumbered(dataset, dataset.classes, classes)
    if classes is not None:
        _expect_classes(dataset, classes.count)
        if classes.names:
            return replace(dataset, classes=tuple(names[0] for names in classes.names))
    return dataset


def class_number(text: str, classes: ClassList | None) -> int | None:
    """The class that a table or a text names: a number, a name of the model's, or a WordNet id of ImageNet's."""
    if text.isdecimal():
        return int(text)
    return (classes if classes is not None and classes.names else imagenet()).number(text)


def _renumbered(dataset: Dataset, own: tuple[str, ...], classes: ClassList | None) -> Dataset:
    """Labels by the names of the model's classes instead of the data's own order, where names tell."""
    labels = dataset.true_labels
    if classes is not None and classes.names:
        return replace(dataset, labels=_by_name(labels, own, classes, dataset.source))
    count = None if classes is None else classes.count
    ids = tuple(wnid for (wnid,) in imagenet().names)
    if set(own) <= set(ids) and own != ids and count in (None, 1000):
        told = f"{dataset.source}, labelled by the WordNet ids of {len(own)} of ImageNet's 1000 classes"
        return replace(dataset, source=told, labels=_by_name(labels, own, imagenet(), dataset.source), classes=ids)
    if count is not None and count != len(own):
        raise InvalidInput(
            f"{dataset.source} has {len(own)} classes ({_few(own)}), and the model {count}: which is which? "
            "Give classes= (--classes) with the model's names or wnids, in the order of its outputs"
        )
    return dataset


def _by_name(labels: IntArray, own: tuple[str, ...], classes: ClassList, source: str) -> IntArray:
    """The numbers of the model's classes; names that no picture has need no number."""
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


def _counted(count: int) -> ClassList:
    if count < 1:
        raise InvalidInput(f"classes must be at least 1, or names; got {count}")
    return ClassList(count)


def _named(names: Sequence[Any], source: str) -> ClassList:
    """Names in order, each a text or several texts for one class."""
    every = tuple(
        (one,) if isinstance(one, str) else tuple(one) for one in names if isinstance(one, str | list | tuple)
    )
    odd = len(every) != len(names) or not all(one and all(isinstance(name, str) for name in one) for one in every)
    if odd or not every:
        raise InvalidInput(f"{source}: expected the names of the classes, in order; got {names!s:.60}")
    return ClassList(len(every), every)


def _from_file(path: Path) -> list[Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return _from_json(json.loads(text)) if text.lstrip()[:1] in ("[", "{") else _from_lines(text)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InvalidInput(f"cannot read class names from {path}: {error}; expected one a line, or JSON") from error


def _from_json(document: Any) -> list[Any]:
    if isinstance(document, dict):
        return [document[str(number)] for number in range(len(document))]
    return list(document)


def _from_lines(text: str) -> list[Any]:
    return [_spellings(line.strip()) for line in text.splitlines() if line.strip()]


def _spellings(line: str) -> list[str]:
    """The names in a line: all of it, or a WordNet id and the words that follow."""
    wnid, _, words = line.partition(" ")
    return [wnid, words.strip()] if _WNID.fullmatch(wnid) and words else [line]


def _few(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
