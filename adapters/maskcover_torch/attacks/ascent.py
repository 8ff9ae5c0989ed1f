"""Finds what to paint: projected sign gradient on the masked predictions that still resist a patch.

By Algorithm 1 a patch succeeds if the one-mask majority is wrong and no row of the two-mask table is unanimous for the
true label y. A mask that hides the whole patch has a row that the patch cannot change; every other row is *open*. So
each step looks at two kinds of predictions, both pushed to a target label t:

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
from torch.nn.functional import cross_entropy

from maskcover_torch.attacks.masked import MaskedScores, margin_of, slopes, tracked

_MOMENTUM = 0.75
_FIRST_STEP = 0.2  # of the value range; from there down to nearly nothing, along a cosine
_JUDGE_EVERY = 10  # steps: judging an image costs about as much as ten of them
_NOISE = 0.05  # of the largest score: predictions whose margins are this close take turns


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
    masked: MaskedScores, trials: Trials, budget: Budget, generator: torch.Generator
) -> Iterator[tuple[int, torch.Tensor]]:
    """Attacked images to judge, with the number of steps so far: a few on the way, and the last ones."""
    low, high = budget.low.to(trials.images), budget.high.to(trials.images)
    content = low + (high - low) * _uniform(trials.images.shape, generator).to(trials.images)
    velocity = torch.zeros_like(content)
    visible = _visible(masked.hidden, trials.regions)
    margins = trials.margins.clone()
    for step in range(budget.steps):
        pairs = _chosen_pairs(margins, visible, budget.views, generator)
        velocity = _MOMENTUM * velocity + _gradient(masked, trials, content, margins, *pairs).sign()
        size = _FIRST_STEP * (1 + cos(pi * step / budget.steps)) / 2
        content = torch.clamp(content - size * (high - low) * velocity.sign(), low, high)
        if (step + 1) % _JUDGE_EVERY == 0 or step + 1 == budget.steps:
            yield step + 1, torch.where(trials.regions, content, trials.images)


def _gradient(
    masked: MaskedScores,
    trials: Trials,
    content: torch.Tensor,
    margins: torch.Tensor,
    first: torch.Tensor,
    second: torch.Tensor,
) -> torch.Tensor:
    """The gradient of the cross entropy to the targets under chosen pairs (n, views); it updates their `margins`.

    A view that has the target label already has a small loss and a small gradient, so no view needs a weight.
    """
    views = first.shape[1]
    with tracked(masked.device):
        content = content.detach().requires_grad_()
        attacked = torch.where(trials.regions, content, trials.images).repeat_interleave(views, dim=0)
        scores = masked.scores(attacked, first.flatten(), second.flatten())
        loss = cross_entropy(scores, trials.targets.repeat_interleave(views), reduction="sum")
        gradient = slopes(loss, content)
    current = margin_of(scores.detach(), trials.labels.repeat_interleave(views)).reshape(first.shape).to(margins)
    number = torch.arange(len(margins), device=margins.device)[:, None]
    margins[number, first, second] = current
    margins[number, second, first] = current
    return gradient


def _chosen_pairs(
    margins: torch.Tensor, visible: torch.Tensor, views: int, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """The pairs of masks to look at, two int64 (n, views): single masks for the majority, then second rounds."""
    noise = _NOISE * _uniform(margins.shape, generator).to(margins)
    count = margins.shape[1]
    singles, rounds = min((views + 1) // 2, count), min(views // 2, count)
    open_rows = visible.diagonal(dim1=1, dim2=2)
    clearest = (margins + noise).diagonal(dim1=1, dim2=2).masked_fill(~open_rows, -torch.inf)
    single = clearest.topk(singles, dim=1).indices
    weakest, entry = (margins + noise).masked_fill(~visible, torch.inf).min(dim=2)
    # A row with a wrong entry, even one that the patch cannot change, resists no longer.
    broken = margins.amin(dim=2) < 0
    # Broken rows come last, but they do come: a later step may turn them back to the true label.
    row = (weakest + 10.0 * broken).topk(rounds, dim=1, largest=False).indices
    return torch.cat([single, row], dim=1), torch.cat([single, entry.gather(1, row)], dim=1)


def _visible(hidden: torch.Tensor, regions: torch.Tensor) -> torch.Tensor:
    """Which pairs of masks leave a part of each region visible: bool (n, masks, masks)."""
    shown = ~hidden.flatten(1)
    visible = []
    for region in regions.flatten(1):
        pixels = shown[:, region].float()
        visible.append(pixels @ pixels.T > 0)
    return torch.stack(visible)


def _uniform(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(shape, generator=generator)
