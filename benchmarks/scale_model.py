"""The model of `scale.py --overhead`: each batch takes a fixed time on a device that is not there."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


class Device:
    """Class 1 for images brighter than middle grey; a batch takes SCALE_SECONDS, in which the processor is free."""

    batch_size = 16

    def __init__(self) -> None:
        self.identity = {"weights": "none"}
        self.seconds = float(os.environ.get("SCALE_SECONDS", "0.02"))

    def scores(self, images: Sequence[Any], hidden: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """The mean of what is seen, against middle grey."""
        time.sleep(self.seconds)
        shown = [np.asarray(image)[..., ~hide] for image, hide in zip(images, hidden, strict=True)]
        return np.array([[0.5, float(np.mean(pixels))] for pixels in shown])
