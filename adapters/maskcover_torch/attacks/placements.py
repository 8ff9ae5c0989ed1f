"""Where to attack: placements of any region set, and which of them the rows of a clean image protect least."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, Cells
from maskcover.covering import verify
from maskcover.grid import Grid
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, Slot, Stencil, Term

FloatArray = npt.NDArray[np.floating[Any]]

Placement = tuple[Cells, ...]
"""The patches of one region, overlaps allowed: one stencil of each slot of a term, at one of its places."""

_CANDIDATES = 1024
_RANDOM_SHARE = 4  # one in so many placements is random: what is weakest without a patch need not be so with one


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Placements of a region set, of which each image is given those that look weakest on it.

    `inside`: bool (placements, masks), which masks contain which placement.
    """

    regions: RegionSet
    masks: MaskSet
    placements: tuple[Placement, ...]
    inside: BoolArray

    @classmethod
    def of(cls, regions: RegionSet, masks: MaskSet, random: np.random.Generator) -> Candidates:
        """All placements of a small family, random ones of a large one."""
        placements = drawn(regions, masks.grid, _CANDIDATES, random)
        painted = (bitmap(placement, masks.grid) for placement in placements)
        return cls(regions, masks, placements, containing(np.asarray(masks), painted))

    def chosen(self, rows: FloatArray, count: int, random: np.random.Generator) -> list[Placement]:
        """At most `count` placements to attack, the most promising first.

        By the row theorem (design §7) a placement is out of reach if one mask that contains it has a wholly right row.
        So a placement is as well protected as the strongest row among the masks that contain it. Most of the chosen
        are those protected least, the others are random ones; a placement that no good mask contains is always there.

        Args:
            rows: (masks,), the smallest lead of the true label in the row of each mask, negative if wrong somewhere.
            count: How many to choose.
            random: Decides between equals, which are many: neighbouring placements lie inside the same masks.
        """
        strength = np.where(self.inside, rows, -np.inf).max(axis=1)
        order = np.lexsort((random.random(len(strength)), strength))
        weakest = order[: count - count // _RANDOM_SHARE]
        numbers = [*weakest, *random.permutation(order[len(weakest) :])]
        witness = uncovered(self.regions, self.masks, tuple(np.flatnonzero(rows > 0).tolist()))
        found = [self.placements[number] for number in numbers]
        return list(dict.fromkeys([*witness, *found]))[:count]


@lru_cache(maxsize=1024)
def uncovered(regions: RegionSet, masks: MaskSet, good: tuple[int, ...]) -> tuple[Placement, ...]:
    """A placement that lies inside none of the good masks; none if there is no such placement, or no good mask.

    Random candidates of a large family may miss the few placements that are open; the verifier does not.
    """
    if not good:
        return ()
    witness = verify(MaskSet(masks.grid, tuple(masks[mask] for mask in good)), regions).witness
    return () if witness is None else (witness,)


def drawn(regions: RegionSet, grid: Grid, count: int, random: np.random.Generator) -> tuple[Placement, ...]:
    """All placements of the family if there are at most `count`; else that many random ones, equal ones once.

    Every term, and within a slot every stencil, has the same chance: shapes with few places are tried as well.
    """
    terms = regions.terms(grid)
    if sum(term.placements for term in terms) <= count:
        return tuple(dict.fromkeys(placement for term in terms for placement in _all(term)))
    picked = (terms[random.integers(len(terms))] for _ in range(count))
    return tuple(dict.fromkeys(tuple(_random_patch(slot, random) for slot in term.slots) for term in picked))


def bitmap(placement: Placement, grid: Grid) -> BoolArray:
    """The pixels of all patches: bool (height, width)."""
    return Cells([]).union(*placement).to_array(grid)


def containing(hidden: BoolArray, regions: Iterable[BoolArray]) -> BoolArray:
    """Which masks contain which regions: bool (regions, masks) of bools (masks, height, width) and (height, width)."""
    # Counts of pixels below 2**24 are exact in float32. One region at a time: there may be many, and large ones.
    left = (~hidden.reshape(len(hidden), -1)).astype(np.float32).T
    return np.array([region.reshape(-1).astype(np.float32) @ left == 0 for region in regions])


def _all(term: Term) -> Iterator[Placement]:
    slots = [[stencil.at(place) for stencil in slot for place in _places(stencil)] for slot in term.slots]
    return product(*slots)


def _places(stencil: Stencil) -> Iterator[tuple[int, ...]]:
    for box in stencil.places.boxes:
        yield from product(*map(range, box.start, box.stop))


def _random_patch(slot: Slot, random: np.random.Generator) -> Cells:
    stencil = slot[random.integers(len(slot))]
    boxes = stencil.places.bounds
    areas = (boxes[:, 1] - boxes[:, 0]).prod(axis=1)
    start, stop = boxes[random.choice(len(boxes), p=areas / areas.sum())]
    return stencil.at(tuple(random.integers(start, stop).tolist()))
