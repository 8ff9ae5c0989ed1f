"""Polygons and discs as stencils: the pixels that a continuous shape overlaps, at whole or at any offsets.

What needs shapely is imported where a shape is read or drawn: region sets of boxes do without.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from maskcover.amounts import parse_length
from maskcover.cells import BoolArray, Cells
from maskcover.errors import InvalidInput
from maskcover.grid import Grid
from maskcover.regions.base import RegionSet, Term
from maskcover.regions.bitmaps import stencils_inside
from maskcover.regions.boxes import Rectangle, Squares

if TYPE_CHECKING:
    from maskcover.regions.shapes.reading import Shape

_STEEPEST = 360


@dataclass(frozen=True, slots=True)
class PolygonStencil(RegionSet):
    """One polygon, moved by whole pixels, or by any real offsets with `subpixel`."""

    shape: Shape
    subpixel: bool = False

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        return stencils_inside(self, _polygon_cells(self.shape, self.subpixel), grid, inside)

    def __str__(self) -> str:
        from maskcover.regions.shapes.reading import polygon_text

        return f'polygon("{polygon_text(self.shape)}"' + (", subpixel=True)" if self.subpixel else ")")


@dataclass(frozen=True, slots=True)
class Disc(RegionSet):
    """The open disc of a diameter that lies in a square from a corner of pixels, or at any real offset."""

    diameter: Fraction
    subpixel: bool = False

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        return stencils_inside(self, _disc_cells(self.diameter, self.subpixel), grid, inside)

    def __str__(self) -> str:
        length = str(self.diameter) if self.diameter.denominator == 1 else f'"{self.diameter}"'
        return f"disc(diameter={length}" + (", subpixel=True)" if self.subpixel else ")")


@dataclass(frozen=True, slots=True)
class Rotations(RegionSet):
    """A shape turned about its centroid by any angle of a range: an outer bound by finitely many polygons."""

    base: RegionSet
    low: float
    high: float
    subpixel: bool = False

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        shapes = _turned_cells(_outline(self.base), self.low, self.high, self.subpixel)
        return stencils_inside(self, shapes, grid, inside)

    def __str__(self) -> str:
        text = f"rotations({self.base}, degrees=({self.low!r}, {self.high!r})"
        return text + (", subpixel=True)" if self.subpixel else ")")


def polygon(shape: object, *, subpixel: bool = False) -> RegionSet:
    """A polygon as a stencil: a pixel belongs to the region if the shape overlaps its interior at all.

    Args:
        shape: A polygon or multipolygon of shapely, its WKT, or the (x, y) of its corners; in pixels, x to the right
            and y down.
        subpixel: The shape may lie at any real offset, and the set holds every raster that then occurs; by default it
            is moved by whole pixels only.

    Raises:
        InvalidInput: no area, not valid, or too large.

    >>> logo = polygon([(0, 0), (40, 10), (35, 30), (-5, 20)])
    >>> logo.describe(224).pixels, polygon(logo.shape, subpixel=True).describe(224).shapes
    (910, 25)
    """
    from maskcover.regions.shapes.reading import read_polygon

    return PolygonStencil(read_polygon(shape), _flag(subpixel))


def disc(diameter: int | float | Fraction | str, *, subpixel: bool = False) -> RegionSet:
    """A disc as a stencil: every pixel that the open disc overlaps.

    Args:
        diameter: In pixels; fractions are allowed and exact.
        subpixel: The disc may lie at any real offset; by default its bounding square starts at a pixel's corner.

    >>> disc(3).describe(224).pixels, disc(9).describe(224).pixels
    (9, 77)
    """
    return Disc(_diameter(diameter), _flag(subpixel))


def rotations(shape: object, *, degrees: tuple[float, float], subpixel: bool = False) -> RegionSet:
    """A shape turned by any angle of a range about its centroid: a sound outer bound, larger than the exact set.

    Args:
        shape: What `polygon` takes; or ``polygon(...)``, ``rectangle(...)`` or ``squares(size=...)``.
        degrees: The least and the greatest angle, such as (-15, 15).
        subpixel: The shape may also lie at any real offset; this too as an outer bound, a row and a column more.

    The range is cut into small steps; in each the shape at the middle angle is enlarged by how far any of its points
    can move from there (at most a quarter of a pixel).

    >>> from maskcover import rectangle
    >>> str(rotations(rectangle(10, 40), degrees=(-15, 15)))
    'rotations(rectangle(height=10, width=40), degrees=(-15.0, 15.0))'
    """
    low, high = _angles(degrees)
    base = shape if isinstance(shape, RegionSet) else polygon(shape)
    _outline(base)
    return Rotations(base, low, high, _flag(subpixel))


def _outline(regions: RegionSet) -> Shape:
    """The polygon of a region set of one shape."""
    from shapely import box

    if isinstance(regions, PolygonStencil) and not regions.subpixel:
        return regions.shape
    if isinstance(regions, Rectangle):
        return box(0, 0, regions.width, regions.height)
    if isinstance(regions, Squares) and regions.size is not None:
        return box(0, 0, regions.size, regions.size)
    raise InvalidInput(
        f"rotations takes a polygon, rectangle(...) or squares(size=...); got {regions} "
        "(say subpixel=True of the rotations, not of the polygon)"
    )


@lru_cache(maxsize=256)
def _polygon_cells(shape: Shape, subpixel: bool) -> tuple[Cells, ...]:
    from maskcover.regions.shapes import rasters
    from maskcover.regions.shapes.subpixel import subpixel as anywhere

    return _cells(anywhere(shape) if subpixel else (rasters.touched(shape),))


@lru_cache(maxsize=256)
def _disc_cells(diameter: Fraction, subpixel: bool) -> tuple[Cells, ...]:
    from maskcover.regions.shapes import rasters
    from maskcover.regions.shapes.subpixel_discs import subpixel_disc

    return _cells(subpixel_disc(diameter) if subpixel else (rasters.disc(diameter),))


@lru_cache(maxsize=64)
def _turned_cells(shape: Shape, low: float, high: float, subpixel: bool) -> tuple[Cells, ...]:
    from maskcover.regions.shapes.rasters import touched
    from maskcover.regions.shapes.turned import rotated

    found = [touched(part) for part in rotated(shape, low, high)]
    return tuple(dict.fromkeys(_cells(map(_widened, found) if subpixel else found)))


def _widened(raster: BoolArray) -> BoolArray:
    """What a shape of this raster touches at any of the offsets in [0, 1) along each axis: one row and column more."""
    wide = np.pad(raster, [(0, 1), (0, 1)])
    return wide | np.roll(wide, 1, 0) | np.roll(wide, 1, 1) | np.roll(wide, (1, 1), (0, 1))


def _cells(found: Iterable[BoolArray]) -> tuple[Cells, ...]:
    return tuple(map(Cells.from_array, found))


def _diameter(value: object) -> Fraction:
    if isinstance(value, Fraction | float | str):
        try:
            diameter = Fraction(str(value).removesuffix("px"))
        except (ValueError, ZeroDivisionError) as error:
            raise InvalidInput(f"diameter is a length in pixels, such as 32 or '31.5'; got {value!r:.40}") from error
        if not 0 < diameter <= 1 << 12 or diameter.denominator > 1 << 20:
            raise InvalidInput(f"diameter lies between 0 and 4,096 px, not finer than 2^-20; got {value!r:.40}")
        return diameter
    return Fraction(parse_length(value, "diameter"))


def _angles(degrees: object) -> tuple[float, float]:
    try:
        low, high = map(float, degrees)  # type: ignore[call-overload]  # whatever is no pair of numbers is caught
        if isfinite(low) and isfinite(high) and -_STEEPEST <= low <= high <= _STEEPEST:
            return low + 0.0, high + 0.0
    except (TypeError, ValueError):
        pass
    raise InvalidInput(
        f"degrees is the least and the greatest angle, in -360 to 360, such as (-15, 15); got {degrees!r}"
    )


def _flag(subpixel: object) -> bool:
    if not isinstance(subpixel, bool):
        raise InvalidInput(f"subpixel is True or False; got {subpixel!r}")
    return subpixel
