"""The attempts of an attack: which image is tried where, in what order, and who judges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from maskcover.cells import BoolArray
from maskcover.certification import predict_with
from maskcover.defense import Answer, Procedure
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover_torch.attacks.ascent import Budget, Trials, ascent
from maskcover_torch.attacks.masked import MaskedScores
from maskcover_torch.attacks.outcomes import Attacked
from maskcover_torch.attacks.placements import Candidates, Placement, bitmap
from maskcover_torch.model import TorchModel


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Where and towards what to attack one group of images, from the two-mask tables of the clean images.

    `places`: for each image the placements in the order of their trial. `wrong`, `margins`: see `MaskedScores`.
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
class Run:
    """What is the same for all images, and the two sources of chance, which every attempt moves on."""

    classifier: TorchModel
    masks: MaskSet
    masked: MaskedScores
    candidates: Candidates
    budget: Budget
    placements: int
    restarts: int
    numbers: np.random.Generator
    generator: torch.Generator
    procedure: Procedure

    @classmethod
    def of(
        cls,
        classifier: TorchModel,
        masks: MaskSet,
        regions: RegionSet,
        budget: Budget,
        placements: int,
        restarts: int,
        seed: int,
        procedure: Procedure,
    ) -> Run:
        """The run of a seed; see `attack` for the arguments."""
        numbers = np.random.default_rng(seed)
        candidates = Candidates.of(regions, masks, numbers)
        # On the CPU, so that the same seed gives the same noise on every device.
        generator = torch.Generator().manual_seed(seed)
        masked = MaskedScores(classifier, masks, procedure.views)
        return cls(classifier, masks, masked, candidates, budget, placements, restarts, numbers, generator, procedure)

    def attacked(self, images: torch.Tensor, labels: torch.Tensor, claimed: BoolArray) -> list[Attacked]:
        """The outcomes of a group of images: one attempt at a time on each that is not broken yet."""
        images, labels = images.to(self.masked.device), labels.to(self.masked.device)
        # The judge comes first: it also says in words what is wrong with a model or a fill.
        outcomes = self._before(images, labels, claimed)
        plan = self._plan(images, labels)
        for rank, target in plan.attempts(self.restarts):
            chosen = [n for n, one in enumerate(outcomes) if not one.broken and rank < len(plan.places[n])]
            if not chosen:
                continue
            places = [plan.places[n][rank] for n in chosen]
            regions = np.stack([bitmap(place, self.masks.grid) for place in places])[:, None]
            painted = torch.from_numpy(regions).to(images.device)
            of = torch.tensor(chosen, device=images.device)
            trials = Trials(images[of], painted, labels[of], plan.wrong[of, target], plan.margins[of])
            for n, place, found in zip(chosen, places, self._tried(trials), strict=True):
                outcomes[n] = _after(outcomes[n], place, found)
        return outcomes

    def _plan(self, images: torch.Tensor, labels: torch.Tensor) -> Plan:
        wrong, margins = self.masked.likeliest(images, labels), self.masked.margins(images, labels)
        rows = margins.amin(dim=2).cpu().numpy()
        slopes = self.masked.saliency(images, labels).double().cpu().numpy()
        places = [self.candidates.chosen(*of, self.placements, self.numbers) for of in zip(rows, slopes, strict=True)]
        return Plan(places, wrong, margins)

    def _before(self, images: torch.Tensor, labels: torch.Tensor, claimed: BoolArray) -> list[Attacked]:
        """The outcomes before any attempt: broken where the defended label is wrong as it is."""
        outcomes = []
        for image, label, found, claim in zip(images, labels.tolist(), self._judged(images), claimed, strict=True):
            broken = image.cpu() if _is_wrong(found, label) else None
            outcomes.append(Attacked(label, bool(claim), found.label, broken, (), attempts=0, steps=0))
        return outcomes

    def _tried(self, trials: Trials) -> list[_Found]:
        """What came of attempts: judged at every look, the first success kept."""
        found = [_Found(int(label), None, 0) for label in trials.labels]
        left = list(range(len(found)))
        for made, attacked in ascent(self.masked, trials, self.budget, self.generator):
            for n, answer in zip(left, self._judged(attacked[left]), strict=True):
                success = _is_wrong(answer, int(trials.labels[n]))
                found[n] = _Found(answer.label, attacked[n].cpu() if success else None, made)
            left = [n for n in left if found[n].image is None]
            if not left:
                break
        return found

    def _judged(self, images: torch.Tensor) -> list[Answer]:
        """The answers of the defence; the only judge of an attack."""
        return predict_with(self.classifier.evaluator(self.masks), list(images), self.procedure)


def _is_wrong(answer: Answer, label: int) -> bool:
    """Whether the defence gave another label, or none, without an alert."""
    return answer.label != label and not answer.alert


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """The outcome of one attempt: the last defended label, the image if that is wrong, the steps made."""

    label: int
    image: torch.Tensor | None
    steps: int


def _after(before: Attacked, place: Placement, found: _Found) -> Attacked:
    return replace(
        before,
        defended=found.label,
        image=found.image,
        placement=() if found.image is None else place,
        attempts=before.attempts + 1,
        steps=before.steps + found.steps,
    )
