"""The programs that the proofs are about and those of the library decide alike, on every table over three masks.

`proofs/vectors.txt` holds what Coq computed; `proofs/theories/Vectors.v` says what is in a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from maskcover.classifiers import UNDECIDED, UNSEEN
from maskcover.defense import Case, Defended, Pending, challenger_masking, double_masking
from tests.defense.naive import IntArray, every_table, symmetric

LINES = (Path(__file__).parent.parent.parent / "proofs" / "vectors.txt").read_text(encoding="ascii").splitlines()


@dataclass(frozen=True)
class Vector:
    table: IntArray
    double_masking: Defended
    challenger: Defended
    games: int


def vector(line: str) -> Vector:
    words = line.split()
    assert len(words) == 13
    return Vector(symmetric(3, map(int, words[:6])), answer(words[6:9]), answer(words[9:12]), int(words[12]))


def answer(words: list[str]) -> Defended:
    label, case, mask = words
    return Defended(int(label), Case(case), None if mask == "-1" else int(mask))


VECTORS = [vector(line) for line in LINES]


def games(table: IntArray) -> int:
    """How many two-mask predictions challenger masking asks for, one after the other."""
    shown = np.where(np.eye(len(table), dtype=np.bool_), table, UNSEEN)
    for played in range(table.size):
        pending = challenger_masking(shown)
        if not isinstance(pending, Pending):
            return played
        [(first, second)] = pending.pairs.tolist()
        shown[first, second] = shown[second, first] = table[first, second]
    raise AssertionError("more games than entries")


def test_the_vectors_hold_every_table_once() -> None:
    found = {one.table.tobytes() for one in VECTORS}
    assert len(VECTORS) == len(found) == 3**6
    assert found == {table.tobytes() for table in every_table(3, (UNDECIDED, 0, 1))}


def test_the_vectors_hold_every_case() -> None:
    assert {one.double_masking.case for one in VECTORS} == {Case.AGREED, Case.DISAGREER, Case.MAJORITY}
    assert {one.challenger.case for one in VECTORS} == {Case.AGREED, Case.CHALLENGER, Case.MAJORITY}
    assert {one.games for one in VECTORS} == {0, 1, 2}


def test_algorithm_1_decides_as_the_proved_program_does() -> None:
    for one in VECTORS:
        assert double_masking(one.table) == one.double_masking


def test_challenger_masking_decides_as_the_proved_program_does() -> None:
    for one in VECTORS:
        assert challenger_masking(one.table) == one.challenger
        assert games(one.table) == one.games


@pytest.mark.parametrize("place", range(6, 13))
def test_a_wrong_vector_is_noticed(place: int) -> None:
    words = LINES[1].split()
    words[place] = {"-1": "0", "0": "1", "1": "0"}.get(words[place], "agreed")
    wrong, right = vector(" ".join(words)), VECTORS[1]
    assert (wrong.double_masking, wrong.challenger, wrong.games) != (
        right.double_masking,
        right.challenger,
        right.games,
    )
