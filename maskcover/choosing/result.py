"""`Choice`: the winner, all that was tried, how optimistic the winner's figure is, and which images chose."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from maskcover.canonical import digest
from maskcover.certification import CertificationResult, certify
from maskcover.choosing.assessment import Assessment
from maskcover.choosing.budget import Budget
from maskcover.choosing.ranking import FOLDS, Dropped, affordable, cost_measure, front
from maskcover.classifiers.evaluation import Images
from maskcover.data import Chosen
from maskcover.defense import Procedure
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover.runs.pixels import pixel_digest
from maskcover.terminal import counted


@dataclass(frozen=True, slots=True)
class ChoosingImages:
    """The images that chose, so that a later report can name them (threats.md, 51).

    Args:
        digests: A digest of the pixels of each image as the model takes it; empty texts where an image has no pixels.
        source: A description of the data, if they have one.
        chosen: How they were chosen among more, if the data say so.
    """

    digests: tuple[str, ...] = field(repr=False)
    source: str | None = None
    chosen: Chosen | None = None

    @classmethod
    def of(cls, images: Images, source: str | None = None) -> ChoosingImages:
        """The record of images, each of which is fetched once."""
        digests = tuple(pixel_digest(images[number]) for number in range(len(images)))
        return cls(digests, source, getattr(images, "chosen", None))

    def __len__(self) -> int:
        return len(self.digests)

    @property
    def digest(self) -> str:
        """One digest of all of them; their order does not matter."""
        return digest(sorted(self.digests))

    def expect_others(self, images: Images) -> None:
        """Raise `InvalidInput` if any of these images chose; warn if they have no pixels to compare."""
        choosing = set(self.digests) - {""}
        digests = self.of(images).digests
        same = [number for number, text in enumerate(digests) if text in choosing]
        if same:
            raise InvalidInput(
                f"{counted(len(same), 'image')} of these {len(images):,} also chose the masks, the first at place "
                f"{same[0]}; certify the winner on images that had no part in the choice"
            )
        if "" in self.digests or "" in digests:
            warnings.warn(
                MaskcoverWarning(
                    "images of this kind have no pixels that can be compared here; make sure that none of them chose "
                    "the masks"
                ),
                stacklevel=3,
            )

    def document(self) -> dict[str, Any]:
        """As JSON."""
        chosen = None if self.chosen is None else self.chosen.document()
        return {"count": len(self), "digest": self.digest, "data": self.source, "sample": chosen}

    def __str__(self) -> str:
        of = "" if self.source is None else f" of {self.source}"
        sample = "" if self.chosen is None else f" ({self.chosen})"
        return f"{counted(len(self), 'image')}{of}{sample}, digest {self.digest}"


@dataclass(frozen=True)
class Choice:
    """The result of `choose`: the winner first, then all other candidates that were tried on all images.

    Args:
        regions: What the attacker may overwrite.
        budget: The budget; None if none was named.
        ranking: The candidates that saw all images, best first: those within the budget come before all others.
        dropped: The candidates that were given up early, each with what was seen of it.
        cross_fitted: The certified fraction of winners on images that did not choose them, by cross-fitting.
        images: The images that chose.
        predictions: Masked predictions that were made.
        separate_predictions: Masked predictions that the candidates would have needed, each by itself.
        numerics: How predictions repeat, in words, for each fill.
        min_margin: The margin that was typed; None if there was none.
        options: The options of the adapter, without the fill; None if the model was a classifier already.

    `str` gives the report, `document` the same as JSON.

    >>> import numpy as np
    >>> import maskcover as mc
    >>> def brightness(images):
    ...     mean = images.mean(axis=(1, 2))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> images = np.stack([np.zeros((12, 12)), np.ones((12, 12))])
    >>> texts = ["grid(2, 2)", "grid(3, 3)"]
    >>> choice = mc.choose(brightness, images, [0, 1], "squares(size=3)", candidates=texts, fill=0.5)
    >>> len(choice.masks), choice.procedure, len(choice.images), choice.optimism
    (4, DoubleMasking(rule='rows', exhaustive=False, first_round=None), 2, 0.0)
    """

    regions: RegionSet
    budget: Budget | None
    ranking: tuple[Assessment, ...]
    dropped: tuple[Dropped, ...]
    cross_fitted: float | None
    images: ChoosingImages
    predictions: int
    separate_predictions: int
    numerics: str
    options: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)
    min_margin: float | None = None

    @property
    def winner(self) -> Assessment:
        """The chosen candidate with its figures on the images that chose it, which are optimistic."""
        return self.ranking[0]

    @property
    def masks(self) -> MaskSet:
        """The chosen mask set."""
        return self.winner.candidate.masks

    @property
    def procedure(self) -> Procedure:
        """The chosen procedure."""
        return self.winner.candidate.procedure

    @property
    def fill(self) -> Any:
        """The chosen fill; None if no fills were listed."""
        return self.winner.candidate.fill

    @property
    def optimism(self) -> float | None:
        """The selection effect: the winner's certified fraction less the cross-fitted one; None for a single image."""
        return None if self.cross_fitted is None else self.winner.certified_fraction - self.cross_fitted

    @property
    def cleaner(self) -> Assessment | None:
        """The candidate within the budget with most right answers, if it is surely more often right than the winner.

        Surely means that the 95 % intervals of the clean fraction do not meet; None if there is no such candidate.
        """
        within = [assessment for assessment in self.ranking if affordable(assessment, self.budget)]
        most = max(within, key=lambda assessment: int(assessment.right.sum()))
        return most if most.clean_interval[0] > self.winner.clean_interval[1] else None

    @property
    def front(self) -> tuple[Assessment, ...]:
        """The Pareto front of certified fraction against cost, cheapest first."""
        return front(self.ranking, cost_measure(self.budget)[0])

    def certify(self, model: object, images: Images, labels: npt.ArrayLike, **options: Any) -> CertificationResult:
        """Certify the winner on other images; arguments as for `maskcover.certify`.

        The options of the adapter and the margin are those that `choose` had, the fill included, unless others are
        named.

        Raises:
            InvalidInput: some of the images chose the masks (their pixels are compared).
        """
        self.images.expect_others(images)
        kept = dict(self.options or {}) | ({} if self.fill is None or self.options is None else {"fill": self.fill})
        return certify(
            model,
            images,
            labels,
            self.masks,
            regions=self.regions,
            procedure=self.procedure,
            **{"min_margin": self.min_margin} | kept | options,
        )

    def document(self) -> dict[str, Any]:
        """As JSON."""
        budget = self.budget
        return {
            "regions": str(self.regions),
            "budget": None
            if budget is None
            else {"measure": budget.measure, "amount": budget.amount, "over": budget.over},
            "winner": self.winner.document(),
            "cleaner": None if self.cleaner is None else str(self.cleaner.candidate),
            "cross_fitted": self.cross_fitted,
            "optimism": self.optimism,
            "chosen_by": self.images.document(),
            "candidates": [
                assessment.document() | {"affordable": affordable(assessment, budget)} for assessment in self.ranking
            ],
            "front": [str(assessment.candidate) for assessment in self.front],
            "dropped": [dropped.assessment.document() | {"reason": dropped.reason} for dropped in self.dropped],
            "predictions": self.predictions,
            "separate_predictions": self.separate_predictions,
            "numerics": self.numerics,
        }

    def __str__(self) -> str:
        return "\n".join([*self._summary(), *self._table(), *self._dropped(), *self._basis()])

    def _summary(self) -> list[str]:
        winner, count = self.winner, len(self.winner)
        low, high = winner.certified_interval
        clean_low, clean_high = winner.clean_interval
        budget = "no budget" if self.budget is None else str(self.budget)
        area = self.masks.largest_hidden_area / self.masks.grid.size
        lines = [
            f"chosen: {winner.candidate} ({counted(len(self.masks), 'mask')}, the largest hides {area:.1%})",
            f"  against {self.regions} on {self.masks.grid}; budget: {budget}",
            f"  certified {int(winner.certified.sum()):,} of {count:,} ({winner.certified_fraction:.1%}, 95 % interval "
            f"{low:.1%} to {high:.1%}), right with the defence on {int(winner.right.sum()):,} "
            f"({winner.clean_fraction:.1%}, {clean_low:.1%} to {clean_high:.1%})",
        ]
        if (cleaner := self.cleaner) is not None:
            lines.append(
                f"  it pays with clean accuracy: {cleaner.candidate} is right on {cleaner.clean_fraction:.1%} and "
                f"certifies {cleaner.certified_fraction:.1%}"
            )
        if self.optimism is None or self.cross_fitted is None:
            return [*lines, "  these figures are optimistic: the images that they count also chose"]
        return [
            *lines,
            "  these figures are optimistic: the images that they count also chose. Certify the winner on other images",
            f"  chosen on some of the images and counted on the others ({min(FOLDS, count)} folds), winners certify "
            f"{self.cross_fitted:.1%}: the choice itself adds {100 * self.optimism:+.1f} points",
        ]

    def _table(self) -> list[str]:
        names = [str(assessment.candidate) for assessment in self.ranking]
        width = max(map(len, ["candidate", *names]))
        efficient = {id(assessment) for assessment in self.front}
        header = f"   {'candidate':<{width}}  certified (95 %)        clean  serving mean, most  certifying       ms"
        return [
            header,
            *(self._row(assessment, width, on_front=id(assessment) in efficient) for assessment in self.ranking),
        ]

    def _row(self, assessment: Assessment, width: int, *, on_front: bool) -> str:
        low, high = assessment.certified_interval
        mark = ("*" if on_front else " ") + (" " if affordable(assessment, self.budget) else "!")
        return (
            f"{mark} {assessment.candidate!s:<{width}}  {assessment.certified_fraction:>6.1%} "
            f"({low:>5.1%}-{high:>6.1%})  {assessment.clean_fraction:>6.1%}  {assessment.cost('serving'):>11,.1f} "
            f"{assessment.cost('serving', 'most'):>6,.0f}  {assessment.cost('certifying'):>10,.1f}"
            f"  {assessment.cost('milliseconds'):>7,.1f}"
        )

    def _dropped(self) -> list[str]:
        return [
            f"given up after {counted(len(dropped.assessment), 'image')} "
            f"({int(dropped.assessment.certified.sum())} certified): {dropped.assessment.candidate}: {dropped.reason}"
            for dropped in self.dropped
        ]

    def _basis(self) -> list[str]:
        speed = self.winner.speed
        over = (
            "" if all(affordable(assessment, self.budget) for assessment in self.ranking) else " (! = above the budget)"
        )
        return [
            f"* = on the Pareto front{over}. ms: of one image served by itself, in batches of "
            f"{counted(speed.batch_size, 'row')} that take {speed.milliseconds:,.2f} ms each on this machine; "
            f"{self.numerics}",
            f"{self.predictions:,} masked predictions were made; each candidate by itself would have needed "
            f"{self.separate_predictions:,} in all",
            f"chosen by {self.images}",
        ]
