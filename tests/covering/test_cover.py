"""`cover`: golden counts, every budget, every default, and refusals that say what would be possible."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from maskcover import (
    Box,
    Grid,
    ImpossibleCover,
    InvalidInput,
    MaskSet,
    RegionSet,
    avoiding,
    cover,
    patches,
    rectangle,
    rectangles,
    squares,
    union,
    verify,
    within,
)
from maskcover.covering import plan, synthesis
from maskcover.covering.axis import AxisMasks
from maskcover.covering.products import ProductGrid
from maskcover.errors import SynthesisFault
from maskcover.regions import Slot, Term
from maskcover.regions.base import everywhere
from tests import oracles
from tests.geometry_strategies import World, quiet_cover, worlds
from tests.laws import examples

PER_CENT = rectangles(area=0.01)


@pytest.mark.parametrize(
    ("largest", "masks", "evaluations"),
    [("4902px", 78, 3081), (5500, 60, 1830), (6000, 52, 1378), (8064, 27, 378), (12_000, 13, 91)],
)
def test_golden_covers_of_all_rectangles_of_one_per_cent(largest: int | str, masks: int, evaluations: int) -> None:
    result = cover(PER_CENT, max_mask_area=largest, shipped=False)
    assert (len(result), result.evaluations) == (masks, evaluations)
    assert result.largest_hidden_area <= int(str(largest).removesuffix("px"))
    assert result.regions == "rectangles(area=0.01)"


def test_none_of_the_78_masks_can_be_dropped() -> None:
    masks = cover(PER_CENT, max_mask_area=4902, shipped=False)
    rest = [MaskSet(masks.grid, masks.masks[:i] + masks.masks[i + 1 :]) for i in range(len(masks))]
    assert not any(verify(others, PER_CENT) for others in rest)


def test_the_78_masks_cover_by_brute_force_too() -> None:
    boxes = [
        (mask.boxes[0].start, mask.boxes[0].extents) for mask in cover(PER_CENT, max_mask_area=4902, shipped=False)
    ]
    shapes = oracles.maximal_of((a, min(502 // a, 224)) for a in range(2, 225))
    assert all(oracles.box_covered(boxes, shape, (224, 224)).all() for shape in shapes)


def test_one_box_shape_gets_the_grid_of_the_paper() -> None:
    masks = cover(squares(size=32))
    assert (len(masks), masks.largest_hidden_area, masks.evaluations) == (36, 64 * 64, 666)
    starts = (0, 33, 66, 99, 132, 160)
    assert [mask.boxes[0].start for mask in masks] == [(a, b) for a in starts for b in starts]
    assert masks == cover("squares(size=32)", 224, grid=(6, 6)) == cover(squares(32), (224, 224), masks=36)


def test_all_rectangles_get_masks_of_at_most_a_tenth() -> None:
    assert cover(PER_CENT) == cover(PER_CENT, max_mask_area=0.1)
    assert cover(PER_CENT, (60, 100)).largest_hidden_area <= 600


@pytest.mark.parametrize(("budget", "text"), [(0.1, "5017px"), ("0.1", 5017), ("1/10", "5017")])
def test_a_budget_of_area_reads_like_every_amount(budget: float | str, text: int | str) -> None:
    assert cover(PER_CENT, max_mask_area=budget) == cover(PER_CENT, max_mask_area=text)


def test_budgets_of_masks_and_evaluations_are_kept() -> None:
    assert len(cover(PER_CENT, masks=60)) <= 60
    assert cover(PER_CENT, evaluations=1830).evaluations <= 1830
    assert cover(PER_CENT, masks=60).largest_hidden_area <= 5500
    assert cover(PER_CENT, evaluations=1830).largest_hidden_area <= 5500


@given(worlds(most_patches=1), st.integers(1, 12))
def test_a_budget_of_masks_is_never_exceeded(world: World, most: int) -> None:
    masks = quiet_cover(world.regions, world.sides, masks=most)
    assert 1 <= len(masks) <= most
    assert not oracles.uncovered(oracles.hidden(masks, world.sides), world.attacks)


@given(worlds(most_members=2), st.integers(1, 40))
def test_a_budget_of_evaluations_is_never_exceeded(world: World, most: int) -> None:
    masks = quiet_cover(world.regions, world.sides, evaluations=most)
    assert 1 <= masks.evaluations <= most
    assert oracles.distinct_unions(oracles.hidden(masks, world.sides)) == masks.evaluations


@given(worlds(most_members=2), st.integers(1, 40))
def test_a_budget_of_area_is_never_exceeded(world: World, most: int) -> None:
    largest = max(attack.patches * max(map(prod, attack.shapes)) for attack in world.attacks)
    least = min(largest, prod(world.sides))  # a mask of the whole image serves always
    if least > most:
        with pytest.raises(ImpossibleCover, match=f"a largest hidden area of {least} px"):
            quiet_cover(world.regions, world.sides, max_mask_area=most)
        return
    masks = quiet_cover(world.regions, world.sides, max_mask_area=most)
    assert masks.largest_hidden_area <= most


@given(worlds(most_members=1, most_patches=1), st.integers(1, 3))
def test_a_budget_of_a_grid_is_kept_for_each_shape(world: World, most: int) -> None:
    shapes = oracles.maximal_of(world.attacks[0].shapes)
    masks = quiet_cover(world.regions, world.sides, grid=(most,) * len(world.sides))
    assert len(masks) <= len(shapes) * most ** len(world.sides)


@examples(80)
@given(worlds(), st.data())
def test_every_cover_covers_by_brute_force(world: World, data: st.DataObject) -> None:
    budgets: list[dict[str, Any]] = [
        {},
        {"masks": data.draw(st.integers(1, 30))},
        {"max_mask_area": data.draw(st.integers(1, prod(world.sides)))},
        {"grid": tuple(data.draw(st.integers(1, side)) for side in world.sides)},
    ]
    try:
        masks = quiet_cover(world.regions, world.sides, **data.draw(st.sampled_from(budgets)))
    except ImpossibleCover:
        assume(condition=False)
    assert not oracles.uncovered(oracles.hidden(masks, world.sides), world.attacks)
    assert masks.regions == str(world.regions)
    assert verify(masks)


@given(worlds(most_members=1, most_patches=1).filter(lambda world: len(world.attacks[0].shapes) == 1), st.data())
def test_one_shape_gets_the_smallest_masks_of_its_budget(world: World, data: st.DataObject) -> None:
    """No product of equal masks within the budget has smaller masks."""
    (shape,), most = world.attacks[0].shapes, data.draw(st.integers(1, 12))
    largest = quiet_cover(world.regions, world.sides, masks=most).largest_hidden_area
    costs = [oracles.fewest_product(world.sides, shape, area) for area in range(prod(shape), prod(world.sides) + 1)]
    assert largest == min(cost[1] for cost in costs if cost and cost[0] <= most)


@pytest.mark.parametrize(
    ("regions", "sides"),
    [
        (squares(5), (480, 640)),
        (rectangle(3, 40), (30, 200)),
        (rectangles(area=0.02), (40, 90)),
        (squares(7), (100,)),
        (rectangles(9), (50,)),
        (squares(2), (8, 9, 10)),
        (rectangles(6), (6, 7, 8)),
        (union(squares(4), rectangle(1, 20)), (32, 48)),
        (patches(squares(4), 2), (24, 40)),
        (patches(rectangle(2, 5), 3), (8, 12)),
        (union(squares(6), patches(squares(2), 2)), (20, 24)),
        (squares(5), (5, 5)),
        (squares(1), (1, 1)),
    ],
    ids=str,
)
def test_images_of_any_sides_are_covered_by_default(regions: RegionSet, sides: tuple[int, ...]) -> None:
    masks = quiet_cover(regions, sides)
    assert masks.grid == Grid(sides)
    assert verify(masks, regions)


def test_no_mask_of_a_cover_lies_in_another() -> None:
    for regions in (union(squares(2), squares(6)), patches(squares(2), 2), rectangles(12)):
        arrays = np.asarray(cover(regions, (24, 30), max_mask_area=120))
        flat = arrays.reshape(len(arrays), -1).astype(int)
        inside = flat @ (1 - flat).T == 0
        assert inside.sum() == len(arrays)


@pytest.mark.parametrize("name", ["masks", "evaluations"])
def test_numpy_integers_are_whole_numbers(name: str) -> None:
    budgets: list[dict[str, Any]] = [{name: np.int64(700)}, {name: 700}]
    assert cover(squares(4), 32, **budgets[0]) == cover(squares(4), 32, **budgets[1])


def test_a_grid_may_be_an_array() -> None:
    assert cover(squares(4), 32, grid=np.array([6, 6])) == cover(squares(4), 32, grid=(6, 6))


def test_the_paper_s_grid_is_made_for_every_maximal_rectangle() -> None:
    masks = cover(rectangles(area=0.01), 48, grid=(6, 6))
    assert 36 < len(masks) <= 36 * rectangles(area=0.01).describe(48).shapes
    assert verify(masks)


@pytest.mark.parametrize(("regions", "sides"), [(patches(squares(1), 3), (2,)), (patches(squares(3), 2), (4, 4))])
def test_the_whole_image_is_always_an_allowed_mask(regions: RegionSet, sides: tuple[int, ...]) -> None:
    assert quiet_cover(regions, sides, max_mask_area=prod(sides)).largest_hidden_area == prod(sides)


IMPOSSIBLE: list[tuple[Callable[[], MaskSet], str]] = [
    (lambda: cover(squares(5), 24, max_mask_area=24), r"at most 24 px .*; a largest hidden area of 25 px \(4.34%\)"),
    (lambda: cover(PER_CENT, max_mask_area=500), r"a largest hidden area of 501 px \(1.00%\) or more is possible"),
    (lambda: cover(patches(squares(5), 2), 24, max_mask_area=49), "a largest hidden area of 50 px"),
    (lambda: cover(patches(squares(5), 2), 24, max_mask_area=0.05), "at most 28 px .* of 50 px"),
    (lambda: cover(union(squares(2), squares(6)), 24, max_mask_area=35), "a largest hidden area of 36 px"),
    (lambda: cover(union(squares(4), patches(squares(4), 2)), 24, max_mask_area=15), "a largest hidden area of 32 px"),
    (lambda: cover(squares(5), 24, masks=0), "masks=0 is too small a budget; at least 1 is possible"),
    (lambda: cover(squares(5), 24, evaluations=-1), "evaluations=-1 is too small a budget; at least 1 is possible"),
    (lambda: cover(patches(squares(3), 4), 64, grid=(9, 9)), "would have .* masks; at most 200,000 are made"),
    (lambda: cover(squares(1), 999, max_mask_area=1), "would have 998,001 masks; at most 200,000 are made"),
]


@pytest.mark.parametrize(("make", "message"), IMPOSSIBLE)
def test_the_refusal_of_an_impossible_request_says_what_is_possible(make: Callable[[], MaskSet], message: str) -> None:
    with pytest.raises(ImpossibleCover, match=message):
        make()


BAD: list[tuple[Callable[[], MaskSet], str]] = [
    (lambda: cover(squares(25), 24), "25×25 and has no place on 24×24"),
    (lambda: cover(squares(5), (24, 4)), "5×5 and has no place on 24×4"),
    (lambda: cover("squares(5", 24), "cannot read the region text"),
    (lambda: cover(5, 24), "expected a region set or its text"),  # type: ignore[arg-type]  # refused
    (lambda: cover(squares(5), 0), "image_size must be"),
    (lambda: cover(squares(5), "24"), "image_size must be"),  # type: ignore[arg-type]  # refused
    (lambda: cover(squares(5), 24, masks=3, grid=(6, 6)), "name one budget at most; got masks and grid"),
    (lambda: cover(squares(5), 24, evaluations=3, max_mask_area=50), "got evaluations and max_mask_area"),
    (lambda: cover(squares(5), 24, masks=2.5), "masks must be a whole number; got 2.5"),  # type: ignore[arg-type]  # refused
    (lambda: cover(squares(5), 24, masks=True), "masks must be a whole number; got True"),
    (lambda: cover(squares(5), 24, evaluations="many"), "evaluations must be"),  # type: ignore[arg-type]  # refused
    (lambda: cover(squares(5), 24, max_mask_area=0), "max_mask_area must be at least 1 pixel"),
    (lambda: cover(squares(5), 24, max_mask_area=1.0), "max_mask_area as a fraction must lie strictly between 0 and 1"),
    (lambda: cover(squares(5), 24, max_mask_area="big"), "max_mask_area must be pixels"),
    (lambda: cover(squares(5), 24, grid=6), "grid must be 2 whole numbers"),  # type: ignore[arg-type]  # refused
    (lambda: cover(squares(5), 24, grid=(6,)), "grid must be 2 whole numbers"),
    (lambda: cover(squares(5), 24, grid=(6, 0)), "grid must be 2 whole numbers of at least 1"),
    (lambda: cover(squares(5), 24, grid=(6, 2.0)), "grid must be 2 whole numbers"),  # type: ignore[arg-type]  # refused
    (lambda: cover(squares(5), 24, grid="66"), "grid must be 2 whole numbers"),  # type: ignore[arg-type]  # refused
    (lambda: cover(squares(5), (24,), grid=(6, 6)), "grid must be 1 whole numbers"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_what_is_no_request_is_refused(make: Callable[[], MaskSet], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make()


def _drop_last_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    every = ProductGrid.boxes
    monkeypatch.setattr(ProductGrid, "boxes", lambda grid: list(every(grid))[:-1])


def _drop_last_start(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = AxisMasks.starts.fget  # type: ignore[attr-defined]  # a property, seen from its class
    monkeypatch.setattr(AxisMasks, "starts", property(lambda axis: starts(axis)[:-1]))


def _too_small_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    def smaller(slot: Slot) -> Slot:
        return tuple(everywhere(tuple(h - 1 for h in stencil.extents), Grid((24, 24))) for stencil in slot)

    _plan_for(lambda term: Term(tuple(map(smaller, term.slots))), monkeypatch)


def _one_patch_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plan for single patches, whatever the request; for a single patch, with smaller squares."""
    square = (everywhere((2, 2), Grid((24, 24))),)
    _plan_for(lambda term: Term(term.slots[:1] if term.patches > 1 else (square,)), monkeypatch)


