"""Certified sizes: the largest patch that each image withstands, from the rows of one run.

Whoever withstands a patch withstands every smaller one of the same family, since its regions lie inside larger ones.
So each image has one largest size, and a bisection finds it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from maskcover.cells import IntArray
from maskcover.certification.certifying import containment_for
from maskcover.covering.containment import Containment
from maskcover.errors import InvalidInput, MaskcoverWarning, NotCovering
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, patches, rectangles, squares
from maskcover.runs.answers import NO, YES, Patterns

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CertifiedSizes:
    """The certified size of each image: the side of squares, or the area of rectangles, in pixels.

    Args:
        family: "squares" or "rectangles".
        patches: Number of patches of this size at once.
        largest: The largest size that the rows certify, 0 for none; int64 (images,).
        at_most: The largest size that the rows do not exclude; equal to `largest` where they tell exactly.
        limit: The largest size for which images can be certified with the masks: none is for more.

    >>> sizes = CertifiedSizes("squares", 1, np.array([0, 3, 5]), np.array([0, 4, 5]), 6)
    >>> sizes.fractions(4), sizes.exact
    ((0.3333333333333333, 0.6666666666666666), False)
    """

    family: str
    patches: int
    largest: IntArray
    at_most: IntArray
    limit: int

    @property
    def exact(self) -> bool:
        """Whether the rows tell the size of each image."""
        return bool((self.largest == self.at_most).all())

    def fractions(self, size: int) -> tuple[float, float]:
        """The least and the largest fraction of images that can be certified for a size; equal where rows tell."""
        count = max(len(self.largest), 1)
        return float((self.largest >= size).sum() / count), float((self.at_most >= size).sum() / count)

    def curve(self) -> tuple[IntArray, FloatArray, FloatArray]:
        """All sizes up to the limit, and the least and the largest fraction certified at each; arrays of one length.

        The fractions change only at sizes in `largest` and `at_most`; between them both stay as they are.
        """
        sizes = np.unique(np.concatenate([[1, self.limit], self.largest, self.at_most]))
        sizes = np.unique(np.concatenate([sizes, sizes + 1]))
        sizes = sizes[(sizes >= 1) & (sizes <= self.limit + 1)]
        low, high = (np.array(values) for values in zip(*map(self.fractions, sizes.tolist()), strict=True))
        return sizes, low, high

    def __str__(self) -> str:
        many = f"{self.patches} patches, each " if self.patches > 1 else ""
        sizes, low, high = self.curve()
        unit = "side" if self.family == "squares" else "area"
        lines = [
            f"{many}{self.family}: fraction of images certified, by {unit} in pixels (possible up to {self.limit})"
        ]
        lines += [
            f"  {size:>6}  {least:7.2%}" + (f" to {most:.2%}" if most > least else "")
            for size, least, most in zip(sizes.tolist(), low.tolist(), high.tolist(), strict=True)
        ]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, eq=False)
class SizedPart:
    """Images of one mask set, the way from regions in the frame of the run to the masks, and the longest side there."""

    patterns: Patterns
    masks: MaskSet
    pull: Callable[[RegionSet], RegionSet]
    longest_side: int


def certified_sizes(family: str, count: int, parts: Sequence[SizedPart]) -> CertifiedSizes:
    """The certified sizes of the images of all parts; see `OpenedRun.certified_size`."""
    make = _FAMILIES.get(family)
    if make is None:
        raise InvalidInput(f"family is one of {', '.join(_FAMILIES)}; got {family!r}")
    if type(count) is not int or count < 1:
        raise InvalidInput(f"patches is a whole number from 1; got {count!r}")

    def regions(size: int) -> RegionSet:
        return make(size) if count == 1 else patches(make(size), k=count)

    sizes = [_sizes_of(part, regions) for part in parts]
    largest, at_most = (np.concatenate(values) for values in zip(*(pair for pair, _ in sizes), strict=True))
    return CertifiedSizes(family, count, largest, at_most, max(limit for _, limit in sizes))


_FAMILIES: dict[str, Callable[[int], RegionSet]] = {
    "squares": lambda size: squares(size=size),
    "rectangles": lambda area: rectangles(area=area),
}


def _sizes_of(part: SizedPart, regions: Callable[[int], RegionSet]) -> tuple[tuple[IntArray, IntArray], int]:
    """The least and the largest certified size of each image, and the largest size that is possible with the masks."""

    @cache
    def containment(size: int) -> Containment | None:
        try:
            with warnings.catch_warnings():
                # Areas of a few pixels are meant here, whatever they look like to somebody who types one.
                warnings.simplefilter("ignore", MaskcoverWarning)
                return containment_for(part.patterns.procedure, part.masks, part.pull(regions(size)))
        except (NotCovering, InvalidInput):
            return None  # too large for the masks, or for the image

    limit = _largest(lambda size: containment(size) is not None, 1, part.longest_side**2)

    @cache
    def decided(pattern: int, size: int) -> int:
        covers = containment(size)
        return NO if covers is None else part.patterns.decided(pattern, covers)

    largest, at_most = [], []
    for pattern in range(len(part.patterns.tables)):
        largest.append(_largest(lambda size, at=pattern: decided(at, size) == YES, 1, limit))  # type: ignore[misc]
        at_most.append(_largest(lambda size, at=pattern: decided(at, size) != NO, max(largest[-1], 1), limit))  # type: ignore[misc]
    low = part.patterns.spread(np.array(largest, dtype=np.int64), missing=0, error=0)
    high = part.patterns.spread(np.array(at_most, dtype=np.int64), missing=limit, error=0)
    return (low, high), limit


def _largest(holds: Callable[[int], bool], first: int, last: int) -> int:
    """The largest number from `first` to `last` for which a statement holds that fails from there on; else 0.

    The first steps double, so that large numbers are tried only where smaller ones hold.

    >>> _largest(lambda number: number <= 37, 1, 1000), _largest(lambda number: False, 1, 9)
    (37, 0)
    """
    if last < first or not holds(first):
        return 0
    low, step = first, 1
    while low + step <= last and holds(low + step):
        low, step = low + step, 2 * step
    high = min(low + step - 1, last)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low
