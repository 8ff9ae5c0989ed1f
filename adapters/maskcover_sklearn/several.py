"""`SeveralEstimator`: a fitted estimator that decides each class by itself, as a function from images to scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import sklearn

from maskcover.classifiers.content import PYTHON, content_digest
from maskcover.errors import InvalidInput

_SCORES = ("predict_proba", "decision_function")


class SeveralEstimator:
    """A fitted estimator for several labels as a function from arrays of images to scores (n, classes).

    That is `OneVsRestClassifier` or `MLPClassifier` fitted to a table of 0 and 1, a `MultiOutputClassifier`, or a
    forest or tree fitted to such a table. A class is present where its score reaches its threshold, which is part of
    the defence (``thresholds=``): `predict` of such a model uses 0.5 for probabilities, and 0 for a decision function.

    Args:
        model: A fitted classifier, or a pipeline that ends in one.
        flat: Whether images are flattened to rows of features.
        scores: "predict_proba" or "decision_function"; by default the first of these that the model has.

    >>> from sklearn.tree import DecisionTreeClassifier
    >>> fitted = DecisionTreeClassifier().fit([[0.0], [1.0]], [[0, 1], [1, 1]])
    >>> SeveralEstimator(fitted)(np.ones((1, 1, 1))).tolist()
    [[1.0, 1.0]]
    """

    class_names = None

    def __init__(self, model: Any, flat: bool = True, scores: str | None = None) -> None:
        self._model, self._flat = model, flat
        there = [name for name in _SCORES if hasattr(model, name)]
        if not there or scores not in (None, *there):
            raise InvalidInput(f"{type(model).__name__} has {f'no {scores}' if there else 'none of ' + str(_SCORES)}")
        self.scores = scores or there[0]
        self._present = _columns_of_one(model)

    @property
    def identity(self) -> dict[str, str]:
        """Entries for the fingerprint: the content of the estimator, and the method that gives its scores."""
        kind = type(self._model)
        return {
            "weights": f"{content_digest(self._model, whole=True)} {PYTHON}",
            "architecture": f"{kind.__module__}.{kind.__qualname__}",
            "scores": f"{self.scores}, for each class",
            "flat": str(self._flat),
            "library": f"scikit-learn {sklearn.__version__}",
        }

    def __call__(self, images: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Scores (n, classes): for each class the probability or the decision that it is present."""
        rows = images.reshape(len(images), -1) if self._flat else images
        values = getattr(self._model, self.scores)(rows)
        if isinstance(values, list):
            columns = [_of_one(np.asarray(part), place) for part, place in zip(values, self._present, strict=True)]
            return np.stack(columns, axis=1)
        scores = np.asarray(values)
        if scores.shape != (len(images), len(self._present)):
            raise InvalidInput(
                f"{self.scores} of {type(self._model).__name__} gives {scores.shape} for {len(images)} images and "
                f"{len(self._present)} classes; expected one column a class"
            )
        return scores


def _columns_of_one(model: Any) -> list[int | None]:
    """For each class the column of its label 1, or None where it was never present; checks that labels are 0 and 1."""
    listed: Any = getattr(model, "classes_", None)
    if isinstance(listed, list) and all(np.ndim(part) == 1 for part in listed):
        if not all(set(np.asarray(part).tolist()) <= {0, 1} for part in listed):
            raise InvalidInput(f"{type(model).__name__} gives several answers that are not 0 and 1; fit it to 0 and 1")
        return [part.index(1) if 1 in part else None for part in (np.asarray(part).tolist() for part in listed)]
    if listed is None or not _is_table(model):
        raise InvalidInput(
            f"{type(model).__name__} was not fitted to a table of labels, 0 and 1, of shape (images, classes); fit it "
            'to one, or leave task="multilabel" out'
        )
    return [1] * len(listed)


def _is_table(model: Any) -> bool:
    """Whether a model with one list of classes was fitted to a table of labels."""
    if hasattr(model, "multilabel_"):  # OneVsRestClassifier
        return bool(model.multilabel_)
    steps = getattr(model, "steps", None)
    if isinstance(steps, list) and steps:
        return _is_table(steps[-1][1])
    binarizer = getattr(model, "_label_binarizer", None)  # MLPClassifier
    return getattr(binarizer, "y_type_", "") == "multilabel-indicator"


def _of_one(part: npt.NDArray[Any], column: int | None) -> npt.NDArray[Any]:
    """The scores of one class, for label 1: a column of probabilities, or the decisions themselves."""
    if column is None:
        return np.zeros(len(part))
    return part if part.ndim == 1 else part[:, column]
