"""Families of boxes: squares, a rectangle, all rectangles of an area.

Each is a frozen value, made by the function of the same name that users call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from math import ceil, floor

import numpy as np

from maskcover.amounts import Amount, AnyAmount, Length, amount_text, cells_up, parse_amount, parse_length
from maskcover.cells import BoolArray, Cells, eroded
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Extents, Grid, as_integer
from maskcover.regions.base import RegionSet, Slot, Stencil, Term, brief, everywhere, maximal, slot_of, terms_of

_ASPECT = re.compile(r"\d{1,12}|\d{1,40}\.\d{1,40}|\d{1,41}/\d{1,41}")
_MOST_SHAPES = {1: 100_000, 2: 100_000}  # by the number of axes; it takes longer to compare shapes of more than two
_MOST_SHAPES_OF_MORE = 20_000
_DOUBTFUL = range(1, 9)  # pixels of an area; on a large image a number of per cent is rather meant
_MOST_WORK = 1 << 29  # placements of all shapes that are tried where an area is not a box


@dataclass(frozen=True, slots=True)
class Squares(RegionSet):
    """Every square (cube, interval) of one size; exactly one of `size` and `area` is given."""

    size: int | None
    area: Amount | None

    def side(self, grid: Grid) -> int:
        """The side in pixels; an area is rounded up to the next whole side."""
        if self.size is not None:
            return self.size
        if self.area is None:
            raise InvalidInput("squares need a size or an area; make them with squares(...)")
        return _root_up(cells_up(self.area, grid.size), grid.ndim)

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        return _box_inside(self, (self.side(grid),) * grid.ndim, grid, inside)

    def doubts(self, grid: Grid) -> tuple[str, ...]:
        return _doubts_of_area("squares", self.area, grid)

    def __str__(self) -> str:
        if self.area is not None:
            return f"squares(area={amount_text(self.area)})"
        return f"squares(size={self.size})"


@dataclass(frozen=True, slots=True)
class Rectangle(RegionSet):
    """One rectangle of a given height and width, anywhere on an image."""

    height: int
    width: int

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        if grid.ndim != 2:
            raise InvalidInput(f"{self} is a shape of two dimensions; the grid {grid} has {grid.ndim}")
        return _box_inside(self, (self.height, self.width), grid, inside)

    def __str__(self) -> str:
        return f"rectangle(height={self.height}, width={self.width})"


@dataclass(frozen=True, slots=True)
class Rectangles(RegionSet):
    """Every rectangle (box) of at most an area, with a least side and a greatest ratio of sides."""

    area: Amount
    min_side: int = 1
    max_aspect: Fraction | None = None

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        limit = cells_up(self.area, grid.size)
        if not any(True for _ in self._tallest(grid.shape, (), limit)):
            raise InvalidInput(
                f"{brief(self)} holds no rectangle on {grid}: at most {limit} px; lower min_side or raise area"
            )
        most = _MOST_SHAPES.get(grid.ndim, _MOST_SHAPES_OF_MORE)
        if any(True for _ in islice(self._tallest(grid.shape, (), limit), most, None)):
            raise InvalidInput(f"{brief(self)} has more than {most:,} shapes on {grid}; use a smaller image or area")
        if len(inside.bounds) <= 1:
            return terms_of(self._inside_box(inside, limit))
        return terms_of(self._inside_bitmap(inside, limit))

    def doubts(self, grid: Grid) -> tuple[str, ...]:
        return _doubts_of_area("rectangles", self.area, grid)

    def _inside_box(self, inside: Cells, limit: int) -> Slot:
        """The maximal shapes inside a box: those of a grid of the sides of the box."""
        if not inside:
            return ()
        room = inside.span
        free = (everywhere(shape, Grid(room.extents)) for shape in maximal(set(self._tallest(room.extents, (), limit))))
        return tuple(Stencil(stencil.cells, stencil.places.shifted(room.start)) for stencil in free)

    def _inside_bitmap(self, inside: Cells, limit: int) -> Slot:
        """The shapes inside other cells: every shape is tried, since it may fit where no larger one does."""
        room = inside.span
        shapes = set(self._every(room.extents, (), limit))
        work = len(shapes) * room.volume
        if work > _MOST_WORK:
            raise InvalidInput(
                f"{self} inside an area of {room.volume:,} px has {work:,} placements to try, more than "
                f"{_MOST_WORK:,}; use an area that is a box, or a smaller image"
            )
        cells = inside.shifted([-start for start in room.start]).to_array(Grid(room.extents))
        return _maximal_inside(cells, shapes, room)

    def _tallest(self, sides: Extents, prefix: Extents, limit: int) -> Iterator[Extents]:
        """Yield shapes whose last extent is as large as the others allow; every shape lies inside such a shape."""
        low, high = self._extent_range(sides, prefix, limit)
        if len(sides) == 1:
            if low <= high:
                yield (*prefix, high)
            return
        for extent in range(low, high + 1):
            yield from self._tallest(sides[1:], (*prefix, extent), limit // extent)

    def _every(self, sides: Extents, prefix: Extents, limit: int) -> Iterator[Extents]:
        """Yield every shape of the family."""
        low, high = self._extent_range(sides, prefix, limit)
        for extent in range(low, high + 1):
            if len(sides) == 1:
                yield (*prefix, extent)
            else:
                yield from self._every(sides[1:], (*prefix, extent), limit // extent)

    def _extent_range(self, sides: Extents, prefix: Extents, limit: int) -> tuple[int, int]:
        """The least and the greatest value of the next extent, after the extents of the prefix."""
        low, high = self.min_side, min(sides[0], limit)
        if self.max_aspect is not None and prefix:
            low = max(low, ceil(max(prefix) / self.max_aspect))
            high = min(high, floor(min(prefix) * self.max_aspect))
        return low, high

    def __str__(self) -> str:
        text = f"rectangles(area={amount_text(self.area)}"
        if self.min_side > 1:
            text += f", min_side={self.min_side}"
        if self.max_aspect is not None:
            text += f", max_aspect={_aspect_text(self.max_aspect)}"
        return text + ")"


def squares(size: Length | None = None, *, area: AnyAmount | None = None) -> RegionSet:
    """Every square of one size, at any place.

    Args:
        size: The side in pixels.
        area: Instead of `size`: the area, in pixels or as a fraction of the image; the side is
            ceil(sqrt(area)), so 1 % of 224×224 is 23×23 (529 px).

    On a grid of d dimensions it is a cube of d equal sides: an interval of a signal, a cube of a volume.

    Raises:
        InvalidInput: both are given or neither is, or it is not a size.

    >>> print(squares(area="0.02").describe(224).pixels)
    1024
    """
    if (size is None) == (area is None):
        raise InvalidInput(
            "squares takes either size=32 (pixels) or area=0.02 (a fraction of the image); got both or neither"
        )
    if size is not None:
        return Squares(parse_length(size, "size"), None)
    return Squares(None, parse_amount(area, "area"))


def rectangle(height: Length, width: Length) -> RegionSet:
    """A rectangle of `height`×`width` pixels, at any place; raises `InvalidInput` for a bad length.

    >>> str(rectangle(5, 224))
    'rectangle(height=5, width=224)'
    """
    return Rectangle(parse_length(height, "height"), parse_length(width, "width"))


def rectangles(
    area: AnyAmount,
    *,
    min_side: Length = 1,
    max_aspect: AnyAmount | None = None,
) -> RegionSet:
    """Every rectangle of at most an area, of any aspect, at any place (paper, section 5.1).

    Args:
        area: The largest area, in pixels or as a fraction of the image (rounded up: 1 % of 224×224 is 502 px).
        min_side: No side is shorter than this many pixels.
        max_aspect: The long side is at most this many times the short side; at least 1, taken exactly.

    Raises:
        InvalidInput: a bad area, side or ratio.

    >>> len(rectangles(area=0.01).terms(Grid.of(224))[0].shapes)
    41
    """
    aspect = None if max_aspect is None else _parse_aspect(max_aspect)
    return Rectangles(parse_amount(area, "area"), parse_length(min_side, "min_side"), aspect)


def _box_inside(regions: RegionSet, shape: Extents, grid: Grid, inside: Cells) -> tuple[Term, ...]:
    """Put a box shape wherever it lies inside some cells; `InvalidInput` if the grid has no place for it."""
    if not grid.fits(shape):
        size = "×".join(map(str, shape))
        raise InvalidInput(
            f"{brief(regions)} is {size} and has no place on {grid}; use a smaller shape or a larger image"
        )
    cells = Cells([Box.at((0,) * grid.ndim, shape)])
    return terms_of(slot_of(cells, eroded(inside, cells)))


def _maximal_inside(cells: BoolArray, shapes: set[Extents], room: Box) -> Slot:
    """Boxes of these shapes inside the True cells, without boxes inside a box that is longer by 1 along some axis."""
    table = np.pad(cells.astype(np.int64), [(1, 0)] * cells.ndim)
    for axis in range(cells.ndim):
        table = np.cumsum(table, axis=axis)
    fitting: dict[Extents, BoolArray] = {}
    slot: list[Stencil] = []
    # Larger boxes come first: a shape is compared with those that are longer by 1 along an axis.
    for shape in sorted(shapes, reverse=True):
        fitting[shape] = places = _windows(table, shape) == int(np.prod(shape))
        remaining = places.copy()
        for axis, extent in enumerate(shape):
            larger = fitting.get((*shape[:axis], extent + 1, *shape[axis + 1 :]))
            if larger is not None:
                head = [slice(None)] * cells.ndim
                tail = list(head)
                head[axis], tail[axis] = slice(None, -1), slice(1, None)
                remaining[tuple(head)] &= ~larger
                remaining[tuple(tail)] &= ~larger
        if remaining.any():
            box = Cells([Box.at((0,) * cells.ndim, shape)])
            slot.append(Stencil(box, Cells.from_array(remaining).shifted(room.start)))
    return tuple(reversed(slot))


def _windows(
    table: np.ndarray[tuple[int, ...], np.dtype[np.int64]], shape: Extents
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The number of cells in every window of a shape, from a summed-area table."""
    for axis, extent in enumerate(shape):
        length = table.shape[axis]
        table = np.take(table, range(extent, length), axis) - np.take(table, range(length - extent), axis)
    return table


