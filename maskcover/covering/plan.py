"""A plan of a cover: which product grids for which patches, united how; its cost is known before any mask is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations, product
from math import comb, prod

from maskcover.cells import Cells
from maskcover.covering.axis import AxisMasks
from maskcover.covering.classes import fewest_by_classes
from maskcover.covering.designs import design
from maskcover.covering.products import ProductGrid, product_grid
from maskcover.covering.search.fewer import fewer
from maskcover.covering.trimming import is_free, room_of, trimmed
from maskcover.errors import ImpossibleCover, InvalidInput
from maskcover.grid import Box, Extents, Grid
from maskcover.masks import Mask
from maskcover.regions import Slot, Term
from maskcover.regions.base import maximal

_MOST_PLACEMENTS = 1 << 25  # that a search looks at
_LARGEST_UNION = 7  # masks of a base in one mask; more hide little less than everything
_MOST_POINTS = 60  # of a design; larger ones take long to make


@dataclass(frozen=True, slots=True)
class Style:
    """What every mask of a plan has to respect: edges at multiples of `align`, each region in `multiplicity` masks."""

    align: int = 1
    multiplicity: int = 1


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """Masks for one patch: product grids on the part of the image that its regions reach, or boxes found by search.

    `largest` is the area that no mask may exceed. `searched` is relative to the room, as the products are; empty if
    nothing better than the products is known.
    """

    slot: Slot
    room: Box
    products: tuple[ProductGrid, ...]
    largest: int
    searched: tuple[Box, ...] = ()

    @property
    def count(self) -> int:
        """Number of boxes, before those that hold no region are dropped."""
        return len(self.searched) or sum(grid.count for grid in self.products)

    def boxes(self) -> Iterator[Box]:
        """The boxes, relative to the room."""
        yield from self.searched or (box for grid in self.products for box in grid.boxes())

    def masks(self) -> tuple[Cells, ...]:
        """The masks: of each box what regions inside it touch."""
        moved = (Box(_plus(box.start, self.room.start), _plus(box.stop, self.room.start)) for box in self.boxes())
        return trimmed(moved, self.slot, self.room)

    def improved(self, align: int, time_limit: float) -> SlotPlan:
        """The plan with fewer boxes, if some are found in so many seconds and the placements can all be held."""
        lattice, shapes = Grid(self.room.extents), _shapes(self.slot)
        if time_limit <= 0 or self.count < 2 or sum(map(lattice.placements, shapes)) > _MOST_PLACEMENTS:
            return self
        found = fewer(lattice, shapes, tuple(self.boxes()), self.largest, align=align, time_limit=time_limit)
        return replace(self, searched=found)


@dataclass(frozen=True, slots=True)
class TermPlan:
    """Masks for one term: unions of masks of a base for each different slot (paper, appendix B).

    `slots`: each different slot, how many patches it stands for, and of how many masks of its base the unions are: as
    many as patches, or more if a design of larger unions needs fewer of them (`covering.designs`).
    """

    slots: tuple[tuple[SlotPlan, int, int], ...]

    @property
    def masks(self) -> int:
        """Number of unions."""
        return prod(_unions(plan.count, size, patches) for plan, patches, size in self.slots)

    @property
    def evaluations(self) -> int:
        """The distinct unions of two masks, or an upper bound if some coincide."""
        plan, patches, size = self.slots[0]
        if len(self.slots) > 1 or size > patches:
            return comb(self.masks + 1, 2)
        least = min(patches, plan.count)
        return sum(comb(plan.count, size) for size in range(least, min(2 * patches, plan.count) + 1))

    def unions(self) -> Iterator[Mask]:
        """The masks. Unions of fewer masks of one base lie inside others, so no region needs them."""
        choices = [_choices(plan.masks(), patches, size) for plan, patches, size in self.slots]
        for parts in product(*choices):
            first, *others = (cells for part in parts for cells in part)
            yield Mask.from_bounds((first.union(*others) if others else first).bounds)


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan for each term of a region set; the cover holds the masks of all, or is one mask for everything."""

    terms: tuple[TermPlan, ...]
    is_whole: bool = False

    @property
    def masks(self) -> int:
        """Number of masks, before any that lie inside others are dropped."""
        return 1 if self.is_whole else sum(term.masks for term in self.terms)

    @property
    def evaluations(self) -> int:
        """An upper bound of the two-mask evaluations."""
        return self.terms[0].evaluations if len(self.terms) == 1 else comb(self.masks + 1, 2)

    @property
    def is_free(self) -> bool:
        """Whether all patches are boxes that may lie anywhere in their rooms."""
        return all(is_free(slot.slot, slot.room) for term in self.terms for slot, _, _ in term.slots)

    def improved(self, align: int, time_limit: float) -> Plan:
        """The plan with fewer masks for each patch, if some are found in so many seconds."""
        each = time_limit / sum(len(term.slots) for term in self.terms)
        return Plan(
            tuple(
                TermPlan(tuple((slot.improved(align, each), patches, size) for slot, patches, size in term.slots))
                for term in self.terms
            ),
            self.is_whole,
        )

    def unions(self) -> Iterator[Mask]:
        """The masks of all terms."""
        every = (mask for term in self.terms for mask in term.unions())
        if not self.is_whole:
            yield from every
        elif first := next(every, None):
            yield first.union(*every)


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
    return Plan(tuple(_term_within(grid, term, largest, style) for term in terms), largest >= grid.size)


