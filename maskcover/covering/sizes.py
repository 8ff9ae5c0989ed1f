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

_MOST_SIZES = 8  # that are tried for a stencil
_MOST_LEFT = 1 << 10  # boxes of placements that no box of the sizes so far contains


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
        """Whether the boxes of a few sizes contain the stencil at all its places; False where that is not shown."""
        extents = np.array(stencil.extents)
        left = stencil.places
        for number in self._promising(extents, np.array(left.span.extents))[:_MOST_SIZES]:
            bounds = self.groups[number].copy()
            bounds[:, 1] -= extents - 1
            left = left.minus(Cells.from_bounds(bounds))
            if not left or len(left.bounds) > _MOST_LEFT:
                break
        return not left

    def _promising(self, extents: IntArray, places: IntArray) -> IntArray:
        """The numbers of the sizes whose boxes may contain a stencil at all places: along each axis they are enough."""
        room = np.maximum(self.sizes - extents + 1, 0)
        enough = np.flatnonzero((room * self.starts >= places).all(axis=1))
        return enough[np.argsort(-room[enough].prod(axis=1), kind="stable")]
