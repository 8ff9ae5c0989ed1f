"""Schedules second-round predictions: least supported pairs first, in growing waves, so that failures stop early.

A first round (`first_rounds`) is asked for in its own order, in waves of one size, since any of its labels may end it.
In a second round the first wave has a few pairs, and each later wave a fraction of the number of predictions that its
rows already have. A certification asks for one pair first, and for half as many again each time: images that fail cost
little more than they must, and other images fill the batches. An answer asks for `FEW`, and doubles: it may be alone.

Whatever the order, all pairs come before an image is certified: it decides costs, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from maskcover.cells import IntArray
from maskcover.classifiers.labels import UNSEEN
from maskcover.defense.table import Pending, PredictionTable
from maskcover.masks import MaskSet

FloatArray = npt.NDArray[np.float64]
FEW = 4
"""The number of predictions in the first wave of an answer's second round, and in each wave of a first round."""


@dataclass(frozen=True, slots=True)
class Growth:
    """The growth of the waves of a second round.

    Args:
        first: The number of predictions in the first wave.
        divisor: Each later wave has the number of predictions that its rows already have, divided by this number.
    """

    first: int = FEW
    divisor: int = 1


DOUBLING = Growth()
"""The growth for answers: few waves, since an image alone waits for each."""
THRIFTY = Growth(first=1, divisor=2)
"""The growth for certifying: few predictions beyond the one that refutes, since many images are open at a time."""


def next_wave(table: PredictionTable, pending: Pending, first_round: int = FEW, growth: Growth = DOUBLING) -> Pending:
    """The next wave of the predictions that a decision waits for, the least supported first; the others come `later`.

    Args:
        table: The predictions so far.
        pending: All predictions that the decision waits for.
        first_round: The number of predictions in a wave of a first round.
        growth: The growth of the waves of a second round.
    """
    if pending.until_labels_differ:
        return replace(pending, pairs=pending.pairs[:first_round], later=pending.pairs[first_round:])
    if pending.wanted_label is None or (table.one_mask == UNSEEN).any():
        return pending
    pairs = table.pairs(table.missing(pending))
    pairs = pairs[np.argsort(support(table, pairs, pending.wanted_label), kind="stable")]
    size = max(growth.first, _present(table, np.unique(pending.pairs[:, 0])) // growth.divisor)
    return Pending(pairs[:size], pending.wanted_label, later=pairs[size:])


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


def support(table: PredictionTable, pairs: IntArray, label: int) -> FloatArray:
    """The support for a label under each pair of masks: the smaller, the more probable is another label.

    It is the sum of the one-mask margins, negative for other labels; and masks that overlap hide less together, so the
    part that they share counts for the label, as much as the mean margin. That weight was learnt from whole tables of
    small networks on CIFAR-10 (`benchmarks/RESULTS.md`).
    """
    single = table.views.singles
    single_support = np.where(table.labels[single] == label, table.margins[single], -table.margins[single])
    first, second = pairs.T
    pair_support: FloatArray = single_support[first] + single_support[second]
    if table.mask_set is None:
        return pair_support
    return pair_support + float(table.margins[single].mean()) * overlaps(table.mask_set, pairs)


def overlaps(masks: MaskSet, pairs: IntArray) -> FloatArray:
    """The fraction of each pair's smaller mask that the other one hides too; 0 where one of them is not a box.

    >>> masks = MaskSet.from_boxes([(0, 0, 2, 2), (0, 1, 2, 2), (0, 2, 2, 2)], image_size=(2, 4))
    >>> overlaps(masks, np.array([[0, 1], [0, 2], [1, 2]])).tolist()
    [0.5, 0.0, 0.5]
    """
    (low, high), sizes = _boxes(masks)
    first, second = pairs.T
    sides = np.minimum(high[first], high[second]) - np.maximum(low[first], low[second])
    fractions: FloatArray = sides.clip(min=0).prod(axis=1) / np.minimum(sizes[first], sizes[second])
    return fractions


@lru_cache(maxsize=8)
def _boxes(masks: MaskSet) -> tuple[IntArray, FloatArray]:
    """The corners of the masks, int64 (2, n, dimensions), and their sizes in cells; inf for a mask that is no box."""
    single = [len(mask.bounds) == 1 for mask in masks]
    nothing = np.zeros((2, masks.grid.ndim), np.int64)
    corners = np.stack([mask.bounds[0] if box else nothing for mask, box in zip(masks, single, strict=True)], axis=1)
    sizes = (corners[1] - corners[0]).prod(axis=1).astype(np.float64)
    return corners, np.where(single, sizes, np.inf)
