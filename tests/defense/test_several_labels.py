"""Several labels in tiny worlds where every attack is tried, and the bounds against all choices of an attacker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import maskcover as mc
from maskcover import InvalidInput, MultiLabel, MultiLabelResult
from maskcover.cells import BoolArray, IntArray
from maskcover.certification import predict_with
from maskcover.classifiers import evaluator_of
from maskcover.defense import Defended, PredictionTable, SeveralLabels
from maskcover.defense.answers import Case
from maskcover.defense.class_tables import class_labels, largest_sets
from maskcover.defense.label_bounds import (
    Figures,
    interpolated_area,
    least_ratio,
    losses,
    macro_recall_bound,
    micro_bound,
    ratio,
)
from maskcover.masks import MaskSet
from maskcover.testing import World
from maskcover.testing.procedures import WORLDS, attacked_inside

CLASSES = 3
TWO_PATCHES = World(
    MaskSet.from_array(
        np.array([[[place // 2 in pair for place in range(8)]] for pair in combinations(range(4), 2)], dtype=bool)
    ),
    "patches(squares(size=1), k=2)",
)
EVERY_WORLD = (*WORLDS, TWO_PATCHES)
PROCEDURES = (
    "double_masking()",
    "challenger_masking()",
    "double_masking(first_round='pairs')",
    "challenger_masking(first_round='pairs')",
)


class Scorer:
    """Scores each class by itself, from what is visible; right about most views of one image."""

    batch_size = 8

    def __init__(
        self, chance: np.random.Generator, world: World, image: IntArray, truth: BoolArray, wrong: int
    ) -> None:
        hidden = np.concatenate([np.asarray(world.masks), np.zeros((1, *image.shape), np.bool_)])
        views = sorted({code(np.where(first | second, 2, image)) for first in hidden for second in hidden})
        self._seed, self._scores = int(chance.integers(1 << 30)), dict[bytes, npt.NDArray[np.float64]]()
        signs = np.where(truth, 1.0, -1.0)
        for view in views:
            self._scores[view] = signs * chance.integers(0 if truth.all() else 1, 4, CLASSES)
        for label in range(CLASSES):
            for number in chance.choice(
                len(views), size=min(int(chance.integers(wrong + 1)), len(views)), replace=False
            ):
                self._scores[views[number]][label] *= -1

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.NDArray[np.float64]:
        shown = [code(np.where(hide, 2, image)) for image, hide in zip(images, hidden, strict=True)]
        return np.stack([self._scores.get(view, self._any(view)) for view in shown])

    def _any(self, view: bytes) -> npt.NDArray[np.float64]:
        return np.random.default_rng([self._seed, *view]).integers(-3, 4, CLASSES).astype(np.float64)


def code(image: npt.NDArray[Any]) -> bytes:
    return image.astype(np.uint8).tobytes()


def cases(worlds: Sequence[World], models: int) -> Iterator[tuple[World, Scorer, IntArray, BoolArray]]:
    chance = np.random.default_rng(0)
    for world in worlds:
        for number in range(models if world is not TWO_PATCHES else 3):
            image = chance.integers(0, 2, world.masks.grid.shape)
            truth = chance.integers(0, 2, CLASSES).astype(np.bool_)
            yield world, Scorer(chance, world, image, truth, wrong=number % 3), image, truth


def certified(world: World, model: Scorer, image: IntArray, truth: BoolArray, **options: Any) -> MultiLabelResult:
    options = {"probes": False} | options
    return mc.certify(model, [image], truth[None], world.masks, regions=world.regions, task="multilabel", **options)


def wrong_under_attack(
    world: World, model: Scorer, image: IntArray, truth: BoolArray, result: MultiLabelResult
) -> Iterator[tuple[BoolArray, BoolArray]]:
    """For each region its cells, and for each content of it which classes are answered wrongly."""
    attacks = [(hit, changed) for hit in world.hits() for changed in attacked_inside(image, hit)]
    answers = predict_with(evaluator_of(model, result.masks), [changed for _, changed in attacks], result.procedure)
    for (hit, _), answer in zip(attacks, answers, strict=True):
        assert isinstance(answer, SeveralLabels)
        yield hit, answer.present != truth


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_no_attack_changes_a_class_outside_the_threatened_ones(procedure: str) -> None:
    """Whatever a region holds, the wrong classes have no certifying mask around it, and lie in one threatened set."""
    kept = lost = partly = 0
    for world, model, image, truth in cases(EVERY_WORLD, 9):
        result = certified(world, model, image, truth, procedure=procedure)
        (verdict,) = result.verdicts
        masks, certifying = np.asarray(world.masks), verdict.certificates.certifying
        kept, lost = kept + int(verdict.certified.sum()), lost + int((~verdict.certified).sum())
        partly += int((certifying.any(axis=0) & ~verdict.certified).sum())
        for hit, wrong in wrong_under_attack(world, model, image, truth, result):
            containing = (masks | ~hit).all(axis=(1, 2))
            assert not (wrong & certifying[containing].any(axis=0)).any()
            assert any((wrong <= threatened).all() for threatened in verdict.certificates.threatened)
            assert (wrong & truth).sum() <= result.false_negatives[0]
            assert (wrong & ~truth).sum() <= result.false_positives[0]
    assert min(kept, lost, partly) > 5


def test_certificates_are_those_of_each_class_alone() -> None:
    """A class is certified exactly if double masking certifies its own binary classifier."""
    seen = set()
    for world, model, image, truth in cases(WORLDS, 6):
        result = certified(world, model, image, truth)
        for label in range(CLASSES):
            binary = OneClass(model, label)
            alone = mc.certify(binary, [image], [int(truth[label])], world.masks, regions=world.regions)
            assert alone.certified[0] == result.certified[0, label]
            assert alone.defended[0] == result.defended[0, label]
            seen.add(bool(alone.certified[0]))
    assert seen == {True, False}


class OneClass:
    """One class of a scorer: absent or present, at a threshold of 0."""

    batch_size = 8

    def __init__(self, model: Scorer, label: int) -> None:
        self._model, self._label = model, label

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.NDArray[np.float64]:
        present = self._model.scores(images, hidden)[:, self._label] >= 0
        return np.stack([~present, present], axis=1).astype(np.float64)


def test_tables_with_gaps_give_what_whole_tables_give() -> None:
    for world, model, image, truth in cases(EVERY_WORLD, 6):
        with_gaps, whole = (certified(world, model, image, truth, keep_scores=keep) for keep in (False, True))
        first, second = with_gaps.verdicts[0].certificates, whole.verdicts[0].certificates
        assert (first.certified == second.certified).all()
        assert largest_sets(first.threatened).tolist() == largest_sets(second.threatened).tolist()
        assert with_gaps.verdicts[0].evaluations <= whole.verdicts[0].evaluations
        assert (with_gaps.defended == whole.defended).all()


def test_too_many_sets_to_list_count_as_one_that_holds_all_classes_without_a_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listed = [certified(*case).verdicts[0].certificates for case in cases(WORLDS, 3)]
    monkeypatch.setattr(mc.covering.containment.Containment, "containing", None)
    for case, before in zip(cases(WORLDS, 3), listed, strict=True):
        certificates = certified(*case).verdicts[0].certificates
        assert (certificates.certified == before.certified).all()
        assert certificates.threatened.tolist() == [(~before.certified).tolist()]


def test_a_score_at_the_threshold_is_present_and_just_below_it_is_not() -> None:
    views = MaskSet.from_boxes([(0, 0, 1, 1)], (1, 2)).views(mc.masks.Views.PAIRS)
    table = PredictionTable(views, 2)
    below = np.nextafter(0.3, 0)
    table.record(np.array([0]), np.array([0]), np.ones(1), np.ones(1), np.array([[0.3, below]]))
    assert class_labels(table, np.array([0.3])).tolist() == [[1, 0], [-2, -2]]


class Broken(Scorer):
    """Gives NaN to one class where nothing is hidden, or where something is."""

    where_hidden = False

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.NDArray[np.float64]:
        scores = super().scores(images, hidden)
        scores[hidden.any(axis=(1, 2)) == self.where_hidden, 0] = np.nan
        return scores


@pytest.mark.parametrize("where_hidden", [False, True])
def test_scores_that_are_not_finite_take_all_certificates_back(where_hidden: bool) -> None:
    world, _, image, truth = next(cases(WORLDS, 1))
    model = Broken(np.random.default_rng(0), world, image, truth, 0)
    assert certified(world, model, image, truth).verdicts[0].evaluations > 1
    model.where_hidden = where_hidden
    result = certified(world, model, image, truth, probes=False)
    assert not result.certified.any()
    assert result.verdicts[0].error
    assert "1 error" in str(result)
    assert result.true_positives.tolist() == [0]
    assert result.false_positives.tolist() == [int((~truth).sum())]


SETS = st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=4)
IMAGES = st.lists(st.tuples(st.lists(st.booleans(), min_size=4, max_size=4), SETS), min_size=1, max_size=3)


@given(IMAGES)
def test_bounds_are_the_worst_over_every_choice_of_the_attacker(
    images: list[tuple[list[bool], list[list[bool]]]],
) -> None:
    truths = np.array([truth for truth, _ in images], dtype=np.bool_)
    threatened = [np.array(sets, dtype=np.bool_) for _, sets in images]
    bound = micro_bound(truths.sum(axis=1).tolist(), [losses(*pair) for pair in zip(truths, threatened, strict=True)])
    outcomes = []
    for choice in product(*threatened):
        says = truths ^ np.stack(choice)
        counts = [int((truths & says).sum()), int((~truths & says).sum()), int((truths & ~says).sum())]
        used = truths.any(axis=0)
        recalls = [
            ratio(int(hits), int(all_))
            for hits, all_ in zip((truths & says).sum(axis=0), truths.sum(axis=0), strict=True)
        ]
        outcomes.append(
            (Figures.of(*counts), sum(recalls, Fraction(0)) / int(used.sum()) if used.any() else Fraction(0))
        )
    assert bound.precision == min(figures.precision for figures, _ in outcomes)
    assert bound.recall == min(figures.recall for figures, _ in outcomes)
    assert bound.f1 == min(figures.f1 for figures, _ in outcomes)
    assert macro_recall_bound(truths, threatened) == min(mean for _, mean in outcomes)
    together = [np.logical_or.reduce(sets)[None] for sets in threatened]
    by_class = micro_bound(truths.sum(axis=1).tolist(), [losses(*pair) for pair in zip(truths, together, strict=True)])
    assert by_class.precision <= bound.precision
    assert by_class.recall <= bound.recall
    assert by_class.f1 <= bound.f1


def test_joint_bounds_are_never_below_those_class_by_class_and_never_above_clean_figures() -> None:
    better = 0
    for world, model, image, truth in cases(EVERY_WORLD, 9):
        result = certified(world, model, image, truth)
        for average in ("micro", "macro"):
            by_class, joint, clean = (
                result.certified_figures(average, joint=False),
                result.certified_figures(average),
                result.clean_figures(average),
            )
            for name in ("precision", "recall", "f1"):
                assert getattr(by_class, name) <= getattr(joint, name) <= getattr(clean, name)
            better += joint.recall > by_class.recall
    assert better


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=6))
def test_the_area_is_that_under_the_largest_precision_to_the_right(points: list[tuple[int, int]]) -> None:
    plain = [(Fraction(recall, 6), Fraction(precision, 6)) for recall, precision in points]
    columns = [max((high for right, high in plain if right * 6 >= part), default=Fraction(0)) for part in range(1, 7)]
    assert interpolated_area(plain) == sum(columns, Fraction(0)) / 6


def test_ratios_without_a_part_are_zero() -> None:
    assert least_ratio([np.array([0, 1])], [np.array([0, 1])]) == 0
    assert least_ratio([], []) == 0


def test_the_least_ratio_need_not_have_the_least_part() -> None:
    """Alone (2, 8) is the worst choice; beside an image that loses much, (1, 1) is."""
    choice = np.array([1, 2]), np.array([1, 8])
    assert least_ratio([choice[0]], [choice[1]]) == Fraction(1, 4)
    beside = np.array([0]), np.array([1000])
    assert least_ratio([choice[0], beside[0]], [choice[1], beside[1]]) == Fraction(1, 1001)


def test_other_thresholds_come_from_the_scores_that_were_kept() -> None:
    for world, model, image, truth in cases(WORLDS, 6):
        kept = certified(world, model, image, truth, keep_scores=True)
        for threshold in (-1.5, 1.0, (0.5, -2.0, 3.0)):
            again, anew = kept.at(threshold), certified(world, model, image, truth, thresholds=threshold)
            assert (again.certified == anew.certified).all()
            assert (again.defended == anew.defended).all()
            assert again.certified_figures() == anew.certified_figures()
            assert str(again.procedure) == str(anew.procedure)
        assert (
            kept.average_precision(joint=False) <= kept.average_precision() <= kept.average_precision(certified=False)
        )


def test_average_precision_without_scores_is_refused() -> None:
    world, model, image, truth = next(cases(WORLDS, 1))
    result = certified(world, model, image, truth)
    for call in (lambda: result.at(0.5), result.average_precision):
        with pytest.raises(InvalidInput, match="keep_scores=True"):
            call()


def test_all_classes_share_the_predictions() -> None:
    """An image costs no more than all unions of two masks and the image as it is, however many classes there are."""
    for world, model, image, truth in cases(WORLDS, 6):
        result = certified(world, model, image, truth)
        assert result.verdicts[0].evaluations <= len(world.masks.unions) + 1


def test_an_answer_names_its_classes() -> None:
    answer = SeveralLabels((Defended(1, Case.AGREED), Defended(-1, Case.MAJORITY), Defended(0, Case.AGREED)))
    assert answer.present.tolist() == [True, False, False]
    assert answer.decided.tolist() == [True, False, True]
    assert (answer.label, answer.alert, answer.case) == (-1, False, Case.SEVERAL)


@pytest.mark.parametrize(
    "procedure",
    [
        "detection(threshold=0.5)",
        "voting()",
        "double_masking(rule='all-pairs')",
        "double_masking(first_round='grid(2, 2)')",
    ],
)
def test_other_procedures_are_refused(procedure: str) -> None:
    world, model, image, truth = next(cases(WORLDS, 1))
    with pytest.raises(InvalidInput, match="several labels need double_masking"):
        certified(world, model, image, truth, procedure=procedure)


@pytest.mark.parametrize("thresholds", ["a", float("nan"), [], [0.5, None], True])
def test_thresholds_that_are_no_numbers_are_refused(thresholds: Any) -> None:
    with pytest.raises(InvalidInput, match="thresholds are"):
        MultiLabel(thresholds)


def test_another_number_of_classes_is_refused() -> None:
    world, model, image, truth = next(cases(WORLDS, 1))
    with pytest.raises(InvalidInput, match="one threshold, or one for each of 3 classes; got 2"):
        certified(world, model, image, truth, thresholds=(0.5, 0.5))
    with pytest.raises(InvalidInput, match="labels for 2 classes, but the classifier scores 3"):
        certified(world, model, image, truth[:2])


def test_a_margin_and_a_single_label_are_refused() -> None:
    world, model, image, truth = next(cases(WORLDS, 1))
    with pytest.raises(InvalidInput, match="margin"):
        certified(world, model, image, truth, min_margin=0.1)
    with pytest.raises(InvalidInput, match="margin"):
        certified(world, model, image, truth, numerics="margin")
    with pytest.raises(InvalidInput, match='type task="multilabel"'):
        mc.certify(model, [image], [0], world.masks, regions=world.regions, procedure=MultiLabel())
    with pytest.raises(InvalidInput, match='type task="multilabel"'):
        mc.certify(model, [image], [0], world.masks, regions=world.regions, thresholds=0.5)
