"""First rounds by pairs: the answers, their cost in predictions, and the certificates, which stay as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import maskcover as mc
from maskcover import InvalidInput, MaskSet
from maskcover.certification import predict_with
from maskcover.classifiers import UNDECIDED, UNSEEN, evaluator_of
from maskcover.classifiers.evaluation import Images
from maskcover.defense import (
    Case,
    ChallengerMasking,
    Defended,
    DoubleMasking,
    Pending,
    PredictionTable,
    Procedure,
    challenger_masking,
    double_masking,
    pairs_agreed,
)
from maskcover.defense.procedure import answering
from maskcover.engine.queue import run_queries
from maskcover.errors import NotBound
from maskcover.runs import open_run, run
from maskcover.testing import ProcedureContract, World
from tests.defense import worlds
from tests.defense.naive import (
    IntArray,
    Looked,
    Looker,
    algorithm_1,
    challenger_games,
    every_table,
    good_rows,
    image_of,
    of_table,
    pairs_first,
    singles,
    symmetric,
)
from tests.defense.worlds import SOME_WORLD, Oracle, drawn, faltering, partly_good
from tests.runs.lookups import OPAQUE, Model

PAIRED = (
    DoubleMasking(first_round="pairs"),
    DoubleMasking(rule="all-pairs", first_round="pairs"),
    DoubleMasking(exhaustive=True, first_round="pairs"),
    ChallengerMasking(first_round="pairs"),
)
LINE_OF_FIVE = MaskSet.from_array(np.eye(5, dtype=np.bool_)[None, :, :].swapaxes(0, 1), regions="squares(size=1)")
U, N = UNDECIDED, UNSEEN


class TestPairs(ProcedureContract):
    """On worlds of 3, 4 and 5 masks."""

    procedures = PAIRED
    worlds = (*ProcedureContract.worlds, World(LINE_OF_FIVE))
    models = 40


def naive(table: IntArray, pairs: IntArray, procedure: Procedure) -> tuple[int, str]:
    """The label and the case of a procedure with a first round, line by line."""
    predict, masks = of_table(table)

    def goes_on() -> tuple[int, str]:
        if isinstance(procedure, ChallengerMasking):
            return challenger_games(predict, masks)[:2]
        return algorithm_1(predict, masks)

    return pairs_first(predict, [(int(first), int(second)) for first, second in pairs], goes_on)


def filled_table(table: IntArray, masks: MaskSet) -> PredictionTable:
    """A prediction table of masks that hide one cell each, with all entries."""
    result = PredictionTable(masks.unions, mask_set=masks)
    unions = masks.unions
    count = len(unions)
    labels = table[unions.pairs[:, 0], unions.pairs[:, 1]]
    result.record(np.arange(count + 1), np.append(labels, 0), np.ones(count + 1), np.ones(count + 1))
    return result


@pytest.mark.parametrize(("count", "labels"), [(2, (U, 0, 1, 2)), (3, (U, 0, 1)), (4, (0, 1))], ids=str)
@pytest.mark.parametrize("procedure", [PAIRED[0], PAIRED[3]], ids=str)
def test_every_small_table_is_answered_as_by_the_definition(
    procedure: Procedure, count: int, labels: tuple[int, ...]
) -> None:
    masks, cases = singles(count), Counter[str]()
    for table in every_table(count, labels):
        answer = procedure.answer(filled_table(table, masks))
        assert isinstance(answer, Defended)
        assert (answer.label, answer.case.value) == naive(table, masks.pairing, procedure)
        good = [label for label in labels if label != U and good_rows(table, label)]
        assert not good or answer.label == good[0]
        cases[answer.case.value] += 1
    assert set(cases) >= {"pairs agreed", "agreed"}


@pytest.mark.parametrize("masking", [double_masking, challenger_masking])
@pytest.mark.parametrize("count", [3, 5, 6, 8])
def test_tables_with_gaps_never_say_what_the_full_table_does_not(
    count: int, masking: Callable[[IntArray], Defended | Pending]
) -> None:
    random, pairs = np.random.default_rng(count), singles(count).pairing
    early = 0
    for _ in range(400):
        table = symmetric(count, random.choice([U, 0, 1, 1, 1, 1, 1], size=count * (count + 1) // 2).tolist())
        seen = np.triu(random.random(table.shape) < 0.7)
        gaps = np.where(seen | seen.T, table, UNSEEN)
        whole, partial = pairs_agreed(table, pairs), pairs_agreed(gaps, pairs)
        assert not isinstance(whole, Pending)
        if isinstance(partial, Pending):
            first, second = partial.pairs.T
            assert (gaps[first, second] == UNSEEN).all()
            assert partial.until_labels_differ
        else:
            assert partial == whole
            early += (gaps[pairs[:, 0], pairs[:, 1]] == UNSEEN).any()
        if whole is None:
            assert isinstance(masking(table), Defended)
    assert early


PAIRS = np.array([[0, 1], [2, 2]])
AGREEING: dict[str, tuple[list[int], Any]] = {
    "pairs agree, whatever single masks say": ([0, 5, 0, 1, 0, 5], Defended(5, Case.PAIRS_AGREED)),
    "the odd mask disagrees": ([5, 5, 5, 5, 5, 2], None),
    "none has a label": ([1, U, 1, 1, 1, U], None),
    "one has no label": ([1, 1, 1, 1, 1, U], None),
    "one without a label is enough": ([1, U, 1, 1, 1, N], None),
}


@pytest.mark.parametrize(("entries", "outcome"), AGREEING.values(), ids=AGREEING)
def test_only_one_label_for_all_pairs_is_an_answer(entries: list[int], outcome: Defended | None) -> None:
    assert pairs_agreed(symmetric(3, entries), PAIRS) == outcome


@pytest.mark.parametrize("pairs", [[[0, 1]], [[0, 1], [1, 1]], [[0, 1], [2, 3]], [[0, 1], [-1, 2]]], ids=str)
def test_pairs_that_leave_a_mask_out_are_refused(pairs: list[list[int]]) -> None:
    with pytest.raises(InvalidInput, match="each mask from 0 to 2 in a pair"):
        pairs_agreed(symmetric(3, [1] * 6), np.array(pairs))


def test_a_table_that_does_not_know_its_masks_is_refused() -> None:
    with pytest.raises(InvalidInput, match="mask_set="):
        PAIRED[0].answer(PredictionTable(singles(3).unions))


def certificates_hold(oracle: Oracle, label: int, seen: Counter[str]) -> None:
    """Every region inside a certifying mask is safe, whether or not the image is certified."""
    table = oracle.clean
    pairs = oracle.world.masks.pairing
    inside = oracle.inside(good_rows(table, label))
    for procedure in (PAIRED[0], PAIRED[3]):
        for region in oracle.inside(range(len(oracle.world.hidden))):
            answers = Counter(naive(attacked, pairs, procedure) for attacked in oracle.tables(oracle.attacked(region)))
            if region in inside:
                assert {answer for answer, _ in answers} == {label}
                seen["pairs agreed"] += any(case == "pairs agreed" for _, case in answers)
                seen["went on"] += any(case != "pairs agreed" for _, case in answers)
            else:
                seen["broken"] += any(answer != label for answer, _ in answers)


@pytest.mark.parametrize("draw", [partly_good, faltering])
@SOME_WORLD
def test_no_attack_inside_a_certifying_mask_changes_the_answer(world: worlds.World, draw: worlds.Draw) -> None:
    seen = drawn(world, draw, 8, certificates_hold)
    assert seen["pairs agreed"] > 0
    assert seen["went on"] > 0
    assert seen["broken"] > 0


@pytest.mark.parametrize("procedure", [PAIRED[0], PAIRED[3]], ids=str)
def test_the_library_answers_attacked_images_as_by_the_definition(procedure: Procedure) -> None:
    world, random = worlds.PLANE, np.random.default_rng(5)
    labels = worlds.lookup(np.where(random.random(3**6) < 0.8, 1, random.integers(0, 3, 3**6)))
    images = random.integers(0, 2, size=(60, world.pixels))
    oracle = Oracle(world, worlds.Model(labels, world.pixels), images[0])
    with pytest.warns(NotBound):
        answers = mc.predict(oracle.model, images.reshape(-1, *world.sides), world.masks, procedure=procedure)
    pairs = world.masks.pairing
    expected = [naive(table, pairs, procedure) for table in oracle.tables(images)]
    assert [(answer.label, answer.case.value) for answer in answers] == expected
    assert len({case for _, case in expected}) > 2


def counts(images: Images, masks: MaskSet, procedure: Procedure, batch_size: int) -> list[int]:
    """The masked predictions that are made to answer each image."""
    decide = answering(procedure, batch_size)

    def count(number: int, table: PredictionTable) -> int | Pending:
        answer = decide(number, table)
        return answer if isinstance(answer, Pending) else table.evaluations

    evaluator = evaluator_of(Looker(batch_size), masks)
    return [made for _, made in sorted(run_queries(evaluator, images, count, views=procedure.views))]


@pytest.mark.parametrize("procedure", [PAIRED[0], PAIRED[3]], ids=str)
@pytest.mark.parametrize("count", [1, 2, 5, 6, 9, 36])
@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_an_image_whose_pairs_agree_costs_half_a_prediction_for_each_mask(
    count: int, procedure: Procedure, batch_size: int
) -> None:
    masks = singles(max(count, 2))[:count]
    agreeing = image_of(symmetric(count, [1] * (count * (count + 1) // 2)), masks)
    assert counts([agreeing] * 3, masks, procedure, batch_size) == [-(-count // 2)] * 3


@pytest.mark.parametrize(("batch_size", "first"), [(1, 2), (2, 2), (3, 3), (64, 10)])
def test_the_batch_with_the_first_other_label_is_the_last_of_the_round(batch_size: int, first: int) -> None:
    masks = singles(20)
    table = symmetric(20, [1] * 210)
    one, other = masks.pairing[1]
    table[one, other] = table[other, one] = 0
    # Then the twenty single masks, which agree.
    assert counts([image_of(table, masks)], masks, PAIRED[0], batch_size) == [first + 20]


@pytest.mark.parametrize(("images", "unions"), [(1, 16), (2, 8), (5, 4)])
def test_an_image_alone_is_asked_for_whole_batches_of_unions_and_many_for_few_at_a_time(
    images: int, unions: int
) -> None:
    masks = singles(40)
    table = symmetric(40, [1] * 820)
    one, other = masks.pairing[1]
    table[one, other] = table[other, one] = 0
    looker = Looker(16)
    predict_with(evaluator_of(looker, masks), [image_of(table, masks) for _ in range(images)], PAIRED[0])
    first, hides = looker.batches[0]
    assert (hides.sum(axis=1) == 2).all()
    assert set(Counter(map(id, first)).values()) == {unions}


def test_what_the_first_round_saw_is_used_again_in_the_second() -> None:
    masks = singles(4)
    first, second = masks.pairing[0]
    table = symmetric(4, [1] * 10)
    table[first, :] = table[:, first] = 0
    made = {
        procedure: counts([image_of(table, masks)], masks, procedure, 1) for procedure in (*PAIRED, DoubleMasking())
    }
    # All pairs and single masks, then the row of the disagreer, of which one entry was that of its pair.
    assert made[PAIRED[0]] == [2 + 4 + 2]
    assert made[DoubleMasking()] == [4 + 3]
    assert second != first


def test_certifying_asks_for_pairs_only_after_what_the_certificate_needs() -> None:
    masks = singles(6)
    right = image_of(symmetric(6, [1] * 21), masks, bare=1)
    with_round, without = (
        mc.certify(Looker(4), [right], [1], masks, procedure=procedure, probes=False).verdicts[0]
        for procedure in (PAIRED[0], DoubleMasking())
    )
    assert (with_round.evaluations, with_round.certificate) == (without.evaluations, without.certificate)
    assert (with_round.defended.case, without.defended.case) == (Case.PAIRS_AGREED, Case.AGREED)


def random_images(count: int, masks: MaskSet) -> tuple[list[Looked], list[int]]:
    """Lookups that are right about most of their views; every tenth one has pairs that agree on a wrong label."""
    random, size = np.random.default_rng(11), len(masks)
    tables = [
        symmetric(size, random.choice([U, 0, *[1] * (5 + 9 * (number % 4))], size=size * (size + 1) // 2).tolist())
        for number in range(count)
    ]
    first, second = masks.pairing.T
    for table in tables[3::10]:
        table[:] = 1
        table[first, second] = table[second, first] = 0
    return [image_of(table, masks, bare=1) for table in tables], [1] * count


@pytest.mark.parametrize("rule", ["rows", "all-pairs"])
@pytest.mark.parametrize("kind", [DoubleMasking, ChallengerMasking])
def test_the_same_images_are_certified_with_and_without_a_first_round(kind: Any, rule: str) -> None:
    masks = singles(5)
    images, labels = random_images(80, masks)
    results = [
        mc.certify(Looker(7), images, labels, masks, procedure=kind(rule=rule, first_round=name), probes=False)
        for name in (None, "pairs")
    ]
    assert results[0].certified.tolist() == results[1].certified.tolist()
    assert 0 < results[0].certified.sum() < 80
    answers = [[verdict.defended for verdict in result.verdicts] for result in results]
    assert answers[0] != answers[1]


def own_labels(procedure: Procedure, images: list[Looked], labels: list[int], masks: MaskSet) -> list[int]:
    """The labels that a procedure gives the images."""
    result = mc.certify(Looker(8), images, labels, masks, procedure=procedure, probes=False)
    return [verdict.answer for verdict in result.verdicts]


@pytest.mark.filterwarnings(OPAQUE)
@pytest.mark.parametrize("made", [DoubleMasking(), PAIRED[0]], ids=str)
@pytest.mark.parametrize("asked", [DoubleMasking(), PAIRED[0], ChallengerMasking(), PAIRED[3]], ids=str)
def test_a_finished_run_answers_for_either_or_says_that_it_cannot(
    made: Procedure, asked: Procedure, tmp_path: Path
) -> None:
    masks = singles(5)
    images, labels = random_images(60, masks)
    run(Model(8), images, labels, masks, tmp_path, procedure=made)
    answers = open_run(tmp_path).answers(procedure=asked)
    assert open_run(tmp_path).procedure == made
    fresh = mc.certify(Looker(8), images, labels, masks, procedure=asked, probes=False)
    assert answers.certified[answers.answered].tolist() == fresh.certified[answers.answered].tolist()
    answered = answers.defended_answered
    assert answers.defended[answered].tolist() == fresh.defended[answered].tolist()
    assert answered.all() if made == asked else 10 < answered.sum() < 60
    if made != asked:
        assert own_labels(made, images, labels, masks) != fresh.defended.tolist()


def test_an_explanation_and_a_refused_binding_name_the_first_round() -> None:
    masks = singles(4)
    right = image_of(symmetric(4, [1] * 10), masks, bare=1)
    why = mc.explain(Looker(4), [right], masks, procedure=PAIRED[0], probes=False)
    assert (why.answer, why.certified) == (Defended(1, Case.PAIRS_AGREED), True)
    assert "defended 1 (pairs agreed)" in str(why)
    result = mc.certify(Looker(4), [right], [1], masks, procedure=PAIRED[0], probes=False)
    with pytest.raises(InvalidInput, match="double masking, rule rows, first round by pairs"):
        mc.predict(Looker(4), [right], result, procedure=DoubleMasking())


def test_an_answer_of_a_first_round_is_the_label_of_every_row_that_is_right() -> None:
    """The theorem on all tables of three masks and both pairings: a right row fixes the answer."""
    checked = 0
    for table, pairs in product(every_table(3, (U, 0, 1)), (PAIRS, np.array([[0, 2], [1, 1]]))):
        outcome = pairs_agreed(table, pairs)
        for label in (0, 1):
            if outcome is not None and good_rows(table, label):
                assert isinstance(outcome, Defended)
                assert outcome.label == label
                checked += 1
    assert checked > 80
