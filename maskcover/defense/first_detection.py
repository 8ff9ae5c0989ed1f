"""Detection for the first k labels: the k best labels of the image as it is, or an alert.

The sure labels of a mask are those among its first k labels whose confidence is at least the threshold τ. An alert is
raised by a mask that has a sure label which is not among the first k of the image as it is; by a mask without a label;
and, where a second threshold α (`alert_below`) is named, by a mask whose first label has a confidence below α. With
k = 1 this is `maskcover.defense.detection`.

Theorem. Let G be the masks whose sure labels include the true label y, and those that have a label with a confidence
below α. If some g in G contains the region that an attack overwrites, then on the attacked image x' there is an alert,
or y is among the first k labels. Hence so it is on every image that an attack within R makes, if G is R-covering.

Proof. g hides the region, so its labels and confidences are the same for x' as for x. If its confidence is below α,
there is an alert. Otherwise y is a sure label of g. If y is not among the first k labels of x', g has a sure label that
is not among these: alert. ∎

How the first k labels of the image as it is come about plays no part in the proof. A larger k makes G larger, since
more masks have y among their sure labels, while every sure label must then be among the first k of the whole image.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.labels import UNDECIDED
from maskcover.defense.answers import Case, FirstLabels
from maskcover.defense.certificates import Certificate, Covers, checked_label
from maskcover.defense.detection import checked_threshold

FloatArray = npt.NDArray[np.float64]


def detect_first(
    bare: IntArray, decided: BoolArray, labels: IntArray, confidences: FloatArray, threshold: float, alert_below: float
) -> FirstLabels:
    """The first k labels of the image as it is, or an alert; see the module.

    Args:
        bare: The first k labels with nothing hidden, int64 (k,); none, (0,), where there is no label.
        decided: Which masks have a label, bool (masks,).
        labels: The first k labels under each mask, int64 (masks, k).
        confidences: Their confidences, float64 (masks, k), from the largest to the smallest.
        threshold: τ, the least confidence of a sure label.
        alert_below: α; a smaller confidence of a first label raises an alert; 0 for no such alerts.

    >>> labels, confidences = np.array([[3, 5], [5, 7]]), np.array([[0.6, 0.3], [0.5, 0.4]])
    >>> print(detect_first(np.array([5, 3]), np.array([True, True]), labels, confidences, 0.45, 0.0))
    5, 3 (no alert)
    >>> print(detect_first(np.array([5, 3]), np.array([True, True]), labels, confidences, 0.4, 0.0))
    5, 3 (alert, mask 1)
    """
    sure = confidences >= checked_threshold(threshold)
    against = (sure & ~np.isin(labels, bare)).any(axis=1)
    alerting = against | ~decided | (confidences[:, 0] < alert_below)
    mask = int(alerting.argmax()) if alerting.any() else None
    alert = mask is not None or not len(bare)
    return FirstLabels(tuple(bare.tolist()), Case.ALERT if alert else Case.NO_ALERT, alert, mask)


def first_detection_certificate(
    decided: BoolArray,
    labels: IntArray,
    confidences: FloatArray,
    label: int,
    threshold: float,
    alert_below: float,
    covers: Covers,
) -> Certificate:
    """The certificate of detection for the first k labels: certified exactly when the masks of the theorem, G, cover.

    Args:
        decided, labels, confidences, threshold, alert_below: Of the clean image, as for `detect_first`.
        label: The true label y.
        covers: Exact covering of the regions by some of the masks.

    Returns:
        The certificate: `certifying` is G, `failing` a pair (i, i) of the first mask i that is not in G.
    """
    sure = confidences >= checked_threshold(threshold)
    includes_label = (sure & (labels == checked_label(label))).any(axis=1)
    # A mask without a label raises an alert, but is relied on for nothing: it never counts.
    certifying = decided & (includes_label | (confidences[:, 0] < alert_below))
    others = np.flatnonzero(~certifying).tolist()
    return Certificate(
        bool(certifying.any()) and covers(certifying),
        tuple(np.flatnonzero(certifying).tolist()),
        (others[0], others[0]) if others else None,
        complete=True,
    )


def split_observed(observed: FloatArray, labels: IntArray, top: int) -> tuple[IntArray, IntArray, FloatArray]:
    """The first labels of the image as it is, those under each view, and the confidences of the latter.

    Args:
        observed: The observation `maskcover.classifiers.observations.FirstClasses` of each view and, last, of the image
            with nothing hidden; float64 (views + 1, 2 * top).
        labels: The labels of the same, int64 (views + 1,).
        top: The number k of first labels.
    """
    first = observed[:, :top].astype(np.int64)
    bare = first[-1] if labels[-1] != UNDECIDED else first[-1, :0]
    return bare, first[:-1], observed[:-1, top:]
