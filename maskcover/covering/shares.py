"""How much of a region set some masks cover: placement by placement, and as an exact share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from maskcover.covering.containment import Blocks
from maskcover.covering.signatures import shared_count, signature_counts
from maskcover.covering.verification import covered_placements
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.masks.compressed import compress, edges_of
from maskcover.masks.mask import BoolArray
from maskcover.regions import RegionSet, Term, parse_regions


@dataclass(frozen=True, slots=True, eq=False)
class PlacementMap:
    """Which placements of each maximal shape of one patch lie inside a mask; exact."""

    masks: MaskSet
    parts: tuple[tuple[Blocks, BoolArray], ...]

    @property
    def share(self) -> Fraction:
        """The share of placements that lie inside a mask."""
        inside = sum(int(places.sizes()[covered].sum()) for places, covered in self.parts)
        return Fraction(inside, sum(int(places.sizes().sum()) for places, _ in self.parts))

    def placements(self) -> Iterator[tuple[tuple[int, ...], BoolArray]]:
        """For each shape a bool array over its first cells, of shape (H − h + 1, W − w + 1): True where covered."""
        for places, covered in self.parts:
            yield places.shape, places.expand(covered)

    def exposure(self) -> npt.NDArray[np.float64]:
        """For pictures: the share of the placements touching each pixel that lie inside no mask; float (H, W)."""
        touching = np.zeros(self.masks.grid.shape, dtype=np.int64)
        bare = np.zeros_like(touching)
        for shape, covered in self.placements():
            touching += _touching(np.ones_like(covered), shape)
            bare += _touching(~covered, shape)
        return bare / np.maximum(touching, 1)


def placement_map(masks: MaskSet, regions: RegionSet | str) -> PlacementMap:
    """The map of the placements of one patch that lie inside the masks.

    Raises:
        InvalidInput: the region set has several patches at once; `covered_share` still gives their share.
    """
    terms = parse_regions(regions).terms(masks.grid)
    if any(term.patches > 1 for term in terms):
        raise InvalidInput(f"a map of placements is drawn for one patch; {regions} has several: use covered_share")
    return PlacementMap(masks, tuple(part for term in terms for part in covered_placements(masks, term)))


def covered_share(masks: MaskSet, regions: RegionSet | str) -> Fraction:
    """The share of all regions of maximal shape, k-tuples of placements for k patches, that lie inside a mask.

    >>> from maskcover import cover, squares
    >>> masks = cover(squares(size=32))
    >>> covered_share(masks, "squares(size=32)"), float(covered_share(masks[:18], "squares(size=32)"))
    (Fraction(1, 1), 0.5129533678756477)
    """
    inside = total = 0
    for term in parse_regions(regions).terms(masks.grid):
        term_inside, term_total = _count(masks, term)
        inside, total = inside + term_inside, total + term_total
    return Fraction(inside, total)


def _count(masks: MaskSet, term: Term) -> tuple[int, int]:
    placements = sum(map(masks.grid.placements, term.shapes))
    if term.patches == 1:
        parts = covered_placements(masks, term)
        return sum(int(places.sizes()[covered].sum()) for places, covered in parts), placements
    compressed = compress(masks.masks, edges_of(masks, masks.grid))
    counts = signature_counts(compressed, masks.grid, term.shapes)
    return shared_count(counts, term.patches), placements**term.patches


def _touching(starts: BoolArray, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """For each cell the number of marked placements that touch it: each one adds its box, summed from its corners."""
    counts = starts.astype(np.int64)
    for axis, extent in enumerate(shape):
        before = [(0, 0)] * counts.ndim
        after = [(0, 0)] * counts.ndim
        before[axis], after[axis] = (extent, 0), (0, extent)
        # A cell is touched by the starts from `extent - 1` before it up to itself: a difference of running sums.
        sums = np.cumsum(np.pad(counts, after), axis=axis)
        earlier = np.cumsum(np.pad(counts, before), axis=axis)
        counts = np.take(sums - earlier, range(sums.shape[axis] - 1), axis=axis)
    return counts
