"""Several patches at once, without enumerating tuples of placements.

The signature of a placement is the set of masks that contain it, an `int` with one bit for each mask. k placements lie
together inside a mask exactly when their signatures have a mask in common, and then so do larger signatures in their
place: only inclusion-minimal signatures matter (design §5). All decisions are in integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

import numpy as np

from maskcover.cells import Cells, IntArray
from maskcover.covering.blocks import Blocks, Prepared, blocks, erosions, packed
from maskcover.masks import MaskSet
from maskcover.regions import Slot, Term

V = TypeVar("V")
Signature = int  # bit i is set when mask i contains the placement
# More than these are not listed: minimal ones are found by comparing each with each.
_MOST_SIGNATURES, _MOST_JOINED, _MOST_BYTES = 2_000, 1_000_000, 1 << 26


def minimal_signatures(masks: Prepared, slot: Slot) -> dict[Signature, Cells]:
    """The inclusion-minimal signatures of all placements of all stencils, each with a patch that has it."""
    found: dict[Signature, Cells] = {}
    for places, signature, members in _grouped(masks, slot):
        if signature not in found:
            found[signature] = places.stencil.at(places.place(int(members[0])))
    return minimal(found)


def minimal_shared(masks: MaskSet, term: Term) -> dict[Signature, tuple[Cells, ...]]:
    """The minimal sets of masks that contain some tuple of patches, one for each slot, each with such a tuple.

    Tuples are built patch by patch; after each patch only the minimal sets of shared masks go on.
    """
    prepared = Prepared.of(masks)
    minimal_of = {slot: minimal_signatures(prepared, slot) for slot in set(term.slots)}
    first, *others = term.slots
    shared: dict[Signature, tuple[Cells, ...]] = {signature: (patch,) for signature, patch in minimal_of[first].items()}
    for slot in others:
        joined: dict[Signature, tuple[Cells, ...]] = {}
        for common, placed in shared.items():
            for signature, patch in minimal_of[slot].items():
                joined.setdefault(common & signature, (*placed, patch))
        shared = minimal(joined)
    return shared


def few_minimal(masks: MaskSet, terms: tuple[Term, ...]) -> tuple[Signature, ...] | None:
    """The minimal sets of masks that contain some region, of all terms; None where listing them would cost too much."""
    prepared = Prepared.of(masks)
    every: dict[Signature, None] = {}
    for slots in {term.slots for term in terms}:
        listed = {slot: _few_of_slot(prepared, slot) for slot in set(slots)}
        shared: list[Signature] = [(1 << len(masks)) - 1]
        for slot in slots:
            more = listed[slot]
            if more is None or len(shared) * len(more) > _MOST_JOINED:
                return None
            joined = dict.fromkeys(common & signature for common in shared for signature in more)
            if len(joined) > _MOST_SIGNATURES:
                return None
            shared = list(minimal(joined))
        every.update(dict.fromkeys(shared))
    return tuple(minimal(every)) if len(every) <= _MOST_SIGNATURES else None


def _few_of_slot(masks: Prepared, slot: Slot) -> list[Signature] | None:
    """The minimal signatures of a slot; None where there are too many, or where their bits need too much memory."""
    every: dict[Signature, None] = {}
    for stencil in slot:
        eroded = erosions(masks, stencil)
        if (masks.count // 8 + 1) * blocks(stencil, eroded).allowed.size > _MOST_BYTES:
            return None
        every.update(dict.fromkeys(signature for _, signature, _ in _grouped(masks, (stencil,))))
        if len(every) > _MOST_SIGNATURES:
            return None
        every = minimal(every)
    return list(every)


def scarce_tuple(masks: MaskSet, term: Term, multiplicity: int = 1) -> tuple[Cells, ...] | None:
    """Patches, one for each slot, that share fewer than `multiplicity` masks; None if there are none."""
    shared = minimal_shared(masks, term)
    scarce = min(shared, key=int.bit_count)
    return shared[scarce] if scarce.bit_count() < multiplicity else None


def minimal(signatures: Mapping[Signature, V]) -> dict[Signature, V]:
    """Those of the signatures that contain no other."""
    kept: dict[Signature, V] = {}
    for signature in sorted(signatures, key=int.bit_count):
        if not any(smaller & signature == smaller for smaller in kept):
            kept[signature] = signatures[signature]
    return kept


def signature_counts(masks: Prepared, slot: Slot) -> dict[Signature, int]:
    """How many placements of all stencils have each signature."""
    counts: dict[Signature, int] = {}
    for places, signature, members in _grouped(masks, slot):
        counts[signature] = counts.get(signature, 0) + int(places.sizes().ravel()[members].sum())
    return counts


def shared_count(masks: MaskSet, term: Term) -> int:
    """How many ordered tuples of placements, one for each slot, lie inside a common mask."""
    prepared = Prepared.of(masks)
    counts_of = {slot: signature_counts(prepared, slot) for slot in set(term.slots)}
    first, *others = term.slots
    shared = counts_of[first]
    for slot in others:
        joined: dict[Signature, int] = {}
        for common, tuples in shared.items():
            for signature, placements in counts_of[slot].items():
                both = common & signature
                if both:
                    joined[both] = joined.get(both, 0) + tuples * placements
        shared = joined
    return sum(tuples for signature, tuples in shared.items() if signature)


def _grouped(masks: Prepared, slot: Slot) -> Iterator[tuple[Blocks, Signature, IntArray]]:
    """The allowed blocks of each stencil by signature, with the numbers of the blocks in reading order."""
    for stencil in slot:
        found = erosions(masks, stencil)
        places = blocks(stencil, found)
        allowed = np.flatnonzero(places.allowed)
        kinds, kind_of = np.unique(packed(found, places, masks.count)[:, allowed], axis=1, return_inverse=True)
        order = np.argsort(kind_of, kind="stable")
        ends = np.cumsum(np.bincount(kind_of, minlength=kinds.shape[1]))
        for column, members in zip(kinds.T, np.split(allowed[order], ends[:-1]), strict=True):
            yield places, int.from_bytes(column.tobytes(), "little"), members
