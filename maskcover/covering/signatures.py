"""Signatures decide whether masks contain several patches at once, without listing tuples of placements.

The signature of a placement is the set of masks that contain it, an `int` with one bit for each mask. k placements lie
together inside a mask exactly when their signatures have a mask in common, and then larger signatures have one too:
only the inclusion-minimal signatures matter (docs/theory.md, Masks for one shape). All decisions are in integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, Cells, IntArray
from maskcover.covering.blocks import Blocks, MasksByForm, cut_blocks, erosions, pack_masks
from maskcover.covering.merging import share_masks
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import Slot, Stencil, Term
from maskcover.terminal import bar

V = TypeVar("V")
Signature = int  # bit i is set when mask i contains the placement
_MOST_COMPARED = 1 << 28  # words of 64 masks, where sets of masks of several patches are intersected
# More than these are not listed: minimal signatures are found by comparing every pair.
_MOST_SIGNATURES, _MOST_JOINED, _MOST_BYTES = 4_000, 1_000_000, 1 << 26


def minimal_signatures(masks: MasksByForm, slot: Slot) -> dict[Signature, Cells]:
    """The inclusion-minimal signatures of all placements of all stencils, each with a patch that has it."""
    patch_of: dict[Signature, Cells] = {}
    for stencil in bar(slot, "comparing placements", "shape"):
        places, kinds, firsts, _ = _kinds(masks, stencil)
        for column, block in zip(kinds.T, firsts.tolist(), strict=True):
            signature = int.from_bytes(column.tobytes(), "little")
            if signature not in patch_of:
                patch_of[signature] = stencil.at(places.place(block))
    return minimal(patch_of)


def minimal_shared(masks: MaskSet, term: Term) -> dict[Signature, tuple[Cells, ...]]:
    """The minimal sets of masks that contain some tuple of patches, one for each slot, each with such a tuple.

    Tuples are built patch by patch; after each patch only the minimal sets of shared masks are kept.
    """
    grouped = MasksByForm.of(masks)
    return minimal(_shared(grouped, term, _minimal_of(grouped, term)))


def _minimal_of(masks: MasksByForm, term: Term) -> dict[Slot, dict[Signature, Cells]]:
    """The minimal signatures of each different slot."""
    return {slot: minimal_signatures(masks, slot) for slot in set(term.slots)}


def _shared(
    masks: MasksByForm, term: Term, minimal_of: Mapping[Slot, Mapping[Signature, Cells]]
) -> dict[Signature, tuple[Cells, ...]]:
    """The sets of `minimal_shared`, and others that contain them: those of the last patch are not compared."""
    first, *others = term.slots
    shared: dict[Signature, tuple[Cells, ...]] = {signature: (patch,) for signature, patch in minimal_of[first].items()}
    for slot in others:
        sets = minimal(shared)
        _refuse(len(sets) * len(minimal_of[slot]), masks)
        joined: dict[Signature, tuple[Cells, ...]] = {}
        for common, placed in bar(list(sets.items()), "verifying", "set of masks"):
            for signature, patch in minimal_of[slot].items():
                joined.setdefault(common & signature, (*placed, patch))
        shared = joined
    return shared


def _refuse(comparisons: int, masks: MasksByForm) -> None:
    """Refuse to list more common masks of several patches than a few minutes allow."""
    if comparisons * (masks.count // 64 + 1) > _MOST_COMPARED:
        raise InvalidInput(
            f"whether {masks.count:,} masks hold several patches at once takes {comparisons:,} comparisons of sets of "
            f"masks, more than {_MOST_COMPARED // (masks.count // 64 + 1):,}; use larger masks, so that fewer are "
            "needed (max_mask_area=), or fewer patches (k=)"
        )


def few_minimal(masks: MaskSet, terms: tuple[Term, ...]) -> tuple[Signature, ...] | None:
    """The minimal sets of masks that contain some region, of all terms; None where listing them would cost too much."""
    grouped = MasksByForm.of(masks)
    signatures: dict[Signature, None] = {}
    for slots in {term.slots for term in terms}:
        listed = {slot: _few_of_slot(grouped, slot) for slot in set(slots)}
        shared: list[Signature] = [(1 << len(masks)) - 1]
        for slot in slots:
            more = listed[slot]
            if more is None or len(shared) * len(more) > _MOST_JOINED:
                return None
            joined = dict.fromkeys(common & signature for common in shared for signature in more)
            if len(joined) > _MOST_SIGNATURES:
                return None
            shared = list(minimal(joined))
        signatures.update(dict.fromkeys(shared))
    return tuple(minimal(signatures)) if len(signatures) <= _MOST_SIGNATURES else None


def joint_sets(masks: MaskSet, terms: tuple[Term, ...], most_bits: int) -> BoolArray | None:
    """The sets of masks that contain several patches at once, bool (sets, masks), minimal or not.

    One for each combination of minimal signatures, one of each slot: every region lies inside the masks of one of them,
    or of a larger set. None where all sets together would have more than `most_bits` entries.
    """
    grouped = MasksByForm.of(masks)
    groups = []
    for slots in {term.slots for term in terms}:
        listed = [_few_of_slot(grouped, slot) for slot in slots]
        rows = np.ones((1, len(masks)), dtype=np.bool_)
        for signatures in listed:
            if signatures is None or len(rows) * len(signatures) * len(masks) > most_bits:
                return None
            rows = (rows[:, None] & unpacked(signatures, len(masks))).reshape(-1, len(masks))
        groups.append(rows)
    return np.concatenate(groups)


def unpacked(signatures: Sequence[Signature], count: int) -> BoolArray:
    """Signatures as flags, bool (signatures, count).

    >>> unpacked([0b101, 0b010], 3).astype(int).tolist()
    [[1, 0, 1], [0, 1, 0]]
    """
    size = count // 8 + 1
    packed = b"".join(signature.to_bytes(size, "little") for signature in signatures)
    rows = np.frombuffer(packed, dtype=np.uint8).reshape(len(signatures), size)
    return np.unpackbits(rows, axis=1, bitorder="little")[:, :count].astype(np.bool_)


def _few_of_slot(masks: MasksByForm, slot: Slot) -> list[Signature] | None:
    """The minimal signatures of a slot; None where there are too many, or where their bits need too much memory."""
    every: dict[Signature, None] = {}
    for stencil in slot:
        inside = erosions(masks, stencil)
        if (masks.count // 8 + 1) * cut_blocks(stencil, inside).allowed.size > _MOST_BYTES:
            return None
        every.update(dict.fromkeys(signature for _, signature, _ in _blocks_by_signature(masks, (stencil,))))
        if len(every) > _MOST_SIGNATURES:
            return None
        every = minimal(every)
    return list(every)


def scarce_tuple(masks: MaskSet, term: Term, multiplicity: int = 1) -> tuple[Cells, ...] | None:
    """Find patches, one for each slot, that lie together inside fewer than `multiplicity` masks; None without any."""
    grouped = MasksByForm.of(masks)
    minimal_of = _minimal_of(grouped, term)
    if share_masks([minimal_of[slot] for slot in term.slots], multiplicity):
        return None
    # A smallest set is minimal, so the others need not be dropped first.
    shared = _shared(grouped, term, minimal_of)
    scarce = min(shared, key=int.bit_count)
    return shared[scarce] if scarce.bit_count() < multiplicity else None


def minimal(signatures: Mapping[Signature, V]) -> dict[Signature, V]:
    """Keep the signatures that contain no other."""
    smallest: dict[Signature, V] = {}
    for signature in sorted(signatures, key=int.bit_count):
        if not any(smaller & signature == smaller for smaller in smallest):
            smallest[signature] = signatures[signature]
    return smallest


def signature_counts(masks: MasksByForm, slot: Slot) -> dict[Signature, int]:
    """Number of placements, of all stencils, with each signature."""
    counts: dict[Signature, int] = {}
    for places, signature, members in _blocks_by_signature(masks, slot):
        counts[signature] = counts.get(signature, 0) + int(places.sizes().ravel()[members].sum())
    return counts


def shared_count(masks: MaskSet, term: Term) -> int:
    """Number of ordered tuples of placements, one for each slot, that lie together inside a mask."""
    grouped = MasksByForm.of(masks)
    counts_of = {slot: signature_counts(grouped, slot) for slot in set(term.slots)}
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


def _blocks_by_signature(masks: MasksByForm, slot: Slot) -> Iterator[tuple[Blocks, Signature, IntArray]]:
    """Yield the numbers of the allowed blocks of each stencil, in reading order, grouped by signature."""
    for stencil in slot:
        places, kinds, _, kind_of = _kinds(masks, stencil)
        order = np.argsort(kind_of, kind="stable")
        ends = np.cumsum(np.bincount(kind_of, minlength=kinds.shape[1]))
        blocks = places.allowed.ravel().nonzero()[0]
        for column, members in zip(kinds.T, np.split(blocks[order], ends[:-1]), strict=True):
            yield places, int.from_bytes(column.tobytes(), "little"), members


def _kinds(masks: MasksByForm, stencil: Stencil) -> tuple[Blocks, npt.NDArray[np.uint8], IntArray, IntArray]:
    """The blocks of a stencil and the different signatures of those that are allowed.

    Returns:
        The blocks; the signatures as packed bits, uint8 (bytes, kinds); the number of the first block of each kind;
        and for each allowed block the number of its kind.
    """
    inside = erosions(masks, stencil)
    places = cut_blocks(stencil, inside)
    allowed = np.flatnonzero(places.allowed)
    packed = pack_masks(inside, places, masks.count)[:, allowed]
    kinds, firsts, kind_of = np.unique(packed, axis=1, return_index=True, return_inverse=True)
    return places, kinds, allowed[firsts], kind_of.ravel()
