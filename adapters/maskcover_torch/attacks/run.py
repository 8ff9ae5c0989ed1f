"""Runs the attempts of an attack: on which image, where and in what order; the defence judges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from maskcover.cells import BoolArray
from maskcover.certification import predict_with
from maskcover.classifiers import MaskedClassifier, evaluator_of
from maskcover.defense import Answer, Procedure, includes
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover_torch.attacks.aims import Aim, aim_of
from maskcover_torch.attacks.ascent import Budget, Trials, ascent
from maskcover_torch.attacks.masked import MaskedScores, ScoresMasked
from maskcover_torch.attacks.outcomes import Attacked
from maskcover_torch.attacks.placements import Candidates, Placement, bitmap
from maskcover_torch.model import TorchModel


@dataclass(frozen=True, slots=True, eq=False)
class AttackPlan:
    """Where to attack a group of images and towards which labels, from the two-mask tables of the clean images.

    `places`: for each image its placements, in the order of trial. `wrong`, `margins`: see `MaskedScores`.
    """

    places: list[list[Placement]]
    wrong: torch.Tensor
    margins: torch.Tensor

    def attempts(self, restarts: int) -> Iterator[tuple[int, int]]:
        """The attempts (rank of the placement, rank of the wrong label), all placements before any restart."""
        for restart in range(restarts):
            for rank in range(max(map(len, self.places))):
                yield rank, restart % self.wrong.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class AttackRun:
    """An attack on many images: its settings, and two random generators that every attempt advances."""

    classifier: MaskedClassifier
    masks: MaskSet
    drawn: MaskSet
    masked: MaskedScores
    candidates: Candidates
    budget: Budget
    placements: int
    restarts: int
    random: np.random.Generator
    generator: torch.Generator
    procedure: Procedure
    aim: Aim

    @classmethod
    def of(
        cls,
        classifier: MaskedClassifier,
        masks: MaskSet,
        drawn: tuple[MaskSet, RegionSet],
        budget: Budget,
        placements: int,
        restarts: int,
        seed: int,
        procedure: Procedure,
    ) -> AttackRun:
        """The run with a seed; see `attack_by_gradient` for the arguments.

        `drawn` is the masks and the regions in the frame of the images: see `HidesElsewhere`.
        """
        random = np.random.default_rng(seed)
        on_images, regions = drawn
        candidates = Candidates.of(regions, on_images, random)
        # On the CPU, so that the same seed gives the same noise on every device.
        generator = torch.Generator().manual_seed(seed)
        if isinstance(classifier, ScoresMasked):
            masked = classifier.masked_scores(masks, procedure.views)
        elif isinstance(classifier, TorchModel):
            masked = MaskedScores(classifier, masks, procedure.views)
        else:
            raise InvalidInput(f"{type(classifier).__name__} gives no masked predictions with gradients to attack by")
        return cls(
            classifier, masks, on_images, masked, candidates, budget, placements, restarts, random, generator,
            procedure, aim_of(procedure, masks),
        )  # fmt: skip

    def attacked(self, images: torch.Tensor, labels: torch.Tensor, claimed: BoolArray) -> list[Attacked]:
        """The outcomes of a group of images; each that is not broken yet gets one attempt at a time."""
        images, labels = images.to(self.masked.device), labels.to(self.masked.device)
        # The judge comes first: it also says in words what is wrong with a model or a fill.
        outcomes = self._before(images, labels, claimed)
        plan = self._plan(images, labels)
        for rank, target in plan.attempts(self.restarts):
            chosen = [n for n, outcome in enumerate(outcomes) if not outcome.broken and rank < len(plan.places[n])]
            if not chosen:
                continue
            places = [plan.places[n][rank] for n in chosen]
            regions = np.stack([bitmap(place, self.drawn.grid) for place in places])[:, None]
            painted = torch.from_numpy(regions).to(images.device)
            rows = torch.tensor(chosen, device=images.device)
            trials = Trials(images[rows], painted, labels[rows], plan.wrong[rows, target], plan.margins[rows])
            for n, place, attempt in zip(chosen, places, self._tried(trials), strict=True):
                outcomes[n] = _after(outcomes[n], place, attempt)
        return outcomes

    def _plan(self, images: torch.Tensor, labels: torch.Tensor) -> AttackPlan:
        wrong, margins = self.masked.likeliest(images, labels), self.masked.margins(images, labels)
        rows = margins.amin(dim=2).cpu().numpy()
        slopes = self.masked.saliency(images, labels).double().cpu().numpy()
        places = [
            self.candidates.chosen(row, slope, self.placements, self.random, self.aim)
            for row, slope in zip(rows, slopes, strict=True)
        ]
        return AttackPlan(places, wrong, margins)

    def _before(self, images: torch.Tensor, labels: torch.Tensor, claimed: BoolArray) -> list[Attacked]:
        """The outcomes before any attempt: broken if the defended label of the clean image is wrong."""
        outcomes = []
        for image, label, answer, claim in zip(images, labels.tolist(), self._judged(images), claimed, strict=True):
            broken = image.cpu() if _is_wrong(answer, label) else None
            outcomes.append(Attacked(label, bool(claim), _label(answer, label), broken, (), attempts=0, steps=0))
        return outcomes

    def _tried(self, trials: Trials) -> list[_Attempt]:
        """The outcomes of a batch of attempts; each one ends at its first success."""
        attempts = [_Attempt(int(label), None, 0) for label in trials.labels]
        unbroken = list(range(len(attempts)))
        for steps, attacked in ascent(self.masked, trials, self.budget, self.generator, self.aim):
            for n, answer in zip(unbroken, self._judged(attacked[unbroken]), strict=True):
                label = int(trials.labels[n])
                success = _is_wrong(answer, label)
                attempts[n] = _Attempt(_label(answer, label), attacked[n].cpu() if success else None, steps)
            unbroken = [n for n in unbroken if attempts[n].image is None]
            if not unbroken:
                break
        return attempts

    def _judged(self, images: torch.Tensor) -> list[Answer]:
        """The answers of the defence; the only judge of an attack."""
        return predict_with(evaluator_of(self.classifier, self.masks), list(images), self.procedure)


def _is_wrong(answer: Answer, label: int) -> bool:
    """Whether the defence gave other labels than the true one, or none, without an alert."""
    return not includes(answer, label) and not answer.alert


def _label(answer: Answer, label: int) -> int:
    """The label of an answer: of several the true one if it is among them, else the first."""
    return label if includes(answer, label) else answer.label


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    """The outcome of one attempt: the last defended label, the image if that is wrong, the number of steps."""

    label: int
    image: torch.Tensor | None
    steps: int


def _after(before: Attacked, place: Placement, attempt: _Attempt) -> Attacked:
    return replace(
        before,
        defended=attempt.label,
        image=attempt.image,
        placement=() if attempt.image is None else place,
        attempts=before.attempts + 1,
        steps=before.steps + attempt.steps,
    )
