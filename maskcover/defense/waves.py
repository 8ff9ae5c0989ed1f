"""Schedules second-round predictions: least supported pairs first, in growing waves, so that failures stop early.

A first round (`first_rounds`) is asked for in its own order, in waves of one size, since any of its labels may end it.
In a second round the first wave has a few pairs. Each later wave is as large as the number of predictions that its rows
already have, so that at most about twice the necessary predictions are made, and batches are full all the same.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from maskcover.cells import IntArray
from maskcover.classifiers.labels import UNSEEN
from maskcover.defense.table import Pending, PredictionTable

FIRST_ROUND = 16
_FIRST = 4


def next_wave(table: PredictionTable, pending: Pending, first_round: int = FIRST_ROUND) -> Pending:
    """The next wave of the predictions that a decision waits for, the least supported first.

    Args:
        table: The predictions so far.
        pending: All predictions that the decision waits for.
        first_round: The number of predictions in a wave of a first round.
    """
    if pending.until_labels_differ:
        return replace(pending, pairs=pending.pairs[:first_round])
    if pending.wanted_label is None or (table.one_mask == UNSEEN).any():
        return pending
    pairs = table.pairs(table.missing(pending))
    order = np.argsort(support(table, pairs, pending.wanted_label), kind="stable")
    return Pending(pairs[order[: max(_FIRST, _present(table, np.unique(pending.pairs[:, 0])))]], pending.wanted_label)


def _present(table: PredictionTable, rows: IntArray) -> int:
    """The number of second-round predictions that some rows of the table have."""
    unions = np.setdiff1d(table.views.ids[rows], table.views.singles)
    return int((table.labels[unions] != UNSEEN).sum())


def support(table: PredictionTable, pairs: IntArray, label: int) -> npt.NDArray[np.float64]:
    """The support for a label under each pair of masks: the sum of the one-mask margins, negative for other labels."""
    single = table.views.singles
    single_support = np.where(table.labels[single] == label, table.margins[single], -table.margins[single])
    first, second = pairs.T
    pair_support: npt.NDArray[np.float64] = single_support[first] + single_support[second]
    return pair_support
