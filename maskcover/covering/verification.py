"""`verify`: whether every region of a set lies inside a mask (Definition 1), or a region that lies in none.

All decisions are made in integers, on the masks as they are; how they were made plays no part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from maskcover.amounts import at_least_one
from maskcover.cells import BoolArray, Cells
from maskcover.covering.blocks import Blocks, Prepared, blocks, contained, erosions
from maskcover.covering.signatures import scarce_tuple
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, Slot, Term, parse_regions
from maskcover.regions.base import brief


@dataclass(frozen=True, slots=True)
class CoverReport:
    """The answer of `verify`; true exactly when the masks cover.

    Args:
        regions: The region set that was checked.
        masks: The mask set that was checked.
        witness: None if the masks cover; else the patches of a region that lies inside too few masks.
        multiplicity: How many different masks each region has to lie inside.

    >>> from maskcover import cover, squares
    >>> masks = cover(squares(size=2), image_size=8, grid=(2, 2))
    >>> bool(verify(masks)), bool(verify(masks[1:], "squares(size=2)"))
    (True, False)
    """

    regions: RegionSet
    masks: MaskSet
    witness: tuple[Cells, ...] | None
    multiplicity: int = 1

    @property
    def covers(self) -> bool:
        """Whether every region lies inside enough masks."""
        return self.witness is None

    def __bool__(self) -> bool:
        return self.covers

    def __str__(self) -> str:
        several = self.multiplicity > 1
        if self.witness is None:
            figures = self.regions.describe(self.masks.grid)
            found = f"{self.multiplicity} different ones" if several else "one"
            return (
                f"covers: each of the {figures.placements:,} placements of {self.regions} on {self.masks.grid} "
                f"lies inside {found} of {len(self.masks)} masks"
            )
        found = f"fewer than {self.multiplicity} masks contain" if several else "no mask contains"
        return f"does not cover {self.regions} on {self.masks.grid}: {found} {' with '.join(map(str, self.witness))}"


def verify(masks: MaskSet, regions: RegionSet | str | None = None, *, multiplicity: int = 1) -> CoverReport:
    """Decide Definition 1 exactly: does every region of `regions` lie inside at least one mask?

    Args:
        masks: The mask set; its own grid is the image.
        regions: The region set or its text; by default the set that the masks claim to cover.
        multiplicity: Every region must lie inside at least so many different masks.

    Raises:
        InvalidInput: no region set is named or claimed, or one of its shapes has no place on the image.

    >>> from maskcover import cover, squares
    >>> masks = cover(squares(size=32))
    >>> bool(verify(masks)), str(verify(masks[1:]).witness[0])
    (True, '32×32 at rows 0–31, columns 0–31')
    """
    if not isinstance(masks, MaskSet):
        raise InvalidInput(_no_masks(masks, regions))
    claimed = masks.regions if regions is None else regions
    if claimed is None:
        raise InvalidInput("these masks claim no region set; name one: verify(masks, squares(size=32))")
    multiplicity = at_least_one(multiplicity, "multiplicity")
    regions = parse_regions(claimed)
    for term in regions.terms(masks.grid):
        witness = _uncovered(masks, term, multiplicity)
        if witness is not None:
            return CoverReport(regions, masks, witness, multiplicity)
    return CoverReport(regions, masks, None, multiplicity)


def _no_masks(found: object, regions: object) -> str:
    """What to do about something that stands where masks should."""
    advice = "MaskSet.from_array makes one, MaskSet.load reads one"
    if isinstance(found, RegionSet):
        advice = f"cover({brief(found)}) makes masks for these regions"
    if isinstance(regions, MaskSet):
        advice = "it is verify(masks, regions), and here they are the other way round"
    return f"verify expects a MaskSet first; got {type(found).__name__} ({advice})"


def covered_placements(masks: MaskSet, slot: Slot, multiplicity: int = 1) -> Iterator[tuple[Blocks, BoolArray]]:
    """For each stencil its blocks of placements, and which of them lie inside so many different masks."""
    prepared = Prepared.of(masks)
    for stencil in slot:
        found = erosions(prepared, stencil)
        places = blocks(stencil, found)
        yield places, contained(places, found, len(masks), multiplicity)


def _uncovered(masks: MaskSet, term: Term, multiplicity: int) -> tuple[Cells, ...] | None:
    if term.patches > 1:
        return scarce_tuple(masks, term, multiplicity)
    for places, covered in covered_placements(masks, term.slots[0], multiplicity):
        missed = places.allowed & ~covered
        if missed.any():
            return (places.stencil.at(places.place(int(np.argmax(missed)))),)
    return None
