"""`Study`, the result of a study, and `Subject`, a model with the images that it is studied on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.canonical import digest
from maskcover.classifiers.evaluation import Images
from maskcover.errors import InvalidInput

Value = str | int | float | None
"""A value of a table; None where there is none, such as the time of an image that was not measured."""
Row = Mapping[str, Value]


@dataclass(frozen=True, eq=False)
class Subject:
    """A model with the labelled images that a study certifies it on.

    Args:
        name: A short name for tables and drawings; two subjects of one study have different names.
        model: The model, as for `certify`.
        images: The images as the model takes them, as for `certify`.
        labels: The true labels, whole numbers (images,).
        size: (height, width) of the model's input in pixels, for which masks are made.
        ids: The images' ids, all different; by default their numbers.
        options: Further arguments of `run`, such as ``batch_size``, ``min_margin`` or ``fill``.
        source: Where model and data came from, as JSON; kept in the runs for `replay`.

    >>> import numpy as np
    >>> Subject("dark", lambda images: images, np.zeros((2, 8, 8)), [0, 1], (8, 8)).count
    2
    """

    name: str
    model: object
    images: Images
    labels: npt.ArrayLike
    size: tuple[int, int]
    ids: Sequence[str] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    source: dict[str, Any] | None = None

    @property
    def count(self) -> int:
        """The number of images."""
        return len(self.images)

    @property
    def document(self) -> dict[str, Any]:
        """The entries that give the folders of this subject's runs their names, as JSON.

        A model that changed under the same name gets the folder of the earlier one, and is refused there.
        """
        ids = list(map(str, range(self.count) if self.ids is None else self.ids))
        labels = np.asarray(self.labels).tolist()
        options = {name: repr(value) for name, value in sorted(self.options.items()) if name != "progress"}
        return {"model": self.name, "samples": digest([ids, labels]), "options": options}


Subjects = Subject | Sequence[Subject]


def all_of(subjects: Subjects, least: int = 1) -> tuple[Subject, ...]:
    """The subjects of a study, as a tuple.

    Raises:
        InvalidInput: there are fewer than `least`, or two have the same name.
    """
    every = (subjects,) if isinstance(subjects, Subject) else tuple(subjects)
    names = [subject.name for subject in every]
    if len(names) < least or len(set(names)) != len(names):
        raise InvalidInput(
            f"expected {least} or more models with different names (type --model once for each); got {names}"
        )
    return every


def named(words: str, subject: Subject, subjects: Sequence[Subject]) -> str:
    """The name of a curve: with the name of its subject, where there are several."""
    return words if len(subjects) == 1 else f"{subject.name}: {words}"


@dataclass(frozen=True)
class Curve:
    """The points of one line of a drawing.

    Args:
        name: The words for the legend.
        x, y: The coordinates, of equal number; texts as x are names of bars.
        style: "line" through the points, "steps" for a function that jumps, "points" alone.
    """

    name: str
    x: tuple[float | str, ...]
    y: tuple[float, ...]
    style: str = "line"

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y) or not self.x or self.style not in ("line", "steps", "points"):
            raise InvalidInput(
                f"a curve has as many x as y, and at least one; got {len(self.x)} and {len(self.y)}, {self.style!r}"
            )


def joined(*parts: Row) -> Row:
    """A row with the columns of several, in their order."""
    return {name: value for part in parts for name, value in part.items()}


def curves_of(
    rows: Sequence[Row], x: str, columns: Sequence[str], subject: Subject, subjects: Sequence[Subject]
) -> list[Curve]:
    """One curve for each of some columns, over the values of the column `x`; rows without a value have no point."""
    curves = []
    for column in columns:
        points = [(row[x], row[column]) for row in rows if row[x] is not None]
        xs = tuple(value for value, _ in points if value is not None)
        curves.append(Curve(named(column, subject, subjects), xs, tuple(float(y or 0) for _, y in points)))
    return curves


@dataclass(frozen=True)
class Panel:
    """A pair of axes with curves.

    Args:
        x_label, y_label: The words at the axes.
        curves: The curves.
        percent: Whether the y are fractions, which are drawn in per cent.
        percent_x: The same for the x.
    """

    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    percent: bool = True
    percent_x: bool = False


@dataclass(frozen=True)
class Study:
    """The result of a study: a table, curves, and what was varied.

    Args:
        name: The name of the study, such as "sizes"; its files are named after it.
        title: The title of table and drawing.
        source: The figure or table of the paper that it is about.
        varied: What was varied and what was kept, in words.
        table: The rows; all have the same columns, of plain values. Fractions lie between 0 and 1.
        panels: The drawings of the curves.
        notes: Remarks for the reader, such as a mask set that cannot be made.
    """

    name: str
    title: str
    source: str
    varied: str
    table: tuple[Row, ...]
    panels: tuple[Panel, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.table or any(list(row) != self.columns for row in self.table):
            raise InvalidInput(f"the rows of the study {self.name} do not have the same columns, or there are none")

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.table[0])

    def column(self, name: str) -> list[Value]:
        """The values of a column."""
        return [row[name] for row in self.table]

    def document(self) -> dict[str, Any]:
        """The study as JSON, without its curves."""
        return {
            "study": self.name,
            "title": self.title,
            "paper": self.source,
            "varied": self.varied,
            "rows": [dict(row) for row in self.table],
            "notes": list(self.notes),
        }
