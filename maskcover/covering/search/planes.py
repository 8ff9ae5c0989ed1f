"""Tables and counters of the compiled search: which placements it counts, and how many boxes hold each of them.

Counts are kept in bit planes: bit c of a word speaks of one placement, 64 placements of a row share a word.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from maskcover.covering.search.boxes import Ints
from maskcover.grid import Extents

Words = npt.NDArray[np.uint64]
Group = tuple[tuple[bool, bool, bool], ...]
"""Copies that each box has, the box itself first: axes swapped, then rows mirrored, columns mirrored."""

_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


class Lattice(NamedTuple):
    """The placements that are counted, for a set of boxes that is symmetric: one placement of each orbit is enough.

    The tables `rows_before` and `columns_before` give, for each shape and coordinate, the number of counted rows
    (columns) that start before it; `row_starts` and `column_starts` the coordinate of each counted row (column).
    """

    sides: Ints
    shapes: Ints
    copies: Ints
    rows_before: Ints
    columns_before: Ints
    row_starts: Ints
    column_starts: Ints
    heights: Ints
    widths: Ints

    @property
    def size(self) -> int:
        """Number of counted placements."""
        return int((self.heights * self.widths).sum())


class Planes(NamedTuple):
    """For each counted placement the number of boxes that hold it, in bit planes of one orientation.

    Words of a shape are those from ``offsets[shape]`` on, `strides[shape]` for each row. `zero` and `single` mark
    counts of 0 and of 1; `digits` (words, binary digits) are the counts. Bits beyond a row's end are 0 in all planes.
    """

    zero: Words
    single: Words
    digits: Words
    offsets: Ints
    strides: Ints


def lattice_of(sides: Extents, shapes: Ints, group: Group) -> Lattice:
    """Make the lattice for sets of boxes that have the symmetries of a group.

    Of two shapes that a swap of the axes turns into each other the flatter one is counted; of placements that a
    reflection turns into each other those in the upper (left) half.

    >>> lattice = lattice_of((4, 4), np.array([(1, 2), (2, 1)]), ((False, False, False), (True, False, False)))
    >>> lattice.shapes.tolist(), lattice.size
    ([[1, 2]], 12)
    """
    plain = {(rows, columns) for swap, rows, columns in group if not swap}
    if any(swap for swap, _, _ in group):
        shapes = shapes[shapes[:, 0] <= shapes[:, 1]]
    is_halved = (bool(plain & {(True, False), (True, True)}), (False, True) in plain)
    starts = [
        [np.arange((n - a) // 2 + 1 if half else n - a + 1, dtype=np.int64) for a in shapes[:, axis].tolist()]
        for axis, (n, half) in enumerate(zip(sides, is_halved, strict=True))
    ]
    rows_before, columns_before = (
        np.array([np.searchsorted(line, np.arange(n + 2)) for line in lines], np.int64)
        for lines, n in zip(starts, sides, strict=True)
    )
    row_starts, column_starts = (_padded(lines) for lines in starts)
    heights, widths = (np.array([len(line) for line in lines], np.int64) for lines in starts)
    copies = np.array(group, np.int64)
    return Lattice(
        np.array(sides, np.int64),
        shapes,
        copies,
        rows_before,
        columns_before,
        row_starts,
        column_starts,
        heights,
        widths,
    )


def empty_planes(lattice: Lattice, boxes: int) -> tuple[Planes, Planes]:
    """Planes by rows and by columns in which no box has been put, with digits for `boxes` boxes and their copies."""
    digits = (boxes * len(lattice.copies)).bit_length()
    return _empty(lattice.heights, lattice.widths, digits), _empty(lattice.widths, lattice.heights, digits)


def counts_of(planes: Planes, lattice: Lattice, shape: int) -> Ints:
    """Read the counts of a shape's placements from planes by rows, int64 (rows, columns)."""
    span = slice(int(planes.offsets[shape]), int(planes.offsets[shape + 1]))
    height, width = int(lattice.heights[shape]), int(lattice.widths[shape])
    total = np.zeros((height, width), np.int64)
    for place in range(planes.digits.shape[1]):
        total += _bits(planes.digits[span, place], height)[:, :width] << place
    return total


def uncovered_of(planes: Planes) -> int:
    """Number of counted placements that no box holds."""
    return int(_bits(planes.zero, 1).sum())


def _bits(words: Words, rows: int) -> Ints:
    """The bits of words, lowest first, (rows, bits)."""
    octets = words.astype("<u8").view(np.uint8)
    return np.unpackbits(octets, bitorder="little").reshape(rows, -1).astype(np.int64)


def _empty(rows: Ints, columns: Ints, digits: int) -> Planes:
    strides = (columns + 63) // 64
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(rows * strides)])
    zero = np.full(int(offsets[-1]), _ALL)
    for shape, (stride, width) in enumerate(zip(strides, columns, strict=True)):
        if width % 64:
            last = zero[offsets[shape] : offsets[shape + 1]].reshape(-1, stride)[:, -1]
            last[:] = (1 << int(width % 64)) - 1
    return Planes(zero, np.zeros_like(zero), np.zeros((len(zero), digits), np.uint64), offsets, strides)


def _padded(lines: list[Ints]) -> Ints:
    table = np.zeros((len(lines), max(map(len, lines))), np.int64)
    for row, line in zip(table, lines, strict=True):
        row[: len(line)] = line
    return table
