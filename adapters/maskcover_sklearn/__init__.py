"""The adapter for scikit-learn: estimators that predict by their `predict_proba` or `decision_function`."""

from __future__ import annotations

from typing import Any

from maskcover.classifiers.arrays import ArrayClassifier
from maskcover_sklearn.estimator import Estimator
from maskcover_sklearn.several import SeveralEstimator

__all__ = ["ADAPTER", "Estimator", "SeveralEstimator", "SklearnAdapter"]


class SklearnAdapter:
    """The adapter behind the entry point `maskcover.classifiers: sklearn`."""

    several_labels = True

    def classifier(
        self, model: Any, *, flat: bool = True, scores: str | None = None, several_labels: bool = False, **options: Any
    ) -> ArrayClassifier:
        """An `ArrayClassifier` around a fitted estimator, pipeline or search.

        Args:
            model: A fitted model with `predict_proba` or `decision_function` that predicts the class with the largest
                of them. Its classes are numbers from 0, or texts, which are numbered in the order of `classes_`.
            flat: Whether images are flattened to rows of features, as scikit-learn's own estimators need them.
            scores: "predict_proba" or "decision_function", see `Estimator`.
            several_labels: Whether the model decides each class by itself, see `SeveralEstimator`; set by
                ``certify(…, task="multilabel")``.
            **options: As for `ArrayClassifier`: `batch_size`, `fill`, `layout`.
        """
        kind = SeveralEstimator if several_labels else Estimator
        estimator: Estimator | SeveralEstimator = kind(model, flat, scores)
        return ArrayClassifier(
            estimator, identity=lambda: estimator.identity, class_names=estimator.class_names, **options
        )


ADAPTER = SklearnAdapter()
