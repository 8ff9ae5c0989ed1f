"""Boxes and masks as the rows of numbers that files hold: a box is its starts followed by its extents.

That rows are lists of whole numbers is known by then, from `maskcover.schemas`; what is checked here is their sense.
"""

from __future__ import annotations

from collections.abc import Sequence

from maskcover.cells import Cells
from maskcover.errors import InvalidInput, MaskFileError
from maskcover.grid import Box, Grid

Row = Sequence[int]


def rows_of(cells: Cells) -> list[list[int]]:
    """The boxes of cells as rows, in canonical order.

    >>> rows_of(Cells([Box((0, 1), (4, 5))]))
    [[0, 1, 4, 4]]
    """
    return [[*box.start, *box.extents] for box in cells.boxes]


def grid_of(sides: Row) -> Grid:
    """The grid of a file's image size; `MaskFileError` if there is no such grid."""
    try:
        return Grid(tuple(sides))
    except InvalidInput as error:
        raise MaskFileError(f"image_size: {error}") from error


def boxes_of(rows: Sequence[Row], path: str, grid: Grid) -> list[Box]:
    """The boxes of rows; see `box_of`."""
    return [box_of(row, f"{path}[{number}]", grid) for number, row in enumerate(rows)]


def box_of(row: Row, path: str, grid: Grid) -> Box:
    """The box of a row, which must lie on the grid; `MaskFileError` names the path of the row.

    >>> box_of([0, 1, 4, 4], "masks[0][0]", Grid((6, 6)))
    Box(start=(0, 1), stop=(4, 5))
    """
    if len(row) != 2 * grid.ndim:
        raise MaskFileError(f"{path}: expected {2 * grid.ndim} numbers, starts then extents; found {len(row)}")
    try:
        box = Box.at(row[: grid.ndim], row[grid.ndim :])
    except InvalidInput as error:
        raise MaskFileError(f"{path}: {error}") from error
    if not grid.whole.contains(box):
        raise MaskFileError(f"{path}: leaves the {grid} image")
    return box
