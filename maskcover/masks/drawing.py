"""`Drawing`: bitmaps of what pairs of masks hide, drawn at once where they fit into memory, else when asked for."""

from __future__ import annotations

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.masks.maskset import MaskSet

MOST_CELLS_DRAWN = 1 << 28
"""Cells of all masks together, one byte each, that are kept drawn; of a larger set each batch draws its own."""


class Drawing:
    """The bitmaps of the masks of a set.

    >>> masks = MaskSet.from_boxes([(0, 0, 1, 2), (1, 0, 1, 1)], image_size=2)
    >>> Drawing(masks).hidden(np.array([[0, 1], [1, -1]])).tolist()
    [[[True, True], [True, False]], [[False, False], [True, False]]]
    """

    def __init__(self, masks: MaskSet) -> None:
        self._masks = masks
        self._drawn: BoolArray | None = None
        if is_small(masks):
            # One row more, hiding nothing: number −1 picks it.
            self._drawn = np.concatenate([np.asarray(masks), np.zeros((1, *masks.grid.shape), dtype=np.bool_)])

    def hidden(self, pairs: IntArray) -> BoolArray:
        """What is hidden under pairs of mask numbers, int64 (rows, 2): bool (rows, height, width); −1 hides nothing."""
        first, second = pairs.T
        if self._drawn is not None:
            hidden: BoolArray = self._drawn[first] | self._drawn[second]
            return hidden
        numbers, places = np.unique(pairs, return_inverse=True)
        rows = np.stack([self._one(number) for number in numbers.tolist()])
        first, second = places.reshape(pairs.shape).T
        return np.asarray(rows[first] | rows[second])

    def _one(self, number: int) -> BoolArray:
        grid = self._masks.grid
        return np.zeros(grid.shape, dtype=np.bool_) if number < 0 else self._masks[number].to_array(grid)


def is_small(masks: MaskSet) -> bool:
    """Whether all masks may be kept drawn."""
    return (len(masks) + 1) * masks.grid.size <= MOST_CELLS_DRAWN
