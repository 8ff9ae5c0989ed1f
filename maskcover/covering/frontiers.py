"""The trade-off between the number of masks, the evaluations they cost, and how much the largest of them hides."""

from __future__ import annotations

from fractions import Fraction

from maskcover.amounts import at_least_one
from maskcover.covering.plan import Style, least_area, possible_plan
from maskcover.covering.synthesis import carried_out
from maskcover.grid import Grid, ImageSize
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, parse_regions

_STEP = Fraction(19, 20)  # each budget of area tried is at most so much of the one before


def frontier(
    regions: RegionSet | str, image_size: ImageSize | Grid = 224, *, most_masks: int = 150, align: int = 1
) -> tuple[MaskSet, ...]:
    """Covers of a region set from few large masks to many small ones, each verified.

    No two of them are alike in the number of masks or in the largest hidden area, and whoever has more masks hides
    less: what is left is a choice. Budgets of area are tried in steps of 5 %, so there may be others between.

    Args:
        regions: The region set, or its text.
        image_size: As for `cover`.
        most_masks: Where to stop.
        align: As for `cover`.

    Raises:
        InvalidInput: not a region set, an image size or a number.

    >>> [(len(masks), masks.largest_hidden_area) for masks in frontier("squares(size=32)", most_masks=9)]
    [(1, 50176), (2, 28672), (3, 21504), (4, 16384), (5, 15680), (6, 12288), (8, 10240), (9, 9216)]
    """
    most_masks = at_least_one(most_masks, "most_masks")
    regions, grid, style = parse_regions(regions), Grid.of(image_size), Style(at_least_one(align, "align"))
    terms = regions.terms(grid)
    least, largest, found = least_area(grid, terms), grid.size, list[MaskSet]()
    while largest >= least and (plan := possible_plan(grid, terms, largest, style)) and plan.masks <= most_masks:
        found.append(carried_out(plan, grid, regions, style))
        largest = min(found[-1].largest_hidden_area - 1, int(largest * _STEP))
    return _undominated(found)


def _undominated(found: list[MaskSet]) -> tuple[MaskSet, ...]:
    """The sets than which no other has both fewer masks and a smaller largest one; one of several alike."""
    kept: list[MaskSet] = []
    for masks in sorted(found, key=lambda one: (len(one), one.largest_hidden_area)):
        if not kept or masks.largest_hidden_area < kept[-1].largest_hidden_area:
            kept.append(masks)
    return tuple(kept)
