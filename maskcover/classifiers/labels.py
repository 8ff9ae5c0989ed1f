"""Labels, margins and confidences from scores; a label is the class of the unique top of finite scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from maskcover.cells import IntArray
from maskcover.errors import InvalidInput

UNDECIDED = -1
"""The entry for non-finite scores or a tie at the top, which is never certified (threats.md, 25 and 26)."""

UNSEEN = -2
"""The entry for a prediction that was not made."""


def top_labels(scores: npt.ArrayLike) -> IntArray:
    """The label of each row of scores, `UNDECIDED` where there is none.

    Args:
        scores: Real numbers, shape (rows, classes), at least two classes.

    >>> top_labels([[0.1, 0.9], [0.5, 0.5], [np.nan, 1.0]])
    array([ 1, -1, -1])
    """
    values = checked_scores(scores)
    decided = np.isfinite(values).all(axis=1)
    top = values.argmax(axis=1)
    ties = (values == values[np.arange(len(values)), top, None]).sum(axis=1) > 1
    return np.where(decided & ~ties, top, UNDECIDED).astype(np.int64)


def margins(scores: npt.ArrayLike, least_scale: float = 0.0) -> npt.NDArray[np.float64]:
    """The margin of each row: top score less the next, as a fraction of the largest absolute score; 0 without a label.

    Rounding changes a score by a small fraction of the numbers that were summed, which may be far larger than scores
    near 0. So a row is measured by `least_scale` if all its own scores are smaller.

    >>> margins([[1.0, 4.0], [2.0, 2.0], [np.inf, 1.0]])
    array([0.75, 0.  , 0.  ])
    >>> margins([[-1e-6, 1e-6]]), margins([[-1e-6, 1e-6]], least_scale=1.0)
    (array([2.]), array([2.e-06]))
    """
    values = checked_scores(scores).astype(np.float64)
    decided = top_labels(scores) != UNDECIDED
    first, second = np.sort(np.where(decided[:, None], values, 0.0), axis=1)[:, :-3:-1].T
    # A score of float64 can be so large that the difference is not finite: then the margin is 0.
    with np.errstate(over="ignore", invalid="ignore"):
        scale = np.maximum(np.abs(np.where(decided[:, None], values, 1.0)).max(axis=1), least_scale)
        margin = (first - second) / scale
    return np.where(decided & np.isfinite(margin), margin, 0.0)


def confidences(scores: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The softmax probability of the top score of each row; NaN where a score is not finite.

    >>> confidences([[0.0, 0.0], [np.inf, 1.0]])
    array([0.5, nan])
    """
    values = checked_scores(scores).astype(np.float64)
    finite = np.asarray(np.isfinite(values).all(axis=1))
    usable = np.where(finite[:, None], values, 0.0)
    with np.errstate(over="ignore"):  # a difference that overflows is a class without any chance
        below = usable - usable.max(axis=1, keepdims=True)
    return np.where(finite, 1.0 / np.exp(below).sum(axis=1), np.nan)


def checked_scores(scores: npt.ArrayLike) -> npt.NDArray[np.generic]:
    """The scores as an array; raise `InvalidInput` unless they are real, of shape (rows, classes), classes >= 2."""
    values = np.asarray(scores)
    if values.ndim != 2 or values.shape[1] < 2 or values.dtype.kind not in "fiu":
        raise InvalidInput(
            f"expected real scores of shape (rows, classes) with at least 2 classes; got {values.dtype} {values.shape}"
        )
    return values
