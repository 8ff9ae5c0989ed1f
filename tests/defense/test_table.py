"""The prediction table asks for each union once and shows it wherever it belongs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import MaskSet
from maskcover.classifiers import UNDECIDED, UNSEEN
from maskcover.defense import Pending
from maskcover.defense.table import NO_MASK, PredictionTable
from tests.defense.naive import BoolArray, singles
from tests.laws import examples

# The third mask is the union of the first two, the last repeats the first: many unions are equal.
REDUNDANT = MaskSet.from_boxes(
    [(0, 0, 2, 2), (0, 2, 2, 1), (0, 0, 2, 3), (3, 0, 1, 5), (0, 0, 2, 2)],
    image_size=(5, 6),
)
SETS = {"redundant": REDUNDANT, "all unions distinct": singles(4)}
SOME_SET = pytest.mark.parametrize("masks", SETS.values(), ids=SETS)


def hidden_by(masks: MaskSet, pair: tuple[int, int]) -> BoolArray:
    """What two masks hide; `NO_MASK` hides nothing."""
    hidden = np.zeros(masks.grid.shape, dtype=np.bool_)
    for number in pair:
        if number != NO_MASK:
            hidden |= masks[number].to_array(masks.grid)
    return hidden


def pair_of(table: PredictionTable, union: int) -> tuple[int, int]:
    first, second = table.pairs(np.array([union]))[0].tolist()
    return first, second


@SOME_SET
def test_a_new_table_has_seen_nothing(masks: MaskSet) -> None:
    table = PredictionTable(masks.unions)
    assert table.matrix.shape == (len(masks), len(masks))
    assert table.matrix.dtype == np.int64
    assert (table.matrix == UNSEEN).all()
    assert table.undefended == UNSEEN
    assert table.evaluations == 0


@SOME_SET
def test_a_recorded_label_shows_at_exactly_the_pairs_that_hide_the_same(masks: MaskSet) -> None:
    for union in range(len(masks.unions) + 1):
        table = PredictionTable(masks.unions)
        table.record(np.array([union]), np.array([7]), np.array([1.0]), np.array([0.5]))
        recorded = hidden_by(masks, pair_of(table, union))
        for i in range(len(masks)):
            for j in range(len(masks)):
                same = bool((hidden_by(masks, (i, j)) == recorded).all())
                assert (table.matrix[i, j] == 7) == same
        assert (table.undefended == 7) == (not recorded.any())
        assert table.evaluations == 1


@SOME_SET
def test_the_table_is_symmetric_whatever_is_recorded(masks: MaskSet) -> None:
    table = PredictionTable(masks.unions)
    for union in range(len(masks.unions)):
        table.record(np.array([union]), np.array([union]), np.array([1.0]), np.array([0.5]))
    assert (table.matrix == table.matrix.T).all()
    assert table.evaluations == len(masks.unions)
    assert sorted(set(table.matrix.ravel().tolist())) == list(range(len(masks.unions)))


@examples(100)
@given(st.data())
def test_missing_names_every_union_asked_for_once_in_the_order_of_asking(data: st.DataObject) -> None:
    masks = data.draw(st.sampled_from(list(SETS.values())))
    number = st.integers(0, len(masks) - 1)
    pairs = data.draw(st.lists(st.tuples(number, number) | st.just((NO_MASK, NO_MASK)), min_size=1, max_size=12))
    table = PredictionTable(masks.unions)
    missing = table.missing(Pending(np.array(pairs))).tolist()
    found = [hidden_by(masks, pair_of(table, union)).tobytes() for union in missing]
    assert found == list(dict.fromkeys(hidden_by(masks, pair).tobytes() for pair in pairs))


def test_what_is_asked_for_and_recorded_is_seen() -> None:
    table = PredictionTable(REDUNDANT.unions)
    for union in table.missing(Pending(np.argwhere(table.matrix == UNSEEN))).tolist():
        table.record(np.array([union]), np.array([0]), np.array([1.0]), np.array([0.5]))
    assert (table.matrix == 0).all()
    assert table.evaluations == REDUNDANT.evaluations < len(REDUNDANT) * (len(REDUNDANT) + 1) // 2
    assert table.undefended == UNSEEN


def test_the_bare_image_is_no_entry_of_the_matrix() -> None:
    table = PredictionTable(singles(3).unions)
    table.record(
        np.array([int(table.missing(Pending(np.array([[NO_MASK, NO_MASK]])))[0])]),
        np.array([2]),
        np.array([1.0]),
        np.array([0.5]),
    )
    assert table.undefended == 2
    assert (table.matrix == UNSEEN).all()


def test_a_small_lead_is_no_firm_label_and_what_was_not_asked_for_stays_unseen() -> None:
    table = PredictionTable(singles(2).unions)
    table.record(np.array([0]), np.array([1]), np.array([0.5]), np.array([0.5]))
    table.record(np.array([1]), np.array([1]), np.array([0.1]), np.array([0.5]))
    assert table.trusted(0.1)[table.views.ids].tolist() == [[1, UNSEEN], [UNSEEN, UNDECIDED]]
    assert table.trusted(0.09)[table.views.ids].tolist() == table.matrix.tolist() == [[1, UNSEEN], [UNSEEN, 1]]
