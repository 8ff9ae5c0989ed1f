"""Detection in the manner of Minority Reports (McCoyd et al. 2020; paper, section 5.2): the bare label, or an alert.

The promise is weaker than that of Algorithm 1: an attacker may force an alert, but not a wrong answer without one.
It costs one prediction a mask, and no pairs.

An alert is raised by a mask that says another label with a confidence of at least the threshold τ; and, where a second
threshold α (`alert_below`) is named, by any mask whose confidence is below α, whatever its label.

Theorem. Let G be the masks m with F(x; m) = y, with a confidence of at least τ, and those that say any label with a
confidence below α. If some g in G contains the region that an attack overwrites, `detect` answers y or raises an alert
on the attacked image x'. Hence if G is R-covering, so it does on every image that an attack within R makes of x, and on
x itself.

Proof. g hides the region, so the classifier sees the same of x' as of x under g: the same label with the same
confidence. If that is below α, there is an alert. Otherwise the label is y, and its confidence at least τ. If the bare
label of x' is y, that is the answer. If it is another, or none, g speaks against it: alert. ∎

The same comparisons, confidence ≥ τ and confidence < α, stand in `detect` and in the certificate. Where rounding may
differ between certifying and serving, certify with a τ that much above the one that is served, and an α that much
below.

Source of the alert on low confidence: HiCert (2025), where τ is 0: every mask with another label raises an alert.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from math import inf, isnan, nan

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.labels import UNDECIDED
from maskcover.defense.answers import Case
from maskcover.defense.certificates import Certificate, Covers, checked_label
from maskcover.errors import InvalidInput

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Detected:
    """The label of the bare classifier, whether there is an alert, and the first mask that raises it."""

    label: int
    alert: bool
    mask: int | None = None

    @property
    def case(self) -> Case:
        """The case: `Case.ALERT` or `Case.NO_ALERT`."""
        return Case.ALERT if self.alert else Case.NO_ALERT

    def __str__(self) -> str:
        return f"{self.label} ({'' if self.alert else 'no '}alert{'' if self.mask is None else f', mask {self.mask}'})"


def detect(
    undefended: int,
    one_mask: IntArray,
    confidences: npt.ArrayLike,
    threshold: float,
    alert_below: float | None = None,
) -> Detected:
    """Raise an alert if a mask disagrees with enough confidence, or has too little, or if there is no bare label.

    A mask without a label raises an alert too, whatever the thresholds.

    Args:
        undefended: F(x), nothing hidden; `UNDECIDED` if there is no label.
        one_mask: Labels F(x; m), whole numbers of shape (n,), `UNDECIDED` where there is none.
        confidences: The confidences of these labels, numbers in [0, 1] of shape (n,), such as softmax probabilities; 0
            without a label.
        threshold: τ in [0, 1]: the least confidence at which another label raises an alert.
        alert_below: α in [0, 1]: a smaller confidence raises an alert, whatever the label; None for no such alerts.

    Raises:
        InvalidInput: arrays do not fit, labels are missing, or numbers lie outside [0, 1].

    >>> print(detect(3, np.array([3, 5, 3]), [0.9, 0.8, 0.7], threshold=0.8))
    3 (alert, mask 1)
    >>> print(detect(3, np.array([3, 3, 3]), [0.9, 0.8, 0.2], threshold=0.8, alert_below=0.3))
    3 (alert, mask 2)
    """
    labels, confidence = _first_round(undefended, one_mask, confidences)
    against = (labels != undefended) & ((labels == UNDECIDED) | (confidence >= checked_threshold(threshold)))
    alerting = against | (confidence < _low(alert_below))
    mask = int(alerting.argmax()) if alerting.any() else None
    return Detected(int(undefended), mask is not None or undefended == UNDECIDED, mask)


def detection_certificate(
    one_mask: IntArray,
    confidences: npt.ArrayLike,
    label: int,
    threshold: float,
    covers: Covers,
    alert_below: float | None = None,
) -> Certificate:
    """The certificate of detection: certified exactly when the masks of the theorem, G, cover the regions.

    These have the true label with enough confidence, or any label with so little that it raises an alert. Then the
    answer is the label or an alert, whatever an attack within the regions does. The condition is sufficient, not
    necessary: a mask without a label always raises an alert, but does not count.

    Args:
        one_mask: Labels of the clean image, as for `detect`.
        confidences: The confidences of these labels, as for `detect`.
        label: The true label y.
        threshold, alert_below: τ and α, as for `detect`.
        covers: Exact covering of the regions by some of the masks.

    Returns:
        The certificate: `certifying` is G, `failing` a pair (i, i) of the first mask i that is not in G.

    >>> detection_certificate(np.array([3, 3, 5]), [0.9, 0.7, 0.8], 3, 0.8, covers=lambda selected: bool(selected[0]))
    Certificate(certified=True, certifying=(0,), failing=(1, 1), complete=True, by_masks=None, coarser=())
    """
    labels, confidence = _first_round(UNDECIDED, one_mask, confidences)
    sure = (labels == checked_label(label)) & (confidence >= checked_threshold(threshold))
    certifying = sure | _alerts_by_itself(labels, confidence, alert_below)
    others = np.flatnonzero(~certifying).tolist()
    certified = bool(certifying.any()) and covers(certifying)
    return Certificate(
        certified, tuple(np.flatnonzero(certifying).tolist()), (others[0], others[0]) if others else None, True
    )


@dataclass(frozen=True, slots=True)
class Levels:
    """The thresholds at which the outcome for one image changes.

    Args:
        alarm_level: The clean image gets its true label without an alert exactly above this threshold: the largest
            confidence of a mask with another label; −inf if there is none, inf if no threshold helps.
        cover_level: The image is certified exactly up to this threshold, itself included; −inf if at none, inf if at
            every one.
        alert_level: The clean image raises an alert exactly up to this threshold, itself included, whatever its
            label; −inf if at none, inf if at every one. By default `alarm_level`, which it is where the bare label is
            the true one.
    """

    alarm_level: float
    cover_level: float
    alert_level: float = nan

    def __post_init__(self) -> None:
        if isnan(self.alert_level):
            object.__setattr__(self, "alert_level", self.alarm_level)


ERROR_LEVELS = Levels(inf, -inf)
"""The levels of an image whose scores were not finite: at every threshold an alert, and no certificate."""


def detection_levels(
    undefended: int,
    one_mask: IntArray,
    confidences: npt.ArrayLike,
    label: int,
    covers: Covers,
    alert_below: float | None = None,
) -> Levels:
    """The levels of an image, for every threshold τ at once and one α; arguments as for the functions above.

    `covers` is called at most log2(n) + 1 times, since larger thresholds leave fewer masks in G.

    >>> detection_levels(3, np.array([3, 3, 5]), [0.9, 0.7, 0.6], 3, covers=lambda selected: bool(selected[:2].all()))
    Levels(alarm_level=0.6, cover_level=0.7, alert_level=0.6)
    """
    labels, confidence = _first_round(undefended, one_mask, confidences)
    right = labels == checked_label(label)
    always = undefended == UNDECIDED or bool(((labels == UNDECIDED) | (confidence < _low(alert_below))).any())
    alert_level = inf if always else float(confidence[labels != undefended].max(initial=-inf))
    low = _alerts_by_itself(labels, confidence, alert_below)
    return Levels(
        alert_level if undefended == label else inf, _cover_level(right, low, confidence, covers), alert_level
    )


def _cover_level(right: BoolArray, low: BoolArray, confidence: FloatArray, covers: Covers) -> float:
    if low.any() and covers(low):
        return inf
    # G changes at the confidences of the right masks only; of these, the ones at which G covers come first.
    levels = np.unique(confidence[right]).tolist()
    covering = bisect_left(levels, True, key=lambda level: not covers(low | (right & (confidence >= level))))
    return float(levels[covering - 1]) if covering else -inf


def _alerts_by_itself(labels: IntArray, confidence: FloatArray, alert_below: float | None) -> BoolArray:
    """The masks that say some label with a confidence below α, so that they raise an alert; bool (masks,)."""
    return np.asarray((labels != UNDECIDED) & (confidence < _low(alert_below)))


def _low(alert_below: float | None) -> float:
    """α; 0 for None, since no confidence is below 0."""
    return 0.0 if alert_below is None else checked_threshold(alert_below, "alert_below")


@dataclass(frozen=True, slots=True)
class DetectionCurve:
    """The clean and certified fractions of many images at every threshold: the paper's Figure 9, exact, without a grid.

    >>> curve = DetectionCurve((Levels(0.5, 0.75), Levels(-inf, 0.25)))
    >>> curve.clean(0.5), curve.certified(0.5)
    (Fraction(1, 2), Fraction(1, 2))
    """

    levels: tuple[Levels, ...]

    def __post_init__(self) -> None:
        if not self.levels:
            raise InvalidInput("a detection curve needs the levels of at least one image; got none")

    def clean(self, threshold: float) -> Fraction:
        """The fraction of clean images that get their true label and no alert."""
        limit = checked_threshold(threshold)
        return Fraction(sum(image_levels.alarm_level < limit for image_levels in self.levels), len(self.levels))

    def certified(self, threshold: float) -> Fraction:
        """The fraction of images that no attack gives a wrong label without an alert.

        Clean images that raise an alert count too, as they do under attack; `clean` does not count them.
        """
        limit = checked_threshold(threshold)
        return Fraction(sum(image_levels.cover_level >= limit for image_levels in self.levels), len(self.levels))

    def alerts(self, threshold: float) -> Fraction:
        """The fraction of clean images that raise an alert, whatever their label: the false alarms.

        >>> DetectionCurve((Levels(0.5, 0.75), Levels(-inf, 0.25))).alerts(0.5)
        Fraction(1, 2)
        """
        limit = checked_threshold(threshold)
        return Fraction(sum(image_levels.alert_level >= limit for image_levels in self.levels), len(self.levels))

    def alert_steps(self) -> tuple[FloatArray, FloatArray]:
        """Thresholds with the fraction of clean images that raise an alert at each; as `steps`."""
        alerting = np.sort([image_levels.alert_level for image_levels in self.levels])
        thresholds = np.union1d([0.0, 1.0], alerting[np.isfinite(alerting)])
        return thresholds, (len(self.levels) - np.searchsorted(alerting, thresholds)) / len(self.levels)

    def steps(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Thresholds with the clean and the certified fraction at each, float64 of one length, from 0 to 1.

        Between two thresholds both fractions are those at the upper one, so that no pair of fractions is left out (a
        line of ``steps-pre`` in matplotlib).
        """
        alarms = np.sort([image_levels.alarm_level for image_levels in self.levels])
        covered = np.sort([image_levels.cover_level for image_levels in self.levels])
        both = np.concatenate([alarms, covered])
        thresholds = np.union1d([0.0, 1.0], both[np.isfinite(both)])
        clean = np.searchsorted(alarms, thresholds) / len(self.levels)
        certified = (len(self.levels) - np.searchsorted(covered, thresholds)) / len(self.levels)
        return thresholds, clean, certified


