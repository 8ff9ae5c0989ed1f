"""Placements of one stencil, cut into blocks: all placements of a block lie inside the same masks.

The placements at which a stencil lies inside a mask are the erosion of the mask by the stencil (docs/theory.md,
Covering), a union of boxes. The edges of these boxes cut the placements into blocks, and every question about
placements is answered for each block by counting boxes, in integers. The cost grows with masks and shapes, not with
pixels.
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
class OwnedBoxes:
    """Boxes, each of one mask: `bounds` int64 (boxes, 2, axes), may overlap; `owners` int64 (boxes,), mask numbers."""

    bounds: IntArray
    owners: IntArray

    @classmethod
    def of(cls, parts: Iterable[tuple[int, IntArray]], ndim: int) -> OwnedBoxes:
        """Join the boxes of several masks, given as pairs of the number of a mask and its boxes."""
        numbered = [(np.full(len(bounds), number, dtype=np.int64), bounds) for number, bounds in parts]
        owners = [owner for owner, _ in numbered]
        bounds = [bounds for _, bounds in numbered]
        return cls(np.concatenate([np.empty((0, 2, ndim), np.int64), *bounds]), np.concatenate([_NONE, *owners]))

    def shrunk(self, extents: Extents) -> OwnedBoxes:
        """For each box the placements at which a box of these extents lies inside it."""
        bounds = self.bounds.copy()
        bounds[:, 1] -= np.array(extents) - 1
        fitting = (bounds[:, 0] < bounds[:, 1]).all(axis=1)
        return OwnedBoxes(bounds[fitting], self.owners[fitting])


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """The placements of a stencil cut at `edges`; `allowed` is True on the blocks of its allowed placements."""

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
class MasksByForm:
    """The masks of a set, grouped by how they are eroded; equal masks count once, under the number of the first.

    `boxes`: the masks that are boxes. `composed`: those made of a few boxes, and `inscribed`: the maximal boxes inside
    them. `intricate`: all others. Empty masks are left out, since they contain nothing.
    """

    count: int
    boxes: OwnedBoxes
    inscribed: OwnedBoxes
    composed: tuple[tuple[int, Mask], ...]
    intricate: tuple[tuple[int, Mask], ...]

    @classmethod
    def of(cls, masks: MaskSet) -> MasksByForm:
        """Group the masks of a set."""
        firsts = {mask: number for number, mask in reversed(list(enumerate(masks)))}
        numbered = sorted((number, mask) for mask, number in firsts.items())
        several = [(number, mask) for number, mask in numbered if len(mask.bounds) > 1]
        composed = tuple((number, mask) for number, mask in several if maximal_boxes(mask) is not None)
        inscribed = ((number, boxes) for number, mask in composed if (boxes := maximal_boxes(mask)) is not None)
        ndim = masks.grid.ndim
        return cls(
            len(masks),
            OwnedBoxes.of(((number, mask.bounds) for number, mask in numbered if len(mask.bounds) == 1), ndim),
            OwnedBoxes.of(inscribed, ndim),
            composed,
            tuple((number, mask) for number, mask in several if maximal_boxes(mask) is None),
        )


def erosions(masks: MasksByForm, stencil: Stencil) -> OwnedBoxes:
    """The placements at which a stencil lies inside each mask."""
    # A box contains a shape exactly when it contains its bounding box; a box lies inside a mask exactly when it lies
    # inside one of the maximal boxes of the mask.
    parts = [masks.boxes.shrunk(stencil.extents)]
    if stencil.is_box:
        parts.append(masks.inscribed.shrunk(stencil.extents))
    rest = masks.intricate if stencil.is_box else masks.composed + masks.intricate
    parts.append(
        OwnedBoxes.of(((number, eroded_bounds(mask, stencil.cells)) for number, mask in rest), len(stencil.extents))
    )
    return OwnedBoxes(np.concatenate([part.bounds for part in parts]), np.concatenate([part.owners for part in parts]))


def covered_blocks(places: Blocks, inside: OwnedBoxes, masks: int, multiplicity: int) -> BoolArray:
    """Whether each block lies inside at least `multiplicity` masks; bool, of the shape of `places.allowed`."""
    if multiplicity == 1:
        return depths(places.edges, inside.bounds) > 0
    counts = np.bitwise_count(pack_masks(inside, places, masks)).sum(axis=0)
    return np.asarray(counts.reshape(places.allowed.shape) >= multiplicity)


def pack_masks(inside: OwnedBoxes, places: Blocks, masks: int) -> npt.NDArray[np.uint8]:
    """For each block the masks that contain it, as bits: bit i % 8 of row i // 8 is mask i; uint8 (bytes, blocks)."""
    different, box_of = np.unique(inside.bounds, axis=0, return_inverse=True)
    owners = np.unique(inside.owners)
    if len(different) < len(owners):
        return _pack_shared(different, box_of.ravel(), inside.owners, places, masks)
    rows = np.zeros((masks // 8 + 1, places.allowed.size), dtype=np.uint8)
    for owner in owners:
        contains = painted(inside.bounds[inside.owners == owner], places.edges).ravel()
        rows[owner // 8] |= contains.view(np.uint8) << np.uint8(owner % 8)
    return rows


def _pack_shared(
    boxes: IntArray, box_of: IntArray, owners: IntArray, places: Blocks, masks: int
) -> npt.NDArray[np.uint8]:
    """The result of `pack_masks` where masks share boxes, as unions of the masks of a base do: box by box.

    A mask contains a block if one of its boxes does, so the masks of a block are those of all boxes around it.
    `boxes` are different, and entry i of `box_of` is the number of the box of the mask ``owners[i]``.
    """
    bits = np.zeros((len(boxes), masks // 8 + 1), dtype=np.uint8)
    np.bitwise_or.at(bits, (box_of, owners // 8), np.uint8(1) << (owners % 8).astype(np.uint8))
    around = np.stack([painted(box[None], places.edges).ravel() for box in boxes])
    kinds, kind_of = np.unique(np.packbits(around, axis=0), axis=1, return_inverse=True)
    groups = np.unpackbits(kinds, axis=0, count=len(boxes)).astype(np.bool_).T
    rows = np.stack([np.bitwise_or.reduce(bits[group], axis=0) for group in groups], axis=1)
    return rows[:, kind_of.ravel()]


def cut_blocks(stencil: Stencil, inside: OwnedBoxes) -> Blocks:
    """Cut the placements of a stencil into blocks that lie inside the same masks."""
    bounds = np.concatenate([stencil.places.bounds, inside.bounds])
    edges = tuple(np.unique(bounds[:, :, axis]) for axis in range(bounds.shape[2]))
    if len(stencil.places.bounds) == 1:
        return Blocks(stencil, edges, painted(stencil.places.bounds, edges))
    return Blocks(stencil, edges, depths(edges, stencil.places.bounds) > 0)
