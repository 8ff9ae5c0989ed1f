"""`certify`, `predict` and `defend` by challenger masking and by detection, and the curve over thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn

from maskcover import InvalidInput, UndecidedPrediction, certify, cover, defend, predict, squares
from maskcover.certification import detection_curve
from maskcover.classifiers import UNDECIDED
from maskcover.defense import ChallengerMasking, Detected, DoubleMasking, Rule
from maskcover.defense.texts import procedure_of
from maskcover.errors import ProbeFailed
from tests.defense.naive import (
    BoolArray,
    FirstRound,
    Looker,
    algorithm_2,
    challenger_games,
    good_rows,
    image_of,
    of_table,
    singles,
    symmetric,
)
from tests.networks import Convolution, exact, whole

THREE = singles(3)
RNG = np.random.default_rng(11)
TABLES = [
    np.where(RNG.random(len(THREE.unions)) < 0.15, RNG.integers(UNDECIDED, 3), 1)[THREE.unions.ids] for _ in range(60)
]
IMAGES = [image_of(table, THREE, bare=1) for table in TABLES]


@pytest.mark.parametrize("batch_size", [1, 7])
def test_challenger_masking_is_that_of_the_naive_games(batch_size: int) -> None:
    naive = [challenger_games(*of_table(table))[:2] for table in TABLES]
    found = predict(Looker(batch_size), IMAGES, THREE, method="challenger")
    assert [(one.label, one.case.value) for one in found] == naive
    defended = defend(Looker(batch_size), THREE, method="challenger")
    assert [one.label for one in defended.decisions(IMAGES)] == [label for label, _ in naive]
    result = certify(Looker(batch_size), IMAGES, [1] * 60, THREE, method="challenger")
    assert result.defended.tolist() == [label for label, _ in naive]
    served = defend(Looker(batch_size), result)
    assert [one.label for one in served.decisions(IMAGES)] == result.defended.tolist()
    decided = [number for number, (label, _) in enumerate(naive) if label >= 0]
    assert 0 < len(decided) < len(naive)
    assert served([IMAGES[number] for number in decided]) == [naive[number][0] for number in decided]
    with pytest.raises(UndecidedPrediction, match=r"no defended label for the images \["):
        served(IMAGES)
    assert {case for _, case in naive} == {"agreed", "challenger"}


@pytest.mark.parametrize("rule", ["rows", "all-pairs"])
def test_challenger_masking_is_certified_by_the_same_rules(rule: Rule) -> None:
    found = certify(Looker(), IMAGES, [1] * 60, THREE, method="challenger", rule=rule)
    assert found.certified.tolist() == certify(Looker(), IMAGES, [1] * 60, THREE, rule=rule).certified.tolist()
    expected = [
        algorithm_2(*of_table(table), 1, covering=True) if rule == "all-pairs" else len(good_rows(table, 1)) == 3
        for table in TABLES
    ]
    assert found.certified.tolist() == expected
    assert 3 < sum(expected) < 57


# Detection: images that are a first round, with confidences.

MASKS = THREE
LOGITS = np.log(np.array([0.5, 0.6, 0.7, 0.8, 0.9]) / np.array([0.5, 0.4, 0.3, 0.2, 0.1]))


@dataclass
class Sure:
    """Two classes; an image is a table of logits of class 1 against class 0, by the bytes of what is hidden."""

    batch_size: int = 4

    def scores(self, images: Sequence[dict[bytes, float]], hidden: BoolArray) -> npt.NDArray[np.float64]:
        logits = np.array([image[hide.tobytes()] for image, hide in zip(images, hidden, strict=True)])
        return np.stack([np.zeros(len(logits)), logits], axis=1)


def sure_image(bare: float, logits: Sequence[float]) -> dict[bytes, float]:
    hidden = np.asarray(MASKS)
    views = {np.zeros(3, np.bool_).tobytes(): bare}
    for i in range(3):
        views |= {(hidden[i] | hidden[j]).tobytes(): 9.0 for j in range(3) if i != j}
    return views | {hide.tobytes(): logit for hide, logit in zip(hidden, logits, strict=True)}


def sure_images(count: int = 80) -> list[dict[bytes, float]]:
    rng = np.random.default_rng(5)
    choices = np.concatenate([LOGITS, LOGITS, LOGITS[1:], -LOGITS[1:3], [0.0]])
    return [sure_image(float(rng.choice(LOGITS[1:])), rng.choice(choices, 3).tolist()) for _ in range(count)]


def look(image: dict[bytes, float]) -> FirstRound:
    def said(logit: float) -> tuple[int, float]:
        return (UNDECIDED if logit == 0 else int(logit > 0)), 1 / (1 + np.exp(-abs(logit)))

    views = [said(image[hide.tobytes()]) for hide in np.asarray(MASKS)]
    bare = said(image[np.zeros(3, np.bool_).tobytes()])[0]
    return FirstRound(bare, tuple(label for label, _ in views), tuple(sure for _, sure in views))


SURE = sure_images()
THRESHOLDS = [0.0, 0.3, 0.55, 0.65, 0.75, 0.85, 0.95, 1.0]


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_detection_answers_and_certifies_by_its_definition(threshold: float) -> None:
    answers = predict(Sure(), SURE, MASKS, method="detect", threshold=threshold)
    assert all(isinstance(one, Detected) for one in answers)
    looks = [look(image) for image in SURE]
    assert [(one.alert, one.mask) for one in answers if isinstance(one, Detected)] == [
        one.answer(threshold) for one in looks
    ]
    result = certify(Sure(), SURE, [1] * len(SURE), MASKS, method="detect", threshold=threshold)
    assert result.certified.tolist() == [len(one.good(1, threshold)) == 3 for one in looks]
    labels = [UNDECIDED if one.answer(threshold)[0] else one.bare for one in looks]
    assert result.defended.tolist() == labels == defend(Sure(), result)(SURE)
    assert "to get their label or an alert" in str(result)
    assert result.evaluations == 4 * len(SURE)


def test_the_curve_is_what_certify_says_at_every_threshold() -> None:
    curve = detection_curve(Sure(), SURE, [1] * len(SURE), MASKS)
    shares = set()
    for threshold in THRESHOLDS:
        result = certify(Sure(), SURE, [1] * len(SURE), MASKS, method="detect", threshold=threshold)
        assert curve.certified(threshold) == Fraction(int(result.certified.sum()), len(SURE))
        assert curve.clean(threshold) == Fraction(int((result.defended == 1).sum()), len(SURE))
        shares.add((curve.certified(threshold), curve.clean(threshold)))
    assert len(shares) == 4


@pytest.mark.parametrize("low", [0.6, 0.8, 1.0])
def test_detection_with_alerts_on_low_confidence_answers_and_certifies_by_its_definition(low: float) -> None:
    looks = [look(image) for image in SURE]
    curve = detection_curve(Sure(), SURE, [1] * len(SURE), MASKS, alert_below=low)
    for threshold in THRESHOLDS:
        procedure = f"detection({threshold}, alert_below={low})"
        answers = predict(Sure(), SURE, MASKS, procedure=procedure)
        assert [(one.alert, one.mask) for one in answers if isinstance(one, Detected)] == [
            one.answer(threshold, low) for one in looks
        ]
        result = certify(Sure(), SURE, [1] * len(SURE), MASKS, procedure=procedure)
        assert result.certified.tolist() == [len(one.good(1, threshold, low)) == 3 for one in looks]
        labels = [UNDECIDED if one.answer(threshold, low)[0] else one.bare for one in looks]
        assert result.defended.tolist() == labels == defend(Sure(), result)(SURE)
        assert curve.certified(threshold) == Fraction(int(result.certified.sum()), len(SURE))
        assert curve.clean(threshold) == Fraction(int((result.defended == 1).sum()), len(SURE))
        assert curve.alerts(threshold) == Fraction(int(result.alerts.sum()), len(SURE))


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", range(4))
def test_threat_26_a_score_that_is_not_finite_anywhere_is_an_error(place: int, broken: float) -> None:
    logits = [LOGITS[4]] * 4
    whole = sure_image(logits[0], logits[1:])
    logits[place] = broken
    images = [whole, sure_image(logits[0], logits[1:])]
    masks = cover(squares(size=1), image_size=(3,), grid=(3,))
    methods: list[dict[str, Any]] = [{"method": "detect", "threshold": 0.5}, {}, {"method": "challenger"}]
    for options in methods:
        result = certify(Sure(), images, [1, 1], masks, **options)
        assert [one.name for one in result.verdicts] == ["certified", "error"]
        assert result.certified.tolist() == [True, False]
        assert "non-finite" in str(result.verdicts[1].error)
    curve = detection_curve(Sure(), images, [1, 1], masks)
    for threshold in THRESHOLDS:
        one = certify(Sure(), images, [1, 1], masks, method="detect", threshold=threshold)
        assert curve.certified(threshold) == Fraction(int(one.certified.sum()), 2)


BAD: dict[str, dict[str, Any]] = {
    "an unknown method": {"method": "triple"},
    "a threshold without detection": {"threshold": 0.5},
    "detection without a threshold": {"method": "detect"},
    "a threshold of challengers": {"method": "challenger", "threshold": 0.5},
    "a threshold above 1": {"method": "detect", "threshold": 1.5},
    "a threshold that is no number": {"method": "detect", "threshold": "high"},
    "NaN": {"method": "detect", "threshold": float("nan")},
}


@pytest.mark.parametrize("options", BAD.values(), ids=BAD)
def test_combinations_that_mean_nothing_are_refused_before_anything_is_computed(options: dict[str, Any]) -> None:
    classifier = Looker()
    for call in (
        lambda: certify(classifier, IMAGES, [1] * 60, THREE, **options),
        lambda: predict(classifier, IMAGES, THREE, **options),
        lambda: defend(classifier, THREE, **options),
        lambda: procedure_of(None, **options),
    ):
        with pytest.raises(InvalidInput, match=r"method|threshold"):
            call()
    assert classifier.batches == []


@pytest.mark.parametrize("rule", ["rows", "all-pairs", "columns"])
def test_exhaustive_and_unknown_rules(rule: Any) -> None:
    if rule == "rows":
        assert DoubleMasking(rule=rule, exhaustive=True).exhaustive
        return
    for kind in (DoubleMasking, ChallengerMasking):
        with pytest.raises(InvalidInput, match="rule"):
            kind(rule=rule, exhaustive=True)


def test_detection_takes_no_margin() -> None:
    with pytest.raises(InvalidInput, match=r"detection at 0\.5 compares numbers such as confidences"):
        certify(Sure(), SURE, [1] * len(SURE), MASKS, method="detect", threshold=0.5, min_margin=0.01)
    assert certify(Sure(), SURE[:1], [1], MASKS, method="detect", threshold=0.5, min_margin=0.0).min_margin == 0


def test_the_curve_is_probed_too() -> None:
    class Random(Sure):
        calls = 0

        def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.NDArray[np.float64]:
            self.calls += 1
            return super().scores(images, hidden) * (1 + self.calls / 1000)

    with pytest.raises(ProbeFailed):
        detection_curve(Random(), SURE, [1] * len(SURE), MASKS)


def test_the_curve_refuses_labels_that_the_classifier_cannot_say() -> None:
    with pytest.raises(InvalidInput, match="2 classes"):
        detection_curve(Sure(), SURE[:1], [2], MASKS)


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_a_defended_module_that_detects_has_one_class_more() -> None:
    convolution = Convolution(1, 4, 3, stride=2, padding=1)
    model = exact(nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), nn.Linear(36, 3)), seed=2)
    with torch.no_grad():
        for value in model[3].parameters():
            value.div_(256)  # exact too, and confidences near the threshold
    images = whole(40, 1, 6, 6)
    masks = cover(squares(size=2), image_size=6, grid=(2, 2))
    answers = predict(model, images, masks, method="detect", threshold=0.4)
    scores = defend(model, masks, method="detect", threshold=0.4)(images)
    assert scores.shape == (40, 4)
    alerts = [isinstance(one, Detected) and one.alert for one in answers]
    assert scores.argmax(dim=1).tolist() == [
        3 if alert else one.label for one, alert in zip(answers, alerts, strict=True)
    ]
    assert scores.sum(dim=1).tolist() == [1.0] * 40
    assert 0 < sum(alerts) < 40
    result = certify(model, images, [0] * 40, masks, method="detect", threshold=0.4)
    assert torch.equal(defend(model, result)(images), scores)
    linear = nn.Linear(36, 3)
    nn.init.constant_(linear.weight, torch.nan)
    nan = nn.Sequential(nn.Flatten(), linear).eval()
    assert defend(nan, masks, method="detect", threshold=0.4)(images).argmax(dim=1).tolist() == [3] * 40
    with pytest.raises(UndecidedPrediction):
        defend(nan, masks)(images)


def test_the_lead_of_a_detection_is_that_of_its_good_masks_and_not_of_pairs_never_seen() -> None:
    images = [image_of(symmetric(3, [1] * 6), THREE, bare=1)]
    (verdict,) = certify(Looker(), images, [1], THREE, method="detect", threshold=0.5).verdicts
    assert verdict.certificate.certifying == (0, 1, 2)
    assert (verdict.margin, verdict.evaluations) == (1.0, 4)
