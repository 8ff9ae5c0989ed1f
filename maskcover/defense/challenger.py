"""Challenger masking (paper, appendix C): the defended prediction with a second round of at most |M| − 1 predictions.

Theorem. Let G be the masks m with F(x; m, m') = y for all m' in M, as in the row theorem (`certificates`). If some g
in G contains the region that an attack overwrites, challenger masking returns y on the attacked image x'. Hence
`row_certificate` and `all_pairs` certify this defence as they certify Algorithm 1.

Proof. Whatever hides g hides the region, so F(x'; g, m') = F(x; g, m') = y for all m'; with m' = g, the label of g is
y. If all one-mask labels agree, they agree with g on y. If not, look at any game of g. It is played against a mask of
another label and its prediction is y, the label of g and not that of the other: g survives. So g is never discarded,
some mask is alive at the end, and the one label of those alive is that of g. ∎

Which masks meet in which order plays no part in the proof; it is fixed so that an image always gets the same label.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from maskcover.cells import IntArray
from maskcover.classifiers.labels import UNSEEN
from maskcover.defense.answers import Case, Defended
from maskcover.defense.double import first_round, lowest_label
from maskcover.defense.table import Pending, checked_matrix


def challenger_masking(table: IntArray) -> Defended | Pending:
    """Challenger masking on a prediction table that may still have gaps.

    When the first round disagrees, the mask of lowest number is the champion and the first mask with another label
    its challenger. Their two-mask prediction is the game: a mask whose label it is not is discarded, so one of them
    is, or both are. The next game is between those left, until they have one label.

    Args:
        table: int64 (n, n), symmetric; F(x; m_i, m_j), `UNSEEN` where not evaluated, `UNDECIDED` where the classifier
            gave no label, which counts as a label of its own as in `double_masking`.

    Returns:
        The label with its case (`Case.CHALLENGER` names the lowest mask left; `Case.MAJORITY` if none is left), or the
        pairs to evaluate next: the first round, then one game after the other, at most n − 1 of them.

    Mask 1 wins the game (0, 1), then mask 2 the game (1, 2):

    >>> challenger_masking(np.array([[0, 1, 0], [1, 1, 2], [0, 2, 2]]))
    Defended(label=2, case=<Case.CHALLENGER: 'challenger'>, mask=2)
    """
    one_mask = checked_matrix(table).diagonal()
    if (one_mask == UNSEEN).any():
        return first_round(one_mask)
    if (one_mask == one_mask[0]).all():
        return Defended(int(one_mask[0]), Case.AGREED)
    champions: deque[int] = deque()  # the masks up to here that are left: all of one label, the champion first
    for mask in range(len(table)):
        survives = True
        while survives and champions and one_mask[champions[0]] != one_mask[mask]:
            game_label = table[champions[0], mask]
            if game_label == UNSEEN:
                return Pending(np.array([[champions[0], mask]]))
            survives = bool(game_label == one_mask[mask])
            if game_label != one_mask[champions[0]]:
                champions.popleft()
        if survives:
            champions.append(mask)
    if not champions:
        return Defended(lowest_label(one_mask), Case.MAJORITY)
    return Defended(int(one_mask[champions[0]]), Case.CHALLENGER, champions[0])
