"""Where one raster lies in another, for many rasters: widths rule nearly all pairs out, ends of rows decide the rest.

A raster is a non-empty 2-d bool array whose first and last row and column hold a pixel. Everything is in integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
_STEEPEST = 4
_DIRECTIONS = np.array(
    [
        (down, right)
        for down in range(_STEEPEST + 1)
        for right in range(-_STEEPEST, _STEEPEST + 1)
        if gcd(down, right) == 1 and (down or right > 0)
    ],
    dtype=np.int64,
)


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """A raster with the ends of its rows.

    Args:
        cells: The raster.
        rows: The numbers of the rows that hold a pixel, int64 (rows,).
        first: For each of them its first pixel, int64 (rows,), and `last` its last one.
        is_solid: Whether each of them is a single run of pixels, and none is missing.
    """

    cells: BoolArray
    rows: IntArray
    first: IntArray
    last: IntArray
    is_solid: bool

    @classmethod
    def of(cls, cells: BoolArray) -> Raster:
        """The raster of an array."""
        rows = np.flatnonzero(cells.any(axis=1))
        first = cells[rows].argmax(axis=1)
        last = cells.shape[1] - 1 - cells[rows, ::-1].argmax(axis=1)
        is_solid = len(rows) == len(cells) and int((last - first + 1).sum()) == np.count_nonzero(cells)
        return cls(cells, rows, first, last, is_solid)

    @property
    def widths(self) -> IntArray:
        """The extents along some directions, and the number of pixels last: at least those of whatever lies inside."""
        at_first, at_last = (_DIRECTIONS @ np.stack([self.rows, ends]) for ends in (self.first, self.last))
        extents = np.maximum(at_first, at_last).max(axis=1) - np.minimum(at_first, at_last).min(axis=1)
        return np.append(extents, np.count_nonzero(self.cells))

    def shifts_in(self, larger: Raster) -> Iterator[tuple[int, int]]:
        """Yield each shift (down, right) at which this raster lies in the larger one, in reading order."""
        room = [b - a for a, b in zip(self.cells.shape, larger.cells.shape, strict=True)]
        if min(room) < 0:
            return
        first, last = larger._all_ends()
        rows = np.arange(room[0] + 1)[:, None] + self.rows
        # Each row of this raster reaches neither beyond the first nor beyond the last pixel of the row around it.
        low = np.maximum((first[rows] - self.first).max(axis=1), 0).tolist()
        high = np.minimum((last[rows] - self.last).min(axis=1), room[1]).tolist()
        for down, (start, stop) in enumerate(zip(low, high, strict=True)):
            for right in range(start, stop + 1):
                if larger.is_solid or self._lies_at(down, right, larger.cells):
                    yield down, right

    def _all_ends(self) -> tuple[IntArray, IntArray]:
        """The ends of all rows; those of a row without pixels hold nothing."""
        if self.is_solid:
            return self.first, self.last
        first, last = np.full(len(self.cells), self.cells.shape[1]), np.full(len(self.cells), -1)
        first[self.rows], last[self.rows] = self.first, self.last
        return first, last

    def _lies_at(self, down: int, right: int, larger: BoolArray) -> bool:
        height, width = self.cells.shape
        return not (self.cells & ~larger[down : down + height, right : right + width]).any()


@dataclass(frozen=True, slots=True, eq=False)
class Rasters:
    """Rasters with their widths, int64 (rasters, widths)."""

    rasters: tuple[Raster, ...]
    widths: IntArray

    @classmethod
    def of(cls, arrays: Sequence[BoolArray]) -> Rasters:
        """The rasters of some arrays."""
        rasters = tuple(map(Raster.of, arrays))
        return cls(
            rasters, np.array([raster.widths for raster in rasters], dtype=np.int64).reshape(-1, len(_DIRECTIONS) + 1)
        )

    def chosen(self, numbers: Sequence[int]) -> Rasters:
        """Some of the rasters."""
        return Rasters(tuple(self.rasters[number] for number in numbers), self.widths[list(numbers)])

    def perhaps_in(self, widths: IntArray) -> BoolArray:
        """Which of the rasters are no wider, in any direction, than a raster of these widths."""
        return np.asarray((self.widths <= widths).all(axis=1))

    def perhaps_around(self, widths: IntArray) -> BoolArray:
        """Which of the rasters are at least as wide, in all directions, as a raster of these widths."""
        return np.asarray((self.widths >= widths).all(axis=1))

    def maximal(self) -> list[int]:
        """The numbers of the rasters that lie in no other at any shift; of equal ones the first."""
        is_open = np.ones(len(self.rasters), np.bool_)
        maximal = []
        for number in np.argsort(-self.widths[:, -1], kind="stable").tolist():
            # A raster that holds this one has more pixels or is equal, so it, or another that holds it, came before.
            if is_open[number]:
                maximal.append(number)
                for other in np.flatnonzero(is_open & self.perhaps_in(self.widths[number])).tolist():
                    is_open[other] = not any(True for _ in self.rasters[other].shifts_in(self.rasters[number]))
        return sorted(maximal)
