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
from maskcover.masks import Unions

T = TypeVar("T")
FloatArray = npt.NDArray[np.float64]
NO_MASK = -1
"""In a pair of mask numbers: hide nothing. The pair (NO_MASK, NO_MASK) is the undefended prediction."""


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """What a decision still has to see.

    Args:
        pairs: int64 pairs of mask numbers, shape (pairs, 2).
        hoped: The label that the decision needs all of them to have: one that has another settles something.
    """

    pairs: IntArray
    hoped: int | None = None


def checked_matrix(table: IntArray) -> IntArray:
    """The matrix of a prediction table: as many rows as columns, and F(x; m, m') = F(x; m', m)."""
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not (table == table.T).all():
        raise InvalidInput(f"a prediction table is a square, symmetric matrix of labels; got the shape {table.shape}")
    if not len(table):
        raise InvalidInput("a prediction table needs at least one mask; this one has none")
    return table


@dataclass(slots=True, eq=False)
class PredictionTable:
    """The labels of one image under every union of two masks, each union once.

    The only value of the library that changes: the engine records labels, the decision procedures read `matrix`.
    """

    unions: Unions
    labels: IntArray = field(init=False)
    leads: FloatArray = field(init=False)
    confidences: FloatArray = field(init=False)
    evaluations: int = field(init=False, default=0)
    classes: int | None = field(init=False, default=None)
    """Number of classes, known once something was recorded."""

    def __post_init__(self) -> None:
        self.labels = np.full(len(self.unions) + 1, UNSEEN, dtype=np.int64)
        self.leads = np.zeros(len(self.labels))
        self.confidences = np.zeros(len(self.labels))

    @property
    def matrix(self) -> IntArray:
        """F(x; m_i, m_j) as int64 of shape (masks, masks), symmetric, `UNSEEN` where it was not asked for."""
        return self.labels[self.unions.ids]

    def firm(self, margin: float) -> IntArray:
        """`matrix`, but `UNDECIDED` where the top score does not lead by more than `margin`: what to certify from."""
        firm = np.where((self.labels >= 0) & ~(self.leads > margin), UNDECIDED, self.labels)
        return firm[self.unions.ids]

    @property
    def undefended(self) -> int:
        """F(x), nothing hidden."""
        return int(self.labels[-1])

    def missing(self, pending: Pending) -> IntArray:
        """The unions that a pending decision asks for, each once, in its order; numbers for `record`."""
        first, second = pending.pairs.T
        asked = np.where(first == NO_MASK, len(self.unions), self.unions.ids[first, second])
        _, order = np.unique(asked, return_index=True)
        return asked[np.sort(order)]

    def pairs(self, unions: IntArray) -> IntArray:
        """Two mask numbers that give each union, int64 (unions, 2)."""
        bare = unions == len(self.unions)
        return np.where(bare[:, None], NO_MASK, self.unions.pairs[np.where(bare, 0, unions)])

    def record(self, unions: IntArray, labels: IntArray, leads: FloatArray, confidences: FloatArray) -> None:
        """Keep the labels of unions, how far they lead and how sure they are (see `leads` and `confidences`)."""
        self.labels[unions], self.leads[unions], self.confidences[unions] = labels, leads, confidences
        self.evaluations += len(unions)

    @property
    def broken(self) -> list[tuple[int, int]]:
        """Pairs of mask numbers under which the scores were not finite."""
        found = self.pairs(np.flatnonzero(np.isnan(self.confidences)))
        return [(first, second) for first, second in found.tolist()]


Decide = Callable[[int, PredictionTable], "T | Pending"]
"""A decision about one image: from its number and its table to a result, or to what must be seen first."""
