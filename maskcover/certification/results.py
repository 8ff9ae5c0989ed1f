"""The result of a certification: one verdict for each image, and the arrays and sentences made of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from maskcover.classifiers.fingerprint import Fingerprint
from maskcover.covering.placements import PlacementMap, covered_fraction, placement_map
from maskcover.data import Chosen
from maskcover.defense.procedure import Procedure
from maskcover.defense.verdicts import Verdict, VerdictArrays
from maskcover.engine.preparation import Numerics, PreparedRun
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.masks import MaskSet
from maskcover.notebooks import html_table, paragraph
from maskcover.regions import RegionSet
from maskcover.terminal import counted


@dataclass(frozen=True)
class Certification:
    """What all results of certifications have in common: the defence, the regions, and the classifier at the start.

    Args:
        masks, regions, procedure: The defence, and the regions that it is certified against.
        start: The report of the probes, the fingerprint, and the numerics.
        options: The options of the adapter; None if the classifier was made before.
    """

    masks: MaskSet
    regions: RegionSet
    procedure: Procedure
    start: PreparedRun
    options: Mapping[str, Any] | None = field(compare=False)

    @property
    def min_margin(self) -> float:
        """The margin that every prediction behind a certificate exceeds."""
        return self.start.min_margin

    @property
    def numerics(self) -> Numerics:
        """How predictions repeat when the model serves: see `PreparedRun`."""
        return self.start.numerics

    @property
    def fingerprint(self) -> Fingerprint:
        """The fingerprint of the certification: weights, masks, fill, numerics, library, device."""
        return self.start.fingerprint


@dataclass(frozen=True)
class CertificationResult(VerdictArrays, Certification):
    """The verdicts of a certification, in the order of the images, with its masks, regions and defence.

    See `VerdictArrays` for its arrays. `start` holds the report of the probes and the fingerprint; `options` are those
    of the adapter, if there was one.

    >>> import numpy as np
    >>> import maskcover as mc
    >>> def brightness(images):
    ...     mean = images.mean(axis=(1, 2))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> masks = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
    >>> result = mc.certify(brightness, np.ones((2, 12, 12)), [1, 0], masks, batch_size=4, fill=0.5)
    >>> result.certified, result.defended, result.labels
    (array([ True, False]), array([1, 1]), array([1, 0]))
    """

    verdicts: tuple[Verdict, ...]
    chosen: Chosen | None = None
    """How the images were chosen among more, as their data set declares it."""

    @property
    def rule(self) -> str:
        """The rule by which images are certified; "rows", if the procedure has no rule."""
        return str(self.procedure.document()["rule"])

    @property
    def margin(self) -> float:
        """The name of `min_margin` up to version 0.1."""
        warnings.warn(
            "CertificationResult.margin is now CertificationResult.min_margin", MaskcoverWarning, stacklevel=2
        )
        return self.min_margin

    @property
    def evaluations(self) -> int:
        """Masked predictions made in all."""
        return sum(verdict.evaluations for verdict in self.verdicts)

    def map(self, number: int) -> PlacementMap:
        """The placements certified for an image (one patch), which are those inside a certifying mask.

        Without ``exhaustive=True`` rows that were not needed are missing, and so may be placements.
        """
        certifying = self._certifying(number)
        if not len(certifying) and (self.procedure.maps_itself or not self.procedure.needs_cover):
            remedy = f"; explain(…, number={number}, label=…) has the map" if self.procedure.maps_itself else ""
            raise InvalidInput(
                f"{self.procedure.words} certifies by more than single masks, so that a result keeps no map{remedy}"
            )
        return placement_map(certifying, self.regions)

    def share(self, number: int) -> Fraction:
        """The name of `certified_fraction` up to version 0.1."""
        warnings.warn(
            "CertificationResult.share is now CertificationResult.certified_fraction", MaskcoverWarning, stacklevel=2
        )
        return self.certified_fraction(number)

    def certified_fraction(self, number: int) -> Fraction:
        """The fraction of the attacker's regions that are certified for an image: see `map` and `Verdict.fraction`."""
        if self.verdicts[number].certificate.certified:
            return Fraction(1)
        worked_out = self.verdicts[number].fraction
        if worked_out is not None:
            return worked_out
        return covered_fraction(self._certifying(number), self.regions)

    def __len__(self) -> int:
        return len(self.verdicts)

    def __str__(self) -> str:
        """The claim, made from the region set itself; it says no more than was checked."""
        sound = np.array([verdict.error is None for verdict in self.verdicts], dtype=np.bool_)
        right = sum(verdict.right for verdict in self.verdicts)
        bare = int((sound & (self.undefended == self.labels)).sum())
        certified = int(self.certified.sum())
        promise = promise_in_words(self.procedure)
        return (
            f"{certified} of {len(self)} images certified{promise} against {self.regions} on {self.masks.grid}"
            f"{in_words(certified, self.verdicts, self.chosen)}; right as they are: {right} defended, {bare} "
            "undefended. "
            f"{len(self.masks)} masks{levels_in_words(self.masks)}, {self.procedure.words}, {self.start.stands_on}; "
            f"{counted(self.evaluations, 'masked prediction')}{self._by_masks}"
        )

    @property
    def _by_masks(self) -> str:
        """For a defence with levels, what it would certify without them."""
        if self.procedure == self.procedure.without_levels:
            return ""
        return f"; without the levels {int(self.certified_by_masks.sum())} would be certified"

    def _repr_html_(self) -> str:
        """The claim and the counts, for notebooks."""
        sound = np.array([verdict.error is None for verdict in self.verdicts], dtype=np.bool_)
        counts = {
            "right without the defence": int((sound & (self.undefended == self.labels)).sum()),
            "right with the defence": sum(verdict.right for verdict in self.verdicts),
            "certified": int(self.certified.sum()),
        }
        if self._by_masks:
            counts["certified without the levels"] = int(self.certified_by_masks.sum())
        rows = [(name, f"{count:,}") for name, count in counts.items()]
        return paragraph(str(self)) + html_table(("images", "count"), rows)

    def _certifying(self, number: int) -> MaskSet:
        numbers = self.verdicts[number].certificate.certifying
        return MaskSet(self.masks.grid, tuple(self.masks[mask] for mask in numbers))


