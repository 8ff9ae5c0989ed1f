"""Plans of covers: the product grids of each patch and how they are united; costs are known before masks are made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations, product
from math import comb, prod

import numpy as np

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

_MOST_PLACEMENTS = 1 << 25  # for which a search is tried
_LARGEST_UNION = 7  # base masks in a mask; more would hide nearly the whole image
_MOST_POINTS = 60  # of a design; larger ones take long to make


@dataclass(frozen=True, slots=True)
class Style:
    """Requirements on a plan: mask edges at multiples of `align`, each region inside `multiplicity` masks."""

    align: int = 1
    multiplicity: int = 1


@dataclass(frozen=True, slots=True)
class Effort:
    """What a search for fewer boxes may take: seconds, threads, and whether it shows a progress bar."""

    seconds: float
    workers: int = 1
    progress: bool = False


@dataclass(frozen=True, slots=True)
class SlotPlan:
    """Masks for one patch: product grids on the part of the image that its regions reach, or boxes found by search.

    `largest` is the area that no mask may exceed. `searched` is relative to the room, as the products are; empty if
    no search has found fewer boxes than the products have.
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
        """The masks: each box trimmed to the cells that regions inside it touch."""
        moved = (Box(_plus(box.start, self.room.start), _plus(box.stop, self.room.start)) for box in self.boxes())
        return trimmed(moved, self.slot, self.room)

    def starting_from(self, boxes: Iterable[Box], largest: int) -> SlotPlan:
        """Take other boxes, which cover, in the place of the products: their parts in the room."""
        parts = [
            (tuple(map(max, box.start, self.room.start)), tuple(map(min, box.stop, self.room.stop))) for box in boxes
        ]
        inside = (
            Box(_minus(low, self.room.start), _minus(high, self.room.start))
            for low, high in parts
            if all(a < b for a, b in zip(low, high, strict=True))
        )
        return replace(self, searched=tuple(inside), largest=largest)

    def improved(self, align: int, effort: Effort) -> SlotPlan:
        """Search for fewer boxes; the same plan if that fails or placements are too many."""
        lattice, shapes = Grid(self.room.extents), _shapes(self.slot)
        if effort.seconds <= 0 or self.count < 2 or sum(map(lattice.placements, shapes)) > _MOST_PLACEMENTS:
            return self
        boxes = fewer(
            lattice,
            shapes,
            tuple(self.boxes()),
            self.largest,
            align=align,
            time_limit=effort.seconds,
            workers=effort.workers,
            progress=effort.progress,
        )
        return replace(self, searched=boxes)


@dataclass(frozen=True, slots=True)
class TermPlan:
    """Masks for one term: unions of masks of a base for each different slot (paper, appendix B).

    `slots`: each different slot with its number of patches and the number of base masks in a union. That is the number
    of patches, or more where a design of larger unions needs fewer unions (`covering.designs`).
    """

    slots: tuple[tuple[SlotPlan, int, int], ...]

    @property
    def masks(self) -> int:
        """Number of unions."""
        return prod(_unions(plan.count, size, patches) for plan, patches, size in self.slots)

    @property
    def evaluations(self) -> int:
        """Number of distinct unions of two masks, or an upper bound of it if some coincide."""
        plan, patches, size = self.slots[0]
        if len(self.slots) > 1 or size > patches:
            return comb(self.masks + 1, 2)
        least = min(patches, plan.count)
        return sum(comb(plan.count, size) for size in range(least, min(2 * patches, plan.count) + 1))

    def unions(self) -> Iterator[Mask]:
        """The masks. Unions of fewer masks of one base lie inside others, so no region needs them."""
        choices = [_choices(plan.masks(), patches, size) for plan, patches, size in self.slots]
        for parts in product(*choices):
            yield Mask.from_bounds(np.concatenate([cells.bounds for part in parts for cells in part]))


@dataclass(frozen=True, slots=True)
class CoverPlan:
    """A plan for each term of a region set; if `hides_image`, the cover is the one union of all masks."""

    terms: tuple[TermPlan, ...]
    hides_image: bool = False

    @property
    def masks(self) -> int:
        """Number of masks, before any that lie inside others are dropped."""
        return 1 if self.hides_image else sum(term.masks for term in self.terms)

    @property
    def evaluations(self) -> int:
        """An upper bound of the number of distinct unions of two masks."""
        return self.terms[0].evaluations if len(self.terms) == 1 else comb(self.masks + 1, 2)

    @property
    def is_free(self) -> bool:
        """Whether all patches are boxes that may lie anywhere in their rooms."""
        return all(is_free(slot.slot, slot.room) for term in self.terms for slot, _, _ in term.slots)

    def improved(self, align: int, effort: Effort) -> CoverPlan:
        """Search for fewer boxes for each patch, for the seconds of the effort altogether."""
        part = replace(effort, seconds=effort.seconds / sum(len(term.slots) for term in self.terms))
        return CoverPlan(
            tuple(
                TermPlan(tuple((slot.improved(align, part), patches, size) for slot, patches, size in term.slots))
                for term in self.terms
            ),
            self.hides_image,
        )

    def unions(self) -> Iterator[Mask]:
        """The masks of all terms."""
        masks = (mask for term in self.terms for mask in term.unions())
        if not self.hides_image:
            yield from masks
        elif first := next(masks, None):
            yield first.union(*masks)


