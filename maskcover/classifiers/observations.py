"""Observations: numbers kept of the scores of a masked prediction besides its label, its margin and its confidence.

The scores themselves stay where they were computed; an observation is worked out there, by numpy or by torch.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

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
        return 1.0 * (_softmax(scores, xp) >= self.threshold)


@dataclass(frozen=True, slots=True)
class ClassScores:
    """The scores of all classes as they are, for classifiers that give several labels.

    >>> import numpy as np
    >>> ClassScores().reduced(np.array([[0.5, -2.0]]), np)
    array([[ 0.5, -2. ]])
    """

    def reduced(self, scores: Any, xp: Any) -> Any:  # noqa: ARG002  # the protocol's
        """The scores, of shape (rows, classes)."""
        return scores


@dataclass(frozen=True, slots=True)
class FirstClasses:
    """The first classes of one view by score, best first, with their confidences; ties go to the smallest class.

    Args:
        count: The number of classes, fewer than there are.

    >>> import numpy as np
    >>> FirstClasses(2).reduced(np.log([[0.25, 0.5, 0.25]]), np).round(2)
    array([[1.  , 0.  , 0.5 , 0.25]])
    """

    count: int

    def reduced(self, scores: Any, xp: Any) -> Any:
        """The classes and then their confidences, of shape (rows, 2 * count)."""
        if self.count >= scores.shape[1]:
            raise InvalidInput(
                f"the first {self.count} of {scores.shape[1]} classes are all of them; choose a smaller top"
            )
        numbers, confidence = scores * 0.0 + _numbers(scores, xp), _softmax(scores, xp)
        left, classes, confidences = scores, [], []
        for _ in range(self.count):
            # The smallest class of the largest score: no order of sorting decides.
            best = xp.amax(left, axis=1, keepdims=True)
            chosen = xp.amin(xp.where(left == best, numbers, float(scores.shape[1])), axis=1, keepdims=True)
            classes.append(chosen)
            confidences.append(xp.amax(xp.where(numbers == chosen, confidence, 0.0), axis=1, keepdims=True))
            left = xp.where(numbers == chosen, -float("inf"), left)
        return xp.concatenate([*classes, *confidences], axis=1)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of one view for each class: its scores, squashed into a range and rounded to whole numbers.

    Rounding is part of the defence: sums of whole numbers do not depend on their order, sums of floats do.

    Args:
        kind: How a score becomes a number: "clip" cuts it to a range, "tanh" is ``tanh(scale * score + shift)``, and
            "confidence" is the softmax of the scores of the view.
        numbers: The numbers in its text: (low, high) for "clip", (scale, shift) for "tanh", none for "confidence".

    ``Evidence.parse("clip(0, 1)")`` reads its text. Each unit of a number is counted in `STEPS` steps.

    >>> import numpy as np
    >>> evidence = Evidence.parse("clip(0, 2)")
    >>> str(evidence), evidence.low, evidence.high
    ('clip(0, 2)', 0, 131072)
    >>> evidence.reduced(np.array([[-1.0, 0.5, 7.0]]), np)
    array([[     0.,  32768., 131072.]])
    """

    kind: str
    numbers: tuple[float, ...]

    STEPS: ClassVar[int] = 1 << 16
    """Steps of one unit."""
    LARGEST: ClassVar[int] = 1 << 20
    """The largest number to which scores may be cut: sums over a million views then fit into 64 bits."""

    def __post_init__(self) -> None:
        expected = {"clip": 2, "tanh": 2, "confidence": 0}.get(self.kind)
        plain = all(
            isinstance(number, int | float) and not isinstance(number, bool) and abs(number) <= self.LARGEST
            for number in self.numbers
        )
        if expected != len(self.numbers) or not plain or (self.kind == "clip" and self.numbers[0] >= self.numbers[1]):
            raise InvalidInput(
                "evidence is 'clip(low, high)', 'tanh(scale, shift)' or 'confidence', with plain numbers up to "
                f"{self.LARGEST:,}; got {self.kind!r} with {self.numbers}"
            )

    @classmethod
    def parse(cls, text: str) -> Evidence:
        """Read the text of evidence; raise `InvalidInput` if it is none.

        >>> str(Evidence.parse("tanh(0.05,-1)"))
        'tanh(0.05, -1)'
        """
        try:
            node = ast.parse(text.strip(), mode="eval").body
            if isinstance(node, ast.Name):
                return cls(node.id, ())
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
                return cls(node.func.id, tuple(ast.literal_eval(number) for number in node.args))
        except (AttributeError, SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
            raise InvalidInput(f"cannot read the evidence {text!r:.80}; write it like 'clip(0, 1)'") from error
        raise InvalidInput(f"cannot read the evidence {text!r:.80}; write it like 'clip(0, 1)'")

    @property
    def low(self) -> int:
        """The smallest whole number that it can be."""
        if self.kind == "clip":
            return round(self.numbers[0] * self.STEPS)
        return -self.STEPS if self.kind == "tanh" else 0

    @property
    def high(self) -> int:
        """The largest whole number that it can be."""
        return round(self.numbers[1] * self.STEPS) if self.kind == "clip" else self.STEPS

    def reduced(self, scores: Any, xp: Any) -> Any:
        """The evidence, whole numbers as floats, of shape (rows, classes)."""
        if self.kind == "confidence":
            values = _softmax(scores, xp)
        elif self.kind == "tanh":
            values = xp.tanh(self.numbers[0] * scores + self.numbers[1])
        else:
            values = xp.clip(scores, *self.numbers)
        # Cut once more: no rounding of a kernel may leave the range that certificates rely on.
        return xp.clip(xp.round(values * self.STEPS), self.low, self.high)

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(map(repr, self.numbers))})" if self.numbers else self.kind


def _numbers(scores: Any, xp: Any) -> Any:
    """The numbers of the classes, (1, classes), where the scores are."""
    ones = xp.ones_like(scores[:1])
    return xp.cumsum(ones, axis=1) - 1.0


def _softmax(scores: Any, xp: Any) -> Any:
    likelihoods = xp.exp(scores - xp.amax(scores, axis=1, keepdims=True))
    return likelihoods / likelihoods.sum(axis=1)[:, None]
