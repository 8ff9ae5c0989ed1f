"""The demo's small network: it was trained to stand masks. Its weights and 40 test images are in the package.

The images are of Fashion-MNIST (Xiao, Rasul, Vollgraf 2017; MIT licence, Zalando SE): clothes of 28×28 grey pixels. The
recipe of the training and its log are in ``clothes.md`` beside this file.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from maskcover.certification.requirements import bound
from maskcover.covering import cover
from maskcover.defense import Cost, DoubleMasking
from maskcover.masks import MaskSet
from maskcover.runs import OpenedRun, open_run, run
from maskcover_torch.classifier import TorchClassifier
from maskcover_torch.demo.results import ClothesStep, PriceRow

SIDE = 28
REGIONS = "squares(area=0.02)"
"""What the attacker may overwrite: any one square of 2 % of the image, which is 4×4 pixels."""
NAMES = ("T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
"""The names of the classes, by label."""
MEAN, STD = 0.286, 0.353
LEVEL = "grid(3, 3)"
"""A first round of nine large masks."""


def untrained() -> nn.Module:
    """The network with random weights: images (n, 1, 28, 28), normalised, to scores (n, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 5, stride=2, padding=2), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
        nn.Conv2d(64, 128, 3, stride=2, padding=1), nn.BatchNorm2d(128), nn.ReLU(),
        nn.Conv2d(128, 128, 3, stride=2, padding=1), nn.BatchNorm2d(128), nn.ReLU(),
        nn.Flatten(), nn.Linear(128 * 4 * 4, 10),
    ).to(memory_format=torch.channels_last).eval()  # fmt: skip


def trained() -> nn.Module:
    """The network with the weights of this package, read as tensors and nothing else.

    >>> trained()(images()[:2]).argmax(dim=1).tolist()
    [9, 2]
    """
    model = untrained().requires_grad_(False)
    with as_file(files(__package__) / "clothes.pt") as path:
        model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return model


def images() -> torch.Tensor:
    """The first 40 test images of Fashion-MNIST, float32 (40, 1, 28, 28), as the network takes them."""
    pixels = _arrays()["images"]
    return (torch.tensor(pixels[:, None] / 255, dtype=torch.float32) - MEAN) / STD


def labels() -> npt.NDArray[np.int64]:
    """The true labels of `images`, int64 (40,)."""
    return _arrays()["labels"].astype(np.int64)


def clothes_step(out: Path, page: Path) -> ClothesStep:
    """Certify the images in a run, or go on with it, and write its report.

    Args:
        out: The folder of the run.
        page: The file of the report.
    """
    masks = cover(REGIONS, image_size=SIDE)
    classifier = TorchClassifier(trained(), fill=0.0, batch_size=16)
    procedure = DoubleMasking(first_round=LEVEL)
    # The demo runs on any machine, even if rows of a batch are rounded differently: hence a margin.
    run(classifier, images(), labels(), masks, out, procedure=procedure, min_margin=1e-4, progress=False)
    opened = open_run(out)
    opened.write_html(page, images=images(), class_names=NAMES)
    return ClothesStep(len(opened), len(masks), _prices(opened, masks), page)


def _prices(opened: OpenedRun, masks: MaskSet) -> tuple[PriceRow, ...]:
    """What each first round certifies, and how many masked predictions an image costs to serve."""
    by_masks = int(opened.certified(procedure=DoubleMasking()).sum())
    by_levels = int(opened.certified().sum())
    rows = []
    # Pairs keep the certificates of the masks, by theorem.
    for name, first_round, certified in (
        ("none", None, by_masks),
        ("pairs", "pairs", by_masks),
        (LEVEL, LEVEL, by_levels),
    ):
        procedure, covers = bound(DoubleMasking(first_round=first_round), masks, REGIONS)
        cost = Cost(procedure.words, procedure.stages(covers.masks), batch_size=1)
        rows.append(PriceRow(name, certified, cost.at_least, cost.at_most))
    return tuple(rows)


def _arrays() -> dict[str, npt.NDArray[np.uint8]]:
    with (files(__package__) / "clothes.npz").open("rb") as stream, np.load(stream) as arrays:
        return dict(arrays)
