"""Bounds a shape turned by every angle of a range by finitely many shapes: an outer bound, not the exact union.

Angles are in degrees, positive from the x axis to the y axis: clockwise on the screen, where y points down.
"""

from __future__ import annotations

from math import ceil, cos, hypot, inf, isfinite, pi, radians, sin, tan
from typing import cast

import numpy as np
import numpy.typing as npt
import shapely
import shapely.errors
from shapely import MultiPolygon, Polygon

from maskcover.errors import InvalidInput
from maskcover.regions.shapes.outlines import outline
from maskcover.regions.shapes.rasters import MOST_EXTENT

Points = npt.NDArray[np.float64]

DRIFT = 0.25
"""The largest distance of a point of the shape from its place in the nearest listed shape, in pixels."""
MOST_ANGLES = 1 << 12
"""The largest number of shapes that a range is cut into."""

# Turning and widening take some twenty roundings of numbers below 2^14, each wrong by less than 1e-11 px.
ROUNDING = 1e-7
# A regular octagon around a disc: 8 % too far at the corners, but with few edges, so that `subpixel` is fast.
_SIDES = 8


def rotated(
    shape: Polygon | MultiPolygon, low: float, high: float, *, part_size: float | None = None
) -> tuple[Polygon | MultiPolygon, ...]:
    """List shapes such that the shape, turned about its centroid by any angle in [low, high], lies in at least one.

    The range is cut into equal parts of at most `part_size` degrees, by default so short that no point moves by more
    than 1/4 pixel from the middle of its part. For each part the shape is turned by the middle angle and widened by a
    regular polygon around a disc of the greatest move, R·h for the largest distance R from the centroid and half a
    part h in radians: no chord is longer than its arc. It is widened by a further 1e-7 px for rounding, unless low and
    high are 0. The centroid is `shape.centroid`, as floats; a range of 360° or more stands for all angles.

    Raises `InvalidInput` for a shape that `touched` refuses or which lies further than 4,096 pixels from the origin,
    for a range that is empty or not finite, and for a `part_size` that is not above 0 or makes more than 4,096 shapes.

    >>> square = shapely.box(0, 0, 10, 10)
    >>> len(rotated(square, -5, 5)), rotated(square, 0, 0) == (square,)
    (3, True)
    """
    return tuple(bound for _, bound in turned_and_bounds(shape, low, high, part_size=part_size))


def turned_and_bounds(
    shape: Polygon | MultiPolygon, low: float, high: float, *, part_size: float | None = None
) -> tuple[tuple[Polygon | MultiPolygon, Polygon | MultiPolygon], ...]:
    """List for each part of the range the shape at its middle angle, and the bound of `rotated`."""
    outline(shape, MOST_EXTENT)  # refuses what is not a shape with pixels
    _check_range(low, high, shape)
    if low == high == 0:
        return ((shape, shape),)
    corners = shapely.get_coordinates(shape)
    reach = float(np.hypot(*(corners - shapely.get_coordinates(shape.centroid)).T).max())
    span = min(high - low, 360.0)
    count = _parts(span, _default_part_size(reach) if part_size is None else part_size)
    half = span / count / 2
    radius = reach * radians(half) * (1 + 1e-9) + ROUNDING
    middles = (_turned(shape, low + (2 * part + 1) * half) for part in range(count))
    return tuple((middle, _widened(middle, radius)) for middle in middles)


def _default_part_size(reach: float) -> float:
    return 2 * DRIFT / reach * 180 / pi


def _parts(span: float, part_size: float) -> int:
    if not part_size > 0:
        raise InvalidInput(f"part_size must be an angle above 0 degrees; got {part_size!r}")
    if span / part_size > MOST_ANGLES:
        raise InvalidInput(f"{span}° in parts of {part_size:g}° are more than {MOST_ANGLES:,} shapes; use larger parts")
    return max(1, ceil(span / part_size))


def _check_range(low: float, high: float, shape: Polygon | MultiPolygon) -> None:
    if not (isfinite(low) and isfinite(high) and low <= high and max(-low, high) <= 3600):
        raise InvalidInput(f"expected angles -3600 <= low <= high <= 3600 in degrees; got {low!r} and {high!r}")
    if max(map(abs, shape.bounds), default=inf) > MOST_EXTENT:
        raise InvalidInput(f"a shape to be turned must lie within {MOST_EXTENT:,} pixels of the origin; move it there")


def _turned(shape: Polygon | MultiPolygon, angle: float) -> Polygon | MultiPolygon:
    turn, centre = radians(angle), shapely.get_coordinates(shape.centroid)
    matrix = np.array([[cos(turn), sin(turn)], [-sin(turn), cos(turn)]])

    def turned(points: Points) -> Points:
        moved: Points = (points - centre) @ matrix + centre
        return moved

    return shapely.transform(shape, turned)


def _widened(shape: Polygon | MultiPolygon, radius: float) -> Polygon | MultiPolygon:
    """The sum of the shape and a regular polygon around the disc of this radius: itself and what its edges sweep.

    GEOS' own buffer is a polygon inscribed in the true one, so it would be too small.
    """
    angles = np.arange(_SIDES) * (2 * pi / _SIDES)
    stamp = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (radius * hypot(1, tan(pi / _SIDES)))
    ends = np.concatenate([_edge_ends(ring) for ring in shapely.get_rings(shapely.get_parts(shape))])
    clouds = (ends[:, :, None] + stamp).reshape(len(ends), -1, 2)
    swept = shapely.convex_hull(shapely.multipoints(clouds))
    try:
        joined = shapely.union_all([*np.asarray(shapely.get_parts(shape)), *np.asarray(swept)])
    except shapely.errors.GEOSException as error:
        raise InvalidInput(
            f"this shape is too intricate to enlarge ({error}); simplify it: shape.simplify(0.1)"
        ) from error
    return cast("Polygon | MultiPolygon", joined)


def _edge_ends(ring: Polygon) -> Points:
    points = shapely.get_coordinates(ring)
    return np.stack([points[:-1], points[1:]], axis=1)
