"""Networks and images of small whole numbers: float32 holds every sum of theirs, so that no order of adding rounds.

    from tests.networks import Convolution, exact, whole
    model = exact(nn.Sequential(Convolution(2, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(48, 3)))
    images = whole(12, 2, 6, 8)

Their scores are the same to the bit at every place of a batch, in batches of every size, on every CPU and with every
kernel. Tests that compare bits, certificates or labels use these, so that they speak of maskcover and of no machine.
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

Module = TypeVar("Module", bound=nn.Module)


def exact(model: Module, seed: int = 0, most: int = 3) -> Module:
    """The same module, evaluating, with whole numbers from −`most` to `most` for its weights.

    Made for linear layers, convolutions, batch norms, ReLU and max pooling; what divides, or takes roots or exponents,
    rounds. Convolutions should have a stride above 1: with a stride of 1, torch without oneDNN uses NNPACK's fast
    transforms from batches of 16 on, which round whole numbers too. The first layer is `Eighths` or a `Convolution`.
    """
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in model.parameters():
            value.copy_(torch.randint(-most, most + 1, value.shape, generator=chance))
    for part in model.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            part.eps = 0.0  # the variance that it starts with is 1, so that it divides by 1
    return model.eval()


def eighths(images: torch.Tensor) -> torch.Tensor:
    """Images rounded to eighths: probes mix images, and what is mixed is not exact."""
    return (8 * images).round() / 8


class Eighths(nn.Module):
    """`eighths` as the first layer of a network."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images as they came, in eighths."""
        return eighths(images)


class Convolution(nn.Conv2d):
    """The first layer of a network that looks at eighths."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """As a convolution's."""
        return super().forward(eighths(images))


def whole(*shape: int, seed: int = 0, most: int = 8) -> torch.Tensor:
    """Images, or anything of that shape, of whole numbers from −`most` to `most`, as floats."""
    return torch.randint(-most, most + 1, shape, generator=torch.Generator().manual_seed(seed)).float()
