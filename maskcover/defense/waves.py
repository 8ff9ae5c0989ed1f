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

FEW = 4
"""The number of predictions in the first wave of a second round, and in each wave of a first round."""


def next_wave(table: PredictionTable, pending: Pending, first_round: int = FEW, second_round: int = FEW) -> Pending:
    """The next wave of the predictions that a decision waits for, the least supported first.

    Args:
        table: The predictions so far.
        pending: All predictions that the decision waits for.
        first_round: The number of predictions in a wave of a first round.
        second_round: The least number of predictions in a wave of a second round.
    """
    if pending.until_labels_differ:
        return replace(pending, pairs=pending.pairs[:first_round])
    if pending.wanted_label is None or (table.one_mask == UNSEEN).any():
        return pending
    pairs = table.pairs(table.missing(pending))
    order = np.argsort(support(table, pairs, pending.wanted_label), kind="stable")
    size = max(FEW, second_round, _present(table, np.unique(pending.pairs[:, 0])))
    return Pending(pairs[order[:size]], pending.wanted_label)


def wave_of(batch_size: int, images: int) -> int:
    """The number of predictions in a wave of a first round when some images are served together.

    Few, so that the round ends soon after the first other label; but as many as a batch has room for when every image
    fills its part of it, so that an image alone needs no more batches than if all were asked for at once.

    >>> wave_of(16, images=1), wave_of(16, images=2), wave_of(16, images=100), wave_of(1, images=100)
    (16, 8, 4, 1)
    """
    return max(-(-batch_size // max(images, 1)), min(batch_size, FEW))


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
