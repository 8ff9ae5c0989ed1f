"""A classifier of small grey images that takes its time, so that faults land in the middle; exact on every machine.

Variables of the environment say how a process behaves that loads it:

PATIENT_SECONDS    what a batch takes, at least
PATIENT_WEIGHTS    an entry of the fingerprint
PATIENT_NOTES      a folder in which each such process leaves a file with its number as its name
PATIENT_SLOW       a file; the process that creates it takes twenty times as long
PATIENT_FAILS      a folder; the first two processes, which leave a file each there, raise one error between two shards
PATIENT_CLOCK      "back": the clock of the process is set back by two hours in the middle of its work
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover import MaskSet, RunSpec, cover, squares

SIDE = 8
MASKS: MaskSet = cover(squares(size=2), image_size=SIDE, grid=(2, 2))
_SLOWER = 20
_HOURS_BACK = 2


class Patient:
    """Class 1 for images brighter than middle grey, by sums of whole numbers."""

    batch_size = 4

    def __init__(self) -> None:
        self.seconds = float(os.environ.get("PATIENT_SECONDS", "0")) * (_SLOWER if _is_the_slow_process() else 1)
        self.calls = 0
        if "PATIENT_NOTES" in os.environ:
            (Path(os.environ["PATIENT_NOTES"]) / str(os.getpid())).touch()

    @property
    def identity(self) -> dict[str, str]:
        """Its entry of the fingerprint, which is read before each shard."""
        if self.calls >= 40 and _fails_now():
            raise OSError("the device is busy")
        return {"weights": os.environ.get("PATIENT_WEIGHTS", "grey")}

    def scores(self, images: Sequence[Any], hidden: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """What is seen of each image in 255ths, against the same of middle grey."""
        time.sleep(self.seconds)
        self.calls += 1
        if self.calls == 100 and os.environ.get("PATIENT_CLOCK") == "back":
            set_clock_back()
        seen = [
            np.rint(np.nan_to_num(np.asarray(image).reshape(SIDE, SIDE)[~hide]) * 255).astype(np.int64)
            for image, hide in zip(images, hidden, strict=True)
        ]
        return np.array([[255 * one.size, 2 * one.sum()] for one in seen], np.int64)


def set_clock_back() -> None:
    """Set the clock of this process back, as an administrator does with that of a machine."""
    print("the clock was set back", flush=True)
    now = time.time
    time.time = lambda: now() - 3600 * _HOURS_BACK


def _is_the_slow_process() -> bool:
    if "PATIENT_SLOW" not in os.environ:
        return False
    try:
        Path(os.environ["PATIENT_SLOW"]).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _fails_now() -> bool:
    """Whether this process is one of the first two that ask, and has not asked before."""
    if "PATIENT_FAILS" not in os.environ:
        return False
    folder = Path(os.environ["PATIENT_FAILS"])
    folder.mkdir(exist_ok=True)
    own = folder / str(os.getpid())
    if own.exists() or len(list(folder.iterdir())) >= 2:
        return False
    own.touch()
    return True


def write_data(path: Path, count: int) -> None:
    """Write a data set of grey images, about a third of which certify."""
    chance = np.random.default_rng(0)
    base = chance.integers(60, 196, (count, 1, 1))
    images = np.clip(base + chance.integers(-90, 91, (count, SIDE, SIDE)), 0, 255).astype(np.uint8)
    np.savez(path, images=images, labels=(images.mean(axis=(1, 2)) > 127).astype(int))


def spec_of(data: Path, shard_size: int = 4) -> RunSpec:
    """The description of a run of the patient classifier."""
    return RunSpec(model=f"{__name__}:Patient", data=str(data), masks=MASKS, channels=1, shard_size=shard_size)
