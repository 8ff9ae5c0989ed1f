"""Erosion: the placements at which one set of cells lies inside another. Exact, in integers.

Moving a stencil changes nothing until an edge of the stencil reaches, or leaves, an edge of the set; so the answer is
constant on the blocks of placements between those values, and one placement of each block is decided.
"""

from __future__ import annotations

from functools import reduce
from itertools import product

import numpy as np

from maskcover.cells.cells import BoolArray, Cells, IntArray, axis_edges, decomposed, painted

_Spans = list[tuple[IntArray, IntArray]]


def eroded(cells: Cells, stencil: Cells) -> Cells:
    """The placements u at which ``stencil.shifted(u)`` lies inside `cells`; no coordinate of u is negative.

    >>> from maskcover.grid import Box
    >>> eroded(Cells([Box((0, 3), (4, 9))]), Cells([Box((0, 0), (3, 2))]))
    Cells(2×5 at rows 0–1, columns 3–7)
    """
    return Cells.from_bounds(eroded_bounds(cells, stencil))


def eroded_bounds(cells: Cells, stencil: Cells) -> IntArray:
    """The erosion as disjoint boxes, int64 (boxes, 2, axes)."""
    room = _room(cells, stencil)
    if room is None or len(cells.bounds) == 1:
        return np.empty((0, 2, cells.ndim), np.int64) if room is None else room[None]
    edges = axis_edges(cells.bounds)
    starts = [_block_starts(edges[axis], stencil.bounds[:, :, axis], *room[:, axis]) for axis in range(cells.ndim)]
    inside = _inside(painted(cells.bounds, edges), edges, stencil.bounds, starts)
    ends = [np.append(axis, stop) for axis, stop in zip(starts, room[1], strict=True)]
    boxes = decomposed(inside)
    return np.stack([cuts[boxes[:, :, axis]] for axis, cuts in enumerate(ends)], axis=2)


def _room(cells: Cells, stencil: Cells) -> IntArray | None:
    """The box of placements, int64 (2, axes), at which the bounding boxes lie inside one another; exact for a box."""
    if not cells or not stencil:
        return None
    first = np.array(cells.span.start) - np.array(stencil.span.start)
    stop = np.array(cells.span.stop) - np.array(stencil.span.stop) + 1
    first = np.maximum(first, 0)
    return np.stack([first, stop]) if (first < stop).all() else None


def _block_starts(edges: IntArray, spans: IntArray, low: int, high: int) -> IntArray:
    """The first placements of the blocks within [low, high); the edges differ.

    A span [u + a, u + b) stops touching the cells before an edge e at u = e - a, and starts touching those from e on
    at u = e - b + 1.
    """
    spans = np.unique(spans, axis=0)
    values = np.concatenate(
        [np.subtract.outer(edges, spans[:, 0]), np.subtract.outer(edges, spans[:, 1] - 1)], axis=None
    )
    inner = np.unique(values[(values > low) & (values < high)])
    return np.concatenate([[low], inner])


def _inside(cells: BoolArray, edges: list[IntArray], boxes: IntArray, starts: list[IntArray]) -> BoolArray:
    """Whether all boxes, moved to each combination of starts, lie in the cells; bool, an axis for each axis."""
    table = _summed(cells)
    inside = np.ones([len(axis) for axis in starts], dtype=np.bool_)
    for box in boxes:
        spans = [
            _touched(cuts, axis, *box[:, number]) for number, (cuts, axis) in enumerate(zip(edges, starts, strict=True))
        ]
        inside &= _window_sums(table, spans) == reduce(np.multiply.outer, [stop - first for first, stop in spans])
    return inside


def _touched(edges: IntArray, starts: IntArray, first: int, stop: int) -> tuple[IntArray, IntArray]:
    """The range of cells between edges that the interval [first, stop), moved to each start, touches."""
    return np.searchsorted(edges, starts + first, side="right") - 1, np.searchsorted(edges, starts + stop, side="left")


def _summed(cells: BoolArray) -> IntArray:
    """The summed-area table, with a leading zero on every axis."""
    table = cells.astype(np.int64)
    for axis in range(cells.ndim):
        table = np.cumsum(table, axis=axis)
    return np.pad(table, [(1, 0)] * cells.ndim)


def _window_sums(table: IntArray, spans: _Spans) -> IntArray:
    """The number of cells in each window, from the corners of a summed-area table."""
    flat, strides = table.ravel(), np.array(table.strides) // table.itemsize
    sums = np.zeros(1, dtype=np.int64)
    for corner in product((0, 1), repeat=len(spans)):
        steps = [span[end] * stride for span, end, stride in zip(spans, corner, strides, strict=True)]
        sums = sums + flat.take(reduce(np.add.outer, steps)) * (-1) ** (len(spans) - sum(corner))
    return sums
