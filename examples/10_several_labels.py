"""Several labels at once: a network with one sigmoid output a class, from the images that this makes to an attack.

It makes images with red discs, green squares, blue crosses and yellow bars, trains a network, and writes what the
command line needs: the images with a table of labels, the names of the classes, and the weights. Then it certifies the
images into a run, asks the run, and attacks what was certified. The same on the command line, in the folder that it
makes:

    maskcover certify --task multilabel --model several_labels:network --data images/labels.csv --classes classes.txt \\
        --masks masks.json --thresholds 0 --keep-scores --batch-size 16 --out RUN
    maskcover report RUN --html report.html
    maskcover attack RUN --model several_labels:network
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn

import maskcover as mc
from maskcover.certification import attack

CLASSES = ("disc", "square", "cross", "bar")
COLOURS = ((220, 40, 40), (40, 200, 40), (60, 60, 230), (220, 210, 40))
SIDE = 32
WEIGHTS = Path("several_labels.pt")
Pixels = npt.NDArray[np.uint8]


def shape(kind: int) -> npt.NDArray[np.bool_]:
    """The pixels of a shape of 7×7."""
    row, column = np.indices((7, 7)) - 3
    shapes = (row**2 + column**2 <= 10, np.maximum(abs(row), abs(column)) <= 2, abs(row) == abs(column), abs(row) <= 1)
    return np.asarray(shapes[kind])


def drawn(count: int, seed: int) -> tuple[Pixels, npt.NDArray[np.bool_]]:
    """Images (count, 32, 32, 3) in which each class is there with an even chance, at two places; and the labels."""
    chance = np.random.default_rng(seed)
    labels = chance.random((count, len(CLASSES))) < 0.5
    images = chance.integers(0, 60, (count, SIDE, SIDE, 3)).astype(np.uint8)
    for image, present in zip(images, labels, strict=True):
        places = [(row, column) for row in range(0, 32, 8) for column in range(0, 32, 8)]
        chance.shuffle(places)
        for kind in np.flatnonzero(present).tolist():
            for row, column in places[2 * kind : 2 * kind + 2]:
                image[row : row + 7, column : column + 7][shape(kind)] = COLOURS[kind]
    return images, labels


def layers() -> nn.Sequential:
    """A small network: which shapes are there, by the strongest response anywhere."""
    return nn.Sequential(
        nn.Conv2d(3, 12, 5, stride=2), nn.ReLU(), nn.Conv2d(12, 12, 3), nn.ReLU(), nn.AdaptiveMaxPool2d(1),
        nn.Flatten(), nn.Linear(12, len(CLASSES)),
    )  # fmt: skip


def trained(count: int, seed: int = 0) -> nn.Module:
    """The network, trained with parts of each image hidden, as it will see them."""
    torch.manual_seed(seed)
    images, labels = drawn(count, seed)
    inputs = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
    targets = torch.from_numpy(labels).float()
    model, chance = layers(), np.random.default_rng(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(12):
        for batch in np.array_split(chance.permutation(len(inputs)), 25):
            shown = inputs[batch].clone()
            for row, column in chance.integers(0, SIDE - 12, (2, 2)):
                shown[:, :, row : row + 12, column : column + 12] = 0
            loss = nn.functional.binary_cross_entropy_with_logits(model(shown), targets[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return model.eval()


def network() -> nn.Module:
    """The network with the weights that lie in the current folder, for ``--model several_labels:network``."""
    model = layers()
    model.load_state_dict(torch.load(WEIGHTS, weights_only=True))
    return model.eval()


def prepare(out: Path, count: int, train: int) -> None:
    """Write images, labels, names of the classes and weights into a folder."""
    images, labels = drawn(count, seed=1)
    (out / "images").mkdir(parents=True, exist_ok=True)
    with (out / "images" / "labels.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["path", *reversed(CLASSES)])  # another order than the network's: names decide
        for number, (image, present) in enumerate(zip(images, labels, strict=True)):
            Image.fromarray(image).save(out / "images" / f"{number:04}.png")
            table.writerow([f"{number:04}.png", *reversed(present.astype(int).tolist())])
    (out / "classes.txt").write_text("\n".join(CLASSES) + "\n", encoding="utf-8")
    if not (out / WEIGHTS).exists():
        torch.save(trained(train).state_dict(), out / WEIGHTS)
    mc.cover(mc.squares(size=3), image_size=SIDE, grid=(3, 3)).save(out / "masks.json")
    (out / "several_labels.py").write_bytes(Path(__file__).read_bytes())  # so that --model can name its function


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="A folder; by default a new one.")
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--train", type=int, default=800)
    parser.add_argument("--attacked", type=int, default=8)
    options = parser.parse_args(arguments)
    options.out = Path(tempfile.mkdtemp()) if options.out is None else options.out
    prepare(options.out, options.images, options.train)
    print(f"wrote {options.images} images, labels.csv, classes.txt and weights to {options.out}")

    model = layers()
    model.load_state_dict(torch.load(options.out / WEIGHTS, weights_only=True))
    model.eval()
    data = mc.open_dataset(options.out / "images" / "labels.csv", several=True, classes=CLASSES)
    images = [np.moveaxis(data[number], 2, 0).astype(np.float32) / 255 for number in range(len(data))]
    masks = mc.MaskSet.load(options.out / "masks.json")
    mc.run(
        model, images, data.true_label_sets, masks, options.out / "RUN", ids=data.ids, task="multilabel",
        thresholds=0.0, keep_scores=True, batch_size=16, shard_size=8,
    )  # fmt: skip
    run = mc.open_run(options.out / "RUN")
    print(run)
    print(run.explain(0))
    attacked = slice(0, options.attacked)
    report = attack(
        model, images[attacked], data.true_label_sets[attacked], masks, procedure=run.procedure,
        certified=run.certified[attacked], batch_size=16, placements=4, steps=10,
    )  # fmt: skip
    print(report)


if __name__ == "__main__":
    main()