def plan_within(grid: Grid, terms: tuple[Term, ...], largest: int, style: Style = Style()) -> CoverPlan:
    """Plan the fewest masks of which none hides more than `largest` pixels.

    In a union each patch gets a part of that area, in proportion to its largest box.

    Raises:
        ImpossibleCover: no mask of that area can hold the largest region, or none that respects the style.
    """
    least = least_area(grid, terms)
    if largest < least:
        raise ImpossibleCover(
            f"no mask of at most {largest} px can hold the largest region; "
            f"a largest hidden area of {least} px ({least / grid.size:.2%}) or more is possible"
        )
    return CoverPlan(tuple(_term_within(grid, term, largest, style) for term in terms), largest >= grid.size)


def possible_plan(grid: Grid, terms: tuple[Term, ...], largest: int, style: Style) -> CoverPlan | None:
    """Plan as `plan_within` does; None where it finds no cover."""
    try:
        return plan_within(grid, terms, largest, style)
    except ImpossibleCover:
        return None


def least_area(grid: Grid, terms: tuple[Term, ...]) -> int:
    """The least `largest` that `plan_within` accepts: boxes around the patches of a region, or the whole image."""
    return max(min(sum(map(_largest_box, term.slots)), grid.size) for term in terms)


def plan_by_grid(grid: Grid, terms: tuple[Term, ...], budgets: Extents, style: Style = Style()) -> CoverPlan:
    """Plan the paper's sets: for each maximal shape a product of this many masks along each axis (Eq. 3)."""
    if style.multiplicity > 1:
        raise InvalidInput("grid= makes the paper's sets, of multiplicity 1; name max_mask_area= or masks= instead")

    def by_grid(slot: Slot) -> SlotPlan:
        room = _aligned(room_of(slot), grid, style)
        products = tuple(product_grid(Grid(room.extents), shape, budgets, style.align) for shape in _shapes(slot))
        return SlotPlan(slot, room, products, max(grid.mask_area for grid in products))

    counted = (Counter(term.slots).items() for term in terms)
    return CoverPlan(tuple(TermPlan(tuple((by_grid(slot), n, n) for slot, n in slots)) for slots in counted))


def _term_within(grid: Grid, term: Term, largest: int, style: Style) -> TermPlan:
    if largest >= grid.size:
        return TermPlan(tuple((_whole_image(slot, grid), n, n) for slot, n in Counter(term.slots).items()))
    if len(set(term.slots)) == 1 and term.patches > 1 and style.multiplicity == 1:
        return _united(grid, term.slots[0], term.patches, largest, style)
    least = sum(map(_largest_box, term.slots))
    areas = ((slot, n, largest * _largest_box(slot) // least) for slot, n in Counter(term.slots).items())
    return TermPlan(tuple((_slot_within(grid, slot, area, style), n, n) for slot, n, area in areas))


def _united(grid: Grid, slot: Slot, patches: int, largest: int, style: Style) -> TermPlan:
    """Plan equal patches with the size of unions that needs the fewest unions."""
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
    products = fewest_by_classes(lattice, shapes, largest, align=style.align, multiplicity=style.multiplicity)
    if products is None:
        raise ImpossibleCover(
            f"no masks of at most {largest} px hold the patches and cover with align={style.align}, "
            f"multiplicity={style.multiplicity}; allow larger masks"
        )
    return SlotPlan(slot, room, products, largest)


def _whole_image(slot: Slot, grid: Grid) -> SlotPlan:
    """Plan one mask that hides everything that its regions reach."""
    whole = ProductGrid(tuple(AxisMasks(side, side, side) for side in grid.shape))
    return SlotPlan(slot, grid.whole, (whole,), grid.size)


def _shapes(slot: Slot) -> tuple[Extents, ...]:
    """The maximal bounding boxes of the stencils."""
    return maximal({stencil.extents for stencil in slot})


def _largest_box(slot: Slot) -> int:
    return max(prod(stencil.extents) for stencil in slot)


def _aligned(room: Box, grid: Grid, style: Style) -> Box:
    """The room grown to multiples of the alignment; the sides of the image must be multiples too."""
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
        return []  # without this there would be one union of no masks
    if size == patches:
        return list(combinations(base, min(patches, len(base))))
    return [tuple(base[point] for point in block) for block in design(len(base), size, patches)]


def _plus(first: Extents, second: Extents) -> Extents:
    return tuple(a + b for a, b in zip(first, second, strict=True))


def _minus(first: Extents, second: Extents) -> Extents:
    return tuple(a - b for a, b in zip(first, second, strict=True))
