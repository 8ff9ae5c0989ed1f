"""The prediction table of one image: F(x; m, m') for pairs of masks, filled as far as a decision needs it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from maskcover.defense.labels import UNSEEN
from maskcover.masks import Unions
from maskcover.masks.mask import IntArray

NO_MASK = -1
"""In a pair of mask numbers: hide nothing. The pair (NO_MASK, NO_MASK) is the undefended prediction."""


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """What a decision still has to see: int64 pairs of mask numbers, shape (pairs, 2), the most telling first."""

    pairs: IntArray


@dataclass(slots=True, eq=False)
class PredictionTable:
    """The labels of one image under every union of two masks, each union once.

    The only value of the library that changes: the engine records labels, the decision procedures read `matrix`.
    """

    unions: Unions
    labels: IntArray = field(init=False)
    evaluations: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.labels = np.full(len(self.unions) + 1, UNSEEN, dtype=np.int64)

    @property
    def matrix(self) -> IntArray:
        """F(x; m_i, m_j) as int64 of shape (masks, masks), symmetric, `UNSEEN` where it was not asked for."""
        return self.labels[self.unions.ids]

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

    def pair(self, union: int) -> tuple[int, int]:
        """Two mask numbers that give a union."""
        if union == len(self.unions):
            return NO_MASK, NO_MASK
        first, second = self.unions.pairs[union].tolist()
        return first, second

    def record(self, union: int, label: int) -> None:
        """Keep the label of a union."""
        self.labels[union] = label
        self.evaluations += 1
