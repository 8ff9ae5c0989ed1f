"""The data of `defences.py`: training images as one tensor, and the test images that every defence is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import maskcover as mc
from maskcover.data import Dataset, Preprocessing


@dataclass(frozen=True, eq=False)
class Data:
    """Training images uint8 (n, channels, height, width) with labels, test images, and the scale of all of them."""

    name: str
    images: torch.Tensor
    labels: torch.Tensor
    test: Dataset
    preprocessing: Preprocessing

    @property
    def side(self) -> int:
        """The side of an image in pixels."""
        return int(self.images.shape[-1])

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for images in colour."""
        return int(self.images.shape[1])

    @property
    def pixels(self) -> tuple[float, float]:
        """The least and the greatest value of a pixel as the networks take it."""
        low, high = self.normalise(torch.tensor([0, 255], dtype=torch.uint8)).tolist()
        return low, high

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """Images of uint8 as the networks take them, float32."""
        return (images.float() / 255 - self.preprocessing.mean[0]) / self.preprocessing.std[0]


def opened(text: str, training: int, test: int, seed: int, cache: Path) -> Data:
    """Read a data set of square images, as `open_dataset` reads it, or a folder of Fashion-MNIST's four IDX files.

    Args:
        text: Such as hf:FOLDER or idx:FOLDER.
        training: The number of training images, the first ones.
        test: The number of test images, drawn with the seed.
        seed: Random seed.
        cache: A file that keeps the decoded training images.
    """
    pixels, labels = _training(text, training, cache)
    scale = float(np.round(pixels.mean() / 255, 3)), float(np.round(pixels.std() / 255, 3))
    preprocessing = Preprocessing((), mean=scale[:1], std=scale[1:], channels=pixels.shape[1])
    chosen = mc.open_dataset(text, split="test").sampled(test, seed)
    return Data(text, torch.from_numpy(pixels), torch.from_numpy(labels), chosen, preprocessing)


def _training(text: str, count: int, cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """Training images uint8 (n, channels, height, width) and labels int64 (n,)."""
    if cache.exists():
        with np.load(cache) as file:
            if str(file["text"]) == text and len(file["labels"]) == count:
                return file["pixels"], file["labels"]
        raise SystemExit(f"{cache} keeps other images than {count:,} of {text}: use another --out")
    data = mc.open_dataset(text, split="train", limit=count)
    pixels = np.stack([data[number] for number in range(len(data))])
    pixels = pixels[:, None] if pixels.ndim == 3 else pixels.transpose(0, 3, 1, 2)
    if pixels.shape[2] != pixels.shape[3] or pixels.shape[2] not in (28, 32):
        raise SystemExit(f"the small networks here take images of 28×28 or 32×32; got {pixels.shape[2:]} from {text}")
    pixels, labels = np.ascontiguousarray(pixels), data.true_labels
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.savez(cache, text=text, pixels=pixels, labels=labels)
    return pixels, labels
