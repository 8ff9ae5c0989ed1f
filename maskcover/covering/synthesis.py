"""`cover`: makes a mask set for a region set, as cheap as it can find, and verifies it before it is returned."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from math import prod
from os import PathLike

from maskcover.amounts import AnyAmount, cells_down, parse_amount, parse_count
from maskcover.covering.any_shape import find_any_shape_bound
from maskcover.covering.lower import admissible_text, checked_seconds, find_bound
from maskcover.covering.plan import CoverPlan, Effort, Style, least_area, plan_by_grid, plan_within, possible_plan
from maskcover.covering.selection import select_masks
from maskcover.covering.starts import ShippedSet, from_shipped, from_start
from maskcover.covering.verification import verify
from maskcover.errors import ImpossibleCover, InvalidInput, SynthesisFault
from maskcover.grid import Extents, Grid, ImageSize, as_integer
from maskcover.masks import MaskSet, Optimality
from maskcover.masks.maskset import with_warnings
from maskcover.masks.unions import without_contained
from maskcover.regions import RegionSet, Term, parse_regions
from maskcover.system import available_cores

_DEFAULT_FRACTION = Fraction(1, 10)
_DEFAULT_FRACTION_OF_SEVERAL = Fraction(3, 20)  # for each of several patches
_DEFAULT_BUDGETS = {1: 6}  # patches -> masks along each axis, for one box shape; 5 for several patches
_MOST_MASKS = 200_000
_SEARCH = 0.6  # of `time_limit`; half of the rest chooses among the masks found, and what is left proves the bound
_LEAST_PROOF = 0.1  # of `time_limit`, however long the search was
_MOST_COMPARED = 2_000  # masks up to which a bound of their number is looked for


def cover(
    regions: RegionSet | str,
    image_size: ImageSize | Grid = 224,
    *,
    masks: int | None = None,
    evaluations: int | None = None,
    max_mask_area: AnyAmount | None = None,
    grid: Iterable[int] | None = None,
    align: int = 1,
    multiplicity: int = 1,
    time_limit: float = 0.0,
    workers: int | None = None,
    start: MaskSet | str | PathLike[str] | None = None,
    shipped: bool = True,
    progress: bool = False,
) -> MaskSet:
    """Make a mask set such that every region of the attacker lies inside at least one mask, and verify it.

    At most one of the four budgets `masks`, `evaluations`, `max_mask_area` and `grid` is given:

    Args:
        regions: The region set, or its text.
        image_size: Sides of the image in pixels, rows first; 224 means (224, 224).
        masks: At most this many masks, the largest of them as small as possible.
        evaluations: At most this many masked predictions to certify an image, the largest mask as small as possible.
        max_mask_area: No mask hides more than this (pixels, or a fraction of the image); as few masks as possible.
        grid: The paper's masks: for each box shape a product of this many masks along each axis, such as (6, 6).
        align: Edges of masks lie at multiples of this many pixels, which must divide the sides; for tokens of 16×16
            pixels it is 16.
        multiplicity: Every region lies inside at least this many different masks.
        time_limit: Seconds to search for fewer masks than product grids need, and for a better lower bound of their
            number; the whole call takes hardly longer. Ctrl-C ends the search with the best masks so far. With numba
            (the extra `search`) a compiled search is used for 15 seconds and more.
        workers: Threads of the compiled search; by default one for each core.
        start: Masks, or their file, that cover: the search begins with them, and they are returned if nothing better is
            known.
        shipped: Whether mask sets that come with maskcover may be taken where they are better.
        progress: Show a progress bar on stderr while searching.

    Patches that are not boxes, or not allowed everywhere, get masks trimmed to the pixels that such patches can touch
    (`align` then holds for the boxes before they are trimmed).

    Without a budget, one box shape gets the paper's grid of 6 masks along each axis, several patches of one box shape 5
    along each axis, and anything else the fewest masks that each hide at most a tenth of the image.

    Sources: Eq. 1–3 and Lemma 4 of the paper for one shape, its appendix B for several patches; classes of rectangles
    are ours (docs/theory.md, Masks for one shape).

    Returns:
        The masks, none inside another, with the text of the region set as their claim; `verify` has checked them. For
        one patch at a time their `optimality` says how few masks are possible.

    Raises:
        ImpossibleCover: the request cannot be met; the message says what would be possible.
        InvalidInput: a bad region set, image size, budget, number of workers or start.

    >>> from maskcover import rectangles
    >>> masks = cover(rectangles(area=0.01), max_mask_area="4902px", shipped=False)
    >>> len(masks), masks.evaluations, masks.largest_hidden_area
    (78, 3081, 4884)
    """
    regions, lattice = parse_regions(regions), Grid.of(image_size)
    terms = regions.terms(lattice)
    style = Style(parse_count(align, "align"), parse_count(multiplicity, "multiplicity"))
    seconds = checked_seconds(time_limit)
    begin = time.monotonic()
    deadline = begin + seconds
    plan, origin = _plan(lattice, terms, masks, evaluations, max_mask_area, grid, style), None
    if shipped and grid is None:
        plan, origin = from_shipped(plan, lattice, regions, style, _allows(masks, evaluations))
    if start is not None:
        plan, begun = from_start(plan, lattice, regions, style, start)
        origin = begun or origin
    if style.multiplicity == 1:
        before = plan
        # What comes behind the search takes at least as long as what came before it.
        search = max(deadline - 2 * time.monotonic() + begin, 0) * _SEARCH
        plan = plan.improved(style.align, Effort(search, _threads(workers), progress))
        origin = origin if plan == before else None
    mask_set = build_masks(plan, lattice, regions, style)
    is_late = seconds > 0 and time.monotonic() >= deadline
    if style.multiplicity == 1 and (seconds > 0 or not plan.is_free) and not is_late:
        # For regions that may not lie everywhere, and after a search, there may be more masks than are needed.
        mask_set = _verified(_selected(mask_set, terms, (deadline - time.monotonic()) / 2), regions, style.multiplicity)
    left = max(deadline - time.monotonic(), _LEAST_PROOF * seconds)
    return with_warnings(replace(mask_set, optimality=_optimality(mask_set, plan, regions, style, left, origin)))


def _selected(mask_set: MaskSet, terms: tuple[Term, ...], seconds: float) -> MaskSet:
    """As few of the masks of a cover as still cover; all of them where looking for fewer would cost too much."""
    try:
        return select_masks(mask_set, terms, seconds)
    except InvalidInput:  # too many sets of masks to compare; the masks cover all the same
        return mask_set


def build_masks(plan: CoverPlan, lattice: Grid, regions: RegionSet, style: Style) -> MaskSet:
    """Make the masks of a plan and verify them."""
    if plan.masks > _MOST_MASKS:
        raise ImpossibleCover(
            f"this cover of {regions} would have {plan.masks:,} masks; "
            f"at most {_MOST_MASKS:,} are made, so allow larger masks"
        )
    different = tuple(dict.fromkeys(plan.unions()))
    # A mask inside another adds nothing, unless regions must lie inside several masks.
    masks = different if style.multiplicity > 1 else without_contained(different, lattice)
    return _verified(MaskSet(lattice, masks, str(regions)), regions, style.multiplicity)


def _optimality(
    mask_set: MaskSet, plan: CoverPlan, regions: RegionSet, style: Style, seconds: float, origin: str | None
) -> Optimality | None:
    """Bound the number of masks from below; None for several patches at once, whose masks are unions."""
    slots = [slot for term in plan.terms for slot, _, _ in term.slots]
    if len(slots) > 1 or plan.terms[0].slots[0][1] > 1 or style.multiplicity > 1 or len(mask_set) > _MOST_COMPARED:
        return None
    product, *others = slots[0].products
    # One product is minimal for masks of its sides, but not for its area: a mask of the same area may be longer.
    is_one_size = not others and not slots[0].searched
    admissible = tuple(axis.size for axis in product.axes) if is_one_size else slots[0].largest
    largest = prod(admissible) if isinstance(admissible, tuple) else admissible
    deadline = time.monotonic() + seconds
    any_shape = 0
    if mask_set.grid.ndim <= 2:
        any_shape = find_any_shape_bound(regions, mask_set.grid, largest, seconds / 3).masks
    bound = find_bound(regions, mask_set.grid, admissible, max(deadline - time.monotonic(), seconds / 3))
    within = admissible_text(admissible)
    return Optimality(len(mask_set), bound.masks, within, any_shape, largest, origin=origin)


def _plan(
    lattice: Grid,
    terms: tuple[Term, ...],
    masks: int | None,
    evaluations: int | None,
    max_mask_area: object,
    grid: Iterable[int] | None,
    style: Style,
) -> CoverPlan:
    """Plan for the budget that is given, or for the default."""
    budgets = {"masks": masks, "evaluations": evaluations, "max_mask_area": max_mask_area, "grid": grid}
    named = [name for name, value in budgets.items() if value is not None]
    if len(named) > 1:
        raise InvalidInput(f"name one budget at most; got {' and '.join(named)}")
    if masks is not None:
        most = _checked_budget(masks, "masks")
        return _smallest_areas(lattice, terms, style, lambda plan: plan.masks <= most)
    if evaluations is not None:
        most = _checked_budget(evaluations, "evaluations")
        return _smallest_areas(lattice, terms, style, lambda plan: plan.evaluations <= most)
    if max_mask_area is not None:
        largest = cells_down(parse_amount(max_mask_area, "max_mask_area"), lattice.size)
        return plan_within(lattice, terms, largest, style)
    if grid is not None:
        return plan_by_grid(lattice, terms, _axis_budgets(grid, lattice), style)
    return _default_plan(lattice, terms, style)


def _default_plan(lattice: Grid, terms: tuple[Term, ...], style: Style) -> CoverPlan:
    if len(terms) == 1 and len(terms[0].shapes) == 1 and style.multiplicity == 1:
        return plan_by_grid(lattice, terms, (_DEFAULT_BUDGETS.get(terms[0].patches, 5),) * lattice.ndim, style)
    # Where regions hide nearly a tenth of the image or more, a mask needs room beyond the region itself: as much again,
    # and where they hide more than a third, half of the rest of the image.
    least = least_area(lattice, terms)
    most = max(term.patches for term in terms)
    fraction = _DEFAULT_FRACTION if most == 1 else min(most * _DEFAULT_FRACTION_OF_SEVERAL, Fraction(1, 2))
    largest = max(cells_down(fraction, lattice.size), min(2 * least, (least + lattice.size) // 2))
    return plan_within(lattice, terms, largest, style)


def _smallest_areas(
    lattice: Grid, terms: tuple[Term, ...], style: Style, affordable: Callable[[CoverPlan], bool]
) -> CoverPlan:
    """Find the affordable plan with the smallest largest mask, by bisection: a larger area never needs more masks."""
    high = lattice.size  # one mask that hides the image: always affordable
    low = least_area(lattice, terms) - 1
    while high - low > 1:
        middle = (low + high) // 2
        plan = possible_plan(lattice, terms, middle, style)
        low, high = (low, middle) if plan and affordable(plan) else (middle, high)
    return plan_within(lattice, terms, high, style)


def _verified(masks: MaskSet, regions: RegionSet, multiplicity: int) -> MaskSet:
    report = verify(masks, regions, multiplicity=multiplicity)
    if not report and multiplicity > 1 and verify(masks, regions):
        raise ImpossibleCover(
            f"{len(masks)} masks cover {regions}, but not {multiplicity} times; allow more masks, or smaller ones"
        )
    if not report:
        raise SynthesisFault(f"maskcover made a mask set that does not cover: {report}. Please report this as a bug")
    return masks


def _allows(masks: int | None, evaluations: int | None) -> Callable[[ShippedSet], bool] | None:
    """Whether a shipped set keeps a budget of masks or evaluations; None for a budget of area."""
    if masks is not None:
        return lambda shipped: shipped.masks <= masks
    return None if evaluations is None else lambda shipped: shipped.evaluations <= evaluations


def _threads(workers: int | None) -> int:
    """The number of threads of a search; by default the cores that this process may use."""
    if workers is None:
        return available_cores()
    return parse_count(workers, "workers")


def _checked_budget(value: object, name: str) -> int:
    try:
        number = as_integer(value)
    except TypeError as error:
        raise InvalidInput(f"{name} must be a whole number; got {value!r:.80}") from error
    if number < 1:
        raise ImpossibleCover(f"{name}={number} is too small a budget; at least 1 is possible (one mask hides all)")
    return number


def _axis_budgets(grid: object, lattice: Grid) -> Extents:
    try:
        budgets = tuple(map(as_integer, grid)) if isinstance(grid, Iterable) else ()
    except TypeError:
        budgets = ()
    if len(budgets) != lattice.ndim or min(budgets) < 1:
        raise InvalidInput(f"grid must be {lattice.ndim} whole numbers of at least 1, such as (6, 6); got {grid!r:.80}")
    return budgets
