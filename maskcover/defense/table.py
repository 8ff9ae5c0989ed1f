"""The prediction table of one image: F(x; m, m') for pairs of masks, filled as far as a decision needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from maskcover.cells import IntArray
from maskcover.classifiers.labels import UNDECIDED, UNSEEN
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet, Singles, Unions

T = TypeVar("T")
FloatArray = npt.NDArray[np.float64]
NO_MASK = -1
"""In a pair of mask numbers: hide nothing. The pair (NO_MASK, NO_MASK) is the undefended prediction."""


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """The predictions that a decision needs before it can be made.

    Args:
        pairs: int64 pairs of mask numbers, shape (pairs, 2).
        wanted_label: The label that all of them should have; a prediction with another one decides something.
        until_labels_differ: Whether the first two labels that differ end this round: the rest is then not needed.
        later: int64 pairs, shape (later, 2), that the decision will probably ask for next, in this order: the engine
            may compute them where a batch has room. None if there are none, or nobody can tell.
    """

    pairs: IntArray
    wanted_label: int | None = None
    until_labels_differ: bool = False
    later: IntArray | None = None


def checked_matrix(table: IntArray) -> IntArray:
    """The matrix of a prediction table: as many rows as columns, and F(x; m, m') = F(x; m', m)."""
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not (table == table.T).all():
        raise InvalidInput(f"a prediction table is a square, symmetric matrix of labels; got the shape {table.shape}")
    if not len(table):
        raise InvalidInput("a prediction table needs at least one mask; this one has none")
    return table


@dataclass(slots=True, eq=False)
class PredictionTable:
    """The predictions of one image: under single masks, or under all unions of two masks, each union once.

    It is the only value of the library that changes: the engine records predictions, the procedures read them.

    Args:
        views: The masked predictions that may be asked for, numbered: see `MaskSet.views`.
        classes: Number of classes; None until something was recorded.
        mask_set: The masks, for a procedure whose answer depends on where they lie.

    All arrays have one entry for each of them, by its number, and a last one for the image with nothing hidden.
    """

    views: Unions | Singles
    classes: int | None = None
    mask_set: MaskSet | None = None
    labels: IntArray = field(init=False)
    """int64; `UNSEEN` where it was not evaluated, `UNDECIDED` where there was no unique finite top score."""
    margins: FloatArray = field(init=False)
    """float64, see `maskcover.classifiers.margins`."""
    confidences: FloatArray = field(init=False)
    """float64, see `maskcover.classifiers.confidences`; NaN where scores were not finite."""
    observed: FloatArray | None = field(init=False, default=None)
    """float64 of shape (entries, width): further numbers of the procedure's observation; None if it has none."""
    evaluations: int = field(init=False, default=0)
    """Number of masked predictions that were made."""

    def __post_init__(self) -> None:
        self.labels = np.full(len(self.views) + 1, UNSEEN, dtype=np.int64)
        self.margins = np.zeros(len(self.labels))
        self.confidences = np.zeros(len(self.labels))

    @property
    def masks(self) -> int:
        """Number of masks."""
        return len(self.views.ids)

    @property
    def matrix(self) -> IntArray:
        """F(x; m_i, m_j) as int64 of shape (masks, masks), symmetric, `UNSEEN` where it was not evaluated."""
        if self.views.ids.ndim == 1:
            raise InvalidInput("this table holds predictions under single masks only; ask for Views.PAIRS")
        return self.labels[self.views.ids]

    @property
    def one_mask(self) -> IntArray:
        """F(x; m_i) as int64 of shape (masks,), `UNSEEN` where it was not evaluated."""
        return self.labels[self.views.singles]

    def trusted(self, min_margin: float) -> IntArray:
        """The labels to certify from: `labels`, but `UNDECIDED` where the margin is not above `min_margin`.

        Take ``table.trusted(m)[table.views.ids]`` for the matrix, ``[table.views.singles]`` for single masks.
        """
        return np.where((self.labels >= 0) & ~(self.margins > min_margin), UNDECIDED, self.labels)

    @property
    def undefended(self) -> int:
        """F(x), nothing hidden."""
        return int(self.labels[-1])

    def missing(self, pending: Pending) -> IntArray:
        """The numbers of the predictions that a pending decision asks for, each once, in its order."""
        numbers = self.numbers(pending.pairs)
        _, order = np.unique(numbers, return_index=True)
        return numbers[np.sort(order)]

    def numbers(self, pairs: IntArray) -> IntArray:
        """The number of the prediction under each pair of mask numbers, int64 (pairs,)."""
        first, second = pairs.T
        return np.where(first == NO_MASK, len(self.views), self.views.numbers(first, second))

    def pairs(self, numbers: IntArray) -> IntArray:
        """A pair of mask numbers for each numbered prediction, int64 (numbers, 2)."""
        bare = numbers == len(self.views)
        return np.where(bare[:, None], NO_MASK, self.views.pairs[np.where(bare, 0, numbers)])

    def record(
        self,
        numbers: IntArray,
        labels: IntArray,
        margins: FloatArray,
        confidences: FloatArray,
        observed: FloatArray | None = None,
    ) -> None:
        """Keep the predictions under the numbered masks or unions."""
        self.restore(numbers, labels, margins, confidences)
        if observed is not None:
            if self.observed is None:
                self.observed = np.zeros((len(self.labels), observed.shape[1]))
            self.observed[numbers] = observed
        self.evaluations += len(numbers)

    def restore(self, numbers: IntArray, labels: IntArray, margins: FloatArray, confidences: FloatArray) -> None:
        """Put in predictions that were made before: `evaluations` does not count them."""
        self.labels[numbers], self.margins[numbers], self.confidences[numbers] = labels, margins, confidences

    @property
    def broken(self) -> list[tuple[int, int]]:
        """Pairs of mask numbers under which the scores were not finite."""
        return [(first, second) for first, second in self.pairs(np.flatnonzero(np.isnan(self.confidences))).tolist()]


Decide = Callable[[int, PredictionTable], "T | Pending"]
"""A decision about one image: from its number and its table to a result, or to the predictions needed first."""
