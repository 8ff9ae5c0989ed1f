"""Which placements of a box shape lie inside which masks: exact, on the few placements that can differ.

The placements u at which a shape lies inside a mask are the erosion of the mask by the shape (design §5). Moving a
placement changes nothing until it reaches, or leaves, an edge of a mask; so every answer is constant on the blocks of
placements between those values, and one placement of each block is decided, in integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import product
from math import prod

import numpy as np

from maskcover.grid import Box, Extents, Grid
from maskcover.masks.compressed import Compressed
from maskcover.masks.mask import BoolArray, IntArray

_CHUNK = 1 << 25  # containment answers held at a time


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """The placements of one shape in blocks of equal answers: `starts[axis]` are the first placements of the blocks."""

    shape: Extents
    grid: Grid
    starts: tuple[IntArray, ...]

    def region(self, block: int) -> Box:
        """The first placement of a block, counted in reading order."""
        place = np.unravel_index(block, self.counts)
        return Box.at((int(axis[i]) for axis, i in zip(self.starts, place, strict=True)), self.shape)

    @property
    def counts(self) -> Extents:
        """Number of blocks along each axis."""
        return tuple(map(len, self.starts))

    def sizes(self) -> IntArray:
        """Number of placements in each block, of shape `counts`."""
        return reduce(np.multiply.outer, self._widths())

    def expand(self, answers: BoolArray) -> BoolArray:
        """One answer a block to one answer a placement."""
        for axis, widths in enumerate(self._widths()):
            answers = np.repeat(answers, widths, axis=axis)
        return answers

    def _widths(self) -> list[IntArray]:
        ends = (n - h + 1 for n, h in zip(self.grid.shape, self.shape, strict=True))
        return [np.diff(starts, append=end) for starts, end in zip(self.starts, ends, strict=True)]


def blocks(edges: tuple[IntArray, ...], grid: Grid, shape: Extents) -> Blocks:
    """The blocks of placements of a shape that masks of these edges cannot tell apart."""
    starts = []
    for cuts, length, extent in zip(edges, grid.shape, shape, strict=True):
        # A window [u, u + h) stops touching the cells before an edge e at u = e, and starts touching those from e on
        # at u = e - h + 1.
        values = np.concatenate([[0], cuts, cuts - extent + 1])
        starts.append(np.unique(values[(values >= 0) & (values <= length - extent)]))
    return Blocks(shape, grid, tuple(starts))


def inside_any(bounds: IntArray, places: Blocks) -> BoolArray:
    """Which blocks lie inside at least one of many boxes, int64 (boxes, 2, axes): the erosion of a box is a box.

    The number of boxes around each block is summed up from differences at the corners of the erosions.
    """
    last = bounds[:, 1] - np.array(places.shape)
    fitting = (bounds[:, 0] <= last).all(axis=1)
    first, last = bounds[fitting, 0], last[fitting]
    spans = [
        (np.searchsorted(starts, first[:, axis], side="left"), np.searchsorted(starts, last[:, axis], side="right"))
        for axis, starts in enumerate(places.starts)
    ]
    counts = tuple(count + 1 for count in places.counts)
    around = np.zeros(prod(counts), dtype=np.int64)
    for corner in product((0, 1), repeat=len(spans)):
        cell = np.ravel_multi_index([span[end] for span, end in zip(spans, corner, strict=True)], counts)
        around += np.bincount(cell, minlength=len(around)) * (-1) ** sum(corner)
    around = around.reshape(counts)
    for axis in range(len(spans)):
        around = np.cumsum(around, axis=axis)
    return np.asarray(around[tuple(slice(count) for count in places.counts)] > 0)


def inside(masks: Compressed, places: Blocks) -> Iterator[BoolArray]:
    """Bool arrays (some masks, *blocks.counts) that together tell for every mask which blocks lie inside it.

    Every part but the last has a multiple of eight masks, so that parts can be packed to bits one by one.
    """
    spans = []
    for edges, starts, extent in zip(masks.edges, places.starts, places.shape, strict=True):
        first = np.searchsorted(edges, starts, side="right") - 1
        spans.append((first, np.searchsorted(edges, starts + extent, side="left")))
    touched = reduce(np.multiply.outer, [stop - first for first, stop in spans])
    step = 8 * max(1, _CHUNK // (8 * touched.size))
    for begin in range(0, len(masks.hidden), step):
        yield _window_sums(masks.hidden[begin : begin + step], spans) == touched


def _window_sums(hidden: BoolArray, spans: list[tuple[IntArray, IntArray]]) -> IntArray:
    """For every mask the number of hidden cells in each window, by a summed-area table."""
    table = hidden.astype(np.int64)
    for axis in range(1, hidden.ndim):
        table = np.cumsum(table, axis=axis)
    table = np.pad(table, [(0, 0)] + [(1, 0)] * len(spans))
    sums = np.zeros(1, dtype=np.int64)
    for corner in product((0, 1), repeat=len(spans)):
        picked = np.ix_(np.arange(len(hidden)), *(span[end] for span, end in zip(spans, corner, strict=True)))
        sums = sums + table[picked] * (-1) ** (len(spans) - sum(corner))
    return sums
