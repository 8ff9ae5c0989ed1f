"""Observations: numbers kept of the scores of a masked prediction besides its label, its margin and its confidence.

The scores themselves stay where they were computed; an observation is worked out there, by numpy or by torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from maskcover.errors import InvalidInput


@runtime_checkable
class Observation(Protocol):
    """Protocol: an immutable value that reduces the scores of a batch to the numbers that a defence needs."""

    def reduced(self, scores: Any, xp: Any) -> Any | None:
        """Numbers of shape (rows, width) made of scores (rows, classes); None if the top label is enough.

        Args:
            scores: Finite float64 scores as an array or a tensor; rows with other scores are all 0 here.
            xp: The module that has the functions for them, numpy or torch, called by the names and arguments that
                both know: ``xp.exp(scores - xp.amax(scores, axis=1, keepdims=True))``.
        """
        ...


@dataclass(frozen=True, slots=True)
class TopLabel:
    """The default observation: nothing besides the label, its margin and its confidence, which are always kept.

    >>> TopLabel()
    TopLabel()
    """

    def reduced(self, scores: Any, xp: Any) -> None:  # noqa: ARG002  # they are the protocol's
        """None: nothing more is kept."""
        return


@dataclass(frozen=True, slots=True)
class ClassesAbove:
    """The votes of one view: for each class 1 if its confidence (softmax) is at least a threshold, else 0.

    Args:
        threshold: The least confidence of a vote, from 0 to 1; several classes can reach one of 0.5 or less.

    >>> import numpy as np
    >>> ClassesAbove(0.25).reduced(np.log([[0.6, 0.3, 0.1]]), np)
    array([[1., 1., 0.]])
    """

    threshold: float

    def __post_init__(self) -> None:
        if (
            isinstance(self.threshold, bool)
            or not isinstance(self.threshold, int | float)
            or not 0 <= self.threshold <= 1
        ):
            raise InvalidInput(f"threshold must be a number from 0 to 1; got {self.threshold!r}")

    def reduced(self, scores: Any, xp: Any) -> Any:
        """The votes, 0.0 or 1.0, of shape (rows, classes)."""
        likelihoods = xp.exp(scores - xp.amax(scores, axis=1, keepdims=True))
        return 1.0 * (likelihoods / likelihoods.sum(axis=1)[:, None] >= self.threshold)
