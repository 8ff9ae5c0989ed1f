"""Functions from images to answers, or to scores, that tests of runs name as a text."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import maskcover as mc


def shade(images: npt.NDArray[Any]) -> list[str]:
    """The time of the day, by the mean of each image."""
    return ["night" if image.mean() < 0.4 else "day" if image.mean() > 0.6 else "dusk" for image in images]


def waiting_shade(images: npt.NDArray[Any]) -> list[str]:
    """The same as `shade`; with READERS_WAIT in the environment it waits for ever once that run has three shards."""
    folder = os.environ.get("READERS_WAIT")
    while folder and len(list(Path(folder).glob("shards/*.parquet"))) >= 3:
        time.sleep(0.1)
    return shade(images)


def other_shade(images: npt.NDArray[Any]) -> list[str]:
    """The same words, by another rule."""
    return ["night" if image.mean() < 0.3 else "day" if image.mean() > 0.6 else "dusk" for image in images]


def reader() -> mc.MaskedAnswers:
    """A classifier of answers made by a function."""
    return mc.MaskedAnswers(shade, fill=0.5)


def scores(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Scores of three classes."""
    return images.reshape(len(images), -1)[:, :3]


def sides(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Two classes, with the brightest pixel of each half as score: something bright on the left, and on the right."""
    half = images.shape[2] // 2
    return np.stack([images[:, :, :half].max(axis=(1, 2, 3)), images[:, :, half:].max(axis=(1, 2, 3))], axis=1)
