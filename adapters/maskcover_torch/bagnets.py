"""`bagnet`: BagNets, residual networks whose cells see small windows of the image, after Brendel and Bethge (2019).

A BagNet is a ResNet-50 in which most 3×3 convolutions became 1×1, and none has padding. The number of stages that begin
with a 3×3 convolution decides the receptive field: 9, 17 or 33 pixels with a stride of 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import nn

from maskcover.errors import InvalidInput

FIELDS = (9, 17, 33)
"""The fields of the paper, with its strides."""


class BagNet(nn.Module):
    """A BagNet; made by `bagnet`, which says what the arguments are.

    Names in the state dict are those of the paper's own networks: `conv1` (1×1), `conv2` (3×3) and `bn1` of the stem;
    `layerS.B.convK` and `layerS.B.bnK` with K from 1 to 3 for block B of stage S; `layerS.0.downsample.0` and `.1` for
    the shortcut of a stage; `fc`.
    """

    def __init__(
        self,
        three: Sequence[bool],
        classes: int,
        width: int,
        blocks: Sequence[int],
        strides: Sequence[int],
        channels: int,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width, momentum=0.001)
        self.relu = nn.ReLU()
        before = width
        for number, (count, stride, large) in enumerate(zip(blocks, strides, three, strict=True)):
            inner = width << number
            first = Bottleneck(before, inner, 3 if large else 1, stride)
            rest = [Bottleneck(inner * EXPANSION, inner, 1, 1) for _ in range(count - 1)]
            setattr(self, f"layer{number + 1}", nn.Sequential(first, *rest))
            before = inner * EXPANSION
        self.fc = nn.Linear(before, classes)
        self.stages = len(blocks)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Features (n, channels, rows, columns) of the cells."""
        cells: torch.Tensor = self.relu(self.bn1(self.conv2(self.conv1(images))))
        for number in range(self.stages):
            cells = self.get_submodule(f"layer{number + 1}")(cells)
        return cells

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores (n, classes): the head on the mean over the cells."""
        scores: torch.Tensor = self.fc(self.features(images).mean(dim=(2, 3)))
        return scores


EXPANSION = 4
"""Channels behind a block, as a multiple of those inside it."""


class Bottleneck(nn.Module):
    """A residual block: 1×1, then `kernel` × `kernel` without padding, then 1×1."""

    def __init__(self, before: int, inner: int, kernel: int, stride: int) -> None:
        super().__init__()
        after = inner * EXPANSION
        self.conv1 = nn.Conv2d(before, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner, momentum=0.001)
        self.conv2 = nn.Conv2d(inner, inner, kernel, stride, bias=False)
        self.bn2 = nn.BatchNorm2d(inner, momentum=0.001)
        self.conv3 = nn.Conv2d(inner, after, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(after, momentum=0.001)
        self.relu = nn.ReLU()
        self.downsample = (
            nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after, momentum=0.001))
            if before != after or stride != 1
            else nn.Identity()
        )

    def forward(self, cells: torch.Tensor) -> torch.Tensor:
        """Cells (n, channels, rows, columns); fewer of them behind a kernel of 3, which has no padding."""
        inner = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(cells))))))
        after = self.bn3(self.conv3(inner))
        shortcut = self.downsample(cells)[:, :, : after.shape[2], : after.shape[3]]
        kept: torch.Tensor = self.relu(after + shortcut)
        return kept


def bagnet(
    field: int = 17,
    classes: int = 1000,
    *,
    width: int = 64,
    blocks: Sequence[int] = (3, 4, 6, 3),
    strides: Sequence[int] = (2, 2, 2, 1),
    channels: int = 3,
) -> BagNet:
    """A BagNet with random weights, in evaluation mode. Load weights with ``load_state_dict``.

    Args:
        field: The receptive field of a cell in pixels: 9, 17 or 33 with the strides of the paper.
        classes: The number of classes.
        width: Channels of the stem; stage S has 4 · width · 2^(S−1).
        blocks: Residual blocks of each stage; those of ResNet-50 by default.
        strides: The stride of each stage. For images of 28 to 32 pixels, ``strides=(2, 2, 1, 1)`` and
            ``blocks=(1, 1, 1, 1)`` with a small width give cells of 9 pixels every 4.
        channels: Channels of the images.

    As a local classifier: ``maskcover_torch.local(net, layer="layer4")``; its head is `fc`, applied to each cell.

    Raises:
        InvalidInput: no network with these strides has that field; the message lists those that there are.

    Source: W. Brendel, M. Bethge, "Approximating CNNs with bag-of-local-features models works surprisingly well on
    ImageNet", ICLR 2019. No code of theirs is used.

    >>> from maskcover_torch import receptive_field
    >>> small = bagnet(9, classes=10, width=4, blocks=(1, 1, 1, 1), strides=(2, 2, 1, 1))
    >>> receptive_field(small, 32, "layer4")
    ReceptiveField(size=9, stride=4, padding=0)
    """
    if len(blocks) != len(strides) or not blocks or min(*blocks, *strides) < 1:
        raise InvalidInput(f"expected as many blocks as strides, all at least 1; got {blocks} and {strides}")
    # A 3×3 convolution at a step of s pixels adds 2s; the first stages have them.
    steps = list(accumulate([1, *strides[:-1]], lambda step, stride: step * stride))
    fields = list(accumulate([3, *(2 * step for step in steps)]))
    if field not in fields:
        raise InvalidInput(
            f"a BagNet with the strides {tuple(strides)} has a field of {', '.join(map(str, fields))}; got {field}"
        )
    large = fields.index(field)
    three = [number < large for number in range(len(blocks))]
    return BagNet(three, classes, width, blocks, strides, channels).eval()
