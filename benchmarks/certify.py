"""Certification against the naive procedure, on the same photos, weights and masks, in one run; prints ratios.

Naive is Algorithm 2 pair by pair: one forward for every unordered pair of masks on the batch of all photos, with
autograd on and no early exit. The verdicts of both must be equal.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from maskcover_torch import TorchClassifier
from maskcover_torch.demo.model import network, normalised
from maskcover_torch.demo.photos import photos
from rich.console import Console
from rich.table import Table

import maskcover as mc


def naive(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor, masks: mc.MaskSet) -> torch.Tensor:
    """Whether each image has two-mask correctness (Definition 2)."""
    hidden = torch.from_numpy(np.asarray(masks))
    right = torch.ones(len(images), dtype=torch.bool)
    for first in range(len(masks)):
        for second in range(first, len(masks)):
            both = (hidden[first] | hidden[second])[None, None]
            right &= model(torch.where(both, 0.0, images)).argmax(dim=1) == labels
    return right


def timed(rows: list[int], images: torch.Tensor, labels: torch.Tensor, masks: mc.MaskSet) -> tuple[float, float, int]:
    """Seconds of both procedures on some of the photos, and how many of these certify."""
    model = network()
    some, true = images[rows], labels[rows]
    begin = time.perf_counter()
    slow = naive(model, some, true, masks)
    middle = time.perf_counter()
    result = mc.certify(TorchClassifier(model, batch_size=16), some, true, masks, rule="all-pairs")
    end = time.perf_counter()
    assert (result.certified == slow.numpy()).all(), "the verdicts differ"
    return middle - begin, end - middle, int(slow.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--masks", type=int, default=36)
    masks = mc.cover(mc.squares(area="0.02"), masks=parser.parse_args().masks)
    batch = photos()
    pixels = torch.from_numpy(np.stack([photo.pixels.transpose(2, 0, 1) for photo in batch]))
    images, labels = normalised(pixels), torch.tensor([photo.label for photo in batch])

    certified = mc.certify(TorchClassifier(network()), images, labels, masks, rule="all-pairs").certified
    groups = {"photos that certify": np.flatnonzero(certified).tolist(), "all photos": list(range(len(batch)))}
    table = Table("images", "certified", "naive s", "maskcover s", "ratio", title=f"{masks}")
    for name, rows in groups.items():
        slow, fast, count = timed(rows, images, labels, masks)
        table.add_row(name, f"{count} of {len(rows)}", f"{slow:.1f}", f"{fast:.1f}", f"{slow / fast:.2f}×")
    Console().print(table)


if __name__ == "__main__":
    main()
