"""Fashion-MNIST: one run, many claims. A network is certified once, and the folder of the run answers everything else.

Masks cover any two squares of 2×2 pixels. From the run alone, without the network, come: the certified fraction for two
patches, for one square of each size and for rectangles of each area, with the other rule and with larger margins, and
the comparison with a second run of a network that was trained without Cutout.
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

import maskcover as mc

sys.path.insert(0, str(Path(__file__).parent))
fashion_mnist: Any = import_module("04_fashion_mnist")

REGIONS = "patches(squares(size=2), k=2)"
EVERY_ROW = "double_masking(exhaustive=True)"


def network(training: str, options: argparse.Namespace) -> nn.Module:
    """A network, trained or with the weights that are kept beside its run."""
    weights = options.out / f"{training}.pt"
    model: nn.Module = fashion_mnist.convolutional()
    if not weights.exists():
        weights.parent.mkdir(parents=True, exist_ok=True)
        torch.save(fashion_mnist.trained("CNN", training, options).state_dict(), weights)
    model.load_state_dict(torch.load(weights, weights_only=True))
    return model.eval()


def certified(training: str, options: argparse.Namespace) -> Path:
    """The folder of a run that is finished; nothing is computed again."""
    images, labels = fashion_mnist.fashion(options.data, "test", options.images)
    masks = mc.cover(REGIONS, 28, max_mask_area=0.3)
    out: Path = options.out / training
    # A batch of 512 may be rounded differently at different rows; every prediction needs a larger margin than that.
    mc.run(
        network(training, options), images, labels, masks, out, procedure=EVERY_ROW, min_margin=1e-4,
        batch_size=options.batch_size, progress=sys.stderr.isatty(),
    )  # fmt: skip
    return out


def answers(out: Path, other: Path) -> None:
    """Print what the folders of two runs say; the networks are not needed any more."""
    begin = time.perf_counter()
    run = mc.open_run(out)
    print(run.summary())
    print("the other rule:", f"{run.certified(rule='all-pairs').mean():.1%}")
    for patches, family in ((1, "squares"), (2, "squares"), (1, "rectangles")):
        print(run.certified_size(family, patches=patches))
    margins, fractions = run.margin_curve()
    for margin in (0.001, 0.01, 0.1):
        print(f"with margins above {margin}: {fractions[margins <= margin][-1]:.1%}")
    print(mc.compare(run, other))
    print(mc.compare(run, other, regions="squares(size=3)"))
    print(f"all of this in {time.perf_counter() - begin:.1f} s")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=fashion_mnist.DEBIAN, help="folder of the four IDX files")
    parser.add_argument("--out", type=Path, default=Path("one-run"), help="folder for the runs and the weights")
    parser.add_argument("--train", type=int, default=30000, help="training images")
    parser.add_argument("--images", type=int, default=1000, help="test images")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--batch-size", type=int, default=512, help="masked images predicted at once")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    answers(certified("Cutout", options), certified("plain", options))


if __name__ == "__main__":
    main()
