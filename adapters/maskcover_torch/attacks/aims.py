"""The aims of an attack, one for each kind of procedure: which masked predictions to push, and in which direction.

- Double and challenger masking: the one-mask majority and the second rounds that still resist, see `TwoRounds`; with a
  first round by pairs its unions too.
- Votes and robust masking: every view that the patch touches gives the target more, and the true label less.
- Detection: the bare label becomes the target, and every mask that shows a part of the patch keeps silent about it: it
  says the target too, or another label with too little confidence for an alert.
- The first k labels, by votes: the touched views are shared out among k wrong labels. By detection: the true label
  falls behind k others in the image as it is, and no mask that shows a part of the patch is sure of it.
- Interval certification: the bare label alone.
- Other procedures that ask single masks only: the bare label, and every mask that shows a part of the patch.

An aim guides an attack and judges nothing; see `maskcover_torch.attacks.run`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import cross_entropy

from maskcover.cells import BoolArray
from maskcover.classifiers.observations import Evidence
from maskcover.defense import Detection, Intervals, Procedure, RobustMasking, Voting
from maskcover.masks import MaskSet, Views

FloatArray = npt.NDArray[np.floating[Any]]
Pairs = tuple[torch.Tensor, torch.Tensor]
Loss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""From scores (rows, classes), true labels and targets, int64 (rows,), to the loss of each row, (rows,)."""

NOTHING = -1  # as the number of a mask: nothing is hidden
_AHEAD = 1e-3  # of scores: a tie is not yet ahead
_NOISE = 0.05  # of the largest score: predictions whose margins are this close take turns


class Aim(Protocol):
    """What an attack on a procedure pushes."""

    @property
    def by_masks(self) -> bool:
        """Whether certifying masks protect the placements inside them."""

    def pairs(self, margins: torch.Tensor, visible: torch.Tensor, views: int, generator: torch.Generator) -> Pairs:
        """The pairs of masks to look at in a step, two int64 (n, views at most); `NOTHING` for no mask.

        Args:
            margins: Margins of the true label as they were computed last, (n, masks, masks).
            visible: Which pairs of masks leave a part of the patch visible, bool (n, masks, masks).
            views: The number of masked predictions of a step.
            generator: For the choice among many.
        """

    def loss(
        self, scores: torch.Tensor, first: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor
    ) -> torch.Tensor:
        """The number to make small.

        Args:
            scores: (rows, classes).
            first: The first mask of each row, int64 (rows,).
            labels, targets: The true labels and the wrong labels to push to, int64 (rows,).
        """

    def strength(self, rows: FloatArray, inside: BoolArray) -> FloatArray:
        """How well each placement is protected, (placements,); those of 0 or less are open to attack.

        Args:
            rows: The smallest margin of the true label in the row of each mask, (masks,).
            inside: Which masks contain which placement, bool (placements, masks).
        """


def aim_of(procedure: Procedure, masks: MaskSet | None = None) -> Aim:
    """The aim of an attack on a procedure; the masks are needed only for one with a first round.

    >>> from maskcover import ChallengerMasking
    >>> aim_of(ChallengerMasking()), aim_of(Voting()).bare, aim_of(Detection(0.5)).bare
    (TwoRounds(first_round=(), masks=None, levels=()), False, True)
    """
    if procedure.views is Views.PAIRS:
        if masks is None:
            return TwoRounds()
        rounds = np.concatenate([np.empty((0, 2), np.int64), *procedure.first_rounds(masks)])
        levels = [tuple(level.tolist()) for level in masks.level_numbers] if procedure.maps_itself else []
        return TwoRounds(tuple(map(tuple, rounds.tolist())), len(masks) if levels else None, tuple(levels))
    if isinstance(procedure, Voting | RobustMasking):
        observed = procedure.observation
        of_mask = _outscored(observed) if isinstance(observed, Evidence) else _to_target
        return SingleViews(of_mask, bare=False, places=getattr(procedure, "top", 1))
    if isinstance(procedure, Detection) and procedure.top > 1:
        return SingleViews(_unsure_of_it(procedure), bare=True, of_bare=_behind(procedure.top))
    if isinstance(procedure, Detection):
        return SingleViews(_silent(procedure), bare=True)
    if isinstance(procedure, Intervals):
        return SingleViews(_no_loss, bare=True)
    return SingleViews(_to_target, bare=True)


