"""The trade-off between the number of masks, the evaluations they cost, and how much the largest of them hides."""

from __future__ import annotations

from fractions import Fraction

from maskcover.amounts import parse_count
from maskcover.covering.plan import Style, least_area, possible_plan
from maskcover.covering.synthesis import build_masks
from maskcover.grid import Grid, ImageSize
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, parse_regions

_STEP = Fraction(19, 20)  # each budget of area is at most this fraction of the budget before


def frontier(
    regions: RegionSet | str, image_size: ImageSize | Grid = 224, *, most_masks: int = 150, align: int = 1
) -> tuple[MaskSet, ...]:
    """List covers of a region set from few large masks to many small ones, each verified.

    Each mask set has more masks than the one before and a smaller largest mask; which one to use is your choice.
    Budgets of area are tried in steps of 5 %, so there may be others between.

    Args:
        regions: The region set, or its text.
        image_size: As for `cover`.
        most_masks: The largest number of masks in a listed set.
        align: As for `cover`.

    Returns:
        The mask sets, ordered by the number of masks.

    Raises:
        InvalidInput: a bad region set, image size or number.

    >>> [(len(masks), masks.largest_hidden_area) for masks in frontier("squares(size=32)", most_masks=9)]
    [(1, 50176), (2, 28672), (3, 21504), (4, 16384), (5, 15680), (6, 12288), (8, 10240), (9, 9216)]
    """
    most_masks = parse_count(most_masks, "most_masks")
    regions, grid, style = parse_regions(regions), Grid.of(image_size), Style(parse_count(align, "align"))
    terms = regions.terms(grid)
    least, largest, covers = least_area(grid, terms), grid.size, list[MaskSet]()
    while largest >= least and (plan := possible_plan(grid, terms, largest, style)) and plan.masks <= most_masks:
        covers.append(build_masks(plan, grid, regions, style))
        largest = min(covers[-1].largest_hidden_area - 1, int(largest * _STEP))
    return _undominated(covers)


def _undominated(covers: list[MaskSet]) -> tuple[MaskSet, ...]:
    """Drop each set that has no smaller largest mask than some set of fewer masks, or of as many."""
    best: list[MaskSet] = []
    for masks in sorted(covers, key=lambda masks: (len(masks), masks.largest_hidden_area)):
        if not best or masks.largest_hidden_area < best[-1].largest_hidden_area:
            best.append(masks)
    return tuple(best)
