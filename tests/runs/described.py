"""A model, images and descriptions of runs of them, for processes that share nothing but texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from maskcover.data import Preprocessing
from maskcover.regions import Fit
from maskcover.runs import RunSpec

SIDE = 12
NAME = "tests.runs.described"


class Bright:
    """A classifier by brightness, of what is not hidden; it counts in whole numbers."""

    preprocessing = Preprocessing((Fit((SIDE, SIDE)),), layout="hwc")
    layout = "hwc"

    def __init__(self, weights: str, batch_size: int | None = 64) -> None:
        self.weights, self.batch_size = weights, batch_size

    @property
    def identity(self) -> dict[str, str]:
        """For the fingerprint."""
        return {"weights": self.weights}

    def scores(self, images: Sequence[Any], hidden: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Scores of the classes 0 and 1."""
        bright = np.array(
            [
                np.rint(255 * np.asarray(image, np.float64)[~hide] - 127).astype(np.int64).sum()
                for image, hide in zip(images, hidden, strict=True)
            ]
        )
        return np.stack([-bright, bright], axis=1).astype(np.float64)


class Free(Bright):
    """The same, with any batch size."""

    def of_batch_size(self, size: int) -> Free:
        """The same with a batch size."""
        return Free(self.weights, size)


def three() -> Free:
    """In batches of three."""
    return Free("a", 3)


def free() -> Free:
    """In batches of any size."""
    return Free("a", None)


def bright() -> Bright:
    """The model of most tests."""
    return Bright("a")


def other() -> Bright:
    """The same with other weights."""
    return Bright("b")


def put_images(folder: Path, count: int = 10) -> str:
    """Write images of two sizes and two classes; returns the folder as a text."""
    chance = np.random.default_rng(0)
    for number in range(count):
        label, rows = number % 2, SIDE + number % 3 // 2
        pixels = chance.integers(100 * label, 100 * label + 156, (rows, SIDE, 3), dtype=np.uint8)
        path = folder / str(label) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return str(folder)


def spec_of(data: str, **changes: Any) -> RunSpec:
    """The description of a run, sent as JSON and read again."""
    fields: dict[str, Any] = {
        "model": f"{NAME}:bright",
        "data": data,
        "regions": "squares(size=2)",
        "shard_size": 2,
    } | changes
    return RunSpec.of(sent(RunSpec(**fields).document()))


def sent(document: Any) -> Any:
    """A document as another process reads it."""
    return json.loads(json.dumps(document))
