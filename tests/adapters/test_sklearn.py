"""scikit-learn's estimators: scores by class number, and clear words for what has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from maskcover_sklearn import ADAPTER
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import maskcover as mc
from maskcover import FingerprintMismatch, InvalidInput

CHANCE = np.random.default_rng(8)
X, Y = CHANCE.random((60, 16)), np.arange(60) % 3
IMAGES = X[:4].reshape(4, 4, 4)
MASKS = mc.cover(mc.squares(size=1), 4, grid=(2, 2))


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        make_pipeline(StandardScaler(), LinearSVC()),
        RidgeClassifier(),
        RandomForestClassifier(20, random_state=0),
    ],
    ids=["probabilities", "a pipeline", "a decision function", "trees"],
)
def test_estimators_are_certified_as_they_are(model: Any) -> None:
    fitted = model.fit(X, Y)
    result = mc.certify(fitted, IMAGES, Y[:4], MASKS, batch_size=1)  # rows of larger batches may be rounded apart
    assert result.numerics == "bitwise"
    told = result.undefended >= 0  # trees tie
    assert result.undefended[told].tolist() == fitted.predict(X[:4])[told].tolist()
    assert mc.defend(fitted, result)(IMAGES) == result.defended.tolist()


def test_a_decision_function_of_two_classes_has_two_scores() -> None:
    fitted = LinearSVC().fit(X, Y == 1)
    numbers = LinearSVC().fit(X, (Y == 1).astype(int))
    result = mc.certify(numbers, IMAGES, [0] * 4, MASKS)
    assert result.undefended.tolist() == numbers.predict(X[:4]).tolist()
    with pytest.raises(InvalidInput, match="classes"):
        mc.certify(LinearSVC().fit(X, np.array([7, 9])[(Y == 1).astype(int)]), IMAGES, [0] * 4, MASKS)
    named = mc.certify(LinearSVC().fit(X, np.array(["a", "b"])[(Y == 1).astype(int)]), IMAGES, [0] * 4, MASKS)
    assert named.undefended.tolist() == result.undefended.tolist()
    assert mc.certify(fitted, IMAGES, [0] * 4, MASKS).undefended.tolist() == result.undefended.tolist()


class Pictures:
    """An estimator of images as they are, of two axes."""

    classes_ = np.array([0, 1])

    def predict_proba(self, images: Any) -> Any:
        assert images.shape[1:] == (4, 4)
        bright = images.mean(axis=(1, 2))
        return np.stack([1 - bright, bright], axis=1)


def test_estimators_of_images_take_them_whole() -> None:
    classifier = ADAPTER.classifier(Pictures(), flat=False, batch_size=2)
    assert mc.certify(classifier, IMAGES, [0] * 4, MASKS).undefended.tolist() == (IMAGES.mean((1, 2)) > 0.5).tolist()


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (LogisticRegression(), "not a fitted classifier; fit it first"),
        (LogisticRegression().fit(X, Y + 1), r"has the classes \[.*1.*2.*3.*LabelEncoder"),
        (LinearRegression().fit(X, Y), "not a fitted classifier"),
    ],
)
def test_what_gives_no_scores_by_class_number_is_refused(model: Any, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        mc.certify(model, IMAGES, Y[:4], MASKS)


def test_neither_probabilities_nor_a_decision_function() -> None:
    model = type("Labels", (), {"classes_": np.array([0, 1])})()
    with pytest.raises(InvalidInput, match="neither predict_proba nor decision_function"):
        ADAPTER.classifier(model)


def test_an_estimator_fitted_anew_is_another_one() -> None:
    fitted = LogisticRegression().fit(X, Y)
    result = mc.certify(fitted, IMAGES, Y[:4], MASKS)
    with pytest.raises(FingerprintMismatch, match="weights"):
        mc.defend(LogisticRegression().fit(X[1:], Y[1:]), result)
    assert mc.defend(LogisticRegression().fit(X, Y), result).fingerprint == result.fingerprint
