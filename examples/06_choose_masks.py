"""Fashion-MNIST: do masks that were chosen on some images certify more of the others than the paper's 6×6?

A small convolutional network is trained (with Cutout, unless told otherwise). Test images are cut into two halves. On
each half masks are chosen within the serving cost of the 6×6 grid with double masking, and both are certified on the
other half. The same images are certified with both, so that the comparison is paired (McNemar's exact test).
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import binomtest
from torch import nn

import maskcover as mc

sys.path.insert(0, str(Path(__file__).parent))
fashion_mnist: Any = import_module("04_fashion_mnist")

DEFAULT = "grid(6, 6)"
HEADER = [
    "chosen on",
    "winner",
    "certified",
    "grid(6, 6)",
    "only winner",
    "only 6×6",
    "p",
    "serving",
    "budget",
    "clean",
]


@dataclass(frozen=True)
class Comparison:
    """The winner and the default on the images that had no part in the choice."""

    half: str
    choice: mc.Choice
    budget: int
    winner: mc.CertificationResult
    default: mc.CertificationResult

    def cells(self) -> list[str]:
        only_winner = int((self.winner.certified & ~self.default.certified).sum())
        only_default = int((self.default.certified & ~self.winner.certified).sum())
        differing = only_winner + only_default
        chance = binomtest(only_winner, differing).pvalue if differing else 1.0
        right = [float((result.defended == result.labels).mean()) for result in (self.winner, self.default)]
        return [
            self.half, str(self.choice.winner.candidate), f"{self.winner.certified.mean():.1%}",
            f"{self.default.certified.mean():.1%}", str(only_winner), str(only_default), f"{chance:.2g}",
            f"{self.choice.winner.cost('serving'):.1f}", str(self.budget), f"{right[0]:.1%}, {right[1]:.1%}",
        ]  # fmt: skip


def compared(
    model: nn.Module,
    choosing: tuple[torch.Tensor, npt.NDArray[np.int64]],
    others: tuple[torch.Tensor, npt.NDArray[np.int64]],
    half: str,
    options: argparse.Namespace,
) -> Comparison:
    """Choose on some images, and certify the winner and the default on others."""
    # A batch of 512 may be rounded differently at different rows; every prediction needs a larger margin than that.
    numeric = {"min_margin": 1e-4, "batch_size": options.batch_size}
    default = mc.choose(
        model, *choosing, options.regions, candidates=[DEFAULT], procedures=["double_masking()"], **numeric
    )
    # Rounded up: which predictions a second round needs can depend on how a batch is rounded.
    budget = ceil(default.winner.cost("serving"))
    choice = mc.choose(model, *choosing, options.regions, serving=budget, seed=options.seed, **numeric)
    print(choice, flush=True)
    winner = choice.certify(model, *others, min_margin=1e-4)
    return Comparison(half, choice, budget, winner, default.certify(model, *others, min_margin=1e-4))


def network(options: argparse.Namespace) -> nn.Module:
    """The network: trained, or with the weights of an earlier run."""
    if options.weights is not None and options.weights.exists():
        model: nn.Module = fashion_mnist.convolutional()
        model.load_state_dict(torch.load(options.weights, weights_only=True))
        return model.eval()
    trained: nn.Module = fashion_mnist.trained("CNN", options.training, options)
    if options.weights is not None:
        torch.save(trained.state_dict(), options.weights)
    return trained.eval()


def main(arguments: list[str] | None = None) -> list[Comparison]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=fashion_mnist.DEBIAN, help="folder of the four IDX files")
    parser.add_argument("--regions", default="squares(size=5)", help="what the attacker may overwrite")
    parser.add_argument("--training", default="Cutout", choices=["Cutout", "plain"])
    parser.add_argument("--weights", type=Path, help="file of weights: read if it is there, else written")
    parser.add_argument("--train", type=int, default=30000, help="training images")
    parser.add_argument("--half", type=int, default=1500, help="test images in each half")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--batch-size", type=int, default=512, help="masked images predicted at once")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    begin = time.perf_counter()
    torch.set_num_threads(1)
    model = network(options)
    images, labels = fashion_mnist.fashion(options.data, "test", 2 * options.half)
    order = np.random.default_rng(options.seed).permutation(len(images))
    halves = [(images[part], labels[part]) for part in np.array_split(order, 2)]
    comparisons = [
        compared(model, halves[0], halves[1], "first half", options),
        compared(model, halves[1], halves[0], "second half", options),
    ]
    for cells in (HEADER, ["---"] * len(HEADER), *(comparison.cells() for comparison in comparisons)):
        print(f"| {' | '.join(cells)} |")
    print(f"{options.training}, {time.perf_counter() - begin:.0f} s", file=sys.stderr)
    return comparisons


if __name__ == "__main__":
    main()
