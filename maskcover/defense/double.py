"""Algorithm 1 of the paper (section 3.2): the defended prediction, as a pure function of a prediction table."""

from __future__ import annotations

import numpy as np

from maskcover.cells import IntArray
from maskcover.classifiers.labels import UNDECIDED, UNSEEN
from maskcover.defense.answers import Case, Defended
from maskcover.defense.table import Pending, checked_matrix


def lowest_label(one_mask: IntArray) -> int:
    """The tie rule "lowest label": of the most frequent labels the smallest, `UNDECIDED` only if it has no rival.

    No certificate depends on the rule; it is fixed so that the same image always gets the same label.

    >>> lowest_label(np.array([3, 1, 3, 1, 2]))
    1
    """
    labels, counts = np.unique(one_mask, return_counts=True)
    most = labels[counts == counts.max()]
    return int(most[-1] if len(most) == 1 else most[most != UNDECIDED][0])


def double_masking(table: IntArray) -> Defended | Pending:
    """Algorithm 1 on a prediction table that may still have gaps.

    Args:
        table: int64 (n, n), symmetric; F(x; m_i, m_j), `UNSEEN` where not evaluated, `UNDECIDED` where the classifier
            gave no label, which counts as a label of its own: it can lose, and if it wins there is no prediction.

    Returns:
        The label and its case, or the pairs to evaluate next: the first round, then the second round of the first
        disagreer, in mask order, whose row has no other label yet.

    >>> double_masking(np.array([[7, 7], [7, 7]]))
    Defended(label=7, case=<Case.AGREED: 'agreed'>, mask=None)
    """
    one_mask = checked_matrix(table).diagonal()
    if (one_mask == UNSEEN).any():
        return first_round(one_mask)
    majority = lowest_label(one_mask)
    disagreers = np.flatnonzero(one_mask != majority)
    if not len(disagreers):
        return Defended(majority, Case.AGREED)
    for mask in disagreers.tolist():
        row = table[mask]
        unseen = row == UNSEEN
        if (row[~unseen] != one_mask[mask]).any():
            continue
        if unseen.any():
            others = np.flatnonzero(unseen)
            return Pending(np.stack([np.full_like(others, mask), others], axis=1), wanted_label=int(one_mask[mask]))
        return Defended(int(one_mask[mask]), Case.DISAGREER, mask)
    return Defended(majority, Case.MAJORITY)


def first_round(one_mask: IntArray) -> Pending:
    """The missing one-mask predictions."""
    missing = np.flatnonzero(one_mask == UNSEEN)
    return Pending(np.stack([missing, missing], axis=1))
