"""The models of docs/paper.md, for `maskcover study --model studied_models:NAME`, started in this folder.

`plain` and `cutout` are the small convolutional network of 04_fashion_mnist.py, trained here without and with Cutout
on the first 20,000 images of Fashion-MNIST, once: their weights are kept in the folder where the command is started.
`cifar_plain` and `cifar_cutout` are a wider one, trained in the same way on CIFAR-10, whose folder the environment
variable CIFAR10 names, as `open_dataset` reads it (cifar10:FOLDER, or hf:FOLDER).
`lite0` is EfficientNet-Lite0 with its ImageNet weights, as in the demo (extra `demo`); its images are 224×224.

Boxes around the objects of Fashion-MNIST, for the study `objects`: `python studied_models.py boxes.csv`.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import torch
from maskcover_torch.training import Cutout, Recipe, finetune
from torch import nn

import maskcover as mc

Labelled = tuple[torch.Tensor, npt.NDArray[np.int64]]
TRAINED, HELD_OUT, EPOCHS = 20_000, 1_000, 6


def plain() -> nn.Module:
    """The network trained without masks."""
    return _trained("fashion-plain", 0.0, fashion().convolutional, _fashion)


def cutout() -> nn.Module:
    """The network trained with Cutout: two squares of 16×16 at random places are hidden."""
    return _trained("fashion-cutout", 1.0, fashion().convolutional, _fashion)


def cifar_plain() -> nn.Module:
    """The network for CIFAR-10, trained without masks."""
    return _trained("cifar-plain", 0.0, _wider, _cifar)


def cifar_cutout() -> nn.Module:
    """The network for CIFAR-10, trained with Cutout: two squares of 18×18 at random places are hidden."""
    return _trained("cifar-cutout", 1.0, _wider, _cifar)


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


def _fashion() -> Labelled:
    module = fashion()
    images, labels = module.fashion(module.DEBIAN, "train", TRAINED)
    return images, labels


def _cifar() -> Labelled:
    place = os.environ.get("CIFAR10")
    if place is None:
        raise SystemExit("name the folder of CIFAR-10 first, such as: export CIFAR10=cifar10:FOLDER")
    data = mc.open_dataset(place, split="train", limit=TRAINED)
    pixels = np.stack([data[number] for number in range(len(data))])
    images = torch.tensor(pixels.transpose(0, 3, 1, 2) / 255 - 0.47, dtype=torch.float32) / 0.25
    return images, data.true_labels


def _wider() -> nn.Module:
    """Four convolutions, three of them of stride 2, for images of 32×32 in three colours."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, stride=2, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
        nn.Conv2d(64, 96, 3, stride=2, padding=1), nn.BatchNorm2d(96), nn.ReLU(),
        nn.Conv2d(96, 128, 3, stride=2, padding=1), nn.BatchNorm2d(128), nn.ReLU(),
        nn.Flatten(), nn.Linear(128 * 4 * 4, 10),
    ).to(memory_format=torch.channels_last)  # fmt: skip


def _trained(name: str, probability: float, make: Callable[[], nn.Module], read: Callable[[], Labelled]) -> nn.Module:
    """The network with the weights of an earlier call in this folder, or trained now."""
    path = Path(f"{name}.pt")
    torch.manual_seed(0)
    model = make()
    if path.exists():
        model.load_state_dict(torch.load(path, weights_only=True))
        return model.eval()
    images, labels = read()
    masks = mc.cover(mc.squares(area="0.02"), image_size=images.shape[-1], grid=(4, 4))
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
