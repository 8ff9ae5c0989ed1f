"""In which order, and how many at a time, a decision looks at the second round: so that it is over soon if it can be.

What is hoped for fails first where it is weakest. The first few pairs are looked at alone; after that each wave is as
large as all before it, so that hardly more than twice the needed is evaluated, and batches are full all the same.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from maskcover.cells import IntArray
from maskcover.defense.labels import UNSEEN
from maskcover.defense.table import Pending, PredictionTable

_FIRST = 8


def next_wave(table: PredictionTable, pending: Pending) -> Pending:
    """The part of what a decision waits for that is to be seen next, the most telling first."""
    one_mask = table.labels[table.unions.ids.diagonal()]
    if pending.hoped is None or (one_mask == UNSEEN).any():
        return pending
    pairs = table.pairs(table.missing(pending))
    order = np.argsort(support(table, pairs, pending.hoped), kind="stable")
    second_round = int((table.labels != UNSEEN).sum()) - len(set(table.unions.ids.diagonal().tolist())) - 1
    return Pending(pairs[order[: max(_FIRST, second_round)]], pending.hoped)


def support(table: PredictionTable, pairs: IntArray, label: int) -> npt.NDArray[np.float64]:
    """How much speaks for a label under each pair of masks, from the one-mask predictions: their leads, or less 0."""
    single = table.unions.ids.diagonal()
    told = np.where(table.labels[single] == label, table.leads[single], -table.leads[single])
    first, second = pairs.T
    found: npt.NDArray[np.float64] = told[first] + told[second]
    return found
