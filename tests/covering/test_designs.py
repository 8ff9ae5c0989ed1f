"""Covering designs: every few points in a common block, block sizes kept, and the planes that make them small."""

from __future__ import annotations

from itertools import combinations
from math import ceil

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import maskcover as mc
from maskcover.covering.designs import design
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
    ("points", "size", "blocks"),
    [(25, 5, 30), (49, 7, 56), (9, 3, 12), (7, 3, 7), (31, 6, 31), (15, 3, 35), (25, 2, 300), (121, 11, 132)],
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
