"""Certificates say certified only of what was seen to be right, and ask for what could still decide."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from maskcover import InvalidInput
from maskcover.classifiers import UNDECIDED, UNSEEN
from maskcover.defense import Certificate, Pending, all_pairs, row_certificate
from tests.defense.naive import BoolArray, IntArray, symmetric

U, N = UNDECIDED, UNSEEN
Covers = Callable[[BoolArray], bool]


def needs(*sets: set[int]) -> Covers:
    """Covering that holds exactly when all masks of one of these sets are selected."""
    return lambda selected: any(wanted <= set(np.flatnonzero(selected).tolist()) for wanted in sets)


ALL_THREE = needs({0, 1, 2})
FIRST_TWO = needs({0, 1})
ANY_PAIR = needs({0, 1}, {0, 2}, {1, 2})

# Full tables for label 1, entries on and above the diagonal: covers, certified, good, failing.
FULL: dict[str, tuple[list[int], Covers, bool, tuple[int, ...], tuple[int, int] | None]] = {
    "all right": ([1, 1, 1, 1, 1, 1], ALL_THREE, True, (0, 1, 2), None),
    "all right, yet not covering": ([1, 1, 1, 1, 1, 1], needs({7}), False, (0, 1, 2), None),
    "one single mask wrong": ([1, 1, 1, 1, 1, 0], FIRST_TWO, True, (0, 1), (2, 2)),
    "one single mask wrong that was needed": ([1, 1, 1, 1, 1, 0], ALL_THREE, False, (0, 1), (2, 2)),
    "a wrong pair spoils both rows": ([1, 1, 0, 1, 1, 1], FIRST_TWO, False, (1,), (0, 2)),
    "good rows that cover too little": ([1, 1, 0, 1, 1, 1], ANY_PAIR, False, (1,), (0, 2)),
    "no label is a wrong label": ([1, 1, 1, 1, 1, U], ALL_THREE, False, (0, 1), (2, 2)),
    "nothing right": ([0, 0, 0, 0, 0, 0], ANY_PAIR, False, (), (0, 0)),
    "nothing but no labels": ([U, U, U, U, U, U], ANY_PAIR, False, (), (0, 0)),
}


@pytest.mark.parametrize("exhaustive", [False, True])
@pytest.mark.parametrize(("entries", "covers", "certified", "good", "failing"), FULL.values(), ids=FULL)
def test_rows_certify_exactly_when_the_wholly_right_ones_cover(
    entries: list[int],
    covers: Covers,
    certified: bool,
    good: tuple[int, ...],
    failing: tuple[int, int] | None,
    exhaustive: bool,
) -> None:
    found = row_certificate(symmetric(3, entries), 1, covers, exhaustive=exhaustive)
    assert found == Certificate(certified, good, failing, complete=True)


def test_no_masks_certify_nothing_even_if_nothing_is_to_be_covered() -> None:
    nothing: IntArray = np.zeros((0, 0), dtype=np.int64)
    with pytest.raises(InvalidInput, match="at least one mask"):
        row_certificate(nothing, 0, lambda _: True)
    with pytest.raises(InvalidInput, match="at least one mask"):
        all_pairs(nothing, 0, covering=True)


def test_no_good_row_certifies_nothing_even_if_covering_says_so() -> None:
    found = row_certificate(symmetric(2, [0, 0, 0]), 1, lambda _: True)
    assert isinstance(found, Certificate)
    assert not found.certified


PAIRS: dict[str, tuple[list[int], bool, bool]] = {
    "all right": ([1, 1, 1, 1, 1, 1], True, True),
    "all right, not covering": ([1, 1, 1, 1, 1, 1], False, False),
    "a pair wrong": ([1, 1, 0, 1, 1, 1], True, False),
    "a single mask wrong": ([1, 1, 1, 0, 1, 1], True, False),
    "every single mask wrong": ([0, 1, 1, 0, 1, 0], True, False),
    "the last single mask without a label": ([1, 1, 1, 1, 1, U], True, False),
}


@pytest.mark.parametrize(("entries", "covering", "certified"), PAIRS.values(), ids=PAIRS)
def test_all_pairs_certify_only_if_every_pair_is_right_single_masks_included(
    entries: list[int], covering: bool, certified: bool
) -> None:
    found = all_pairs(symmetric(3, entries), 1, covering=covering)
    assert isinstance(found, Certificate)
    assert found.certified == certified


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("value", [N, U, 0, 2])
def test_one_entry_that_is_not_the_label_is_enough_to_withhold_the_certificate(at: int, value: int) -> None:
    entries = [1] * 6
    entries[at] = value
    for found in (
        row_certificate(symmetric(3, entries), 1, ALL_THREE),
        all_pairs(symmetric(3, entries), 1, covering=True),
    ):
        assert isinstance(found, Pending) == (value == N)
        assert not (isinstance(found, Certificate) and found.certified)


# Tables with gaps for label 1: covers, exhaustive, what is asked for.
ASKED: dict[str, tuple[list[int], Covers, bool, list[tuple[int, int]]]] = {
    "single masks come first": ([N, N, N, N, N, N], ALL_THREE, False, [(0, 0), (1, 1), (2, 2)]),
    "only those not seen": ([1, N, N, N, N, 1], ALL_THREE, False, [(1, 1)]),
    "then the rows": ([1, N, 1, 1, 1, 1], ALL_THREE, False, [(0, 1), (1, 0)]),
    "rows that are lost are left alone": ([1, 1, 1, 1, N, 0], FIRST_TWO, False, [(1, 2)]),
    "rows without hope are left alone": ([1, N, N, 1, N, 0], FIRST_TWO, False, [(0, 1), (0, 2), (1, 0), (1, 2)]),
    "exhaustive goes on when it is certified": ([1, 1, 1, 1, 1, N], FIRST_TWO, True, [(2, 2)]),
    "exhaustive goes on when it is lost": ([0, N, N, 1, N, 1], ALL_THREE, True, [(1, 0), (1, 2), (2, 0), (2, 1)]),
}


@pytest.mark.parametrize(("entries", "covers", "exhaustive", "asked"), ASKED.values(), ids=ASKED)
def test_rows_ask_for_what_could_still_decide(
    entries: list[int], covers: Covers, exhaustive: bool, asked: list[tuple[int, int]]
) -> None:
    found = row_certificate(symmetric(3, entries), 1, covers, exhaustive=exhaustive)
    pairs = [tuple(pair) for pair in found.pairs.tolist()] if isinstance(found, Pending) else []
    assert pairs == asked


EARLY: dict[str, tuple[list[int], Covers, Certificate]] = {
    "certified by the rows that suffice": ([1, 1, 1, 1, 1, N], FIRST_TWO, Certificate(True, (0, 1), None, False)),
    "lost when the hopeful rows cannot cover": ([1, N, N, 1, N, 0], ALL_THREE, Certificate(False, (), (2, 2), False)),
}


@pytest.mark.parametrize(("entries", "covers", "expected"), EARLY.values(), ids=EARLY)
def test_rows_stop_as_soon_as_the_answer_is_known_and_say_what_is_left(
    entries: list[int], covers: Covers, expected: Certificate
) -> None:
    assert row_certificate(symmetric(3, entries), 1, covers) == expected


def test_all_pairs_ask_for_single_masks_then_for_all_the_rest() -> None:
    first = all_pairs(symmetric(2, [N, N, N]), 1, covering=True)
    then = all_pairs(symmetric(2, [1, N, 1]), 1, covering=True)
    assert isinstance(first, Pending)
    assert isinstance(then, Pending)
    assert first.pairs.tolist() == [[0, 0], [1, 1]]
    assert then.pairs.tolist() == [[0, 1], [1, 0]]


def test_all_pairs_ask_for_nothing_of_a_set_that_does_not_cover() -> None:
    assert all_pairs(symmetric(2, [N, N, N]), 1, covering=False) == Certificate(False, (), None, complete=False)


def test_all_pairs_stop_at_the_first_wrong_prediction() -> None:
    assert all_pairs(symmetric(2, [1, N, 0]), 1, covering=True) == Certificate(False, (), (1, 1), complete=False)


def test_a_failing_pair_is_one_that_was_seen_and_is_wrong_single_masks_first() -> None:
    found = row_certificate(symmetric(3, [1, 0, 1, 1, N, 0]), 1, ALL_THREE)
    assert isinstance(found, Certificate)
    assert found.failing == (2, 2)


@pytest.mark.parametrize("label", [UNDECIDED, UNSEEN, -7])
def test_a_broken_model_is_never_right_about_a_label_that_is_none(label: int) -> None:
    table = symmetric(2, [label] * 3)
    with pytest.raises(InvalidInput, match="true label"):
        row_certificate(table, label, lambda _: True)
    with pytest.raises(InvalidInput, match="true label"):
        all_pairs(table, label, covering=True)
