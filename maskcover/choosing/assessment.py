"""Assessments: the figures of one candidate on the images that it was tried on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, IntArray
from maskcover.certification import exact_interval
from maskcover.choosing.budget import Measure, Over
from maskcover.choosing.candidates import Candidate
from maskcover.choosing.sharing import ImageFigures

_interval = lru_cache(maxsize=4096)(exact_interval)  # the same counts come again in every round and comparison
_EMPTY_BITS: BoolArray = np.empty(0, dtype=np.bool_)
_EMPTY: IntArray = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Speed:
    """The speed of a classifier on this machine: rows of a batch, and milliseconds for one batch."""

    batch_size: int
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Assessment:
    """One candidate with its outcomes; all arrays have an entry for each image, in the order in which it was tried.

    Args:
        candidate: The candidate.
        speed: The speed of the classifier with the candidate's fill.
        certified: bool; whether no attack within the regions changes the answer from the true label.
        right: bool; whether the defended label of the clean image is the true one, and no scores were broken.
        serving: int64; masked predictions that the answer needs.
        batches: int64; batches in which they are made, for one image by itself.
        certifying: int64; masked predictions that the certificate and the answer need.
    """

    candidate: Candidate
    speed: Speed
    certified: BoolArray = field(default_factory=_EMPTY_BITS.copy, compare=False)
    right: BoolArray = field(default_factory=_EMPTY_BITS.copy, compare=False)
    serving: IntArray = field(default_factory=_EMPTY.copy, compare=False)
    batches: IntArray = field(default_factory=_EMPTY.copy, compare=False)
    certifying: IntArray = field(default_factory=_EMPTY.copy, compare=False)

    def extended(self, outcomes: Sequence[ImageFigures]) -> Assessment:
        """The assessment with the outcomes of further images."""
        verdicts = [outcome.verdict for outcome in outcomes]
        certified = [verdict.certificate.certified for verdict in verdicts]
        right = [verdict.answer == verdict.label and verdict.error is None for verdict in verdicts]
        return replace(
            self,
            certified=np.append(self.certified, np.array(certified, np.bool_)),
            right=np.append(self.right, np.array(right, np.bool_)),
            serving=_appended(self.serving, [outcome.serving for outcome in outcomes]),
            batches=_appended(self.batches, [outcome.batches for outcome in outcomes]),
            certifying=_appended(self.certifying, [verdict.evaluations for verdict in verdicts]),
        )

    def of_images(self, chosen: BoolArray) -> Assessment:
        """The assessment on some of the images, bool (images,)."""
        return replace(
            self,
            certified=self.certified[chosen],
            right=self.right[chosen],
            serving=self.serving[chosen],
            batches=self.batches[chosen],
            certifying=self.certifying[chosen],
        )

    def __len__(self) -> int:
        return len(self.certified)

    @property
    def certified_fraction(self) -> float:
        """The fraction of the images that are certified."""
        return float(self.certified.mean())

    @property
    def clean_fraction(self) -> float:
        """The fraction of the images whose defended label is right when nothing is attacked."""
        return float(self.right.mean())

    @property
    def certified_interval(self) -> tuple[float, float]:
        """The exact 95 % interval of the certified fraction."""
        return _interval(int(self.certified.sum()), len(self))

    @property
    def clean_interval(self) -> tuple[float, float]:
        """The exact 95 % interval of the clean fraction."""
        return _interval(int(self.right.sum()), len(self))

    def costs(self, measure: Measure) -> npt.NDArray[np.float64]:
        """The cost of each image, float64: a number of masked predictions, or milliseconds on this machine.

        An image is served by itself, so that a batch that it does not fill costs as much as a full one. Images are
        certified side by side, so that batches are full.
        """
        if measure == "milliseconds":
            return self.batches.astype(np.float64) * self.speed.milliseconds
        if measure == "certifying_milliseconds":
            return self.certifying.astype(np.float64) * (self.speed.milliseconds / self.speed.batch_size)
        counts = self.serving if measure == "serving" else self.certifying
        return counts.astype(np.float64)

    def cost(self, measure: Measure, over: Over = "mean") -> float:
        """The mean cost of the images, or the cost of the image that costs most."""
        costs = self.costs(measure)
        return float(costs.mean() if over == "mean" else costs.max())

    def document(self) -> dict[str, Any]:
        """As JSON."""
        certified, clean = self.certified_interval, self.clean_interval
        return {
            "candidate": self.candidate.name,
            "procedure": str(self.candidate.procedure),
            "fill": None if self.candidate.fill is None else str(self.candidate.fill),
            "masks": len(self.candidate.masks),
            "digest": self.candidate.masks.digest,
            "images": len(self),
            "certified": int(self.certified.sum()),
            "certified_interval": list(certified),
            "clean": int(self.right.sum()),
            "clean_interval": list(clean),
            "serving": {"mean": self.cost("serving"), "most": self.cost("serving", "most")},
            "certifying": {"mean": self.cost("certifying"), "most": self.cost("certifying", "most")},
            "milliseconds": {"mean": self.cost("milliseconds"), "most": self.cost("milliseconds", "most")},
            "certifying_milliseconds": {"mean": self.cost("certifying_milliseconds")},
        }


def _appended(values: IntArray, further: list[int]) -> IntArray:
    return np.concatenate([values, np.array(further, dtype=np.int64)])
