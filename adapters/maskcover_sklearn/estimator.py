"""`Estimator`: a fitted estimator as a function from arrays of images to the scores by which it predicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import sklearn

from maskcover.classifiers.content import PYTHON, content_digest
from maskcover.classifiers.decisions import OwnLabels
from maskcover.errors import InvalidInput

_SCORES = ("predict_proba", "decision_function")
_THRESHOLDS = {"FixedThresholdClassifier", "TunedThresholdClassifierCV"}
_VOTING = {"SVC", "NuSVC"}


class Estimator:
    """A fitted estimator as a function from arrays of images to scores (n, classes).

    Each batch also goes through `predict`. Where its label is not the class with the largest score, the image has no
    label, or the model is refused, see `OwnLabels`.

    Args:
        model: A fitted classifier, pipeline or search, with classes numbered from 0, or named by texts.
        flat: Whether images are flattened to rows of features.
        scores: "predict_proba" or "decision_function". By default the first of these that the model has; for support
            vector machines the second, since their probabilities are fitted separately from their decisions.

    >>> from sklearn.linear_model import LogisticRegression
    >>> fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    >>> Estimator(fitted)(np.zeros((2, 1, 1))).shape
    (2, 2)
    """

    def __init__(self, model: Any, flat: bool = True, scores: str | None = None) -> None:
        self._model, self._flat = _searched(model), flat
        self._classes = _classes(self._model)
        self.scores = _scoring(self._model, scores)
        self._own = OwnLabels(_name(self._model), _advice(self._model, self.scores))

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the classes in the order of the scores; None if the classes are numbers."""
        return None if self._classes.dtype.kind in "biu" else tuple(map(str, self._classes))

    @property
    def identity(self) -> dict[str, str]:
        """Entries for the fingerprint: the content of the estimator, and the method that gives its scores."""
        kind = type(self._model)
        return {
            "weights": f"{content_digest(self._model, whole=True)} {PYTHON}",
            "architecture": f"{kind.__module__}.{kind.__qualname__}",
            "scores": self.scores,
            "flat": str(self._flat),
            "library": f"scikit-learn {sklearn.__version__}",
        }

    def __call__(self, images: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Scores (n, classes), tied where `predict` answers another class than the one with the largest score."""
        rows = images.reshape(len(images), -1) if self._flat else images
        values = np.asarray(getattr(self._model, self.scores)(rows))
        # With two classes a decision function returns one number: the score of the second class.
        scores = np.stack([-values, values], axis=1) if values.ndim == 1 else values
        if scores.shape != (len(images), len(self._classes)):
            raise InvalidInput(
                f"{self.scores} of {_name(self._model)} gives {values.shape} for {len(images)} images and "
                f"{len(self._classes)} classes; expected one column a class"
            )
        predict: Callable[[Any], Any] | None = getattr(self._model, "predict", None)
        return scores if predict is None else self._own.agreed(scores, self._numbers(predict(rows)))

    def _numbers(self, labels: npt.ArrayLike) -> npt.NDArray[Any]:
        """The class number of each label; −1 if the label is not one of the classes."""
        same = np.asarray(labels)[..., None] == self._classes
        return np.where(same.any(axis=-1), same.argmax(axis=-1), -1)


def _searched(model: Any) -> Any:
    """The best estimator of a search over settings; any other model is returned as it is."""
    if hasattr(model, "best_estimator_"):
        return _searched(model.best_estimator_)
    if hasattr(model, "cv_results_"):
        raise InvalidInput(f"{_name(model)} kept no estimator; search with refit=True, or give the one that you fitted")
    return model


def _classes(model: Any) -> npt.NDArray[Any]:
    """The classes of a model; raises `InvalidInput` unless they are numbers from 0, or texts."""
    listed = getattr(model, "classes_", None)
    if listed is None:
        raise InvalidInput(f"{_name(model)} is not a fitted classifier; fit it first")
    if isinstance(listed, list) and any(np.ndim(part) for part in listed):
        raise InvalidInput(
            f"{_name(model)} gives several answers for each image, and a certificate is about one: fit a model for each"
        )
    array = np.asarray(listed)
    if len(array) < 2:
        problem = "only one class" if len(array) else "no classes"
        raise InvalidInput(f"{_name(model)} has {problem}; a certificate needs at least two")
    if all(isinstance(part, str) for part in array.tolist()):
        return array
    if not np.array_equal(array, np.arange(len(array))):
        raise InvalidInput(
            f"labels are class numbers from 0, and {_name(model)} has the classes {list(array)[:5]}; "
            "fit it to numbers, as sklearn.preprocessing.LabelEncoder makes them, or to names"
        )
    return array


def _scoring(model: Any, requested: str | None) -> str:
    """The name of the method that gives scores which the model decides by."""
    final = _final(model)
    if type(final).__name__ in _THRESHOLDS:
        raise InvalidInput(
            f"{_name(final)} decides by a threshold of its own, and a certificate is about the class with the largest "
            "score; give the estimator inside it, or one that was fitted with class weights"
        )
    there = [name for name in _SCORES if hasattr(model, name)]
    if requested is not None and requested not in _SCORES:
        raise InvalidInput(f"scores is {' or '.join(map(repr, _SCORES))}; got {requested!r}")
    if not there or requested not in (None, *there):
        raise InvalidInput(f"{_name(model)} has {f'no {requested}' if there else 'neither ' + ' nor '.join(_SCORES)}")
    method = requested or (there[-1] if type(final).__name__ in _VOTING else there[0])
    if method == _SCORES[1] and getattr(final, "decision_function_shape", "") == "ovo" and len(model.classes_) > 2:
        raise InvalidInput(f'{_name(final)} scores pairs of classes; fit it with decision_function_shape="ovr"')
    return method


def _advice(model: Any, scores: str) -> str:
    final = _final(model)
    if scores == _SCORES[0] and hasattr(model, _SCORES[1]):
        return 'Its probabilities may be fitted separately from its decisions: say scores="decision_function"'
    if getattr(final, "break_ties", None) is False:
        return "It decides equal votes by the order of its classes: fit it with break_ties=True"
    return "Give a model that predicts the class with the largest score"


def _final(model: Any) -> Any:
    """The last step of a pipeline, or of the pipeline that a search found best; any other model is itself."""
    model = _searched(model)
    steps = getattr(model, "steps", None)
    return _final(steps[-1][1]) if isinstance(steps, list) and steps else model


def _name(model: Any) -> str:
    return type(model).__name__