@dataclass(frozen=True, slots=True)
class TwoRounds:
    """The aim of an attack on Algorithm 1; see `maskcover_torch.attacks.ascent`.

    Args:
        first_round: The pairs of masks of the first rounds, which must not agree on the true label.
        masks: The number of masks, which those of levels follow; None without levels.
        levels: The numbers of the masks of each level.
    """

    first_round: tuple[tuple[int, int], ...] = ()
    masks: int | None = None
    levels: tuple[tuple[int, ...], ...] = ()

    @property
    def by_masks(self) -> bool:
        """True: those whose row is right."""
        return True

    def pairs(self, margins: torch.Tensor, visible: torch.Tensor, views: int, generator: torch.Generator) -> Pairs:
        """Single masks for the majority, half of them unions of a first round if there is one; then second rounds."""
        noise = _NOISE * uniform(margins.shape, generator).to(margins)
        count = margins.shape[1]
        firsts = min((views + 1) // 4, len(self.first_round))
        singles, rounds = min((views + 1) // 2 - firsts, count), min(views // 2, count)
        open_rows = visible.diagonal(dim1=1, dim2=2)
        clearest = (margins + noise).diagonal(dim1=1, dim2=2).masked_fill(~open_rows, -torch.inf)
        single = clearest.topk(singles, dim=1).indices
        weakest, entry = (margins + noise).masked_fill(~visible, torch.inf).min(dim=2)
        # A row with a wrong entry, even one that the patch cannot change, resists no longer.
        broken = margins.amin(dim=2) < 0
        # Broken rows come last, but they do come: a later step may turn them back to the true label.
        row = (weakest + 10.0 * broken).topk(rounds, dim=1, largest=False).indices
        chosen = [single, row], [single, entry.gather(1, row)]
        if firsts:
            one, other = torch.tensor(self.first_round, device=margins.device).T
            shown = (margins + noise)[:, one, other].masked_fill(~visible[:, one, other], -torch.inf)
            union = shown.topk(firsts, dim=1).indices
            chosen = [*chosen[0], one[union]], [*chosen[1], other[union]]
        return torch.cat(chosen[0], dim=1), torch.cat(chosen[1], dim=1)

    def loss(
        self,
        scores: torch.Tensor,
        first: torch.Tensor,  # noqa: ARG002  # see `Aim`
        labels: torch.Tensor,  # noqa: ARG002
        targets: torch.Tensor,
    ) -> torch.Tensor:
        """The cross entropy to the targets.

        A view that has the target label already has a small loss and a small gradient, so no view needs a weight.
        """
        return cross_entropy(scores, targets, reduction="sum")

    def strength(self, rows: FloatArray, inside: BoolArray) -> FloatArray:
        """The margin of the strongest mask that contains the placement, in the weakest level (docs/theory.md)."""
        strongest = np.where(inside, rows, -np.inf)
        groups = [strongest[:, : self.masks], *(strongest[:, list(level)] for level in self.levels)]
        return np.asarray(np.min([group.max(axis=1) for group in groups], axis=0), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class SingleViews:
    """The aim of an attack on a procedure that asks single masks only: all views that show a part of the patch.

    Args:
        of_mask: The loss of the prediction under a mask.
        bare: Whether the label with nothing hidden must become the target too. If not, views vote.
        of_bare: The loss of the prediction with nothing hidden; by default the cross entropy to the target.
        places: The number k of first labels from which views that vote must push the true one.
    """

    of_mask: Loss
    bare: bool
    of_bare: Loss | None = None
    places: int = 1

    @property
    def by_masks(self) -> bool:
        """Whether certifying masks protect the placements inside them; views that vote do not."""
        return self.bare

    def pairs(self, margins: torch.Tensor, visible: torch.Tensor, views: int, generator: torch.Generator) -> Pairs:
        """Views that show a part of the patch, others at each step, and the image with nothing hidden."""
        touched = visible.diagonal(dim1=1, dim2=2)
        chances = uniform(touched.shape, generator).to(margins).masked_fill(~touched, -torch.inf)
        chosen = chances.topk(min(max(views - self.bare, 1), touched.shape[1]), dim=1).indices
        if self.bare:
            chosen = torch.cat([torch.full_like(chosen[:, :1], NOTHING), chosen], dim=1)
        return chosen, chosen

    def loss(
        self, scores: torch.Tensor, first: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor
    ) -> torch.Tensor:
        """The losses of the masks, and the cross entropy to the target where nothing is hidden."""
        of_bare = (self.of_bare or _to_target)(scores, labels, targets)
        of_mask = self.of_mask(scores, labels, _shared_out(scores, first, labels, targets, self.places))
        return torch.where(first == NOTHING, of_bare, of_mask).sum()

    def strength(self, rows: FloatArray, inside: BoolArray) -> FloatArray:
        """For votes their lead if all that are touched or wrong are for one other class; else as for `TwoRounds`."""
        if self.bare:
            return TwoRounds().strength(rows, inside)
        return np.asarray(inside @ np.sign(rows) - (~inside).sum(axis=1), dtype=np.float64)


def _shared_out(
    scores: torch.Tensor, first: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor, places: int
) -> torch.Tensor:
    """The target of each row: of every `places` masks one has the target itself, the others the likeliest others."""
    if places == 1:
        return targets
    others = scores.detach().scatter(1, torch.stack([labels, targets], dim=1), -torch.inf)
    ranked = torch.cat([targets[:, None], others.topk(places - 1, dim=1).indices], dim=1)
    return ranked.gather(1, (first % places)[:, None]).squeeze(1)


def uniform(shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    """Random numbers from 0 to 1."""
    return torch.rand(shape, generator=generator)


def _to_target(scores: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:  # noqa: ARG001  # a `Loss`
    """The cross entropy to the target."""
    return cross_entropy(scores, targets, reduction="none")


def _no_loss(scores: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:  # noqa: ARG001  # a `Loss`
    """No loss: what is said under masks decides nothing."""
    return 0.0 * scores.sum(dim=1)


def _outscored(evidence: Evidence) -> Loss:
    """The loss by which the evidence for the target grows, and that for the true label shrinks, within their range."""

    def loss(scores: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        values = scores
        if evidence.kind == "confidence":
            values = scores.softmax(dim=1)
        elif evidence.kind == "tanh":
            values = torch.tanh(evidence.numbers[0] * scores + evidence.numbers[1])
        own, target = (values.gather(1, names[:, None]).squeeze(1) for names in (labels, targets))
        # What is beyond its range already needs no push; what is beyond the other end still does.
        low, high = evidence.low / Evidence.STEPS, evidence.high / Evidence.STEPS
        return torch.relu(own - low) + torch.relu(high - target)

    return loss


def _silent(procedure: Detection) -> Loss:
    """The loss of a mask that must raise no alert."""
    threshold = procedure.threshold
    unsure_is_silent = threshold > (procedure.alert_below or 0.0)

    def loss(scores: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        to_target = _to_target(scores, labels, targets)
        if not unsure_is_silent:
            return to_target
        # A confidence below the threshold raises no alert either; the way that is shorter counts.
        too_sure = torch.relu(scores.log_softmax(dim=1).amax(dim=1) - log(threshold))
        return torch.minimum(to_target, too_sure)

    return loss


def _behind(places: int) -> Loss:
    """The loss by which the true label falls behind this number of others."""

    def loss(scores: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:  # noqa: ARG001  # a `Loss`
        own = scores.gather(1, labels[:, None]).squeeze(1)
        others = scores.scatter(1, labels[:, None], -torch.inf).topk(places, dim=1).values[:, -1]
        return torch.relu(own - others + _AHEAD)

    return loss


def _unsure_of_it(procedure: Detection) -> Loss:
    """The loss of a mask that must not have the true label among those that it is sure of."""
    behind = _behind(procedure.top)

    def loss(scores: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        out = behind(scores, labels, targets)
        if not procedure.threshold:
            return out
        own = scores.log_softmax(dim=1).gather(1, labels[:, None]).squeeze(1)
        return torch.minimum(out, torch.relu(own - log(procedure.threshold)))

    return loss
