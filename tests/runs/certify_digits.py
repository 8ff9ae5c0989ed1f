"""The command of `test_killed_runs`: certify the digits of a folder with its model, into another folder."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from maskcover import MaskSet
from maskcover.runs import run


def network() -> nn.Module:
    """For digits of 14×14 pixels."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(16 * 7 * 7, 10),
    )  # fmt: skip


def main(data: Path, out: Path) -> None:
    """Certify, or go on certifying."""
    torch.set_num_threads(1)
    model = network()
    model.load_state_dict(torch.load(data / "model.pt", weights_only=True))
    images, labels = np.load(data / "images.npy"), np.load(data / "labels.npy")
    run(model.eval(), images, labels, MaskSet.load(data / "masks.json"), out, shard_size=20, batch_size=64)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
