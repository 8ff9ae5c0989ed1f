"""`attack_labels`: an adaptive white-box attack on a defended model with several labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from maskcover.cells import BoolArray
from maskcover.certification import certify, predict_with
from maskcover.classifiers import MaskedClassifier, evaluator_of
from maskcover.classifiers.evaluation import Images
from maskcover.defense import MultiLabel, SeveralLabels
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover_torch.attacks.ascent import Budget
from maskcover_torch.attacks.inputs import claimed_regions, stacked, value_range, whole
from maskcover_torch.attacks.masked import MaskedScores, tracked
from maskcover_torch.attacks.placements import Candidates, Placement, bitmap
from maskcover_torch.model import Fill, TorchModel


@dataclass(frozen=True, slots=True, eq=False)
class LabelAttackReport:
    """The outcomes of an attack on images with several labels.

    Args:
        masks, regions: The masks of the defence, and the regions that were attacked.
        certified: Which answers were claimed to be certified, bool (images, classes).
        truths: Which classes are present in truth, bool (images, classes).
        wrong: For each image the sets of classes that one attacked image had answered wrongly at once, the first one
            without an attack; bool (sets, classes) each.
    """

    masks: MaskSet
    regions: RegionSet
    certified: BoolArray
    truths: BoolArray
    wrong: tuple[BoolArray, ...]

    @property
    def broken(self) -> BoolArray:
        """Which answers were wrong, with or without an attack; bool (images, classes)."""
        return np.array([sets.any(axis=0) for sets in self.wrong], dtype=np.bool_).reshape(self.truths.shape)

    @property
    def refutations(self) -> tuple[int, ...]:
        """Numbers of the images with a broken answer that was claimed to be certified: each refutes the claim."""
        return tuple(np.flatnonzero((self.certified & self.broken).any(axis=1)).tolist())

    @property
    def attempts(self) -> int:
        """The number of attacked images that the defence judged."""
        return sum(len(sets) - 1 for sets in self.wrong)

    def __len__(self) -> int:
        return len(self.wrong)

    def __str__(self) -> str:
        kinds = {"true positives": self.truths, "absences": ~self.truths}
        lines = [
            f"  {name}: {int((kind & self.certified & self.broken).sum())} of {int((kind & self.certified).sum())} "
            f"certified broken, {int((kind & ~self.certified & self.broken).sum())} of "
            f"{int((kind & ~self.certified).sum())} others"
            for name, kind in kinds.items()
        ]
        head = (
            f"{self.attempts} attacks within {self.regions} on {self.masks.grid}, defended by {len(self.masks)} masks"
        )
        return "\n".join([head, *lines])


def attack_labels(
    classifier: TorchModel,
    images: Images,
    labels: npt.ArrayLike,
    masks: MaskSet,
    *,
    procedure: MultiLabel,
    regions: RegionSet | str | None = None,
    certified: npt.ArrayLike | None = None,
    placements: int = 8,
    restarts: int = 1,
    steps: int = 40,
    views: int = 8,
    low: Fill = 0.0,
    high: Fill = 1.0,
    seed: int = 0,
) -> LabelAttackReport:
    """Try to make the defended model lose classes that are present, and find classes that are absent.

    An attempt takes one placement of the region set and one class, and paints the placement by projected sign gradient:
    the score of the class goes down, or up, under pairs of masks. The defence judges each painted image, and all wrong
    answers count, also those that were no aim.

    Args:
        classifier: The model with its fill and its batch size.
        images: Float images (channels, height, width), as the model takes them.
        labels: Whether each class is present, bool (images, classes).
        masks: The masks of the defence.
        procedure: The defence, with its thresholds.
        regions: What may be overwritten; by default what the masks claim to cover.
        certified: Which answers are claimed to be certified, bool (images, classes); by default those that `certify`
            certifies.
        placements, restarts, steps, views, low, high, seed: As for `attack_by_gradient`.
    """
    for name, number in {"placements": placements, "restarts": restarts, "steps": steps, "views": views}.items():
        whole(name, number)
    region_set = claimed_regions(masks, regions)
    with torch.inference_mode(False):
        pixels = stacked(images, masks.grid.shape)
        truths = _flags("labels", labels, len(pixels))
        if certified is None:
            claimed = certify(
                classifier, list(pixels), truths, masks, task="multilabel", regions=region_set, procedure=procedure
            ).certified
        else:
            claimed = _flags("certified", certified, len(pixels))
        budget = Budget(*value_range(low, high, pixels), steps, views)
        run = _Run.of(classifier, masks, region_set, procedure, budget, seed)
        wrong = [run.attacked(*pair, placements, restarts) for pair in zip(pixels, truths, strict=True)]
    return LabelAttackReport(masks, region_set, claimed, truths, tuple(wrong))


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """An attack on many images: its settings, and the random generator that every attempt advances."""

    classifier: MaskedClassifier
    masks: MaskSet
    masked: MaskedScores
    placements: tuple[Placement, ...]
    procedure: MultiLabel
    budget: Budget
    random: np.random.Generator

    @classmethod
    def of(
        cls,
        classifier: TorchModel,
        masks: MaskSet,
        regions: RegionSet,
        procedure: MultiLabel,
        budget: Budget,
        seed: int,
    ) -> _Run:
        """The run with a seed."""
        random = np.random.default_rng(seed)
        masked = MaskedScores(classifier, masks, procedure.views)
        places = tuple(Candidates.of(regions, masks, random).placements)
        return cls(classifier, masks, masked, places, procedure, budget, random)

    def attacked(self, image: torch.Tensor, truth: BoolArray, placements: int, restarts: int) -> BoolArray:
        """The sets of classes that are answered wrongly: without an attack, and after each attempt."""
        attempts = list(self._attempts(image, truth, placements, restarts))
        answers = predict_with(evaluator_of(self.classifier, self.masks), [image.cpu(), *attempts], self.procedure)
        return np.stack([_wrong(answer, truth) for answer in answers])

    def _attempts(
        self, image: torch.Tensor, truth: BoolArray, placements: int, restarts: int
    ) -> Iterator[torch.Tensor]:
        count = min(placements, len(self.placements))
        for place in self.random.choice(len(self.placements), count, replace=False).tolist():
            painted = torch.from_numpy(bitmap(self.placements[place], self.masks.grid)).to(self.masked.device)
            for _ in range(restarts):
                for label in range(len(truth)):
                    yield self._painted(image, painted, label, present=bool(truth[label])).cpu()

    def _painted(self, image: torch.Tensor, painted: torch.Tensor, label: int, *, present: bool) -> torch.Tensor:
        """The image with one placement painted, so that a class goes away, or comes."""
        low, high = (torch.as_tensor(end).to(image).reshape(-1, 1, 1) for end in (self.budget.low, self.budget.high))
        noise = torch.from_numpy(self.random.random(tuple(image.shape))).to(image)
        attacked = torch.where(painted, low + noise * (high - low), image)
        sign = -1.0 if present else 1.0
        for step in range(self.budget.steps):
            pairs = torch.from_numpy(self.random.integers(-1, len(self.masks), (2, self.budget.views)))
            with tracked(self.masked.device):
                shown = attacked.expand(self.budget.views, *image.shape).detach().clone().requires_grad_()
                scores = self.masked.scores(shown, *pairs.to(self.masked.device))[:, label]
                (slope,) = torch.autograd.grad(scores.sum(), shown)
            size = (high - low) * 0.25 * (1 - step / self.budget.steps)
            moved = attacked + sign * size * slope.sum(dim=0).sign().to(attacked)
            attacked = torch.where(painted, torch.minimum(torch.maximum(moved, low), high), image)
        return attacked


def _wrong(answer: object, truth: BoolArray) -> BoolArray:
    """The classes that the defence answers wrongly, or not at all; bool (classes,)."""
    if not isinstance(answer, SeveralLabels):
        raise InvalidInput(f"expected an answer of several labels; got {answer}")
    return np.asarray((answer.present != truth) | ~answer.decided)


def _flags(name: str, values: npt.ArrayLike, count: int) -> BoolArray:
    """An array of 0 and 1 as bool (images, classes)."""
    flags = np.asarray(values)
    if flags.ndim != 2 or len(flags) != count or flags.dtype.kind not in "biu" or not np.isin(flags, (0, 1)).all():
        raise InvalidInput(f"{name} is bool, one row for each of {count} images; got {flags.dtype} of {flags.shape}")
    return flags.astype(np.bool_)
