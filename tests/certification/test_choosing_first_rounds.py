"""The choice of a first round by a few images, and "auto" in certify and in runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import maskcover as mc
from maskcover import InvalidInput, MaskSet
from maskcover.certification import FirstRoundChoice, choose_first_round
from maskcover.certification.answering import predict_with
from maskcover.certification.choosing_first_rounds import default_first_rounds
from maskcover.classifiers import evaluator_of
from maskcover.defense import Case
from maskcover.runs import open_run, run
from tests.defense.naive import BoolArray

REGIONS = mc.squares(size=3)
MASKS = mc.cover(REGIONS, image_size=24, grid=(5, 5))


class Patient:
    """A classifier of images (24, 24): 1, but for what is written in the corner of an image.

    A corner of −1 is another label under masks that hide more than `patience` pixels.
    """

    batch_size = 8

    def __init__(self, patience: int = 576) -> None:
        self.patience, self.rows = patience, 0

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> Any:
        """One-hot scores."""
        self.rows += len(images)
        impatient = [
            image[0, 0] < 0 and hides.sum() > self.patience for image, hides in zip(images, hidden, strict=True)
        ]
        return [[1.0, 0.0] if other else [0.0, 1.0] for other in impatient]


def images_of(*corners: int) -> Any:
    images = np.zeros((len(corners), 24, 24))
    images[:, 0, 0] = corners
    return images


def chosen(model: Patient, images: Any, **options: Any) -> FirstRoundChoice:
    return choose_first_round(model, images, MASKS, **options)


def test_the_cheapest_first_round_that_answers_as_before_is_chosen() -> None:
    choice = chosen(Patient(), images_of(0, 0))
    assert [len(level) for level in choice.masks.levels] == [4]
    assert choice.procedure == mc.DoubleMasking(first_round="levels")
    costs = {figures.first_round: figures.predictions for figures in choice.figures}
    assert costs[None] == 25
    assert costs["pairs"] == 13
    assert costs["grid(2, 2)"] == costs["grid(2, 2)", "grid(3, 3)"] == costs["grid(2, 2)", "pairs"] == 4
    assert costs["grid(3, 3)"] == 9
    assert {figures.same for figures in choice.figures} == {1.0}
    assert choice.images == 2


def test_a_first_round_that_answers_another_label_is_left_out() -> None:
    largest = [mc.cover(REGIONS, image_size=24, grid=(side, side)).largest_hidden_area for side in (2, 3)]
    choice = chosen(Patient(patience=largest[1]), images_of(0, 0, -1, 0))
    by_round = {figures.first_round: figures for figures in choice.figures}
    assert by_round["grid(2, 2)"].same == 0.75
    assert [len(level) for level in choice.masks.levels] == [9]
    # Where a coarse level agrees on nothing, its predictions come on top.
    impatient = chosen(Patient(patience=1), images_of(-1), candidates=["pairs", "grid(2, 2)"])
    assert impatient.figures[0].first_round == "grid(2, 2)"


def test_the_cost_is_what_serving_takes_where_rounds_agree() -> None:
    model, images = Patient(), images_of(0)
    choice = chosen(model, images)
    model.rows = 0
    answers = predict_with(evaluator_of(model, choice.masks), images, choice.procedure)
    assert answers[0].case is Case.LEVEL_AGREED
    assert model.rows == model.batch_size  # a batch for the four masks
    assert choice.figures[0].predictions == 4


def test_only_the_first_images_are_looked_at() -> None:
    class Counted:
        fetched = 0

        def __len__(self) -> int:
            return 50

        def __getitem__(self, number: int) -> Any:
            type(self).fetched = max(self.fetched, number + 1)
            return images_of(0)[0]

    assert chosen(Patient(), Counted(), most_images=3).images == 3
    assert Counted.fetched == 3


class Broken:
    """Four images: one that cannot be read, one of another size, and two good ones."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, number: int) -> Any:
        if number == 0:
            raise OSError("no such file")
        return np.zeros((5, 5)) if number == 3 else images_of(0)[0]


def test_images_that_cannot_be_read_or_evaluated_choose_nothing(tmp_path: Path) -> None:
    assert chosen(Patient(), Broken()).images == 2
    automatic = mc.DoubleMasking(first_round="auto")
    summary = run(Patient(), Broken(), [1] * 4, MASKS, tmp_path, procedure=automatic)
    assert (summary.certified, summary.errors) == (2, 2)
    with pytest.raises(InvalidInput, match="no image can be evaluated to choose a first round by"):
        chosen(Patient(), [np.zeros(5)])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"procedure": "detection(0.5)"}, "a first round is for double and challenger masking"),
        ({"candidates": ["levels"]}, "a candidate is a first round by itself"),
        ({"candidates": ["auto"]}, "a candidate is a first round by itself"),
        ({"candidates": ["pares"]}, "first_round must be"),
        ({"most_images": 0}, "needs some images"),
    ],
    ids=str,
)
def test_what_cannot_be_chosen_is_refused(arguments: Any, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        chosen(Patient(), images_of(0), **arguments)
    with pytest.raises(InvalidInput, match="needs some images"):
        chosen(Patient(), images_of())


def test_masks_without_a_claim_need_regions() -> None:
    bare = MaskSet(MASKS.grid, MASKS.masks)
    with pytest.raises(InvalidInput, match="name one with regions="):
        choose_first_round(Patient(), images_of(0), bare)
    assert choose_first_round(Patient(), images_of(0), bare, regions=REGIONS).masks.levels


def test_small_mask_sets_have_few_first_rounds_to_choose_from() -> None:
    assert default_first_rounds(mc.cover(REGIONS, image_size=24, grid=(2, 2)), REGIONS) == ("pairs",)
    assert len(default_first_rounds(mc.cover(REGIONS, image_size=24, grid=(6, 6)), REGIONS)) == 1 + 3 + 3 + 3


def test_auto_in_certify_is_the_first_round_that_the_images_choose() -> None:
    images, automatic = images_of(0, 0, -1), mc.ChallengerMasking(first_round="auto")
    result = mc.certify(Patient(), images, [1] * 3, MASKS, procedure=automatic)
    assert result.procedure == mc.ChallengerMasking(first_round="levels")
    assert [len(level) for level in result.masks.levels] == [4]
    assert result.certified.tolist() == result.certified_by_masks.tolist() == [True] * 3
    assert "without the levels 3 would be certified" in str(result)
    assert "25 masks after a level of 4" in str(result)
    leveled = mc.certify(Patient(), images, [1] * 3, result.masks, procedure=automatic)
    assert leveled.masks == result.masks


def test_auto_in_a_run_is_chosen_once(tmp_path: Path) -> None:
    images, automatic = images_of(*[0] * 6), "double_masking(first_round='auto')"
    run(Patient(), images, [1] * 6, MASKS, tmp_path, procedure=automatic, shard_size=2, shard=(0, 2))
    summary = run(Patient(), images, [1] * 6, MASKS, tmp_path, procedure=automatic, shard_size=2, shard=(1, 2))
    opened = open_run(tmp_path)
    assert summary.certified == 6
    assert opened.procedure == mc.DoubleMasking(first_round="levels")
    assert [len(level) for level in opened.parts[0].masks.levels] == [4]
    with pytest.raises(InvalidInput, match="the masks"):
        run(Patient(), images, [1] * 6, MASKS[:-1] + MASKS[-1:] + MASKS[:1], tmp_path, procedure=automatic)