def _root_up(cells: int, degree: int) -> int:
    """The least side whose `degree`-th power is at least `cells`, in integers."""
    high = 1
    while high**degree < cells:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if middle**degree >= cells else (middle, high)
    return high


def _doubts_of_area(family: str, area: Amount | None, grid: Grid) -> tuple[str, ...]:
    """A warning about an area of very few pixels, if it is one."""
    if not isinstance(area, int) or area not in _DOUBTFUL:
        return ()
    return (
        f"{family}(area={area}) means {area} of the {grid.size:,} pixels of {grid}; was a fraction meant? "
        f'{area} per cent is {family}(area="{area}%")',
    )


def _parse_aspect(value: object) -> Fraction:
    aspect = Fraction(0)
    with suppress(TypeError, ZeroDivisionError):
        if isinstance(value, Fraction):
            aspect = value
        elif not isinstance(value, float | str | np.floating | Decimal):
            aspect = Fraction(as_integer(value))
        elif _ASPECT.fullmatch(str(value)):
            aspect = Fraction(str(value))
    if aspect < 1 or max(aspect.numerator, aspect.denominator) > 10**40:
        # Python refuses to print the largest integers.
        shown = type(value).__name__ if isinstance(value, int) and value.bit_length() > 999 else f"{value!s:.40}"
        raise InvalidInput(
            f"max_aspect is long side over short side, at least 1, such as 4 or '3/2', in at most 40 digits; "
            f"got {shown}"
        )
    return aspect


def _aspect_text(aspect: Fraction) -> str:
    return str(aspect.numerator) if aspect.denominator == 1 else f'"{aspect}"'
