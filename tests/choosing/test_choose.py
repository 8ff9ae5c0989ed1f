"""`choose` as users call it: winners, budgets, rounds, what is kept of the images, and errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from maskcover import (
    Choice,
    Detection,
    DoubleMasking,
    InvalidInput,
    MaskcoverWarning,
    MaskSet,
    NotCovering,
    ProbeFailed,
    certify,
    choose,
    cover,
    squares,
)  # fmt: skip
from maskcover.choosing import candidates, halving
from maskcover.choosing.budget import Budget
from maskcover.choosing.candidates import default_texts, grid_of
from maskcover.choosing.halving import batch_milliseconds
from maskcover.classifiers.evaluation import evaluator_of
from maskcover.covering.texts import masks_of
from maskcover.data import Dataset
from maskcover.grid import Grid
from tests.choosing.worlds import SIDE, Hashing, images_of

REGIONS = squares(size=2)
TEXTS = ["grid(2, 2)", "grid(3, 3)", "grid(4, 4)"]


def chosen(images: Any = None, **arguments: Any) -> Choice:
    images = images_of(24, 12) if images is None else images
    named: dict[str, Any] = {
        "candidates": TEXTS,
        "labels": np.zeros(len(images), np.int64),
        "model": Hashing(2),
    } | arguments
    return choose(images=images, regions=REGIONS, **named)


def test_the_figures_of_each_candidate_are_those_of_certify() -> None:
    choice, images = chosen(), images_of(24, 12)
    assert len(choice.ranking) == 6
    assert choice.dropped == ()
    for entry in choice.ranking:
        procedure = entry.candidate.procedure
        alone = certify(Hashing(2), images, np.zeros(24, np.int64), entry.candidate.masks, procedure=procedure)
        assert entry.certified_fraction == alone.certified.mean()
        assert entry.clean_fraction == (alone.defended == 0).mean()
        assert entry.cost("certifying") == alone.evaluations / 24
    fractions = [entry.certified_fraction for entry in choice.ranking]
    assert fractions == sorted(fractions, reverse=True)
    assert len(set(fractions)) > 1
    assert choice.masks == choice.ranking[0].candidate.masks


def test_auto_stands_for_the_default_first_rounds_of_each_mask_set() -> None:
    choice, images = chosen(images_of(24, 8), procedures=["double_masking(first_round='auto')"]), images_of(24, 8)
    names = {str(entry.candidate) for entry in choice.ranking}
    assert names == {
        *(f"grid({k}, {k}), double_masking({first})" for k in (2, 3, 4) for first in ("", "first_round='pairs'")),
        *(
            f"grid({k}, {k}) after grid(2, 2), double_masking(first_round={first})"
            for k in (3, 4)
            for first in ("'levels'", "('levels', 'pairs')")
        ),
    }
    assert len(choice.ranking) == len(names)
    for entry in choice.ranking:
        # Each verdict is that of `certify` with the first round typed; levels are of the candidate's own masks.
        name, _, level = entry.candidate.name.partition(" after ")
        masks = masks_of(name, REGIONS, Grid.of(SIDE))
        assert entry.candidate.masks == (masks.with_levels(masks_of(level, REGIONS, Grid.of(SIDE))) if level else masks)
        alone = certify(
            Hashing(2), images, np.zeros(24, np.int64), entry.candidate.masks, procedure=entry.candidate.procedure
        )
        assert entry.certified_fraction == alone.certified.mean()
        assert entry.clean_fraction == (alone.defended == 0).mean()
    # Pairs lose no certificate, and levels save predictions.
    certified = {str(entry.candidate): entry.certified_fraction for entry in choice.ranking}
    for k in (2, 3, 4):
        plain = f"grid({k}, {k}), double_masking("
        assert certified[plain + ")"] == certified[plain + "first_round='pairs')"] > 0
    cost = {str(entry.candidate): entry.cost("serving") for entry in choice.ranking}
    assert (
        cost["grid(4, 4) after grid(2, 2), double_masking(first_round='levels')"] < cost["grid(4, 4), double_masking()"]
    )


def test_auto_is_not_doubled_and_leaves_levels_that_masks_have() -> None:
    auto = "double_masking(first_round='auto')"
    both = chosen(
        procedures=["double_masking(first_round='grid(2, 2)')", "double_masking()", auto],
        candidates=["grid(3, 3)", "grid(4, 4)"],
    )
    assert len({str(entry.candidate) for entry in both.ranking}) == len(both.ranking) == 8
    own = cover(REGIONS, SIDE, grid=(4, 4)).with_levels(cover(REGIONS, SIDE, grid=(2, 3)))
    kept = chosen(candidates=[own], procedures=[auto])
    assert [str(entry.candidate) for entry in kept.ranking] == ["your masks 1, double_masking(first_round='levels')"]
    assert kept.masks.levels == own.levels


def test_candidates_with_too_many_masks_are_refused_with_those_of_their_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "_MOST_TOGETHER", 18)
    assert len(chosen(candidates=["grid(4, 4)"], procedures=["double_masking()"]).masks) == 16
    with pytest.raises(InvalidInput, match="the candidates have 20 different masks together"):
        chosen(candidates=["grid(4, 4)"], procedures=["double_masking(first_round='grid(2, 2)')"])


def test_a_budget_rules_out_what_costs_more() -> None:
    small = chosen(serving=5, procedures=["challenger_masking()"])
    assert len(small.masks) == 4
    assert small.winner.cost("serving") <= 5
    above = [entry for entry in small.ranking if entry.cost("serving") > 5]
    assert len(above) == 2
    assert "!" in str(small)
    with pytest.raises(InvalidInput, match=r"no candidate keeps within the budget, at most 3 .*; the cheapest is"):
        chosen(serving=3)


def test_a_budget_in_milliseconds_is_by_the_clock_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halving, "batch_milliseconds", lambda *_: 10.0)
    # Batches of two: a grid of 2×2 masks needs two batches, 3×3 five.
    quick = chosen(milliseconds=29, procedures=["challenger_masking()"])
    assert len(quick.masks) == 4
    assert quick.winner.cost("milliseconds") >= 20
    assert "ms: of one image served by itself, in batches of 2 rows that take 10.00 ms" in str(quick)


def test_a_batch_is_timed_by_the_median_of_several() -> None:
    ticks = iter([0, 5, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51, 60, 67])
    classifier = Hashing(4)
    evaluator = evaluator_of(classifier, masks_of("grid(2, 2)", REGIONS, Grid.of(SIDE)))
    assert batch_milliseconds(evaluator, images_of(1, 10)[0], lambda: next(ticks)) == 1000.0
    assert len(classifier.rows) == 4 * 8


def test_rounds_double_and_give_up_what_is_surely_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halving, "FIRST_IMAGES", 16)
    images = images_of(100, 40)
    texts = ["grid(2, 2)", "max_mask_area('64px')", "masks(12, multiplicity=2)"]
    choice = chosen(images, candidates=texts, certifying=500, procedures=["double_masking()"])
    assert choice.dropped
    for dropped in choice.dropped:
        assert len(dropped.assessment) in (16, 32, 64)
        assert dropped.assessment.candidate not in [entry.candidate for entry in choice.ranking]
    assert {len(entry) for entry in choice.ranking} == {100}
    assert f"given up after {len(choice.dropped[0].assessment)} images" in str(choice)
    assert choice.document()["dropped"][0]["images"] == len(choice.dropped[0].assessment)


def test_the_same_seed_gives_the_same_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halving, "batch_milliseconds", lambda *_: 10.0)
    first, again, other = chosen(seed=1), chosen(seed=1), chosen(seed=2)
    assert first.document() == again.document()
    assert first.ranking[0].certified.tolist() == again.ranking[0].certified.tolist()
    order = [entry.ranking[0].serving.tolist() for entry in (first, other)]
    assert sorted(order[0]) == sorted(order[1])


def test_threat_51_the_report_says_that_it_is_optimistic_and_which_images_chose() -> None:
    choice = chosen()
    text = str(choice)
    assert "these figures are optimistic" in text
    assert choice.optimism is not None
    assert f"the choice itself adds {100 * choice.optimism:+.1f} points" in text
    assert f"chosen by 24 images, digest {choice.images.digest}" in text
    document = choice.document()
    assert document["chosen_by"] == {"count": 24, "digest": choice.images.digest, "data": None, "sample": None}
    assert document["optimism"] == choice.optimism
    # One candidate is chosen on all folds: nothing is added by the choice, whatever its other figures are.
    alone = chosen(images_of(24, 25), candidates=["grid(3, 3)"], procedures=["double_masking()"])
    assert alone.winner.clean_fraction > alone.winner.certified_fraction > 0
    assert alone.optimism == 0.0
    shuffled = chosen(images_of(24, 12)[::-1].copy())
    assert shuffled.images.digest == choice.images.digest
    assert chosen(images_of(24, 12, seed=1)).images.digest != choice.images.digest
    assert f"{choice.separate_predictions:,} in all" in text
    assert choice.predictions < choice.separate_predictions


def test_threat_51_the_winner_is_certified_on_other_images_and_refused_on_the_same() -> None:
    choice, others = chosen(), images_of(10, 12, seed=5)
    result = choice.certify(Hashing(2), others, np.zeros(10, np.int64))
    alone = certify(Hashing(2), others, np.zeros(10, np.int64), choice.masks, procedure=choice.procedure)
    assert result.verdicts == alone.verdicts
    assert result.masks == choice.masks
    mixed = np.concatenate([others, images_of(24, 12)[3:5]])
    with pytest.raises(InvalidInput, match=r"2 images of these 12 also chose the masks, the first at place 10"):
        choice.certify(Hashing(2), mixed, np.zeros(12, np.int64))


def test_images_without_pixels_are_certified_with_a_warning() -> None:
    images = [Opaque(image) for image in images_of(6, 12)]
    choice = choose(
        Unwrapping(), images, np.zeros(6, np.int64), REGIONS, candidates=TEXTS[:1], image_size=SIDE, probes=False
    )
    with pytest.warns(MaskcoverWarning, match="no pixels that can be compared"):
        choice.certify(Unwrapping(), images, np.zeros(6, np.int64), probes=False)


class Opaque:
    def __init__(self, pixels: Any) -> None:
        self.pixels = pixels


class Unwrapping(Hashing):
    def scores(self, images: Any, hidden: Any) -> Any:
        return super().scores([image.pixels for image in images], hidden)


def test_several_fills_are_tried_and_the_winner_keeps_its_own() -> None:
    def brightness(images: Any) -> Any:
        mean = images.mean(axis=(1, 2))
        return np.stack([0.5 - mean, mean - 0.5], axis=1)

    # Light images: hidden pixels that are black make them dark, white ones do not.
    images, labels = np.full((6, 12, 12), 0.6) + np.arange(6)[:, None, None] / 1000, np.ones(6, np.int64)
    choice = choose(brightness, images, labels, squares(size=3), candidates=["grid(3, 3)"], fills=[0.0, 1.0])
    assert choice.fill == 1.0
    assert [entry.certified_fraction for entry in choice.ranking] == [1.0, 1.0, 0.0, 0.0]
    others = images + 0.01
    assert choice.certify(brightness, others, labels).certified.all()
    assert not certify(brightness, others, labels, choice.masks, fill=0.0).certified.any()
    with pytest.raises(InvalidInput, match="once: with fill=, or several with fills="):
        choose(brightness, images, labels, squares(size=3), fills=[0.0], fill=1.0)


def test_detection_is_tried_only_if_it_is_listed() -> None:
    assert {entry.candidate.procedure.name for entry in chosen().ranking} == {"double_masking", "challenger_masking"}
    choice = chosen(procedures=[DoubleMasking(), Detection(0.9)])
    detection = [entry for entry in choice.ranking if entry.candidate.procedure == Detection(0.9)]
    assert len(detection) == 3
    with pytest.raises(InvalidInput, match="leave min_margin out"):
        chosen(procedures=[DoubleMasking(), Detection(0.9)], min_margin=0.1)


def test_a_candidate_that_does_not_cover_is_refused_with_its_witness() -> None:
    masks = MaskSet.from_boxes([(0, 0, 8, 4)], image_size=SIDE)
    with pytest.raises(NotCovering, match=r"the candidate your masks 2: nothing can be certified with these masks"):
        chosen(candidates=["grid(2, 2)", masks])


def test_mask_sets_of_the_users_own_are_tried_beside_the_defaults() -> None:
    own = cover(REGIONS, SIDE, grid=(2, 3))
    choice = chosen(candidates=[own, "defaults"], procedures=[DoubleMasking()])
    names = [entry.candidate.name for entry in choice.ranking] + [
        entry.assessment.candidate.name for entry in choice.dropped
    ]
    assert "your masks 1" in names
    assert {"grid(2, 2)", "grid(3, 3)"} <= set(names)


def test_default_candidates_are_grids_covers_between_them_and_redundant_ones() -> None:
    texts = default_texts(squares(size=32), Grid.of(224))
    assert [text for text in texts if text.startswith("grid")] == [f"grid({k}, {k})" for k in range(2, 8)]
    assert sum(text.startswith("max_mask_area") for text in texts) == 6
    assert [text for text in texts if "multiplicity" in text] == [f"masks({n}, multiplicity=2)" for n in (9, 16, 36)]
    sets = [masks_of(text, squares(size=32), Grid.of(224)) for text in texts]
    assert len(set(sets)) == len(sets)
    assert max(map(len, sets)) <= 64
    # On small images several grids are the same mask set, which is tried once.
    small = [masks_of(text, REGIONS, Grid.of(SIDE)) for text in default_texts(REGIONS, Grid.of(SIDE))]
    assert len(set(small)) == len(small) > 8


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"candidates": ["grid(2, 2"]}, r"expected a text that makes masks, such as grid\(4, 4\).*got 'grid\(2, 2'"),
        ({"candidates": ["masks(4, 5)"]}, "expected a text that makes masks"),
        ({"candidates": ["open('x')"]}, "expected a text that makes masks"),
        ({"candidates": [7]}, "a candidate is a MaskSet or a text"),
        ({"candidates": []}, "there is nothing to choose from"),
        ({"fills": 0.5}, "fills= expects numbers"),
        ({"fills": [[0.5]]}, "fills= expects numbers"),
        ({"procedures": []}, "there is nothing to choose from"),
        ({"candidates": [cover("squares(size=2)", 9), "grid(2, 2)", cover("squares(size=2)", 8)]}, "images of 8×8"),
        ({"serving": 5, "certifying": 9}, "name one budget at most"),
        ({"labels": np.zeros(3, np.int64)}, "expected 24 whole numbers"),
        ({"labels": np.full(24, 9)}, "has the label 9"),
        ({"images": np.zeros((0, 8, 8))}, "at least one image"),
    ],
)
def test_bad_input_is_refused(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        chosen(**arguments)


def test_the_size_of_the_images_is_found_or_asked_for() -> None:
    assert grid_of(None, None, np.zeros((3, 20, 30))).shape == (20, 30)
    assert grid_of(None, None, np.zeros((20, 30, 1))).shape == (20, 30)
    assert grid_of(None, None, np.zeros((20, 30))).shape == (20, 30)
    assert grid_of(["grid(2, 2)"], None, np.zeros((20, 30)), image_size=5).shape == (5, 5)
    assert grid_of([cover("squares(size=2)", 9)], None, object()).shape == (9, 9)
    for image in (object(), np.zeros((3, 20, 4)), np.zeros((7, 20, 30))):
        with pytest.raises(InvalidInput, match="name it with image_size="):
            grid_of(None, None, image)


def test_a_winner_that_is_less_often_right_than_another_candidate_says_so() -> None:
    choice = chosen(procedures=["double_masking()"])
    assert choice.cleaner is None
    assert "pays with clean accuracy" not in str(choice)
    first, second, third = choice.ranking
    poor = replace(first, right=np.arange(24) < 8)
    right = replace(second, right=np.arange(24) < 24)
    changed = replace(choice, ranking=(poor, replace(third, right=np.arange(24) < 20), right))
    assert changed.cleaner == right
    assert f"it pays with clean accuracy: {right.candidate} is right on 100.0% and certifies" in str(changed)
    assert changed.document()["cleaner"] == str(right.candidate)
    # One that is above the budget is no alternative.
    dear = replace(right, serving=np.full(24, 99))
    assert replace(changed, ranking=(poor, dear), budget=Budget("serving", 50)).cleaner is None
    # 14 of 24 are not surely fewer than 20.
    close = (replace(first, right=np.arange(24) < 14), replace(third, right=np.arange(24) < 20))
    assert replace(choice, ranking=close).cleaner is None


def test_images_of_a_data_set_are_named_by_it() -> None:
    images = images_of(6, 12)
    dataset = Dataset("my photos", tuple("abcdef"), np.zeros(6, np.int64), lambda number: images[number])
    choice = chosen(dataset.sampled(4), labels=np.zeros(4, np.int64), image_size=SIDE)
    assert choice.document()["chosen_by"]["data"] == "my photos"
    assert "chosen by 4 images of my photos (a sample of 4 of 6 (seed 0)), digest sha256:" in str(choice)


def test_labels_belong_to_their_images_in_whatever_order_these_are_tried() -> None:
    labels = np.arange(24) % 2
    choice = chosen(images_of(24, 1), labels=labels, procedures=["double_masking()"])
    # Nearly all views have the label 0, so that the images of label 1 are wrong, and only they.
    assert choice.winner.right.sum() == 12
    assert choice.winner.right.tolist() == (labels[np.random.default_rng(0).permutation(24)] == 0).tolist()


def test_a_classifier_that_changes_meanwhile_is_noticed() -> None:
    class Drifting(Hashing):
        @property
        def identity(self) -> dict[str, str]:
            return {"weights": str(len(self.rows))}

    with pytest.raises(ProbeFailed, match="the classifier changed during the run"):
        chosen(model=Drifting(2), probes=False)
