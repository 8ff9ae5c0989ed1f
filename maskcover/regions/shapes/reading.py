"""Reads polygons from the arguments of users, and writes them as text that reads back exactly."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import shapely
from shapely import MultiPolygon, Polygon
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from maskcover.errors import InvalidInput

Shape = Polygon | MultiPolygon
# make_valid may leave lines beside polygons, which are no area.
_REPAIR = (
    "take the parts with an area: shapely.union_all([part for part in shapely.get_parts(shapely.make_valid(shape)) "
    "if part.area > 0])"
)


def read_polygon(value: object) -> Shape:
    """Read a valid polygon or multipolygon with an area from a geometry, WKT or corners (x, y), in one normal form.

    Raises:
        InvalidInput: anything else.
    """
    try:
        shape = _as_geometry(value)
    except (ShapelyError, ValueError, TypeError) as error:
        raise InvalidInput(
            f"cannot read a polygon ({error}); expected a geometry of shapely, WKT or corners"
        ) from error
    if isinstance(shape, Shape) and not shape.is_empty and not shape.is_valid:
        raise InvalidInput(f"not a valid polygon: {shapely.is_valid_reason(shape)}; {_REPAIR}")
    if not isinstance(shape, Shape) or shape.is_empty or not shape.area > 0:
        parts = any(part.area > 0 for part in shapely.get_parts(shape))
        raise InvalidInput(
            f"expected a polygon with an area; got {shape.geom_type} {shape.wkt:.40} "
            f"({_REPAIR if parts else 'for a line use line.buffer(width / 2)'})"
        )
    # Repeated corners are removed: after normalising, the first corner would depend on them.
    normal = shapely.remove_repeated_points(shapely.force_2d(shape)).normalize()
    # Zeros lose their sign: equal shapes then have equal texts.
    return cast("Shape", shapely.transform(normal, lambda points: points + 0.0))


def polygon_text(shape: Shape) -> str:
    """Write a shape as WKT whose numbers read back as the same floats.

    >>> polygon_text(shapely.box(0, 0, 0.1, 3))
    'POLYGON ((0.1 0, 0.1 3, 0 3, 0 0, 0.1 0))'
    """
    parts = [_rings_text(part) for part in getattr(shape, "geoms", [shape])]
    return f"POLYGON {parts[0]}" if isinstance(shape, Polygon) else f"MULTIPOLYGON ({', '.join(parts)})"


def _rings_text(part: Polygon) -> str:
    rings = (
        ", ".join(f"{_number(x)} {_number(y)}" for x, y in ring.coords) for ring in (part.exterior, *part.interiors)
    )
    return "(" + ", ".join(f"({ring})" for ring in rings) + ")"


def _number(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _as_geometry(value: object) -> BaseGeometry:
    if isinstance(value, BaseGeometry):
        return value
    if isinstance(value, str):
        return shapely.from_wkt(value)
    if isinstance(value, Iterable):
        return Polygon([(float(x), float(y)) for x, y in value])
    raise TypeError(f"{type(value).__name__} is no shape")
