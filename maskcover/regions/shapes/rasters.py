"""From shapes to pixels: the pixels that a shape touches or fills where it lies on the lattice, exactly.

Coordinates are shapely's (x, y) in pixels, x to the right and y down; the pixel in row i and column j is the open
square (j, j + 1) × (i, i + 1). A shape touches a pixel if the interiors overlap; a common edge or corner is no overlap.
`maskcover.regions.shapes.subpixel` has the pixels that a shape may touch at any position.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, isqrt

import numpy as np
from shapely import MultiPolygon, Polygon

from maskcover.errors import InvalidInput
from maskcover.grid import Grid
from maskcover.regions.shapes.containing import Rasters
from maskcover.regions.shapes.outlines import (
    BoolArray,
    Outline,
    array_of,
    cropped,
    enclosed,
    outline,
    overlapped,
    width_of,
)

MOST_EXTENT = 1 << 12
"""The largest height and width of a patch, in pixels."""
MOST_SIDE = 1 << 14
"""The largest side, in pixels, of an image with an area of interest; the area may extend over eight times that."""


def touched(shape: Polygon | MultiPolygon) -> BoolArray:
    """The pixels that a shape touches where it lies: bool, cropped to their bounding box.

    Exact for the given floats. Raises `InvalidInput` unless the shape is a valid Polygon or MultiPolygon with an area
    and extends over at most 4,096 pixels.

    >>> from shapely import Polygon
    >>> touched(Polygon([(0, 0), (3, 0), (0, 3)])).astype(int).tolist()
    [[1, 1, 1], [1, 1, 0], [1, 0, 0]]
    """
    contour = outline(shape, MOST_EXTENT)
    rows = cropped(overlapped(contour.edges, contour.unit, contour.height))
    return array_of(rows, width_of(rows))


def touched_on(shape: Polygon | MultiPolygon, sides: tuple[int, int], origin: tuple[int, int] = (0, 0)) -> BoolArray:
    """The pixels of an image of (height, width) that a shape touches: a bool array of that shape, exact.

    The image begins at the pixel `origin`, a row and a column. The shape may reach out of the image. Raises
    `InvalidInput` for sides above 16,384 and for a shape that is not a valid Polygon or MultiPolygon with an area.

    >>> from shapely import box
    >>> touched_on(box(0.5, -9, 2, 1), (2, 3)).astype(int).tolist()
    [[1, 1, 0], [0, 0, 0]]
    """
    height, width = _sides(sides)
    contour = outline(shape, 8 * MOST_SIDE)
    return _on_image(overlapped(contour.edges, contour.unit, contour.height), contour, height, width, origin)


def wholly_inside(shape: Polygon | MultiPolygon, sides: tuple[int, int], origin: tuple[int, int] = (0, 0)) -> BoolArray:
    """The pixels of an image of (height, width) whose whole closed square lies in the closed shape; exact.

    Arguments, result and errors are those of `touched_on`.

    >>> from shapely import box
    >>> wholly_inside(box(0.5, -9, 2, 1), (2, 3)).astype(int).tolist()
    [[0, 1, 0], [0, 0, 0]]
    """
    height, width = _sides(sides)
    contour = outline(shape, 8 * MOST_SIDE)
    return _on_image(enclosed(contour.edges, contour.unit, contour.height), contour, height, width, origin)


def disc(diameter: int | Fraction) -> BoolArray:
    """The pixels that the open disc inscribed in the square [0, diameter]² touches; bool, square, exact.

    Raises `InvalidInput` unless the diameter is an int or a Fraction above 0 and at most 4,096.

    >>> disc(4).all(), disc(Fraction(9, 2)).sum()
    (np.True_, np.int64(24))
    """
    across = checked_diameter(diameter, MOST_EXTENT)
    rows = [_chord(row, across) for row in range(ceil(across))]
    return array_of(rows, ceil(across))


def maximal_rasters(rasters: Sequence[BoolArray]) -> tuple[BoolArray, ...]:
    """Keep the rasters that lie in no other at any whole shift, each once, in their order.

    Each raster is a non-empty 2-d bool array whose first and last row and column hold a pixel.

    >>> square, corner = np.ones((2, 2), np.bool_), np.array([[1, 1], [1, 0]], np.bool_)
    >>> [raster.sum() for raster in maximal_rasters([corner, square, corner])]
    [np.int64(4)]
    """
    arrays = [_checked_raster(raster) for raster in rasters]
    return tuple(arrays[index] for index in Rasters.of(arrays).maximal())


def checked_diameter(diameter: int | Fraction, most: int) -> Fraction:
    """Check that a diameter is an int or a Fraction above 0 and at most `most`, and return it as a Fraction."""
    if isinstance(diameter, bool) or not isinstance(diameter, int | Fraction):
        raise InvalidInput(f"a diameter must be an int or a Fraction; got {diameter!r}; try Fraction(str(diameter))")
    if not 0 < diameter <= most:
        raise InvalidInput(f"a diameter must lie above 0 and be at most {most:,} pixels; got {diameter}")
    return Fraction(diameter)


def _sides(sides: tuple[int, int]) -> tuple[int, int]:
    shape = Grid.of(sides).shape
    if len(shape) != 2 or max(shape) > MOST_SIDE:
        raise InvalidInput(f"sides must be a height and a width of at most {MOST_SIDE:,} pixels; got {sides}")
    return shape[0], shape[1]


def _on_image(rows: list[int], contour: Outline, height: int, width: int, origin: tuple[int, int]) -> BoolArray:
    """Put rows that begin at the outline's corner into an array of the image; pixels outside are cut off."""
    top, left = contour.row - origin[0], contour.column - origin[1]
    shown = [0] * height
    for row in range(max(0, top), min(height, top + contour.height)):
        bits = rows[row - top]
        shown[row] = (bits << left if left >= 0 else bits >> -left) & ((1 << width) - 1)
    return array_of(shown, width)


def _chord(row: int, diameter: Fraction) -> int:
    """The pixels of a row that the disc touches: a point of their closed square is nearer than the radius."""
    radius, pixel = diameter.numerator, 2 * diameter.denominator
    gap = max(row * pixel - radius, radius - (row + 1) * pixel, 0)
    reach = isqrt(radius * radius - gap * gap - 1)  # the largest whole distance strictly inside
    first, last = max(0, -((reach - radius) // pixel) - 1), (radius + reach) // pixel
    return (2 << last) - (1 << first)


def _checked_raster(raster: BoolArray) -> BoolArray:
    array = np.asarray(raster)
    if array.dtype != np.bool_ or array.ndim != 2 or not array.size:
        raise InvalidInput(f"a raster must be a non-empty 2-d bool array; got {array.dtype} of shape {array.shape}")
    if not (array[0].any() and array[-1].any() and array[:, 0].any() and array[:, -1].any()):
        raise InvalidInput("a raster must be cropped: its first and last row and column must each hold a pixel")
    return array
