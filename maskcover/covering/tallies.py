"""Sums over the masks that contain a placement, of whole numbers given for each mask; for all placements at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from maskcover.cells import BoolArray, Cells, IntArray
from maskcover.covering.blocks import Blocks, MasksByForm, OwnedBoxes, cut_blocks, erosions
from maskcover.regions import Stencil

_AT_ONCE = 1 << 24  # flags that are turned into floats at once
_EXACT = 1 << 53  # sums are counted in float64, which holds every whole number up to here


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """The placements of one stencil in blocks, and for each mask the disjoint boxes of placements that it contains.

    Args:
        places: The blocks; all placements of a block lie inside the same masks.
        corners: For each of the 2^axes corners of the boxes the number of its cell among the edges, and its sign.
        owners: The mask of each box, int64 (boxes,); of equal masks only the first has boxes.
    """

    places: Blocks
    corners: tuple[tuple[IntArray, int], ...]
    owners: IntArray

    @classmethod
    def of(cls, masks: MasksByForm, stencil: Stencil) -> Tally:
        """The tally of the placements of a stencil."""
        inside = erosions(masks, stencil)
        order = np.argsort(inside.owners, kind="stable")
        owners, starts = np.unique(inside.owners[order], return_index=True)
        groups = np.split(inside.bounds[order], starts[1:]) if len(owners) else []
        disjoint = OwnedBoxes.of(
            ((int(owner), Cells.from_bounds(bounds).bounds) for owner, bounds in zip(owners, groups, strict=True)),
            len(stencil.extents),
        )
        places = cut_blocks(stencil, disjoint)
        ends = [np.searchsorted(cuts, disjoint.bounds[:, :, axis]) for axis, cuts in enumerate(places.edges)]
        counts = tuple(map(len, places.edges))
        corners = tuple(
            (
                np.ravel_multi_index([end[:, side] for end, side in zip(ends, sides, strict=True)], counts),
                (-1) ** sum(sides),
            )
            for sides in product((0, 1), repeat=len(counts))
        )
        return cls(places, corners, disjoint.owners)

    def sums(self, weights: IntArray) -> IntArray:
        """For each block the sum of the weights of the masks that contain its placements.

        Args:
            weights: Whole numbers, one for each mask, int64 (masks,); equal masks count as the first of them.

        Returns:
            int64 of the shape of ``places.allowed``.
        """
        counts = tuple(map(len, self.places.edges))
        if int(np.abs(weights).sum()) * len(self.corners) >= _EXACT:
            raise OverflowError("the weights are too large to be added exactly")
        around = np.zeros(prod(counts))
        for cells, sign in self.corners:
            around += sign * np.bincount(cells, weights=weights[self.owners].astype(np.float64), minlength=len(around))
        exact = np.rint(around).astype(np.int64).reshape(counts)
        for axis in range(len(counts)):
            exact = np.cumsum(exact, axis=axis)
        return np.asarray(exact[tuple(slice(count - 1) for count in counts)])


def whole_product(chosen: BoolArray, weights: IntArray) -> IntArray:
    """The matrix product of flags, bool (rows, n), and whole numbers, int64 (n, columns), without rounding.

    >>> whole_product(np.array([[True, False], [True, True]]), np.array([[1], [10]])).ravel().tolist()
    [1, 11]
    """
    if weights.size and int(np.abs(weights).sum(axis=0).max()) >= _EXACT:
        return np.asarray(chosen.astype(np.int64) @ weights)
    # In floats, for which there are fast kernels; every sum on the way is a whole number that they hold.
    factors, step = weights.astype(np.float64), max(1, _AT_ONCE // max(1, chosen.shape[1]))
    parts = [chosen[start : start + step].astype(np.float64) @ factors for start in range(0, len(chosen), step)]
    return np.rint(np.concatenate(parts)).astype(np.int64) if parts else np.zeros((0, weights.shape[1]), np.int64)
