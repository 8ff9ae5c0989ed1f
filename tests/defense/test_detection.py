"""Detection compares in one way everywhere, and its curve says of every threshold what the threshold does."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import inf, nextafter
from typing import Any

import numpy as np
import pytest

from maskcover import InvalidInput
from maskcover.classifiers import UNDECIDED, UNSEEN
from maskcover.defense import (
    Certificate,
    Detected,
    Detection,
    DetectionCurve,
    Levels,
    detect,
    detection_certificate,
    detection_levels,
    parse_procedure,
)
from maskcover.defense.certificates import Covers
from maskcover.defense.texts import procedure_in
from tests.defense.naive import BoolArray, FirstRound

U = UNDECIDED

# The bare label, the labels of the masks and their confidences, the threshold.
ANSWERS: dict[str, tuple[int, list[int], list[float], float, Detected]] = {
    "all agree": (3, [3, 3], [0.9, 0.1], 0.0, Detected(3, False)),
    "a mask speaks against it": (3, [3, 5], [0.9, 0.8], 0.7, Detected(3, True, 1)),
    "just as sure as it must be": (3, [3, 5], [0.9, 0.8], 0.8, Detected(3, True, 1)),
    "not sure enough": (3, [3, 5], [0.9, 0.8], nextafter(0.8, 1), Detected(3, False)),
    "the first of two": (3, [5, 5, 4], [0.2, 0.9, 1.0], 0.9, Detected(3, True, 1)),
    "certainty against it": (3, [5], [1.0], 1.0, Detected(3, True, 0)),
    "any doubt counts at 0": (3, [5], [0.0], 0.0, Detected(3, True, 0)),
    "a mask without a label, at any threshold": (3, [3, U], [0.9, 0.0], 1.0, Detected(3, True, 1)),
    "no bare label": (U, [3, 3], [0.2, 0.6], 0.5, Detected(U, True, 1)),
    "no bare label and no mask that is sure": (U, [3, 3], [0.2, 0.4], 0.5, Detected(U, True)),
    "no label anywhere": (U, [U, U], [0.0, 0.0], 0.5, Detected(U, True)),
}


@pytest.mark.parametrize(("bare", "labels", "sure", "threshold", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_the_answer_is_the_bare_label_with_an_alert_if_a_mask_speaks_against_it(
    bare: int, labels: list[int], sure: list[float], threshold: float, expected: Detected
) -> None:
    assert detect(bare, np.array(labels), np.array(sure), threshold) == expected


@pytest.mark.parametrize(
    ("detected", "text"),
    [
        (Detected(3, False), "3 (no alert)"),
        (Detected(3, True, 5), "3 (alert, mask 5)"),
        (Detected(U, True), "-1 (alert)"),
    ],
)
def test_an_answer_reads_as_its_label_and_alert(detected: Detected, text: str) -> None:
    assert str(detected) == text


# The bare label, the labels of the masks and their confidences, below what there is an alert; the threshold is 0.8.
LOW: dict[str, tuple[int, list[int], list[float], float | None, Detected]] = {
    "sure enough": (3, [3, 3], [0.9, 0.3], 0.3, Detected(3, False)),
    "a little less": (3, [3, 3], [0.9, 0.3], nextafter(0.3, 1), Detected(3, True, 1)),
    "one that agrees": (3, [3, 3], [0.2, 0.9], 0.3, Detected(3, True, 0)),
    "one that disagrees": (3, [3, 5], [0.9, 0.2], 0.3, Detected(3, True, 1)),
    "the first of both kinds": (3, [3, 3, 5], [0.9, 0.2, 0.9], 0.3, Detected(3, True, 1)),
    "none named": (3, [3, 5], [0.0, 0.0], None, Detected(3, False)),
    "none is below 0": (3, [3, 5], [0.0, 0.0], 0.0, Detected(3, False)),
    "certainty is not below 1": (3, [3], [1.0], 1.0, Detected(3, False)),
}


@pytest.mark.parametrize(("bare", "labels", "sure", "low", "expected"), LOW.values(), ids=LOW)
def test_too_little_confidence_raises_an_alert_whatever_the_label(
    bare: int, labels: list[int], sure: list[float], low: float | None, expected: Detected
) -> None:
    assert detect(bare, np.array(labels), np.array(sure), 0.8, low) == expected


def needs(*masks: int) -> Covers:
    """Covering that holds exactly when all of these masks are selected."""
    return lambda selected: bool(selected[list(masks)].all())


# Of label 3: what masks say, and how sure they are; the threshold, the masks needed; certified, good, failing.
CERTIFICATES: dict[str, tuple[list[int], list[float], float, list[int], Certificate]] = {
    "all needed, all good": ([3, 3], [0.9, 0.8], 0.8, [0, 1], Certificate(True, (0, 1), None, True)),
    "one less sure": ([3, 3], [0.9, 0.8], nextafter(0.8, 1), [0, 1], Certificate(False, (0,), (1, 1), True)),
    "one less sure that is not needed": ([3, 3], [0.9, 0.8], 0.85, [0], Certificate(True, (0,), (1, 1), True)),
    "one of another label": ([5, 3], [0.9, 0.8], 0.5, [0, 1], Certificate(False, (1,), (0, 0), True)),
    "one without a label": ([3, U], [0.9, 0.0], 0.0, [0, 1], Certificate(False, (0,), (1, 1), True)),
    "none good, even if nothing is needed": ([5, 5], [0.9, 0.9], 0.0, [], Certificate(False, (), (0, 0), True)),
}


@pytest.mark.parametrize(("labels", "sure", "threshold", "needed", "found"), CERTIFICATES.values(), ids=CERTIFICATES)
def test_certified_exactly_if_masks_that_say_the_label_with_confidence_cover(
    labels: list[int], sure: list[float], threshold: float, needed: list[int], found: Certificate
) -> None:
    assert detection_certificate(np.array(labels), sure, 3, threshold, needs(*needed)) == found


# Of label 3 at a threshold of 0.8, both masks needed: what masks say, how sure they are, below what there is an alert.
LOW_CERTIFICATES: dict[str, tuple[list[int], list[float], float, Certificate]] = {
    "below it, whatever the label": ([5, 3], [0.2, 0.9], 0.3, Certificate(True, (0, 1), None, True)),
    "just at it there is no alert": ([5, 3], [0.3, 0.9], 0.3, Certificate(False, (1,), (0, 0), True)),
    "between both": ([3, 3], [0.5, 0.9], 0.3, Certificate(False, (1,), (0, 0), True)),
    "just at the threshold": ([3, 3], [0.8, 0.8], 0.3, Certificate(True, (0, 1), None, True)),
    "no label counts for nothing": ([U, 3], [0.2, 0.9], 0.3, Certificate(False, (1,), (0, 0), True)),
}


@pytest.mark.parametrize(("labels", "sure", "low", "expected"), LOW_CERTIFICATES.values(), ids=LOW_CERTIFICATES)
def test_masks_that_always_raise_an_alert_certify_too(
    labels: list[int], sure: list[float], low: float, expected: Certificate
) -> None:
    assert detection_certificate(np.array(labels), sure, 3, 0.8, needs(0, 1), low) == expected


# Of label 3 with alerts below 0.3: the bare label, what masks say, how sure they are, the masks needed; the levels.
LOW_LEVELS: dict[str, tuple[int, list[int], list[float], list[int], Levels]] = {
    "one below": (3, [5, 3], [0.2, 0.9], [0, 1], Levels(inf, 0.9)),
    "all below": (3, [5, 3], [0.2, 0.1], [0, 1], Levels(inf, inf)),
    "all that are needed below": (3, [5, 3], [0.2, 0.9], [0], Levels(inf, inf)),
    "none below": (3, [3, 3], [0.3, 0.9], [0, 1], Levels(-inf, 0.3)),
    "none below and none needed": (3, [5, 5], [0.3, 0.9], [], Levels(0.9, -inf)),
    "one that is not below is wrong": (3, [5, 3], [0.3, 0.2], [0, 1], Levels(inf, -inf)),
    "the bare label is wrong": (5, [3, 5], [0.7, 0.9], [0, 1], Levels(inf, -inf, 0.7)),
}


@pytest.mark.parametrize(("bare", "labels", "sure", "needed", "levels"), LOW_LEVELS.values(), ids=LOW_LEVELS)
def test_the_levels_of_an_image_with_alerts_on_low_confidence(
    bare: int, labels: list[int], sure: list[float], needed: list[int], levels: Levels
) -> None:
    assert detection_levels(bare, np.array(labels), sure, 3, needs(*needed), 0.3) == levels


# Of label 3: the bare label, what masks say, how sure they are, the masks needed; the levels.
LEVELS: dict[str, tuple[int, list[int], list[float], list[int], Levels]] = {
    "no mask disagrees": (3, [3, 3], [0.9, 0.8], [0, 1], Levels(-inf, 0.8)),
    "one mask is enough": (3, [3, 3], [0.9, 0.8], [0], Levels(-inf, 0.9)),
    "the surest of those that disagree": (3, [3, 5, 4, 5], [0.9, 0.2, 0.6, 0.4], [0], Levels(0.6, 0.9)),
    "the bare label is wrong": (5, [3, 3], [0.9, 0.8], [1], Levels(inf, 0.8, 0.9)),
    "no bare label": (U, [3, 3], [0.9, 0.8], [1], Levels(inf, 0.8)),
    "a mask without a label": (3, [3, U], [0.9, 0.0], [0], Levels(inf, 0.9)),
    "a mask that is needed is wrong": (3, [3, 5], [0.9, 1.0], [0, 1], Levels(1.0, -inf)),
    "no confidence at all": (3, [3, 3], [0.0, 0.0], [0, 1], Levels(-inf, 0.0)),
    "none is right, even if nothing is needed": (3, [5, 5], [0.3, 0.4], [], Levels(0.4, -inf)),
}


@pytest.mark.parametrize(("bare", "labels", "sure", "needed", "levels"), LEVELS.values(), ids=LEVELS)
def test_the_levels_of_an_image(
    bare: int, labels: list[int], sure: list[float], needed: list[int], levels: Levels
) -> None:
    assert detection_levels(bare, np.array(labels), sure, 3, needs(*needed)) == levels


def random_views(number: int, masks: int) -> Iterator[FirstRound]:
    """First rounds that are mostly right about label 1, a few without some labels; confidences are often equal."""
    rng = np.random.default_rng(masks)
    for _ in range(number):
        labels = np.where(rng.random(masks) < 0.8, 1, rng.integers(0, 3, size=masks))
        labels[rng.random(masks) < rng.choice([0.0, 0.0, 0.05])] = UNDECIDED
        sure = np.where(labels == UNDECIDED, 0, rng.integers(0, 11, size=masks) / 10)
        yield FirstRound(int(rng.choice([1, 1, 1, 0, U])), tuple(labels.tolist()), tuple(sure.tolist()))


def levels_of(view: FirstRound, covers: Covers) -> Levels:
    """The levels for label 1."""
    return detection_levels(view.bare, np.array(view.labels), view.confidences, 1, covers)


def telling(view: FirstRound) -> list[float]:
    """The thresholds at which something may change, and those next to them."""
    numbers = (0.0, 1.0, *view.confidences)
    near = {one for number in numbers for one in (nextafter(number, -inf), number, nextafter(number, inf))}
    return sorted(one for one in near if 0 <= one <= 1)


@pytest.mark.parametrize("masks", [1, 2, 5, 12])
def test_levels_say_of_every_threshold_what_the_functions_of_one_threshold_say(masks: int) -> None:
    def covers(selected: BoolArray) -> bool:
        return bool(selected[::2].all() or selected[1::2].sum() > masks // 3)

    certified = alerts = 0
    for view in random_views(200, masks):
        levels, labels = levels_of(view, covers), np.array(view.labels)
        for threshold in telling(view):
            found = detection_certificate(labels, view.confidences, 1, threshold, covers)
            answer = detect(view.bare, labels, view.confidences, threshold)
            assert found.certified == (threshold <= levels.cover_level)
            assert (answer == Detected(1, False)) == (threshold > levels.alarm_level)
            certified, alerts = certified + found.certified, alerts + answer.alert
    assert certified > 100
    assert alerts > 100


def test_covering_is_asked_about_few_selections() -> None:
    asked = []

    def covers(selected: BoolArray) -> bool:
        asked.append(int(selected.sum()))
        return asked[-1] >= 700

    sure = np.random.default_rng(1).permutation(np.arange(1000)) / 1000
    assert detection_levels(1, np.ones(1000, dtype=np.int64), sure, 1, covers).cover_level == 0.3
    assert len(asked) <= 11


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7])
def test_confidences_of_lower_precision_are_compared_in_one_way_everywhere(threshold: float) -> None:
    # float32(0.1) and float32(0.3) are above the float64, float32(0.7) is below; in float32 all would be equal to it.
    sure = np.array([threshold], dtype=np.float32)
    above = float(sure[0]) >= threshold
    assert detect(0, np.array([1]), sure, threshold).alert == above
    assert detection_certificate(np.array([1]), sure, 1, threshold, needs(0)).certified == above
    assert (detection_levels(1, np.array([1]), sure, 1, needs(0)).cover_level >= threshold) == above
    assert (detection_levels(1, np.array([0]), sure, 1, needs()).alarm_level >= threshold) == above


FOUR = DetectionCurve((Levels(-inf, 0.75), Levels(0.5, 0.75), Levels(0.25, -inf), Levels(inf, 0.5)))


def test_a_curve_changes_at_levels_and_nowhere_else() -> None:
    thresholds, clean, certified = FOUR.steps()
    assert thresholds.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert clean.tolist() == [0.25, 0.25, 0.5, 0.75, 0.75]
    assert certified.tolist() == [0.75, 0.75, 0.75, 0.5, 0]


def test_a_curve_counts_an_image_up_to_its_cover_level_and_beyond_its_alarm_level() -> None:
    assert (FOUR.clean(0.5), FOUR.clean(nextafter(0.5, 1))) == (Fraction(1, 2), Fraction(3, 4))
    assert (FOUR.certified(0.5), FOUR.certified(nextafter(0.5, 1))) == (Fraction(3, 4), Fraction(1, 2))


def test_a_curve_counts_the_alerts_of_clean_images_whatever_their_label() -> None:
    curve = DetectionCurve((Levels(-inf, 0.75), Levels(0.5, 0.75), Levels(inf, 0.5, 0.25), Levels(inf, inf)))
    assert (curve.alerts(0.25), curve.alerts(nextafter(0.25, 1))) == (Fraction(3, 4), Fraction(1, 2))
    assert (curve.alerts(0.5), curve.alerts(nextafter(0.5, 1))) == (Fraction(1, 2), Fraction(1, 4))
    assert (curve.certified(0.0), curve.certified(1.0)) == (Fraction(1), Fraction(1, 4))
    thresholds, alerts = curve.alert_steps()
    assert thresholds.tolist() == [0, 0.25, 0.5, 1]
    assert alerts.tolist() == [0.75, 0.75, 0.5, 0.25]


def test_a_curve_of_levels_at_the_ends_has_the_ends_once() -> None:
    thresholds, clean, certified = DetectionCurve((Levels(0.0, 1.0), Levels(1.0, 0.0), Levels(inf, -inf))).steps()
    assert thresholds.tolist() == [0, 1]
    assert clean.tolist() == [0, 1 / 3]
    assert certified.tolist() == [2 / 3, 1 / 3]


def test_a_curve_is_that_of_counting_at_every_threshold() -> None:
    views = list(random_views(60, 4))
    curve = DetectionCurve(tuple(levels_of(view, needs(0, 2)) for view in views))
    thresholds, clean, certified = curve.steps()
    assert (np.diff(thresholds) > 0).all()
    between = (thresholds[1:] + thresholds[:-1]) / 2
    for threshold in (*thresholds.tolist(), *between.tolist()):
        silent = sum(view.silent(1, threshold) for view in views)
        covered = sum({0, 2} <= set(view.good(1, threshold)) for view in views)
        assert (curve.clean(threshold), curve.certified(threshold)) == (Fraction(silent, 60), Fraction(covered, 60))
        # What holds between two of the steps' thresholds holds at the upper one.
        upper = int(np.searchsorted(thresholds, threshold))
        assert (clean[upper], certified[upper]) == (silent / 60, covered / 60)
    assert len({*zip(clean.tolist(), certified.tolist(), strict=True)}) > 5


LABELS = np.array([1, 1])
REFUSED_THRESHOLDS = (-0.1, 1.1, 10**400, float("nan"), inf, True, None, "0.5")


@pytest.mark.parametrize("threshold", REFUSED_THRESHOLDS)
def test_a_threshold_is_a_number_from_0_to_1(threshold: Any) -> None:
    for ask in (
        lambda: detect(1, LABELS, [0.5, 0.5], threshold),
        lambda: detection_certificate(LABELS, [0.5, 0.5], 1, threshold, needs()),
        lambda: FOUR.clean(threshold),
        lambda: FOUR.certified(threshold),
    ):
        with pytest.raises(InvalidInput, match="threshold must be a number from 0 to 1; got"):
            ask()


@pytest.mark.parametrize("low", [low for low in REFUSED_THRESHOLDS if low is not None])
def test_what_a_confidence_is_compared_with_is_a_number_from_0_to_1(low: Any) -> None:
    for ask in (
        lambda: detect(1, LABELS, [0.5, 0.5], 0.5, low),
        lambda: detection_certificate(LABELS, [0.5, 0.5], 1, 0.5, needs(), low),
        lambda: detection_levels(1, LABELS, [0.5, 0.5], 1, needs(), low),
        lambda: Detection(0.5, alert_below=low),
    ):
        with pytest.raises(InvalidInput, match="alert_below must be a number from 0 to 1; got"):
            ask()


@pytest.mark.parametrize("procedure", [Detection(0.5), Detection(0.5, alert_below=0.25), Detection(0.0, 1.0)])
def test_a_run_keeps_both_thresholds(procedure: Detection) -> None:
    assert procedure_in(procedure.document()) == procedure == parse_procedure(str(procedure))
    assert (procedure.document()["method"] == "detect") == (procedure.alert_below is None)


def test_alerts_below_0_are_none() -> None:
    assert Detection(0.5, alert_below=0) == Detection(0.5)
    assert Detection(0.5, alert_below=1) != Detection(0.5)


@pytest.mark.parametrize("threshold", [0.5, 1, np.float32(0.5)])
def test_any_kind_of_number_is_a_threshold(threshold: Any) -> None:
    assert detect(0, np.array([1]), [0.5], threshold).alert == (threshold <= 0.5)


REFUSED: dict[str, tuple[int, Any, Any, str]] = {
    "no masks": (1, np.zeros(0, dtype=np.int64), [], "one mask or more"),
    "a table": (1, np.ones((2, 2), dtype=np.int64), [0.5, 0.5], "one mask or more"),
    "labels that are no whole numbers": (1, np.array([1.0]), [0.5], "one mask or more"),
    "a mask that was not asked": (1, np.array([1, UNSEEN]), [0.5, 0.5], "are missing"),
    "a bare label that was not asked for": (UNSEEN, LABELS, [0.5, 0.5], "are missing"),
    "too few confidences": (1, LABELS, [0.5], "expected 2 confidences"),
    "one confidence for all": (1, LABELS, 0.5, "expected 2 confidences"),
    "above 1": (1, LABELS, [0.5, 1.5], "from 0 to 1"),
    "below 0": (1, LABELS, [0.5, -0.5], "from 0 to 1"),
    "not a number": (1, LABELS, [0.5, np.nan], "from 0 to 1"),
    "no number": (1, LABELS, ["high", "low"], "from 0 to 1"),
}


@pytest.mark.parametrize(("bare", "labels", "sure", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_first_round_is_refused(bare: int, labels: Any, sure: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        detect(bare, labels, sure, 0.5)
    with pytest.raises(InvalidInput, match=message):
        detection_levels(bare, labels, sure, 1, needs())
    if bare != UNSEEN:
        with pytest.raises(InvalidInput, match=message):
            detection_certificate(labels, sure, 1, 0.5, needs())


@pytest.mark.parametrize("label", [UNDECIDED, UNSEEN, -7])
def test_a_broken_model_is_never_right_about_a_label_that_is_none(label: int) -> None:
    nothing = np.array([UNDECIDED, UNDECIDED])
    with pytest.raises(InvalidInput, match="true label"):
        detection_certificate(nothing, [0.0, 0.0], label, 0.0, needs())
    with pytest.raises(InvalidInput, match="true label"):
        detection_levels(UNDECIDED, nothing, [0.0, 0.0], label, needs())


def test_a_curve_of_no_images_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least one image"):
        DetectionCurve(())
