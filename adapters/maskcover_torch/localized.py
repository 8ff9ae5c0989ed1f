"""Makes the front end of a network local, for `split` and `local`: kernels of one pixel, attention within windows.

The networks need training afterwards: `maskcover_torch.training.finetune`.
"""

from __future__ import annotations

import copy
from typing import Any

import torch

from maskcover.errors import InvalidInput
from maskcover_torch.cells import layer_of


def narrowed(model: torch.nn.Module, *layers: str) -> torch.nn.Module:
    """A copy of a network in which the convolutions of some layers see one pixel each: the centre of their kernels.

    Args:
        model: A network with padded convolutions, such as a ResNet of timm.
        layers: Names of layers; all convolutions inside them are narrowed. Kernels that are not larger than their
            stride are kept.

    Raises:
        InvalidInput: there is no such layer, or a kernel is not padded by half its size, so that it has no centre.

    >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 4, stride=4), torch.nn.Conv2d(4, 4, 3, padding=1)).eval()
    >>> [part.kernel_size for part in narrowed(net, "0", "1")]
    [(4, 4), (1, 1)]
    """
    twin = copy.deepcopy(model)
    for name in layers:
        for part in layer_of(twin, name).modules():
            if isinstance(part, torch.nn.Conv2d) and any(
                kernel > stride for kernel, stride in zip(part.kernel_size, part.stride, strict=True)
            ):
                _narrow(part, name)
    return twin


def _narrow(part: torch.nn.Conv2d, name: str) -> None:
    reach = [size * (kernel - 1) for size, kernel in zip(part.dilation, part.kernel_size, strict=True)]
    padding = part.padding
    if isinstance(padding, str) or any(2 * own != whole for own, whole in zip(padding, reach, strict=True)):
        raise InvalidInput(
            f"a convolution in {name!r} has kernels of {part.kernel_size} and the padding {padding}: expected a "
            "padding of half the kernel, so that the centre stays where it is"
        )
    rows, columns = ((kernel - 1) // 2 for kernel in part.kernel_size)
    part.weight = torch.nn.Parameter(part.weight.detach()[:, :, rows : rows + 1, columns : columns + 1].clone())
    part.kernel_size, part.padding, part.dilation = (1, 1), (0, 0), (1, 1)
    part._reversed_padding_repeated_twice = [0, 0, 0, 0]


def windowed(model: torch.nn.Module, blocks: int, window: tuple[int, int]) -> torch.nn.Module:
    """A copy of a vision transformer whose first blocks attend within windows of tokens.

    Args:
        model: A vision transformer of timm: it has `blocks`, and a `patch_embed` with a grid of tokens.
        blocks: The number of blocks to change.
        window: (rows, columns) of tokens of each window; they must divide the grid.

    Tokens that are no patch, such as the class token, pass these blocks unchanged.

    Raises:
        InvalidInput: the model is no such transformer, or the windows do not divide its grid.
    """
    twin: Any = copy.deepcopy(model)
    grid = getattr(getattr(twin, "patch_embed", None), "grid_size", None)
    if grid is None or not isinstance(getattr(twin, "blocks", None), torch.nn.Sequential | torch.nn.ModuleList):
        raise InvalidInput(
            f"{type(model).__name__} has no blocks behind a patch_embed with a grid_size, as ViTs of timm"
        )
    if not 1 <= blocks <= len(twin.blocks) or any(side % part for side, part in zip(grid, window, strict=True)):
        raise InvalidInput(
            f"expected 1 to {len(twin.blocks)} blocks, and windows that divide a grid of {tuple(grid)} tokens; got "
            f"{blocks} and {window}"
        )
    for number in range(blocks):
        twin.blocks[number] = WindowedBlock(twin.blocks[number], tuple(grid), window)
    return twin  # type: ignore[no-any-return]  # a copy of the model


class WindowedBlock(torch.nn.Module):
    """A transformer block that works on windows of tokens, each alone; tokens before the grid stay as they are."""

    def __init__(self, block: torch.nn.Module, grid: tuple[int, int], window: tuple[int, int]) -> None:
        super().__init__()
        self.block, self.grid, self.window = block, grid, window
        self.training = block.training

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens (n, prefix + rows · columns, channels)."""
        (rows, columns), (height, width) = self.grid, self.window
        prefix = tokens.shape[1] - rows * columns
        count, channels = len(tokens), tokens.shape[2]
        cut = tokens[:, prefix:].reshape(count, rows // height, height, columns // width, width, channels)
        windows = cut.transpose(2, 3).reshape(-1, height * width, channels)
        after = self.block(windows).reshape(count, rows // height, columns // width, height, width, channels)
        patches = after.transpose(2, 3).reshape(count, rows * columns, channels)
        return torch.cat([tokens[:, :prefix], patches], dim=1)