def levels_in_words(masks: MaskSet) -> str:
    """The levels of a mask set, to follow the number of its masks; nothing if it has none.

    >>> masks = MaskSet.from_boxes([(0, 0, 4, 9), (5, 0, 4, 9)], image_size=9)
    >>> levels_in_words(masks.with_levels(masks[:1], masks)), levels_in_words(masks)
    (' after levels of 1 and 2', '')
    """
    sizes = [str(len(level)) for level in masks.levels]
    return f" after {'a level' if len(sizes) == 1 else 'levels'} of {' and '.join(sizes)}" if sizes else ""


def promise_in_words(procedure: Procedure) -> str:
    """The promise to a certified image, to follow "certified"; nothing if it simply gets its label.

    >>> from maskcover.defense import Detection, DoubleMasking
    >>> promise_in_words(Detection(0.5)), promise_in_words(Detection(0.5, top=2)), promise_in_words(DoubleMasking())
    (' to get their label or an alert', ' to have their label among the first 2, or to get an alert', '')
    """
    top = getattr(procedure, "top", 1)
    if top == 1:
        return " to get their label or an alert" if procedure.may_alert else ""
    return f" to have their label among the first {top}" + (", or to get an alert" if procedure.may_alert else "")


def in_words(certified: int, verdicts: Sequence[Verdict], chosen: Chosen | None) -> str:
    """The interval of the certified fraction in words, and the number of errors if there are any.

    For the first N images of a data set there is no interval: they are no random sample.
    """
    low, high = exact_interval(certified, len(verdicts))
    errors = sum(verdict.error is not None for verdict in verdicts)
    return (f" (95 % interval {low:.1%} to {high:.1%})" if chosen is None or chosen.seed is not None else "") + (
        f", {counted(errors, 'error')} (non-finite scores)" if errors else ""
    )


def exact_interval(successes: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact (Clopper–Pearson) interval of a fraction, from `successes` in `total`; (0, 1) if `total` is 0.

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
