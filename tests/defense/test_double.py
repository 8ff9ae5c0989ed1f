"""Algorithm 1 takes its three cases as the paper has them, and asks for no more than the case needs."""

from __future__ import annotations

import numpy as np
import pytest

from maskcover.classifiers import UNDECIDED, UNSEEN
from maskcover.defense import Case, Defended, Pending, double_masking
from maskcover.defense.double import first_round, lowest_label
from tests.defense.naive import IntArray, symmetric

U, N = UNDECIDED, UNSEEN

TIES = {
    "the most frequent": ([3, 1, 3, 1, 3], 3),
    "of two the lower": ([3, 1, 3, 1, 2], 1),
    "of three the lowest": ([2, 1, 0], 0),
    "order plays no part": ([0, 1, 1, 0], 0),
    "alone": ([5], 5),
    "no label that is the most frequent": ([U, U, 1], U),
    "no label loses a tie": ([U, 2, U, 2], 2),
    "no label loses a tie of three": ([U, 4, 2], 2),
    "nothing but no labels": ([U, U], U),
}


@pytest.mark.parametrize(("labels", "winner"), TIES.values(), ids=TIES)
def test_the_majority_is_the_most_frequent_label_and_of_tied_ones_the_lowest(labels: list[int], winner: int) -> None:
    assert lowest_label(np.array(labels)) == winner


# Entries of symmetric tables on and above the diagonal, row by row.
FULL: dict[str, tuple[int, list[int], Defended]] = {
    "one mask": (1, [4], Defended(4, Case.AGREED)),
    "case I looks at single masks only": (3, [1, 0, 0, 1, 0, 1], Defended(1, Case.AGREED)),
    "case I without a label": (2, [U, 0, U], Defended(U, Case.AGREED)),
    "case II, an unanimous disagreer": (3, [0, 0, 2, 0, 2, 2], Defended(2, Case.DISAGREER, 2)),
    "case II against a larger majority": (4, [0, 0, 0, 2, 0, 0, 2, 0, 2, 2], Defended(2, Case.DISAGREER, 3)),
    "case II, the first of two": (4, [0, 0, 1, 0, 0, 1, 0, 1, 1, 0], Defended(1, Case.DISAGREER, 2)),
    "case II, the second after a failure": (4, [0, 0, 0, 2, 0, 0, 2, 1, 2, 2], Defended(2, Case.DISAGREER, 3)),
    "case II, a disagreer without a label": (3, [0, 0, U, 0, U, U], Defended(U, Case.DISAGREER, 2)),
    "case II, a tie makes the higher one a disagreer": (2, [1, 1, 0], Defended(1, Case.DISAGREER, 0)),
    "case III, a two-mask prediction speaks against": (3, [0, 0, 2, 0, 0, 2], Defended(0, Case.MAJORITY)),
    "case III, no label speaks against": (3, [0, 0, 2, 0, U, 2], Defended(0, Case.MAJORITY)),
    "case III without a label": (3, [U, 0, 0, U, 0, 2], Defended(U, Case.MAJORITY)),
}


@pytest.mark.parametrize(("count", "entries", "expected"), FULL.values(), ids=FULL)
def test_a_full_table_is_decided_by_its_case(count: int, entries: list[int], expected: Defended) -> None:
    assert double_masking(symmetric(count, entries)) == expected


GAPS: dict[str, tuple[list[int], list[tuple[int, int]]]] = {
    "nothing seen": ([N, N, N, N, N, N], [(0, 0), (1, 1), (2, 2)]),
    "one mask seen": ([0, N, N, N, N, N], [(1, 1), (2, 2)]),
    "pairs do not stand for single masks": ([0, 0, 0, 0, 0, N], [(2, 2)]),
    "the row of the disagreer": ([0, N, N, 0, N, 2], [(2, 0), (2, 1)]),
    "the rest of the row of the disagreer": ([0, N, 2, 0, N, 2], [(2, 1)]),
}


@pytest.mark.parametrize(("entries", "asked"), GAPS.values(), ids=GAPS)
def test_a_table_with_gaps_is_asked_for_what_the_next_step_needs(
    entries: list[int], asked: list[tuple[int, int]]
) -> None:
    pending = double_masking(symmetric(3, entries))
    assert isinstance(pending, Pending)
    assert [tuple(pair) for pair in pending.pairs.tolist()] == asked


def test_a_disagreer_that_something_speaks_against_is_asked_nothing_more() -> None:
    # Masks 2 and 3 disagree; F(2, 0) speaks against 2, so only the row of 3 is open.
    table = symmetric(4, [0, N, 0, N, 0, N, N, 1, N, 2])
    pending = double_masking(table)
    assert isinstance(pending, Pending)
    assert set(pending.pairs[:, 0].tolist()) == {3}


def test_the_first_viable_disagreer_is_settled_before_the_next_is_asked() -> None:
    # The row of mask 3 is complete and unanimous, yet mask 2 comes first and is open.
    table = symmetric(4, [0, N, N, 2, 0, N, 2, 1, 2, 2])
    table[2, 3] = table[3, 2] = N
    pending = double_masking(table)
    assert isinstance(pending, Pending)
    assert set(pending.pairs[:, 0].tolist()) == {2}


DECIDED_EARLY: dict[str, tuple[list[int], Defended]] = {
    "agreed after one round": ([1, N, N, 1, N, 1], Defended(1, Case.AGREED)),
    "spoken against by one entry": ([0, N, N, 0, 1, 2], Defended(0, Case.MAJORITY)),
    "one row is enough": ([0, N, 2, 0, 2, 2], Defended(2, Case.DISAGREER, 2)),
}


@pytest.mark.parametrize(("entries", "expected"), DECIDED_EARLY.values(), ids=DECIDED_EARLY)
def test_what_can_be_decided_with_gaps_is_decided(entries: list[int], expected: Defended) -> None:
    assert double_masking(symmetric(3, entries)) == expected


def test_the_first_round_is_every_single_mask_not_seen() -> None:
    one_mask: IntArray = np.array([0, N, 2, N])
    assert first_round(one_mask).pairs.tolist() == [[1, 1], [3, 3]]


@pytest.mark.parametrize(
    ("defended", "text"),
    [(Defended(3, Case.AGREED), "3 (agreed)"), (Defended(2, Case.DISAGREER, 5), "2 (disagreer, mask 5)")],
)
def test_a_decision_reads_as_its_label_and_case(defended: Defended, text: str) -> None:
    assert str(defended) == text
