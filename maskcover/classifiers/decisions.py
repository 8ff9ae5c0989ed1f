"""The check that a model's own label is the class with the largest score, since that class is certified."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.classifiers.labels import UNDECIDED, top_labels
from maskcover.errors import InvalidInput, MaskcoverWarning


class OwnLabels:
    """Compares scores with the labels that the same model gives (threats.md, 44).

    A certificate is about the class with the largest score. A model may decide otherwise: by a threshold, by votes, by
    probabilities of another kind. If the two labels differ on more than half of the first batch, that is an error. Any
    other image with two different labels counts as without a label, so it is never certified; the first time there is
    a warning. The first batch may be noise, as for reference scores: a few images of it must not stop a serving model.

    Args:
        model: The model's name, for the error.
        advice: The advice at the end of the error.

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
        """The scores (n, classes), made equal in rows whose top class is not the model's own label.

        Args:
            scores: The scores of the model, shape (n, classes).
            labels: The labels of the model, shape (n,).

        Raises:
            InvalidInput: there is not one label for each image, or most of the first batch have two different labels.
        """
        own = np.asarray(labels)
        if own.shape != scores.shape[:1]:
            raise InvalidInput(
                f"{self._model} gives labels of shape {own.shape} for {len(scores)} images; a certificate needs one "
                "label for each image"
            )
        top = top_labels(scores)
        others = (top != UNDECIDED) & (top != own)
        first, self._compared = not self._compared, True
        if not others.any():
            return scores
        row = int(others.argmax())
        problem = (
            f"{self._model} answers class {own[row]} where its largest score is that of class {top[row]}, on "
            f"{others.sum()} of {len(top)} images; only a model that answers with the largest score can be certified"
        )
        if first and 2 * others.sum() > (top != UNDECIDED).sum():
            raise InvalidInput(f"{problem}. {self._advice}")
        if not self._warned:
            warnings.warn(f"{problem}: such images have no label. {self._advice}", MaskcoverWarning, stacklevel=2)
        self._warned = True
        return np.where(others[:, None], scores.dtype.type(0), scores)
