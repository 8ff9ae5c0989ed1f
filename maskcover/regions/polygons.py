"""Polygons and discs as stencils: the pixels that a continuous shape overlaps, at whole or at any offsets.

What needs shapely is imported where a shape is read or drawn: region sets of boxes do without.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from maskcover.amounts import AnyAmount, parse_length
from maskcover.cells import BoolArray, Cells
from maskcover.errors import InvalidInput
from maskcover.grid import Grid
from maskcover.regions.base import RegionSet, Term
from maskcover.regions.bitmaps import stencils_inside

if TYPE_CHECKING:
    from maskcover.regions.shapes.reading import Shape

_LENGTH = re.compile(r"\d{0,40}\.?\d{1,40}(?:[eE][+-]?\d{1,2})?(?:px)?|\d{1,40}\.|\d{1,41}/\d{1,41}")
_MOST_PARTS = 1 << 20  # of a pixel; more make numbers too long for what is worked out from them


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


def polygon(shape: object, *, subpixel: bool = False) -> RegionSet:
    """A polygon as a stencil: a pixel belongs to the region if the shape overlaps its interior at all.

    Args:
        shape: A polygon or multipolygon of shapely, its WKT, or the (x, y) of its corners; in pixels, x to the right
            and y down.
        subpixel: The shape may lie at any real offset, and the set holds every raster that then occurs; by default it
            is moved by whole pixels only.

    A polygon lies wholly on the image. What one that is cut off at the border leaves there is another shape:
    ``through(polygon(...), Crop(...), source=...)`` of a larger source has those too.

    Raises:
        InvalidInput: no area, not valid, or too large.

    >>> logo = polygon([(0, 0), (40, 10), (35, 30), (-5, 20)])
    >>> logo.describe(224).pixels, polygon(logo.shape, subpixel=True).describe(224).shapes
    (910, 25)
    """
    from maskcover.regions.shapes.reading import read_polygon

    return PolygonStencil(read_polygon(shape), yes_or_no(subpixel))


def disc(diameter: AnyAmount, *, subpixel: bool = False) -> RegionSet:
    """A disc as a stencil: every pixel that the open disc overlaps.

    Args:
        diameter: In pixels, such as 14.4 or "29/2"; fractions are exact, and not finer than 2^-20 px.
        subpixel: The disc may lie at any real offset; by default its bounding square starts at a pixel's corner.

    >>> disc(3).describe(224).pixels, disc(9).describe(224).pixels
    (9, 77)
    """
    return Disc(_diameter(diameter), yes_or_no(subpixel))


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


def _cells(found: Iterable[BoolArray]) -> tuple[Cells, ...]:
    return tuple(map(Cells.from_array, found))


def _diameter(value: object) -> Fraction:
    if not isinstance(value, Fraction | float | str | np.floating | Decimal):
        return Fraction(parse_length(value, "diameter"))
    text = str(value).strip()
    # Looked at before it is read: a power of ten can be too long for any machine.
    if not _LENGTH.fullmatch(text) or re.fullmatch(r"\d+/0+", text):
        raise InvalidInput(f"diameter is a length in pixels, such as 32 or '31.5'; got {value!r:.40}")
    diameter = Fraction(text.removesuffix("px"))
    if not 0 < diameter <= 1 << 12:
        raise InvalidInput(f"diameter lies between 0 and 4,096 px; got {value!r:.40}")
    if diameter.denominator > _MOST_PARTS:
        larger = ceil(diameter * 1000) / 1000
        raise InvalidInput(f"diameter is not finer than 2^-20 px; got {value!r:.40}: use a larger one such as {larger}")
    return diameter


def yes_or_no(subpixel: object) -> bool:
    """The value of `subpixel`, if it is one."""
    if not isinstance(subpixel, bool):
        raise InvalidInput(f"subpixel is True or False; got {subpixel!r}")
    return subpixel
