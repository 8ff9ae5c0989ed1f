"""Masked predictions with gradients, and the whole two-mask table of clean images.

Nothing here judges an attack: these scores guide it, and `maskcover.certification.predict` decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from maskcover.cells import IntArray
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet, Singles, Unions, Views
from maskcover.regions import RegionSet
from maskcover_torch.evaluator import place_of
from maskcover_torch.model import TorchModel
from maskcover_torch.tokens import scores_under

_SALIENT_MASKS = 64
_BATCH = 16
_MOST_MASKS = 2_000  # the table of an image grows with their square


@runtime_checkable
class ScoresMasked(Protocol):
    """Optional protocol: a classifier that computes its masked predictions in its own way, with gradients.

    A classifier that is more than a torch module with a fill, such as one whose views are cells of a grid, is attacked
    through the `MaskedScores` that it gives.
    """

    def masked_scores(self, masks: MaskSet, views: Views) -> MaskedScores:
        """The scores that guide attacks: those of the evaluator, but for rounding."""


@runtime_checkable
class HidesElsewhere(Protocol):
    """Optional protocol: a classifier whose masks are not in the frame in which the attacker draws."""

    def drawn(self, masks: MaskSet, regions: RegionSet) -> tuple[MaskSet, RegionSet]:
        """The masks and the regions on the images: each mask has the pixels that reach no cell outside it."""


class MaskedScores:
    """Scores of a model for images under pairs of masks.

    A subclass may compute `scores` in another way, see `ScoresMasked`.

    Args:
        classifier: The model, in evaluation mode, with its fill and its batch size.
        masks: The masks.
        views: The views of the defence: unions of two masks, or single masks only.
    """

    def __init__(self, classifier: TorchModel, masks: MaskSet, views: Views = Views.PAIRS) -> None:
        self._model = classifier.model
        self._batch = classifier.batch_size or _BATCH
        self.device, self._dtype = place_of(classifier.model)
        self.hidden = torch.from_numpy(np.asarray(masks.joined)).to(self.device)
        # The number −1, nothing hidden, is the last one.
        self._drawn = torch.cat([self.hidden, torch.zeros_like(self.hidden[:1])])
        self._under = scores_under(classifier.model, classifier.occlusion)
        if len(masks) > _MOST_MASKS:
            raise InvalidInput(f"an attack takes at most {_MOST_MASKS:,} masks; got {len(masks):,}")
        numbered = masks.views(views)
        self._pairs = torch.from_numpy(numbered.pairs).to(self.device)
        self._ids = torch.from_numpy(_square(numbered)).to(self.device)

    def scores(self, images: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Scores (rows, classes), at least float32, of images (rows, channels, height, width) under two masks each.

        A mask of the number −1 hides nothing.
        """
        hidden = (self._drawn[first] | self._drawn[second]).unsqueeze(1)
        scores = self._under(images.to(self._dtype), hidden)
        return scores.to(torch.promote_types(scores.dtype, torch.float32))

    def margins(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The margin of the true label (see `margin_of`) in n clean images under each pair of masks: (n, masks, masks).

        Masks of levels come last, each in a pair with itself. Infinite where the defence does not ask: such a
        prediction does not resist an attack.
        """
        batches = [margin_of(scores, labels[number]) for number, scores in self._each(images, self._pairs)]
        margins = torch.cat(batches).reshape(len(images), -1)
        return margins[:, self._ids].masked_fill(self._ids < 0, torch.inf)

    def likeliest(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """The wrong labels of n clean images, the likeliest under single masks first: int64 (n, classes − 1)."""
        singles = torch.arange(len(self.hidden), device=self.device).expand(2, -1).T
        scores = torch.cat([scores for _, scores in self._each(images, singles)])
        if int(labels.max()) >= scores.shape[1]:
            raise InvalidInput(f"labels go up to {int(labels.max())}, but the model has {scores.shape[1]} classes")
        mean = scores.softmax(dim=1).reshape(len(images), len(singles), -1).mean(dim=1)
        return mean.scatter(1, labels[:, None], -1.0).argsort(dim=1, descending=True)[:, :-1]

    def _each(self, images: torch.Tensor, pairs: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Every image under every pair, in batches, with no gradient: the numbers of the images, and the scores."""
        total = len(images) * len(pairs)
        for start in range(0, total, self._batch):
            rows = torch.arange(start, min(start + self._batch, total), device=self.device)
            number, (first, second) = rows // len(pairs), pairs[rows % len(pairs)].T
            with torch.no_grad():
                scores = self.scores(images[number], first, second)
            yield number, scores

    def saliency(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """How much each pixel of n clean images moves the margin of the true label under single masks, to first order.

        Returns:
            Sums over masks and channels of absolute derivatives, (n, height, width).
        """
        # Evenly spaced masks are enough to find the pixels that matter.
        masks = torch.arange(0, len(self.hidden), -(-len(self.hidden) // _SALIENT_MASKS))
        saliency = torch.zeros(len(images), *self.hidden.shape[1:], device=self.device)
        for number in range(len(images)):
            for start in range(0, len(masks), self._batch):
                mask = masks[start : start + self._batch].to(self.device)
                saliency[number] += self._slopes(images[number], labels[number], mask).abs().sum(dim=(0, 1))
        return saliency

    def _slopes(self, image: torch.Tensor, label: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        with tracked(self.device):
            views = image.expand(len(mask), -1, -1, -1).detach().clone().requires_grad_()
            return slopes(margin_of(self.scores(views, mask, mask), label.expand(len(mask))).sum(), views)


def _square(views: Unions | Singles) -> IntArray:
    """The number of the prediction under each pair of all masks, int64 (masks, masks); −1 where there is none."""
    masks, count = len(views.ids), len(views.ids) + len(views.coarser)
    square = np.full((count, count), -1, dtype=np.int64)
    if views.ids.ndim == 2:
        square[:masks, :masks] = views.ids
    np.fill_diagonal(square, np.append(views.singles, views.coarser))
    return square


def margin_of(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """By how much the score of a label exceeds the best other one, as a fraction of the largest absolute score.

    Args:
        scores: (rows, classes).
        labels: int64 (rows,).

    >>> margin_of(torch.tensor([[4.0, 1.0], [1.0, 4.0]]), torch.tensor([0, 0]))
    tensor([ 0.7500, -0.7500])
    """
    own = scores.gather(1, labels[:, None]).squeeze(1)
    others = scores.scatter(1, labels[:, None], -torch.inf).amax(dim=1)
    return torch.nan_to_num((own - others) / scores.abs().amax(dim=1), nan=0.0)


@contextmanager
def tracked(device: torch.device) -> Iterator[None]:
    """Turn gradients on, and autocast off, which would make them coarse, whatever the caller has set."""
    with torch.enable_grad(), torch.autocast(device.type, enabled=False):
        yield


def slopes(total: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """The finite derivatives of a number by pixels; raises `InvalidInput` if the model lets no gradient through."""
    gradient = torch.autograd.grad(total, pixels, allow_unused=True)[0] if total.requires_grad else None
    if gradient is None:
        raise InvalidInput(
            "the model's scores carry no gradient to its input; attack a model that neither detaches nor forbids it"
        )
    return torch.nan_to_num(gradient)
