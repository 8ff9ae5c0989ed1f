"""Laws of covering: what turning, shifting, growing, joining and dropping must and must not change."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import Box, Grid, Mask, MaskSet, RegionSet, cover, patches, rectangle, rectangles, squares, union, verify
from maskcover.covering.products import product_grid
from maskcover.covering.verification import covered_placements
from maskcover.regions.base import everywhere
from tests import oracles
from tests.geometry_strategies import ASPECTS, SIDES, World, any_masks, plain_set, quiet_cover, worlds_and_masks
from tests.laws import examples
from tests.oracles import BoolArray, Shape

Case = tuple[World, BoolArray]
FLAT_SIDES = st.tuples(st.integers(1, 7), st.integers(1, 9))


@st.composite
def flat_cases(draw: st.DrawFn) -> tuple[BoolArray, RegionSet, RegionSet]:
    """Masks of an image, a region set, and the region set of the transposed image."""
    sides = draw(FLAT_SIDES)
    height, width = (draw(st.integers(1, side)) for side in sides)
    area, k = draw(st.integers(1, prod(sides))), draw(st.integers(1, 2))
    pairs = [
        (rectangle(height, width), rectangle(width, height)),
        (rectangles(area), rectangles(area)),
        (squares(min(height, width)), squares(min(height, width))),
        (union(rectangle(height, width), squares(1)), union(squares(1), rectangle(width, height))),
    ]
    regions, turned = draw(st.sampled_from(pairs))
    masks = np.stack(draw(st.lists(any_masks(sides), min_size=1, max_size=4)))
    return masks, patches(regions, k), patches(turned, k)


@given(flat_cases())
def test_transposing_masks_and_regions_changes_nothing(case: tuple[BoolArray, RegionSet, RegionSet]) -> None:
    masks, regions, turned = case
    assert bool(verify(plain_set(masks), regions)) == bool(verify(plain_set(masks.transpose(0, 2, 1)), turned))


@examples(10)
@given(st.data())
def test_a_cover_of_the_transposed_image_is_as_good(data: st.DataObject) -> None:
    height, width = data.draw(st.tuples(st.integers(8, 30), st.integers(8, 50)))
    largest = data.draw(st.integers(24, height * width // 2))
    upright, lying = cover(rectangles(12), (height, width), max_mask_area=largest), rectangles(12)
    turned = cover(lying, (width, height), max_mask_area=largest)
    assert len(upright) == len(turned)


@given(worlds_and_masks())
def test_flipping_the_masks_changes_nothing(case: Case) -> None:
    world, masks = case
    answers = {
        bool(verify(plain_set(np.flip(masks, axes)), world.regions))
        for axes in ((), *((axis,) for axis in range(1, masks.ndim)), tuple(range(1, masks.ndim)))
    }
    assert len(answers) == 1


@given(worlds_and_masks())
def test_the_order_of_masks_changes_nothing_and_neither_do_repeated_masks(case: Case) -> None:
    world, masks = case
    answer = bool(verify(plain_set(masks), world.regions))
    assert bool(verify(plain_set(masks[::-1]), world.regions)) == answer
    assert bool(verify(plain_set(np.concatenate([masks, masks[:1]])), world.regions)) == answer


@given(worlds_and_masks(most_patches=1), st.data())
def test_shifted_masks_hold_the_shifted_placements(case: Case, data: st.DataObject) -> None:
    world, masks = case
    before = [data.draw(st.integers(0, 3)) for _ in world.sides]
    after = [data.draw(st.integers(0, 3)) for _ in world.sides]
    shifted = np.pad(masks, [(0, 0), *zip(before, after, strict=True)])
    slot = world.regions.terms(Grid(world.sides))[0].slots[0]
    free = tuple(everywhere(stencil.extents, Grid(shifted.shape[1:])) for stencil in slot)
    parts = (covered_placements(plain_set(cells), where) for cells, where in ((masks, slot), (shifted, free)))
    for here, there in zip(*parts, strict=True):
        answers, moved = here[0].placements(here[1]), there[0].placements(there[1])
        assert moved == answers.shifted(before)


@given(worlds_and_masks(), st.data())
def test_more_masks_and_larger_masks_cover_what_fewer_and_smaller_ones_do(case: Case, data: st.DataObject) -> None:
    world, masks = case
    extra = data.draw(any_masks(world.sides))
    if verify(plain_set(masks), world.regions):
        assert verify(plain_set(np.concatenate([masks, extra[None]])), world.regions)
        assert verify(plain_set(masks | extra), world.regions)
    elif not verify(plain_set(masks | extra), world.regions):
        assert not verify(plain_set(masks), world.regions)


@given(FLAT_SIDES, st.data())
def test_what_covers_a_region_set_covers_its_subsets(sides: Shape, data: st.DataObject) -> None:
    area = data.draw(st.integers(1, prod(sides)))
    masks = quiet_cover(rectangles(area), sides, masks=data.draw(st.integers(1, 20)))
    least, aspect = data.draw(st.integers(1, min(sides))), data.draw(ASPECTS)
    smaller = [rectangles(data.draw(st.integers(1, area))), rectangle(1, min(area, sides[1]))]
    if oracles.rectangles(area, sides, least, aspect):
        smaller.append(rectangles(area, min_side=least, max_aspect=aspect))
    assert all(verify(masks, regions) for regions in smaller)


@given(worlds_and_masks(most_patches=1), st.integers(1, 3), st.integers(1, 3))
def test_fewer_and_smaller_patches_are_never_harder(case: Case, first: int, second: int) -> None:
    _, masks = case
    low, high = sorted((first, second))
    low_k, high_k = (patches(squares(1), k) for k in (low, high))
    assert verify(plain_set(masks), low_k) or not verify(plain_set(masks), high_k)
    if min(masks.shape[1:]) >= high:
        assert verify(plain_set(masks), squares(low)) or not verify(plain_set(masks), squares(high))


@given(worlds_and_masks())
def test_a_union_is_covered_exactly_when_its_members_are(case: Case) -> None:
    world, masks = case
    members = getattr(world.regions, "members", (world.regions,))
    parts = [bool(verify(plain_set(masks), member)) for member in members]
    assert bool(verify(plain_set(masks), world.regions)) == all(parts)


@given(worlds_and_masks())
def test_the_text_of_a_region_set_is_judged_like_the_set(case: Case) -> None:
    world, masks = case
    report, of_text = verify(plain_set(masks), world.regions), verify(plain_set(masks), str(world.regions))
    assert (report.witness, report.regions) == (of_text.witness, of_text.regions)


# Pruning to maximal stencils (threats.md, 6).


@pytest.mark.parametrize("side", range(1, 25))
def test_every_rectangle_of_every_area_lies_in_a_stencil_of_it(side: int) -> None:
    """All areas, all shapes, on square images of up to 24 pixels and on images half as high."""
    for sides in ((side, side), (max(side // 2, 1), side)):
        for area in range(1, prod(sides) + 1):
            (term,) = rectangles(area).terms(Grid(sides))
            widest = {height: min(area // height, sides[1]) for height in range(1, min(sides[0], area) + 1)}
            steps = {(h, w) for h, w in widest.items() if widest.get(h + 1, 0) < w}
            assert set(term.shapes) == steps


@examples(100)
@given(SIDES, st.data())
def test_the_stencils_of_odd_families_are_the_maximal_shapes(sides: Shape, data: st.DataObject) -> None:
    area = data.draw(st.integers(1, prod(sides)))
    least, aspect = data.draw(st.integers(1, min(sides))), data.draw(ASPECTS)
    every = oracles.rectangles(area, sides, least, aspect)
    if every:
        (term,) = rectangles(area, min_side=least, max_aspect=aspect).terms(Grid(sides))
        assert set(term.shapes) == oracles.maximal_of(every)


@pytest.mark.parametrize("side", range(1, 25))
def test_a_set_that_covers_the_stencils_covers_every_rectangle(side: int) -> None:
    area = side * side // 5 + 1
    masks = quiet_cover(rectangles(area), side, masks=12)
    boxes = [(mask.boxes[0].start, mask.boxes[0].extents) for mask in masks]
    every = oracles.rectangles(area, (side, side))
    assert all(oracles.box_covered(boxes, shape, (side, side)).all() for shape in every)


@given(FLAT_SIDES, st.data())
def test_no_mask_of_a_product_cover_can_be_dropped(sides: Shape, data: st.DataObject) -> None:
    shape = tuple(data.draw(st.integers(1, side)) for side in sides)
    budgets = tuple(data.draw(st.integers(1, side)) for side in sides)
    masks = tuple(Mask([box]) for box in product_grid(Grid(sides), shape, budgets).boxes())
    for dropped in range(len(masks)):
        rest = MaskSet(Grid(sides), masks[:dropped] + masks[dropped + 1 :])
        report = verify(rest, rectangle(*shape))
        assert not report
        assert all(not mask.contains(patch) for mask in rest for patch in report.witness or ())


def test_no_mask_of_the_paper_s_grid_can_be_dropped() -> None:
    masks = cover(squares(area=0.01))
    assert not any(
        verify(MaskSet(masks.grid, masks.masks[:i] + masks.masks[i + 1 :]), squares(area=0.01)) for i in range(36)
    )


@given(st.integers(1, 4), st.data())
def test_placements_a_stride_apart_need_masks_of_their_own(k: int, data: st.DataObject) -> None:
    """The independent set that shows Eq. 3 to be minimal for its mask size: no mask contains two of these."""
    side = data.draw(st.integers(4, 40))
    patch = data.draw(st.integers(1, side))
    axis = product_grid(Grid((side,)), (patch,), (k,)).axes[0]
    apart = [Box((u,), (u + patch,)) for u in range(0, side - patch + 1, axis.stride)]
    masks = [Box((a,), (a + axis.size,)) for a in range(side - axis.size + 1)]
    assert len(apart) == axis.count
    assert not any(mask.contains(a) and mask.contains(b) for mask in masks for a, b in product(apart, apart) if a < b)
