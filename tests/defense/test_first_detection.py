"""Detection for the first k labels: no attack takes the label out of them without an alert; k = 1 is detection."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
import torch

import maskcover as mc
from maskcover.classifiers.observations import FirstClasses
from maskcover.defense import Detection, FirstLabels, PredictionTable, detect, detection_certificate, parse_procedure
from maskcover.defense.answers import Case
from maskcover.defense.first_detection import detect_first, first_detection_certificate, split_observed
from maskcover.errors import InvalidInput
from maskcover.masks import Views
from maskcover.testing import ProcedureContract


class TestDetectionOfTheFirstLabels(ProcedureContract):
    """Two of three classes, with alerts on low confidence and without."""

    procedures = (Detection(0.3, top=2), Detection(0.1, top=2), Detection(0.6, alert_below=0.5, top=2))
    models = 40


CLASSES, TOP = 4, 2
ORDERS = [order[:TOP] for order in permutations(range(CLASSES))][::2]
SURE = [(0.5, 0.4), (0.6, 0.2), (0.3, 0.3)]


@pytest.mark.parametrize(("threshold", "alert_below"), [(0.4, 0.0), (0.2, 0.0), (0.25, 0.4), (0.0, 0.0)])
def test_whatever_the_other_mask_and_the_image_say_a_certifying_mask_keeps_the_label(
    threshold: float, alert_below: float
) -> None:
    """Every answer of the mask that hides the region, against every answer that an attack can give elsewhere."""
    decided, outcomes = np.ones(2, np.bool_), set()
    for kept, sure in product(ORDERS, SURE):
        for label in range(CLASSES):
            certificate = first_detection_certificate(
                np.array([True]), np.array([kept]), np.array([sure]), label, threshold, alert_below, np.any
            )
            broken = False
            for bare, other, other_sure in product(ORDERS, ORDERS, SURE):
                answer = detect_first(
                    np.array(bare), decided, np.array([kept, other]), np.array([sure, other_sure]), threshold,
                    alert_below,
                )  # fmt: skip
                broken |= not answer.alert and label not in answer.labels
            assert not (certificate.certified and broken)
            outcomes.add((certificate.certified, broken))
    assert (True, False) in outcomes
    assert (False, True) in outcomes or threshold == 0.0


@pytest.mark.parametrize("alert_below", [None, 0.3])
@pytest.mark.parametrize("threshold", [0.0, 0.4, 0.5])
def test_the_first_label_alone_is_detection(threshold: float, alert_below: float | None) -> None:
    for bare, *said in product((-1, 0, 1), repeat=3):
        for sureness in product((0.2, 0.4, 0.6), repeat=2):
            labels = np.array(said)
            confidence = np.where(labels < 0, 0.0, sureness)
            plain = detect(bare, labels, confidence, threshold, alert_below)
            first = detect_first(
                np.array([bare][: bare >= 0], dtype=np.int64), labels >= 0, labels[:, None], confidence[:, None],
                threshold, alert_below or 0.0,
            )  # fmt: skip
            assert (first.label, first.alert, first.case) == (bare, plain.alert, plain.case)
            # Where the image has no label there is an alert with or without a mask.
            assert first.mask == plain.mask or bare < 0
            for label in (0, 1):
                assert first_detection_certificate(
                    labels >= 0, labels[:, None], confidence[:, None], label, threshold, alert_below or 0.0, np.all
                ) == detection_certificate(labels, confidence, label, threshold, np.all, alert_below)


def test_masks_without_a_label_raise_an_alert_and_certify_nothing() -> None:
    """Scores that are not finite are observed as zeros: the classes 0 and 1, each with a confidence of 1/4."""
    labels, sure = np.array([[0, 1]]), np.array([[0.25, 0.25]])
    assert detect_first(np.array([0, 1]), np.array([False]), labels, sure, 0.9, 0.0).alert
    for alert_below in (0.0, 0.5):
        certificate = first_detection_certificate(np.array([False]), labels, sure, 0, 0.1, alert_below, np.any)
        assert not certificate.certified
    assert first_detection_certificate(np.array([True]), labels, sure, 1, 0.1, 0.0, np.any).certified


def test_without_a_label_of_the_whole_image_there_is_an_alert() -> None:
    observed = np.array([[1, 0, 0.6, 0.3], [0, 1, 0.25, 0.25]])
    bare, labels, sure = split_observed(observed, np.array([1, -1]), 2)
    answer = detect_first(bare, np.array([True]), labels, sure, 0.5, 0.0)
    assert (answer.labels, answer.alert, answer.case) == ((), True, Case.ALERT)
    bare, labels, sure = split_observed(observed, np.array([1, 0]), 2)
    assert (bare.tolist(), labels.tolist(), sure.tolist()) == ([0, 1], [[1, 0]], [[0.6, 0.3]])


@pytest.mark.parametrize("module", [np, torch])
def test_first_classes_are_in_the_order_of_scores_and_then_of_numbers(module: Any) -> None:
    scores = np.array([[0.0, 3.0, 3.0, 1.0], [2.0, 2.0, 2.0, 2.0], [-5.0, -7.0, -5.0, 9.0]])
    given = scores if module is np else torch.from_numpy(scores)
    reduced = np.asarray(FirstClasses(3).reduced(given, module))
    assert reduced[:, :3].tolist() == [[1, 2, 3], [0, 1, 2], [3, 0, 2]]
    likelihoods = np.exp(scores - scores.max(axis=1, keepdims=True))
    confidence = likelihoods / likelihoods.sum(axis=1, keepdims=True)
    expected = np.take_along_axis(confidence, reduced[:, :3].astype(int), axis=1)
    assert np.allclose(reduced[:, 3:], expected, rtol=1e-12, atol=0)


def test_certify_gives_the_labels_and_counts_the_label_among_them_as_right() -> None:
    def scores(images: Any) -> Any:
        """Class 1 is the brightest half, class 2 a little less sure, class 0 far behind."""
        seen = images.mean(axis=(1, 2))
        return np.stack([0 * seen - 9, 2 + seen, 1 + seen], axis=1)

    masks = mc.cover(mc.squares(size=2), image_size=6, grid=(2, 2))
    options: dict[str, Any] = {"batch_size": 4, "fill": 0.0}
    for label, threshold, certified in [(1, 0.5, True), (2, 0.2, True), (2, 0.5, False), (0, 0.0, False)]:
        procedure = Detection(threshold, top=2)
        result = mc.certify(scores, np.ones((1, 6, 6)), [label], masks, procedure=procedure, **options)
        assert result.certified.tolist() == [certified], (label, threshold)
        assert result.verdicts[0].defended == FirstLabels((1, 2), Case.NO_ALERT)
        assert result.verdicts[0].right == (label > 0)


def test_texts_and_words_name_the_number_of_first_labels() -> None:
    assert parse_procedure("detection(0.5, top=3)") == Detection(0.5, top=3)
    assert str(Detection(0.5, top=3)) == "detection(threshold=0.5, top=3)"
    assert Detection(0.5, top=3).words == "detection at 0.5, the first 3 labels"
    assert Detection(0.5).document()["method"] == "detect"
    assert Detection(0.5, top=2).document()["method"] == "detection(threshold=0.5, top=2)"


def test_what_cannot_be_the_first_labels_is_refused() -> None:
    with pytest.raises(InvalidInput, match="top is the number of first labels"):
        Detection(0.5, top=0)
    with pytest.raises(InvalidInput, match="the first 3 of 3 classes are all of them"):
        FirstClasses(3).reduced(np.zeros((2, 3)), np)
    masks = mc.cover(mc.squares(size=2), image_size=6, grid=(2, 2))
    table = PredictionTable(masks.views(Views.SINGLE_MASKS), 3)
    table.record(np.arange(5), np.zeros(5, np.int64), np.ones(5), np.ones(5))
    with pytest.raises(InvalidInput, match="needs the first 2 labels of each view"):
        Detection(0.5, top=2).answer(table)
