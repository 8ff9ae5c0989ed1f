"""`Drawing`: bitmaps of pairs of masks, drawn once if they fit into memory, else for each batch."""

from __future__ import annotations

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.masks.maskset import MaskSet

MOST_CELLS_DRAWN = 1 << 28
"""The most cells of all masks together, one byte each, that stay in memory; larger sets are drawn batch by batch."""


class Drawing:
    """The bitmaps of the masks of a set, and of its levels.

    >>> masks = MaskSet.from_boxes([(0, 0, 1, 2), (1, 0, 1, 1)], image_size=2)
    >>> Drawing(masks).hidden(np.array([[0, 1], [1, -1]])).tolist()
    [[[True, True], [True, False]], [[False, False], [True, False]]]
    """

    def __init__(self, masks: MaskSet) -> None:
        self._masks = masks.joined
        self._drawn: BoolArray | None = None
        if is_small(masks):
            # An extra last row hides nothing: number −1 selects it.
            self._drawn = np.concatenate([np.asarray(masks.joined), np.zeros((1, *masks.grid.shape), dtype=np.bool_)])

    def hidden(self, pairs: IntArray) -> BoolArray:
        """The cells hidden by pairs of mask numbers, int64 (rows, 2): bool (rows, height, width); −1 hides nothing."""
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
    """Whether the bitmaps of all masks may stay in memory."""
    return (len(masks.all_masks) + 1) * masks.grid.size <= MOST_CELLS_DRAWN
