"""What a certification found: one verdict an image, and the arrays and sentences made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from maskcover.classifiers.fingerprint import Fingerprint
from maskcover.covering.placements import PlacementMap, covered_fraction, placement_map
from maskcover.data import Chosen
from maskcover.defense.procedure import Procedure, Rule
from maskcover.defense.verdicts import Verdict, VerdictArrays
from maskcover.engine.preparation import Numerics, Ready
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet


@dataclass(frozen=True)
class CertificationResult(VerdictArrays):
    """The verdicts of a certification, in the order of the images, and what they are about.

    See `VerdictArrays` for its arrays. `start` holds what the probes found and the fingerprint; `options` are those of
    the adapter, if there was one.
    """

    masks: MaskSet
    regions: RegionSet
    procedure: Procedure
    start: Ready
    options: Mapping[str, Any] | None = field(compare=False)
    verdicts: tuple[Verdict, ...]
    chosen: Chosen | None = None
    """How the images were chosen among more, as their data set says it."""

    @property
    def rule(self) -> Rule:
        """The rule by which images are certified."""
        return self.procedure.rule

    @property
    def margin(self) -> float:
        """The lead that every prediction a certificate stands on exceeds."""
        return self.start.margin

    @property
    def numerics(self) -> Numerics:
        """How the predictions carry over to where the model serves: see `Ready`."""
        return self.start.numerics

    @property
    def fingerprint(self) -> Fingerprint:
        """What was certified: weights, masks, fill, numerics, library, device."""
        return self.start.fingerprint

    @property
    def evaluations(self) -> int:
        """Masked predictions made in all."""
        return sum(verdict.evaluations for verdict in self.verdicts)

    def map(self, number: int) -> PlacementMap:
        """The placements certified for an image (one patch): those inside a mask whose row is wholly right.

        Without ``exhaustive=True`` the rows that were not needed are missing, and so may be placements.
        """
        return placement_map(self._good(number), self.regions)

    def share(self, number: int) -> Fraction:
        """The share of the attacker's regions that are certified for an image, by the row theorem; see `map`."""
        return covered_fraction(self._good(number), self.regions)

    def __len__(self) -> int:
        return len(self.verdicts)

    def __str__(self) -> str:
        """The claim, made from the region set itself, and no more than was checked."""
        sound = np.array([verdict.error is None for verdict in self.verdicts], dtype=np.bool_)
        right = int((sound & (self.defended == self.labels)).sum())
        bare = int((sound & (self.undefended == self.labels)).sum())
        certified = int(self.certified.sum())
        promise = " to get their label or an alert" if self.procedure.method == "detect" else ""
        return (
            f"{certified} of {len(self)} images certified{promise} against {self.regions} on {self.masks.grid}"
            f"{in_words(certified, self.verdicts, self.chosen)}; right as they are: {right} defended, {bare} "
            "undefended. "
            f"{len(self.masks)} masks, {self.procedure}, numerics {self.start.stands_on}, margin {self.margin:g}, "
            f"{self.evaluations} masked predictions"
        )

    def _good(self, number: int) -> MaskSet:
        good = self.verdicts[number].certificate.good
        return MaskSet(self.masks.grid, tuple(self.masks[mask] for mask in good))


def in_words(certified: int, verdicts: Sequence[Verdict], chosen: Chosen | None) -> str:
    """What stands behind so many certified images: the interval, and errors if there are any.

    Of the first so many images there is no interval: they are no random sample.
    """
    low, high = exact_interval(certified, len(verdicts))
    errors = sum(verdict.error is not None for verdict in verdicts)
    return (f" (95 % interval {low:.1%} to {high:.1%})" if chosen is None or chosen.seed is not None else "") + (
        f", {errors} errors (non-finite scores)" if errors else ""
    )


def exact_interval(successes: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact (Clopper–Pearson) interval of a share seen `successes` times in `total`; (0, 1) of nothing.

    >>> low, high = exact_interval(9, 10)
    >>> round(low, 3), round(high, 3)
    (0.555, 0.997)
    """
    if not 0 <= successes <= total:
        raise InvalidInput(f"expected 0 <= successes <= total; got {successes} of {total}")
    if not 0 < confidence < 1:
        raise InvalidInput(f"confidence must lie between 0 and 1; got {confidence}")
    if total == 0:
        return 0.0, 1.0
    # scipy.stats takes half a second to import, and only a summary needs it.
    from scipy.stats import binomtest

    interval = binomtest(successes, total).proportion_ci(confidence, method="exact")
    return float(interval.low), float(interval.high)
