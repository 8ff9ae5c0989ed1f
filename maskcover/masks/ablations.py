"""Mask sets that hide all but a little of the image: bands, blocks and receptive fields, for defences by votes."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from operator import index
from typing import Any

from maskcover.errors import InvalidInput
from maskcover.grid import Box, Grid, ImageSize
from maskcover.masks.mask import Mask
from maskcover.masks.maskset import MaskSet

_AXES = {"columns": 1, "rows": 0}
Sides = int | tuple[int, int]
"""A number of pixels along both axes, or one for rows and one for columns."""


def bands(
    width: int, axis: str = "columns", *, stride: int = 1, wrap: bool = True, image_size: ImageSize | Grid = 224
) -> MaskSet:
    """Masks that show one band of the image each, and hide all the rest.

    Args:
        width: The width of each band in pixels.
        axis: "columns" for bands from top to bottom, "rows" for bands from left to right.
        stride: Pixels from the start of a band to that of the next.
        wrap: Whether a band that reaches the end of the image goes on at its beginning. Otherwise each band lies
            within the image, and the last one ends with it.
        image_size: The size of the images in pixels.

    Raises:
        InvalidInput: the band is as wide as the image, or an argument is no positive whole number.

    De-randomised smoothing (Levine and Feizi 2020) shows columns or rows, Smoothed ViT (Salman et al. 2022) columns.

    >>> views = bands(width=2, stride=3, image_size=7)
    >>> [(~mask.to_array(views.grid))[0].astype(int).tolist() for mask in views]
    [[1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0, 1]]
    """
    grid = _flat(image_size)
    _expect_arguments({"axis": axis, "wrap": wrap})
    along = _AXES[axis]
    shown: list[list[list[tuple[int, int]]]] = [[[(0, side)]] for side in grid.shape]
    shown[along] = _windows(_positive(width, "width"), _positive(stride, "stride"), grid.shape[along], wrap=wrap)
    return _showing(grid, shown)


def blocks(size: int, *, stride: int = 1, wrap: bool = True, image_size: ImageSize | Grid = 224) -> MaskSet:
    """Masks that show one square block of the image each, and hide all the rest; arguments as for `bands`.

    >>> views = blocks(size=2, stride=2, image_size=4)
    >>> len(views), {int((~mask.to_array(views.grid)).sum()) for mask in views}
    (4, {4})
    """
    grid = _flat(image_size)
    side, step = _positive(size, "size"), _positive(stride, "stride")
    return _showing(grid, [_windows(side, step, length, wrap=wrap) for length in grid.shape])


def receptive_fields(
    size: Sides, *, stride: Sides = 1, padding: Sides = 0, image_size: ImageSize | Grid = 224
) -> MaskSet:
    """Masks that show one receptive field of a network each, and hide all the rest: a view for each cell of its grid.

    Cell (i, j) of the grid sees the pixels from ``i * stride - padding`` on, `size` of them an axis, as far as they lie
    on the image; the masks go row by row through the cells. A region leaves a cell untouched exactly when its mask
    contains the region.

    Args:
        size, stride, padding: Of the receptive field, in pixels; one number, or one for rows and one for columns.
        image_size: The size of the images in pixels.

    Raises:
        InvalidInput: a field is as large as the image, or lies outside it, or an argument is no whole number.

    >>> views = receptive_fields(size=3, stride=2, padding=1, image_size=6)
    >>> [(~mask.to_array(views.grid))[0].astype(int).tolist() for mask in views[:3]]
    [[1, 1, 0, 0, 0, 0], [0, 1, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1]]
    """
    grid = _flat(image_size)
    fields = zip(_pair(size, "size"), _pair(stride, "stride"), _pair(padding, "padding", least=0), strict=True)
    shown = [_fields(*field, length) for field, length in zip(fields, grid.shape, strict=True)]
    if any(
        all(axis[0] == (0, length) for axis, length in zip(cell, grid.shape, strict=True)) for cell in product(*shown)
    ):
        raise InvalidInput(f"a receptive field of {size} on {grid} sees the whole image, and hides nothing")
    return _showing(grid, shown)


def _fields(size: int, stride: int, padding: int, length: int) -> list[list[tuple[int, int]]]:
    """The interval of each cell along an axis, cut to the axis."""
    starts = range(-padding, length + padding - size + 1, stride)
    if not starts or size <= padding:
        raise InvalidInput(
            f"a receptive field of {size} pixels with a padding of {padding} does not fit on an axis of {length}"
        )
    return [[(max(0, start), min(length, start + size))] for start in starts]


def _windows(width: int, stride: int, length: int, *, wrap: bool) -> list[list[tuple[int, int]]]:
    """The intervals of each window along an axis; one that wraps around has two."""
    if width >= length:
        raise InvalidInput(f"a view of {width} of {length} pixels hides nothing; choose fewer than {length}")
    if not wrap:
        return [[(start, start + width)] for start in sorted({*range(0, length - width + 1, stride), length - width})]
    windows = []
    for start in range(0, length, stride):
        end = start + width
        windows.append([(start, end)] if end <= length else [(start, length), (0, end - length)])
    return windows


def _showing(grid: Grid, shown: Sequence[list[list[tuple[int, int]]]]) -> MaskSet:
    """The masks that hide all but each product of one window for each axis."""
    masks = []
    for windows in product(*shown):
        hidden: list[Box] = []
        # Cells outside the window of an axis, inside those of the axes before: each hidden cell in one box alone.
        for axis, intervals in enumerate(windows):
            for gap in _gaps(intervals, grid.shape[axis]):
                before = product(*windows[:axis])
                after = [(0, side) for side in grid.shape[axis + 1 :]]
                for sides in before:
                    starts, stops = zip(*sides, gap, *after, strict=True)
                    hidden.append(Box(tuple(starts), tuple(stops)))
        masks.append(Mask(hidden, ndim=grid.ndim))
    return MaskSet(grid, tuple(masks))


def _gaps(intervals: list[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """The intervals between some, and before and after them."""
    gaps, end = [], 0
    for start, stop in sorted(intervals):
        gaps.append((end, start))
        end = stop
    return [(start, stop) for start, stop in [*gaps, (end, length)] if start < stop]


def _expect_arguments(arguments: Mapping[str, Any]) -> None:
    """Raise `InvalidInput` for an axis, a wrap or numbers that no views of any image size have."""
    for name, value in arguments.items():
        if name == "axis" and value not in _AXES:
            raise InvalidInput(f'axis is "columns" or "rows"; got {value!r}')
        if name == "wrap" and not isinstance(value, bool):
            raise InvalidInput(f"wrap is True or False; got {value!r}")
        if name not in ("axis", "wrap"):
            _pair(value, name, least=0 if name == "padding" else 1)


def _flat(image_size: ImageSize | Grid) -> Grid:
    grid = Grid.of(image_size)
    if grid.ndim != 2:
        raise InvalidInput(f"views are of images of two dimensions; got {grid}")
    return grid


def _pair(value: Sides, name: str, least: int = 1) -> tuple[int, int]:
    """The numbers for rows and for columns."""
    first, second = value if isinstance(value, tuple) and len(value) == 2 else (value, value)
    return _positive(first, name, least), _positive(second, name, least)


def _positive(value: int, name: str, least: int = 1) -> int:
    try:
        whole = index(value)
    except TypeError:
        whole = least - 1
    if isinstance(value, bool) or whole < least:
        raise InvalidInput(f"{name} is a whole number of pixels, at least {least}; got {value!r}")
    return whole


@dataclass(frozen=True, slots=True)
class ViewFamily:
    """Bands, blocks or receptive fields for images of any size; ``str(family)`` is its text for `parse_views`."""

    kind: str
    arguments: tuple[tuple[str, Any], ...]

    def masks(self, grid: Grid) -> MaskSet:
        """The masks of the views of images of this size."""
        return _FAMILIES[self.kind](**dict(self.arguments), image_size=grid)

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(f'{name}={value!r}' for name, value in self.arguments)})"


_FAMILIES: dict[str, Callable[..., MaskSet]] = {"bands": bands, "blocks": blocks, "receptive_fields": receptive_fields}


def parse_views(text: str) -> ViewFamily:
    """Read the text of bands, blocks or receptive fields, without the image size; defaults are left out.

    Raises:
        InvalidInput: it is no such text, or the arguments are none that they take.

    >>> str(parse_views("bands(4, axis='columns', stride=2)"))
    'bands(width=4, stride=2)'
    """
    try:
        node = ast.parse(text, mode="eval").body if isinstance(text, str) else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FAMILIES:
            signature = inspect.signature(_FAMILIES[node.func.id])
            values = [ast.literal_eval(value) for value in node.args]
            named = {str(word.arg): ast.literal_eval(word.value) for word in node.keywords}
            if "image_size" not in named:
                bound = signature.bind(*values, **named).arguments
                _expect_arguments(bound)
                kept = {name: value for name, value in bound.items() if value != signature.parameters[name].default}
                return ViewFamily(node.func.id, tuple(kept.items()))
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise InvalidInput(
            f"cannot read the views {text[:80]!r} ({error}); write them like 'bands(width=4)'"
        ) from error
    raise InvalidInput(
        "views are bands(width=…), blocks(size=…) or receptive_fields(size=…), without the image size; "
        f"got {text!r:.80}"
    )
