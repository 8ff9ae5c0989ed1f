"""Challenger masking plays the games of appendix C, asks for one at a time, and needs fewer of them than masks."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import numpy as np
import pytest

from maskcover import InvalidInput
from maskcover.classifiers import UNDECIDED, UNSEEN
from maskcover.defense import Case, Defended, Pending, challenger_masking, double_masking
from tests.defense.naive import IntArray, challenger_games, good_rows, of_table, symmetric

U, N = UNDECIDED, UNSEEN

# Entries of symmetric tables on and above the diagonal, row by row.
FULL: dict[str, tuple[int, list[int], Defended]] = {
    "one mask": (1, [4], Defended(4, Case.AGREED)),
    "agreed, whatever the pairs say": (3, [1, 0, 0, 1, 0, 1], Defended(1, Case.AGREED)),
    "agreed without a label": (2, [U, 0, U], Defended(U, Case.AGREED)),
    "the champion wins": (2, [0, 0, 1], Defended(0, Case.CHALLENGER, 0)),
    "the challenger wins": (2, [0, 1, 1], Defended(1, Case.CHALLENGER, 1)),
    "neither wins": (2, [0, 2, 1], Defended(0, Case.MAJORITY)),
    "neither wins, by a prediction without a label": (2, [0, U, 1], Defended(0, Case.MAJORITY)),
    "a mask without a label loses": (2, [0, 0, U], Defended(0, Case.CHALLENGER, 0)),
    "a mask without a label loses as the champion": (2, [U, 1, 1], Defended(1, Case.CHALLENGER, 1)),
    "a mask without a label wins: no prediction": (2, [0, U, U], Defended(U, Case.CHALLENGER, 1)),
    "the winner takes on the next": (3, [0, 1, 0, 1, 2, 2], Defended(2, Case.CHALLENGER, 2)),
    "a mask of the champion's label takes its place": (3, [0, 9, 2, 0, 0, 2], Defended(0, Case.CHALLENGER, 1)),
    "one against two": (3, [0, 0, 2, 0, 2, 2], Defended(2, Case.CHALLENGER, 2)),
    "the last mask is left without a game": (3, [0, 5, 0, 1, 0, 2], Defended(2, Case.CHALLENGER, 2)),
    "none is left, and the majority is back": (4, [3, 9, 9, 9, 1, 9, 9, 3, 9, 1], Defended(1, Case.MAJORITY)),
}


@pytest.mark.parametrize(("count", "entries", "expected"), FULL.values(), ids=FULL)
def test_a_full_table_is_decided_by_its_games(count: int, entries: list[int], expected: Defended) -> None:
    assert challenger_masking(symmetric(count, entries)) == expected


GAPS: dict[str, tuple[list[int], list[tuple[int, int]]]] = {
    "nothing seen": ([N, N, N, N, N, N], [(0, 0), (1, 1), (2, 2)]),
    "one mask seen": ([0, N, N, N, N, N], [(1, 1), (2, 2)]),
    "pairs do not stand for single masks": ([0, 0, 0, 0, 0, N], [(2, 2)]),
    "the first game": ([0, N, N, 0, N, 2], [(0, 2)]),
    "the next champion's game": ([0, N, 2, 0, N, 2], [(1, 2)]),
    "the next challenger's game": ([0, 0, N, 1, N, 2], [(0, 2)]),
    "the winner's game": ([0, 1, N, 1, N, 2], [(1, 2)]),
}


@pytest.mark.parametrize(("entries", "asked"), GAPS.values(), ids=GAPS)
def test_a_table_with_gaps_is_asked_for_the_next_game_only(entries: list[int], asked: list[tuple[int, int]]) -> None:
    pending = challenger_masking(symmetric(3, entries))
    assert isinstance(pending, Pending)
    assert pending.pairs.dtype == np.int64
    assert [tuple(pair) for pair in pending.pairs.tolist()] == asked


def tables(number: int, count: int) -> Iterator[IntArray]:
    """Random tables of so many masks: single masks of up to `count` labels, games that one of the two mostly wins."""
    rng = np.random.default_rng(count)
    for _ in range(number):
        one_mask = rng.integers(UNDECIDED, 1 + rng.integers(1, count + 1), size=count)
        table = np.where(rng.random((count, count)) < 0.5, one_mask, one_mask[:, None])
        table[rng.random((count, count)) < rng.choice([0.0, 0.1, 0.5])] = 1
        table = np.triu(table, 1)
        yield table + table.T + np.diag(one_mask)


def played(table: IntArray) -> tuple[Defended, list[tuple[int, int]]]:
    """The decision of a table that is filled with nothing but what is asked for, and the pairs that were."""
    shown, games = np.full_like(table, UNSEEN), []
    while isinstance(found := challenger_masking(shown), Pending):
        first, second = found.pairs.T
        shown[first, second] = shown[second, first] = table[first, second]
        games += [pair for pair in zip(first.tolist(), second.tolist(), strict=True) if pair[0] != pair[1]]
    return found, games


@pytest.mark.parametrize("count", [2, 3, 5, 9, 20])
def test_the_games_are_those_of_the_naive_algorithm_and_fewer_than_the_masks(count: int) -> None:
    longest = 0
    cases: set[Enum] = set()
    for table in tables(300, count):
        defended, games = played(table)
        assert (defended.label, defended.case.value, defended.mask, games) == challenger_games(*of_table(table))
        assert len(games) <= count - 1
        longest = max(longest, len(games))
        cases.add(defended.case)
    assert longest == count - 1
    assert cases >= {Case.CHALLENGER, Case.MAJORITY}


def test_one_mask_against_all_others_plays_each_of_them_once() -> None:
    count = 300
    table = np.zeros((count, count), dtype=np.int64)
    table[-1] = table[:, -1] = 1
    defended, games = played(table)
    assert defended == Defended(1, Case.CHALLENGER, count - 1)
    assert games == [(mask, count - 1) for mask in range(count - 1)]


def test_a_mask_with_a_right_row_wins_wherever_it_stands_as_it_does_in_algorithm_1() -> None:
    for turn, table in enumerate(tables(500, 7)):
        good = turn % 7
        table[good] = table[:, good] = 1
        assert good in good_rows(table, 1)
        for found in (challenger_masking(table), double_masking(table)):
            assert isinstance(found, Defended)
            assert found.label == 1


def test_what_is_no_prediction_table_is_refused() -> None:
    with pytest.raises(InvalidInput, match="square, symmetric"):
        challenger_masking(np.array([[0, 1], [0, 1]]))
    with pytest.raises(InvalidInput, match="at least one mask"):
        challenger_masking(np.zeros((0, 0), dtype=np.int64))


def test_a_decision_names_the_last_champion() -> None:
    assert str(challenger_masking(symmetric(2, [0, 1, 1]))) == "1 (challenger, mask 1)"
