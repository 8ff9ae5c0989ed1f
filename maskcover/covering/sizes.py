"""Shows that boxes contain all placements of a stencil, with boxes of one size after the other.

A product grid contains all placements of its shape by itself. Cut at the edges of that grid alone the placements have a
few dozen blocks; cut at the edges of all masks of all sizes they have millions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskcover.cells import Cells, IntArray
from maskcover.covering.blocks import MasksByForm
from maskcover.regions import Stencil

_MOST_SIZES = 4  # that are tried for a stencil
_MOST_LEFT = 1 << 6  # boxes of placements that no box of the sizes so far contains


@dataclass(frozen=True, slots=True, eq=False)
class BoxesBySize:
    """Boxes grouped by size.

    Args:
        sizes: The different sizes, int64 (sizes, axes).
        groups: For each size its boxes, int64 (boxes, 2, axes).
        starts: For each size the number of different starts of its boxes along each axis, int64 (sizes, axes).
    """

    sizes: IntArray
    groups: tuple[IntArray, ...]
    starts: IntArray

    @classmethod
    def of(cls, bounds: IntArray) -> BoxesBySize:
        """Group boxes, int64 (boxes, 2, axes), by size.

        >>> BoxesBySize.of(np.array([[[0, 0], [2, 3]], [[1, 0], [2, 2]], [[4, 4], [6, 7]]])).sizes.tolist()
        [[1, 2], [2, 3]]
        """
        sizes, size_of = np.unique(bounds[:, 1] - bounds[:, 0], axis=0, return_inverse=True)
        order = np.argsort(size_of.ravel(), kind="stable")
        ends = np.cumsum(np.bincount(size_of.ravel(), minlength=len(sizes)))
        groups = tuple(np.split(bounds[order], ends[:-1])) if len(sizes) else ()
        starts = [[len(np.unique(column)) for column in group[:, 0].T] for group in groups]
        return cls(sizes, groups, np.array(starts, dtype=np.int64).reshape(sizes.shape))

    @classmethod
    def of_masks(cls, masks: MasksByForm, is_box: bool) -> BoxesBySize:
        """The boxes that contain a stencil exactly when a mask does; those inside other masks only contain boxes."""
        return cls.of(np.concatenate([masks.boxes.bounds, masks.inscribed.bounds]) if is_box else masks.boxes.bounds)

    def contain(self, stencil: Stencil) -> bool:
        """Whether the boxes contain the stencil at all its places; False where that is not shown.

        Boxes of a few sizes first, then all boxes around the few places that are left.
        """
        extents = np.array(stencil.extents)
        left = stencil.places
        for number in self._promising(extents, np.array(left.span.extents))[:_MOST_SIZES]:
            left = left.minus(Cells.from_bounds(_shrunk(self.groups[number], extents)))
            if not left:
                return True
            if len(left.bounds) > _MOST_LEFT:
                return False
        bounds = (
            _shrunk(np.concatenate(self.groups), extents) if self.groups else np.empty((0, 2, len(extents)), np.int64)
        )
        return all(_holds(bounds, places) for places in left.bounds)

    def _promising(self, extents: IntArray, places: IntArray) -> IntArray:
        """The numbers of the sizes that hold a stencil, those first whose boxes reach most places along each axis."""
        room = np.maximum(self.sizes - extents + 1, 0)
        reached = np.minimum(room * self.starts / places, 1).min(axis=1, initial=1)
        holding = np.flatnonzero((room > 0).all(axis=1))
        return holding[np.lexsort((-room[holding].prod(axis=1), -reached[holding]))]


def _shrunk(bounds: IntArray, extents: IntArray) -> IntArray:
    """The placements of a shape inside each box, int64 (boxes, 2, axes); boxes that are too small are left out."""
    shrunk = bounds.copy()
    shrunk[:, 1] -= extents - 1
    return shrunk[(shrunk[:, 0] < shrunk[:, 1]).all(axis=1)]


def _holds(bounds: IntArray, places: IntArray) -> bool:
    """Whether boxes contain one box of placements, int64 (2, axes); only what lies in it is drawn."""
    low, high = np.maximum(bounds[:, 0], places[0]), np.minimum(bounds[:, 1], places[1])
    meet = (low < high).all(axis=1)
    return not Cells.from_bounds(places[None]).minus(Cells.from_bounds(np.stack([low[meet], high[meet]], axis=1)))
