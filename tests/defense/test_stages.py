"""The price of an answer by stage is what the engine pays, on all small worlds and on random tables."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from maskcover import cover, squares
from maskcover.classifiers.labels import UNSEEN
from maskcover.defense import (
    ChallengerMasking,
    Cost,
    Detection,
    DoubleMasking,
    Intervals,
    Pending,
    PredictionTable,
    Procedure,
    RobustMasking,
    Stage,
    Voting,
)
from maskcover.defense.procedure import answering
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet

FOUR = cover(squares(size=2), image_size=6, grid=(2, 2))
NESTED = MaskSet.from_boxes([(0, 0, 6, 3), (0, 3, 6, 3), (0, 0, 6, 2)], image_size=6)  # unions that are equal
PROCEDURES = [
    DoubleMasking(),
    DoubleMasking(first_round="pairs"),
    ChallengerMasking(),
    ChallengerMasking(first_round="pairs"),
    Detection(0.5),
    Voting(),
    Intervals(),
]


def predictions(procedure: Procedure, masks: MaskSet, labels: Any) -> int:
    """The predictions that an answer takes, of an image whose views have these labels."""
    views = masks.views(procedure.views)
    table = PredictionTable(views, 3, masks)
    decide = answering(procedure, 1)
    while isinstance(pending := decide(0, table), Pending):
        unions = table.missing(pending)
        table.record(unions, labels[unions], np.ones(len(unions)), np.ones(len(unions)))
    return int((table.labels != UNSEEN).sum())


@pytest.mark.parametrize("masks", [FOUR, NESTED], ids=["four", "nested"])
@pytest.mark.parametrize("procedure", PROCEDURES, ids=str)
def test_every_answer_costs_at_least_and_at_most_what_is_said(procedure: Procedure, masks: MaskSet) -> None:
    cost = Cost(procedure.words, procedure.stages(masks), batch_size=4)
    count = len(masks.views(procedure.views)) + 1
    chance = np.random.default_rng(0)
    tables = list(itertools.islice(itertools.product(range(2), repeat=count), 1 << 11))
    tables += chance.integers(0, 3, (300, count)).tolist()
    paid = [predictions(procedure, masks, np.array(labels)) for labels in tables]
    assert cost.at_least == min(paid)
    assert max(paid) <= cost.at_most
    assert predictions(procedure, masks, np.zeros(count, int)) == cost.agreeing


def test_the_most_is_reached_where_rounds_are_fixed() -> None:
    for procedure in (Detection(0.5), Voting(), Intervals(), RobustMasking(windows="squares(size=2)")):
        (stage,) = procedure.stages(FOUR)
        assert stage.at_least == stage.at_most == stage.agreeing == (1 if isinstance(procedure, Intervals) else 5)


def test_pairs_are_counted_once() -> None:
    """Four masks have two pairs; the unions of two that are no pair are four."""
    assert DoubleMasking(first_round="pairs").stages(FOUR) == (
        Stage("pairs", 2, 2, 2),
        Stage("one mask", 4, 4, 0),
        Stage("two masks", 1, 4, 0),
    )
    assert [stage.at_most for stage in ChallengerMasking().stages(FOUR)] == [4, 3]


def test_a_procedure_of_others_is_given_bounds() -> None:
    assert Procedure.stages(DoubleMasking(), FOUR) == (Stage("all views", 0, 11, 11),)


@pytest.mark.parametrize("numbers", [(-1, 4, 4), (5, 4, 4), (1, 4, 5), (1, 4, -1)])
def test_odd_stages_are_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidInput, match="from 0 to at_most"):
        Stage("one mask", *numbers)
    with pytest.raises(InvalidInput, match="no stages"):
        Cost("nothing", (), 4)


@pytest.mark.parametrize("masks", [FOUR, NESTED], ids=["four", "nested"])
@pytest.mark.parametrize("first_round", [None, "pairs"])
def test_each_union_is_counted_in_one_stage(first_round: Any, masks: MaskSet) -> None:
    """An odd mask goes alone into the first round, and is not asked for again."""
    stages = DoubleMasking(first_round=first_round).stages(masks)
    assert sum(stage.at_most for stage in stages) == masks.evaluations
