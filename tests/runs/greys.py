"""Grey pictures, which are arrays, and a classifier of them that is right to the bit on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover import MaskSet, cover, squares
from tests.defense.naive import BoolArray

MASKS: MaskSet = cover(squares(size=2), image_size=6, grid=(2, 2))
LEVELS = (10, 240, 20, 250, 30, 200, 40, 210)
LABELS = [0, 1, 0, 1, 0, 1, 0, 1]


class Bright:
    """Class 1 for pictures brighter than middle grey, by sums of whole numbers."""

    batch_size = 4

    def __init__(self, weights: str = "bright") -> None:
        self.identity = {"weights": weights}

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.NDArray[np.int64]:
        """Twice the sum of what is seen, and what it would be of middle grey."""
        seen = [np.asarray(image)[~hide].astype(np.int64) for image, hide in zip(images, hidden, strict=True)]
        return np.array([[255 * one.size, 2 * one.sum()] for one in seen], np.int64)


def greys(levels: Sequence[int] = LEVELS, shift: int = 0) -> list[npt.NDArray[np.uint8]]:
    """Pictures of 6×6 pixels, each of one grey; all of them lighter by a shift."""
    return [np.full((6, 6), level + shift, np.uint8) for level in levels]
