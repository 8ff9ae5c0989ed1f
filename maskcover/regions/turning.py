"""Shapes turned by any angle of a range: a sound outer bound made of finitely many stencils.

For each small part of the range there is an outer shape, which holds the shape at every angle of the part, and an inner
shape, which lies inside the shape at every angle. The places where the true shape may lie are bounded by the inner
shape. The outer shape is put at all these places and cut off where it sticks out of the image, since near a border the
true shape has room where the outer shape does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product
from math import ceil, floor, isfinite
from typing import TYPE_CHECKING

import numpy as np

from maskcover.cells import BoolArray, Cells, eroded
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Grid
from maskcover.regions.base import RegionSet, Stencil, Term, prune, terms_of
from maskcover.regions.bitmaps import drop_contained
from maskcover.regions.boxes import Rectangle, Squares
from maskcover.regions.polygons import PolygonStencil, checked_subpixel, polygon

if TYPE_CHECKING:
    from maskcover.regions.shapes.reading import Shape

_STEEPEST = 360
# The number of pixels that the outer shape reaches beyond the true one, on any side. The middle shape is widened by at
# most 1.083 / 4 px, and points of the true shape are at most 1/4 px from it: less than 1 px, so 1 pixel. At any offset
# in [0, 1) there is one more.
_OVERHANG = {False: 1, True: 2}


@dataclass(frozen=True, slots=True)
class Rotations(RegionSet):
    """A shape turned about its centroid by any angle of a range: an outer bound made of finitely many stencils."""

    base: RegionSet
    low: float
    high: float
    subpixel: bool = False

    @property
    def is_outer_bound(self) -> bool:
        return True

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        if grid.ndim != 2:
            raise InvalidInput(f"{self} is a shape of 2 dimensions; the grid {grid} has {grid.ndim}")
        overhang = _OVERHANG[self.subpixel]
        shapes = _turned(_outline(self.base), self.low, self.high, self.subpixel)
        if not any(_bordered(grid, overhang).fits(outer.span.stop) for outer, _ in shapes):
            raise InvalidInput(f"{self} has no place on {grid}; use a smaller shape or a larger image")
        stencils = (stencil for shape in shapes for stencil in _cut_off(*shape, overhang, grid, inside))
        return terms_of(drop_contained(prune(stencils)))

    def __str__(self) -> str:
        text = f"rotations({self.base}, degrees=({self.low!r}, {self.high!r})"
        return text + (", subpixel=True)" if self.subpixel else ")")


def rotations(shape: object, *, degrees: tuple[float, float], subpixel: bool = False) -> RegionSet:
    """A shape turned about its centroid by any angle of a range: a sound outer bound, larger than the exact set.

    Args:
        shape: A shape as for `polygon`; or ``polygon(...)``, ``rectangle(...)`` or ``squares(size=...)``.
        degrees: The least and the greatest angle in degrees, such as (-15, 15), within ±360; clockwise is positive.
        subpixel: If True, the shape may also lie at any real offset; the bound is then larger by a row and a column.

    The range is cut into small parts; for each, the shape at the middle angle is enlarged by the largest distance that
    any of its points moves (at most a quarter of a pixel). The shape lies wholly on the image; its bound is cut off at
    the border of the image.

    Raises:
        InvalidInput: a bad shape or bad angles.

    >>> from maskcover import rectangle
    >>> str(rotations(rectangle(10, 40), degrees=(-15, 15)))
    'rotations(rectangle(height=10, width=40), degrees=(-15.0, 15.0))'
    """
    low, high = _angles(degrees)
    base = shape if isinstance(shape, RegionSet) else polygon(shape)
    _outline(base)
    return Rotations(base, low, high, checked_subpixel(subpixel))


def _cut_off(outer: Cells, inner: Cells, overhang: int, grid: Grid, inside: Cells) -> Iterator[Stencil]:
    """Yield the outer shape, cut off at the border of the image, wherever the true one may lie inside some cells.

    Places are counted on the image with a border of `overhang` pixels around it.
    """
    bordered = _bordered(grid, overhang)
    if not inside or not bordered.fits(outer.span.stop):
        return
    places = eroded(_grown(inside.span, overhang), outer)
    if inner:
        places = places.common(eroded(inside.shifted((overhang,) * grid.ndim), inner))
    drawn = outer.to_array(Grid(outer.span.stop))
    cuts = [_cuts(n, h, overhang) for n, h in zip(grid.shape, drawn.shape, strict=True)]
    for spans in product(*map(pairwise, cuts)):
        block = Box(tuple(low for low, _ in spans), tuple(high for _, high in spans))
        # The part of the shape that lies on the image, counted from the corner of the shape.
        low = [max(overhang - start, 0) for start in block.start]
        stop = [max(overhang + side - start, 0) for side, start in zip(grid.shape, block.start, strict=True)]
        here, visible = places.common(Cells([block])), drawn[tuple(map(slice, low, stop))]
        if here and visible.any():
            shape = Cells.from_array(visible)
            corner = shape.span.start
            moves = [a + b - overhang for a, b in zip(low, corner, strict=True)]
            yield Stencil(shape.shifted([-start for start in corner]), here.shifted(moves))


def _cuts(length: int, extent: int, overhang: int) -> list[int]:
    """The cuts of an axis with its border: each place where a shape sticks out is a block, all others are another."""
    last = length + 2 * overhang - extent
    before, behind = range(overhang + 1), range(length + overhang - extent + 1, last + 2)
    return sorted({at for at in (*before, *behind) if 0 <= at <= last + 1} | {0, last + 1})


def _bordered(grid: Grid, overhang: int) -> Grid:
    """The grid with a border of `overhang` pixels around it."""
    return Grid(tuple(side + 2 * overhang for side in grid.shape))


def _grown(span: Box, overhang: int) -> Cells:
    """A box of the image, grown by `overhang` on all sides; counted on the image with its border."""
    return Cells([Box(span.start, tuple(stop + 2 * overhang for stop in span.stop))])


@lru_cache(maxsize=64)
def _turned(shape: Shape, low: float, high: float, subpixel: bool) -> tuple[tuple[Cells, Cells], ...]:
    """For each part of the range the pixels that the shape may touch, and those that it touches at every angle."""
    from maskcover.regions.shapes.turned import turned_and_bounds

    parts = (_pixels(middle, bound) for middle, bound in turned_and_bounds(shape, low, high))
    pairs = (_at_any_offset(outer, inner) if subpixel else (outer, inner) for outer, inner in parts)
    return tuple(dict.fromkeys((Cells.from_array(outer), Cells.from_array(inner)) for outer, inner in pairs))


def _pixels(middle: Shape, bound: Shape) -> tuple[BoolArray, BoolArray]:
    """The pixels that the bound touches, and those wholly inside the middle shape; two arrays with the same origin.

    No point of the true shape is further than 1/4 px from its place in the middle shape, so the true shape reaches into
    every pixel whose middle lies in the middle shape.
    """
    from maskcover.regions.shapes.rasters import touched_on, wholly_inside

    left, top, right, bottom = bound.bounds
    origin = floor(top), floor(left)
    sides = ceil(bottom) - origin[0], ceil(right) - origin[1]
    return touched_on(bound, sides, origin), wholly_inside(middle, sides, origin)


def _at_any_offset(outer: BoolArray, inner: BoolArray) -> tuple[BoolArray, BoolArray]:
    """The same two arrays for a shape that is also moved by any offset in [0, 1) along each axis.

    It may touch a row and a column more. It touches a pixel at every offset if the pixel itself, those above it and on
    its left, and the one between these are all inside.
    """
    grown, shrunk = np.pad(outer, [(0, 1), (0, 1)]), np.pad(inner, [(0, 1), (0, 1)])
    moves = [(0, 0), (0, 1), (1, 0), (1, 1)]
    return (
        np.logical_or.reduce([np.roll(grown, move, (0, 1)) for move in moves]),
        np.logical_and.reduce([np.roll(shrunk, move, (0, 1)) for move in moves]),
    )


def _outline(regions: RegionSet) -> Shape:
    """The polygon of a region set that is a single shape."""
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


def _angles(degrees: object) -> tuple[float, float]:
    try:
        low, high = map(float, degrees)  # type: ignore[call-overload]  # anything but a pair of numbers is caught
        if isfinite(low) and isfinite(high) and -_STEEPEST <= low <= high <= _STEEPEST:
            return low + 0.0, high + 0.0
    except (TypeError, ValueError):
        pass
    raise InvalidInput(f"degrees is the least and the greatest angle within ±360, such as (-15, 15); got {degrees!r}")
