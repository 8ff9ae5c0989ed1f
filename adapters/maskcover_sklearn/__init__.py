"""The adapter for scikit-learn: anything with `predict_proba` or `decision_function`."""

from __future__ import annotations

from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import sklearn

from maskcover.defense.arrays import ArrayClassifier
from maskcover.errors import InvalidInput

__all__ = ["ADAPTER", "SklearnAdapter"]


class SklearnAdapter:
    """What the entry point `maskcover.classifiers: sklearn` names."""

    def classifier(self, model: Any, *, flat: bool = True, **options: Any) -> ArrayClassifier:
        """An `ArrayClassifier` around a fitted estimator or pipeline.

        Args:
            model: Has `predict_proba` or `decision_function`, and classes numbered from 0.
            flat: Images are flattened to rows of features, as scikit-learn's own estimators take them.
            **options: As for `ArrayClassifier`: `batch_size`, `fill`, `layout`.
        """
        return ArrayClassifier(Estimator(model, flat), identity=_identity(model), **options)


class Estimator:
    """A fitted estimator as a function from arrays of images to scores (n, classes).

    >>> from sklearn.linear_model import LogisticRegression
    >>> fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    >>> Estimator(fitted)(np.zeros((2, 1, 1))).shape
    (2, 2)
    """

    def __init__(self, model: Any, flat: bool = True) -> None:
        classes = getattr(model, "classes_", None)
        if classes is None:
            raise InvalidInput(f"{type(model).__name__} is not a fitted classifier; fit it first")
        if not np.array_equal(classes, np.arange(len(classes))):
            raise InvalidInput(
                f"labels are class numbers from 0, and {type(model).__name__} has the classes {list(classes)[:5]}; "
                "fit it to numbers, as sklearn.preprocessing.LabelEncoder makes them"
            )
        scores = getattr(model, "predict_proba", None) or getattr(model, "decision_function", None)
        if scores is None:
            raise InvalidInput(f"{type(model).__name__} has neither predict_proba nor decision_function")
        self._scores, self._flat = scores, flat

    def __call__(self, images: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Scores (n, classes)."""
        found = np.asarray(self._scores(images.reshape(len(images), -1) if self._flat else images))
        # Of two classes a decision function tells only how much it is for the second.
        return np.stack([-found, found], axis=1) if found.ndim == 1 else found


def _identity(model: Any) -> dict[str, str]:
    return {
        "weights": f"joblib:{joblib.hash(model, hash_name='sha1')}",
        "architecture": f"{type(model).__module__}.{type(model).__qualname__}",
        "library": f"scikit-learn {sklearn.__version__}",
    }


ADAPTER = SklearnAdapter()
