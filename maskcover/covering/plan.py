"""A plan of a cover: which product grids for which patches, united how; its cost is known before any mask is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from math import comb, prod

from maskcover.cells import Cells
from maskcover.covering.axis import AxisMasks
from maskcover.covering.classes import fewest_by_classes
from maskcover.covering.products import ProductGrid, product_grid
from maskcover.covering.trimming import room_of, trimmed
from maskcover.errors import ImpossibleCover, InvalidInput
from maskcover.grid import Box, Extents, Grid
from maskcover.masks import Mask
from maskcover.regions import Slot, Term
from maskcover.regions.base import maximal


@dataclass(frozen=True, slots=True)
class Style:
    """What every mask of a plan has to respect: edges at multiples of `align`, each region in `multiplicity` masks."""

    align: int = 1
    multiplicity: int = 1


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """Masks for one patch: product grids on the part of the image that its regions reach."""

    slot: Slot
    room: Box
    products: tuple[ProductGrid, ...]

    @property
    def count(self) -> int:
        """Number of boxes, before those that hold no region are dropped."""
        return sum(grid.count for grid in self.products)

    def masks(self) -> tuple[Cells, ...]:
        """The masks: of each box what regions inside it touch."""
        boxes = (box for grid in self.products for box in grid.boxes())
        moved = (Box(_plus(box.start, self.room.start), _plus(box.stop, self.room.start)) for box in boxes)
        return trimmed(moved, self.slot, self.room)


@dataclass(frozen=True, slots=True)
class TermPlan:
    """Masks for one term: all unions of one mask for each patch (paper, appendix B)."""

    slots: tuple[tuple[SlotPlan, int], ...]  # each different slot, and how many patches it stands for

    @property
    def masks(self) -> int:
        """Number of unions: for k patches alike k different masks of one base, or all of a base that has fewer."""
        return prod(comb(plan.count, min(patches, plan.count)) for plan, patches in self.slots)

    @property
    def evaluations(self) -> int:
        """The distinct unions of two masks, or an upper bound if some coincide."""
        if len(self.slots) > 1:
            return comb(self.masks + 1, 2)
        ((plan, patches),) = self.slots
        least = min(patches, plan.count)
        return sum(comb(plan.count, size) for size in range(least, min(2 * patches, plan.count) + 1))

    def unions(self) -> Iterator[Mask]:
        """The masks. Unions of fewer masks of one base lie inside others, so no region needs them."""
        choices = [_choices(plan.masks(), patches) for plan, patches in self.slots]
        for parts in product(*choices):
            first, *others = (cells for part in parts for cells in part)
            yield Mask.from_bounds((first.union(*others) if others else first).bounds)


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan for each term of a region set; the cover holds the masks of all."""

    terms: tuple[TermPlan, ...]

    @property
    def masks(self) -> int:
        """Number of masks, before any that lie inside others are dropped."""
        return sum(term.masks for term in self.terms)

    @property
    def evaluations(self) -> int:
        """An upper bound of the two-mask evaluations."""
        return self.terms[0].evaluations if len(self.terms) == 1 else comb(self.masks + 1, 2)

    def unions(self) -> Iterator[Mask]:
        """The masks of all terms."""
        for term in self.terms:
            yield from term.unions()


def plan_within(grid: Grid, terms: tuple[Term, ...], largest: int, style: Style = Style()) -> Plan:
    """The plan of fewest masks of which none hides more than `largest` pixels.

    Of a union each patch gets its share in proportion to the largest it may be.
    """
    least = least_area(grid, terms)
    if largest < least:
        raise ImpossibleCover(
            f"no mask of at most {largest} px can hold the largest region; "
            f"a largest hidden area of {least} px ({least / grid.size:.2%}) or more is possible"
        )
    return Plan(tuple(_term_within(grid, term, largest, style) for term in terms))


def least_area(grid: Grid, terms: tuple[Term, ...]) -> int:
    """A largest hidden area for which there is a plan: that of boxes around the patches, or the whole image."""
    return max(min(sum(map(_largest_box, term.slots)), grid.size) for term in terms)


def plan_by_grid(grid: Grid, terms: tuple[Term, ...], budgets: Extents, style: Style = Style()) -> Plan:
    """The paper's sets: for each maximal shape one product of this many masks along each axis (Eq. 3)."""
    if style.multiplicity > 1:
        raise InvalidInput("grid= makes the paper's sets, of multiplicity 1; name max_mask_area= or masks= instead")

    def by_grid(slot: Slot) -> SlotPlan:
        room = _aligned(room_of(slot), grid, style)
        products = (product_grid(Grid(room.extents), shape, budgets, style.align) for shape in _shapes(slot))
        return SlotPlan(slot, room, tuple(products))

    return Plan(tuple(TermPlan(tuple((by_grid(slot), n) for slot, n in Counter(term.slots).items())) for term in terms))


def _term_within(grid: Grid, term: Term, largest: int, style: Style) -> TermPlan:
    whole = largest >= grid.size
    least = sum(map(_largest_box, term.slots))
    plans = []
    for slot, patches in Counter(term.slots).items():
        share = largest * _largest_box(slot) // least
        plans.append((_whole(slot, grid) if whole else _slot_within(grid, slot, share, style), patches))
    return TermPlan(tuple(plans))


def _slot_within(grid: Grid, slot: Slot, largest: int, style: Style) -> SlotPlan:
    room = _aligned(room_of(slot), grid, style)
    shapes = _shapes(slot)
    lattice = Grid(room.extents)
    products = fewest_by_classes(lattice, shapes, largest, align=style.align, fold=style.multiplicity)
    return _whole(slot, grid) if products is None else SlotPlan(slot, room, products)


def _whole(slot: Slot, grid: Grid) -> SlotPlan:
    """One mask that hides everything its regions reach."""
    return SlotPlan(slot, grid.whole, (ProductGrid(tuple(AxisMasks(side, side, side) for side in grid.shape)),))


def _shapes(slot: Slot) -> tuple[Extents, ...]:
    """The maximal bounding boxes of the stencils."""
    return maximal({stencil.extents for stencil in slot})


def _largest_box(slot: Slot) -> int:
    return max(prod(stencil.extents) for stencil in slot)


def _aligned(room: Box, grid: Grid, style: Style) -> Box:
    """The room grown to multiples of the alignment, which the sides of the image are."""
    step = style.align
    if any(side % step for side in grid.shape):
        raise InvalidInput(f"align={step} must divide the sides of the image; {grid} is not a multiple of it")
    return Box(tuple(low // step * step for low in room.start), tuple(-(-high // step) * step for high in room.stop))


def _choices(base: tuple[Cells, ...], patches: int) -> list[tuple[Cells, ...]]:
    return list(combinations(base, min(patches, len(base))))


def _plus(first: Extents, second: Extents) -> Extents:
    return tuple(a + b for a, b in zip(first, second, strict=True))
