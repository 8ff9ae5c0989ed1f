"""One mask: a set of hidden cells, kept in one canonical form so that equal sets are equal objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.errors import InvalidInput
from maskcover.grid import Box, Grid

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


class Mask:
    """An immutable set of hidden cells, given as a union of boxes or as a bitmap.

    It is stored as disjoint boxes in canonical form: along the first axis the set is cut where its cross-section
    changes, and each cross-section likewise along the next axis. Two masks are equal when they hide the same cells,
    however they were given.

    >>> left, right = Box((0, 0), (4, 2)), Box((0, 1), (4, 5))
    >>> Mask([left, right]) == Mask([Box((0, 0), (4, 5))])
    True
    """

    __slots__ = ("_bounds",)
    _bounds: IntArray

    def __init__(self, boxes: Iterable[Box], *, ndim: int = 2) -> None:
        given = tuple(boxes) if isinstance(boxes, Iterable) else (boxes,)
        if not all(isinstance(box, Box) for box in given):
            raise InvalidInput("a mask is made of Box values, such as Mask([Box((0, 0), (8, 8))])")
        rows = [(box.start, box.stop) for box in given]
        if len({len(start) for start, _ in rows}) > 1:
            raise InvalidInput("the boxes of one mask must have the same number of axes")
        bounds = np.array(rows, dtype=np.int64) if rows else np.empty((0, 2, ndim), np.int64)
        self._set(_canonical(bounds))

    def _set(self, bounds: IntArray) -> None:
        bounds.setflags(write=False)
        object.__setattr__(self, "_bounds", bounds)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("masks are immutable; make a new one")

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (self._bounds.tolist(), self.ndim)

    @classmethod
    def from_array(cls, hidden: BoolArray) -> Mask:
        """The mask that hides the True cells of a bool array of the shape of the image."""
        cells = np.asarray(hidden)
        if cells.dtype != np.bool_ or not cells.size or not cells.ndim:
            raise InvalidInput(f"expected a bool array of the image's shape; got {cells.dtype} of shape {cells.shape}")
        mask = cls.__new__(cls)
        mask._set(_decomposed(cells))
        return mask

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return int(self._bounds.shape[2])

    @property
    def bounds(self) -> IntArray:
        """The canonical boxes, int64 of shape (boxes, 2, axes): starts, then stops; read-only."""
        return self._bounds

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The canonical disjoint boxes."""
        return tuple(Box(tuple(start), tuple(stop)) for start, stop in self._bounds.tolist())

    @property
    def area(self) -> int:
        """Number of hidden cells."""
        return int((self._bounds[:, 1] - self._bounds[:, 0]).prod(axis=1).sum())

    def union(self, *others: Mask) -> Mask:
        """The mask that hides what this one or any of the others hides."""
        if any(other.ndim != self.ndim for other in others):
            raise InvalidInput(f"masks of one union must have the same number of axes; this one has {self.ndim} axes")
        mask = type(self).__new__(type(self))
        mask._set(_canonical(np.concatenate([self._bounds, *(other._bounds for other in others)])))
        return mask

    def fits(self, grid: Grid) -> bool:
        """Whether every hidden cell lies on the grid."""
        return self.ndim == grid.ndim and bool((self._bounds[:, 1] <= np.array(grid.shape)).all())

    def to_array(self, grid: Grid) -> BoolArray:
        """A bool array of the grid's shape, True where hidden."""
        if not self.fits(grid):
            raise InvalidInput(f"{self!r} does not lie on the {grid} grid")
        hidden = np.zeros(grid.shape, dtype=np.bool_)
        for box in self.boxes:
            hidden[box.slices] = True
        return hidden

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mask):
            return NotImplemented
        return np.array_equal(self._bounds, other._bounds)

    def __hash__(self) -> int:
        return hash((self._bounds.shape, self._bounds.tobytes()))

    def __repr__(self) -> str:
        return f"Mask({', '.join(map(str, self.boxes)) or 'hides nothing'})"


def _revive(bounds: list[list[list[int]]], ndim: int) -> Mask:
    return Mask((Box(tuple(start), tuple(stop)) for start, stop in bounds), ndim=ndim)


def _canonical(bounds: IntArray) -> IntArray:
    """The canonical boxes of a union of boxes, by way of a bitmap of the cells between their edges."""
    if len(bounds) < 2:
        return bounds.copy()
    edges = [np.unique(bounds[:, :, axis]) for axis in range(bounds.shape[2])]
    cells = np.zeros([len(axis_edges) - 1 for axis_edges in edges], dtype=np.bool_)
    for start, stop in bounds:
        corners = zip(edges, start, stop, strict=True)
        cells[tuple(slice(*np.searchsorted(axis_edges, (low, high))) for axis_edges, low, high in corners)] = True
    compressed = _decomposed(cells)
    return np.stack([axis_edges[compressed[:, :, axis]] for axis, axis_edges in enumerate(edges)], axis=2)


def _decomposed(cells: BoolArray) -> IntArray:
    """The canonical boxes of a bitmap."""
    rows = [tuple(zip(*spans, strict=True)) for spans in _slabs(cells)]
    return np.array(rows, dtype=np.int64) if rows else np.empty((0, 2, cells.ndim), np.int64)


def _slabs(cells: BoolArray) -> Iterator[tuple[tuple[int, int], ...]]:
    """For each box its (start, stop) along every axis: maximal slabs of equal cross-section, in order."""
    changed = (cells[1:] != cells[:-1]).any(axis=tuple(range(1, cells.ndim)))
    cuts = [0, *(np.flatnonzero(changed) + 1).tolist(), len(cells)]
    for low, high in pairwise(cuts):
        section = cells[low]
        if cells.ndim == 1:
            if section:
                yield ((low, high),)
        elif section.any():
            for rest in _slabs(section):
                yield ((low, high), *rest)
