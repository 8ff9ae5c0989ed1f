"""Finds what to paint: projected sign gradient on the masked predictions that an aim names.

For other procedures than Algorithm 1 see `maskcover_torch.attacks.aims`. By Algorithm 1 a patch succeeds if the
one-mask majority is wrong and no row of the two-mask table is unanimous for the true label y. A mask that hides the
whole patch has a row that the patch cannot change; every other row is *open*. So each step looks at two kinds of
predictions, both pushed to a target label t:

- the majority: one-mask predictions of open rows, those that are most clearly y first;
- the second rounds: open rows that are still all y, each by its weakest entry, since one entry is enough.

They are chosen by the margins that were computed last, at first those of the clean image.

Source: projected gradient by signs (Madry et al., 2018), with momentum, on a patch (Brown et al., 2017).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi

import torch

from maskcover_torch.attacks.aims import NOTHING, Aim, uniform
from maskcover_torch.attacks.masked import MaskedScores, margin_of, slopes, tracked

_MOMENTUM = 0.75
_FIRST_STEP = 0.2  # of the value range; from there down to nearly nothing, along a cosine
_JUDGE_EVERY = 10  # steps: judging an image costs about as much as ten of them


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """A batch of n attempts that run side by side; all tensors are on the device of the model.

    Args:
        images: Clean images, (n, channels, height, width).
        regions: What may be overwritten, bool (n, 1, height, width).
        labels: The true labels, int64 (n,).
        targets: Wrong labels to push to, int64 (n,).
        margins: Margins of the true label on the clean images, (n, masks, masks); see `MaskedScores.margins`.
    """

    images: torch.Tensor
    regions: torch.Tensor
    labels: torch.Tensor
    targets: torch.Tensor
    margins: torch.Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Budget:
    """The limits of an attempt: the range of values (1, channels or 1, 1, 1), the steps, and the views of a step."""

    low: torch.Tensor
    high: torch.Tensor
    steps: int
    views: int


def ascent(
    masked: MaskedScores, trials: Trials, budget: Budget, generator: torch.Generator, aim: Aim
) -> Iterator[tuple[int, torch.Tensor]]:
    """Attacked images to judge, with the number of steps so far: a few on the way, and the last ones."""
    low, high = budget.low.to(trials.images), budget.high.to(trials.images)
    content = low + (high - low) * uniform(trials.images.shape, generator).to(trials.images)
    velocity = torch.zeros_like(content)
    visible = _visible(masked.hidden, trials.regions)
    margins = trials.margins.clone()
    for step in range(budget.steps):
        pairs = aim.pairs(margins, visible, budget.views, generator)
        velocity = _MOMENTUM * velocity + _gradient(masked, trials, content, margins, aim, *pairs).sign()
        size = _FIRST_STEP * (1 + cos(pi * step / budget.steps)) / 2
        content = torch.clamp(content - size * (high - low) * velocity.sign(), low, high)
        if (step + 1) % _JUDGE_EVERY == 0 or step + 1 == budget.steps:
            yield step + 1, torch.where(trials.regions, content, trials.images)


def _gradient(
    masked: MaskedScores,
    trials: Trials,
    content: torch.Tensor,
    margins: torch.Tensor,
    aim: Aim,
    first: torch.Tensor,
    second: torch.Tensor,
) -> torch.Tensor:
    """The gradient of the loss of the aim under chosen pairs (n, views); it updates their `margins`."""
    views = first.shape[1]
    with tracked(masked.device):
        content = content.detach().requires_grad_()
        attacked = torch.where(trials.regions, content, trials.images).repeat_interleave(views, dim=0)
        scores = masked.scores(attacked, first.flatten(), second.flatten())
        labels, targets = (names.repeat_interleave(views) for names in (trials.labels, trials.targets))
        gradient = slopes(aim.loss(scores, first.flatten(), labels, targets), content)
    current = margin_of(scores.detach(), labels).reshape(first.shape).to(margins)
    number, view = torch.nonzero(first != NOTHING, as_tuple=True)
    one, other, values = first[number, view], second[number, view], current[number, view]
    margins[number, one, other] = values
    margins[number, other, one] = values
    return gradient


def _visible(hidden: torch.Tensor, regions: torch.Tensor) -> torch.Tensor:
    """Which pairs of masks leave a part of each region visible: bool (n, masks, masks)."""
    shown = ~hidden.flatten(1)
    visible = []
    for region in regions.flatten(1):
        pixels = shown[:, region].float()
        visible.append(pixels @ pixels.T > 0)
    return torch.stack(visible)
