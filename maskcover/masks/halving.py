"""Mask sets of half-planes: each mask hides all that lies on one side of a line across the image."""

from __future__ import annotations

from collections.abc import Iterable

from maskcover.errors import InvalidInput
from maskcover.grid import Box, Grid, ImageSize, as_integer
from maskcover.masks.mask import Mask
from maskcover.masks.maskset import MaskSet


def half_plane_masks(
    lines: int | None = None,
    *,
    rows: int | Iterable[int] = (),
    columns: int | Iterable[int] = (),
    image_size: ImageSize | Grid = 224,
) -> MaskSet:
    """Masks that each hide all on one side of a line across the image: two for each line.

    They cover every patch, whatever its size and form, that lies on one side of one of the lines
    (`maskcover.half_planes`, which is what they claim). So they cover all patches of at most h rows if the first and
    the last horizontal line are at least h - 1 rows apart, and all of at most w columns if the vertical ones are at
    least w - 1 columns apart; `maskcover.verify` says it of any region set.

    Args:
        lines: The number of lines along each axis, evenly spaced, in place of `rows` and `columns`.
        rows: Horizontal lines, each the number of rows above it, from 1 on: one number, or several.
        columns: Vertical lines, each the number of columns to the left of it.
        image_size: The size of the images in pixels.

    Raises:
        InvalidInput: no line, a line outside the image, or more lines than fit.

    They are for procedures that ask single masks, such as `Detection`: the two masks of a line hide the whole image
    together, so that double masking has nothing to go by.

    Source: ObjectSeeker (Xiang et al. 2023) detects objects under such masks.

    >>> from maskcover import squares, verify
    >>> masks = half_plane_masks(3, image_size=224)
    >>> len(masks), masks.regions
    (12, 'half_planes(rows=(56, 112, 168), columns=(56, 112, 168))')
    >>> bool(verify(masks, squares(size=113))), bool(verify(masks, squares(size=114)))
    (True, False)
    """
    grid = Grid.of(image_size)
    if grid.ndim != 2:
        raise InvalidInput(f"half-planes hide a part of an image of two dimensions; got {grid}")
    if lines is not None and (rows or columns):
        raise InvalidInput("half_plane_masks takes a number of lines along each axis, or rows= and columns=; got both")
    height, width = grid.shape
    across = (rows, columns) if lines is None else (_spaced(lines, height), _spaced(lines, width))
    horizontal, vertical = _inside(across[0], height, "rows"), _inside(across[1], width, "columns")
    if not horizontal and not vertical:
        raise InvalidInput("half_plane_masks needs a line at least, such as rows=112, or their number, such as 3")
    boxes = [box for line in horizontal for box in (Box((0, 0), (line, width)), Box((line, 0), (height, width)))]
    boxes += [box for line in vertical for box in (Box((0, 0), (height, line)), Box((0, line), (height, width)))]
    named = [
        f"{name}={numbers if len(numbers) > 1 else numbers[0]}"
        for name, numbers in (("rows", horizontal), ("columns", vertical))
        if numbers
    ]
    return MaskSet(grid, tuple(Mask([box]) for box in boxes), regions=f"half_planes({', '.join(named)})")


def _spaced(count: int, side: int) -> tuple[int, ...]:
    """Lines that cut an axis into parts of equal lengths, up to a pixel."""
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count < side:
        raise InvalidInput(f"lines is the number of lines along each axis, from 1 to {side - 1} here; got {count!r}")
    return tuple(number * side // (count + 1) for number in range(1, count + 1))


def _inside(lines: int | Iterable[int], side: int, name: str) -> tuple[int, ...]:
    """The numbers of lines in ascending order, each once."""
    several = tuple(lines) if isinstance(lines, Iterable) else (lines,)
    try:
        numbers = sorted({as_integer(line) for line in several})
    except TypeError:
        numbers = [0]
    if numbers and not 1 <= numbers[0] <= numbers[-1] < side:
        raise InvalidInput(f"{name} are lines across the image, whole numbers from 1 to {side - 1} here; got {lines!r}")
    return tuple(numbers)
