"""Lists all rasters of a disc whose centre may be any real point, exactly, those at special centres included.

A disc of radius r touches a pixel unless its centre is r or more away from it, so its raster changes only where the
centre has distance r from a lattice point or a lattice line. On the unit torus of centres these circles and lines form
an arrangement, whose vertices have coordinates (a + b√c) / q in whole numbers. Every open edge of it starts at a
vertex, and every face has an edge on its boundary: so it is enough to look at each vertex, at a point after it on
every curve through it, both ways, and to both sides of that point. These points are infinitely near to the vertex.
Pixels nearer than r from it stay touched, pixels farther stay untouched, and for a pixel at distance r exactly the
first sign of the distance's Taylor series decides. By the symmetries of the square one eighth of the torus is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from math import isqrt

import numpy as np

from maskcover.regions.shapes.outlines import BoolArray, Rows, array_of, cropped, width_of
from maskcover.regions.shapes.rasters import checked_diameter, maximal_rasters

MOST_DIAMETER = 1 << 6
"""The largest diameter whose rasters are listed, in pixels."""

Surd = tuple[int, int]
"""(a, b) stands for a + b√c."""
Vector = tuple[Surd, Surd]
Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Curve:
    """The centres at distance r from a lattice point or line, as far as they concern one eighth of the torus.

    A circle has its `middle`, a lattice point in units; the line x = `at` has axis 0 and the line y = `at` axis 1.
    """

    middle: Point = (0, 0)
    axis: int | None = None
    at: int = 0


@dataclass(frozen=True, slots=True)
class Vertex:
    """The centre (x, y) / q, in units, where x and y are surds of c, and two curves that meet there."""

    x: Surd
    y: Surd
    c: int
    q: int
    curves: tuple[Curve, Curve]


@dataclass(frozen=True, slots=True)
class Way:
    """A way from a vertex along a curve: velocity, acceleration, and the curve's normal times the side (0: on it)."""

    velocity: Vector
    acceleration: Vector
    normal: Vector


def subpixel_disc(diameter: int | Fraction, *, maximal: bool = False) -> tuple[BoolArray, ...]:
    """List every raster that an open disc has at some real centre, each once, cropped; small ones first.

    With ``maximal=True`` only those that lie in no other at any shift. Raises `InvalidInput` unless the diameter is an
    int or a Fraction above 0 and at most 64.

    >>> [raster.shape for raster in subpixel_disc(1)]
    [(1, 1), (1, 2), (2, 1), (2, 2), (2, 2), (2, 2), (2, 2), (2, 2)]
    """
    across = checked_diameter(diameter, MOST_DIAMETER)
    radius, pixel = across.numerator, 2 * across.denominator
    eighth = {rows for vertex in _vertices(radius, pixel) for rows in _rasters(vertex, radius, pixel)}
    every = {turned for rows in eighth for turned in _turned(rows)}
    rasters = tuple(array_of(rows, width) for _, width, rows in sorted((len(r), width_of(r), r) for r in every))
    return maximal_rasters(rasters) if maximal else rasters


def sign(surd: Surd, c: int) -> int:
    """The sign of a + b√c, for c >= 0.

    >>> sign((-7, 5), 2), sign((-6, 3), 4), sign((3, -2), 3)
    (1, 0, -1)
    """
    a, b = surd
    square = a * a - b * b * c
    if a >= 0 and b >= 0:
        return 1 if a or (b and c) else 0
    if a <= 0 and b <= 0:
        return -1 if a or (b and c) else 0
    return (square > 0) - (square < 0) if a > 0 else (square < 0) - (square > 0)


def _vertices(radius: int, pixel: int) -> Iterator[Vertex]:
    """Yield the vertices with 0 <= y <= x <= pixel / 2, some of them more than once."""
    for first, second in combinations(_curves(radius, pixel), 2):
        for vertex in _meetings(first, second, radius):
            (a, b), (u, v), c = vertex.x, vertex.y, vertex.c
            low, between, high = (u, v), (a - u, b - v), (pixel * vertex.q - 2 * a, -2 * b)
            if min(sign(low, c), sign(between, c), sign(high, c)) >= 0:
                yield vertex


