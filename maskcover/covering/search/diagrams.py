"""The most that a mask of any form can hold: placements of one shape, or weighted placements of several.

Pushing the cells of a mask down in each column, then to the left in each row, makes a *diagram*: columns of cells that
stand on the same line and get lower from left to right. A diagram holds at least as many placements of every box as the
mask did (docs/theory.md, Lower bounds). So it is enough to look at diagrams. There a box of a×b cells has one placement
for each cell that has a − 1 cells below and b − 1 to the left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from maskcover.covering.search.boxes import Ints
from maskcover.grid import Extents

Heights = tuple[int, ...]
"""A diagram: the number of cells of each column, from left to right, none higher than the one before."""

Weights = tuple[tuple[Extents, int], ...]
"""Boxes of two axes, each with the weight of each of its placements."""

Bytes = npt.NDArray[np.uint8]

_NONE = -(1 << 62)  # the weight of what is no diagram


def most_held(sides: Extents, shape: Extents, area: int) -> int:
    """Bound the number of placements of a box in any mask of at most `area` cells in an image of two axes.

    A mask that holds e placements of a box of a×b cells, with h different first rows and w different first columns, has
    at least ``e + (a−1)·w + (b−1)·h + (a−1)·(b−1)`` cells, and e is at most h·w.

    >>> most_held((224, 224), (32, 32), 4096)
    1089
    """
    (height, width), (a, b) = sides, shape
    rows = np.arange(1, height - a + 2, dtype=np.int64)
    rest = area - (a - 1) * (b - 1) - (b - 1) * rows
    # The first bound on e falls with the number of columns, the second rises; the best is where they meet.
    below = np.clip(rest // (rows + a - 1), 1, width - b + 1)
    above = np.minimum(below + 1, width - b + 1)
    held = [np.minimum(rows * columns, rest - (a - 1) * columns) for columns in (below, above)]
    return max(int(np.max(held)), 0)


def steps_of(sides: Extents, area: int) -> int:
    """Estimate the number of operations of `heaviest_weight`."""
    return sum(min(sides[1], area // height) for height in range(1, min(sides[0], area) + 1)) * area


@lru_cache(maxsize=1 << 8)
def heaviest_weight(sides: Extents, area: int, weights: Weights) -> int:
    """Compute the most weight of the placements in a diagram of at most `area` cells, each with that of its shape.

    Dynamic programming in whole numbers over the heights of columns, from high to low: for each number of columns and
    of cells the most weight so far. Weights are at least 0, and all placements together weigh less than 2^62.

    >>> heaviest_weight((3, 4), 6, (((2, 2), 2), ((1, 4), 3)))
    5
    """
    best = _started(sides, area)
    columns = _column_weights(sides, weights)
    for height, column in _moves(sides, area):
        before, after = best[column, : area + 1 - height] + columns[height, column], best[column + 1, height:]
        np.maximum(before, after, out=after)
    return int(best[:, area].max())


def heaviest_diagram(sides: Extents, area: int, weights: Weights) -> Heights:
    """Find a diagram of the weight that `heaviest_weight` computes.

    >>> heaviest_diagram((3, 4), 6, (((2, 2), 2), ((1, 4), 3)))
    (2, 2, 1, 1)
    """
    best = _started(sides, area)
    columns = _column_weights(sides, weights)
    taken: dict[tuple[int, int], Bytes] = {}
    for height, column in _moves(sides, area):
        before, after = best[column, : area + 1 - height] + columns[height, column], best[column + 1, height:]
        better = before > after
        if better.any():
            taken[height, column + 1] = np.packbits(better)
            np.maximum(before, after, out=after)
    return _traced(taken, int(best[:, area].argmax()), area)


def placements_in(heights: Heights, shapes: Sequence[Extents]) -> list[int]:
    """Count the placements of each shape in a diagram.

    >>> placements_in((3, 2, 2), [(1, 1), (2, 2), (1, 3), (3, 3)])
    [7, 2, 2, 0]
    """
    columns = np.array(heights, np.int64)
    return [int(np.maximum(columns[b - 1 :] - a + 1, 0).sum()) for a, b in shapes]


def transposed(heights: Heights) -> Heights:
    """Mirror a diagram, so that its rows become columns.

    >>> transposed((3, 1))
    (2, 1, 1)
    """
    return tuple(sum(height > row for height in heights) for row in range(max(heights, default=0)))


def _started(sides: Extents, area: int) -> Ints:
    """The weight of no column at all, whatever the number of cells that may be used; nothing else so far."""
    best = np.full((min(sides[1], area) + 1, area + 1), _NONE, np.int64)
    best[0] = 0
    return best


def _moves(sides: Extents, area: int) -> Iterator[tuple[int, int]]:
    """Yield heights from high to low, and the numbers of columns to which a column of that height may be added."""
    for height in range(min(sides[0], area), 0, -1):
        for column in range(min(sides[1], area // height)):
            yield height, column


def _column_weights(sides: Extents, weights: Weights) -> Ints:
    """The weight of the placements whose last cell lies in a column of a height; int64 (heights from 0, columns)."""
    cells = np.zeros((sides[0] + 1, sides[1]), np.int64)
    for (a, b), weight in weights:
        cells[a:, b - 1 :] += weight
    return np.cumsum(cells, axis=0)


def _traced(taken: dict[tuple[int, int], Bytes], count: int, area: int) -> Heights:
    """The heights of the columns of the best diagram, from what was taken on the way."""
    heights: list[int] = []
    height = 1
    while count:
        bits, place = taken.get((height, count)), area - height
        if bits is not None and place >= 0 and bits[place >> 3] >> (7 - (place & 7)) & 1:
            heights.append(height)
            count, area = count - 1, place
        else:
            height += 1
    return tuple(reversed(heights))