def _first_round(undefended: int, one_mask: IntArray, confidences: npt.ArrayLike) -> tuple[IntArray, FloatArray]:
    """Labels and confidences, checked; the latter as float64, so that every comparison with a threshold is the same."""
    labels, confidence = np.asarray(one_mask), np.asarray(confidences)
    if labels.ndim != 1 or not len(labels) or labels.dtype.kind not in "iu":
        raise InvalidInput(f"expected the labels of one mask or more, shape (n,); got {labels.dtype} {labels.shape}")
    if undefended < UNDECIDED or (labels < UNDECIDED).any():
        raise InvalidInput(
            "detection needs the bare label and that of every mask; some of them are missing: evaluate them first"
        )
    if (
        confidence.shape != labels.shape
        or confidence.dtype.kind not in "fiu"
        or not ((confidence >= 0) & (confidence <= 1)).all()
    ):
        raise InvalidInput(f"expected {len(labels)} confidences from 0 to 1, one for each mask; got {confidences!r}")
    return labels.astype(np.int64), confidence.astype(np.float64)


def checked_threshold(threshold: object, name: str = "threshold") -> float:
    """A threshold as a float; raise `InvalidInput` unless it is a number from 0 to 1."""
    if isinstance(threshold, bool) or not isinstance(threshold, int | float | np.floating) or not 0 <= threshold <= 1:
        raise InvalidInput(f"{name} must be a number from 0 to 1; got {threshold!r}")
    return float(threshold)