def _curves(radius: int, pixel: int) -> list[Curve]:
    """The lines and circles that meet the square [0, pixel / 2]²."""
    places = sorted({at for at in (radius % pixel, -radius % pixel) if 2 * at <= pixel})
    lines = [Curve(axis=axis, at=at) for axis, at in product((0, 1), places)]
    reach = range(-(radius // pixel) - 1, radius // pixel + 3)
    middles = ((column * pixel, row * pixel) for column in reach for row in reach)
    return lines + [Curve(middle) for middle in middles if _passes(middle, radius, pixel)]


def _passes(middle: Point, radius: int, pixel: int) -> bool:
    near = sum(max(-2 * at, 2 * at - pixel, 0) ** 2 for at in middle)
    far = sum(max(abs(2 * at), abs(2 * at - pixel)) ** 2 for at in middle)
    return near <= 4 * radius * radius <= far


def _meetings(first: Curve, second: Curve, radius: int) -> Iterator[Vertex]:
    if first.axis is None and second.axis is None:
        yield from _of_circles(first, second, radius)
    elif first.axis is None or second.axis is None:
        line, circle = (second, first) if first.axis is None else (first, second)
        yield from _of_line_and_circle(line, circle, radius)
    elif first.axis != second.axis:
        upright, level = (first, second) if first.axis == 0 else (second, first)
        yield Vertex((upright.at, 0), (level.at, 0), 0, 1, (first, second))


def _of_circles(first: Curve, second: Curve, radius: int) -> Iterator[Vertex]:
    """Yield the meeting points of circles of one radius: from the middle of their centres at right angles both ways."""
    (px, py), (qx, qy) = first.middle, second.middle
    wx, wy = qx - px, qy - py
    square = wx * wx + wy * wy
    c = square * (4 * radius * radius - square)
    for side in (1, -1)[: (c >= 0) + (c > 0)]:
        x, y = ((px + qx) * square, -side * wy), ((py + qy) * square, side * wx)
        yield Vertex(x, y, c, 2 * square, (first, second))


def _of_line_and_circle(line: Curve, circle: Curve, radius: int) -> Iterator[Vertex]:
    axis = line.axis or 0
    c = radius * radius - (line.at - circle.middle[axis]) ** 2
    for side in (1, -1)[: (c >= 0) + (c > 0)]:
        fixed, free = (line.at, 0), (circle.middle[1 - axis], side)
        x, y = (fixed, free) if axis == 0 else (free, fixed)
        yield Vertex(x, y, c, 1, (line, circle))


def _rasters(vertex: Vertex, radius: int, pixel: int) -> Iterator[Rows]:
    """Yield the rasters at a vertex and at the points beside it."""
    span = radius // pixel + 2
    inside, on = _near(vertex, radius, pixel, span)
    yield _rows(inside, span)
    for way in _ways(vertex):
        yield _rows(inside + [cell for cell in on if _comes_nearer(vertex, way, cell, pixel)], span)


def _rows(cells: list[Point], span: int) -> Rows:
    rows = [0] * (2 * span + 1)
    for row, column in cells:
        rows[row + span] |= 1 << (column + span)
    return cropped(rows)


def _near(vertex: Vertex, radius: int, pixel: int, span: int) -> tuple[list[Point], list[Point]]:
    """The pixels (row, column) that are nearer to the vertex than the radius, and those exactly as far."""
    cells = np.arange(-span, span + 1)
    x, y = (_float(surd, vertex, pixel) for surd in (vertex.x, vertex.y))
    across, down = (np.maximum(np.maximum(cells - at, at - cells - 1), 0) for at in (x, y))
    excess = across[None, :] ** 2 + down[:, None] ** 2 - (radius / pixel) ** 2
    # Doubles are wrong by less than 1e-10 here, up to 64 pixels; values close to 0 are decided in whole numbers.
    close = [(row - span, column - span) for row, column in np.argwhere(np.abs(excess) < 1e-6).tolist()]
    signs = [(cell, _excess(vertex, cell, radius, pixel)) for cell in close]
    clear = [(row - span, column - span) for row, column in np.argwhere(excess <= -1e-6).tolist()]
    return clear + [cell for cell, at in signs if at < 0], [cell for cell, at in signs if at == 0]


def _float(surd: Surd, vertex: Vertex, pixel: int) -> float:
    """The value of a coordinate in pixels, correct to some 50 bits even if its parts cancel."""
    a, b = surd
    shift = 64 + vertex.q.bit_length() + b.bit_length()
    root = isqrt(vertex.c << 2 * shift)
    return float(Fraction((a << shift) + b * root, vertex.q * pixel << shift))


def _excess(vertex: Vertex, cell: Point, radius: int, pixel: int) -> int:
    """The sign of the squared distance from the vertex to the pixel, less the squared radius."""
    row, column = cell
    across, down = _gap(vertex.x, column, 0, vertex, pixel), _gap(vertex.y, row, 0, vertex, pixel)
    (a, b), (u, v) = _dot((across, down), (across, down), vertex.c), (-((radius * vertex.q) ** 2), 0)
    return sign((a + u, b + v), vertex.c)


def _gap(at: Surd, cell: int, base: int, vertex: Vertex, pixel: int) -> Surd:
    """The signed distance from the nearest line of a cell to the vertex along an axis; the vertex lies in `base`."""
    if cell == base:
        return 0, 0
    line = (cell if cell > base else cell + 1) * pixel * vertex.q
    return at[0] - line, at[1]


def _ways(vertex: Vertex) -> Iterator[Way]:
    """Yield the ways along each curve through the vertex: in both directions, on it and on both sides of it."""
    for curve, forth, side in product(vertex.curves, (1, -1), (0, 1, -1)):
        if curve.axis is None:
            (a, b), (u, v), q = vertex.x, vertex.y, vertex.q
            gx, gy = (a - curve.middle[0] * q, b), (u - curve.middle[1] * q, v)
            yield Way((_times(gy, -forth), _times(gx, forth)), (_times(gx, -1), _times(gy, -1)), _scaled(gx, gy, side))
        else:
            along, off = (1 - curve.axis) * forth, curve.axis * forth
            normal = ((1 - curve.axis) * side, 0), (curve.axis * side, 0)
            yield Way(((off, 0), (along, 0)), ((0, 0), (0, 0)), normal)


def _comes_nearer(vertex: Vertex, way: Way, cell: Point, pixel: int) -> bool:
    """Whether a pixel at the radius from the vertex is nearer from the point that the way leads to."""
    c, (row, column) = vertex.c, cell
    bases = [_base(at, axis, way, c) for axis, at in enumerate((vertex.x, vertex.y))]
    across, down = (_gap(vertex.x, column, bases[0], vertex, pixel), _gap(vertex.y, row, bases[1], vertex, pixel))
    gap = across, down
    # Half the squared distance to a corner bends by the square of the speed; the distance to a side does not.
    corner = column != bases[0] and row != bases[1]
    bend = _dot(way.velocity, way.velocity, c) if corner else (0, 0)
    turn = _dot(gap, way.acceleration, c)
    orders = _dot(gap, way.velocity, c), (bend[0] + turn[0], bend[1] + turn[1]), _dot(gap, way.normal, c)
    return next((sign(order, c) < 0 for order in orders if sign(order, c)), False)


def _base(at: Surd, axis: int, way: Way, c: int) -> int:
    """The row or column that the way leads to: -1 if it leaves row or column 0 over the line at 0."""
    orders = at, way.velocity[axis], way.acceleration[axis], way.normal[axis]
    return -1 if next((sign(order, c) < 0 for order in orders if sign(order, c)), False) else 0


def _times(surd: Surd, factor: int) -> Surd:
    return surd[0] * factor, surd[1] * factor


def _scaled(x: Surd, y: Surd, factor: int) -> Vector:
    return _times(x, factor), _times(y, factor)


def _dot(first: Vector, second: Vector, c: int) -> Surd:
    (a, b), (d, e) = first
    (f, g), (h, i) = second
    return a * f + b * g * c + d * h + e * i * c, a * g + b * f + d * i + e * h


def _turned(rows: Rows) -> Iterator[Rows]:
    """Yield the raster turned and mirrored in all eight ways."""
    array = array_of(rows, width_of(rows))
    for turned in (array, array.T):
        for mirrored in (turned, turned[::-1], turned[:, ::-1], turned[::-1, ::-1]):
            packed = np.packbits(mirrored, axis=1, bitorder="little")
            yield tuple(int.from_bytes(row.tobytes(), "little") for row in packed)
