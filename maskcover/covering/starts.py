"""Finished mask sets that `cover` may take or start from: those shipped with maskcover, and one that a user names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from math import comb
from os import PathLike, fspath
from pathlib import Path

from maskcover.covering.plan import CoverPlan, SlotPlan, Style, TermPlan
from maskcover.covering.verification import verify
from maskcover.errors import InvalidInput
from maskcover.grid import Grid
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet

FOLDER = Path(__file__).parent / "shipped"
_NAME = re.compile(r"(?P<label>.+)-(?P<sides>\d+(x\d+)*)-(?P<masks>\d+)-masks-(?P<largest>\d+)-px\.cover\.json")


@dataclass(frozen=True, slots=True)
class ShippedSet:
    """A mask set shipped with maskcover: its certificate's file, and figures that the file's name tells."""

    path: Path
    sides: tuple[int, ...]
    masks: int
    largest: int

    @property
    def evaluations(self) -> int:
        """An upper bound of the number of distinct unions of two masks."""
        return comb(self.masks + 1, 2)

    @property
    def origin(self) -> str:
        """Where the masks come from, in words."""
        return f"the set {self.path.name.removesuffix('.cover.json')} shipped with maskcover"


@cache
def shipped_sets() -> tuple[ShippedSet, ...]:
    """The shipped sets, those of the fewest masks first.

    >>> min(shipped.largest for shipped in shipped_sets()) < 4903
    True
    """
    matches = [(path, _NAME.fullmatch(path.name)) for path in sorted(FOLDER.glob("*.cover.json"))]
    sets = (
        ShippedSet(path, tuple(map(int, match["sides"].split("x"))), int(match["masks"]), int(match["largest"]))
        for path, match in matches
        if match
    )
    return tuple(sorted(sets, key=lambda shipped: (shipped.masks, shipped.largest)))


def from_shipped(
    plan: CoverPlan, grid: Grid, regions: RegionSet, style: Style, allows: Callable[[ShippedSet], bool] | None
) -> tuple[CoverPlan, str | None]:
    """Take a shipped set that covers the regions if it is better than the plan; and say where it comes from.

    Better is a set of fewer masks that are no larger; with `allows`, a budget that is not an area, an allowed set whose
    largest mask is smaller. The product grid of a single shape, which is minimal, is left as it is; so are plans for
    regions that may not lie everywhere, which lose masks later.
    """
    slot = _only_slot(plan)
    if slot is None or style != Style() or len(slot.products) == 1 or not plan.is_free:
        return plan, None
    candidates: Iterator[ShippedSet] | list[ShippedSet]
    if allows is None:
        candidates = [
            shipped for shipped in shipped_sets() if shipped.masks < plan.masks and shipped.largest <= slot.largest
        ]
    else:
        smaller = [shipped for shipped in shipped_sets() if allows(shipped) and shipped.largest < slot.largest]
        candidates = sorted(smaller, key=lambda shipped: (shipped.largest, shipped.masks))
    for shipped in candidates:
        if shipped.sides == grid.shape:
            masks = MaskSet.load(shipped.path)
            if verify(masks, regions):
                return _starting_from(plan, slot, masks, allows is None), shipped.origin
    return plan, None


def from_start(
    plan: CoverPlan, grid: Grid, regions: RegionSet, style: Style, start: MaskSet | str | PathLike[str]
) -> tuple[CoverPlan, str | None]:
    """Take the masks that a user starts from if they are fewer than those of the plan.

    Raises:
        InvalidInput: they do not cover the regions, have masks too large for the budget, or are masks of another image.
    """
    masks = start if isinstance(start, MaskSet) else MaskSet.load(start)
    name = "start" if isinstance(start, MaskSet) else f"start {fspath(start)}"
    slot = _only_slot(plan)
    if slot is None or style != Style():
        raise InvalidInput("start= is for one patch at a time, without align= and multiplicity=")
    if masks.grid != grid:
        raise InvalidInput(f"expected a start for images of {grid}, but the {name} is for {masks.grid}")
    report = verify(masks, regions)
    if not report:
        raise InvalidInput(f"expected a start that covers {regions}, but the {name} {report}")
    largest = max(mask.span.volume for mask in masks if mask)
    if largest > slot.largest:
        raise InvalidInput(
            f"the {name} has a mask in a box of {largest:,} px, but at most {slot.largest:,} px are allowed; "
            f"allow max_mask_area={largest}"
        )
    if len(masks) >= plan.masks:
        return plan, None
    return _starting_from(plan, slot, masks, keeps_largest=True), f"the {name}"


def _only_slot(plan: CoverPlan) -> SlotPlan | None:
    """The plan of the only patch; None for several patches or terms, and where one mask hides all."""
    if len(plan.terms) != 1 or len(plan.terms[0].slots) != 1 or plan.hides_image:
        return None
    slot, patches, _ = plan.terms[0].slots[0]
    return slot if patches == 1 else None


def _starting_from(plan: CoverPlan, slot: SlotPlan, masks: MaskSet, keeps_largest: bool) -> CoverPlan:
    boxes = [mask.span for mask in masks if mask]
    largest = slot.largest if keeps_largest else max(box.volume for box in boxes)
    return replace(plan, terms=(TermPlan(((slot.starting_from(boxes, largest), 1, 1),)),))
