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
from timm.models.vision_transformer import VisionTransformer
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


class Mixing(nn.Module):
    """A block of a vision transformer without any rounding: tokens learn the largest values among all tokens."""

    def __init__(self, dim: int, **_: object) -> None:
        super().__init__()
        self.own, self.shared = nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens (n, length, features) to the same shape; the order of the tokens does not matter."""
        largest = self.shared(tokens.amax(dim=1, keepdim=True))
        return torch.clamp(self.own(tokens) + largest, -64.0, 64.0)


def exact_transformer(side: int, patch: int, *, classes: int, pool: str = "token", seed: int = 0) -> VisionTransformer:
    """A vision transformer of timm that computes in whole numbers and eighths; see `exact`."""
    model = VisionTransformer(
        img_size=side, patch_size=patch, embed_dim=8, depth=2, num_heads=1, num_classes=classes, global_pool=pool,
        block_fn=Mixing, norm_layer=Whole, class_token=pool == "token", fc_norm=False,
    )  # fmt: skip
    model.patch_embed.proj = Convolution(3, 8, patch, stride=patch)
    return exact(model, seed, most=2)


class Whole(nn.Identity):
    """A layer in the place of a norm, which would divide."""
