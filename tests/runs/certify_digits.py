"""The process of `test_killed_runs`: certify the digits of a folder with its model, into another folder."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from maskcover import MaskSet
from maskcover.runs import run

FILES = {"open", "os.link", "os.mkdir", "os.remove", "os.rename"}


class Network(nn.Sequential):
    """For digits of 14×14 pixels; each forward pass is a step that can be the last."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(16 * 7 * 7, 10),
        )  # fmt: skip

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores (n, 10)."""
        sys.audit("maskcover.forward")
        scores: torch.Tensor = super().forward(images)  # type: ignore[no-untyped-call]  # torch leaves it so
        return scores


class Killer:
    """An audit hook that kills its process with the step that comes after so many steps, once so many shards are there.

    Steps are forward passes and what is done with files, so the moment depends on no clock: within the writing of a
    file as well as between two batches. Two shards later at the latest.
    """

    def __init__(self, out: Path, shards: int, steps: int) -> None:
        self.folder, self.shards, self.steps = out / "shards", shards, steps
        self.most = max(shards, self.count()) + 2
        self.begun = self.count() >= shards

    def count(self) -> int:
        """How many shards are there."""
        names = os.listdir(self.folder) if self.folder.exists() else []  # noqa: PTH208 (glob would be a step itself)
        return sum(name[0].isdigit() for name in names)

    def __call__(self, event: str, _: tuple[Any, ...]) -> None:
        """Count a step, or end here."""
        if event not in FILES and event != "maskcover.forward":
            return
        count = self.count()
        self.begun = self.begun or count >= self.shards
        self.steps -= self.begun
        if self.steps < 0 or count >= self.most:
            os.kill(os.getpid(), signal.SIGKILL)


def main(data: Path, out: Path, shards: int | None = None, steps: int = 0) -> None:
    """Certify, or go on certifying; killed if a number of shards is given."""
    torch.set_num_threads(1)
    model = Network()
    model.load_state_dict(torch.load(data / "model.pt", weights_only=True))
    images, labels = np.load(data / "images.npy"), np.load(data / "labels.npy")
    masks = MaskSet.load(data / "masks.json")
    if shards is not None:
        sys.addaudithook(Killer(out, shards, steps))
    run(model.eval(), images, labels, masks, out, shard_size=20, batch_size=64, min_margin=1e-4)
