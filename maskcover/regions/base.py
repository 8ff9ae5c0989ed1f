"""What a region set is: terms of patch shapes with their places on a grid, and a text that says so."""

from __future__ import annotations

import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import prod

import numpy as np

from maskcover.cells import Cells
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.grid import Box, Extents, Grid, ImageSize

_AREA = re.compile(r"\b(squares|rectangles)\(area=([1-8])[,)]")
_LARGE = 224 * 224  # pixels of an image of which so few are rarely meant
_LONGEST = 200  # characters of a text in a message
_MOST_COMPARED = 100_000  # boxes with larger ones; each takes some 50 µs


@dataclass(frozen=True, slots=True)
class Stencil:
    """One shape of one patch, and where it may lie.

    `cells` touches 0 on every axis; ``cells.shifted(u)`` is a region exactly for u in `places`, which is not empty.
    """

    cells: Cells
    places: Cells

    @property
    def extents(self) -> Extents:
        """Sides of the bounding box."""
        return self.cells.span.stop

    @property
    def is_box(self) -> bool:
        """Whether the shape is its bounding box."""
        return len(self.cells.bounds) == 1

    def at(self, place: Extents) -> Cells:
        """The shape at one place."""
        return self.cells.shifted(place)


Slot = tuple[Stencil, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """One patch for each slot, all at once, overlaps allowed; a patch is any stencil of its slot at any of its places.

    Stencils inside others have been left out where they need no check of their own (design §5). No slot is empty.
    """

    slots: tuple[Slot, ...]

    @property
    def patches(self) -> int:
        """Number of patches at once."""
        return len(self.slots)

    @property
    def shapes(self) -> tuple[Extents, ...]:
        """The extents of all stencils, each once, sorted."""
        return tuple(sorted({stencil.extents for slot in self.slots for stencil in slot}))

    @property
    def placements(self) -> int:
        """Number of regions: ordered tuples of placed stencils."""
        return prod(sum(stencil.places.area for stencil in slot) for slot in self.slots)


class RegionSet(ABC):
    """A set of regions an attacker may overwrite: an immutable value, equal to every other that says the same.

    ``str(R)`` is its text, which `parse_regions` reads back.

    >>> from maskcover import parse_regions, squares
    >>> stickers = squares(size=32)
    >>> str(stickers), parse_regions("squares(size=32)") == stickers
    ('squares(size=32)', True)
    """

    __slots__ = ()

    def terms(self, grid: Grid) -> tuple[Term, ...]:
        """The set on a grid, single patches in one term; raises `InvalidInput` if a shape has no place on it."""
        return _terms(self, grid)

    @abstractmethod
    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        """The regions that lie wholly inside some cells of the grid; empty if there is none.

        A shape is judged by the whole grid: `InvalidInput` if it has no place there either.
        """

    @abstractmethod
    def __str__(self) -> str: ...

    @property
    def is_outer_bound(self) -> bool:
        """Whether the set is a sound bound, larger than what its words say; `rotations` are."""
        return "rotations(" in str(self)

    def describe(self, image_size: ImageSize | Grid = 224) -> Description:
        """What the set amounts to on an image: pixels, per cent, numbers of shapes and placements.

        >>> from maskcover import rectangles
        >>> print(rectangles(area=0.01).describe(224))
        rectangles(area=0.01) on 224×224
          largest region  501 px (0.998 %)
          maximal shapes  41, from 2×224 to 224×2
          placements      1,401,915
        """
        grid = Grid.of(image_size)
        return Description(str(self), grid, self.terms(grid), self.is_outer_bound)


@dataclass(frozen=True, slots=True)
class Description:
    """A region set in figures; its `str` is for people, its fields are for programs."""

    text: str
    grid: Grid
    terms: tuple[Term, ...]
    is_outer_bound: bool = False

    @property
    def pixels(self) -> int:
        """Cells of the largest region, at most the whole image."""
        largest = (sum(max(stencil.cells.area for stencil in slot) for slot in term.slots) for term in self.terms)
        return min(max(largest), self.grid.size)

    @property
    def share(self) -> Fraction:
        """`pixels` as an exact share of the image."""
        return Fraction(self.pixels, self.grid.size)

    @property
    def shapes(self) -> int:
        """Number of maximal shapes of single patches."""
        return len({stencil.cells for term in self.terms for slot in term.slots for stencil in slot})

    @property
    def placements(self) -> int:
        """Number of regions of maximal shape: for k patches, ordered k-tuples of placements."""
        return sum(term.placements for term in self.terms)

    def __str__(self) -> str:
        shapes = sorted({shape for term in self.terms for shape in term.shapes})
        first, last = ("×".join(map(str, shape)) for shape in (shapes[0], shapes[-1]))
        span = f"{self.shapes}: {first}" if len(shapes) == 1 else f"{self.shapes}, from {first} to {last}"
        most = max(term.patches for term in self.terms)
        lines = [
            f"{self.text} on {self.grid}",
            f"  largest region  {self.pixels:,} px ({float(100 * self.share):.3f} %)",
            f"  maximal shapes  {span}",
            f"  placements      {self.placements:,}" + (f" (ordered tuples of {most} patches)" if most > 1 else ""),
        ]
        if self.is_outer_bound:
            lines.append("  outer bound     turned shapes are enlarged, so that every angle of a step fits")
        return "\n".join(lines)


@lru_cache(maxsize=64)
def _terms(regions: RegionSet, grid: Grid) -> tuple[Term, ...]:
    terms = regions.expand(grid, Cells([grid.whole]))
    if not terms:
        raise InvalidInput(f"{brief(regions)} holds no region on {grid}; check its sizes and its areas")
    for family, pixels in _AREA.findall(str(regions)):
        if grid.size >= _LARGE:
            warnings.warn(
                f"{family}(area={pixels}) means {pixels} of the {grid.size:,} pixels of {grid}; was a share meant? "
                f'{pixels} per cent is {family}(area="{pixels}%")',
                MaskcoverWarning,
                stacklevel=3,
            )
    return terms


def brief(regions: RegionSet) -> str:
    """The text of a region set for a message: of a long one the middle is left out."""
    text = str(regions)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 40]} … {text[-30:]}"


