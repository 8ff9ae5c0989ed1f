"""Placements of one stencil in blocks of equal answers: which masks contain them, and whether they are allowed.

The placements at which a stencil lies inside a mask are the erosion of the mask by the stencil (design §5), a union of
boxes. The edges of these boxes cut the placements into blocks; every answer is constant on a block, and all answers
are counts of boxes, in integers. The cost grows with masks and shapes, not with pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, Cells, IntArray, depths, eroded_bounds, maximal_boxes, painted
from maskcover.grid import Extents
from maskcover.masks import Mask, MaskSet
from maskcover.regions import Stencil

_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Owned:
    """Boxes of masks: `bounds` int64 (boxes, 2, axes), which may overlap; `owners` int64 (boxes,), numbers of masks."""

    bounds: IntArray
    owners: IntArray

    @classmethod
    def of(cls, parts: Iterable[tuple[int, IntArray]], ndim: int) -> Owned:
        """The boxes of several masks, each with its number."""
        numbered = [(np.full(len(bounds), number, dtype=np.int64), bounds) for number, bounds in parts]
        owners = [owner for owner, _ in numbered]
        bounds = [bounds for _, bounds in numbered]
        return cls(np.concatenate([np.empty((0, 2, ndim), np.int64), *bounds]), np.concatenate([_NONE, *owners]))

    def shrunk(self, extents: Extents) -> Owned:
        """The placements at which a box of these extents lies inside each box."""
        bounds = self.bounds.copy()
        bounds[:, 1] -= np.array(extents) - 1
        fitting = (bounds[:, 0] < bounds[:, 1]).all(axis=1)
        return Owned(bounds[fitting], self.owners[fitting])


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """The placements of a stencil cut at `edges`; `allowed` tells, block by block, which of them there are."""

    stencil: Stencil
    edges: tuple[IntArray, ...]
    allowed: BoolArray

    def place(self, block: int) -> Extents:
        """The first placement of a block, counted in reading order."""
        index = np.unravel_index(block, self.allowed.shape)
        return tuple(int(cuts[i]) for cuts, i in zip(self.edges, index, strict=True))

    def sizes(self) -> IntArray:
        """Number of placements in each block."""
        return reduce(np.multiply.outer, [np.diff(cuts) for cuts in self.edges])

    def total(self, chosen: BoolArray) -> int:
        """Number of allowed placements in the chosen blocks."""
        return int(self.sizes()[chosen & self.allowed].sum())

    def placements(self, chosen: BoolArray) -> Cells:
        """The allowed placements in the chosen blocks."""
        index = np.argwhere(chosen & self.allowed)
        corners = [np.stack([cuts[i], cuts[i + 1]], axis=1) for cuts, i in zip(self.edges, index.T, strict=True)]
        return Cells.from_bounds(np.stack(corners, axis=2))


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A mask set made ready for erosion; equal masks count once, under the number of the first.

    `boxes`: the masks that are boxes. `inscribed`: the maximal boxes inside those that are made of a few boxes,
    `composed`. `intricate`: all others. Empty masks contain nothing.
    """

    count: int
    boxes: Owned
    inscribed: Owned
    composed: tuple[tuple[int, Mask], ...]
    intricate: tuple[tuple[int, Mask], ...]

    @classmethod
    def of(cls, masks: MaskSet) -> Prepared:
        """The masks of a set, sorted by how they are eroded."""
        firsts = {mask: number for number, mask in reversed(list(enumerate(masks)))}
        numbered = sorted((number, mask) for mask, number in firsts.items())
        several = [(number, mask) for number, mask in numbered if len(mask.bounds) > 1]
        composed = tuple((number, mask) for number, mask in several if maximal_boxes(mask) is not None)
        inscribed = ((number, boxes) for number, mask in composed if (boxes := maximal_boxes(mask)) is not None)
        ndim = masks.grid.ndim
        return cls(
            len(masks),
            Owned.of(((number, mask.bounds) for number, mask in numbered if len(mask.bounds) == 1), ndim),
            Owned.of(inscribed, ndim),
            composed,
            tuple((number, mask) for number, mask in several if maximal_boxes(mask) is None),
        )


def erosions(masks: Prepared, stencil: Stencil) -> Owned:
    """Where a stencil lies inside which masks."""
    # A box contains a shape exactly when it contains its bounding box; a box lies inside a mask exactly when it lies
    # inside one of the maximal boxes of the mask.
    parts = [masks.boxes.shrunk(stencil.extents)]
    if stencil.is_box:
        parts.append(masks.inscribed.shrunk(stencil.extents))
    rest = masks.intricate if stencil.is_box else masks.composed + masks.intricate
    parts.append(
        Owned.of(((number, eroded_bounds(mask, stencil.cells)) for number, mask in rest), len(stencil.extents))
    )
    return Owned(np.concatenate([part.bounds for part in parts]), np.concatenate([part.owners for part in parts]))


def contained(places: Blocks, found: Owned, masks: int, multiplicity: int) -> BoolArray:
    """Which blocks lie inside at least so many different masks."""
    if multiplicity == 1:
        return depths(places.edges, found.bounds) > 0
    counts = np.bitwise_count(packed(found, places, masks)).sum(axis=0)
    return np.asarray(counts.reshape(places.allowed.shape) >= multiplicity)


def packed(found: Owned, places: Blocks, masks: int) -> npt.NDArray[np.uint8]:
    """Bit i % 8 of row i // 8 tells whether mask i contains the placements of a block; (bytes, blocks)."""
    rows = np.zeros((masks // 8 + 1, places.allowed.size), dtype=np.uint8)
    for owner in np.unique(found.owners):
        held = painted(found.bounds[found.owners == owner], places.edges).ravel()
        rows[owner // 8] |= held.view(np.uint8) << np.uint8(owner % 8)
    return rows


def blocks(stencil: Stencil, found: Owned) -> Blocks:
    """The blocks of placements that these erosions cannot tell apart."""
    bounds = np.concatenate([stencil.places.bounds, found.bounds])
    edges = tuple(np.unique(bounds[:, :, axis]) for axis in range(bounds.shape[2]))
    if len(stencil.places.bounds) == 1:
        return Blocks(stencil, edges, painted(stencil.places.bounds, edges))
    return Blocks(stencil, edges, depths(edges, stencil.places.bounds) > 0)
