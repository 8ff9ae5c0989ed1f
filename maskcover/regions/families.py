"""The region families: squares, one rectangle, all rectangles of an area, unions, several patches.

Each is a frozen value made by the lower-case function that users call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import ceil, floor

import numpy as np

from maskcover.amounts import Amount, amount_text, cells_up, parse_amount, parse_length
from maskcover.errors import InvalidInput
from maskcover.grid import Extents, Grid
from maskcover.regions.base import RegionSet, Term, maximal

_ASPECT = re.compile(r"\d{1,41}(?:\.\d{1,40}|/\d{1,41})?")


@dataclass(frozen=True, slots=True)
class Squares(RegionSet):
    """Every square (cube, interval) of one side; exactly one of `size` and `area` is given."""

    size: int | None
    area: Amount | None

    def side(self, grid: Grid) -> int:
        """The side in pixels; an area is rounded up to the next whole side (design §4)."""
        if self.size is not None:
            return self.size
        if self.area is None:
            raise InvalidInput("squares need a size or an area; make them with squares(...)")
        return _root_up(cells_up(self.area, grid.size), grid.ndim)

    def terms(self, grid: Grid) -> tuple[Term, ...]:
        return (Term((_fitting(self, (self.side(grid),) * grid.ndim, grid),)),)

    def __str__(self) -> str:
        if self.area is not None:
            return f"squares(area={amount_text(self.area)})"
        return f"squares(size={self.size})"


@dataclass(frozen=True, slots=True)
class Rectangle(RegionSet):
    """One rectangle of a given height and width, anywhere on an image."""

    height: int
    width: int

    def terms(self, grid: Grid) -> tuple[Term, ...]:
        if grid.ndim != 2:
            raise InvalidInput(f"{self} is a shape of two dimensions; the grid {grid} has {grid.ndim}")
        return (Term((_fitting(self, (self.height, self.width), grid),)),)

    def __str__(self) -> str:
        return f"rectangle(height={self.height}, width={self.width})"


@dataclass(frozen=True, slots=True)
class Rectangles(RegionSet):
    """Every rectangle (box) of at most an area that respects the least side and the greatest ratio of sides."""

    area: Amount
    min_side: int = 1
    max_aspect: Fraction | None = None

    def terms(self, grid: Grid) -> tuple[Term, ...]:
        limit = cells_up(self.area, grid.size)
        shapes = maximal(set(_tallest(self, grid.shape, (), limit)))
        if not shapes:
            raise InvalidInput(f"{self} holds no rectangle on {grid}: at most {limit} px; lower min_side or raise area")
        return (Term(shapes),)

    def __str__(self) -> str:
        text = f"rectangles(area={amount_text(self.area)}"
        if self.min_side > 1:
            text += f", min_side={self.min_side}"
        if self.max_aspect is not None:
            text += f", max_aspect={_aspect_text(self.max_aspect)}"
        return text + ")"


@dataclass(frozen=True, slots=True, eq=False)
class Union(RegionSet):
    """Regions of any of the members; the order in which they were given is kept for the text alone."""

    members: tuple[RegionSet, ...]

    def terms(self, grid: Grid) -> tuple[Term, ...]:
        terms = dict.fromkeys(chain.from_iterable(member.terms(grid) for member in self.members))
        single = {shape for term in terms if term.patches == 1 for shape in term.shapes}
        several = tuple(term for term in terms if term.patches > 1)
        # Two A or two B is less than two of A and B in any mixture, so only single patches are thrown together.
        return (Term(maximal(single)), *several) if single else several

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Union):
            return NotImplemented
        return frozenset(self.members) == frozenset(other.members)

    def __hash__(self) -> int:
        return hash(frozenset(self.members))

    def __str__(self) -> str:
        return f"union({', '.join(map(str, self.members))})"


@dataclass(frozen=True, slots=True)
class Patches(RegionSet):
    """k regions of the base at once, anywhere, overlaps and repetitions allowed: so fewer than k as well."""

    base: RegionSet
    k: int

    def terms(self, grid: Grid) -> tuple[Term, ...]:
        return tuple(Term(term.shapes, self.k) for term in self.base.terms(grid))

    def __str__(self) -> str:
        return f"patches({self.base}, k={self.k})"


def squares(size: int | str | None = None, *, area: Amount | float | str | None = None) -> RegionSet:
    """Every square of one size, at any place.

    Args:
        size: The side in pixels.
        area: Instead of `size`: the area, in pixels or as a share of the image; the side is
            ceil(sqrt(area)), so 1 % of 224×224 is 23×23 (529 px).

    On a grid of d dimensions it is the cube of d equal sides.

    Raises:
        InvalidInput: neither or both given, or not a size.

    >>> print(squares(area="0.02").describe(224).pixels)
    1024
    """
    if (size is None) == (area is None):
        raise InvalidInput("squares takes either size=32 (pixels) or area=0.02 (share); got both or neither")
    if size is not None:
        return Squares(parse_length(size, "size"), None)
    return Squares(None, parse_amount(area, "area"))


def rectangle(height: int | str, width: int | str) -> RegionSet:
    """One shape of `height`×`width` pixels, at any place.

    >>> str(rectangle(5, 224))
    'rectangle(height=5, width=224)'
    """
    return Rectangle(parse_length(height, "height"), parse_length(width, "width"))


def rectangles(
    area: Amount | float | str,
    *,
    min_side: int | str = 1,
    max_aspect: int | float | Fraction | str | None = None,
) -> RegionSet:
    """Every rectangle of at most an area, of any aspect, at any place (paper, section 5.1).

    Args:
        area: The largest area, in pixels or as a share of the image (rounded up: 1 % of 224×224 is 502 px).
        min_side: No side is shorter than this many pixels.
        max_aspect: The long side is at most this many times the short one; exact, at least 1.

    Raises:
        InvalidInput: not an area, a side or a ratio.

    >>> len(rectangles(area=0.01).terms(Grid.of(224))[0].shapes)
    41
    """
    aspect = None if max_aspect is None else _parse_aspect(max_aspect)
    return Rectangles(parse_amount(area, "area"), parse_length(min_side, "min_side"), aspect)


def union(*members: RegionSet) -> RegionSet:
    """The attacker picks any region of any member.

    Nested unions are flattened, members named twice count once, and a union of one member is that member.

    >>> union(squares(8), squares(8)) == squares(8)
    True
    """
    flat = tuple(dict.fromkeys(chain.from_iterable(_members(member) for member in members)))
    if not flat:
        raise InvalidInput("union needs at least one region set")
    return flat[0] if len(flat) == 1 else Union(flat)


def patches(regions: RegionSet, k: int) -> RegionSet:
    """The attacker places k patches at once, each a region of `regions` (paper, appendix B).

    >>> str(patches(squares(area=0.01), k=2))
    'patches(squares(area=0.01), k=2)'
    """
    base = _region_set(regions)
    if type(k) is not int or not 1 <= k <= 16:
        raise InvalidInput(f"k is the number of patches, a whole number from 1 to 16; got {k!r}")
    if any(isinstance(member, Patches) for member in _members(base)):
        raise InvalidInput(f"patches of patches: write the total as one k instead of patches({base}, k={k})")
    return base if k == 1 else Patches(base, k)


def _region_set(value: object) -> RegionSet:
    if not isinstance(value, RegionSet):
        raise InvalidInput(f"expected a region set such as squares(size=32); got {value!r}")
    return value


def _members(value: object) -> tuple[RegionSet, ...]:
    region = _region_set(value)
    return region.members if isinstance(region, Union) else (region,)


def _fitting(regions: RegionSet, shape: Extents, grid: Grid) -> Extents:
    if not grid.fits(shape):
        size = "×".join(map(str, shape))
        raise InvalidInput(f"{regions} is {size} and has no place on {grid}; use a smaller shape or a larger image")
    return shape


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


def _tallest(family: Rectangles, sides: Extents, prefix: Extents, area: int) -> Iterator[Extents]:
    """Shapes whose last extent is as large as the others allow; every shape of the family lies inside one of them."""
    low, high = family.min_side, min(sides[0], area)
    if family.max_aspect is not None and prefix:
        low = max(low, ceil(max(prefix) / family.max_aspect))
        high = min(high, floor(min(prefix) * family.max_aspect))
    if len(sides) == 1:
        if low <= high:
            yield (*prefix, high)
        return
    for extent in range(low, high + 1):
        yield from _tallest(family, sides[1:], (*prefix, extent), area // extent)


def _parse_aspect(value: object) -> Fraction:
    aspect = Fraction(0)
    if isinstance(value, Fraction):
        aspect = value
    elif isinstance(value, int | float | str | np.number) and _ASPECT.fullmatch(text := _text(value)):
        with suppress(ZeroDivisionError):
            aspect = Fraction(text)
    if aspect < 1 or max(aspect.numerator, aspect.denominator) > 10**40:
        raise InvalidInput(
            "max_aspect is long side over short side, at least 1, such as 4 or '3/2'; "
            f"got {_text(value)[:40] or type(value).__name__}"
        )
    return aspect


def _text(value: object) -> str:
    # A bool is no ratio, and Python refuses to print the largest integers.
    if isinstance(value, bool) or (isinstance(value, int) and value.bit_length() > 128):
        return ""
    return str(value)


def _aspect_text(aspect: Fraction) -> str:
    return str(aspect.numerator) if aspect.denominator == 1 else f'"{aspect}"'
