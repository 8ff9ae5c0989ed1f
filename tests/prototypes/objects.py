"""Prototype of certificates for boxes around objects; docs/theory/objects.md has the theorems. Nothing of it is public.

A detector gives labelled boxes for the image as it is and under each mask. All of them are pooled, and one step of
merging drops boxes that lie inside others to a large part.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from maskcover.covering.containment import Containment


class Found(NamedTuple):
    """A box of pixels with its label, half-open: rows from top up to bottom, columns from left up to right."""

    label: int
    top: int
    left: int
    bottom: int
    right: int

    @property
    def area(self) -> int:
        """The number of pixels."""
        return (self.bottom - self.top) * (self.right - self.left)

    def common(self, other: Found) -> int:
        """The number of pixels in both boxes."""
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        width = min(self.right, other.right) - max(self.left, other.left)
        return max(height, 0) * max(width, 0)


def inside(box: Found, kept: Found) -> Fraction:
    """The fraction of a box that lies inside another."""
    return Fraction(box.common(kept), box.area)


def iou(box: Found, kept: Found) -> Fraction:
    """Intersection over union of two boxes."""
    common = box.common(kept)
    return Fraction(common, box.area + kept.area - common)


def merged(boxes: Iterable[Found], part: Fraction, *, by_union: bool = False) -> list[Found]:
    """Keep boxes in their order, but drop each whose label a kept box has that overlaps it by `part` at least.

    The overlap is the fraction of the dropped box inside the kept one, or with `by_union` intersection over union. A
    box is compared with kept boxes alone, so this is one step of merging.
    """
    overlap, kept = iou if by_union else inside, list[Found]()
    for box in boxes:
        if not any(box.label == other.label and overlap(box, other) >= part for other in kept):
            kept.append(box)
    return kept


def held_at_least(thing: Found, box: Found, part: Fraction) -> Fraction:
    """The pixels of an object that a box holds which stays or stands in for `box`: a bound for any such box."""
    return max(Fraction(0), thing.common(box) - (1 - part) * box.area)


def iou_at_least(thing: Found, box: Found, part: Fraction) -> Fraction:
    """The intersection over union with an object of a box that stays, where merging is by intersection over union."""
    held = held_at_least(thing, box, part)
    return held / (thing.area + box.area / part - held)


def certified(
    thing: Found, boxes: Sequence[Sequence[Found]], part: Fraction, needed: Fraction, covers: Containment
) -> bool:
    """Whether some kept box holds the fraction `needed` of an object after every attack within the regions.

    Args:
        thing: The object, with its label.
        boxes: The boxes under each mask on the clean image.
        part: The overlap from which on a box is dropped for a kept one.
        needed: The fraction of the pixels of the object that one box has to hold.
        covers: The masks and the regions.
    """
    finding = [
        any(box.label == thing.label and held_at_least(thing, box, part) >= needed * thing.area for box in group)
        for group in boxes
    ]
    return any(finding) and covers(np.array(finding))
