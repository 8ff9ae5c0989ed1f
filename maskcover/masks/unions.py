"""Numbering the unions of two masks of a set: equal unions have one number, and are evaluated once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, IntArray, atoms, depths
from maskcover.errors import InvalidInput
from maskcover.grid import Grid
from maskcover.masks.mask import Mask


class Views(Enum):
    """The masked predictions that a procedure may ask for."""

    SINGLE_MASKS = "single masks"
    PAIRS = "unions of two masks"


_RAREST = 16  # atoms of a mask by which masks around it are looked for
_MOST_PAIRS = 1 << 26
_MOST_BYTES = 1 << 32  # of all unions of two, one bit an atom


@dataclass(frozen=True, slots=True, eq=False)
class Unions:
    """The distinct unions m ∪ m' of the pairs of a mask set of n masks.

    `ids`: int64 (n, n), symmetric; two pairs have the same id exactly when they hide the same cells.
    `pairs`: int64 (number of views, 2); a pair that gives each union, a single mask as (i, i) where there is one; last
        those masks of levels that are no such union.
    `coarser`: int64; the ids of the masks of levels, whose numbers follow those of the n masks.
    """

    ids: IntArray
    pairs: IntArray
    coarser: IntArray = field(default_factory=lambda: np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def count(self) -> int:
        """Number of unions of the n masks."""
        return int(self.ids.max(initial=-1)) + 1

    @property
    def singles(self) -> IntArray:
        """The number of each single mask, int64 (n,)."""
        return self.ids.diagonal()

    def numbers(self, first: IntArray, second: IntArray) -> IntArray:
        """The number of the union of each pair of mask numbers; those of levels come in pairs with themselves."""
        return _numbered(first, second, self.ids.diagonal(), self.coarser, lambda one, two: self.ids[one, two])


@dataclass(frozen=True, slots=True, eq=False)
class Singles:
    """The distinct masks of a set of n masks, for procedures that ask for no unions.

    `ids`: int64 (n,); two masks have the same id exactly when they hide the same cells.
    `pairs`: int64 (number of distinct masks, 2); (i, i) for the first mask i with each id.
    `coarser`: int64; the ids of the masks of levels, whose numbers follow those of the n masks.
    """

    ids: IntArray
    pairs: IntArray
    coarser: IntArray = field(default_factory=lambda: np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def singles(self) -> IntArray:
        """The number of each single mask, int64 (n,)."""
        return self.ids

    def numbers(self, first: IntArray, second: IntArray) -> IntArray:
        """The number of each mask, given twice.

        Raises:
            InvalidInput: two different masks, whose union was not to be asked for.
        """
        if (first != second).any():
            raise InvalidInput("a procedure with Views.SINGLE_MASKS asked for a union of two masks; name Views.PAIRS")
        return _numbered(first, second, self.ids, self.coarser, lambda one, _: self.ids[one])


def _numbered(
    first: IntArray,
    second: IntArray,
    singles: IntArray,
    coarser: IntArray,
    of_masks: Callable[[IntArray, IntArray], IntArray],
) -> IntArray:
    """The numbers of pairs of masks, some of which may be a mask of a level with itself."""
    of_levels = (first >= len(singles)) | (second >= len(singles))
    if not of_levels.any():
        return of_masks(first, second)
    if (first != second)[of_levels].any():
        raise InvalidInput("a procedure asked for the union of a mask of a level with another one")
    numbers = np.append(singles, coarser)[first]
    numbers[~of_levels] = of_masks(first[~of_levels], second[~of_levels])
    return numbers


def distinct_masks(masks: tuple[Mask, ...], coarser: tuple[Mask, ...] = ()) -> Singles:
    """Number the distinct masks, in order of first appearance; those of levels last.

    >>> from maskcover.grid import Box
    >>> a, b = Mask([Box((0,), (2,))]), Mask([Box((0,), (5,))])
    >>> distinct_masks((a, b, a)).ids
    array([0, 1, 0])
    """
    numbers: dict[Mask, int] = {}
    ids = np.array([numbers.setdefault(mask, len(numbers)) for mask in masks + coarser], dtype=np.int64)
    _, firsts = np.unique(ids, return_index=True)
    return Singles(ids[: len(masks)], np.stack([firsts, firsts], axis=1), ids[len(masks) :])


def distinct_unions(masks: tuple[Mask, ...], grid: Grid, coarser: tuple[Mask, ...] = ()) -> Unions:
    """Number the distinct unions: single masks first, then pairs, then masks of levels; each where it first appears.

    >>> from maskcover.grid import Box
    >>> a, b = Mask([Box((0,), (2,))]), Mask([Box((0,), (5,))])
    >>> distinct_unions((a, b), Grid((9,))).ids          # b hides all that a hides
    array([[0, 1],
           [1, 1]])
    """
    count = len(masks)
    pairs = count * (count + 1) // 2
    # Most masks first: the atoms of very many are themselves too much.
    if (
        pairs > _MOST_PAIRS
        or pairs * (packed := np.packbits(atoms(masks + coarser, grid), axis=1)).shape[1] > _MOST_BYTES
    ):
        raise InvalidInput(f"the unions of two of {count:,} masks are too many to list; use fewer or simpler masks")
    first, second = np.triu_indices(count, k=1)
    single, levels = np.arange(count), np.arange(count, count + len(coarser))
    first, second = np.concatenate([single, first, levels]), np.concatenate([single, second, levels])
    rows = np.ascontiguousarray(packed[first] | packed[second])
    _, appeared, inverse = np.unique(_as_keys(rows), return_index=True, return_inverse=True)
    order = np.argsort(appeared)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    ids = np.empty((count, count), dtype=np.int64)
    numbers, own = rank[inverse], slice(0, pairs)
    ids[first[own], second[own]] = ids[second[own], first[own]] = numbers[own]
    chosen = appeared[order]
    return Unions(ids, np.stack([first[chosen], second[chosen]], axis=1), numbers[pairs:])


def without_contained(masks: tuple[Mask, ...], grid: Grid) -> tuple[Mask, ...]:
    """The masks that lie inside no other, in order, equal masks once: they cover whatever all of them cover."""
    distinct = tuple(dict.fromkeys(masks))
    boxes = all(len(mask.bounds) == 1 for mask in distinct)
    inside = _boxes_contained(distinct) if boxes else _contained(atoms(distinct, grid))
    return tuple(mask for mask, contained in zip(distinct, inside, strict=True) if not contained)


def _boxes_contained(masks: tuple[Mask, ...]) -> list[bool]:
    """For each of the pairwise different boxes, whether another one contains it: for all of one size at once."""
    if not masks:
        return []
    bounds = np.concatenate([mask.bounds for mask in masks])
    sizes = bounds[:, 1] - bounds[:, 0]
    inside = np.zeros(len(masks), dtype=np.bool_)
    for size in np.unique(sizes, axis=0):
        same = (sizes == size).all(axis=1)
        room = bounds[(sizes >= size).all(axis=1)]
        # A box of this size lies inside another one if it starts among these.
        starts = np.stack([room[:, 0], room[:, 1] - size + 1], axis=1)
        edges = tuple(np.unique(starts[:, :, axis]) for axis in range(bounds.shape[2]))
        around = depths(edges, starts)
        places = tuple(np.searchsorted(cuts, bounds[same, 0, axis]) for axis, cuts in enumerate(edges))
        inside[same] = around[places] > 1
    return list(map(bool, inside))


def _contained(rows: BoolArray) -> list[bool]:
    """For each of the pairwise different rows, whether another one has all of its atoms.

    Few rows have all of the rarest atoms of a row; only these are compared with it.
    """
    holders = np.packbits(rows, axis=0).T.copy()  # for each atom the rows that have it, as bits
    rarest = np.argsort(rows.sum(axis=0), kind="stable")
    packed = np.packbits(rows, axis=1)
    inside: list[bool] = []
    for number, row in enumerate(rows[:, rarest]):
        few = rarest[np.flatnonzero(row)[:_RAREST]]
        if not len(few):
            inside.append(len(rows) > 1)  # no atoms at all
            continue
        rivals = np.flatnonzero(np.unpackbits(np.bitwise_and.reduce(holders[few]), count=len(rows)))
        missing = packed[number] & ~packed[rivals]
        inside.append(bool((~missing.any(axis=1) & (rivals != number)).any()))
    return inside


def _as_keys(rows: npt.NDArray[np.uint8]) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Each row as one opaque value, for sorting."""
    width = max(rows.shape[1], 1)
    padded = rows if rows.shape[1] else np.zeros((len(rows), 1), np.uint8)
    return padded.view(np.dtype((np.void, width))).ravel()
