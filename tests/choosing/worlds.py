"""A classifier whose labels are drawn by a hash of what it sees: every union of masks has a label of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
SIDE = 8


@dataclass
class Hashing:
    """A `MaskedClassifier`: label 0 for most views of an image, 1 or 2 for some. It keeps the rows that it scored.

    The first pixel value of an image, `image.max()`, is the number of views in a thousand that get another label.
    """

    batch_size: int = 1
    rows: list[tuple[bytes, bytes]] = field(default_factory=list)

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.NDArray[np.float64]:
        self.rows += [(image.tobytes(), hide.tobytes()) for image, hide in zip(images, hidden, strict=True)]
        return np.stack([self._row(np.where(hide, 0, image)) for image, hide in zip(images, hidden, strict=True)])

    def _row(self, visible: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        value = int.from_bytes(hashlib.blake2b(visible.tobytes(), digest_size=8).digest(), "little")
        wrong = value % 1000 < int(visible.max())
        label = 1 + value // 1000 % 2 if wrong else 0
        scores = np.zeros(3)
        scores[label] = 1.0 + value // 2000 % 7
        return scores


def images_of(count: int, wrong: int, seed: int = 0) -> npt.NDArray[np.int16]:
    """Images of 8×8 different pixels, of which `wrong` views in a thousand get a wrong label."""
    chance = np.random.default_rng(seed)
    images = chance.integers(0, wrong, (count, SIDE, SIDE), dtype=np.int16)
    # The largest value lies at so many places that no pair of masks hides all of them.
    images[:, ::2, ::2] = wrong
    return images
