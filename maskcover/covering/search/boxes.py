"""Boxes as integer arrays: the sizes that an area allows, and the weight of the boxes that hold each placement."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import prod

import numpy as np
import numpy.typing as npt

from maskcover.errors import InvalidInput
from maskcover.grid import Box, Extents, Grid

Ints = npt.NDArray[np.int64]
Admissible = int | Extents
"""The allowed boxes: those of at most this many cells (an int), or of at most these extents (a tuple)."""


def maximal_extents(grid: Grid, admissible: Admissible) -> tuple[Extents, ...]:
    """The admissible extents that fit the grid and lie inside no other, in sorted order.

    Raises:
        InvalidInput: the extents have not one entry of at least 1 for each axis, or no cell is allowed.

    >>> maximal_extents(Grid((4, 5)), 6)
    ((1, 5), (2, 3), (3, 2), (4, 1))
    >>> maximal_extents(Grid((4, 5)), (3, 9))
    ((3, 5),)
    """
    if isinstance(admissible, tuple):
        if len(admissible) != grid.ndim or min(admissible) < 1:
            raise InvalidInput(f"expected extents of {grid.ndim} axes, each at least 1; got {admissible}")
        return (tuple(map(min, admissible, grid.shape)),)
    if admissible < 1:
        raise InvalidInput(f"expected at least one cell for a box; got {admissible}")
    return _maximal(grid.shape, admissible)


@lru_cache(maxsize=1 << 10)
def _maximal(lengths: Extents, largest: int) -> tuple[Extents, ...]:
    if len(lengths) == 1:
        return ((min(lengths[0], largest),),)
    return tuple(
        (first, *rest)
        for first in range(1, min(lengths[0], largest) + 1)
        for rest in _maximal(lengths[1:], largest // first)
        if first == lengths[0] or (first + 1) * prod(rest) > largest
    )


def arrays(boxes: tuple[Box, ...], ndim: int) -> tuple[Ints, Ints]:
    """Starts and stops, each (boxes, axes)."""
    starts = np.array([box.start for box in boxes], np.int64).reshape(len(boxes), ndim)
    return starts, np.array([box.stop for box in boxes], np.int64).reshape(len(boxes), ndim)


def spread(lengths: Extents, starts: Ints, stops: Ints, weights: Ints) -> Ints:
    """At each cell of an array of these lengths the sum of the weights of the half-open boxes that hold it.

    Boxes that are empty on some axis do not count. Computed by a difference array: 2^d corners for each box, then
    running sums.

    >>> spread((4,), np.array([[0], [1]]), np.array([[2], [4]]), np.ones(2, np.int64)).tolist()
    [1, 2, 1, 1]
    """
    real = (stops > starts).all(axis=1)
    ends = (starts[real], stops[real])
    total = np.zeros(tuple(length + 1 for length in lengths), np.int64)
    for corner in product((0, 1), repeat=len(lengths)):
        where = tuple(ends[far][:, axis] for axis, far in enumerate(corner))
        np.add.at(total, where, weights[real] * (-1) ** sum(corner))
    for axis in range(len(lengths)):
        np.cumsum(total, axis=axis, out=total)
    return total[tuple(slice(length) for length in lengths)]


def coverage(grid: Grid, shape: Extents, starts: Ints, stops: Ints, weights: Ints | None = None) -> Ints:
    """For each placement of a shape (indexed by its start) the number, or the weight, of the boxes that hold it.

    >>> coverage(Grid((5,)), (2,), np.array([[0], [2]]), np.array([[3], [5]])).tolist()
    [1, 1, 1, 1]
    """
    lengths = tuple(n - a + 1 for n, a in zip(grid.shape, shape, strict=True))
    weights = np.ones(len(starts), np.int64) if weights is None else weights
    return spread(lengths, starts, stops - np.array(shape, np.int64) + 1, weights)
