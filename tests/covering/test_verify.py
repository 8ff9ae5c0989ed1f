"""`verify` against Definition 1 by brute force: the answer, the witness, and the figures of the paper's masks."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given

from maskcover import (
    Box,
    CoverReport,
    Grid,
    InvalidInput,
    Mask,
    MaskSet,
    RegionSet,
    cover,
    patches,
    rectangle,
    rectangles,
    squares,
    union,
    verify,
)
from maskcover.covering.axis import AxisMasks
from maskcover.covering.products import ProductGrid
from maskcover.covering.verification import covered_placements
from tests import oracles
from tests.geometry_strategies import World, plain_set, worlds_and_masks
from tests.laws import examples
from tests.oracles import Attack, BoolArray

SIX_SHAPES = ((5, 224), (12, 83), (23, 38), (39, 20), (84, 12), (224, 5))


@examples(250)
@given(worlds_and_masks())
def test_the_answer_and_the_witness_are_those_of_definition_1(case: tuple[World, BoolArray]) -> None:
    world, masks = case
    report = verify(plain_set(masks), world.regions)
    missed = oracles.uncovered(masks, world.attacks)
    assert bool(report) == report.covers == (not missed)
    assert report.witness is None or oracles.as_region(report.witness) in missed


@examples(80)
@given(worlds_and_masks(most_patches=1))
def test_every_placement_is_answered_as_brute_force_answers_it(case: tuple[World, BoolArray]) -> None:
    world, arrays = case
    masks, (term,) = plain_set(arrays), world.regions.terms(Grid(world.sides))
    for shape, (places, covered) in zip(term.shapes, covered_placements(masks, term.slots[0]), strict=True):
        attack = [Attack(frozenset({shape}))]
        missed, every = oracles.uncovered(arrays, attack), oracles.regions(attack, world.sides)
        answers = places.placements(covered).to_array(masks.grid)
        assert places.total(np.ones_like(places.allowed)) == len(every)
        assert places.total(covered) == answers.sum()
        assert {tuple(start) for start in np.argwhere(answers)} == {r[0][0] for r in set(every) - missed}


@examples(40)
@given(worlds_and_masks(most_patches=1))
def test_a_mask_of_one_box_is_no_special_case(case: tuple[World, BoolArray]) -> None:
    """A far cell makes a box a union of boxes, which another algorithm decides."""
    world, arrays = case
    wider = np.pad(arrays, [(0, 0)] + [(0, 2)] * (arrays.ndim - 1))
    dotted = wider.copy()
    dotted.reshape(len(dotted), -1)[:, -1] = True
    slot, grid = world.regions.terms(Grid(world.sides))[0].slots[0], Grid(wider.shape[1:])
    for plain, odd in zip(*(covered_placements(plain_set(a), slot) for a in (wider, dotted)), strict=True):
        assert (plain[0].placements(plain[1]).to_array(grid) == odd[0].placements(odd[1]).to_array(grid)).all()


def test_all_pairs_of_boxes_on_a_short_axis() -> None:
    """Every two masks, every patch, every axis of at most five cells."""
    for length in range(1, 6):
        intervals = [(a, b) for a in range(length) for b in range(1, length - a + 1)]
        for (first, second), patch in product(product(intervals, repeat=2), range(1, length + 1)):
            spans = [Box((start,), (start + size,)) for start, size in (first, second)]
            masks = MaskSet(Grid((length,)), tuple(Mask([span]) for span in spans))
            missed = oracles.uncovered(oracles.hidden(masks, (length,)), [Attack(frozenset({(patch,)}))])
            assert bool(verify(masks, squares(patch))) == (not missed)


def _paper_masks() -> MaskSet:
    """Six shapes, mask sides clipped to the image, stride 32 (paper, section 5.1)."""
    grids = [ProductGrid(tuple(AxisMasks(224, min(p + 31, 224), 32) for p in shape)) for shape in SIX_SHAPES]
    return MaskSet(Grid.of(224), tuple(Mask([box]) for grid in grids for box in grid.boxes()))


def test_the_168_masks_of_the_paper_cover_every_rectangle_of_one_per_cent() -> None:
    masks = _paper_masks()
    assert (len(masks), masks.evaluations, masks.largest_hidden_area) == (168, 14_196, 8_064)
    assert verify(masks, rectangles(area=0.01))
    assert verify(masks, "rectangles(area=501)")


def test_the_168_masks_of_the_paper_cover_by_brute_force_too() -> None:
    boxes = [(mask.boxes[0].start, mask.boxes[0].extents) for mask in _paper_masks()]
    shapes = oracles.maximal_of((a, min(502 // a, 224)) for a in range(2, 225))
    covered = [oracles.box_covered(boxes, shape, (224, 224)) for shape in sorted(shapes)]
    assert (len(covered), sum(map(np.size, covered))) == (41, 1_401_915)
    assert all(answers.all() for answers in covered)


def test_54_of_the_168_masks_of_the_paper_can_be_dropped_alone() -> None:
    masks, regions = _paper_masks(), rectangles(area=0.01)
    without = [MaskSet(masks.grid, masks.masks[:i] + masks.masks[i + 1 :]) for i in range(len(masks))]
    assert sum(bool(verify(rest, regions)) for rest in without) == 54


def test_a_larger_region_than_the_masks_were_made_for_is_refuted() -> None:
    masks = cover(squares(size=32))
    assert verify(masks, squares(size=32))
    assert verify(masks, squares(size=31))
    report = verify(masks, squares(size=33))
    assert not report
    assert [patch.span.extents for patch in report.witness or ()] == [(33, 33)]


def test_the_report_says_what_was_checked() -> None:
    masks = cover(squares(size=32))
    report = verify(masks)
    assert isinstance(report, CoverReport)
    assert (report.regions, report.masks, report.witness, report.covers) == (squares(32), masks, None, True)
    assert str(report) == (
        "covers: each of the 37,249 placements of squares(size=32) on 224×224 lies inside one of 36 masks"
    )


def test_a_refutation_shows_the_region_that_is_missed() -> None:
    report = verify(cover(squares(size=32))[1:])
    assert str(report) == (
        "does not cover squares(size=32) on 224×224: no mask contains 32×32 at rows 0–31, columns 0–31"
    )
    two = verify(cover(squares(size=32)), patches(squares(size=32), k=2))
    assert len(two.witness or ()) == 2
    assert " with " in str(two)


def test_a_claim_that_is_false_is_refuted() -> None:
    masks = MaskSet.from_boxes([(0, 0, 4, 8), (4, 0, 4, 8)], 8, regions="squares(size=2)")
    assert not verify(masks)
    assert verify(masks, squares(1))


@pytest.mark.parametrize(
    "regions",
    [squares(1), rectangles(4), patches(squares(2), 2), union(squares(1), patches(squares(1), 3)), rectangle(8, 8)],
    ids=str,
)
def test_no_masks_and_masks_that_hide_nothing_cover_nothing(regions: object) -> None:
    for masks in ((), (Mask([]),), (Mask([]), Mask([]))):
        report = verify(MaskSet(Grid((8, 8)), masks), str(regions))
        assert not report
        assert report.witness


LYING, STANDING = rectangle(1, 4), rectangle(4, 1)


@pytest.mark.parametrize(
    ("covered", "missed"),
    [
        (squares(3), patches(squares(3), 2)),
        (patches(squares(1), 2), squares(5)),
        (squares(5), patches(squares(1), 3)),
        (LYING, STANDING),
        (patches(LYING, 2), patches(STANDING, 2)),
        (patches(STANDING, 2), patches(LYING, 2)),
        (patches(LYING, 2), patches(squares(2), 3)),
    ],
    ids=str,
)
def test_every_member_of_a_union_is_checked(covered: RegionSet, missed: RegionSet) -> None:
    masks = cover(covered, 16, max_mask_area=64)
    assert verify(masks, covered)
    for regions in (union(covered, missed), union(missed, covered)):
        report = verify(masks, regions)
        assert not report
        assert len(report.witness or ()) == missed.terms(masks.grid)[0].patches


def test_the_whole_image_covers_everything() -> None:
    for sides, text in product([(6,), (4, 5), (2, 3, 4)], ["squares(2)", "rectangles(4)", "patches(squares(2), k=3)"]):
        assert verify(plain_set(np.ones((1, *sides), dtype=np.bool_)), text)


def test_images_are_rows_first() -> None:
    masks = MaskSet.from_boxes([(0, 0, 2, 12), (2, 0, 2, 12)], (4, 12))
    assert verify(masks, rectangle(1, 12))
    assert not verify(masks, rectangle(4, 1))


@pytest.mark.parametrize("sides", [(2**40,), (2**20, 2**20), (2**40, 2**40), (2**62, 2**62), (2**63,), (2**63 + 5,)])
def test_images_beyond_all_reason_are_refused_or_judged_exactly(sides: tuple[int, ...]) -> None:
    """The last cell is in no mask, and arithmetic of 64 bits must not lose it."""
    try:
        hidden = Box((0,) * len(sides), tuple(min(side, 2**63) - 1 for side in sides))
        masks = MaskSet(Grid(sides), (Mask([hidden]),))
        report = verify(masks, squares(1))
    except InvalidInput as refusal:
        assert str(refusal)  # noqa: PT017 (either answer is right)
    else:
        assert not report
        assert masks.largest_hidden_area == hidden.volume
