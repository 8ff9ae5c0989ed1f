"""`verify`: whether every region of a set lies inside a mask (Definition 1), or a region that lies in none.

All decisions are made in integers, on the masks as they are; how they were made plays no part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from maskcover.covering.containment import Blocks, blocks, inside, inside_any
from maskcover.covering.signatures import minimal_signatures, uncovered_tuple
from maskcover.errors import InvalidInput
from maskcover.grid import Box
from maskcover.masks import Mask, MaskSet
from maskcover.masks.compressed import compress, edges_of
from maskcover.masks.mask import BoolArray, IntArray
from maskcover.regions import RegionSet, Term, parse_regions


@dataclass(frozen=True, slots=True)
class CoverReport:
    """The answer of `verify`; true exactly when the masks cover.

    Args:
        regions: The region set that was checked.
        masks: The mask set that was checked.
        witness: None if the masks cover; else the patches (one box each) of a region that lies inside no mask.
    """

    regions: RegionSet
    masks: MaskSet
    witness: tuple[Box, ...] | None

    @property
    def covers(self) -> bool:
        """Whether every region lies inside at least one mask."""
        return self.witness is None

    def __bool__(self) -> bool:
        return self.covers

    def __str__(self) -> str:
        if self.witness is None:
            figures = self.regions.describe(self.masks.grid)
            return (
                f"covers: each of the {figures.placements:,} placements of {self.regions} on {self.masks.grid} "
                f"lies inside one of {len(self.masks)} masks"
            )
        return (
            f"does not cover {self.regions} on {self.masks.grid}: "
            f"no mask contains {' with '.join(map(str, self.witness))}"
        )


def verify(masks: MaskSet, regions: RegionSet | str | None = None) -> CoverReport:
    """Decide Definition 1 exactly: does every region of `regions` lie inside at least one mask?

    Args:
        masks: The mask set; its own grid is the image.
        regions: The region set or its text; by default the set that the masks claim to cover.

    Raises:
        InvalidInput: no region set is named or claimed, or one of its shapes has no place on the image.

    >>> from maskcover import cover, squares
    >>> masks = cover(squares(size=32))
    >>> bool(verify(masks)), str(verify(masks[1:]).witness[0])
    (True, '32×32 at rows 0–31, columns 0–31')
    """
    if not isinstance(masks, MaskSet):
        raise InvalidInput(f"verify expects a MaskSet first; got {type(masks).__name__} (MaskSet.from_array makes one)")
    claimed = masks.regions if regions is None else regions
    if claimed is None:
        raise InvalidInput("these masks claim no region set; name one: verify(masks, squares(size=32))")
    regions = parse_regions(claimed)
    for term in regions.terms(masks.grid):
        witness = _uncovered(masks, term)
        if witness is not None:
            return CoverReport(regions, masks, witness)
    return CoverReport(regions, masks, None)


def covered_placements(masks: MaskSet, term: Term) -> Iterator[tuple[Blocks, BoolArray]]:
    """For each shape of a one-patch term its blocks of placements, and which of them lie inside a mask."""
    edges = edges_of(masks, masks.grid)
    boxes, others = _split(masks)
    unions = compress(others, edges)
    for shape in term.shapes:
        places = blocks(edges, masks.grid, shape)
        covered = inside_any(boxes, places)
        for part in inside(unions, places):
            covered |= part.any(axis=0)
        yield places, covered


def _uncovered(masks: MaskSet, term: Term) -> tuple[Box, ...] | None:
    if term.patches > 1:
        compressed = compress(masks.masks, edges_of(masks, masks.grid))
        return uncovered_tuple(minimal_signatures(compressed, masks.grid, term.shapes), term.patches)
    for places, covered in covered_placements(masks, term):
        if not covered.all():
            return (places.region(int(np.argmin(covered))),)
    return None


def _split(masks: MaskSet) -> tuple[IntArray, tuple[Mask, ...]]:
    """The bounds of the masks that are single boxes, and the masks that are not; empty masks cover nothing."""
    boxes = [mask.bounds for mask in masks if len(mask.bounds) == 1]
    bounds = np.concatenate([np.empty((0, 2, masks.grid.ndim), np.int64), *boxes])
    return bounds, tuple(mask for mask in masks if len(mask.bounds) > 1)
