"""Shows that several patches always lie together inside a mask, from a few sets of masks in place of all signatures.

Placements that share most of the masks around them are taken together, and only the masks that contain all of them are
counted. That leaves masks out, so what is shown is true; what is not shown may be true as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Signature = int  # bit i is set when mask i contains the placement
_MOST_TUPLES = 1 << 20  # of merged sets that are tried


def merged(signatures: Iterable[Signature]) -> list[Signature]:
    """Sets of masks such that each signature contains at least one of them; far fewer than signatures, if they can be.

    A signature joins the set with which it has most masks in common, if these are at least half of the masks of either.

    >>> [f"{common:b}" for common in merged([0b110000, 0b1110, 0b1101])]
    ['110000', '1100']
    """
    sets: list[Signature] = []
    for signature in sorted(signatures, key=int.bit_count):
        sizes = [(common & signature).bit_count() for common in sets]
        best = max(range(len(sets)), key=sizes.__getitem__, default=None)
        if best is not None and 2 * sizes[best] >= max(sets[best].bit_count(), 1):
            sets[best] &= signature
        else:
            sets.append(signature)
    return sets


def share_masks(slots: Sequence[Iterable[Signature]], multiplicity: int) -> bool:
    """Whether signatures, any one of each slot, have `multiplicity` masks in common; False where that is not shown."""
    first, *others = map(merged, slots)
    shared = dict.fromkeys(first)
    for number, sets in enumerate(others, start=2):
        if len(shared) * len(sets) > _MOST_TUPLES:
            return False
        both = (common & signature for common in shared for signature in sets)
        if number == len(slots):
            return all(common.bit_count() >= multiplicity for common in both)
        shared = dict.fromkeys(both)
    return all(common.bit_count() >= multiplicity for common in shared)
