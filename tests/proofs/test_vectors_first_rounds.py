"""The golden vectors of first rounds by pairs, against the functions of the library.

`proofs/vectors_first_rounds.txt` holds what Coq computed; `Vectors_first_rounds.v` among the theories tells what a line
holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from maskcover.cells import IntArray
from maskcover.classifiers import UNDECIDED, UNSEEN
from maskcover.defense import Case, Defended, Pending, challenger_masking, double_masking
from maskcover.defense.first_rounds import pairs_agreed
from maskcover.errors import InvalidInput
from tests.defense.naive import symmetric

LINES = (Path(__file__).parents[2] / "proofs" / "vectors_first_rounds.txt").read_text(encoding="ascii").splitlines()

Masking = Callable[[IntArray], Defended | Pending]


@dataclass(frozen=True)
class Vector:
    """A table, the pairs of masks, and what Coq says of them."""

    table: IntArray
    pairs: IntArray
    double_masking: Defended
    challenger: Defended

    @classmethod
    def read(cls, line: str) -> Vector:
        numbers, answers = line.split(" : ")
        masks, count, *rest = map(int, numbers.split())
        pairs = np.array(rest[: 2 * count]).reshape(count, 2)
        words = answers.split()
        assert len(words) == 6
        return cls(symmetric(masks, rest[2 * count :]), pairs, answer(words[:3]), answer(words[3:]))


def answer(words: list[str]) -> Defended:
    label, case, mask = words
    return Defended(
        int(label), Case.PAIRS_AGREED if case == "pairs" else Case(case), None if mask == "-1" else int(mask)
    )


def by_pairs(table: IntArray, pairs: IntArray, masking: Masking) -> Defended | Pending:
    """A first round by pairs, and the algorithm that follows where it ends without an answer."""
    outcome = pairs_agreed(table, pairs)
    return masking(table) if outcome is None else outcome


def by_prediction(table: IntArray, pairs: IntArray, masking: Masking) -> tuple[Defended, IntArray]:
    """The answer where one prediction at a time is made, of those that are asked for, and the predictions made."""
    partial = np.full_like(table, UNSEEN)
    for _ in range(table.size):
        outcome = by_pairs(partial, pairs, masking)
        if isinstance(outcome, Defended):
            return outcome, partial
        first, second = outcome.pairs[0]
        assert partial[first, second] == UNSEEN
        partial[first, second] = partial[second, first] = table[first, second]
    raise AssertionError("more predictions than entries")


VECTORS = [Vector.read(line) for line in LINES]


def test_the_vectors_hold_every_table_and_every_case() -> None:
    assert Counter((len(vector.table), len(vector.pairs)) for vector in VECTORS) == {
        (2, 1): 4**3,
        (3, 2): 2 * 3**6,
        (3, 3): 3**6,
        (4, 2): 2 * 2**10,
    }
    assert len(set(LINES)) == len(LINES)
    cases = {(vector.double_masking.case, vector.challenger.case) for vector in VECTORS}
    assert cases >= {
        (Case.PAIRS_AGREED, Case.PAIRS_AGREED),
        (Case.AGREED, Case.AGREED),
        (Case.DISAGREER, Case.CHALLENGER),
        (Case.MAJORITY, Case.MAJORITY),
    }


def test_first_rounds_by_pairs_decide_as_the_proved_programs_do() -> None:
    for vector in VECTORS:
        assert by_pairs(vector.table, vector.pairs, double_masking) == vector.double_masking
        assert by_pairs(vector.table, vector.pairs, challenger_masking) == vector.challenger


def test_one_prediction_at_a_time_the_answer_is_the_same() -> None:
    """A round that ends at the first two labels that differ misses nothing."""
    for vector in VECTORS[::3]:
        double, predictions = by_prediction(vector.table, vector.pairs, double_masking)
        assert double == vector.double_masking
        assert by_prediction(vector.table, vector.pairs, challenger_masking)[0] == vector.challenger
        if double.case is Case.PAIRS_AGREED:
            assert (predictions[np.triu_indices(len(predictions))] != UNSEEN).sum() == len(vector.pairs)


def test_a_right_row_is_answered_with_its_label() -> None:
    """The theorem, on what Coq computed: for whichever mask it is whose row is one label throughout."""
    compared = 0
    for vector in VECTORS:
        for row in vector.table:
            if row[0] != UNDECIDED and (row == row[0]).all():
                assert vector.double_masking.label == vector.challenger.label == row[0]
                compared += 1
    assert compared > 500


def test_pairs_without_a_label_are_no_answer() -> None:
    compared = 0
    for vector in VECTORS:
        first, second = vector.pairs.T
        if (vector.table[first, second] == UNDECIDED).all():
            assert Case.PAIRS_AGREED not in (vector.double_masking.case, vector.challenger.case)
            assert vector.double_masking == double_masking(vector.table)
            compared += 1
    assert compared > 100


def test_pairs_that_leave_a_mask_out_are_refused() -> None:
    """`FirstRounds.mask_left_out`: the row of mask 0 is right for label 0, and the pair of the others says 1."""
    table = np.array([[0, 0, 0], [0, 1, 1], [0, 1, 1]])
    with pytest.raises(InvalidInput, match="each mask from 0 to 2 in a pair"):
        pairs_agreed(table, np.array([[1, 2]]))
    assert by_pairs(table, np.array([[1, 2], [0, 0]]), double_masking) == Defended(0, Case.DISAGREER, 0)


@pytest.mark.parametrize("place", range(-6, 0))
def test_a_wrong_vector_is_noticed(place: int) -> None:
    words = LINES[-1].split()
    words[place] = {"-1": "0", "1": "0"}.get(words[place], "agreed")
    wrong, right = Vector.read(" ".join(words)), VECTORS[-1]
    assert (wrong.double_masking, wrong.challenger) != (right.double_masking, right.challenger)
