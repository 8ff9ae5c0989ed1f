"""`RegionSet`, the base of all families, and what it becomes on a grid: terms of stencils, shapes with their places."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import chain
from math import prod

import numpy as np

from maskcover.cells import Cells
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.grid import Box, Extents, Grid, ImageSize
from maskcover.notebooks import code

_LARGE = 224 * 224  # pixels of an image on which doubtful sizes draw a warning
_LONGEST = 200  # characters of a region text in a message
_MOST_COMPARED = 100_000  # pairs of a box and a larger one; each takes some 50 µs


@dataclass(frozen=True, slots=True)
class Stencil:
    """A shape of one patch, and the places where it may lie.

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
        """Whether the shape is a box."""
        return len(self.cells.bounds) == 1

    def at(self, place: Extents) -> Cells:
        """The shape at one place."""
        return self.cells.shifted(place)


Slot = tuple[Stencil, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """Patches placed at once: for each slot any of its stencils at any of its places, overlaps allowed.

    Stencils that lie inside others are left out where they need no check of their own (docs/theory.md, Covering). No
    slot is empty.
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
    """A set of regions, sets of pixels that an attacker may overwrite: an immutable value, equal to its like.

    ``str(R)`` is its text, which `parse_regions` reads back.

    >>> from maskcover import parse_regions, squares
    >>> R = squares(size=32)
    >>> str(R), parse_regions("squares(size=32)") == R
    ('squares(size=32)', True)
    """

    __slots__ = ()

    def terms(self, grid: Grid) -> tuple[Term, ...]:
        """The set on a grid, all single patches in one term; raises `InvalidInput` if a shape has no place on it."""
        return _terms(self, grid)

    @abstractmethod
    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        """The regions that lie wholly inside some cells of the grid; empty if there are none.

        Raises `InvalidInput` if a shape has no place on the whole grid either.
        """

    @abstractmethod
    def __str__(self) -> str: ...

    def _repr_html_(self) -> str:
        """The text of the set, for notebooks."""
        return code(str(self))

    @property
    def parts(self) -> tuple[RegionSet, ...]:
        """The region sets that this set is made of: those among the fields of a dataclass, or in a tuple there."""
        values: list[object] = [getattr(self, field.name) for field in fields(self)] if is_dataclass(self) else []
        members = chain.from_iterable(value if isinstance(value, tuple) else (value,) for value in values)
        return tuple(member for member in members if isinstance(member, RegionSet))

    @property
    def is_outer_bound(self) -> bool:
        """Whether the set, or a part of it, holds more regions than its words say; `rotations` does, to be sound."""
        return any(part.is_outer_bound for part in self.parts)

    @property
    def has_patches(self) -> bool:
        """Whether the set, or a part of it, is one of several patches at once."""
        return any(part.has_patches for part in self.parts)

    def doubts(self, grid: Grid) -> tuple[str, ...]:
        """Warnings about sizes, of the set and its parts, that are rarely meant on a grid."""
        return tuple(doubt for part in self.parts for doubt in part.doubts(grid))

    def describe(self, image_size: ImageSize | Grid = 224) -> Description:
        """Describe the set on an image: pixels, per cent, numbers of shapes and placements.

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
    """Figures of a region set on an image; its `str` is for people, its fields are for programs.

    >>> from maskcover import squares
    >>> description = squares(size=32).describe(224)
    >>> description.pixels, description.fraction, description.placements
    (1024, Fraction(1, 49), 37249)
    """

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
    def fraction(self) -> Fraction:
        """`pixels` as an exact fraction of the image."""
        return Fraction(self.pixels, self.grid.size)

    @property
    def share(self) -> Fraction:
        """The name of `fraction` up to version 0.1."""
        warnings.warn("Description.share is now Description.fraction", MaskcoverWarning, stacklevel=2)
        return self.fraction

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
            f"  largest region  {self.pixels:,} px ({float(100 * self.fraction):.3f} %)",
            f"  maximal shapes  {span}",
            f"  placements      {self.placements:,}" + (f" (ordered tuples of {most} patches)" if most > 1 else ""),
        ]
        if self.is_outer_bound:
            lines.append("  outer bound     turned shapes are enlarged, so that they hold the shape at every angle")
        return "\n".join(lines)


