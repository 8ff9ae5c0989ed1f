"""Fashion-MNIST: what training with Cutout does for certificates, on all 10,000 test images. Half an hour on two cores.

A small convolutional net and a small vision transformer, each trained with and without Cutout, are certified against
any square of 1, 2 and 3 % of the image: the paper's Table 5 in small. The data are four IDX files, gzipped or not;
Debian has them in the package dataset-fashion-mnist. Masks are 5×5, 325 predictions for a certified image instead of
the 666 of the paper's 6×6: the table takes half the time.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from maskcover_torch.training import Cutout, Recipe, finetune
from rich.console import Console
from rich.table import Table
from torch import nn

import maskcover as mc

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
SIDES = {"0.01": 3, "0.02": 4, "0.03": 5}  # the patches: squares of that fraction of 28×28, and their sides
HEADER = ["model", "training", "patch", "undefended", "defended", "certified"]
VALIDATION = 1000  # of the training images


def fashion(folder: Path, split: str, count: int) -> tuple[torch.Tensor, npt.NDArray[np.int64]]:
    """The first images of a split, "train" or "test", float (n, 1, 28, 28) around 0, and their labels."""
    if not folder.is_dir():
        raise SystemExit(
            f"there is no folder {folder}; on Debian: apt install dataset-fashion-mnist. Elsewhere give a folder with "
            "the four IDX files of Fashion-MNIST, gzipped or not: --data FOLDER"
        )
    data = mc.open_dataset(f"idx:{folder}", split=split, limit=count)
    pixels = np.stack([data[number] for number in range(len(data))])
    return torch.tensor(pixels[:, None] / 255 - 0.286, dtype=torch.float32) / 0.353, data.true_labels


def convolutional() -> nn.Module:
    """Three convolutions of stride 2: 0.36 million multiplications an image."""
    return nn.Sequential(
        nn.Conv2d(1, 12, 5, stride=2, padding=2), nn.BatchNorm2d(12), nn.ReLU(),
        nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
        nn.Conv2d(24, 48, 3, stride=2, padding=1), nn.BatchNorm2d(48), nn.ReLU(),
        nn.Flatten(), nn.Linear(48 * 4 * 4, 10),
    ).to(memory_format=torch.channels_last)  # fmt: skip


class Block(nn.Module):
    """Attention between the tokens, then a small net for each, both with shortcuts."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values, self.output = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.net = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        n, count, width = tokens.shape
        split = self.queries_keys_values(self.first(tokens)).reshape(n, count, 3, self.heads, width // self.heads)
        attended = nn.functional.scaled_dot_product_attention(*split.permute(2, 0, 3, 1, 4))
        tokens = tokens + self.output(attended.transpose(1, 2).reshape(n, count, width))
        return tokens + self.net(self.second(tokens))


class Transformer(nn.Module):
    """A vision transformer on 16 tokens of 7×7 pixels: 0.7 million multiplications an image."""

    def __init__(self, width: int = 48, depth: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.embedded = nn.Conv2d(1, width, 7, stride=7)
        self.places = nn.Parameter(0.02 * torch.randn(1, 16, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = self.embedded(images).flatten(2).transpose(1, 2) + self.places
        return self.head(self.norm(self.blocks(tokens)).mean(dim=1))


MODELS = {"CNN": convolutional, "ViT": Transformer}


@dataclass(frozen=True)
class Row:
    """The results of one model against one patch: of `total` images how many are right, and how many certified."""

    model: str
    training: str
    patch: str
    undefended: int
    defended: int
    certified: int
    total: int

    def cells(self) -> list[str]:
        fractions = [f"{count / self.total:.1%}" for count in (self.undefended, self.defended, self.certified)]
        return [self.model, self.training, self.patch, *fractions]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def mask_set(area: str, grid: int) -> mc.MaskSet:
    masks = mc.cover(mc.squares(area=area), image_size=28, grid=(grid, grid))
    assert mc.verify(masks, mc.squares(size=SIDES[area]))
    return masks


def trained(name: str, training: str, options: argparse.Namespace) -> nn.Module:
    torch.manual_seed(options.seed)
    model = MODELS[name]()
    images, labels = fashion(options.data, "train", options.train)
    held_out = min(VALIDATION, len(images) // 10)
    recipe = Recipe(
        options.epochs, batch_size=128, lr=options.lr, validation_images=100, keep="last", seed=options.seed
    )
    hiding = Cutout(probability=float(training == "Cutout"))  # two squares of 4/7 of the side: 16×16
    report = finetune(
        model, (images[held_out:], labels[held_out:]), (images[:held_out], labels[:held_out]), mask_set("0.02", 4),
        hiding=hiding, recipe=recipe,
    )  # fmt: skip
    say(f"{name}, {training}: {str(report).splitlines()[-1]}")
    return model


def measured(name: str, training: str, options: argparse.Namespace) -> list[Row]:
    """Train one model, and certify it against each patch, in one thread: such small nets are slower in two."""
    torch.set_num_threads(1)
    begin, rows = time.perf_counter(), []
    model = trained(name, training, options)
    say(f"{name}, {training}: trained after {time.perf_counter() - begin:.0f} s")
    images, labels = fashion(options.data, "test", options.test)
    for area, side in SIDES.items():
        masks = mask_set(area, options.grid)
        # A batch of 512 may be rounded differently at different rows; every prediction needs a larger margin than that.
        result = mc.certify(model, images, labels, masks, min_margin=1e-4, batch_size=options.batch_size)
        right = [int((labels == predicted).sum()) for predicted in (result.undefended, result.defended)]
        rows.append(Row(name, training, f"{side}×{side}", *right, int(result.certified.sum()), len(result)))
        say(f"{', '.join(rows[-1].cells())} after {time.perf_counter() - begin:.0f} s")
    return rows


def all_rows(options: argparse.Namespace) -> list[Row]:
    """Every model with either training; several processes where there are several cores."""
    tasks = [(name, training, options) for name in ("ViT", "CNN") for training in ("Cutout", "plain")]
    if options.jobs == 1:
        results = [measured(*task) for task in tasks]
    else:
        with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("spawn")) as pool:
            results = list(pool.map(measured, *zip(*tasks, strict=True)))
    rows = [row for part in results for row in part]
    return sorted(rows, key=lambda row: (row.model, row.training == "Cutout", row.patch))


def printed(rows: list[Row]) -> None:
    table = Table(*HEADER, title=f"{rows[0].total:,} test images of Fashion-MNIST")
    for row in rows:
        table.add_row(*row.cells())
    Console().print(table)


def markdown(rows: list[Row], options: argparse.Namespace, minutes: float) -> str:
    paragraph = [
        "# Fashion-MNIST: what Cutout does for certificates",
        f"{rows[0].total:,} test images, certified against any square of 1, 2 and 3 % of the image, by {options.grid}×"
        f"{options.grid} masks. {options.train - min(VALIDATION, options.train // 10):,}",
        f"training images, {options.epochs} epochs, nothing chosen by what is compared. Cutout hides two squares of",
        "16×16 at random places of each training image.",
        "",
        f"Made by `python examples/04_fashion_mnist.py --markdown` (`make fashion`) in {minutes:.0f} minutes,",
        f"{options.jobs} processes on {os.cpu_count()} cores, torch {torch.__version__.partition('+')[0]}.",
        "",
    ]
    lines = [HEADER, ["---"] * len(HEADER), *(row.cells() for row in rows)]
    return "\n".join([*paragraph, *(f"| {' | '.join(cells)} |" for cells in lines)])


def main(arguments: list[str] | None = None) -> list[Row]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEBIAN, help="folder of the four IDX files")
    parser.add_argument("--train", type=int, default=60000, help="training images")
    parser.add_argument("--test", type=int, default=10000, help="test images to certify")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--grid", type=int, default=5, help="masks along each axis")
    parser.add_argument("--batch-size", type=int, default=512, help="masked images predicted at once")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1), help="processes")
    parser.add_argument("--markdown", action="store_true", help="print Markdown instead of a table")
    options = parser.parse_args(arguments)
    begin = time.perf_counter()
    rows = all_rows(options)
    if options.markdown:
        print(markdown(rows, options, (time.perf_counter() - begin) / 60))
    else:
        printed(rows)
    return rows


if __name__ == "__main__":
    main()
