"""The golden vectors of first rounds by pairs and by levels, against the functions of the library.

`proofs/vectors_first_rounds.txt` holds what Coq computed; `Vectors_first_rounds.v` among the theories tells what a line
holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from maskcover import Box, Grid, Mask, MaskSet
from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers import UNDECIDED, UNSEEN
from maskcover.covering.containment import Containment
from maskcover.defense import (
    Case,
    ChallengerMasking,
    Defended,
    DoubleMasking,
    Pending,
    PredictionTable,
    challenger_masking,
    double_masking,
)
from maskcover.defense.certificates import Certificate, row_certificate
from maskcover.defense.first_rounds import after_first_round, level_certificate, pairs_agreed
from maskcover.defense.procedures import TwoRounds
from maskcover.errors import InvalidInput
from tests.defense.naive import symmetric

EVERY_LINE = (
    (Path(__file__).parents[2] / "proofs" / "vectors_first_rounds.txt").read_text(encoding="ascii").splitlines()
)
LINES = [line for line in EVERY_LINE if not line.startswith("levels ")]
LEVEL_LINES = [line for line in EVERY_LINE if line.startswith("levels ")]

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


PROCEDURES: tuple[TwoRounds, ...] = (
    DoubleMasking(first_round="levels"),
    ChallengerMasking(first_round="levels"),
    DoubleMasking(first_round=("levels", "pairs")),
)
CASES = {"pairs": Case.PAIRS_AGREED, "level": Case.LEVEL_AGREED}


@dataclass(frozen=True)
class LevelVector:
    """Masks with levels on a row of cells, the labels of all views, and what Coq says of them.

    `views`: the label for each view, by the bytes of what is hidden.
    `answers`: those of `PROCEDURES`, in their order.
    `certified`: for the true labels 0 and 1.
    `on_map`: for these labels whether each region is certified, from the left.
    """

    masks: MaskSet
    pairs: IntArray
    regions: str
    views: dict[bytes, int]
    answers: tuple[Defended, ...]
    certified: tuple[bool, bool]
    on_map: tuple[list[bool], list[bool]]

    @classmethod
    def read(cls, line: str) -> LevelVector:
        sizes, masks, levels, pairs, views, answers, promises = line.split(" : ")
        cells, length = map(int, sizes.split()[1:])
        sets = [_mask_set(words, cells) for words in [masks, *levels.split(" / ")]]
        words, own = answers.split(), masks.split()
        assert len(words) == 3 * len(PROCEDURES)
        labels = dict(view.split("=") for view in views.split())
        certified_0, map_0, certified_1, map_1 = promises.split()
        assert len(map_0) == len(map_1) == cells - length + 1
        return cls(
            sets[0].with_levels(*sets[1:]),
            np.array([[int(pair[0]), int(pair[1])] for pair in pairs.split()]),
            f"rectangle(1, {length})",
            {_bits(view).tobytes(): int(label) for view, label in labels.items()},
            tuple(_answer_of(words[place : place + 3], own) for place in range(0, len(words), 3)),
            (certified_0 == "1", certified_1 == "1"),
            (_bits(map_0).tolist(), _bits(map_1).tolist()),
        )

    @property
    def table(self) -> PredictionTable:
        """The table with the predictions under all views."""
        table, hidden = PredictionTable(self.masks.unions, mask_set=self.masks), np.asarray(self.masks.joined)
        numbers = np.arange(len(table.views))
        first, second = table.pairs(numbers).T
        labels = [self.views[view.tobytes()] for view in (hidden[first] | hidden[second])]
        table.record(numbers, np.array(labels), np.ones(len(numbers)), np.ones(len(numbers)))
        return table


def _bits(text: str) -> BoolArray:
    return np.array([letter == "1" for letter in text])


def _mask_set(words: str, cells: int) -> MaskSet:
    """The masks that hide runs of the cells of a row, "02" cells 0 and 1."""
    boxes = [Box((0, int(word[0])), (1, int(word[1]))) for word in words.split()]
    return MaskSet(Grid((1, cells)), tuple(Mask([box]) for box in boxes))


def _answer_of(words: list[str], masks: list[str]) -> Defended:
    label, case, mask = words
    return Defended(int(label), CASES.get(case) or Case(case), None if mask == "-1" else masks.index(mask))


LEVEL_VECTORS = [LevelVector.read(line) for line in LEVEL_LINES]
COVERS: dict[tuple[MaskSet, str], Containment] = {}


def covers_of(vector: LevelVector) -> Containment:
    return COVERS.setdefault((vector.masks, vector.regions), Containment.of(vector.masks, vector.regions))


def answer_by_prediction(vector: LevelVector, procedure: TwoRounds) -> tuple[Defended, int]:
    """The answer where one prediction at a time is made, of those that are asked for, and how many there were."""
    whole = vector.table
    partial = PredictionTable(whole.views, mask_set=vector.masks)
    for count in range(len(whole.views) + 1):
        outcome = procedure.answer(partial)
        if isinstance(outcome, Defended):
            return outcome, count
        assert isinstance(outcome, Pending)
        number = partial.missing(outcome)[:1]
        assert (partial.labels[number] == UNSEEN).all()
        partial.restore(number, whole.labels[number], whole.margins[number], whole.confidences[number])
    raise AssertionError("more predictions than views")


def test_the_vectors_of_levels_hold_every_table_and_every_case() -> None:
    kinds = Counter(
        (vector.regions, len(vector.masks), tuple(map(len, vector.masks.levels))) for vector in LEVEL_VECTORS
    )
    assert kinds == {
        ("rectangle(1, 2)", 3, (2,)): 3**6,
        ("rectangle(1, 1)", 3, (2,)): 2**6,
        ("rectangle(1, 1)", 2, (1, 2)): 3**5,
        ("rectangle(1, 2)", 2, (3,)): 4**4,
    }
    assert len(set(LEVEL_LINES)) == len(LEVEL_LINES)
    cases = {tuple(answer.case for answer in vector.answers) for vector in LEVEL_VECTORS}
    assert cases >= {
        (Case.LEVEL_AGREED,) * 3,
        (Case.AGREED, Case.AGREED, Case.PAIRS_AGREED),
        (Case.AGREED, Case.AGREED, Case.AGREED),
        (Case.DISAGREER, Case.CHALLENGER, Case.DISAGREER),
        (Case.MAJORITY, Case.MAJORITY, Case.MAJORITY),
    }
    assert min(Counter(certified for vector in LEVEL_VECTORS for certified in vector.certified).values()) > 10


def test_first_rounds_by_levels_decide_as_the_proved_programs_do() -> None:
    for vector in LEVEL_VECTORS:
        assert vector.pairs.tolist() == vector.masks.pairing.tolist()
        for procedure, answer_of_coq in zip(PROCEDURES, vector.answers, strict=True):
            assert procedure.answer(vector.table) == answer_of_coq
        assert after_first_round(vector.table, "levels", double_masking) == vector.answers[0]


def test_one_prediction_at_a_time_levels_give_the_same_answer() -> None:
    for vector in LEVEL_VECTORS[::3]:
        for procedure, answer_of_coq in zip(PROCEDURES, vector.answers, strict=True):
            outcome, predictions = answer_by_prediction(vector, procedure)
            assert outcome == answer_of_coq
            if outcome.case is Case.LEVEL_AGREED and len(vector.masks.levels) == 1:
                assert predictions == len(vector.masks.levels[0])


def test_levels_certify_what_the_proved_program_certifies() -> None:
    """G covers, and so do the right masks of each level: `FirstRounds.levels_certified`."""
    for vector in LEVEL_VECTORS:
        covers, table = covers_of(vector), vector.table
        for label, certified in enumerate(vector.certified):
            rows = row_certificate(table.matrix, label, covers)
            assert isinstance(rows, Certificate)
            assert level_certificate(rows, table, label, covers, 0.0).certified == certified
            for procedure in PROCEDURES:
                certificate = procedure.certificate(table, label, covers, 0.0)
                assert isinstance(certificate, Certificate)
                assert certificate.certified == certified
                assert certificate.by_masks == rows.certified


def test_the_map_of_levels_has_the_regions_of_the_proved_map() -> None:
    """Region by region: `FirstRounds.levels_mappedb`, with which `levels_mapped_safe` is true."""
    partly = 0
    for vector in LEVEL_VECTORS:
        for label, on_map in enumerate(vector.on_map):
            placements = PROCEDURES[0].certified_map(vector.table, label, covers_of(vector), 0.0)
            assert placements is not None
            assert placements.fraction == Fraction(sum(on_map), len(on_map))
            ((_, allowed, certified),) = placements.placements()
            assert certified[allowed].tolist() == on_map
            assert all(on_map) == vector.certified[label]
            partly += 0 < placements.fraction < 1
    assert partly > 20


def test_a_certified_image_is_answered_with_its_label() -> None:
    """The theorem on the clean image, for which nothing is certified if a level agrees on another label."""
    for vector in LEVEL_VECTORS:
        for label, on_map in enumerate(vector.on_map):
            if any(on_map):
                assert {outcome.label for outcome in vector.answers} == {label}


def test_right_rows_are_not_enough_where_a_level_says_another_label() -> None:
    """`FirstRounds.level_condition_needed`: two pixels, and a classifier that looks at the second."""
    masks = _mask_set("01", 2).with_levels(_mask_set("02", 2))
    table = PredictionTable(masks.unions, mask_set=masks)
    table.record(np.arange(2), np.array([0, 1]), np.ones(2), np.ones(2))
    assert PROCEDURES[0].answer(table) == Defended(1, Case.LEVEL_AGREED)
    first_pixel = Containment.of(masks, "within(squares(size=1), (0, 0, 1, 1))")
    certificate = PROCEDURES[0].certificate(table, 0, first_pixel, 0.0)
    assert isinstance(certificate, Certificate)
    assert (certificate.certified, certificate.by_masks, certificate.certifying) == (False, True, ())


@pytest.mark.parametrize("place", [*range(-14, -5), -4, -2])
def test_a_wrong_vector_of_levels_is_noticed(place: int) -> None:
    words = LEVEL_LINES[-1].split()
    assert words[place] != ":"
    words[place] = {"-1": "03", "0": "1", "2": "1"}.get(words[place], "agreed")
    wrong, right = LevelVector.read(" ".join(words)), LEVEL_VECTORS[-1]
    assert (wrong.answers, wrong.certified) != (right.answers, right.certified)
