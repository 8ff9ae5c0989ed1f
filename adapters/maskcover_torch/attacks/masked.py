"""Masked predictions that gradients flow through, and the whole two-mask table of clean images.

Nothing here judges an attack: these scores guide it, and `maskcover.defense.predict` decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover_torch.classifier import TorchClassifier

_SALIENT_MASKS = 64


class MaskedScores:
    """Scores of a model for images under pairs of masks.

    Args:
        classifier: The model, in evaluation mode, with its fill and its batch size.
        masks: The masks.
    """

    def __init__(self, classifier: TorchClassifier, masks: MaskSet) -> None:
        self._model = classifier.model
        self._batch = classifier.batch_size
        parameter = next(classifier.model.parameters(), None)
        floating = parameter is not None and parameter.is_floating_point()
        self._dtype = parameter.dtype if parameter is not None and floating else torch.float32
        self.device = torch.device("cpu") if parameter is None else parameter.device
        self.hidden = torch.from_numpy(np.asarray(masks)).to(self.device)
        self._fill = torch.tensor(classifier.fill, dtype=self._dtype, device=self.device).reshape(1, -1, 1, 1)
        self._pairs = torch.from_numpy(masks.unions.pairs).to(self.device)
        self._ids = torch.from_numpy(masks.unions.ids).to(self.device)

    def scores(self, images: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Scores (rows, classes), at least float32, of images (rows, channels, height, width) under two masks each."""
        hidden = (self.hidden[first] | self.hidden[second]).unsqueeze(1)
        scores: torch.Tensor = self._model(torch.where(hidden, self._fill, images.to(self._dtype)))
        return scores.to(torch.promote_types(scores.dtype, torch.float32))

    def table(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Of n clean images, with no gradient.

        Returns:
            The lead of the true label over the best other one under each pair of masks, as a share of the largest
            absolute score: (n, masks, masks), negative where the prediction is wrong. And the probability of each
            class, the mean over single masks: (n, classes).
        """
        unions, count = len(self._pairs), len(images)
        parts = []
        for start in range(0, count * unions, self._batch):
            rows = torch.arange(start, min(start + self._batch, count * unions), device=self.device)
            first, second = self._pairs[rows % unions].T
            with torch.no_grad():
                parts.append(self.scores(images[rows // unions], first, second))
        scores = torch.cat(parts).reshape(count, unions, -1)
        if int(labels.max()) >= scores.shape[2]:
            raise InvalidInput(f"labels go up to {int(labels.max())}, but the model has {scores.shape[2]} classes")
        leads = lead(scores.flatten(0, 1), labels.repeat_interleave(unions)).reshape(count, unions)
        single = scores[:, self._ids.diagonal()].softmax(dim=2).mean(dim=1)
        return leads[:, self._ids], single

    def saliency(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """How much each pixel of n clean images moves the lead of the true label under single masks, to first order.

        Returns:
            Sums over masks and channels of absolute derivatives, (n, height, width).
        """
        # Every so many masks: enough to see where the pixels are that matter.
        masks = torch.arange(0, len(self.hidden), -(-len(self.hidden) // _SALIENT_MASKS))
        found = torch.zeros(len(images), *self.hidden.shape[1:], device=self.device)
        for number in range(len(images)):
            for start in range(0, len(masks), self._batch):
                mask = masks[start : start + self._batch].to(self.device)
                found[number] += self._slopes(images[number], labels[number], mask).abs().sum(dim=(0, 1))
        return found

    def _slopes(self, image: torch.Tensor, label: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        with tracked(self.device):
            views = image.expand(len(mask), -1, -1, -1).detach().clone().requires_grad_()
            return slopes(lead(self.scores(views, mask, mask), label.expand(len(mask))).sum(), views)


def lead(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """By how much the score of a label exceeds the best other one, as a share of the largest absolute score.

    Args:
        scores: (rows, classes).
        labels: int64 (rows,).

    >>> lead(torch.tensor([[4.0, 1.0], [1.0, 4.0]]), torch.tensor([0, 0]))
    tensor([ 0.7500, -0.7500])
    """
    own = scores.gather(1, labels[:, None]).squeeze(1)
    others = scores.scatter(1, labels[:, None], -torch.inf).amax(dim=1)
    return torch.nan_to_num((own - others) / scores.abs().amax(dim=1), nan=0.0)


@contextmanager
def tracked(device: torch.device) -> Iterator[None]:
    """Gradients on, and autocast, which would make them coarse, off: whatever the caller has set."""
    with torch.enable_grad(), torch.autocast(device.type, enabled=False):
        yield


def slopes(total: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """The finite derivatives of a number by pixels; raises `InvalidInput` if the model lets no gradient through."""
    found = torch.autograd.grad(total, pixels, allow_unused=True)[0] if total.requires_grad else None
    if found is None:
        raise InvalidInput(
            "the model's scores carry no gradient to its input; attack a model that neither detaches nor forbids it"
        )
    return torch.nan_to_num(found)