def possible_plan(grid: Grid, terms: tuple[Term, ...], largest: int, style: Style) -> Plan | None:
    """`plan_within`, or None where no masks of this size can respect the style."""
    try:
        return plan_within(grid, terms, largest, style)
    except ImpossibleCover:
        return None


def least_area(grid: Grid, terms: tuple[Term, ...]) -> int:
    """A largest hidden area for which there is a plan: that of boxes around the patches, or the whole image."""
    return max(min(sum(map(_largest_box, term.slots)), grid.size) for term in terms)


def plan_by_grid(grid: Grid, terms: tuple[Term, ...], budgets: Extents, style: Style = Style()) -> Plan:
    """The paper's sets: for each maximal shape one product of this many masks along each axis (Eq. 3)."""
    if style.multiplicity > 1:
        raise InvalidInput("grid= makes the paper's sets, of multiplicity 1; name max_mask_area= or masks= instead")

    def by_grid(slot: Slot) -> SlotPlan:
        room = _aligned(room_of(slot), grid, style)
        products = tuple(product_grid(Grid(room.extents), shape, budgets, style.align) for shape in _shapes(slot))
        return SlotPlan(slot, room, products, max(grid.mask_area for grid in products))

    counted = (Counter(term.slots).items() for term in terms)
    return Plan(tuple(TermPlan(tuple((by_grid(slot), n, n) for slot, n in slots)) for slots in counted))


def _term_within(grid: Grid, term: Term, largest: int, style: Style) -> TermPlan:
    if largest >= grid.size:
        return TermPlan(tuple((_whole(slot, grid), n, n) for slot, n in Counter(term.slots).items()))
    if len(set(term.slots)) == 1 and term.patches > 1 and style.multiplicity == 1:
        return _united(grid, term.slots[0], term.patches, largest, style)
    least = sum(map(_largest_box, term.slots))
    shares = ((slot, n, largest * _largest_box(slot) // least) for slot, n in Counter(term.slots).items())
    return TermPlan(tuple((_slot_within(grid, slot, share, style), n, n) for slot, n, share in shares))


def _united(grid: Grid, slot: Slot, patches: int, largest: int, style: Style) -> TermPlan:
    """Patches alike: the size of unions that needs the fewest of them."""
    most = min(largest // _largest_box(slot), _LARGEST_UNION)
    plans = [TermPlan(((_slot_within(grid, slot, largest // patches, style), patches, patches),))]
    for size in range(patches + 1, most + 1):
        with suppress(ImpossibleCover):
            plans.append(TermPlan(((_slot_within(grid, slot, largest // size, style), patches, size),)))
    return min(plans, key=lambda plan: plan.masks)


def _slot_within(grid: Grid, slot: Slot, largest: int, style: Style) -> SlotPlan:
    room = _aligned(room_of(slot), grid, style)
    shapes = _shapes(slot)
    lattice = Grid(room.extents)
    products = fewest_by_classes(lattice, shapes, largest, align=style.align, fold=style.multiplicity)
    if products is None:
        asked = f"align={style.align}, multiplicity={style.multiplicity}"
        raise ImpossibleCover(
            f"no masks of at most {largest} px hold the patches and cover with {asked}; allow larger masks"
        )
    return SlotPlan(slot, room, products, largest)


def _whole(slot: Slot, grid: Grid) -> SlotPlan:
    """One mask that hides everything its regions reach."""
    whole = ProductGrid(tuple(AxisMasks(side, side, side) for side in grid.shape))
    return SlotPlan(slot, grid.whole, (whole,), grid.size)


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


def _unions(count: int, size: int, patches: int) -> int:
    if size == patches:
        return comb(count, min(patches, count))
    return len(design(count, size, patches)) if count <= _MOST_POINTS else comb(count, patches)


def _choices(base: tuple[Cells, ...], patches: int, size: int) -> list[tuple[Cells, ...]]:
    if not base:
        return []  # not one union of nothing
    if size == patches:
        return list(combinations(base, min(patches, len(base))))
    return [tuple(base[point] for point in block) for block in design(len(base), size, patches)]


def _plus(first: Extents, second: Extents) -> Extents:
    return tuple(a + b for a, b in zip(first, second, strict=True))
