"""A finite tuple of shapes that holds a shape at every angle of a range: an outer bound, not the exact union.

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
"""How far a point of the shape is from its place in the nearest listed shape, at most, in pixels."""
MOST_ANGLES = 1 << 12
"""The largest number of shapes that a range is cut into."""

# Turning and widening take some twenty roundings of numbers below 2^14, each wrong by less than 1e-11 px.
ROUNDING = 1e-7
# A disc in a regular octagon: 8 % farther than need be at the corners, and few edges, which `subpixel` likes.
_SIDES = 8


def rotated(
    shape: Polygon | MultiPolygon, low: float, high: float, *, step: float | None = None
) -> tuple[Polygon | MultiPolygon, ...]:
    """Shapes such that the shape, turned about its centroid by any angle in [low, high], lies in at least one of them.

    The range is cut into equal parts of at most `step` degrees, by default so short that no point moves by more than
    1/4 pixel from the middle of its part. For each part the shape is turned by the middle angle and widened by a
    regular polygon around a disc of the greatest move, R·h for the largest distance R from the centroid and half a
    part h in radians: no chord is longer than its arc. It is widened by a further 1e-7 px for rounding, unless low and
    high are 0. The centroid is `shape.centroid`, as floats; a range of 360° or more stands for all angles.

    Raises `InvalidInput` for a shape that `touched` refuses or which lies further than 4,096 pixels from the origin,
    for a range that is empty or not finite, and for a step that is not above 0 or makes more than 4,096 shapes.

    >>> square = shapely.box(0, 0, 10, 10)
    >>> len(rotated(square, -5, 5)), rotated(square, 0, 0) == (square,)
    (3, True)
    """
    return tuple(bound for _, bound in turned_and_bounds(shape, low, high, step=step))


def turned_and_bounds(
    shape: Polygon | MultiPolygon, low: float, high: float, *, step: float | None = None
) -> tuple[tuple[Polygon | MultiPolygon, Polygon | MultiPolygon], ...]:
    """For each part of the range the shape at its middle angle, and the bound of `rotated`."""
    outline(shape, MOST_EXTENT)  # refuses what is not a shape with pixels
    _check_range(low, high, shape)
    if low == high == 0:
        return ((shape, shape),)
    corners = shapely.get_coordinates(shape)
    reach = float(np.hypot(*(corners - shapely.get_coordinates(shape.centroid)).T).max())
    span = min(high - low, 360.0)
    count = _parts(span, _default_step(reach) if step is None else step)
    half = span / count / 2
    radius = reach * radians(half) * (1 + 1e-9) + ROUNDING
    middles = (_turned(shape, low + (2 * part + 1) * half) for part in range(count))
    return tuple((middle, _widened(middle, radius)) for middle in middles)


def _default_step(reach: float) -> float:
    return 2 * DRIFT / reach * 180 / pi


def _parts(span: float, step: float) -> int:
    if not step > 0:
        raise InvalidInput(f"step must be an angle above 0 degrees; got {step!r}")
    if span / step > MOST_ANGLES:
        raise InvalidInput(f"{span}° in steps of {step:g}° are more than {MOST_ANGLES:,} shapes; take a longer step")
    return max(1, ceil(span / step))


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
