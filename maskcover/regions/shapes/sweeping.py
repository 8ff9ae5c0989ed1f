"""The pixels that an outline touches at many offsets at once, exactly.

All crossings are computed in floats first, with a bound of their error. A crossing that lies further than that from
every lattice line is decided; the few others, where an offset brings an edge onto a lattice point or a corner onto a
lattice line, are computed again in whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from maskcover.regions.shapes.outlines import BoolArray, Edge, Outline, Rows, cropped

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
T = TypeVar("T", bound=np.generic)
Offset = tuple[int, int, int]
"""(x, y, scale) stands for the offset (x, y) / (scale · unit) of an outline, in [0, 1)²."""

_AT_ONCE = 1 << 20  # pixels of all offsets that are drawn at once
_MOST_AT_ONCE = 1 << 12  # offsets; with more, arrays are too large to stay near the processor
# Coordinates are below 2^9, so a rounding is wrong by less than 2^-44, and a crossing has fewer than ten of them; an
# error of its height counts as often as the edge is steep.
_ERROR = 2.0**-40


def drawn(contour: Outline, offsets: Sequence[Offset]) -> Iterator[tuple[Rows, Offset]]:
    """Yield the different rasters that an outline of at most 256 pixels has at some offsets, each with an offset.

    The offset is the first one of a raster; a raster may come again later.

    >>> from shapely import box
    >>> from maskcover.regions.shapes.outlines import outline
    >>> list(drawn(outline(box(0, 0, 1, 1), 9), [(0, 0, 1), (1, 0, 5)]))
    [((1,), (0, 0, 1)), ((3,), (1, 0, 5))]
    """
    rows_at = _rows_of_convex if _is_convex(contour) else _rows_of_any
    step = min(_MOST_AT_ONCE, max(1, _AT_ONCE // ((contour.height + 1) * (contour.width + 2))))
    for start in range(0, len(offsets), step):
        some = offsets[start : start + step]
        for number, rows in rows_at(contour, some):
            yield cropped(rows), some[number]


def _is_convex(contour: Outline) -> bool:
    """Whether all corners lie on one side of each edge: then the edges are the border of the corners' convex hull."""
    corners = {corner for a, b, c, d in contour.edges for corner in ((a, b), (c, d))}
    for x0, y0, x1, y1 in contour.edges:
        sides = [(x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) for x, y in corners]
        if min(sides) < 0 < max(sides):
            return False
    return True


def _rows_of_convex(contour: Outline, offsets: Sequence[Offset]) -> Iterator[tuple[int, list[int]]]:
    """Yield the number of an offset and its rows of bits, for different rasters of a convex shape.

    A row is a single run of pixels, from the first that an edge touches to the last.
    """
    height, width = contour.height + 1, contour.width + 2
    first, stop = np.full((height, len(offsets)), width, np.int16), np.zeros((height, len(offsets)), np.int16)
    for span in _spans(contour, offsets):
        low = np.where(span.is_here, np.minimum(span.entry.floor, span.exit.floor), width)
        high = np.where(span.is_here, np.maximum(span.entry.ceil, span.exit.ceil), 0)
        # An upright edge on a line between columns is no pixel, but the others of the row have the same end.
        np.minimum(first[span.row], low, out=first[span.row])
        np.maximum(stop[span.row], high, out=stop[span.row])
    for number, (low, high) in _distinct(np.stack([first.T, stop.T], axis=1)):
        yield number, [(1 << b) - (1 << a) if a < b else 0 for a, b in zip(low.tolist(), high.tolist(), strict=True)]


def _rows_of_any(contour: Outline, offsets: Sequence[Offset]) -> Iterator[tuple[int, list[int]]]:
    """Yield the number of an offset and its rows of bits, for different rasters of any shape."""
    shape = len(offsets), contour.height + 1, contour.width + 2
    begins, ends, turns = list[Ints](), list[Ints](), list[Ints]()
    for span in _spans(contour, offsets):
        cells = (np.arange(len(offsets)) * shape[1] + span.row) * shape[2]
        begins.append((cells + np.minimum(span.entry.floor, span.exit.floor))[span.is_here])
        ends.append((cells + np.maximum(span.entry.ceil, span.exit.ceil))[span.is_here])
        turns.append((cells + span.entry.ceil)[span.is_here & span.is_above])
    crossed = np.cumsum(_counted(begins, shape) - _counted(ends, shape), axis=2) > 0
    # As in `scan`: a pixel that no edge crosses is inside if an odd number of edges passes on its left.
    inside = np.cumsum(_counted(turns, shape), axis=2) % 2 == 1
    packed = np.packbits((crossed | inside)[:, :, :-1], axis=2, bitorder="little")
    for number, rows in _distinct(packed):
        yield number, [int.from_bytes(row.tobytes(), "little") for row in rows]


def _counted(cells: list[Ints], shape: tuple[int, ...]) -> Ints:
    """The number of times that each cell of an array of this shape is listed by its number."""
    return np.bincount(np.concatenate(cells), minlength=int(np.prod(shape))).reshape(shape)