def everywhere(shape: Extents, grid: Grid) -> Stencil:
    """A box shape at every place of a grid that it fits.

    >>> everywhere((2, 4), Grid((5, 4))).places.area
    4
    """
    places = Box.at((0,) * grid.ndim, (n - h + 1 for n, h in zip(grid.shape, shape, strict=True)))
    return Stencil(Cells([Box.at((0,) * grid.ndim, shape)]), Cells([places]))


def placed(cells: Cells, places: Cells) -> Slot:
    """The stencil as a slot of its own, or the empty slot if it has no place."""
    return (Stencil(cells, places),) if places else ()


def single(stencils: Slot) -> tuple[Term, ...]:
    """The term of one patch, or none if there is no stencil."""
    return (Term((stencils,)),) if stencils else ()


def pruned(stencils: Iterable[Stencil]) -> Slot:
    """The stencils without what needs no check of its own, sorted: equal shapes joined, boxes inside boxes left out.

    Shapes that are not boxes are kept as they are: more to check, and nothing lost.
    """
    joined: dict[Cells, list[Cells]] = {}
    for stencil in stencils:
        joined.setdefault(stencil.cells, []).append(stencil.places)
    slot = [Stencil(cells, places[0].union(*places[1:])) for cells, places in joined.items()]
    kept = [*(one for one in slot if not one.is_box), *_undominated([one for one in slot if one.is_box])]
    return tuple(sorted(kept, key=lambda one: (one.extents, one.cells.bounds.tolist())))


def maximal(shapes: set[Extents]) -> tuple[Extents, ...]:
    """The shapes that lie inside no other, sorted.

    >>> maximal({(1, 9), (2, 4), (1, 8)})
    ((1, 9), (2, 4))
    """
    kept: list[Extents] = []
    # A shape can only lie inside one that comes before it in descending order.
    for shape in sorted(shapes, reverse=True):
        # Of two axes the last one kept is the widest so far.
        rivals = kept[-1:] if len(shape) == 2 else kept
        if not any(all(a <= b for a, b in zip(shape, other, strict=True)) for other in rivals):
            kept.append(shape)
    return tuple(reversed(kept))


def _undominated(boxes: list[Stencil]) -> Iterator[Stencil]:
    """Different boxes at those places at which they lie inside no larger box of these.

    After so many comparisons the rest is kept as it is.
    """
    boxes = sorted(boxes, key=lambda one: one.cells.area, reverse=True)  # the largest leaves the least
    extents = np.array([one.extents for one in boxes], dtype=np.int64)
    compared = 0
    for number, one in enumerate(boxes):
        left = one.places
        for other in np.flatnonzero((extents[:number] >= extents[number]).all(axis=1)):
            if not left or compared == _MOST_COMPARED:
                break
            compared += 1
            left = left.minus(_spread(boxes[other].places, (extents[other] - extents[number]).tolist()))
        if left:
            yield Stencil(one.cells, left)


def _spread(places: Cells, room: list[int]) -> Cells:
    """Where a smaller box may lie inside a larger one at these places."""
    bounds = places.bounds.copy()
    bounds[:, 1] += room
    return Cells.from_bounds(bounds)
