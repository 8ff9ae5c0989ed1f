"""Lists all rasters of a shape that may lie at any real offset, exactly, those at special offsets included.

Whether the shape at offset d touches a pixel changes only where an edge of it passes a lattice point or a vertex of it
passes a lattice line. On the unit torus of offsets these are finitely many segments, and the raster is constant on each
face, open edge and vertex of their arrangement. Every face has a least point in the order of (x, y), which is a vertex;
near it the face, and each open edge near its own least end, lies to the right. So it is enough to look at each vertex,
at every direction to the right along a segment through it, and between each two neighbours of these directions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cmp_to_key
from itertools import combinations, pairwise
from math import gcd

from shapely import MultiPolygon, Polygon

from maskcover.errors import InvalidInput
from maskcover.regions.shapes.outlines import (
    BoolArray,
    Edge,
    Outline,
    Rows,
    array_of,
    cropped,
    outline,
    overlapped,
    width_of,
)
from maskcover.regions.shapes.rasters import maximal_rasters
from maskcover.terminal import bar

MOST_EXTENT = 1 << 8
"""The largest height and width of a shape whose rasters are listed, in pixels."""
MOST_PAIRS = 1 << 20
"""The largest number of pairs of segments to intersect."""
MOST_WORK = 1 << 24
"""The largest number of pixel rows that edges may cross, over all offsets that are tried: about a minute."""

Direction = tuple[int, int]
Segment = tuple[int, int, int, int]
"""(x, y, dx, dy): from (x, y) to (x + dx, y + dy), ends included, with (dx, dy) to the right or straight down."""
Vertex = tuple[int, int, int]
"""(x, y, d) in lowest terms stands for (x / d, y / d)."""


def subpixel(shape: Polygon | MultiPolygon, *, maximal: bool = False) -> tuple[BoolArray, ...]:
    """List every raster that the shape has at some real offset (dx, dy), each once, cropped; small ones first.

    With ``maximal=True`` only those that lie in no other at any shift: the result of
    ``maximal_rasters(subpixel(shape))`` in a third of the time.

    Exact for the given floats. Raises `InvalidInput` for a shape that `touched` refuses, and for one that is too large
    or has too many edges to be enumerated.

    >>> from shapely import box
    >>> [raster.shape for raster in subpixel(box(0, 0, 2, 2))]
    [(2, 2), (2, 3), (3, 2), (3, 3)]
    """
    # A pixel touched at one offset is touched at all offsets near it, so each raster lies in that of a face beside it.
    sized = sorted((len(rows), width_of(rows), rows) for rows in witnesses(shape, faces_only=maximal))
    rasters = tuple(array_of(rows, width) for _, width, rows in sized)
    return maximal_rasters(rasters) if maximal else rasters


def witnesses(shape: Polygon | MultiPolygon, *, faces_only: bool = False) -> dict[Rows, tuple[Fraction, Fraction]]:
    """Find for each raster of `subpixel`, an integer for each row, an offset (dx, dy) in [0, 1)² at which it occurs.

    >>> from shapely import box
    >>> {rows: tuple(map(str, offset)) for rows, offset in witnesses(box(0, 0, 1, 1)).items() if len(rows) == 1}
    {(1,): ('0', '0'), (3,): ('1/5', '0')}
    """
    contour = outline(shape, MOST_EXTENT)
    vertices = _arrangement(_segments(contour), contour.unit)
    _refuse(_work(contour, vertices) > MOST_WORK)
    offset_of: dict[Rows, tuple[Fraction, Fraction]] = {}
    for x, y, scale in bar(tuple(_offsets(contour, vertices, faces_only)), "drawing at all offsets", "offset"):
        rows = _raster(contour, x, y, scale)
        if rows not in offset_of:
            offset_of[rows] = Fraction(x, scale * contour.unit), Fraction(y, scale * contour.unit)
    return offset_of


def _raster(contour: Outline, x: int, y: int, scale: int) -> Rows:
    """The raster at the offset (x, y) / (scale · unit) in [0, 1)²."""
    moved = ((a * scale + x, b * scale + y, c * scale + x, d * scale + y) for a, b, c, d in contour.edges)
    return cropped(overlapped(moved, contour.unit * scale, contour.height + 1))


def _offsets(contour: Outline, vertices: dict[Vertex, set[Direction]], faces_only: bool) -> Iterator[Vertex]:
    """Yield the vertices, and beside each of them a point of every open edge and face that begins there.

    A line of the arrangement is the zeros of d ↦ e × d + c with e an edge (or an axis) and c whole. At a vertex with
    denominator q it is 0 or at least 1/q in size, so a move by u / (q · far) with |e × u| < far passes no other.
    """
    reach = max(max(abs(c - a), d - b) for a, b, c, d in contour.edges)
    far = 4 * reach * reach + 1
    for (x, y, scale), directions in vertices.items():
        edges, faces = _rays(directions)
        if not faces_only:
            yield x, y, scale
        for dx, dy in faces if faces_only else edges + faces:
            # The point may lie outside the square of the torus, on the left or at the top.
            turn = contour.unit * scale * far
            yield (x * far + dx) % turn, (y * far + dy) % turn, scale * far


def _rays(directions: set[Direction]) -> tuple[list[Direction], list[Direction]]:
    """The directions in order of angle, and for each two neighbours a direction between them."""
    turned = sorted(directions, key=cmp_to_key(_turn))
    return turned, [(dx + next_dx, dy + next_dy) for (dx, dy), (next_dx, next_dy) in pairwise(turned)]


def _turn(first: Direction, second: Direction) -> int:
    """Below 0 if `first` comes before `second` on the way from straight up to straight down (y points down)."""
    return first[1] * second[0] - first[0] * second[1]


def _arrangement(segments: list[Segment], unit: int) -> dict[Vertex, set[Direction]]:
    """The points of [0, unit)² where segments of different directions meet, and the directions that pass there."""
    vertices: dict[Vertex, set[Direction]] = {}
    for first, second in combinations(segments, 2):
        vertex = _meeting(first, second, unit)
        if vertex is not None:
            vertices.setdefault(vertex, set()).update((_primitive(first), _primitive(second)))
    return vertices


def _meeting(first: Segment, second: Segment, unit: int) -> Vertex | None:
    """The common point of two segments that are not parallel, if it lies in [0, unit)²."""
    (x, y, dx, dy), (u, v, du, dv) = first, second
    det = dx * dv - dy * du
    if not det:
        return None
    along, across = (u - x) * dv - (v - y) * du, (u - x) * dy - (v - y) * dx
    if det < 0:
        det, along, across = -det, -along, -across
    if not (0 <= along <= det and 0 <= across <= det):
        return None
    px, py = x * det + along * dx, y * det + along * dy
    if not (0 <= px < unit * det and 0 <= py < unit * det):
        return None
    common = gcd(px, py, det)
    return px // common, py // common, det // common


def _primitive(segment: Segment) -> Direction:
    _, _, dx, dy = segment
    common = gcd(dx, dy)
    return dx // common, dy // common


def _segments(contour: Outline) -> list[Segment]:
    """The segments of the arrangement that meet the closed square [0, unit]² of offsets."""
    unit = contour.unit
    xs = {-x % unit for a, _, c, _ in contour.edges for x in (a, c)}
    ys = {-y % unit for _, b, _, d in contour.edges for y in (b, d)}
    upright, level = [(x, 0, 0, unit) for x in xs], [(0, y, unit, 0) for y in ys]
    _refuse(sum((abs(c - a) // unit + 2) * ((d - b) // unit + 2) for a, b, c, d in contour.edges) > MOST_PAIRS)
    passing = sorted({segment for edge in contour.edges for segment in _copies(edge, unit)})
    segments = [*sorted(upright), *sorted(level), *passing]
    _refuse(len(segments) ** 2 > 2 * MOST_PAIRS)
    return segments


def _copies(edge: Edge, unit: int) -> Iterator[Segment]:
    """Yield the offsets at which an edge passes a lattice point: copies of the reflected edge that meet [0, unit]²."""
    (x, y), (right, end) = sorted([(-edge[0], -edge[1]), (-edge[2], -edge[3])])
    dx, dy = right - x, end - y
    top, bottom = min(y, end), max(y, end)
    for p in _shifts(x, right, unit):
        for q in _shifts(top, bottom, unit):
            sides = [dx * (b - y - q) - dy * (a - x - p) for a in (0, unit) for b in (0, unit)]
            if min(sides) <= 0 <= max(sides):
                yield x + p, y + q, dx, dy


def _shifts(low: int, high: int, unit: int) -> Iterable[int]:
    """The multiples of the unit that bring [low, high] to meet [0, unit]."""
    return range(-(high // unit) * unit, unit - low + 1, unit)


def _work(contour: Outline, vertices: dict[Vertex, set[Direction]]) -> int:
    rows = sum((d - b) // contour.unit + 2 for _, b, _, d in contour.edges)
    return rows * sum(2 * len(directions) for directions in vertices.values())


def _refuse(too_much: bool) -> None:
    if too_much:
        raise InvalidInput(
            "to list the rasters at all offsets, a shape must be small and have few edges; this one is too large: "
            "take a coarser polygon that contains it, or subpixel=False with the shape's .buffer(1)"
        )
