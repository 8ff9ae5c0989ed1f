"""Polygons and discs as stencils: the pixels that a continuous shape overlaps, at whole or at any real offsets.

shapely is imported only where a shape is read or drawn, since region sets of boxes do not need it.
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
_MOST_PARTS = 1 << 20  # of a pixel; finer diameters would make the exact arithmetic too slow


@dataclass(frozen=True, slots=True)
class PolygonStencil(RegionSet):
    """A polygon, moved by whole pixels, or by any real offsets with `subpixel`."""

    shape: Shape
    subpixel: bool = False

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        return stencils_inside(self, _polygon_cells(self.shape, self.subpixel), grid, inside)

    def __str__(self) -> str:
        from maskcover.regions.shapes.reading import polygon_text

        return f'polygon("{polygon_text(self.shape)}"' + (", subpixel=True)" if self.subpixel else ")")


@dataclass(frozen=True, slots=True)
class Disc(RegionSet):
    """An open disc in a square that starts at a corner of pixels, or at any real offset with `subpixel`."""

    diameter: Fraction
    subpixel: bool = False

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        return stencils_inside(self, _disc_cells(self.diameter, self.subpixel), grid, inside)

    def __str__(self) -> str:
        length = str(self.diameter) if self.diameter.denominator == 1 else f'"{self.diameter}"'
        return f"disc(diameter={length}" + (", subpixel=True)" if self.subpixel else ")")


def polygon(shape: object, *, subpixel: bool = False) -> RegionSet:
    """A polygon, moved over the image: a pixel belongs to the region if the shape overlaps its interior at all.

    Args:
        shape: A polygon or multipolygon of shapely, its WKT, or the (x, y) of its corners; in pixels, x to the right
            and y down.
        subpixel: If True, the shape may lie at any real offset, and the set holds every set of pixels that it then
            overlaps; by default it is moved by whole pixels only.

    The polygon lies wholly on the image. To include polygons that are cut off at the border, draw on a larger source:
    ``through(polygon(...), Crop(...), source=...)``.

    Raises:
        InvalidInput: no polygon, one without area, or one that is not valid or too large.

    >>> logo = polygon([(0, 0), (40, 10), (35, 30), (-5, 20)])
    >>> logo.describe(224).pixels, polygon(logo.shape, subpixel=True).describe(224).shapes
    (910, 25)
    """
    from maskcover.regions.shapes.reading import read_polygon

    return PolygonStencil(read_polygon(shape), checked_subpixel(subpixel))


def disc(diameter: AnyAmount, *, subpixel: bool = False) -> RegionSet:
    """A disc, moved over the image: a pixel belongs to the region if the open disc overlaps its interior.

    Args:
        diameter: In pixels, such as 14.4 or "29/2"; fractions are exact, and not finer than 2^-20 px.
        subpixel: If True, the disc may lie at any real offset; by default its bounding square starts at a corner of a
            pixel.

    Raises:
        InvalidInput: no diameter above 0 and at most 4,096 px (64 px with `subpixel`, on a grid).

    >>> disc(3).describe(224).pixels, disc(9).describe(224).pixels
    (9, 77)
    """
    return Disc(_diameter(diameter), checked_subpixel(subpixel))


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


def _cells(rasters: Iterable[BoolArray]) -> tuple[Cells, ...]:
    return tuple(map(Cells.from_array, rasters))


def _diameter(value: object) -> Fraction:
    if not isinstance(value, Fraction | float | str | np.floating | Decimal):
        return Fraction(parse_length(value, "diameter"))
    text = str(value).strip()
    # The text is checked before it becomes a number: a power of ten can be too long for any machine.
    if not _LENGTH.fullmatch(text) or re.fullmatch(r"\d+/0+", text):
        raise InvalidInput(f"diameter is a length in pixels, such as 32 or '31.5'; got {value!r:.40}")
    diameter = Fraction(text.removesuffix("px"))
    if not 0 < diameter <= 1 << 12:
        raise InvalidInput(f"diameter lies between 0 and 4,096 px; got {value!r:.40}")
    if diameter.denominator > _MOST_PARTS:
        larger = ceil(diameter * 1000) / 1000
        raise InvalidInput(f"diameter is not finer than 2^-20 px; got {value!r:.40}: use a larger one such as {larger}")
    return diameter


def checked_subpixel(subpixel: object) -> bool:
    """Check that the argument `subpixel` is a bool."""
    if not isinstance(subpixel, bool):
        raise InvalidInput(f"subpixel is True or False; got {subpixel!r}")
    return subpixel
