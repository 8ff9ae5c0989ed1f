"""Covering designs: every few points in a common block, block sizes kept, and the planes that make them small."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product
from math import ceil

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import maskcover as mc
from maskcover.covering.designs import design
from maskcover.covering.fields import (
    affine_plane,
    field,
    inversive_plane,
    octads_through_two,
    prime_power,
    projective_plane,
)
from tests import oracles
from tests.geometry_strategies import quiet_cover


@given(st.integers(1, 26), st.integers(2, 8), st.integers(1, 4))
@example(3, 2, 4)
def test_every_few_points_lie_in_a_common_block(points: int, size: int, strength: int) -> None:
    blocks = design(points, size, strength)
    held = {chosen for block in blocks for chosen in combinations(block, min(strength, points))}
    assert held >= set(combinations(range(points), min(strength, points)))
    assert all(len(set(block)) == len(block) <= max(size, strength) for block in blocks)


@given(st.integers(2, 40), st.integers(2, 8))
def test_no_design_of_pairs_is_below_the_bound_of_schoenheim(points: int, size: int) -> None:
    blocks = design(points, size, 2)
    assert len(blocks) >= (1 if size >= points else ceil(points / size * ceil((points - 1) / (size - 1))))


@pytest.mark.parametrize(
    ("points", "size", "strength", "blocks"),
    [(16, 4, 2, 20), (8, 5, 3, 8), (12, 6, 3, 15), (10, 4, 3, 30), (22, 6, 3, 77), (17, 5, 3, 68), (64, 8, 2, 72)],
)
def test_designs_are_as_small_as_those_in_tables(points: int, size: int, strength: int, blocks: int) -> None:
    smallest = design(points, size, strength)
    assert len(smallest) == blocks
    assert {part for block in smallest for part in combinations(block, strength)} == set(
        combinations(range(points), strength)
    )
    assert max(map(len, smallest)) <= size
    assert smallest == design.__wrapped__(points, size, strength)  # the same again


@given(st.integers(2, 16))
def test_fields_have_the_laws_of_fields(order: int) -> None:
    numbers = field(order)
    assert (numbers is None) == (prime_power(order) is None) == (order in (6, 10, 12, 14, 15))
    if numbers is None:
        assert not list(affine_plane(order))
        assert not list(inversive_plane(order))
        return
    elements = range(order)
    for a, b, c in product(elements, repeat=3):
        assert numbers.products[a][numbers.sums[b][c]] == numbers.sums[numbers.products[a][b]][numbers.products[a][c]]
        assert numbers.products[a][numbers.products[b][c]] == numbers.products[numbers.products[a][b]][c]
        assert numbers.sums[a][numbers.sums[b][c]] == numbers.sums[numbers.sums[a][b]][c]
    for a, b in product(elements, repeat=2):
        assert numbers.products[a][b] == numbers.products[b][a]
        assert numbers.sums[numbers.minus(a, b)][b] == a
        assert b == 0 or numbers.products[numbers.over(a, b)][b] == a


STEINER = [
    *((f"affine {q}", affine_plane(q), q**2, q, 2) for q in (2, 3, 4, 5, 7, 8, 9)),
    *((f"projective {q}", projective_plane(q), q**2 + q + 1, q + 1, 2) for q in (2, 3, 4, 5, 7, 8, 9)),
    *((f"inversive {q}", inversive_plane(q), q**2 + 1, q + 1, 3) for q in (2, 3, 4)),
    ("octads", octads_through_two(), 22, 6, 3),
]


@pytest.mark.parametrize(
    ("blocks", "points", "size", "strength"), [c[1:] for c in STEINER], ids=[c[0] for c in STEINER]
)
def test_a_few_points_lie_in_exactly_one_block(
    blocks: Iterator[tuple[int, ...]], points: int, size: int, strength: int
) -> None:
    listed = list(blocks)
    assert all(len(set(block)) == len(block) == size for block in listed)
    parts = [part for block in listed for part in combinations(sorted(block), strength)]
    assert sorted(parts) == list(combinations(range(points), strength))


@pytest.mark.parametrize(
    ("points", "size", "blocks"),
    [
        (25, 5, 30),
        (49, 7, 56),
        (9, 3, 12),
        (7, 3, 7),
        (31, 6, 31),
        (15, 3, 35),
        (25, 2, 300),
        (121, 11, 132),
        (27, 3, 117),
    ],
)
def test_planes_and_triples_are_as_small_as_can_be(points: int, size: int, blocks: int) -> None:
    assert len(design(points, size, 2)) == blocks


def test_two_patches_need_fewer_masks_than_all_pairs_where_masks_may_be_large() -> None:
    """Masks of at most 30 %: pairs alone need 120."""
    regions = mc.patches(mc.squares(area=0.01), 2)
    masks = mc.cover(regions, max_mask_area=0.3)
    side = next(k for k in range(1, 20) if 2 * (22 + ceil(202 / k)) ** 2 <= 0.3 * 224**2)
    pairs = side**2 * (side**2 - 1) // 2
    assert (len(masks), pairs) == (66, 120)
    assert mc.verify(masks, regions)


@pytest.mark.parametrize("k", [2, 3])
def test_covers_by_designs_cover_by_brute_force(k: int) -> None:
    sides = (7, 6)
    masks = quiet_cover(mc.patches(mc.squares(1), k), sides, max_mask_area=28)
    assert max(mask.area for mask in masks) <= 28
    if k == 2:
        attack = oracles.Attack(frozenset({(1, 1)}), k)
        assert not oracles.uncovered(_arrays(masks), [attack])


def _arrays(masks: mc.MaskSet) -> oracles.BoolArray:
    return oracles.hidden(masks, masks.grid.shape)
