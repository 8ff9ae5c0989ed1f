"""Robust masking (PatchGuard): class scores are sums of local evidence, less a window that holds too much of them.

The evidence of a view j for class c is a whole number e_j(c), 0 or more. A window is a set of views that some region
can touch. The score of c is the sum of its evidence; if the window with the most evidence for c holds more than the
fraction T of that sum, it is taken out. The class with the largest score is the answer, ties to the smallest.

Theorem. Let an attack change the evidence of the views A only, to anything from 0 on, and let A lie inside some window.
Let o_c be the evidence for c outside A. Then the score of each class c is at most o_c / (1 - T); and the score of y is
at least o_y less the most evidence for y that a window has outside A. So the answer is y if this bound of y is at least
that of each other c, and more where c < y.

Proof. Let a be the evidence for c in A after the attack. The window around A holds at least a, so the heaviest window
holds at least a. If it is taken out, the score is at most o_c + a - a. If it is not, it holds at most T (o_c + a), so
that a is at most T (o_c + a), and the score o_c + a is at most o_c / (1 - T). As for y: taking out a window w removes
its evidence in A and outside A, and what is left is at least o_y less the evidence of w outside A. ∎

A window is added up anew after each change: to subtract it from a sum of floats would leave traces of the attack. Here
all sums are of whole numbers. Only maximal sets A matter, since an attack within a smaller one is an attack within A.

Source: PatchGuard (Xiang et al., USENIX Security 2021): its mask-BN works on the cells of a BagNet, mask-DS on bands.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.covering.containment import Containment
from maskcover.covering.placements import PlacementMap
from maskcover.covering.tallies import whole_product
from maskcover.defense.answers import Case, Defended
from maskcover.errors import InvalidInput, NotCovering
from maskcover.masks import MaskSet


def exact_fraction(threshold: float) -> Fraction:
    """The threshold T of robust masking as it is written in decimals; raise `InvalidInput` unless 0 <= T < 1.

    >>> exact_fraction(0.1)
    Fraction(1, 10)
    """
    number = isinstance(threshold, int | float | np.floating) and not isinstance(threshold, bool)
    if not number or not 0 <= threshold < 1:
        raise InvalidInput(f"the threshold of robust masking is a number from 0 up to, but not, 1; got {threshold!r}")
    return Fraction(repr(float(threshold)))


def windows_of(masks: MaskSet, regions: str) -> BoolArray:
    """The maximal sets of views that a region of a region set can touch; see `touched_sets`.

    >>> from maskcover import bands
    >>> windows_of(bands(width=1, wrap=False, image_size=(1, 3)), "rectangle(1, 2)").astype(int).tolist()
    [[0, 1, 1], [1, 1, 0]]
    """
    return touched_sets(Containment.of(masks, regions))


@lru_cache(maxsize=16)
def touched_sets(covers: Containment) -> BoolArray:
    """The maximal sets of views that a region can touch, bool (sets, views); each once.

    Raises:
        NotCovering: some region touches all views, or there are too many sets to list.
    """
    containing = covers.containing
    if containing is None:
        raise NotCovering(
            f"the regions {covers.regions} touch too many different sets of the {len(covers.masks):,} views to list "
            "them; use fewer views, or a region set with fewer shapes"
        )
    # The set of no masks would be the only minimal one.
    if not containing.any():
        raise NotCovering(
            f"no image can be certified with these views against {covers.regions}: some region touches all of them. "
            "Use smaller views, or leave out thin regions, as in rectangles(area=0.01, min_side=10)"
        )
    return np.unique(~containing, axis=0)


def in_a_window(touched: BoolArray, windows: BoolArray) -> BoolArray:
    """Which sets of touched views lie in some window, bool (sets,); both are bool (sets, views).

    >>> in_a_window(np.eye(2, dtype=bool), np.array([[True, False]])).tolist()
    [True, False]
    """
    return np.asarray((whole_product(touched, (~windows).T.astype(np.int64)) == 0).any(axis=1))


def masked_scores(evidence: IntArray, windows: BoolArray, threshold: Fraction) -> IntArray:
    """The score of each class: its evidence, less the heaviest window if that holds more than `threshold` of it.

    Args:
        evidence: int64 (views, classes), each 0 or more.
        windows: bool (windows, views).
        threshold: T, from 0 up to, but not, 1.

    >>> masked_scores(np.array([[9, 1], [1, 1], [1, 1]]), np.eye(3, dtype=bool), Fraction(0)).tolist()
    [2, 2]
    """
    sums = _checked(evidence).sum(axis=0)
    heaviest = whole_product(windows, evidence).max(axis=0)
    taken = [
        int(window) * threshold.denominator > int(total) * threshold.numerator
        for window, total in zip(heaviest, sums, strict=True)
    ]
    return np.asarray(sums - np.where(taken, heaviest, 0), dtype=np.int64)


def robust_answer(evidence: IntArray, windows: BoolArray, threshold: Fraction) -> Defended:
    """The class with the largest score, ties to the smallest; arguments as for `masked_scores`.

    >>> print(robust_answer(np.array([[0, 9], [2, 0], [2, 0]]), np.eye(3, dtype=bool), Fraction(0)))
    0 (masked evidence)
    """
    return Defended(int(masked_scores(evidence, windows, threshold).argmax()), Case.MASKED_EVIDENCE)


def robust_certificate(
    evidence: IntArray, windows: BoolArray, threshold: Fraction, label: int, touched: BoolArray
) -> bool:
    """Whether the theorem holds for each set of touched views.

    Args:
        evidence, windows, threshold: Of the clean image, as for `masked_scores`.
        label: The true label y.
        touched: The sets of views that regions can touch, bool (sets, views). Without a set nothing is certified.
    """
    if not len(touched) or not in_a_window(touched, windows).all():
        return False
    return bool(theorem_holds(evidence, windows, threshold, label, touched).all())


def robust_map(
    evidence: IntArray, windows: BoolArray, threshold: Fraction, label: int, covers: Containment
) -> PlacementMap | None:
    """The map of the placements at which the theorem holds; arguments as above, None for several patches at once."""

    def certified(containing: BoolArray) -> BoolArray:
        touched = ~containing
        return theorem_holds(evidence, windows, threshold, label, touched) & in_a_window(touched, windows)

    return covers.placement_map(certified)


def theorem_holds(
    evidence: IntArray, windows: BoolArray, threshold: Fraction, label: int, touched: BoolArray
) -> BoolArray:
    """Whether the bounds of the theorem hold for each set of touched views that lies in a window; bool (sets,).

    Arguments are those of `robust_certificate`.
    """
    evidence, outside = _checked(evidence), ~touched
    left = whole_product(outside, evidence)
    of_windows = whole_product(outside, np.where(windows.T, evidence[:, label, None], 0).astype(np.int64))
    least = left[:, label] - of_windows.max(axis=1)
    whole, rest = threshold.denominator, threshold.denominator - threshold.numerator
    smaller, larger = left[:, :label].max(axis=1, initial=-1), left[:, label + 1 :].max(axis=1, initial=0)
    # In Python's whole numbers, which never overflow.
    return np.array(
        [
            bound * rest > below * whole and bound * rest >= above * whole
            for bound, below, above in zip(least.tolist(), smaller.tolist(), larger.tolist(), strict=True)
        ],
        dtype=np.bool_,
    )


def _checked(evidence: IntArray) -> IntArray:
    """Return evidence; raise `InvalidInput` unless it is whole numbers from 0 on, for two classes or more."""
    if evidence.ndim != 2 or not len(evidence) or evidence.shape[1] < 2 or evidence.dtype.kind not in "iu":
        raise InvalidInput(
            "evidence is whole numbers of shape (views, classes), for two classes or more; got "
            f"{evidence.dtype} {evidence.shape}"
        )
    if evidence.min() < 0:
        raise InvalidInput(f"evidence for robust masking is 0 or more; got {int(evidence.min())}")
    return evidence
