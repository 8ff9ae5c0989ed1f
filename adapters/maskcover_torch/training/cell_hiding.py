"""Hides cells behind a layer while a network trains, for `maskcover_torch.split`."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from maskcover_torch.cells import Cells, as_like, hooked, layer_of
from maskcover_torch.outputs import scores_of
from maskcover_torch.training.hiding import Hiding


@dataclass(frozen=True, slots=True)
class CellHiding:
    """Hides cells of a layer's output, as another way of hiding hides pixels of images.

    Args:
        hiding: Called with cells (n, channels, rows, columns): a `Cutout` of cells, or `RandomMasks` on their grid.
        at: The name of the layer.
        layout: How the layer arranges its output; see `maskcover_torch.cells.Cells`.

    >>> from maskcover_torch.training import Cutout
    >>> net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 2, stride=2), torch.nn.Flatten(), torch.nn.Linear(32, 3))
    >>> hiding = CellHiding(Cutout(size=2, count=1), "0")
    >>> hiding.loss(net, torch.zeros(2, 1, 8, 8), torch.tensor([0, 1]), torch.Generator(), 0.0).ndim
    0
    """

    hiding: Hiding
    at: str
    layout: str | None = None

    def __call__(self, images: torch.Tensor, generator: torch.Generator, progress: float = 0.0) -> torch.Tensor:  # noqa: ARG002  # it is the protocol's
        """The images as they are: what is hidden are cells, see `loss`."""
        return images

    def loss(
        self,
        model: torch.nn.Module,
        images: torch.Tensor,
        labels: torch.Tensor,
        generator: torch.Generator,
        progress: float,
    ) -> torch.Tensor:
        """The cross-entropy of the scores with cells hidden, a tensor of one number; without mixed precision."""
        cells = Cells(model, self.at, self.layout)

        def hide(_module: torch.nn.Module, _arguments: object, output: torch.Tensor) -> torch.Tensor:
            return as_like(self.hiding(cells.arranged(output, images), generator, progress), output)

        with hooked(layer_of(model, self.at), hide):
            scores = scores_of(model(images), len(images), None)
        return torch.nn.functional.cross_entropy(scores.float(), labels)