def _distinct(rows: npt.NDArray[T]) -> Iterator[tuple[int, npt.NDArray[T]]]:
    """Yield the different entries of an array along its first axis, each with its first number."""
    numbers: dict[bytes, int] = {}
    for number, entry in enumerate(np.ascontiguousarray(rows)):
        numbers.setdefault(entry.tobytes(), number)
    yield from ((number, rows[number]) for number in numbers.values())


@dataclass(frozen=True, slots=True, eq=False)
class _Whole:
    """The whole numbers around real ones: `floor` and `ceil`, int64 of one shape."""

    floor: Ints
    ceil: Ints


@dataclass(frozen=True, slots=True, eq=False)
class _Span:
    """The part of an edge in one row, at all offsets.

    Args:
        row: The number of the row.
        is_here: Whether the edge meets the row, bool (offsets,); elsewhere the rest means nothing.
        is_above: Whether it reaches the upper line of the row, bool (offsets,).
        entry, exit: The columns where it comes into the row and leaves it, (offsets,).
    """

    row: int
    is_here: BoolArray
    is_above: BoolArray
    entry: _Whole
    exit: _Whole


def _spans(contour: Outline, offsets: Sequence[Offset]) -> Iterator[_Span]:
    """Yield the parts of all edges in all rows."""
    unit = contour.unit
    moves = _Moves.of(offsets, unit)
    heights = {y: _corner(y, 1, moves) for y in {y for _, b, _, d in contour.edges for y in (b, d)}}
    for edge in contour.edges:
        x0, y0, x1, y1 = edge
        top, bottom = heights[y0], heights[y1]
        rows = range(y0 // unit, -(-y1 // unit) + 1)
        if y0 == y1:
            lines = [_corner(x0, 0, moves), _corner(x1, 0, moves)] * len(rows)
        else:
            # Only beside rows that the edge meets a line is looked at closely.
            lines = [
                _at_line(edge, line, moves, (top.floor <= line) & (line <= bottom.ceil))
                for line in range(rows.start, rows.stop + 1)
            ]
        for row, entry, exit_ in zip(rows, lines, lines[1:], strict=False):
            yield _Span(row, (top.floor <= row) & (row < bottom.ceil), top.ceil <= row, entry, exit_)


@dataclass(frozen=True, slots=True, eq=False)
class _Moves:
    """Offsets in whole numbers, and as floats in pixels, float64 (2, offsets)."""

    offsets: Sequence[Offset]
    unit: int
    floats: Floats

    @classmethod
    def of(cls, offsets: Sequence[Offset], unit: int) -> _Moves:
        """The moves of offsets in 1/unit pixel."""
        floats = [[offset[axis] / (offset[2] * unit) for offset in offsets] for axis in (0, 1)]
        return cls(offsets, unit, np.array(floats, dtype=np.float64))


def _corner(place: int, axis: int, moves: _Moves) -> _Whole:
    """The whole numbers around a coordinate of a corner, in 1/unit pixel, at all offsets."""

    def exact(number: int) -> tuple[int, int]:
        move = moves.offsets[number]
        return place * move[2] + move[axis], moves.unit * move[2]

    return _whole(_ratio(place, moves.unit) + moves.floats[axis], 4 * _ERROR, exact)


def _at_line(edge: Edge, line: int, moves: _Moves, is_needed: BoolArray) -> _Whole:
    """The whole numbers around the column where an edge that is not level passes the upper line of a row.

    Where the line lies above the edge, or below it, the column of its upper or lower end.
    """
    x0, y0, x1, y1 = edge
    slope = _ratio(x1 - x0, y1 - y0)

    def exact(number: int) -> tuple[int, int]:
        x, y, scale = moves.offsets[number]
        whole = moves.unit * scale
        down = min(max(line * whole - y0 * scale - y, 0), (y1 - y0) * scale)
        return (x0 * scale + x) * (y1 - y0) + (x1 - x0) * down, whole * (y1 - y0)

    down = np.clip(line - _ratio(y0, moves.unit) - moves.floats[1], 0, _ratio(y1 - y0, moves.unit))
    with np.errstate(invalid="ignore"):  # an edge that is too level for floats is computed in whole numbers
        columns = _ratio(x0, moves.unit) + moves.floats[0] + slope * down
    return _whole(columns, (4 + abs(slope)) * _ERROR, exact, is_needed)


def _whole(
    values: Floats, error: float, exact: Callable[[int], tuple[int, int]], is_needed: BoolArray | bool = True
) -> _Whole:
    """The whole numbers around values that are wrong by less than `error`, or around exact fractions where they matter.

    `exact` gives the numerator and the denominator of a value from its number. Values that are not needed mean nothing.
    """
    with np.errstate(invalid="ignore"):
        near = np.rint(values)
        is_sure = np.abs(values - near) > error  # False for what is no number
    floor = np.zeros(len(values), dtype=np.int64)
    np.copyto(floor, np.floor(values), where=is_sure, casting="unsafe")
    ceil = floor + 1
    for number in np.flatnonzero(~is_sure & is_needed).tolist():
        numerator, denominator = exact(number)
        below, rest = divmod(numerator, denominator)
        floor[number], ceil[number] = below, below + (rest > 0)
    return _Whole(floor, ceil)


def _ratio(numerator: int, denominator: int) -> float:
    """A fraction as the nearest float."""
    try:
        return numerator / denominator
    except OverflowError:
        return inf if numerator > 0 else -inf