def _plan_for(other: Callable[[Term], Term], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `cover` plan for other terms than those of the request."""
    for name in ("plan_within", "plan_by_grid"):
        made: Callable[..., Any] = getattr(plan, name)
        wrong = lambda grid, terms, *rest, made=made: made(grid, tuple(map(other, terms)), *rest)  # noqa: E731
        monkeypatch.setattr(synthesis, name, wrong)


def _swapped_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    every = ProductGrid.boxes
    turned = lambda grid: (Box(box.start[::-1], box.stop[::-1]) for box in every(grid))  # noqa: E731
    monkeypatch.setattr(ProductGrid, "boxes", turned)


@pytest.mark.parametrize("fault", [_drop_last_mask, _drop_last_start, _too_small_shapes, _one_patch_only])
@pytest.mark.parametrize("regions", [squares(4), rectangles(12, min_side=2), patches(squares(3), 2)], ids=str)
@pytest.mark.parametrize("budget", [{}, {"masks": 40}, {"max_mask_area": 90}, {"grid": (3, 3)}], ids=str)
def test_a_wrong_plan_is_a_fault_and_never_a_cover(
    fault: Callable[[pytest.MonkeyPatch], None],
    regions: RegionSet,
    budget: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert verify(cover(regions, 24, **budget))
    fault(monkeypatch)
    with pytest.raises(SynthesisFault, match=r"does not cover .* Please report this as a bug"):
        cover(regions, 24, **budget)


def test_swapped_sides_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    _swapped_sides(monkeypatch)
    with pytest.raises(SynthesisFault):
        cover(rectangle(2, 9), 24)


@given(st.sampled_from([1, 2, 4]), st.integers(1, 3), st.integers(1, 8), st.integers(1, 64))
def test_a_budget_of_area_holds_for_aligned_and_for_multiple_masks(
    align: int, multiplicity: int, side: int, most: int
) -> None:
    try:
        masks = quiet_cover(squares(side), (8, 8), max_mask_area=most, align=align, multiplicity=multiplicity)
    except ImpossibleCover:
        assert most < 64 or multiplicity > 1
        return
    assert masks.largest_hidden_area <= most
    assert verify(masks, multiplicity=multiplicity)
    edges = np.concatenate([mask.bounds.ravel() for mask in masks])
    assert not (edges % align).any()


@pytest.mark.parametrize("keywords", [{"align": 16, "max_mask_area": 1100}, {"multiplicity": 9, "max_mask_area": 1100}])
def test_masks_too_small_for_the_request_are_impossible(keywords: dict[str, int]) -> None:
    with pytest.raises(ImpossibleCover, match="no masks of at most 1100 px hold the patches and cover with align="):
        cover(squares(32), **keywords)  # type: ignore[arg-type]  # mypy cannot tell which keyword


@pytest.mark.parametrize(
    ("keywords", "masks"), [({"masks": 40}, 36), ({"evaluations": 700}, 36), ({"grid": (6, 6)}, 36)]
)
def test_token_aligned_masks(keywords: dict[str, Any], masks: int) -> None:
    """For 32×32 on 224 with tokens of 16: stride 32, masks of 64×64, and still 36 of them."""
    aligned = cover(squares(32), align=16, **keywords)
    assert len(aligned) == masks
    assert {box.extents for mask in aligned for box in mask.boxes} == {(64, 64)}


def test_one_mask_is_enough_for_terms_that_lie_apart() -> None:
    apart = union(avoiding(squares(1), (0, 1)), within(patches(squares(1), 2), (0, 1)))
    assert len(quiet_cover(apart, (2,), masks=1)) == 1
