"""What a region set is: terms of patch shapes on a grid, and a text that says so."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction

from maskcover.grid import Extents, Grid, ImageSize


@dataclass(frozen=True, slots=True)
class Term:
    """`patches` patches at once, each one of these box shapes, each anywhere on the grid, overlaps allowed.

    `shapes` is an antichain: a shape inside another needs no check of its own (design §5). It is sorted and not empty.
    """

    shapes: tuple[Extents, ...]
    patches: int = 1


class RegionSet(ABC):
    """A set of regions an attacker may overwrite: an immutable value, equal to every other that says the same.

    ``str(R)`` is its text, which `parse_regions` reads back.
    """

    __slots__ = ()

    @abstractmethod
    def terms(self, grid: Grid) -> tuple[Term, ...]:
        """The set on a grid, one term for each number of patches; raises `InvalidInput` if a shape has no place."""

    @abstractmethod
    def __str__(self) -> str: ...

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
        return Description(str(self), grid, self.terms(grid))


@dataclass(frozen=True, slots=True)
class Description:
    """A region set in figures; its `str` is for people, its fields are for programs."""

    text: str
    grid: Grid
    terms: tuple[Term, ...]

    @property
    def pixels(self) -> int:
        """Cells of the largest region, at most the whole image."""
        largest = max(term.patches * max(_volume(shape) for shape in term.shapes) for term in self.terms)
        return min(largest, self.grid.size)

    @property
    def share(self) -> Fraction:
        """`pixels` as an exact share of the image."""
        return Fraction(self.pixels, self.grid.size)

    @property
    def shapes(self) -> int:
        """Number of maximal shapes of single patches."""
        return len({shape for term in self.terms for shape in term.shapes})

    @property
    def placements(self) -> int:
        """Number of regions of maximal shape: for k patches, ordered k-tuples of placements."""
        return sum(sum(map(self.grid.placements, term.shapes)) ** term.patches for term in self.terms)

    def __str__(self) -> str:
        shapes = sorted({shape for term in self.terms for shape in term.shapes})
        first, last = ("×".join(map(str, shape)) for shape in (shapes[0], shapes[-1]))
        span = f"{len(shapes)}: {first}" if len(shapes) == 1 else f"{len(shapes)}, from {first} to {last}"
        most = max(term.patches for term in self.terms)
        lines = [
            f"{self.text} on {self.grid}",
            f"  largest region  {self.pixels:,} px ({float(100 * self.share):.3f} %)",
            f"  maximal shapes  {span}",
            f"  placements      {self.placements:,}" + (f" (ordered tuples of {most} patches)" if most > 1 else ""),
        ]
        return "\n".join(lines)


def maximal(shapes: set[Extents]) -> tuple[Extents, ...]:
    """The shapes that lie inside no other, sorted.

    >>> maximal({(1, 9), (2, 4), (1, 8)})
    ((1, 9), (2, 4))
    """
    kept: list[Extents] = []
    # A shape can only lie inside one that comes before it in descending order.
    for shape in sorted(shapes, reverse=True):
        if not any(all(a <= b for a, b in zip(shape, other, strict=True)) for other in kept):
            kept.append(shape)
    return tuple(reversed(kept))


def _volume(shape: Extents) -> int:
    volume = 1
    for side in shape:
        volume *= side
    return volume
