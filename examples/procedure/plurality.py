"""Plurality: every mask votes for the label under it, and the label with most votes is the answer.

Theorem. A region leaves the votes of the masks that contain it, U, as they are, and may change all others, A. The
answer stays y for every attack inside the region if, for every class c other than y, the votes of U for y less those
for c are at least |A|, and more than |A| where c < y, since ties go to the smaller label.

Proof. After the attack y still has its votes of U, and c has its votes of U and at most the |A| others. ∎

A larger U makes the condition easier, so only the smallest sets U matter: the minimal signatures.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from maskcover.covering.containment import Containment
from maskcover.defense import Answer, Certificate, Defended, Pending, PredictionTable, Procedure
from maskcover.defense.procedure import first_look


class Vote(Enum):
    """How the votes went."""

    WON = "most votes"
    NONE = "no votes"


@dataclass(frozen=True)
class Plurality(Procedure):
    """The label that most masks vote for; ties go to the smaller label, and masks without a label abstain."""

    name = "plurality"
    needs_cover = False
    needs_bits = False

    def answer(self, table: PredictionTable) -> Answer | Pending:
        """The winner of the votes."""
        if look := first_look(table):
            return look
        votes = _votes(table.one_mask, table.classes or 1)
        return Defended(int(votes.argmax()), Vote.WON) if votes.any() else Defended(-1, Vote.NONE)

    def certificate(
        self, table: PredictionTable, label: int, covers: Containment, min_margin: float
    ) -> Certificate | Pending:
        """Whether the label wins whatever the masks that a region touches vote for."""
        trusted, classes = table.trusted(min_margin)[table.views.singles], table.classes or 1
        ties_lost = (np.arange(classes) < label).astype(int)
        signatures = covers.signatures or (0,)  # too many to list: as if no mask contained some region
        for signature in signatures:
            inside = np.array([bool(signature >> mask & 1) for mask in range(table.masks)])
            counted = inside & (trusted >= 0)  # a vote that is not relied on may become any other
            votes = _votes(trusted[counted], classes)
            ahead = votes[label] - votes - ties_lost
            if (np.delete(ahead, label) < (~counted).sum()).any():
                return Certificate(certified=False, certifying=(), failing=None, complete=True)
        return Certificate(certified=True, certifying=(), failing=None, complete=True)


def _votes(labels: np.ndarray, classes: int) -> np.ndarray:
    """Votes for each class, int64 (classes,)."""
    return np.bincount(labels[labels >= 0], minlength=classes)
