"""The models of docs/paper.md, for `maskcover study --model studied_models:NAME`, started in this folder.

`plain` and `cutout` are the small convolutional network of 04_fashion_mnist.py, trained here without and with Cutout
on the first 20,000 images of Fashion-MNIST, once: their weights are kept in the folder where the command is started.
`lite0` is EfficientNet-Lite0 with its ImageNet weights, as in the demo (extra `demo`); its images are 224×224.

Boxes around the objects of Fashion-MNIST, for the study `objects`: `python studied_models.py boxes.csv`.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from maskcover_torch.training import Cutout, Recipe, finetune
from torch import nn

import maskcover as mc

TRAINED, HELD_OUT, EPOCHS = 20_000, 1_000, 6


def plain() -> nn.Module:
    """The network trained without masks."""
    return _trained("plain", probability=0.0)


def cutout() -> nn.Module:
    """The network trained with Cutout: two squares of 16×16 at random places are hidden."""
    return _trained("cutout", probability=1.0)


def lite0() -> nn.Module:
    """EfficientNet-Lite0 with its ImageNet weights: images (n, 3, 224, 224) to scores (n, 1000)."""
    from maskcover_torch.demo.model import network

    return network()


def write_boxes(path: Path, split: str = "test") -> None:
    """Write a CSV file with the bounding box of all pixels that are not black, for each image of Fashion-MNIST."""
    data = mc.open_dataset(f"idx:{fashion().DEBIAN}", split=split)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "x0", "y0", "x1", "y1"])
        for number, name in enumerate(data.ids):
            rows, columns = np.nonzero(data[number])
            if len(rows):
                writer.writerow([name, columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


def fashion() -> ModuleType:
    """The example 04, whose name is no name of a module."""
    path = Path(__file__).with_name("04_fashion_mnist.py")
    spec = importlib.util.spec_from_file_location("fashion_mnist", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["fashion_mnist"] = module
    spec.loader.exec_module(module)
    return module


def _trained(name: str, probability: float) -> nn.Module:
    """The network with the weights of an earlier call in this folder, or trained now."""
    module, path = fashion(), Path(f"fashion-{name}.pt")
    torch.manual_seed(0)
    model: nn.Module = module.convolutional()
    if path.exists():
        model.load_state_dict(torch.load(path, weights_only=True))
        return model.eval()
    images, labels = module.fashion(module.DEBIAN, "train", TRAINED)
    masks = module.mask_set("0.02", 4)
    finetune(
        model, (images[HELD_OUT:], labels[HELD_OUT:]), (images[:HELD_OUT], labels[:HELD_OUT]), masks,
        hiding=Cutout(probability=probability),
        recipe=Recipe(EPOCHS, batch_size=128, lr=3e-3, validation_images=100, keep="last", seed=0),
    )  # fmt: skip
    torch.save(model.state_dict(), path)
    return model.eval()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("boxes", type=Path, help="the CSV file to write")
    write_boxes(parser.parse_args().boxes)
