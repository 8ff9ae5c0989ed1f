"""Chooses where to attack: the placements of a region set that look weakest on a clean image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, Cells, IntArray
from maskcover.covering import verify
from maskcover.grid import Grid
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet, Slot, Stencil, Term
from maskcover_torch.attacks.aims import Aim

FloatArray = npt.NDArray[np.floating[Any]]

Placement = tuple[Cells, ...]
"""The patches of one region, overlaps allowed: one stencil of each slot of a term, at one of its places."""

_CANDIDATES = 1024
_SHARPNESS = 4  # a placement of twice the effect is chosen 2**4 times as often
_LEAST_EFFECT = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Placements of a region set; each image is attacked at those that look weakest on it.

    `inside`: bool (placements, masks), which masks contain which placement; those of levels come last. `pixels`: the
    flat pixel numbers of each placement.
    """

    regions: RegionSet
    masks: MaskSet
    placements: tuple[Placement, ...]
    inside: BoolArray
    pixels: tuple[IntArray, ...]

    @classmethod
    def of(cls, regions: RegionSet, masks: MaskSet, random: np.random.Generator) -> Candidates:
        """All placements of a small region set, random ones of a large one."""
        placements = drawn(regions, masks.grid, _CANDIDATES, random)
        pixels = tuple(np.flatnonzero(bitmap(placement, masks.grid)) for placement in placements)
        return cls(regions, masks, placements, containing(np.asarray(masks.joined), pixels), pixels)

    def chosen(
        self, rows: FloatArray, saliency: FloatArray, count: int, random: np.random.Generator, aim: Aim
    ) -> list[Placement]:
        """At most `count` placements to attack, the most promising first.

        By the row theorem (docs/theory.md, The defence) a placement is out of reach if a certifying mask contains it.
        So a placement is protected by the strongest row among the masks that contain it, and it is *open* if that row
        is wrong somewhere. The choice takes turns: an open placement of salient pixels, one of those protected least,
        a salient one again, and any. An open placement comes first wherever there is one.

        Args:
            rows: (masks,), the smallest margin of the true label in the row of each mask, negative if wrong somewhere;
                those of levels come last.
            saliency: (height, width), how much each pixel moves the predictions.
            count: How many to choose.
            random: Breaks ties: neighbouring placements are nearly equal.
            aim: Says how well each placement is protected; votes have no certifying masks.
        """
        strength = aim.strength(rows, self.inside)
        effect = np.array([saliency.ravel()[pixels].sum() for pixels in self.pixels])
        if (strength <= 0).any():
            effect = np.where(strength <= 0, effect, 0.0)
        weights = np.maximum(effect / max(effect.max(), _LEAST_EFFECT), _LEAST_EFFECT) ** _SHARPNESS
        # A race of exponential clocks: drawn without repetition, each time in proportion to the weights.
        salient, again = (np.argsort(random.exponential(size=len(weights)) / weights) for _ in range(2))
        weakest = np.lexsort((random.random(len(strength)), strength))
        numbers = np.stack([salient, weakest, again, random.permutation(len(strength))], axis=1).ravel()
        chosen = [self.placements[number] for number in numbers.tolist()]
        certifying = tuple(np.flatnonzero(rows[: len(self.masks)] > 0).tolist()) if aim.by_masks else ()
        witness = uncovered(self.regions, self.masks, certifying)
        return list(dict.fromkeys([*witness, *chosen]))[:count]


@lru_cache(maxsize=1024)
def uncovered(regions: RegionSet, masks: MaskSet, certifying: tuple[int, ...]) -> tuple[Placement, ...]:
    """A placement inside none of the certifying masks; none if there is no such placement, or no certifying mask.

    Random candidates of a large region set may miss the few placements that are open; the verifier does not.
    """
    if not certifying:
        return ()
    witness = verify(MaskSet(masks.grid, tuple(masks[mask] for mask in certifying)), regions).witness
    return () if witness is None else (witness,)


def drawn(regions: RegionSet, grid: Grid, count: int, random: np.random.Generator) -> tuple[Placement, ...]:
    """All placements of a region set if there are at most `count`; else that many random ones, equal ones once.

    Every term, and within a slot every stencil, is equally likely: shapes with few places are tried as well.
    """
    terms = regions.terms(grid)
    if sum(term.placements for term in terms) <= count:
        return tuple(dict.fromkeys(placement for term in terms for placement in _all(term)))
    terms_drawn = (terms[random.integers(len(terms))] for _ in range(count))
    return tuple(dict.fromkeys(tuple(_random_patch(slot, random) for slot in term.slots) for term in terms_drawn))


def bitmap(placement: Placement, grid: Grid) -> BoolArray:
    """The pixels of all patches: bool (height, width)."""
    return Cells([]).union(*placement).to_array(grid)


def containing(hidden: BoolArray, regions: Iterable[IntArray]) -> BoolArray:
    """Which masks contain which regions: bool (regions, masks).

    Args:
        hidden: The masks, bool (masks, height, width).
        regions: Flat numbers of the pixels of each region.
    """
    flat = np.ascontiguousarray(hidden.reshape(len(hidden), -1).T)
    return np.array([flat[pixels].all(axis=0) for pixels in regions])


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
