"""Lower bounds: below the least cover that brute force finds, true for restricted regions, and re-checked witnesses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, product
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import maskcover as mc
from maskcover.covering.lower import LowerBound, lower_bound
from maskcover.grid import Extents
from tests import oracles
from tests.geometry_strategies import World, quiet_cover, worlds
from tests.laws import examples


def fewest_boxes(sides: Extents, regions: mc.RegionSet, largest: int, most: int) -> int | None:
    """The least number of boxes of at most `largest` cells that hold every region of one patch; None above `most`."""
    slot = regions.terms(mc.Grid(sides))[0].slots[0]
    cells = [
        stencil.at(tuple(place)) for stencil in slot for place in np.argwhere(stencil.places.to_array(mc.Grid(sides)))
    ]
    shapes = [shape for shape in oracles.all_shapes(sides) if prod(shape) <= largest]
    boxes = [box for shape in shapes for box in oracles.placements(shape, sides)]
    held = {
        frozenset(i for i, region in enumerate(cells) if mc.Cells([mc.Box.at(*box)]).contains(region)) for box in boxes
    }
    useful = [regions_of_box for regions_of_box in held if not any(regions_of_box < other for other in held)]
    for count in range(1, most + 1):
        if any(len(frozenset().union(*chosen)) == len(cells) for chosen in combinations(useful, count)):
            return count
    return None


@examples(25)
@given(st.data())
def test_no_cover_has_fewer_masks_than_the_bound(data: st.DataObject) -> None:
    sides = data.draw(st.sampled_from([(7,), (3, 4), (4, 4), (2, 2, 3)]))
    shape = tuple(data.draw(st.integers(1, side)) for side in sides)
    regions = mc.bitmap(np.ones(shape, dtype=bool))
    if data.draw(st.booleans()):
        regions = mc.avoiding(regions, tuple([0] * len(sides) + [1] * len(sides)))
    try:
        regions.terms(mc.Grid(sides))
    except mc.InvalidInput:
        return
    largest = data.draw(st.integers(prod(shape), prod(sides)))
    bound = lower_bound(regions, sides, max_mask_area=largest, time_limit=data.draw(st.sampled_from([0, 0.1])))
    assert bound.check()
    least = fewest_boxes(sides, regions, largest, bound.masks)
    assert least is None or least >= bound.masks


@given(worlds(most_members=2, most_patches=1))
def test_a_cover_is_never_below_its_own_bound(world: World) -> None:
    masks = quiet_cover(world.regions, world.sides)
    assert masks.optimality is not None
    assert masks.optimality.masks == len(masks) >= masks.optimality.at_least >= 1


@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 9))
def test_one_box_shape_is_proven_minimal_on_an_axis(length: int, patch: int, budget: int) -> None:
    if patch > length:
        return
    masks = quiet_cover(mc.squares(patch), (length,), grid=(budget,))
    assert masks.optimality is not None
    assert masks.optimality.is_proven
    assert masks.optimality.gap == 0


def test_golden_bounds_on_224() -> None:
    proof = "36 masks, proven minimal for masks in boxes of at most 64×64"
    assert str(mc.cover(mc.squares(32)).optimality).startswith(proof)
    bound = lower_bound("rectangles(area=0.01)", max_mask_area="4902px", time_limit=0)
    assert not bound.is_independent
    assert bound.check()
    assert bound.masks == 42


def test_placements_that_are_not_allowed_are_no_witness() -> None:
    half = (0, 0, 112, 224)
    free = lower_bound("squares(size=32)", max_mask_shape=(64, 64), time_limit=0)
    kept = lower_bound(mc.within(mc.squares(32), half), max_mask_shape=(64, 64), time_limit=0)
    assert kept.check()
    assert 0 < len(kept.placements) < len(free.placements)
    assert all(box.stop[0] <= 112 for box in kept.placements)
    assert not replace(kept, placements=free.placements, weights=free.weights).check()


def test_blocks_are_cut_to_the_places_that_are_allowed() -> None:
    """Two stencils of the same sides: the places of both count."""
    cells = np.array([[1, 0], [1, 1]], dtype=bool)
    ells = mc.union(
        mc.within(mc.bitmap(cells), (0, 0, 12, 6)),
        mc.within(mc.bitmap(cells[::-1]), (0, 4, 12, 8)),
        mc.rectangle(1, 3),
    )
    bound = lower_bound(ells, 12, max_mask_area=9, time_limit=0)
    assert bound.spans
    assert bound.check()
    assert not bound.is_independent
    starts = {
        (box.extents, tuple(map(sum, zip(box.start, move, strict=True))))
        for box, span in zip(bound.placements, bound.spans, strict=True)
        for move in product(*map(range, span))
    }
    allowed = {
        (stencil.extents, tuple(map(int, place)))
        for stencil in ells.terms(mc.Grid.of(12))[0].slots[0]
        for place in np.argwhere(stencil.places.to_array(mc.Grid.of(12)))
    }
    assert starts <= allowed
    assert {place for place in allowed if place[0] == (2, 2)} <= starts
    everywhere = replace(bound, placements=(mc.Box.at((0, 0), (1, 3)),), weights=(1,), spans=((12, 10),), denominator=9)
    assert everywhere.check()
    assert not replace(everywhere, regions=mc.within(mc.rectangle(1, 3), (0, 0, 12, 11))).check()
    assert not replace(everywhere, spans=((12, 11),)).check()
    assert not replace(everywhere, weights=(9,)).check()


SPOILT: dict[str, Callable[[LowerBound], dict[str, Any]]] = {
    "one twice": lambda bound: {"placements": bound.placements + bound.placements[:1], "weights": (*bound.weights, 1)},
    "a neighbour": lambda bound: {
        "placements": (*bound.placements, mc.Box.at((1, 1), (32, 32))), "weights": (*bound.weights, 1)
    },
    "too heavy": lambda bound: {"weights": (3,) * len(bound.weights), "denominator": 2},
    "another shape": lambda bound: {"placements": (*bound.placements[1:], mc.Box.at((0, 0), (31, 32)))},
    "larger masks": lambda _: {"admissible": (66, 66)},
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_witness_is_refused(name: str) -> None:
    bound = lower_bound("squares(size=32)", max_mask_shape=(64, 64), time_limit=0)
    assert bound.check()
    assert not replace(bound, **SPOILT[name](bound)).check()


def test_a_witness_that_fails_its_check_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from maskcover.covering import lower

    boxes = tuple(mc.Box.at((y, x), (32, 32)) for y, x in product(range(9), repeat=2))
    monkeypatch.setattr(lower, "independent_placements", lambda *_, **__: boxes)
    assert lower_bound("squares(size=32)", max_mask_shape=(64, 64), time_limit=0).masks == 1


BAD = [
    ({}, "either max_mask_area= or max_mask_shape="),
    ({"max_mask_area": 9000, "max_mask_shape": (9, 9)}, "either max_mask_area= or max_mask_shape="),
    ({"max_mask_area": 100}, "no mask in boxes of at most 100 px holds a region"),
    ({"max_mask_shape": (64,)}, "max_mask_shape must be 2 whole numbers"),
    ({"max_mask_area": 9000, "time_limit": -1}, "time_limit is a number of seconds"),
    ({"max_mask_area": 9000, "time_limit": True}, "time_limit is a number of seconds"),
]


@pytest.mark.parametrize(("keywords", "message"), BAD)
def test_what_is_no_question_is_refused(keywords: dict[str, object], message: str) -> None:
    with pytest.raises(mc.InvalidInput, match=message):
        lower_bound("squares(size=32)", **keywords)  # type: ignore[call-overload]  # refused


def test_several_patches_have_no_bound() -> None:
    with pytest.raises(mc.InvalidInput, match="lower bounds are for one patch at a time"):
        lower_bound("patches(squares(size=8), k=2)", max_mask_area=0.5)
    assert quiet_cover("patches(squares(size=3), k=2)", 9).optimality is None


def test_an_optimality_is_lost_with_its_masks() -> None:
    masks = mc.cover(mc.squares(32))
    assert masks[1:].optimality is None
    assert (masks + masks).optimality is None
    assert masks == mc.MaskSet(masks.grid, masks.masks)


def test_a_bound_is_a_value() -> None:
    first, second = (lower_bound("squares(size=32)", max_mask_area=5000, time_limit=0) for _ in range(2))
    assert isinstance(first, LowerBound)
    assert (first, hash(first), str(first)) == (second, hash(second), str(second))
