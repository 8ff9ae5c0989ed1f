"""`Cells`: the part of a network up to one layer, whose output is a grid of cells; in one layout for all networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from maskcover.errors import InvalidInput
from maskcover_torch.outputs import single_output

LAYOUTS = ("nchw", "nhwc", "tokens")


class Cells(torch.nn.Module):
    """The output of a layer of a model, as cells (n, channels, rows, columns). What follows the layer is not run.

    Args:
        model: Takes images (n, channels, height, width); in evaluation mode.
        layer: The name of a submodule, as `named_modules` gives it; by default the model itself.
        layout: How the layer arranges its output: "nchw" is (n, channels, rows, columns), "nhwc" is (n, rows, columns,
            channels), and "tokens" is (n, tokens, channels), row by row. By default it is told from the shape;
            where both fit it is "nchw".

    Raises:
        InvalidInput: there is no such layer or layout; in a call, the layer gives no grid of cells, or is not run.

    >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=2), torch.nn.Flatten(), torch.nn.Linear(72, 4)).eval()
    >>> Cells(net, "0")(torch.zeros(1, 3, 8, 8)).shape
    torch.Size([1, 8, 3, 3])
    """

    def __init__(self, model: torch.nn.Module, layer: str | None = None, layout: str | None = None) -> None:
        super().__init__()
        if layer is not None:
            layer_of(model, layer)
        if layout is not None and layout not in LAYOUTS:
            raise InvalidInput(f"layout must be one of {', '.join(LAYOUTS)}; got {layout!r}")
        self.model, self.layer, self.layout = model, layer, layout
        self.training = model.training  # a new module is in training mode

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The cells (n, channels, rows, columns) of images (n, channels, height, width)."""
        return self.arranged(self.output(images), images)

    def output(self, images: torch.Tensor) -> torch.Tensor:
        """The output of the layer as it is."""
        if self.layer is None:
            output: object = self.model(images)
        else:
            output = _output_at(self.model, self.layer, images)
        tensor = single_output(output)
        if not isinstance(tensor, torch.Tensor):
            raise InvalidInput(f"{self.named} gives a {type(output).__name__}; cells need one tensor")
        return tensor

    def arranged(self, output: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """The output of the layer as (n, channels, rows, columns); tokens that are no cell are left out."""
        layout = self.layout_of(output, images)
        if layout == "nchw":
            return output
        if layout == "nhwc":
            return output.permute(0, 3, 1, 2)
        rows, columns = self.grid_of(output, images)
        tokens = output[:, output.shape[1] - rows * columns :]
        return tokens.transpose(1, 2).reshape(len(output), -1, rows, columns)

    def layout_of(self, output: torch.Tensor, images: torch.Tensor) -> str:
        """The layout: as it was named, or the only one that fits the shape of the output and of the images."""
        if self.layout is not None:
            if output.ndim != (3 if self.layout == "tokens" else 4):
                raise InvalidInput(f"{self.named} gives shape {tuple(output.shape)}, which is not {self.layout}")
            return self.layout
        if output.ndim == 3:
            return "tokens"
        if output.ndim != 4:
            raise InvalidInput(
                f"{self.named} gives shape {tuple(output.shape)}, no grid of cells; name a layer before the pooling, "
                "such as layer='layer2'"
            )
        (rows, columns), (height, width) = output.shape[2:], images.shape[2:]
        last = output.shape[1:3]
        # Channels last only where nothing else fits: the grid has the shape of the image, to within one cell.
        alike = abs(rows * width - columns * height) <= max(height, width)
        return "nhwc" if not alike and abs(last[0] * width - last[1] * height) <= max(height, width) else "nchw"

    def grid_of(self, output: torch.Tensor, images: torch.Tensor) -> tuple[int, int]:
        """(rows, columns) of the cells."""
        layout = self.layout_of(output, images)
        if layout != "tokens":
            shape = output.shape[2:] if layout == "nchw" else output.shape[1:3]
            return int(shape[0]), int(shape[1])
        height, width = images.shape[2:]
        for prefix in range(output.shape[1]):
            tokens = output.shape[1] - prefix
            rows = round((tokens * height / width) ** 0.5)
            if rows and tokens % rows == 0 and rows * width == tokens // rows * height:
                return rows, tokens // rows
        raise InvalidInput(f"the {output.shape[1]} tokens of {self.named} are no grid for images of {height}×{width}")

    @property
    def named(self) -> str:
        """The layer in words."""
        return "the model" if self.layer is None else f"the layer {self.layer!r}"


def layer_of(model: torch.nn.Module, name: str) -> torch.nn.Module:
    """The submodule with a name; `InvalidInput` with some names that there are if there is none."""
    parts: dict[str, torch.nn.Module] = dict(model.named_modules())
    if not name or name not in parts:
        top = [part for part in parts if part and part.count(".") <= name.count(".")]
        raise InvalidInput(f"the model has no layer {name!r}; it has {', '.join(top[:30])}")
    return parts[name]


def as_like(cells: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    """Cells (n, channels, rows, columns) arranged as the output of a layer, with its tokens that are no cell."""
    if output.ndim == 3:
        tokens = cells.flatten(2).transpose(1, 2)
        return torch.cat([output[:, : output.shape[1] - tokens.shape[1]], tokens], dim=1)
    return cells if tuple(cells.shape) == tuple(output.shape) else cells.permute(0, 2, 3, 1)


@contextmanager
def hooked(layer: torch.nn.Module, hook: Callable[..., Any]) -> Iterator[None]:
    """Call a function (module, arguments, output) after each pass of a layer; afterwards the layer is as before."""
    handle = layer.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


class _Reached(Exception):  # it ends a pass early, and is no error
    """The pass of a model has reached the layer."""


def _output_at(model: torch.nn.Module, name: str, images: torch.Tensor) -> object:
    """The output of a layer; the pass ends there."""
    outputs: list[object] = []

    def reached(_module: torch.nn.Module, _arguments: object, output: object) -> None:
        outputs.append(output)
        raise _Reached

    try:
        with hooked(layer_of(model, name), reached):
            model(images)
    except _Reached:
        return outputs[0]
    raise InvalidInput(f"the model does not run its layer {name!r} on images of shape {tuple(images.shape)}")
