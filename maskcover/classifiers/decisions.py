"""Whether what is certified is what a model answers: the class with the largest score, beside the model's own label."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.classifiers.labels import UNDECIDED, top_labels
from maskcover.errors import InvalidInput, MaskcoverWarning


class OwnLabels:
    """Holds scores against the labels that the same model gives (threats.md, 44).

    A certificate is about the class with the largest score. A model may decide otherwise: by a threshold, by votes, by
    probabilities of another kind. If it does on more than half of its first batch, that is an error. Any other image of
    which it says something else has no label, so that it can never be certified; the first time there is a warning.
    The first batch may be noise, as reference scores are: single images of it must not keep a model from serving.

    Args:
        model: The model's name, for the error.
        advice: What to do about it.

    >>> own = OwnLabels("the model", "fit another one")
    >>> own.agreed(np.array([[0.2, 0.8], [0.6, 0.4]]), np.array([1, 0])).tolist()
    [[0.2, 0.8], [0.6, 0.4]]
    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     own.agreed(np.array([[0.2, 0.8], [0.6, 0.4]]), np.array([1, 1])).tolist()
    [[0.2, 0.8], [0.0, 0.0]]
    """

    def __init__(self, model: str, advice: str) -> None:
        self._model, self._advice = model, advice
        self._compared = self._warned = False

    def agreed(self, scores: npt.NDArray[Any], labels: npt.ArrayLike) -> npt.NDArray[Any]:
        """The scores (n, classes), tied where their unique top is not the label of the model, one of (n,).

        Raises:
            InvalidInput: the labels are not one an image, or others than the scores say on most of the first batch.
        """
        own = np.asarray(labels)
        if own.shape != scores.shape[:1]:
            raise InvalidInput(
                f"{self._model} answers {own.shape} for {len(scores)} images; a certificate is about one label an image"
            )
        top = top_labels(scores)
        others = (top != UNDECIDED) & (top != own)
        first, self._compared = not self._compared, True
        if not others.any():
            return scores
        row = int(others.argmax())
        told = (
            f"{self._model} answers class {own[row]} where its largest score is that of class {top[row]}, on "
            f"{others.sum()} of {len(top)} images; what is certified must be what it answers"
        )
        if first and 2 * others.sum() > (top != UNDECIDED).sum():
            raise InvalidInput(f"{told}. {self._advice}")
        if not self._warned:
            warnings.warn(f"{told}: such images have no label. {self._advice}", MaskcoverWarning, stacklevel=2)
        self._warned = True
        return np.where(others[:, None], scores.dtype.type(0), scores)
