"""A set of cells in one canonical form, so that equal sets are equal objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import prod
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from maskcover.cells.counting import depths
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Grid

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
_MOST_PAINTED = 1 << 31
_DRAWN = 100  # blocks are counted at once in the time in which a box is drawn on its own


class Cells:
    """An immutable set of cells, given as a union of boxes or as a bitmap.

    It is stored as disjoint boxes in canonical form: along the first axis the set is cut where its cross-section
    changes, and each cross-section likewise along the next axis. Two sets are equal when they hold the same cells,
    however they were given.

    >>> left, right = Box((0, 0), (4, 2)), Box((0, 1), (4, 5))
    >>> Cells([left, right]) == Cells([Box((0, 0), (4, 5))])
    True
    """

    __slots__ = ("_bounds",)
    _bounds: IntArray

    def __init__(self, boxes: Iterable[Box], *, ndim: int = 2) -> None:
        values = tuple(boxes) if isinstance(boxes, Iterable) else (boxes,)
        if not all(isinstance(box, Box) for box in values):
            name = type(self).__name__
            raise InvalidInput(f"{name} are made of Box values, such as {name}([Box((0, 0), (8, 8))])")
        rows = [(box.start, box.stop) for box in values]
        if len({len(start) for start, _ in rows}) > 1:
            raise InvalidInput("the boxes of one set must have the same number of axes")
        bounds = np.array(rows, dtype=np.int64) if rows else np.empty((0, 2, ndim), np.int64)
        self._set(_canonical(bounds))

    def _set(self, bounds: IntArray) -> None:
        bounds.setflags(write=False)
        object.__setattr__(self, "_bounds", bounds)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("sets of cells are immutable; make a new one")

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (type(self), self._bounds.tolist(), self.ndim)

    @classmethod
    def from_array(cls, cells: BoolArray) -> Self:
        """Make a set of the True cells of a bool array, whose shape is that of the grid."""
        cells = np.asarray(cells)
        if cells.dtype != np.bool_ or not cells.size or not cells.ndim:
            raise InvalidInput(f"expected a bool array of the image's shape; got {cells.dtype} of shape {cells.shape}")
        return cls._of(decomposed(cells))

    @classmethod
    def from_bounds(cls, bounds: IntArray) -> Self:
        """Make the union of boxes, int64 of shape (boxes, 2, axes): starts, then stops. They are not checked."""
        return cls._of(_canonical(bounds))

    @classmethod
    def _of(cls, canonical: IntArray) -> Self:
        cells = cls.__new__(cls)
        cells._set(canonical)
        return cells

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
        """Number of cells."""
        return int((self._bounds[:, 1] - self._bounds[:, 0]).prod(axis=1).sum())

    @property
    def span(self) -> Box:
        """The bounding box; the set must not be empty."""
        if not len(self._bounds):
            raise InvalidInput("an empty set of cells has no bounding box")
        return Box(tuple(self._bounds[:, 0].min(axis=0).tolist()), tuple(self._bounds[:, 1].max(axis=0).tolist()))

    def union(self, *others: Cells) -> Self:
        """The cells in this set or in any of the others."""
        self._same_axes(*others)
        return self.from_bounds(np.concatenate([self._bounds, *(other._bounds for other in others)]))

    def common(self, other: Cells) -> Self:
        """The cells in both sets."""
        self._same_axes(other)
        # Disjoint boxes: so are the pairs that meet.
        low = np.maximum(self._bounds[:, None, 0], other._bounds[None, :, 0]).reshape(-1, self.ndim)
        high = np.minimum(self._bounds[:, None, 1], other._bounds[None, :, 1]).reshape(-1, self.ndim)
        meet = (low < high).all(axis=1)
        return self.from_bounds(np.stack([low[meet], high[meet]], axis=1))

    def minus(self, other: Cells) -> Self:
        """The cells of this set that are not in the other."""
        self._same_axes(other)
        if not len(self._bounds) or not len(other._bounds):
            return self
        edges = axis_edges(np.concatenate([self._bounds, other._bounds]))
        return self._of(_stretched(decomposed(painted(self._bounds, edges) & ~painted(other._bounds, edges)), edges))

    def contains(self, other: Cells) -> bool:
        """Whether every cell of the other set is in this one."""
        return not other.minus(self)

    def shifted(self, offset: Sequence[int]) -> Self:
        """The set moved by `offset`, a number of cells for each axis; `InvalidInput` if a cell ends up before 0."""
        moved = self._bounds + np.array(offset, dtype=np.int64)
        if (moved < 0).any():
            raise InvalidInput(f"moved by {tuple(offset)}, the cells leave the grid")
        return self._of(moved)

    def _same_axes(self, *others: Cells) -> None:
        if any(other.ndim != self.ndim for other in others):
            raise InvalidInput(f"sets of cells of different numbers of axes; this one has {self.ndim} axes")

    def fits(self, grid: Grid) -> bool:
        """Whether every cell lies on the grid."""
        return self.ndim == grid.ndim and bool((self._bounds[:, 1] <= np.array(grid.shape)).all())

    def to_array(self, grid: Grid) -> BoolArray:
        """A bool array of the grid's shape, True on the cells of the set."""
        if not self.fits(grid):
            raise InvalidInput(f"{self!r} does not lie on the {grid} grid")
        cells = np.zeros(grid.shape, dtype=np.bool_)
        for start, stop in self._bounds.tolist():
            cells[tuple(map(slice, start, stop))] = True
        return cells

    def __bool__(self) -> bool:
        return bool(len(self._bounds))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Cells):
            return NotImplemented
        return np.array_equal(self._bounds, other._bounds)

    def __hash__(self) -> int:
        return hash((self._bounds.shape, self._bounds.tobytes()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(str, self.boxes)) or 'none'})"

    def __str__(self) -> str:
        """One box as a box; anything else by its number of cells and its bounding box."""
        if not self:
            return "no cells"
        return str(self.span) if len(self._bounds) == 1 else f"{self.area:,} px within {self.span}"


