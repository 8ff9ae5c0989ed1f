"""Prototype of certificates for segmentation, a label for each pixel; docs/theory/segmentation.md has the theorems.

Nothing of this is public. Votes: each view gives a whole label map, the answer of a pixel is the most frequent label of
its views. Detection: the label map of the image as it is, with an alert at each pixel that some mask contradicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.covering.containment import Containment
from maskcover.defense.voting import theorem_holds, vote


@dataclass(frozen=True)
class SteadyMap:
    """The answers to the clean image, and at which sets of untouched views each of them stays.

    Args:
        answers: The label of each pixel, int64 (pixels,).
        steady: bool (sets, pixels), a row for each minimal set of views that a region leaves untouched.
    """

    answers: IntArray
    steady: BoolArray

    def pixels(self, truth: IntArray) -> BoolArray:
        """The pixels that are right and stay so whatever the region, bool (pixels,)."""
        return np.asarray(self.steady.all(axis=0) & (self.answers == truth))

    def right_at_least(self, truth: IntArray) -> int:
        """The joint bound: pixels that are right after every attack, the fewest over all regions."""
        return int((self.steady & (self.answers == truth)).sum(axis=1).min())

    def iou_at_least(self, truth: IntArray, label: int) -> Fraction:
        """The least intersection over union of a class of the truth after every attack within a region."""
        own = truth == label
        kept = (self.steady & own & (self.answers == label)).sum(axis=1)
        # A pixel of another class is left out only if its answer stays another one than this label.
        spoilt = (~own & ~(self.steady & (self.answers != label))).sum(axis=1)
        return min(Fraction(int(a), int(own.sum() + b)) for a, b in zip(kept, spoilt, strict=True))


def votes_of(maps: IntArray, classes: int) -> IntArray:
    """The votes of each view for each pixel, int64 (pixels, views, classes), of label maps (views, pixels)."""
    return np.asarray((maps.T[:, :, None] == np.arange(classes)).astype(np.int64))


def voted(maps: IntArray, classes: int) -> IntArray:
    """The answer of each pixel, int64 (pixels,), by the votes of the label maps of the views, int64 (views, pixels)."""
    return np.array([vote(votes).label for votes in votes_of(maps, classes)])


def steady_votes(maps: IntArray, classes: int, untouched: BoolArray) -> SteadyMap:
    """By the vote theorem, pixel by pixel, for sets of untouched views, bool (sets, views)."""
    answers, steady = voted(maps, classes), []
    for answer, votes in zip(answers.tolist(), votes_of(maps, classes), strict=True):
        others = np.array([label for label in range(classes) if label != answer])
        weights = np.column_stack([votes[:, answer], np.ones(len(votes), np.int64), votes[:, others]])
        sums = untouched.astype(np.int64) @ weights
        steady.append(theorem_holds(sums, len(votes), others < answer, 0, 1))
    return SteadyMap(answers, np.array(steady).T)


def alerted(bare: IntArray, maps: IntArray) -> BoolArray:
    """The pixels with an alert: some mask, of label maps (masks, pixels), contradicts the map of the image as it is."""
    return np.asarray((maps != bare).any(axis=0))


def guarded(maps: IntArray, truth: IntArray, covers: Containment) -> SteadyMap:
    """Detection: the pixels that are right or have an alert after every attack, for each minimal set of masks.

    A pixel is guarded at a set if some mask of it gives the true label; the answers are then the true ones.
    """
    containing = covers.containing
    assert containing is not None
    return SteadyMap(truth, np.array([(maps[masks] == truth).any(axis=0) for masks in containing]))
