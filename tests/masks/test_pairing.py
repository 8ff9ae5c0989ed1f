"""The pairs of masks: each mask once, neighbours on product grids, and no exchange of two masks makes them better."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given

from maskcover import Grid, Mask, MaskSet, cover, patches, squares
from maskcover.masks import pairing
from maskcover.masks.pairing import neighbours
from tests.geometry_strategies import SIDES, plain_set, stacks
from tests.oracles import BoolArray

STACKS = SIDES.flatmap(lambda sides: stacks(sides))


def union_areas(array: BoolArray, pairs: list[list[int]]) -> int:
    """The cells that the unions of the pairs hide, added up."""
    return sum(int((array[first] | array[second]).sum()) for first, second in pairs)


@given(STACKS)
def test_each_mask_is_in_one_pair_and_at_most_one_is_alone(array: BoolArray) -> None:
    pairs = plain_set(array).pairing
    assert (pairs.dtype, pairs.shape) == (np.int64, (-(-len(array) // 2), 2))
    alone = pairs[pairs[:, 0] == pairs[:, 1], 0].tolist()
    assert len(alone) == len(array) % 2
    assert sorted(pairs.ravel().tolist()) == sorted([*range(len(array)), *alone])
    assert (pairs[:, 0] <= pairs[:, 1]).all()
    assert (np.diff(pairs[:, 0]) > 0).all()


@given(STACKS)
def test_no_exchange_of_two_masks_makes_the_areas_of_the_unions_smaller(array: BoolArray) -> None:
    pairs = plain_set(array).pairing.tolist()
    for one, other in combinations(range(len(pairs)), 2):
        for mine, theirs in ((1, 0), (1, 1), (0, 0), (0, 1)):
            if pairs[one][0] == pairs[one][1] or pairs[other][0] == pairs[other][1]:
                continue
            changed = [list(pair) for pair in pairs]
            changed[one][mine], changed[other][theirs] = changed[other][theirs], changed[one][mine]
            assert union_areas(array, changed) >= union_areas(array, pairs)


@pytest.mark.parametrize("sides", [(2, 3), (3, 3), (4, 5), (6, 6)], ids=str)
def test_on_a_product_grid_all_pairs_are_neighbours(sides: tuple[int, int]) -> None:
    masks = cover(squares(size=6), 60, grid=sides)
    for first, second in masks.pairing.tolist():
        rows, columns = np.divmod([first, second], sides[1])
        assert abs(rows[0] - rows[1]) + abs(columns[0] - columns[1]) == (first != second)


def test_disjoint_masks_are_paired_by_the_box_around_them() -> None:
    masks = MaskSet.from_boxes([(0, 0, 1, 2), (9, 0, 1, 2), (0, 2, 1, 2), (9, 2, 1, 2)], (10, 4))
    assert masks.pairing.tolist() == [[0, 2], [1, 3]]


def test_an_exchange_undoes_a_greedy_pair() -> None:
    # The two in the middle have most in common, 3 cells; with 2 and 2 the outer pairs are better.
    masks = MaskSet.from_boxes([(0, 0, 1, 4), (0, 2, 1, 6), (0, 5, 1, 5), (0, 8, 1, 4)], (1, 12))
    assert masks.pairing.tolist() == [[0, 1], [2, 3]]


def test_the_pairs_are_a_function_of_the_masks_alone_and_kept() -> None:
    masks = cover(patches(squares(size=2), k=2), 20, grid=(3, 3))
    again = MaskSet(masks.grid, masks.masks)
    assert again.pairing.tolist() == masks.pairing.tolist()
    assert masks.pairing is masks.pairing


def test_masks_of_very_many_boxes_are_compared_by_the_boxes_around_them(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = cover(squares(size=2), 20, grid=(3, 3))
    exact = masks.pairing.tolist()
    monkeypatch.setattr(pairing, "_MOST_BOXES", 1)
    assert neighbours(masks.masks).tolist() == exact


def test_masks_that_hide_nothing_and_no_masks_at_all_have_pairs_too() -> None:
    empty = MaskSet(Grid((4, 4)), (Mask((), ndim=2), Mask((), ndim=2), Mask((), ndim=2)))
    assert np.unique(empty.pairing).tolist() == [0, 1, 2]
    assert neighbours(()).shape == (0, 2)
