"""The maximal boxes inside a set of cells: a box lies inside the set exactly when it lies inside one of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import prod

import numpy as np

from maskcover.cells.cells import BoolArray, Cells, IntArray, axis_edges, painted, runs

_MOST_CELLS = 256  # between edges; beyond that there may be too many boxes to list


@lru_cache(maxsize=1 << 15)
def maximal_boxes(cells: Cells) -> IntArray | None:
    """The boxes inside a set that lie in no other such box, int64 (boxes, 2, axes); None if the set is too intricate.

    >>> from maskcover.grid import Box
    >>> cross = Cells([Box((0, 1), (3, 2)), Box((1, 0), (2, 3))])
    >>> boxes = maximal_boxes(cross)
    >>> [] if boxes is None else boxes.tolist()
    [[[0, 1], [3, 2]], [[1, 0], [2, 3]]]
    """
    if len(cells.bounds) < 2:
        return cells.bounds
    edges = axis_edges(cells.bounds)
    if prod(len(cuts) - 1 for cuts in edges) > _MOST_CELLS:
        return None
    bitmap = painted(cells.bounds, edges)
    largest = _maximal_spans(bitmap.tobytes(), bitmap.shape)
    return np.stack([cuts[largest[:, axis]] for axis, cuts in enumerate(edges)], axis=2)


@lru_cache(maxsize=1 << 13)
def _maximal_spans(bitmap: bytes, shape: tuple[int, ...]) -> IntArray:
    """The maximal boxes of a bitmap, as (boxes, axes, 2): unions of masks have few different bitmaps."""
    cells = np.frombuffer(bitmap, dtype=np.bool_).reshape(shape)
    spans = np.array(list(dict.fromkeys(_boxes(cells))), dtype=np.int64)
    low, high = spans[:, :, 0], spans[:, :, 1]
    inside = (low[:, None] >= low[None]).all(axis=2) & (high[:, None] <= high[None]).all(axis=2)
    return np.asarray(spans[inside.sum(axis=1) == 1])  # inside itself and no other


def _boxes(cells: BoolArray) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield the boxes that are maximal among those with the same span along the first axis."""
    if cells.ndim == 1:
        yield from (((low, high),) for low, high in runs(cells))
        return
    for first in range(len(cells)):
        common = np.ones(cells.shape[1:], dtype=np.bool_)
        for last in range(first, len(cells)):
            common = common & cells[last]
            if not common.any():
                break
            yield from (((first, last + 1), *rest) for rest in _boxes(common))
