"""Areas of interest on an image: a box, a polygon or a bitmap, read from arguments and written as text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from maskcover.cells import Cells
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Grid
from maskcover.regions.bitmaps import bitmap_text, read_bitmap

if TYPE_CHECKING:
    from maskcover.regions.shapes.reading import Shape


class Area(ABC):
    """Some cells of an image; `generous` and `strict` differ by the pixels that a polygon cuts."""

    __slots__ = ()

    @abstractmethod
    def generous(self, grid: Grid) -> Cells:
        """The cells that the area touches."""

    def strict(self, grid: Grid) -> Cells:
        """The cells that lie wholly inside the area."""
        return self.generous(grid)


@dataclass(frozen=True, slots=True)
class BoxArea(Area):
    """A box of cells."""

    box: Box

    def generous(self, grid: Grid) -> Cells:
        if len(self.box.start) != grid.ndim or not grid.whole.contains(self.box):
            raise InvalidInput(f"the area {self} does not lie on {grid}; name starts and extents of a box on it")
        return Cells([self.box])

    def __str__(self) -> str:
        return f"({', '.join(map(str, (*self.box.start, *self.box.extents)))})"


@dataclass(frozen=True, slots=True)
class BitmapArea(Area):
    """Any cells of an image of one size."""

    cells: Cells
    sides: tuple[int, ...]

    def generous(self, grid: Grid) -> Cells:
        if self.sides != grid.shape:
            raise InvalidInput(
                f"the area is a bitmap of {Grid(self.sides)}; the image is {grid}: draw it for that size"
            )
        return self.cells

    def __str__(self) -> str:
        return f'"{bitmap_text(self.cells.to_array(Grid(self.sides)))}"'


@dataclass(frozen=True, slots=True)
class PolygonArea(Area):
    """A polygon in pixels, x to the right and y down."""

    shape: Shape

    def generous(self, grid: Grid) -> Cells:
        from maskcover.regions.shapes.rasters import touched_on

        return Cells.from_array(touched_on(self.shape, _two_sides(grid)))

    def strict(self, grid: Grid) -> Cells:
        from maskcover.regions.shapes.rasters import wholly_inside

        return Cells.from_array(wholly_inside(self.shape, _two_sides(grid)))

    def __str__(self) -> str:
        from maskcover.regions.shapes.reading import polygon_text

        return f'"{polygon_text(self.shape)}"'


def read_area(value: object) -> Area:
    """Read an area from a box of starts and extents, a bool array or its text, a polygon, its WKT or its corners."""
    if isinstance(value, str) and set(value) <= set("01/ \n"):
        return _bitmap_area(read_bitmap(value))
    if isinstance(value, str) or hasattr(value, "geom_type"):
        return _polygon_area(value)
    if isinstance(value, np.ndarray) and value.dtype == np.bool_:
        return _bitmap_area(value)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if _is_corners(value):
        return _polygon_area(value)
    if isinstance(value, Sequence) and len(value) and len(value) % 2 == 0:
        half = len(value) // 2
        return BoxArea(Box.at(value[:half], value[half:]))
    raise InvalidInput(
        "an area is a box (top, left, height, width), a polygon of shapely, its WKT or its corners [(x, y), ...], or a "
        f"bool array of the image's size; got {value!r:.80}"
    )


def _is_corners(value: object) -> bool:
    """Whether a value is a sequence of pairs, as `polygon` takes them."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) < 3:
        return False
    return all(isinstance(corner, Sequence | np.ndarray) and len(corner) == 2 for corner in value)


def _bitmap_area(array: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> BitmapArea:
    return BitmapArea(Cells.from_array(array), array.shape)


def _polygon_area(value: object) -> PolygonArea:
    from maskcover.regions.shapes.reading import read_polygon

    return PolygonArea(read_polygon(value))


def _two_sides(grid: Grid) -> tuple[int, int]:
    if grid.ndim != 2:
        raise InvalidInput(f"a polygon is an area of two dimensions; the grid {grid} has {grid.ndim}")
    return grid.shape[0], grid.shape[1]
