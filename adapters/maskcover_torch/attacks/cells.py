"""Scores, with gradients, of networks with cells: whose views are cells, or whose masks hide cells."""

from __future__ import annotations

import numpy as np
import torch

from maskcover.masks import MaskSet, Views
from maskcover_torch.attacks.aims import NOTHING
from maskcover_torch.attacks.masked import MaskedScores
from maskcover_torch.model import TorchModel


class CellScores(MaskedScores):
    """The scores of the cells of a grid: one pass of the network answers for all masks of an image.

    Args:
        classifier: Its model maps images (n, channels, height, width) to scores (n, classes, rows, columns).
        masks: The mask of each cell, row by row, which hides all but what the cell sees.
        views: The views of the defence.

    A row that hides nothing has the mean over all cells; one of two different masks has the score 0 for each class.
    """

    def __init__(self, classifier: TorchModel, masks: MaskSet, views: Views) -> None:
        super().__init__(classifier, masks, views)
        self._batch = max(self._batch, len(masks))

    def scores(self, images: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """See `MaskedScores.scores`; an image that comes several times in a row is passed through once."""
        other = (images[1:] != images[:-1]).flatten(1).any(dim=1)
        new = torch.cat([other.new_ones(1), other])
        evidence = self._model(images[new].to(self._dtype)).flatten(2)[new.cumsum(0) - 1]
        evidence = evidence.to(torch.promote_types(evidence.dtype, torch.float32))
        cell = torch.maximum(first, second).clamp(min=0)
        own = evidence.gather(2, cell[:, None, None].expand(-1, evidence.shape[1], 1)).squeeze(2)
        single = (first == second) | (first == NOTHING) | (second == NOTHING)
        of_mask = torch.where(single[:, None], own, torch.zeros_like(own))
        nothing = (first == NOTHING) & (second == NOTHING)
        return torch.where(nothing[:, None], evidence.mean(dim=2), of_mask)


class SplitScores(MaskedScores):
    """The scores of a network whose masks hide cells behind its front end; see `maskcover_torch.split`.

    Args:
        classifier: Its model has a `front` from images to cells, and maps cells to scores.
        masks: The masks, on the grid of the cells.
        drawn: The same masks on the images, see `maskcover_torch.attacks.masked.HidesElsewhere`.
        views: The views of the defence.
    """

    def __init__(self, classifier: TorchModel, masks: MaskSet, drawn: MaskSet, views: Views) -> None:
        super().__init__(classifier, masks, views)
        self.hidden = torch.from_numpy(np.asarray(drawn.joined)).to(self.device)

    def scores(self, images: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """See `MaskedScores.scores`; the cells of hidden pixels are hidden."""
        cells = self._model.front(images.to(self._dtype))  # type: ignore[operator]  # it is a network in two parts
        hidden = (self._drawn[first] | self._drawn[second]).unsqueeze(1)
        scores = self._under(cells, hidden)
        return scores.to(torch.promote_types(scores.dtype, torch.float32))
