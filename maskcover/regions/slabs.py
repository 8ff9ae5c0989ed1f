"""Families of regions that reach across the image, with patches of any size there: sides, half-planes, stripes.

Each is a frozen value, made by the function of the same name that users call.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from maskcover.amounts import AnyAmount, Length, WholeNumber, amount_text, cells_up, parse_amount, parse_length
from maskcover.cells import Cells
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.grid import Box, Grid, as_integer
from maskcover.regions.base import RegionSet, Stencil, Term, prune, terms_of

_MOST_STRIPES = 50_000
Lines = WholeNumber | Iterable[WholeNumber]
"""One line or several, each the number of pixels before it."""


@dataclass(frozen=True, slots=True)
class Sides(RegionSet):
    """Patches of any size on one side of the image: in the first or last `fraction` of an axis."""

    fraction: Fraction

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        depths = [cells_up(self.fraction, side) for side in grid.shape]
        ends = [(axis, first) for axis, depth in enumerate(depths) for first in (0, grid.shape[axis] - depth)]
        return _clipped((_slab(grid, axis, first, depths[axis]) for axis, first in ends), inside)

    def __str__(self) -> str:
        return f"sides(fraction={amount_text(self.fraction)})"


@dataclass(frozen=True, slots=True)
class HalfPlanes(RegionSet):
    """Patches of any size on one side of a line that is parallel to an axis; the lines are given.

    A line in `rows` lies above the row of its number, one in `columns` to the left of the column of its number.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        if grid.ndim != 2:
            raise InvalidInput(f"{self} is about images of two dimensions; the grid {grid} has {grid.ndim}")
        for name, lines, side in zip(("rows", "columns"), (self.rows, self.columns), grid.shape, strict=True):
            if lines and lines[-1] >= side:
                raise InvalidInput(
                    f"{name}={lines[-1]} is no line across {grid}: its number is from 1 to {side - 1} there"
                )
        halves = [
            _slab(grid, axis, first, depth)
            for axis, lines in enumerate((self.rows, self.columns))
            for line in lines
            for first, depth in ((0, line), (line, grid.shape[axis] - line))
        ]
        return _clipped(halves, inside)

    def __str__(self) -> str:
        named = [f"{name}={_text(lines)}" for name, lines in (("rows", self.rows), ("columns", self.columns)) if lines]
        return f"half_planes({', '.join(named)})"


@dataclass(frozen=True, slots=True)
class Stripes(RegionSet):
    """Every stripe of one width right across the image, along any axis or along a given one."""

    width: int
    axis: int | None = None

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        axes = range(grid.ndim) if self.axis is None else (self.axis,)
        if max(axes) >= grid.ndim:
            raise InvalidInput(f"{self} names axis {self.axis}; the grid {grid} has axes 0 to {grid.ndim - 1}")
        if self.width > min(grid.shape[axis] for axis in axes):
            raise InvalidInput(f"{self} has no place on {grid}; use a smaller width or a larger image")
        if sum(grid.shape[axis] - self.width + 1 for axis in axes) > _MOST_STRIPES:
            raise InvalidInput(f"{self} has more than {_MOST_STRIPES:,} places on {grid}; use a smaller image")
        places = ((axis, first) for axis in axes for first in range(grid.shape[axis] - self.width + 1))
        return _clipped((_slab(grid, axis, first, self.width) for axis, first in places), inside)

    def __str__(self) -> str:
        return f"stripes(width={self.width}" + (")" if self.axis is None else f", axis={self.axis})")


def sides(fraction: AnyAmount = Fraction(1, 2)) -> RegionSet:
    """Patches of any size on one side of the image: anything within the first or last `fraction` of some axis.

    Args:
        fraction: The fraction of the axis, strictly between 0 and 1.

    On images these are four regions: the top, the bottom, the left and the right part. They are all half-planes of at
    most that fraction of the image that a line parallel to an axis cuts off.

    Raises:
        InvalidInput: not such a fraction.

    >>> sides(0.5).describe(224).placements
    4
    """
    return _sides(fraction, "fraction")


