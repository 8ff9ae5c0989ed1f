"""Bounds on precision, recall and F1 that no attack on images with several labels breaks; in whole numbers.

Each attacked image is attacked inside one region. Of its classes at most those of one threatened set are then answered
wrongly (`class_tables`): those of them that are present in truth become false negatives, the others false positives.
The attacker chooses a set for each image, and the figures of all images together are the worst over all choices.

Theorem. For whole numbers 0 <= a <= b of each choice, the least value of (sum of a) / (sum of b) over one choice for
each image is found by Dinkelbach's iteration: with the ratio p/q of some choice, take for each image the choice with
the least q a - p b. If their sum is negative, the ratio of these choices is smaller, and it is the next p/q. If it is
0, no choice has a smaller ratio: for each of them q (sum of a) - p (sum of b) is at least 0. There are finitely many
choices and ratios decrease, so it ends. ∎

Precision TP / (TP + FP), recall TP / (TP + FN) and F1 = 2 TP / (2 TP + FP + FN) are such ratios. 0/0 counts as 0, which
is the least that they can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np

from maskcover.cells import BoolArray, IntArray


@dataclass(frozen=True, slots=True)
class Figures:
    """Precision, recall and F1, each from 0 to 1, exactly; bounds each for itself, if they are bounds.

    >>> print(Figures(Fraction(1, 2), Fraction(1), Fraction(2, 3)))
    precision 50.0%, recall 100.0%, F1 66.7%
    """

    precision: Fraction
    recall: Fraction
    f1: Fraction

    def __str__(self) -> str:
        return f"precision {float(self.precision):.1%}, recall {float(self.recall):.1%}, F1 {float(self.f1):.1%}"

    @classmethod
    def of(cls, true_positives: int, false_positives: int, false_negatives: int) -> Figures:
        """The figures of counts; 0 where nothing is counted.

        >>> Figures.of(1, 1, 0)
        Figures(precision=Fraction(1, 2), recall=Fraction(1, 1), f1=Fraction(2, 3))
        """
        return cls(
            ratio(true_positives, true_positives + false_positives),
            ratio(true_positives, true_positives + false_negatives),
            ratio(2 * true_positives, 2 * true_positives + false_positives + false_negatives),
        )


def ratio(part: int, whole: int) -> Fraction:
    """A fraction of whole numbers; 0/0 is 0."""
    return Fraction(part, whole) if whole else Fraction(0)


def losses(truth: BoolArray, threatened: BoolArray) -> IntArray:
    """The worst losses of one image: pairs of false negatives and false positives, int64 (choices, 2).

    Args:
        truth: Which classes are present in truth, bool (classes,).
        threatened: The sets of classes that can be answered wrongly together, bool (sets, classes).

    Returns:
        A pair for each set, without those that another one exceeds in both numbers.

    >>> losses(np.array([True, True, False]), np.array([[1, 1, 0], [1, 0, 1], [1, 0, 0]], dtype=bool)).tolist()
    [[1, 1], [2, 0]]
    """
    counts = np.stack([(threatened & truth).sum(axis=1), (threatened & ~truth).sum(axis=1)], axis=1)
    different = np.unique(counts.astype(np.int64), axis=0)
    worse = [bool(((row <= different).all(axis=1) & (row < different).any(axis=1)).any()) for row in different]
    return different[~np.array(worse, dtype=np.bool_)]


def micro_bound(present: Sequence[int], worst: Sequence[IntArray]) -> Figures:
    """The least precision, recall and F1 of all classes of all images, each for itself.

    Args:
        present: The number of classes that are present in truth, for each image.
        worst: The worst losses of each image, see `losses`.

    >>> print(micro_bound([2, 1], [np.array([[1, 1], [2, 0]]), np.array([[0, 0]])]))
    precision 66.7%, recall 33.3%, F1 50.0%
    """
    lost = [choices.astype(object) for choices in worst]  # Python's whole numbers have no end
    true = [count - choices[:, 0] for count, choices in zip(present, lost, strict=True)]
    false = [choices[:, 1] for choices in lost]
    every = [np.full(len(hits), count, dtype=object) for count, hits in zip(present, true, strict=True)]
    return Figures(
        least_ratio(true, [hits + wrong for hits, wrong in zip(true, false, strict=True)]),
        least_ratio(true, every),
        least_ratio(
            [2 * hits for hits in true],
            [hits + wrong + count for hits, wrong, count in zip(true, false, every, strict=True)],
        ),
    )


def least_ratio(parts: Sequence[IntArray], wholes: Sequence[IntArray]) -> Fraction:
    """The least (sum of parts) / (sum of wholes) over one choice for each image; 0/0 is 0.

    Args:
        parts, wholes: Whole numbers of each choice, one array (choices,) for each image, with 0 <= part <= whole.

    >>> least_ratio([np.array([1, 2])], [np.array([3, 4])])
    Fraction(1, 3)
    """
    if not sum(int(part.min()) for part in parts):
        return Fraction(0)
    # From here on every choice has a part above 0, and so a whole above 0.
    least = _ratio_of([0] * len(parts), parts, wholes)
    while True:
        weighed = [
            least.denominator * part - least.numerator * whole for part, whole in zip(parts, wholes, strict=True)
        ]
        chosen = [int(np.argmin(values)) for values in weighed]
        smaller = _ratio_of(chosen, parts, wholes)
        if smaller >= least:
            return least
        least = smaller


def _ratio_of(chosen: Sequence[int], parts: Sequence[IntArray], wholes: Sequence[IntArray]) -> Fraction:
    rows = list(zip(chosen, parts, wholes, strict=True))
    return Fraction(sum(int(part[one]) for one, part, _ in rows), sum(int(whole[one]) for one, _, whole in rows))


def macro_recall_bound(truths: BoolArray, threatened: Sequence[BoolArray]) -> Fraction:
    """The least mean of the recalls of all classes that are present in some image.

    The loss of a class counts 1 / (images with the class), so the loss of an image is that of its worst set.

    Args:
        truths: bool (images, classes).
        threatened: The sets of each image, bool (sets, classes).
    """
    counts = truths.sum(axis=0)
    used = counts > 0
    if not used.any():
        return Fraction(0)
    common = lcm(*(int(count) for count in counts[used]))
    weights = np.array([common // int(count) if count else 0 for count in counts], dtype=object)
    lost = sum(
        max(int(weights[row & truth].sum()) for row in sets) for truth, sets in zip(truths, threatened, strict=True)
    )
    return 1 - Fraction(lost, common * int(used.sum()))


def macro(counts: IntArray) -> Figures:
    """The mean of the figures of all classes that are present in some image.

    Args:
        counts: True positives, false positives and false negatives of each class, int64 (classes, 3).

    >>> print(macro(np.array([[1, 0, 0], [1, 1, 1], [0, 5, 0]])))
    precision 75.0%, recall 75.0%, F1 75.0%
    """
    each = [Figures.of(hits, false, lost) for hits, false, lost in counts.tolist() if hits + lost]
    if not each:
        return Figures(Fraction(0), Fraction(0), Fraction(0))
    return Figures(
        sum((figures.precision for figures in each), Fraction(0)) / len(each),
        sum((figures.recall for figures in each), Fraction(0)) / len(each),
        sum((figures.f1 for figures in each), Fraction(0)) / len(each),
    )


def interpolated_area(points: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    """The area under the largest precision that is reached at each recall or more: interpolated average precision.

    If points are bounds of recall and precision at some thresholds, the area is a bound of the same area of the points
    themselves: at each recall, every threshold whose bounds count there counts there with its own figures too.

    Args:
        points: Pairs of recall and precision, one for each threshold.

    >>> half, one = Fraction(1, 2), Fraction(1)
    >>> interpolated_area([(half, one), (one, half)])
    Fraction(3, 4)
    """
    area, best, right = Fraction(0), Fraction(0), Fraction(0)
    for recall, precision in sorted(points, reverse=True):
        area += (right - recall) * best if best else 0
        best, right = max(best, precision), recall
    return area + right * best
