"""The part of a region set that masks cover: as a map of placements, and as an exact fraction."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray
from maskcover.covering.blocks import Blocks
from maskcover.covering.signatures import shared_count
from maskcover.covering.verification import covered_placements
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, Stencil, Term, parse_regions


@dataclass(frozen=True, slots=True, eq=False)
class PlacementMap:
    """A map of the placements of one patch that lie inside a mask, for each maximal stencil; exact.

    >>> from maskcover import cover, squares
    >>> masks = cover(squares(size=2), image_size=6, grid=(2, 2))
    >>> placement_map(masks[:2], squares(size=2)).fraction
    Fraction(3, 5)
    """

    masks: MaskSet
    parts: tuple[tuple[Blocks, BoolArray], ...]

    @property
    def fraction(self) -> Fraction:
        """The fraction of the placements that lie inside a mask."""
        inside = sum(places.total(covered) for places, covered in self.parts)
        return Fraction(inside, sum(places.stencil.places.area for places, _ in self.parts))

    @property
    def share(self) -> Fraction:
        """The name of `fraction` up to version 0.1."""
        warnings.warn("PlacementMap.share is now PlacementMap.fraction", MaskcoverWarning, stacklevel=2)
        return self.fraction

    def placements(self) -> Iterator[tuple[Stencil, BoolArray, BoolArray]]:
        """Yield each stencil with two bool arrays of the image's shape: where it may lie, and where it is covered."""
        for places, covered in self.parts:
            allowed = places.stencil.places.to_array(self.masks.grid)
            yield places.stencil, allowed, places.placements(covered).to_array(self.masks.grid)

    def exposure(self) -> npt.NDArray[np.float64]:
        """For each pixel the fraction of the placements touching it that lie inside no mask.

        float64 of the image's shape; rounded, so it is meant for plots.
        """
        touching = np.zeros(self.masks.grid.shape, dtype=np.int64)
        bare = np.zeros_like(touching)
        for stencil, allowed, covered in self.placements():
            touching += _touching(allowed, stencil)
            bare += _touching(allowed & ~covered, stencil)
        return bare / np.maximum(touching, 1)


def placement_map(masks: MaskSet, regions: RegionSet | str) -> PlacementMap:
    """Map the placements of one patch that lie inside the masks.

    Raises:
        InvalidInput: the region set has several patches at once; `covered_fraction` counts those.
    """
    terms = parse_regions(regions).terms(masks.grid)
    if any(term.patches > 1 for term in terms):
        raise InvalidInput(f"a map of placements is drawn for one patch; {regions} has several: use covered_fraction")
    return PlacementMap(masks, tuple(part for term in terms for part in covered_placements(masks, term.slots[0])))


def covered_fraction(masks: MaskSet, regions: RegionSet | str) -> Fraction:
    """The fraction of all regions of maximal shape that lie inside a mask; for k patches, of k-tuples of placements.

    >>> from maskcover import cover, squares
    >>> masks = cover(squares(size=32))
    >>> covered_fraction(masks, "squares(size=32)"), float(covered_fraction(masks[:18], "squares(size=32)"))
    (Fraction(1, 1), 0.5129533678756477)
    """
    inside = total = 0
    for term in parse_regions(regions).terms(masks.grid):
        term_inside, term_total = _count(masks, term)
        inside, total = inside + term_inside, total + term_total
    return Fraction(inside, total)


def _count(masks: MaskSet, term: Term) -> tuple[int, int]:
    """The number of regions of a term inside a mask, and of all its regions."""
    if term.patches == 1:
        parts = covered_placements(masks, term.slots[0])
        return sum(places.total(covered) for places, covered in parts), term.placements
    return shared_count(masks, term), term.placements


def _touching(starts: BoolArray, stencil: Stencil) -> npt.NDArray[np.int64]:
    """For each cell the number of marked placements that touch it, added up over the boxes of the stencil."""
    counts = np.zeros(starts.shape, dtype=np.int64)
    for box in stencil.cells.boxes:
        counts += _touching_box(starts, box.start, box.extents)
    return counts


def _touching_box(starts: BoolArray, offset: tuple[int, ...], extents: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Each marked placement adds its box: a cell is touched from `offset + extent - 1` to `offset` cells before it."""
    counts = starts.astype(np.int64)
    for axis, (first, extent) in enumerate(zip(offset, extents, strict=True)):
        sums = np.cumsum(counts, axis=axis)
        counts = _moved(sums, first, axis) - _moved(sums, first + extent, axis)
    return counts


def _moved(sums: npt.NDArray[np.int64], steps: int, axis: int) -> npt.NDArray[np.int64]:
    """The array moved towards higher indices, zeros coming in."""
    before = [(0, 0)] * sums.ndim
    before[axis] = (steps, 0)
    return np.take(np.pad(sums, before), range(sums.shape[axis]), axis=axis)
