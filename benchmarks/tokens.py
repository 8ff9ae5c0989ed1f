"""Dropped tokens against filled pixels, side by side in one run: the price of a masked prediction, and accuracy.

Prices are CPU seconds of one thread (`time.process_time`), the least of several turns, so that a machine that others
use gives the same ratios. For double masking each union of two masks counts once, in the shape that it leaves. The
first network is timm's ViT-B/16 with random weights; the second DINOv2-S/14 with real ones, see `tokens_network.py`,
which with --cifar gets a linear head, trained here on images of CIFAR-10 with the same occlusion, and is certified.

    pip install -e ".[all,bench]"
    python benchmarks/tokens.py --cifar hf:PATH/cifar10-jpeg
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import timm
import torch
from maskcover_torch import TorchClassifier
from maskcover_torch.demo.photos import photos
from maskcover_torch.tokens import scores_under
from PIL import Image
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from tokens_network import MEAN, PATCH, SIDE, STD, dinov2

import maskcover as mc
from maskcover.classifiers.evaluation import shapes_of
from maskcover.classifiers.occlusion import Fill
from maskcover.defense import named

REGIONS = "squares(size=32)"
TURNS = 3
Occlusion = Fill | mc.DropTokens


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cifar", help="CIFAR-10 as open_dataset reads it; without it, prices only.")
    parser.add_argument("--training", type=int, default=150, help="Training images of the linear heads.")
    parser.add_argument("--test", type=int, default=16, help="Images to certify.")
    parser.add_argument("--batch-size", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    network, gap = dinov2(normalised(photos()[1].pixels))
    print(f"DINOv2-S/14: the last layer norm is within {gap:.1e} of onnxruntime's on a photo")
    models: dict[str, tuple[torch.nn.Module, int]] = {
        "ViT-B/16": (timm.create_model("vit_base_patch16_224").eval(), 16),
        "DINOv2-S/14": (torch.nn.Sequential(network, torch.nn.Linear(384, 10)).eval(), PATCH),
    }
    table = Table(
        "network", "defence", "views", "tokens kept", "fill, ms", "drop, ms", "ratio", title="Price of a view"
    )
    for name, (model, patch) in models.items():
        for defence, masks, unions in defences(patch):
            table.add_row(name, defence, *priced(model, patch, masks, unions, options.batch_size))
    Console(width=120).print(table)
    if options.cifar:
        Console(width=120).print(certified(network, options.cifar, options.training, options.test, options.batch_size))


def defences(patch: int) -> list[tuple[str, mc.MaskSet, bool]]:
    """Double masking by 36 masks, and votes of bands of one and of two columns of tokens."""
    masks = mc.cover(REGIONS, SIDE, align=patch)
    votes = [
        (f"votes of bands, {width} px", mc.bands(width, stride=patch, image_size=SIDE)) for width in (patch, 2 * patch)
    ]
    return [("double masking", masks, True), *((name, views, False) for name, views in votes)]


def priced(model: torch.nn.Module, patch: int, masks: mc.MaskSet, unions: bool, batch_size: int) -> list[str]:
    """The columns of the table: both prices of a view, in milliseconds, and their ratio."""
    pairs = masks.unions.pairs if unions else np.repeat(np.arange(len(masks))[:, None], 2, axis=1)
    pixels = torch.rand(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) - 0.5
    prices, kept = dict[str, float](), 0.0
    evaluators = {
        name: TorchClassifier(model, fill=fill, batch_size=batch_size).evaluator(masks)
        for name, fill in {"fill": 0.0, "drop": mc.DropTokens(patch)}.items()
    }
    for name, evaluator in evaluators.items():
        image, shapes = evaluator.load(pixels), shapes_of(evaluator, pairs)
        kinds, firsts, counts = np.unique(shapes, return_index=True, return_counts=True)
        seconds = [
            cpu_seconds(partial(evaluator.scores, [image] * batch_size, np.tile(pairs[first], (batch_size, 1))))
            for first in firsts
        ]
        prices[name] = 1e3 * float(np.average(seconds, weights=counts)) / batch_size
        kept = float(np.average(kinds, weights=counts)) / (SIDE // patch) ** 2 if name == "drop" else kept
    ratio = prices["fill"] / prices["drop"]
    return [str(len(pairs)), f"{kept:.0%}", f"{prices['fill']:.0f}", f"{prices['drop']:.0f}", f"{ratio:.1f}×"]


def cpu_seconds(call: Callable[[], object]) -> float:
    """The least CPU time of a call in some turns."""
    times = []
    for _ in range(TURNS):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return min(times)


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images as the network takes them, float32 (n, 3, 224, 224), and their labels."""

    pixels: torch.Tensor
    labels: npt.NDArray[np.int64]

    @classmethod
    def of(cls, text: str, part: str, count: int) -> Images:
        """Images of CIFAR-10 drawn with a seed, enlarged to 224×224 pixels."""
        data = mc.open_dataset(text, split=part).sampled(count, 0)
        enlarged = [
            np.asarray(Image.fromarray(np.asarray(data[number])).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
            for number in range(len(data))
        ]
        pixels = np.stack([normalised(image.astype(np.float32) / 255) for image in enlarged])
        return cls(torch.from_numpy(pixels), np.asarray(data.true_labels))


def certified(network: torch.nn.Module, text: str, training: int, test: int, batch_size: int) -> Table:
    """Accuracy and CPU time of four defences: two procedures, each with both occlusions and a head of its own."""
    learn, judge = Images.of(text, "train", training), Images.of(text, "test", test)
    # Nine masks, and no probes: the unions of 36 would take a CPU half an hour. A margin allows for rounding.
    masks = mc.cover(REGIONS, SIDE, align=PATCH, grid=(3, 3))
    smoothed = named.smoothed_vit(2 * PATCH, stride=PATCH)
    table = Table(
        "defence", "occlusion", "clean", "defended", "certified", "views an image", "CPU s an image",
        title=f"DINOv2-S/14, {test} images of CIFAR-10 against {REGIONS}",
    )  # fmt: skip
    defence: tuple[str, mc.MaskSet, Any]
    for defence in (
        (f"double masking, {len(masks)} masks", masks, mc.DoubleMasking()),
        ("Smoothed ViT, 28 px", mc.bands(2 * PATCH, stride=PATCH, image_size=SIDE), replace(smoothed, shown=None)),
    ):
        name, views, procedure = defence
        for occlusion in (Fill(0.0), mc.DropTokens(PATCH)):
            model = torch.nn.Sequential(network, head(network, learn, views, occlusion)).eval()
            begin = time.process_time()
            result = mc.certify(
                TorchClassifier(model, fill=occlusion, batch_size=batch_size), list(judge.pixels), judge.labels, views,
                regions=REGIONS, procedure=procedure, min_margin=1e-3, probes=False,
            )  # fmt: skip
            seconds = (time.process_time() - begin) / test
            right = [np.mean(labels == judge.labels) for labels in (result.undefended, result.defended)]
            kind = "dropped" if isinstance(occlusion, mc.DropTokens) else "filled"
            shares = [f"{share:.0%}" for share in (*right, result.certified.mean())]
            table.add_row(name, kind, *shares, f"{result.evaluations / test:.0f}", f"{seconds:.1f}")
    return table


def head(network: torch.nn.Module, images: Images, views: mc.MaskSet, occlusion: Occlusion) -> torch.nn.Linear:
    """A linear layer for the features of whole images and of images under one random view each."""
    masked = scores_under(network, occlusion)
    hidden, chance = torch.from_numpy(np.asarray(views)), np.random.default_rng(0)
    drawn = hidden[chance.integers(len(views), size=len(images.labels))]
    features = [
        masked(images.pixels[row : row + 1], shown[row : row + 1, None])
        for shown in (torch.zeros_like(drawn), drawn)
        for row in range(len(images.labels))
    ]
    fitted = LogisticRegression(C=0.02, max_iter=2000).fit(torch.cat(features).numpy(), np.tile(images.labels, 2))
    layer = torch.nn.Linear(384, 10)
    layer.weight.data = torch.from_numpy(fitted.coef_).float()
    layer.bias.data = torch.from_numpy(fitted.intercept_).float()
    return layer


def normalised(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Pixels (height, width, 3) in [0, 1] as the network takes them, (3, height, width)."""
    scaled = (pixels - np.float32(MEAN)) / np.float32(STD)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))


if __name__ == "__main__":
    with torch.inference_mode():
        main()
