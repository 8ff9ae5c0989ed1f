"""Region sets restricted to an area of interest: `within` and `avoiding`."""

from __future__ import annotations

from dataclasses import dataclass

from maskcover.cells import Cells, eroded
from maskcover.errors import InvalidInput
from maskcover.grid import Grid
from maskcover.regions.area import Area, read_area
from maskcover.regions.base import RegionSet, Slot, Stencil, Term
from maskcover.regions.combined import as_region_set


@dataclass(frozen=True, slots=True)
class Within(RegionSet):
    """The regions of the base of which every patch lies wholly inside an area, or touches it."""

    base: RegionSet
    area: Area
    touching: bool = False

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        area = self.area.generous(grid)
        if not self.touching:
            return self.base.expand(grid, inside.common(area))
        # A stencil that contains a region touching the area touches it too, so maximal stencils are still enough.
        return _drop_outside(self.base.expand(grid, inside), Cells([grid.whole]).minus(area))

    def __str__(self) -> str:
        return f"within({self.base}, {self.area}" + (", touching=True)" if self.touching else ")")


@dataclass(frozen=True, slots=True)
class Avoiding(RegionSet):
    """The regions of the base of which no patch touches an area."""

    base: RegionSet
    area: Area

    def expand(self, grid: Grid, inside: Cells) -> tuple[Term, ...]:
        return self.base.expand(grid, inside.minus(self.area.strict(grid)))

    def __str__(self) -> str:
        return f"avoiding({self.base}, {self.area})"


def within(regions: RegionSet, area: object, *, touching: bool = False) -> RegionSet:
    """Restrict a region set to regions whose patches lie in an area of interest, such as the lower half of the image.

    Args:
        regions: The region set.
        area: A box ``(top, left, height, width)``; a polygon of shapely, its WKT or its corners (x, y), x to the right
            and y down, in pixels; or a bool array of the image's size (or its text, rows of 0 and 1 with slashes
            between). A pixel belongs to a polygon that overlaps its interior at all.
        touching: If True, patches need only touch the area instead of lying wholly inside.

    Raises:
        InvalidInput: a bad region set or area; on a grid, if no region is left.

    >>> from maskcover import squares
    >>> within(squares(size=32), (112, 0, 112, 224)).describe(224).placements    # 81 rows, 193 columns
    15633
    """
    if not isinstance(touching, bool):
        raise InvalidInput(f"touching is True or False; got {touching!r}")
    return Within(as_region_set(regions), read_area(area), touching)


def avoiding(regions: RegionSet, area: object) -> RegionSet:
    """Restrict a region set to regions whose patches do not touch an area.

    Arguments and errors are those of `within`, but a pixel belongs to a polygon only if it lies wholly inside.

    >>> from maskcover import squares
    >>> avoiding(squares(size=32), (0, 0, 112, 224)) == within(squares(size=32), (112, 0, 112, 224))
    False
    >>> avoiding(squares(size=32), (0, 0, 112, 224)).describe(224).placements
    15633
    """
    return Avoiding(as_region_set(regions), read_area(area))


def _drop_outside(terms: tuple[Term, ...], outside: Cells) -> tuple[Term, ...]:
    """Drop the placements that lie wholly outside an area, and terms with a slot of which nothing is left."""
    remaining = []
    for term in terms:
        slots = tuple(tuple(part for stencil in slot for part in _touching(stencil, outside)) for slot in term.slots)
        if all(slots):
            remaining.append(Term(slots))
    return tuple(remaining)


def _touching(stencil: Stencil, outside: Cells) -> Slot:
    places = stencil.places.minus(eroded(outside, stencil.cells))
    return (Stencil(stencil.cells, places),) if places else ()
