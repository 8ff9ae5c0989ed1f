"""The exact core of the rasters: a shape's edges in whole numbers, and the pixels they cross and enclose.

Coordinates are shapely's (x, y) in pixels, x to the right and y down; the pixel in row i and column j is the open
square (j, j + 1) × (i, i + 1). Floats are dyadic rationals, so every shape has whole coordinates in a small enough
unit, and nothing here rounds: GEOS decides only whether a shape is valid, never which pixels it touches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely import MultiPolygon, Polygon

from maskcover.errors import InvalidInput

BoolArray = npt.NDArray[np.bool_]
Edge = tuple[int, int, int, int]
"""(x0, y0, x1, y1) with y0 <= y1, in whole units."""
Rows = tuple[int, ...]
"""A set of pixels, one integer for each row: bit j is column j."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The edges of a shape in whole numbers of 1/`unit` pixel, counted from the lattice point (`row`, `column`).

    All coordinates are at least 0; `height` and `width` count the rows and columns that the bounding box touches.
    """

    edges: tuple[Edge, ...]
    unit: int
    row: int
    column: int
    height: int
    width: int


def outline(shape: Polygon | MultiPolygon, most: int) -> Outline:
    """Make the outline of a valid polygon or multipolygon of at most `most` pixels along either axis.

    Raises `InvalidInput` for anything else.

    >>> outline(shapely.box(3.5, -1, 5, 2), 100)
    Outline(edges=((4, 0, 4, 6), (4, 6, 1, 6), (1, 0, 1, 6), (1, 0, 4, 0)), unit=2, row=-1, column=3, height=3, width=2)
    """
    _check(shape, most)
    rings = [shapely.get_coordinates(ring).tolist() for ring in shapely.get_rings(shapely.get_parts(shape))]
    unit = max(value.as_integer_ratio()[1] for ring in rings for point in ring for value in point)
    whole = [[(_times(x, unit), _times(y, unit)) for x, y in ring] for ring in rings]
    columns, rows = (_span([point[axis] for ring in whole for point in ring], unit) for axis in (0, 1))
    edges = tuple(edge for ring in whole for edge in _edges(ring, columns.start * unit, rows.start * unit))
    return Outline(edges, unit, rows.start, columns.start, len(rows), len(columns))


def scan(edges: Iterable[Edge], unit: int, height: int) -> tuple[list[int], list[int]]:
    """For each of `height` rows, the pixels whose interior an edge crosses, and those that the shape encloses.

    The edges are all the edges of a valid shape with coordinates of at least 0, in 1/`unit` pixel. A pixel that an
    edge crosses has some of the shape in it and some of the outside; any other is wholly in or wholly out, which the
    parity of the edges to its left decides. Parities of crossed pixels mean nothing, so check crossings first.

    >>> scan([(0, 1, 0, 5), (0, 1, 6, 1), (6, 1, 6, 5), (0, 5, 6, 5)], 2, 3)
    ([7, 0, 7], [0, 7, 7])
    """
    crossed, enclosed = [0] * height, [0] * height
    for x0, y0, x1, y1 in edges:
        slope, drop, whole = x1 - x0, y1 - y0, (y1 - y0) * unit
        low, high = x0 // unit, -(-x0 // unit)
        for row in range(y0 // unit, -(-y1 // unit)):
            if y0 <= row * unit:
                # Just below the top of the row: all pixels from here on have this edge to their left or in them.
                enclosed[row] ^= -1 << high
            y = (row + 1) * unit
            if y < y1:
                below, rest = divmod(x0 * drop + slope * (y - y0), whole)
                above = below + (rest > 0)
            else:
                below, above = x1 // unit, -(-x1 // unit)
            # An upright edge on a lattice line crosses no pixel: both ends are equal, and so the bits are none.
            crossed[row] |= (1 << max(high, above)) - (1 << min(low, below))
            low, high = below, above
    return crossed, enclosed


def overlapped(edges: Iterable[Edge], unit: int, height: int) -> list[int]:
    """For each row, the pixels whose interior the shape overlaps; arguments as for `scan`."""
    return [crossed | enclosed for crossed, enclosed in zip(*scan(edges, unit, height), strict=True)]


def enclosed(edges: Iterable[Edge], unit: int, height: int) -> list[int]:
    """For each row, the pixels that lie wholly in the shape; arguments as for `scan`."""
    return [inner & ~crossed for crossed, inner in zip(*scan(edges, unit, height), strict=True)]


def cropped(rows: Sequence[int]) -> Rows:
    """Remove empty rows and columns around the pixels; without pixels there are no rows.

    >>> cropped([0, 12, 8, 0])
    (3, 2)
    """
    full = [index for index, row in enumerate(rows) if row]
    if not full:
        return ()
    inner = rows[full[0] : full[-1] + 1]
    margin = min((row & -row).bit_length() for row in inner if row) - 1
    return tuple(row >> margin for row in inner)


def width_of(rows: Sequence[int]) -> int:
    """Number of columns up to the last one with a pixel, that one included."""
    return max((row.bit_length() for row in rows), default=0)


def array_of(rows: Sequence[int], width: int) -> BoolArray:
    """Turn rows of bits into a bool array of shape (rows, width).

    >>> array_of((3, 2), 2).astype(int).tolist()
    [[1, 1], [0, 1]]
    """
    size = -(-width // 8)
    packed = np.frombuffer(b"".join(row.to_bytes(size, "little") for row in rows), np.uint8).reshape(len(rows), size)
    return np.unpackbits(packed, axis=1, count=width, bitorder="little").astype(np.bool_)


def _check(shape: Any, most: int) -> None:
    if not isinstance(shape, Polygon | MultiPolygon):
        kind = getattr(shape, "geom_type", type(shape).__name__)
        raise InvalidInput(f"a shape must be a Polygon or MultiPolygon; got {kind}; widen a line by .buffer(width / 2)")
    if shape.is_empty:
        raise InvalidInput("a shape must have an area; this one is empty")
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        raise InvalidInput("the coordinates of a shape must be finite numbers of pixels; this one has infinity or nan")
    if not shape.is_valid:
        raise InvalidInput(f"a shape must be valid; {shapely.is_valid_reason(shape)}; try shapely.make_valid(shape)")
    if not shape.area > 0:
        raise InvalidInput("a shape must have an area above 0; widen a line by .buffer(width / 2)")
    left, top, right, bottom = shape.bounds
    if max(right - left, bottom - top) > most:
        size = f"{right - left:g}×{bottom - top:g}"
        raise InvalidInput(f"a shape may extend over {most:,} pixels at most; got {size}; scale it to pixels")


def _times(value: float, unit: int) -> int:
    numerator, denominator = value.as_integer_ratio()
    return numerator * (unit // denominator)


def _span(values: list[int], unit: int) -> range:
    return range(min(values) // unit, -(-max(values) // unit))


def _edges(ring: list[tuple[int, int]], left: int, top: int) -> Iterable[Edge]:
    moved = [(x - left, y - top) for x, y in ring]
    for start, end in pairwise(moved):
        (x0, y0), (x1, y1) = sorted((start, end), key=lambda point: point[1])
        if start != end:
            yield x0, y0, x1, y1
