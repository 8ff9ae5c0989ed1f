"""Stencils drawn as bitmaps, and the text of a bitmap."""

from __future__ import annotations

from dataclasses import dataclass
from operator import add, lt
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, Cells, eroded
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Grid
from maskcover.regions.base import RegionSet, Slot, Stencil, Term, brief, slot_of, terms_of
from maskcover.terminal import bar

if TYPE_CHECKING:
    from maskcover.regions.shapes.containing import Raster, Rasters


@dataclass(frozen=True, slots=True)
class Bitmap(RegionSet):
    """A single shape of any cells, at any place."""

    cells: Cells

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        return stencils_inside(self, (self.cells,), grid, inside)

    def __str__(self) -> str:
        return f'bitmap("{bitmap_text(self.cells.to_array(Grid(self.cells.span.stop)))}")'


def bitmap(cells: npt.ArrayLike | str) -> RegionSet:
    """A single shape of any pixels, at any place.

    Args:
        cells: A bool array, (height, width) for images, True where the patch is; or its text, rows of 0 and 1 with
            slashes between (a single row: "111/"). Empty rows and columns at its borders do not count.

    Raises:
        InvalidInput: not a bool array, or one that is False everywhere.

    >>> bitmap("010/111").describe(224).pixels
    4
    """
    array = read_bitmap(cells) if isinstance(cells, str) else np.asarray(cells)
    if array.dtype != np.bool_ or not array.ndim or not array.any():
        raise InvalidInput(
            f"a bitmap is a bool array with some True in it (array.astype(bool)?); got {array.dtype} of {array.shape}"
        )
    shape = Cells.from_array(array)
    return Bitmap(shape.shifted([-low for low in shape.span.start]))


def stencils_inside(regions: RegionSet, shapes: tuple[Cells, ...], grid: Grid, inside: Cells) -> tuple[Term, ...]:
    """Put each of some shapes wherever it lies inside some cells of the grid; the term of one patch.

    Raises:
        InvalidInput: shapes of another number of axes than the grid, or none that fits it.
    """
    if shapes[0].ndim != grid.ndim:
        raise InvalidInput(
            f"{brief(regions)} is a shape of {shapes[0].ndim} dimensions; the grid {grid} has {grid.ndim}"
        )
    if not any(grid.fits(cells.span.stop) for cells in shapes):
        raise InvalidInput(f"{brief(regions)} has no place on {grid}; use a smaller shape or a larger image")
    slot = tuple(stencil for cells in shapes for stencil in slot_of(cells, eroded(inside, cells)))
    return terms_of(drop_contained(slot))


def drop_contained(slot: Slot) -> Slot:
    """Keep the stencils that lie in no other, and the others at the places where they lie inside none of those."""
    if len(slot) < 2:
        return slot
    from maskcover.regions.shapes.containing import Rasters

    rasters = Rasters.of([stencil.cells.to_array(Grid(stencil.extents)) for stencil in slot])
    numbers = rasters.maximal()
    # Equal shapes are one set of regions: of those in no other all stencils are kept.
    shapes = {slot[number].cells for number in numbers}
    largest = [number for number, stencil in enumerate(slot) if stencil.cells in shapes]
    maximal, around = tuple(slot[number] for number in largest), rasters.chosen(largest)
    rest = [number for number, stencil in enumerate(slot) if stencil.cells not in shapes]
    remaining = (
        Stencil(slot[number].cells, places)
        for number in bar(rest, "comparing shapes", "shape")
        if (places := _places_left(slot[number].places, rasters.rasters[number], maximal, around))
    )
    return maximal + tuple(remaining)


def _places_left(places: Cells, raster: Raster, larger: Slot, around: Rasters) -> Cells:
    """The places at which a raster lies inside no larger shape, since the larger one is not allowed there.

    `around` are the rasters of the larger stencils, in their order.
    """
    for number in np.flatnonzero(around.perhaps_around(raster.widths)).tolist():
        held = larger[number].places
        for shift in raster.shifts_in(around.rasters[number]):
            if _meet(places.span, held.span, shift):
                places = places.minus(held.shifted(shift))
                if not places:
                    return places
    return places


def _meet(places: Box, held: Box, shift: tuple[int, ...]) -> bool:
    """Whether a box meets another one that is moved by `shift`."""
    low = map(max, places.start, map(add, held.start, shift))
    high = map(min, places.stop, map(add, held.stop, shift))
    return all(map(lt, low, high))


def bitmap_text(cells: BoolArray) -> str:
    """Write a bitmap as rows of 0 and 1; as many slashes between them as axes end there, and after a single row.

    >>> bitmap_text(np.ones((2, 1, 3), dtype=bool)), bitmap_text(np.ones((1, 3), dtype=bool))
    ('111//111', '111/')
    """
    return _rows(cells) + "/" * (cells.ndim - 1) * (len(cells) == 1)


def _rows(cells: BoolArray) -> str:
    if cells.ndim == 1:
        return "".join("01"[cell] for cell in cells.astype(int))
    return ("/" * (cells.ndim - 1)).join(map(_rows, cells))


def read_bitmap(text: str) -> BoolArray:
    """Read the bool array from a text of `bitmap_text`.

    >>> read_bitmap("01/11").astype(int).tolist()
    [[0, 1], [1, 1]]
    """
    rows = "".join(text.split())
    slashes = max((len(run) for run in rows.replace("0", "1").split("1")), default=0)
    try:
        array = np.array(_nested(rows.removesuffix("/" * slashes), slashes))
    except ValueError as error:
        raise InvalidInput(f"a bitmap has rows of equal length, such as '010/111'; got {text[:80]!r}") from error
    if array.dtype != np.bool_ or not array.size:
        raise InvalidInput(f"a bitmap is rows of 0 and 1 with slashes between, such as '010/111'; got {text[:80]!r}")
    return array


def _nested(text: str, slashes: int) -> list[object]:
    """Read a text as nested lists; a wrong text becomes lists of unequal lengths or of other things than bools."""
    if not slashes:
        return [{"0": False, "1": True}.get(cell, cell) for cell in text]
    return [_nested(part, slashes - 1) for part in text.split("/" * slashes)]