@lru_cache(maxsize=64)
def _terms(regions: RegionSet, grid: Grid) -> tuple[Term, ...]:
    terms = regions.expand(grid, Cells([grid.whole]))
    if not terms:
        raise InvalidInput(f"{brief(regions)} holds no region on {grid}; check its sizes and its areas")
    if grid.size >= _LARGE:
        for doubt in regions.doubts(grid):
            warnings.warn(doubt, MaskcoverWarning, stacklevel=3)
    return terms


def brief(regions: RegionSet) -> str:
    """The text of a region set for a message; a long text is cut in its middle."""
    text = str(regions)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 40]} … {text[-30:]}"


def everywhere(shape: Extents, grid: Grid) -> Stencil:
    """Make the stencil of a box shape at every place of a grid.

    >>> everywhere((2, 4), Grid((5, 4))).places.area
    4
    """
    places = Box.at((0,) * grid.ndim, (n - h + 1 for n, h in zip(grid.shape, shape, strict=True)))
    return Stencil(Cells([Box.at((0,) * grid.ndim, shape)]), Cells([places]))


def slot_of(cells: Cells, places: Cells) -> Slot:
    """Make a slot of one stencil, or the empty slot if it has no place."""
    return (Stencil(cells, places),) if places else ()


def terms_of(stencils: Slot) -> tuple[Term, ...]:
    """Make the term of a single patch, or no term if there is no stencil."""
    return (Term((stencils,)),) if stencils else ()


def prune(stencils: Iterable[Stencil]) -> Slot:
    """Join equal shapes, and drop boxes where they lie inside larger boxes, since those need no check; sorted.

    Shapes that are not boxes are kept as they are: there is more to check, but nothing is lost.
    """
    joined: dict[Cells, list[Cells]] = {}
    for stencil in stencils:
        joined.setdefault(stencil.cells, []).append(stencil.places)
    slot = [Stencil(cells, places[0].union(*places[1:])) for cells, places in joined.items()]
    boxes, others = [shape for shape in slot if shape.is_box], [shape for shape in slot if not shape.is_box]
    pruned = [*others, *_undominated(boxes)]
    # Big-endian bytes of whole numbers from 0 on are in the order of the numbers, and compared faster.
    return tuple(sorted(pruned, key=lambda stencil: (stencil.extents, stencil.cells.bounds.astype(">i8").tobytes())))


def maximal(shapes: set[Extents]) -> tuple[Extents, ...]:
    """Keep the shapes that lie inside no other, sorted.

    >>> maximal({(1, 9), (2, 4), (1, 8)})
    ((1, 9), (2, 4))
    """
    largest: list[Extents] = []
    # A shape can only lie inside one that comes before it in descending order.
    for shape in sorted(shapes, reverse=True):
        # Of two axes the last one kept is the widest so far.
        rivals = largest[-1:] if len(shape) == 2 else largest
        if not any(all(a <= b for a, b in zip(shape, other, strict=True)) for other in rivals):
            largest.append(shape)
    return tuple(reversed(largest))


def _undominated(boxes: list[Stencil]) -> Iterator[Stencil]:
    """Restrict different boxes to the places at which they lie inside no larger box of these.

    After `_MOST_COMPARED` comparisons the remaining boxes are kept as they are.
    """
    boxes = sorted(boxes, key=lambda box: box.cells.area, reverse=True)  # the largest leaves the least
    extents = np.array([box.extents for box in boxes], dtype=np.int64)
    compared = 0
    for number, box in enumerate(boxes):
        places = box.places
        for other in np.flatnonzero((extents[:number] >= extents[number]).all(axis=1)):
            if not places or compared == _MOST_COMPARED:
                break
            compared += 1
            places = places.minus(_spread(boxes[other].places, (extents[other] - extents[number]).tolist()))
        if places:
            yield Stencil(box.cells, places)


def _spread(places: Cells, room: list[int]) -> Cells:
    """The places of a smaller box inside a larger one at these places; `room` is the difference of their extents."""
    bounds = places.bounds.copy()
    bounds[:, 1] += room
    return Cells.from_bounds(bounds)