def half_planes(share: AnyAmount | None = None, *, rows: Lines = (), columns: Lines = ()) -> RegionSet:
    """Patches of any size on one side of one of some lines across the image: what `half_plane_masks` covers.

    Args:
        rows: Horizontal lines, each the number of rows above it, from 1 on: one number, or several.
        columns: Vertical lines, each the number of columns to the left of it.
        share: Up to version 0.1 this function was `sides`; ``half_planes(0.1)``, or without arguments, still is, with
            a warning.

    Each line has two half-planes, and a region is any part of one of them: whatever lies on one side of a line.

    Raises:
        InvalidInput: no line, or a number that is none; when it is used, a line outside the image.

    >>> str(half_planes(rows=(75, 149), columns=112))
    'half_planes(rows=(75, 149), columns=112)'
    """
    regions = half_planes_of_text(share, rows=rows, columns=columns)
    if isinstance(regions, Sides):
        warnings.warn(f"half_planes(share=…) is now called sides: write {regions}", MaskcoverWarning, stacklevel=2)
    return regions


def half_planes_of_text(share: AnyAmount | None = None, *, rows: Lines = (), columns: Lines = ()) -> RegionSet:
    """The half-planes of a text: as `half_planes`, but without a warning, since earlier files are read for ever."""
    lines = _lines(rows, "rows"), _lines(columns, "columns")
    if not any(lines):
        return _sides(Fraction(1, 2) if share is None else share, "share")
    if share is not None:
        raise InvalidInput(f"half_planes takes lines, rows= or columns=, or share=, not both; got share={share!r}")
    return HalfPlanes(*lines)


def stripes(width: Length, *, axis: WholeNumber | None = None) -> RegionSet:
    """Every stripe of `width` pixels right across the image, or across the allowed part of it: patches of any length.

    Args:
        width: The width in pixels.
        axis: The axis along which the width is measured: 0 for horizontal stripes (rows), 1 for vertical ones
            (columns); by default any.

    Raises:
        InvalidInput: a bad width or axis.

    >>> stripes(16).terms(Grid.of(224))[0].shapes
    ((16, 224), (224, 16))
    """
    try:
        number = None if axis is None else as_integer(axis)
    except TypeError:
        number = -1
    if number is not None and number < 0:
        raise InvalidInput(f"axis is the number of an axis, from 0 on; got {axis!r}")
    return Stripes(parse_length(width, "width"), number)


def _text(lines: tuple[int, ...]) -> str:
    """One line as a number, several as a tuple: the independent checker reads no tuple of a single number."""
    return str(lines if len(lines) > 1 else lines[0])


def _sides(amount: AnyAmount, name: str) -> Sides:
    fraction = parse_amount(amount, name)
    if not isinstance(fraction, Fraction):
        raise InvalidInput(f"{name} is a fraction of an axis, strictly between 0 and 1, such as 0.5; got {amount!r}")
    return Sides(fraction)


def _lines(lines: Lines, name: str) -> tuple[int, ...]:
    """The numbers of some lines in ascending order, each once."""
    several = lines if isinstance(lines, tuple | list | range) else (lines,)
    try:
        numbers = sorted({as_integer(line) for line in several})
    except TypeError:
        numbers = [0]
    if numbers and numbers[0] < 1:
        raise InvalidInput(
            f"{name} are lines, whole numbers of pixels from 1 on, such as 112 or (75, 149); got {lines!r}"
        )
    return tuple(numbers)


def _slab(grid: Grid, axis: int, first: int, depth: int) -> Box:
    """The cells from `first` up to, not including, first + depth along an axis."""
    start, stop = list(grid.whole.start), list(grid.whole.stop)
    start[axis], stop[axis] = first, first + depth
    return Box(tuple(start), tuple(stop))


def _clipped(slabs: Iterable[Box], inside: Cells) -> tuple[Term, ...]:
    """Make a region of the part of each slab that lies inside some cells; a patch may have any size there."""
    parts = (inside.common(Cells([slab])) for slab in slabs)
    return terms_of(prune(_immovable(part) for part in parts if part))


def _immovable(cells: Cells) -> Stencil:
    """Make a stencil of cells whose only place is where they are."""
    start = cells.span.start
    return Stencil(cells.shifted([-low for low in start]), Cells([Box.at(start, (1,) * cells.ndim)]))
