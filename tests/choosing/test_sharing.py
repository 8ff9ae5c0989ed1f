"""Candidates share predictions, and each decides as it would alone: the same verdict, to the last number."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from maskcover import ChallengerMasking, Detection, DoubleMasking, InvalidInput, certify, squares
from maskcover.certification import predict_with
from maskcover.choosing.candidates import Candidate, candidates_of
from maskcover.choosing.sharing import ImageFigures, combined_masks, combined_views, deciding
from maskcover.classifiers.evaluation import evaluator_of
from maskcover.defense import Answer, Case, Pending, PredictionTable, Procedure
from maskcover.engine.queue import run_queries
from maskcover.grid import Grid
from maskcover.masks import Views
from tests.choosing.worlds import SIDE, Hashing, images_of

GRID = Grid.of(SIDE)
REGIONS = squares(size=2)
TEXTS = ("grid(2, 2)", "grid(3, 3)", "masks(6)", "masks(6, multiplicity=2)")
PROCEDURES = (DoubleMasking(), DoubleMasking(rule="all-pairs"), ChallengerMasking(), Detection(0.8))
IMAGES = images_of(14, 30)
LABELS = np.array([0] * 12 + [1, 2])


def every_candidate() -> tuple[Candidate, ...]:
    return candidates_of(REGIONS, GRID, TEXTS, PROCEDURES)


def outcomes(classifier: Hashing, candidates: tuple[Candidate, ...]) -> list[tuple[ImageFigures, ...]]:
    masks = combined_masks(candidates)
    evaluator = evaluator_of(classifier, masks)
    decide = deciding(candidates, masks, LABELS, np.arange(len(IMAGES)), 0.0, evaluator.batch_size)
    decisions = dict(run_queries(evaluator, IMAGES, decide, views=combined_views(candidates)))
    return [decisions[number] for number in range(len(IMAGES))]


@pytest.mark.parametrize("batch_size", [1, 4])
def test_each_verdict_is_that_of_certify_with_the_candidate_alone(batch_size: int) -> None:
    candidates = every_candidate()
    assert len(candidates) == 16
    shared = outcomes(Hashing(batch_size), candidates)
    certified = set()
    for place, candidate in enumerate(candidates):
        alone = certify(Hashing(batch_size), IMAGES, LABELS, candidate.masks, procedure=candidate.procedure)
        assert tuple(image[place].verdict for image in shared) == alone.verdicts
        certified |= {(candidate.procedure.name, bool(value)) for value in alone.certified}
    # The world has certified and uncertified images for each procedure, so that the comparison says something.
    assert len(certified) == 6


@pytest.mark.parametrize("batch_size", [1, 4, 16])
def test_a_first_round_is_counted_as_it_is_served_alone(batch_size: int) -> None:
    procedure = DoubleMasking(first_round="pairs")
    candidates = candidates_of(REGIONS, GRID, TEXTS, [procedure])
    shared = outcomes(Hashing(batch_size), candidates)
    halves = 0
    for place, candidate in enumerate(candidates):
        alone = certify(Hashing(batch_size), IMAGES, LABELS, candidate.masks, procedure=procedure)
        assert tuple(image[place].verdict for image in shared) == alone.verdicts
        for number, image in enumerate(IMAGES):
            served = Hashing(batch_size)
            [answer] = predict_with(evaluator_of(served, candidate.masks), [image], procedure)
            outcome = shared[number][place]
            assert outcome.verdict.defended == answer
            assert outcome.batches == len(served.rows) // batch_size
            if answer.case is Case.PAIRS_AGREED:
                assert outcome.serving == -(-len(candidate.masks) // 2)
                halves += 1
    assert halves


def test_serving_counts_the_predictions_and_the_batches_of_the_answer_alone() -> None:
    candidates = every_candidate()
    shared = outcomes(Hashing(1), candidates)
    batches = outcomes(Hashing(4), candidates)
    more_than_a_round = 0
    for place, candidate in enumerate(candidates):
        for number, image in enumerate(IMAGES):
            alone, wide = Hashing(1), Hashing(4)
            predict_with(evaluator_of(alone, candidate.masks), [image], candidate.procedure)
            predict_with(evaluator_of(wide, candidate.masks), [image], candidate.procedure)
            outcome = shared[number][place]
            assert (outcome.serving, outcome.batches) == (len(alone.rows), len(alone.rows))
            assert (batches[number][place].serving, batches[number][place].batches) == (
                len(alone.rows),
                len(wide.rows) // 4,
            )
            more_than_a_round += outcome.serving > len(candidate.masks) + 1
    assert more_than_a_round


def test_no_prediction_is_made_twice_and_fewer_are_made_than_alone() -> None:
    candidates, classifier = every_candidate(), Hashing(1)
    shared = outcomes(classifier, candidates)
    assert max(Counter(classifier.rows).values()) == 1
    alone = sum(outcome.verdict.evaluations for image in shared for outcome in image)
    assert len(classifier.rows) < alone / 3
    # What is made is what some candidate needs for its verdict, or for its answer.
    needed = set[tuple[bytes, bytes]]()
    for candidate in candidates:
        own = Hashing(1)
        certify(own, IMAGES, LABELS, candidate.masks, procedure=candidate.procedure, probes=False)
        predict_with(evaluator_of(own, candidate.masks), IMAGES, candidate.procedure)
        needed |= set(own.rows)
    assert set(classifier.rows) <= needed


def test_single_masks_are_enough_where_no_candidate_asks_for_unions() -> None:
    detecting = candidates_of(REGIONS, GRID, TEXTS, [Detection(0.8)])
    assert combined_views(detecting) is Views.SINGLE_MASKS
    assert combined_views(every_candidate()) is Views.PAIRS
    classifier = Hashing(1)
    shared = outcomes(classifier, detecting)
    alone = certify(Hashing(1), IMAGES, LABELS, detecting[1].masks, procedure=Detection(0.8))
    assert tuple(image[1].verdict for image in shared) == alone.verdicts


def test_masks_of_several_candidates_are_there_once() -> None:
    candidates = candidates_of(REGIONS, GRID, ["grid(2, 2)", "grid(3, 3)"], [DoubleMasking(), ChallengerMasking()])
    masks = combined_masks(candidates)
    assert len(masks) == len(set(masks)) == len(set(candidates[0].masks) | set(candidates[2].masks))


def test_a_procedure_that_asks_for_ever_is_noticed() -> None:
    class Endless(DoubleMasking):
        name = "endless"

        def answer(self, table: PredictionTable) -> Answer | Pending:
            return Pending(np.zeros((table.masks, 2), np.int64))

    endless: Procedure = Endless()
    with pytest.raises(InvalidInput, match="asks again"):
        outcomes(Hashing(1), candidates_of(REGIONS, GRID, ["grid(2, 2)"], [endless]))
