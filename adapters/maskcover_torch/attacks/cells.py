"""Scores, with gradients, of a network whose views are the cells of its grid; see `maskcover_torch.local`."""

from __future__ import annotations

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
