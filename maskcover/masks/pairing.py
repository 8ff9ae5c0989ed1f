"""Pairing the masks of a set with neighbours, for a first round of predictions under the unions of the pairs.

No certificate depends on which mask is paired with which; small unions leave more of the image to be seen.
"""

from __future__ import annotations

import numpy as np

from maskcover.cells import IntArray
from maskcover.masks.mask import Mask

_MOST_BOXES = 1 << 13
"""Masks of more boxes in all are compared by the smallest boxes around them, so that the time stays bounded."""
_MOST_PASSES = 50


def neighbours(masks: tuple[Mask, ...]) -> IntArray:
    """Pair the masks so that the areas of the unions add up to little; with an odd number of masks one stays alone.

    The pairs of largest overlap are made first. Then two pairs at a time exchange masks as long as that makes the sum
    of the areas smaller, or, at an equal sum, the boxes around the unions. On a product grid that gives neighbours; in
    general it need not be the least sum. (SciPy matches two different sets only. NetworkX has the least sum, but is no
    dependency of the core, and the same masks must have the same pairs on every machine.)

    Returns:
        Pairs of mask numbers, each mask once, ascending; (i, i) for the mask that stays alone; int64 (⌈n/2⌉, 2).

    >>> from maskcover.grid import Box
    >>> neighbours(tuple(Mask([Box((start,), (start + 4,))]) for start in (0, 6, 3, 9, 8)))
    array([[0, 2],
           [1, 1],
           [3, 4]])
    """
    if not masks:
        return np.empty((0, 2), dtype=np.int64)
    overlaps, around = _with_nothing(*_compared(masks)) if len(masks) % 2 else _compared(masks)
    pairs = _improved(_greedy(overlaps, around), overlaps, around)
    # A mask that is paired with the last number of all, which stands for nothing, stays alone.
    pairs = np.sort(np.where(pairs == len(masks), pairs[:, ::-1], pairs), axis=1)
    return pairs[np.argsort(pairs[:, 0])]


def _compared(masks: tuple[Mask, ...]) -> tuple[IntArray, IntArray]:
    """For each two masks the number of cells in both, and that of the smallest box around both; int64 (n, n)."""
    hulls = np.stack([_hull(mask) for mask in masks])
    counts = [len(mask.bounds) for mask in masks]
    bounds = [mask.bounds for mask in masks]
    if sum(counts) > _MOST_BOXES or 0 in counts:
        bounds, counts = list(hulls[:, None]), [1] * len(masks)
    boxes, starts = np.concatenate(bounds), np.concatenate([[0], np.cumsum(counts)[:-1]])
    overlaps = np.stack([np.add.reduceat(_common(own, boxes).sum(axis=0), starts) for own in bounds])
    around = np.stack([_around(hull, hulls) for hull in hulls])
    return overlaps, around


def _hull(mask: Mask) -> IntArray:
    """The smallest box around a mask, int64 (2, axes); of no cells if the mask has none."""
    bounds = mask.bounds
    if not len(bounds):
        return np.zeros(bounds.shape[1:], dtype=np.int64)
    return np.stack([bounds[:, 0].min(axis=0), bounds[:, 1].max(axis=0)])


def _common(some: IntArray, boxes: IntArray) -> IntArray:
    """The number of cells that each of some boxes has in common with each of all boxes."""
    start = np.maximum(some[:, None, 0], boxes[None, :, 0])
    stop = np.minimum(some[:, None, 1], boxes[None, :, 1])
    return np.asarray(np.maximum(stop - start, 0).prod(axis=-1), dtype=np.int64)


def _around(hull: IntArray, hulls: IntArray) -> IntArray:
    sides = np.maximum(hull[1], hulls[:, 1]) - np.minimum(hull[0], hulls[:, 0])
    return np.asarray(sides.prod(axis=-1), dtype=np.int64)


def _with_nothing(overlaps: IntArray, around: IntArray) -> tuple[IntArray, IntArray]:
    """The same with one more mask of no cells at the end; whatever is paired with it stays alone."""
    alone = np.append(around.diagonal(), 0)
    return np.pad(overlaps, (0, 1)), np.block([[around, alone[:-1, None]], [alone[None, :]]])


def _greedy(overlaps: IntArray, around: IntArray) -> IntArray:
    """Pairs in the order of their overlap, the largest first, then of the box around them; an even number of masks."""
    first, second = np.triu_indices(len(overlaps), k=1)
    order = np.lexsort([around[first, second], -overlaps[first, second]])
    free = np.ones(len(overlaps), dtype=np.bool_)
    pairs = []
    for one, other in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if free[one] and free[other]:
            free[[one, other]] = False
            pairs.append((one, other))
    return np.array(pairs, dtype=np.int64)


def _improved(pairs: IntArray, overlaps: IntArray, around: IntArray) -> IntArray:
    """The pairs after exchanges of two masks, as long as these make the sum smaller."""
    pairs = pairs.copy()
    for _ in range(_MOST_PASSES):
        changed = False
        for place in range(len(pairs)):
            exchange = _best_exchange(pairs, place, overlaps, around)
            if exchange is not None:
                other, side = exchange
                pairs[place, 1], pairs[other, side] = pairs[other, side], pairs[place, 1]
                changed = True
        if not changed:
            break
    return pairs


def _best_exchange(pairs: IntArray, place: int, overlaps: IntArray, around: IntArray) -> tuple[int, int] | None:
    """The pair, and the side of it, to exchange the second mask of a pair with; None if none makes the sum smaller."""
    one, two = pairs[place]
    options = []
    for side in (0, 1):
        moved, stays = pairs[:, side], pairs[:, 1 - side]
        gain, shrink = (
            np.asarray(of[one, moved] + of[two, stays] - of[one, two] - of[moved, stays], dtype=np.int64)
            for of in (overlaps, around)
        )
        gain[place], shrink[place] = 0, 0
        best = np.lexsort([shrink, -gain])[0]
        options.append((-int(gain[best]), int(shrink[best]), int(best), side))
    *sums, other, side = min(options)
    return (other, side) if tuple(sums) < (0, 0) else None
