"""Distinct unions of two masks: equal unions once, and nothing that differs together."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given

from maskcover import Grid, InvalidInput, Mask, MaskSet, cover, squares
from maskcover.masks.unions import without_contained
from tests import oracles
from tests.geometry_strategies import SIDES, plain_set, stacks
from tests.oracles import BoolArray

STACKS = SIDES.flatmap(lambda sides: stacks(sides))


@given(STACKS)
def test_two_pairs_have_one_id_exactly_when_they_hide_the_same_cells(array: BoolArray) -> None:
    ids = plain_set(array).unions.ids
    cells = {(i, j): (array[i] | array[j]).tobytes() for i, j in np.ndindex(ids.shape)}
    assert all((ids[p] == ids[q]) == (cells[p] == cells[q]) for p, q in combinations(cells, 2))


@given(STACKS)
def test_each_id_has_a_pair_that_gives_it(array: BoolArray) -> None:
    masks = plain_set(array)
    unions = masks.unions
    assert len(unions) == masks.evaluations == oracles.distinct_unions(array)
    assert [unions.ids[i, j] for i, j in unions.pairs] == list(range(len(unions)))


@given(STACKS)
def test_single_masks_come_first_in_order(array: BoolArray) -> None:
    unions = plain_set(array).unions
    singles = list(dict.fromkeys(mask.tobytes() for mask in array))
    assert [array[i].tobytes() for i, _ in unions.pairs[: len(singles)]] == singles
    assert all(i == j for i, j in unions.pairs[: len(singles)])
    assert all(i < j for i, j in unions.pairs[len(singles) :])


def test_36_masks_have_666_unions() -> None:
    masks = cover(squares(size=32))
    assert (len(masks), masks.evaluations) == (36, 36 + 630)


def test_masks_that_hide_nothing_are_one_union() -> None:
    empty = Mask([])
    assert MaskSet(Grid((4, 4)), (empty, empty)).unions.ids.tolist() == [[0, 0], [0, 0]]


@given(STACKS)
def test_the_masks_kept_lie_in_no_other_and_hold_all_the_rest(array: BoolArray) -> None:
    kept = oracles.hidden(without_contained(plain_set(array).masks, Grid(array.shape[1:])), array.shape[1:])
    assert not any((a & ~b).any() == np.False_ for i, a in enumerate(kept) for j, b in enumerate(kept) if i != j)
    assert all(any(not (mask & ~other).any() for other in kept) for mask in array)


@given(STACKS)
def test_the_masks_kept_stay_in_order(array: BoolArray) -> None:
    masks = plain_set(array).masks
    positions = [masks.index(mask) for mask in without_contained(masks, Grid(array.shape[1:]))]
    assert positions == sorted(positions)


def test_too_many_pairs_are_refused_before_they_are_made() -> None:
    masks = MaskSet.from_boxes([(0, start, 1, 1) for start in range(12_000)], image_size=(1, 12_000))
    with pytest.raises(InvalidInput, match="the unions of two of 12,000 masks are too many to list"):
        masks.unions  # noqa: B018 (a property that raises)
