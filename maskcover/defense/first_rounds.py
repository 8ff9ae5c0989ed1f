"""First rounds: fewer predictions for an image whose views agree, under the same certificates.

Theorem (pairs). Let every mask be in some pair, an odd one in a pair with itself. Ask first for the predictions under
the unions of the pairs. If they are all one label, that is the answer; if not, Algorithm 1 or challenger masking is.
Let G be the masks m with F(x; m, m') = y for all m' in M, as in the row theorem (`certificates`). If some g in G
contains the region that an attack overwrites, the answer on the attacked image x' is y. Hence `row_certificate` and
`all_pairs` certify this defence as they certify Algorithm 1.

Proof. Some pair has g in it, say g with m. Its union hides all that g hides, so it hides the region, and its prediction
on x' is that on x: F(x; g, m), an entry of the row of g, which is y. So if all pairs agree on x', they agree on y. If
they do not, the answer is that of Algorithm 1 or of challenger masking on x', which is y by their theorems. ∎

Which masks are paired plays no part in the proof, only that each mask is in a pair. "No label" (`UNDECIDED`) is never
agreed on: a true label y is 0 or more, so such an answer has no certificate, and the second algorithm may have a label.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from maskcover.cells import IntArray
from maskcover.classifiers.labels import UNDECIDED, UNSEEN
from maskcover.defense.answers import Case, Defended
from maskcover.defense.table import Pending, PredictionTable, checked_matrix
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet

FirstRound = Literal["pairs"]


def checked_first_round(first_round: object) -> None:
    """Raise `InvalidInput` unless this is None or the name of a first round."""
    if first_round is not None and (not isinstance(first_round, str) or first_round != "pairs"):
        raise InvalidInput(
            f'first_round must be "pairs", or None for no first round; got {str(first_round)[:80]!r}; coarser masks, '
            '"auto" and several rounds are not offered'
        )


def after_first_round(
    table: PredictionTable, first_round: FirstRound | None, masking: Callable[[IntArray], Defended | Pending]
) -> Defended | Pending:
    """The answer of a first round if its labels agree, else that of the algorithm which follows it.

    Args:
        table: The predictions of one image; it must have its `mask_set` for a first round.
        first_round: The kind of first round; None for none.
        masking: The algorithm on the matrix of the table: `double_masking` or `challenger_masking`.
    """
    matrix = table.matrix
    if first_round is not None:
        if table.mask_set is None:
            raise InvalidInput(
                "a first round by pairs needs to know where the masks lie; give PredictionTable the mask set, mask_set="
            )
        outcome = pairs_agreed(matrix, table.mask_set.pairing)
        if outcome is not None:
            return outcome
    return masking(matrix)


def rounds_of(masks: MaskSet, first_round: FirstRound | None) -> tuple[tuple[str, IntArray], ...]:
    """The first rounds in their order, each a name and its pairs of mask numbers, int64 (n, 2); none for None."""
    return () if first_round is None else ((first_round, masks.pairing),)


def pairs_agreed(table: IntArray, pairs: IntArray) -> Defended | Pending | None:
    """The first round by pairs, on a prediction table that may still have gaps.

    Args:
        table: int64 (n, n), symmetric; F(x; m_i, m_j), `UNSEEN` where not evaluated, `UNDECIDED` where the classifier
            gave no label.
        pairs: Mask numbers, int64 (pairs, 2): every mask is in some pair; (i, i) for a mask by itself.

    Returns:
        The label that all pairs agree on; the pairs to evaluate next, in waves; or None as soon as two of them differ
        or one has no label.

    Raises:
        InvalidInput: some mask is in no pair, so that the theorem does not hold.

    >>> pairs_agreed(np.array([[7, 7, 2], [7, 7, 2], [2, 2, 7]]), np.array([[0, 1], [2, 2]]))
    Defended(label=7, case=<Case.PAIRS_AGREED: 'pairs agreed'>, mask=None)
    """
    count = len(checked_matrix(table))
    if not np.array_equal(np.unique(pairs), np.arange(count)):
        raise InvalidInput(
            f"a first round by pairs needs each mask from 0 to {count - 1} in a pair; got {pairs.tolist()}"
        )
    first, second = pairs.T
    labels = table[first, second]
    present = labels[labels != UNSEEN]
    if (present == UNDECIDED).any() or (present != present[:1]).any():
        return None
    if len(present) < len(labels):
        return Pending(pairs[labels == UNSEEN], until_labels_differ=True)
    return Defended(int(labels[0]), Case.PAIRS_AGREED)
