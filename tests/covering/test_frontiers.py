"""The frontier: verified covers of which none is beaten by another in both figures."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given

import maskcover as mc
from maskcover.covering.frontiers import _undominated
from tests.geometry_strategies import World, worlds
from tests.laws import examples


@examples(20)
@given(worlds(most_members=2, most_patches=2))
def test_more_masks_hide_less_and_all_of_them_cover(world: World) -> None:
    sets = mc.frontier(world.regions, world.sides, most_masks=12)
    assert len(sets[0]) == 1
    for few, many in pairwise(sets):
        assert len(few) < len(many)
        assert few.largest_hidden_area > many.largest_hidden_area
    assert all(mc.verify(masks, world.regions) for masks in sets)


def test_the_frontier_holds_the_golden_covers_or_better_ones() -> None:
    sets = mc.frontier("rectangles(area=0.01)", most_masks=60)
    for most, area in ((27, 8064), (13, 12100), (52, 6000)):
        assert min(masks.largest_hidden_area for masks in sets if len(masks) <= most) <= area


def test_the_masks_stop_at_the_limit_and_at_the_regions_themselves() -> None:
    assert max(map(len, mc.frontier(mc.squares(32), most_masks=9))) == 9
    small = mc.frontier(mc.squares(3), 4, most_masks=100)
    assert [(len(masks), masks.largest_hidden_area) for masks in small] == [(1, 16), (2, 12), (4, 9)]


@pytest.mark.parametrize("most", [0, -1, 2.5, True, "9"])
def test_a_limit_is_a_whole_number(most: object) -> None:
    with pytest.raises(mc.InvalidInput, match="most_masks must be a whole number of at least 1"):
        mc.frontier(mc.squares(3), 9, most_masks=most)  # type: ignore[arg-type]  # refused


def test_large_masks_of_a_frontier_draw_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    mc.frontier(mc.squares(3), 9, most_masks=4)
    assert not recwarn.list


def test_who_has_more_masks_and_hides_no_less_is_left_out() -> None:
    first, second, small = (mc.MaskSet.from_boxes(rows, 9) for rows in ([BIG], [BIG, SMALL], [SMALL, SMALL, SMALL]))
    assert _undominated([small, second, first, second]) == (first, small)


BIG, SMALL = (0, 0, 3, 3), (4, 4, 2, 2)
