"""In which order, and how many at a time, a decision looks at the second round: so that it is over soon if it can be.

What is hoped for fails first where it is weakest. The first few pairs are looked at alone; after that each wave is as
large as what is known of the rows in question, so that hardly more than twice the needed is evaluated, and batches are
full all the same.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from maskcover.cells import IntArray
from maskcover.classifiers.labels import UNSEEN
from maskcover.defense.table import Pending, PredictionTable

_FIRST = 4


def next_wave(table: PredictionTable, pending: Pending) -> Pending:
    """The part of what a decision waits for that is to be seen next, the most telling first."""
    if pending.wanted_label is None or (table.one_mask == UNSEEN).any():
        return pending
    pairs = table.pairs(table.missing(pending))
    order = np.argsort(support(table, pairs, pending.wanted_label), kind="stable")
    return Pending(pairs[order[: max(_FIRST, _known(table, np.unique(pending.pairs[:, 0])))]], pending.wanted_label)


def _known(table: PredictionTable, rows: IntArray) -> int:
    """How many unions of the second round were seen in some rows of the table."""
    unions = np.setdiff1d(table.views.ids[rows], table.views.singles)
    return int((table.labels[unions] != UNSEEN).sum())


def support(table: PredictionTable, pairs: IntArray, label: int) -> npt.NDArray[np.float64]:
    """How much speaks for a label under each pair of masks, from the one-mask predictions: their leads, or less 0."""
    single = table.views.singles
    told = np.where(table.labels[single] == label, table.margins[single], -table.margins[single])
    first, second = pairs.T
    found: npt.NDArray[np.float64] = told[first] + told[second]
    return found