def painted(bounds: IntArray, edges: Sequence[IntArray]) -> BoolArray:
    """Draw a union of boxes, bool, on the blocks between `edges`, which must include all edges of the boxes."""
    if (count := prod(len(cuts) - 1 for cuts in edges)) > _MOST_PAINTED:
        raise InvalidInput(
            f"{len(bounds):,} boxes with {count:,} cells between their edges are too intricate; "
            f"at most {_MOST_PAINTED:,} can be drawn"
        )
    if len(bounds) * _DRAWN > count:
        return np.asarray(depths(tuple(edges), bounds) > 0)
    cells = np.zeros([len(cuts) - 1 for cuts in edges], dtype=np.bool_)
    corners = [np.searchsorted(cuts, bounds[:, :, axis]).tolist() for axis, cuts in enumerate(edges)]
    for spans in zip(*corners, strict=True):
        cells[tuple(slice(low, high) for low, high in spans)] = True
    return cells


def decomposed(cells: BoolArray) -> IntArray:
    """The canonical boxes of a bitmap, int64 (boxes, 2, axes)."""
    if cells.ndim == 2:
        return _decomposed_image(cells)
    rows = [tuple(zip(*spans, strict=True)) for spans in _slabs(cells)]
    return np.array(rows, dtype=np.int64) if rows else np.empty((0, 2, cells.ndim), np.int64)


def _revive(cls: type[Cells], bounds: list[list[list[int]]], ndim: int) -> Cells:
    return cls((Box(tuple(start), tuple(stop)) for start, stop in bounds), ndim=ndim)


def _canonical(bounds: IntArray) -> IntArray:
    """The canonical boxes of a union of boxes, by way of a bitmap of the cells between their edges."""
    if len(bounds) < 2:
        return bounds.copy()
    edges = axis_edges(bounds)
    return _stretched(decomposed(painted(bounds, edges)), edges)


def axis_edges(bounds: IntArray) -> list[IntArray]:
    """For each axis the different starts and stops of boxes, sorted.

    >>> axis_edges(np.array([[[0, 4], [2, 9]], [[2, 0], [3, 4]]]))
    [array([0, 2, 3]), array([0, 4, 9])]
    """
    return [_distinct(bounds[:, :, axis].ravel()) for axis in range(bounds.shape[2])]


def _distinct(values: IntArray) -> IntArray:
    """The different values, sorted; none is negative."""
    if len(values) and int(values.max()) < len(values):
        return np.flatnonzero(np.bincount(values))  # many times faster than to sort them
    return np.unique(values)


def _stretched(bounds: IntArray, edges: Sequence[IntArray]) -> IntArray:
    """Turn boxes counted in the blocks between edges into boxes counted in cells."""
    return np.stack([cuts[bounds[:, :, axis]] for axis, cuts in enumerate(edges)], axis=2)


def runs(cells: BoolArray) -> list[tuple[int, int]]:
    """The (start, stop) of each run of True in a bool array of one axis."""
    edges = np.flatnonzero(np.diff(cells.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _decomposed_image(cells: BoolArray) -> IntArray:
    """The canonical boxes of a bitmap of two axes: all runs of all slabs at once."""
    cuts = _section_cuts(cells)
    sections = cells[cuts[:-1]]
    ends = np.zeros((len(sections), cells.shape[1] + 1), dtype=np.bool_)
    ends[:, 1:] = sections
    ends[:, :-1] ^= sections
    # In reading order: a run starts at each first entry of two, and stops at the second.
    slabs, columns = np.nonzero(ends)
    slab, runs_of = slabs[::2], columns.reshape(-1, 2)
    rows = np.stack([cuts[slab], cuts[slab + 1]], axis=1)
    return np.stack([rows, runs_of], axis=2).astype(np.int64)


def _section_cuts(cells: BoolArray) -> IntArray:
    """The indices of the first axis where the cross-section changes, 0 and the length included."""
    changed = (cells[1:] != cells[:-1]).any(axis=tuple(range(1, cells.ndim)))
    return np.concatenate([[0], np.flatnonzero(changed) + 1, [len(cells)]])


def _slabs(cells: BoolArray) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield the (start, stop) of each box along every axis: maximal slabs of equal cross-section, in order."""
    for low, high in pairwise(_section_cuts(cells).tolist()):
        section = cells[low]
        if cells.ndim == 1:
            if section:
                yield ((low, high),)
        elif section.any():
            for rest in _slabs(section):
                yield ((low, high), *rest)
