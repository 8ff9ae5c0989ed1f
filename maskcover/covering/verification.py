"""`verify`: decides whether every region of a set lies inside a mask (Definition 1), or finds a region that does not.

All decisions are made in integers, from the masks alone; it does not matter how they were made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from maskcover.amounts import parse_count
from maskcover.cells import BoolArray, Cells
from maskcover.covering.blocks import Blocks, MasksByForm, covered_blocks, cut_blocks, erosions
from maskcover.covering.signatures import scarce_tuple
from maskcover.covering.sizes import BoxesBySize
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, Slot, Stencil, Term, parse_regions
from maskcover.regions.base import brief
from maskcover.terminal import bar


@dataclass(frozen=True, slots=True)
class CoverReport:
    """The answer of `verify`; true exactly when the masks cover.

    Args:
        regions: The region set that was checked.
        masks: The mask set that was checked.
        witness: None if the masks cover; else the patches of a region that lies inside too few masks.
        multiplicity: The number of different masks that each region must lie inside.

    >>> from maskcover import cover, squares
    >>> report = verify(cover(squares(size=32)), squares(size=40))
    >>> report.covers, str(report.witness[0])
    (False, '40×40 at rows 0–39, columns 25–64')
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
            enough = f"{self.multiplicity} different ones" if several else "one"
            return (
                f"covers: each of the {figures.placements:,} placements of {self.regions} on {self.masks.grid} "
                f"lies inside {enough} of {len(self.masks)} masks"
            )
        too_few = f"fewer than {self.multiplicity} masks contain" if several else "no mask contains"
        return f"does not cover {self.regions} on {self.masks.grid}: {too_few} {' with '.join(map(str, self.witness))}"


def verify(masks: MaskSet, regions: RegionSet | str | None = None, *, multiplicity: int = 1) -> CoverReport:
    """Decide exactly whether every region of `regions` lies inside at least one mask (Definition 1).

    Args:
        masks: The mask set; its grid is the image.
        regions: The region set or its text; by default the claim of the masks.
        multiplicity: Every region must lie inside at least this many different masks.

    Returns:
        A report, true exactly when the masks cover; otherwise it shows a region that too few masks contain.

    Raises:
        InvalidInput: neither `regions` nor a claim names a region set, or a shape of it has no place on the image.

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
    multiplicity = parse_count(multiplicity, "multiplicity")
    regions = parse_regions(claimed)
    for term in regions.terms(masks.grid):
        witness = _uncovered(masks, term, multiplicity)
        if witness is not None:
            return CoverReport(regions, masks, witness, multiplicity)
    return CoverReport(regions, masks, None, multiplicity)


def _no_masks(value: object, regions: object) -> str:
    """The message for a first argument that is no mask set."""
    advice = "MaskSet.from_array makes one, MaskSet.load reads one"
    if isinstance(value, RegionSet):
        advice = f"cover({brief(value)}) makes masks for these regions"
    if isinstance(regions, MaskSet):
        advice = "it is verify(masks, regions), and here they are the other way round"
    return f"verify expects a MaskSet first; got {type(value).__name__} ({advice})"


def covered_placements(masks: MaskSet, slot: Slot, multiplicity: int = 1) -> Iterator[tuple[Blocks, BoolArray]]:
    """Yield for each stencil its blocks of placements, and which of them lie inside `multiplicity` different masks."""
    grouped = MasksByForm.of(masks)
    for stencil in slot:
        yield _covered_blocks(grouped, stencil, multiplicity)


def _covered_blocks(masks: MasksByForm, stencil: Stencil, multiplicity: int) -> tuple[Blocks, BoolArray]:
    inside = erosions(masks, stencil)
    places = cut_blocks(stencil, inside)
    return places, covered_blocks(places, inside, masks.count, multiplicity)


def _uncovered(masks: MaskSet, term: Term, multiplicity: int) -> tuple[Cells, ...] | None:
    if term.patches > 1:
        return scarce_tuple(masks, term, multiplicity)
    grouped = MasksByForm.of(masks)
    by_size = {is_box: BoxesBySize.of_masks(grouped, is_box) for is_box in (True, False)}
    for stencil in bar(term.slots[0], "verifying", "shape"):
        if multiplicity == 1 and by_size[stencil.is_box].contain(stencil):
            continue
        places, covered = _covered_blocks(grouped, stencil, multiplicity)
        missed = places.allowed & ~covered
        if missed.any():
            return (places.stencil.at(places.place(int(np.argmax(missed)))),)
    return None
