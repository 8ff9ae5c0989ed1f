"""`cover`: from a region set to the cheapest mask set known to cover it, verified before it is returned."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction

from maskcover.amounts import AnyAmount, at_least_one, cells_down, parse_amount
from maskcover.covering.lower import admissible_text, bounded, checked_seconds
from maskcover.covering.plan import Plan, Style, least_area, plan_by_grid, plan_within, possible_plan
from maskcover.covering.selection import selected
from maskcover.covering.verification import verify
from maskcover.errors import ImpossibleCover, InvalidInput, SynthesisFault
from maskcover.grid import Extents, Grid, ImageSize, as_whole
from maskcover.masks import MaskSet, Optimality
from maskcover.masks.maskset import with_warnings
from maskcover.masks.unions import without_contained
from maskcover.regions import RegionSet, Term, parse_regions

_DEFAULT_SHARE = Fraction(1, 10)
_DEFAULT_SHARE_OF_SEVERAL = Fraction(3, 20)  # for each of several patches
_DEFAULT_BUDGETS = {1: 6}  # patches -> masks along each axis, for one box shape; 5 for several patches
_MOST_MASKS = 200_000
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
) -> MaskSet:
    """Synthesise a mask set of which every region of the attacker lies inside at least one mask.

    At most one budget is named, the first four:

    Args:
        regions: The region set, or its text.
        image_size: Sides in pixels, rows first; 224 means (224, 224).
        masks: At most this many masks, the largest of them as small as possible.
        evaluations: At most this many two-mask evaluations per certified image, likewise.
        max_mask_area: No mask hides more than this (pixels, or a share of the image), with as few masks as possible.
        grid: For each box shape the paper's product of so many masks along each axis, such as (6, 6).
        align: Edges of masks lie at multiples of so many pixels, which must divide the sides: 16 for tokens of 16×16.
        multiplicity: Every region lies inside at least so many different masks.
        time_limit: Seconds to search for fewer masks than product grids need (two thirds) and for a better proof of how
            few are possible (one third).

    Patches that are not boxes, or not allowed everywhere, get masks trimmed to what such patches can touch (then align
    speaks of the boxes that are trimmed).

    With no budget one box shape gets the paper's grid of 6 masks an axis, several patches of one box shape 5, and
    anything else the fewest masks that hide at most a tenth of the image each.

    Sources: Eq. 1–3 and Lemma 4 for one shape, appendix B for several patches; classes of rectangles are ours.

    Returns:
        The masks, none inside another, with the text of the region set as their claim; checked by `verify`. For one
        patch at a time their `optimality` says how few masks there can be.

    Raises:
        ImpossibleCover: the request cannot be met; the message says what would be possible.
        InvalidInput: not a region set, an image size or a budget.

    >>> from maskcover import rectangles
    >>> masks = cover(rectangles(area=0.01), max_mask_area="4902px")
    >>> len(masks), masks.evaluations, masks.largest_hidden_area
    (78, 3081, 4884)
    """
    regions, lattice = parse_regions(regions), Grid.of(image_size)
    terms = regions.terms(lattice)
    style = Style(at_least_one(align, "align"), at_least_one(multiplicity, "multiplicity"))
    seconds = checked_seconds(time_limit)
    plan = _plan(lattice, terms, masks, evaluations, max_mask_area, grid, style)
    if style.multiplicity == 1:
        plan = plan.improved(style.align, seconds * 2 / 3)
    made = carried_out(plan, lattice, regions, style)
    if style.multiplicity == 1 and (seconds > 0 or not plan.is_free):
        # Of regions that may not lie everywhere, and of what a search found, grids may hold more masks than are needed.
        made = _verified(selected(made, terms, seconds), regions, style.multiplicity)
    return with_warnings(replace(made, optimality=_optimality(made, plan, regions, style, seconds / 3)))


def carried_out(plan: Plan, lattice: Grid, regions: RegionSet, style: Style) -> MaskSet:
    """The masks of a plan, verified."""
    if plan.masks > _MOST_MASKS:
        raise ImpossibleCover(
            f"this cover of {regions} would have {plan.masks:,} masks; "
            f"at most {_MOST_MASKS:,} are made, so allow larger masks"
        )
    every = tuple(dict.fromkeys(plan.unions()))
    # A mask inside another adds nothing, unless regions are to lie inside several.
    kept = every if style.multiplicity > 1 else without_contained(every, lattice)
    return _verified(MaskSet(lattice, kept, str(regions)), regions, style.multiplicity)


def _optimality(made: MaskSet, plan: Plan, regions: RegionSet, style: Style, seconds: float) -> Optimality | None:
    """What is known of the least number of masks; nothing for several patches, whose masks are unions."""
    slots = [slot for term in plan.terms for slot, _, _ in term.slots]
    if len(slots) > 1 or plan.terms[0].slots[0][1] > 1 or style.multiplicity > 1 or len(made) > _MOST_COMPARED:
        return None
    product, *others = slots[0].products
    # Of one product it is the size of its masks that makes it minimal; a mask of the same area may be longer.
    one_size = not others and not slots[0].searched
    admissible = tuple(axis.size for axis in product.axes) if one_size else slots[0].largest
    found = bounded(regions, made.grid, admissible, seconds)
    return Optimality(len(made), found.masks, admissible_text(admissible))


def _plan(
    lattice: Grid,
    terms: tuple[Term, ...],
    masks: int | None,
    evaluations: int | None,
    max_mask_area: object,
    grid: Iterable[int] | None,
    style: Style,
) -> Plan:
    """The plan for the one budget that is named, or for the default."""
    budgets = {"masks": masks, "evaluations": evaluations, "max_mask_area": max_mask_area, "grid": grid}
    named = [name for name, value in budgets.items() if value is not None]
    if len(named) > 1:
        raise InvalidInput(f"name one budget at most; got {' and '.join(named)}")
    if masks is not None:
        most = _whole(masks, "masks")
        return _smallest_areas(lattice, terms, style, lambda plan: plan.masks <= most)
    if evaluations is not None:
        most = _whole(evaluations, "evaluations")
        return _smallest_areas(lattice, terms, style, lambda plan: plan.evaluations <= most)
    if max_mask_area is not None:
        largest = cells_down(parse_amount(max_mask_area, "max_mask_area"), lattice.size)
        return plan_within(lattice, terms, largest, style)
    if grid is not None:
        return plan_by_grid(lattice, terms, _budgets(grid, lattice), style)
    return _default_plan(lattice, terms, style)


def _default_plan(lattice: Grid, terms: tuple[Term, ...], style: Style) -> Plan:
    if len(terms) == 1 and len(terms[0].shapes) == 1 and style.multiplicity == 1:
        return plan_by_grid(lattice, terms, (_DEFAULT_BUDGETS.get(terms[0].patches, 5),) * lattice.ndim, style)
    # Where the attacker's own regions are near a tenth or above, a mask needs room beyond the region itself; where they
    # are above a third, half of what they leave.
    least = least_area(lattice, terms)
    most = max(term.patches for term in terms)
    share = _DEFAULT_SHARE if most == 1 else min(most * _DEFAULT_SHARE_OF_SEVERAL, Fraction(1, 2))
    largest = max(cells_down(share, lattice.size), min(2 * least, (least + lattice.size) // 2))
    return plan_within(lattice, terms, largest, style)


def _smallest_areas(lattice: Grid, terms: tuple[Term, ...], style: Style, affordable: Callable[[Plan], bool]) -> Plan:
    """The affordable plan whose largest mask is smallest, by bisection: a larger area never needs more masks."""
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


def _whole(value: object, name: str) -> int:
    try:
        found = as_whole(value)
    except TypeError as error:
        raise InvalidInput(f"{name} must be a whole number; got {value!r:.80}") from error
    if found < 1:
        raise ImpossibleCover(f"{name}={found} is too small a budget; at least 1 is possible (one mask hides all)")
    return found


def _budgets(grid: object, lattice: Grid) -> Extents:
    try:
        budgets = tuple(map(as_whole, grid)) if isinstance(grid, Iterable) else ()
    except TypeError:
        budgets = ()
    if len(budgets) != lattice.ndim or min(budgets) < 1:
        raise InvalidInput(f"grid must be {lattice.ndim} whole numbers of at least 1, such as (6, 6); got {grid!r:.80}")
    return budgets
