"""The command of `test_killed_runs`: certify the digits of a folder with its model, into another folder."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from maskcover import MaskSet
from maskcover.runs import run


class Nearest:
    """The digit whose mean is nearest, in what is seen of an image; in whole numbers, the same on every machine.

    It needs numpy alone, so that a process begins in a moment. Where there are `most` shards it goes no further, and
    waits to be killed: however busy a machine is, the process does not come to its end before.
    """

    batch_size = 64

    def __init__(self, means: npt.NDArray[np.int64], shards: Path, most: int | None) -> None:
        self.means, self.shards, self.most = means, shards, most
        self.identity = {"means": str(means.sum())}

    def scores(self, images: Sequence[npt.NDArray[np.int64]], hidden: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Minus the squared distances, int64 (rows, 10)."""
        while self.most is not None and len(list(self.shards.glob("[0-9]*.parquet"))) >= self.most:
            time.sleep(1)
        away = (np.stack(images)[:, None] - self.means) ** 2
        found: npt.NDArray[np.int64] = -(away * ~hidden[:, None]).sum(axis=(2, 3))
        return found


def main(data: Path, out: Path, most: int | None = None) -> None:
    """Certify, or go on certifying."""
    images, labels = np.load(data / "images.npy"), np.load(data / "labels.npy")
    model = Nearest(np.load(data / "means.npy"), out / "shards", most)
    run(model, images, labels, MaskSet.load(data / "masks.json"), out, shard_size=5)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
