"""Several patches: unions of base masks against all placements of all patches, and the mistakes of others as traps."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import MaskSet, RegionSet, cover, patches, rectangle, rectangles, squares, union, verify
from maskcover.covering.blocks import MasksByForm
from maskcover.covering.signatures import minimal, minimal_signatures, scarce_tuple, shared_count, signature_counts
from maskcover.regions import Term
from maskcover.regions.base import everywhere
from tests import oracles
from tests.geometry_strategies import plain_set, quiet_cover, several_patches, stacks
from tests.laws import examples
from tests.oracles import Attack, BoolArray, Region

PAIR = patches(squares(area=0.01), k=2)


def _attack(*shapes: tuple[int, ...], k: int) -> list[Attack]:
    return [Attack(frozenset(shapes), k)]


def _all_unions(base: MaskSet, k: int) -> MaskSet:
    """One mask for each ordered k-tuple of base masks."""
    return MaskSet(base.grid, tuple(first.union(*rest) for first, *rest in product(base, repeat=k)))


@pytest.mark.parametrize(
    ("sides", "side", "k"), [((8, 8), 2, 2), ((8, 8), 5, 2), ((5, 8), 3, 2), ((4, 5), 2, 3), ((9,), 2, 3), ((7,), 3, 2)]
)
def test_a_cover_holds_all_placements_of_all_patches(sides: tuple[int, ...], side: int, k: int) -> None:
    masks = quiet_cover(patches(squares(side), k), sides, grid=(3,) * len(sides))
    assert not oracles.uncovered(oracles.hidden(masks, sides), _attack((side,) * len(sides), k=k))


@pytest.mark.parametrize(("sides", "side", "k"), [((8, 8), 3, 2), ((6, 7), 2, 2), ((4, 4), 2, 3), ((8,), 2, 3)])
def test_a_cover_without_one_mask_misses_what_brute_force_misses(sides: tuple[int, ...], side: int, k: int) -> None:
    masks = quiet_cover(patches(squares(side), k), sides, grid=(2,) * len(sides))
    for dropped in range(min(len(masks), 4)):
        rest = MaskSet(masks.grid, masks.masks[:dropped] + masks.masks[dropped + 1 :])
        missed = oracles.uncovered(oracles.hidden(rest, sides), _attack((side,) * len(sides), k=k))
        report = verify(rest, patches(squares(side), k))
        assert bool(report) == (not missed)
        assert report.witness is None or oracles.as_region(report.witness) in missed


def test_patches_of_several_shapes_on_8_by_8() -> None:
    bars = union(rectangle(1, 4), rectangle(4, 1))
    masks = cover(patches(bars, 2), 8, max_mask_area=32)
    attack = _attack((1, 4), (4, 1), k=2)
    assert not oracles.uncovered(oracles.hidden(masks, (8, 8)), attack)
    for rest in (masks[1:], masks[:-1], masks[::2]):
        assert bool(verify(rest)) == (not oracles.uncovered(oracles.hidden(rest, (8, 8)), attack))


@examples(50)
@given(
    st.sampled_from([(4, 4), (3, 5), (7,), (2, 2, 3)]).flatmap(
        lambda sides: st.tuples(several_patches(sides), stacks(sides, most=9))
    )
)
def test_any_masks_are_judged_as_brute_force_judges(case: tuple[tuple[object, Attack], BoolArray]) -> None:
    (regions, attack), arrays = case
    pairs = np.array([a | b for a, b in product(arrays, repeat=2)])
    for masks in (arrays, pairs):
        report = verify(plain_set(masks), str(regions))
        missed = oracles.uncovered(masks, [attack])
        assert bool(report) == (not missed)
        assert report.witness is None or oracles.as_region(report.witness) in missed


def test_identical_and_overlapping_patches_count() -> None:
    """One patch twice lies in a mask of one patch; so a set for two patches covers one."""
    masks = cover(PAIR)
    assert verify(masks, squares(area=0.01))
    twice: list[Region] = [(((0, 0), (2, 2)), ((0, 0), (2, 2))), (((0, 0), (2, 2)), ((1, 1), (2, 2)))]
    missed = oracles.uncovered(oracles.hidden([], (4, 4)), _attack((2, 2), k=2))
    assert set(twice) <= missed


def test_golden_two_patches_on_a_base_of_5_by_5() -> None:
    masks = cover(PAIR)
    assert (len(masks), masks.evaluations) == (300, 15_250)
    assert masks == cover(PAIR, grid=(5, 5))


def test_golden_625_ordered_pairs_are_195_625_pairs_of_15_275_unions() -> None:
    base = cover(squares(area=0.01), grid=(5, 5))
    ordered = _all_unions(base, 2)
    assert (len(ordered), len(ordered) * (len(ordered) + 1) // 2) == (625, 195_625)
    assert ordered.evaluations == 15_275 == 25 + 300 + 2_300 + 12_650
    assert verify(ordered, PAIR)


def test_the_25_doubled_masks_are_needed_by_no_covering() -> None:
    base = cover(squares(area=0.01), grid=(5, 5))
    pairs = MaskSet(base.grid, tuple(a.union(b) for a, b in combinations(base, 2)))
    assert pairs == cover(PAIR)
    assert verify(pairs, PAIR)


def test_the_two_round_unions_are_of_four_base_masks_not_three() -> None:
    """The three-mask mistake: certifying two patches with unions of at most three base masks."""
    base = np.asarray(cover(squares(area=0.01), grid=(5, 5))).reshape(25, -1)
    masks = cover(PAIR)
    cells = np.asarray(masks).reshape(len(masks), -1)
    sizes = [sum(not (part & ~(cells[i] | cells[j])).any() for part in base) for i, j in masks.unions.pairs[::97]]
    assert max(sizes) == 4
    assert masks.evaluations - (300 + 2_300) == 12_650


@pytest.mark.parametrize("k", [2, 3])
def test_unions_of_fewer_masks_than_patches_do_not_cover(k: int) -> None:
    base = cover(squares(3), 12, grid=(3, 3))
    fewer = MaskSet(base.grid, tuple(first.union(*rest) for first, *rest in combinations(base, k - 1)))
    enough = MaskSet(base.grid, tuple(first.union(*rest) for first, *rest in combinations(base, k)))
    assert verify(fewer, patches(squares(3), k - 1) if k > 2 else squares(3))
    report = verify(fewer, patches(squares(3), k))
    assert [patch.span.extents for patch in report.witness or ()] == [(3, 3)] * k
    assert verify(enough, patches(squares(3), k))


def test_more_patches_than_base_masks_need_the_union_of_all() -> None:
    masks = quiet_cover(patches(squares(2), 5), (6, 6), grid=(2, 2))
    assert len(masks) == 1
    assert verify(masks, patches(squares(2), 9))


def test_fewer_patches_are_covered_by_masks_for_more() -> None:
    masks = cover(patches(rectangles(4), 3), (10, 16), max_mask_area=72)
    assert all(verify(masks, region) for region in (rectangles(4), patches(rectangles(4), 2), patches(squares(2), 3)))


def test_a_union_of_patches_is_judged_exactly() -> None:
    """Two lying bars, or two standing ones, never one of each."""
    lying, standing = patches(rectangle(1, 3), 2), patches(rectangle(3, 1), 2)
    masks = cover(lying, 8, max_mask_area=32) + cover(standing, 8, max_mask_area=32)
    assert verify(masks, lying)
    assert verify(masks, standing)
    assert verify(masks, union(lying, standing))


SIGNATURES = st.lists(st.integers(0, 2**9 - 1), min_size=1, max_size=9, unique=True)


@given(SIGNATURES)
def test_the_minimal_signatures_contain_no_other(signatures: list[int]) -> None:
    least = set(minimal(dict.fromkeys(signatures)))
    assert least == {a for a in signatures if not any(a != b and a & b == b for b in signatures)}


@given(SIGNATURES, st.integers(1, 3), st.integers(1, 3))
def test_a_scarce_tuple_shares_too_few_masks(signatures: list[int], k: int, multiplicity: int) -> None:
    """Cells of a line, each in the masks of its signature; equal masks are one mask."""
    mask_set, different = _masks_of(signatures), len(set(_masks_of(signatures)))
    cell = (everywhere((1,), mask_set.grid),)
    missed = scarce_tuple(mask_set, Term((cell,) * k), multiplicity)
    masks = [set(column) for column in {frozenset(np.flatnonzero(row)) for row in np.asarray(mask_set)}]
    assert len(masks) == different

    def shared(cells: tuple[int, ...]) -> int:
        return sum(mask.issuperset(cells) for mask in masks)

    fewest = min(map(shared, product(range(len(signatures)), repeat=k)))
    assert (missed is not None) == (fewest < multiplicity)
    if missed is not None:
        assert [patch.area for patch in missed] == [1] * k
        assert shared(tuple(patch.span.start[0] for patch in missed)) == fewest


def _masks_of(signatures: list[int]) -> MaskSet:
    return plain_set(np.array([[number >> bit & 1 for number in signatures] for bit in range(9)], dtype=np.bool_))


@given(SIGNATURES)
def test_the_minimal_signatures_of_cells_are_those_of_their_masks(signatures: list[int]) -> None:
    masks = _masks_of(signatures)
    firsts = [number for number, mask in enumerate(masks) if masks.masks.index(mask) == number]
    once = {sum(number & 1 << bit for bit in firsts) for number in signatures}
    least = minimal_signatures(MasksByForm.of(masks), (everywhere((1,), masks.grid),))
    assert set(least) == {a for a in once if not any(a != b and a & b == b for b in once)}
    assert all(
        sum(signatures[patch.span.start[0]] & 1 << bit for bit in firsts) == signature
        for signature, patch in least.items()
    )


@examples(30)
@given(
    st.sampled_from([(4, 4), (3, 5), (7,)]).flatmap(
        lambda sides: st.tuples(several_patches(sides), stacks(sides, most=5))
    )
)
def test_covered_tuples_are_counted_as_brute_force_counts(case: tuple[tuple[RegionSet, Attack], BoolArray]) -> None:
    (regions, attack), arrays = case
    masks, sides = plain_set(arrays), arrays.shape[1:]
    (term,) = regions.terms(masks.grid)
    counts = signature_counts(MasksByForm.of(masks), term.slots[0])
    maximal_attack = [Attack(frozenset(oracles.maximal_of(attack.shapes)), attack.patches)]
    missed = oracles.uncovered(arrays, maximal_attack)
    every = oracles.regions(maximal_attack, sides)
    assert sum(counts.values()) ** attack.patches == len(every) == regions.describe(sides).placements
    assert shared_count(masks, term) == sum(region not in missed for region in every)
