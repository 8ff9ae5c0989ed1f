"""Evidence that masks cover: for each stencil its places cut into tiles, each with the masks that hold it there.

What is made here is checked elsewhere (`maskcover.certificate.check`), by code that shares nothing with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from maskcover.cells import IntArray, decomposed
from maskcover.certificate.envelopes import enveloping
from maskcover.covering.blocks import Blocks, MasksByForm, OwnedBoxes, cut_blocks, erosions, pack_masks
from maskcover.covering.signatures import Signature, minimal
from maskcover.grid import Box
from maskcover.masks import MaskSet
from maskcover.regions import Slot, Stencil, Term

Tile = tuple[Box, int]
"""A box of placements, and the number of a mask, or of a signature, that holds all of them."""


@dataclass(frozen=True, slots=True)
class TiledStencil:
    """A stencil and disjoint tiles that together are its places."""

    stencil: Stencil
    tiles: tuple[Tile, ...]


TiledSlot = tuple[TiledStencil, ...]


@dataclass(frozen=True, slots=True)
class TermEvidence:
    """Evidence for one term: `patches[i]` is the number of the slot that patch i comes from.

    For one patch `signatures` is None and tiles name masks. For several patches tiles name signatures, each the sorted
    numbers of masks that all hold the tile; any of them, one for each patch, have a mask in common.
    """

    patches: tuple[int, ...]
    slots: tuple[TiledSlot, ...]
    signatures: tuple[tuple[int, ...], ...] | None


def evidence(masks: MaskSet, term: Term) -> TermEvidence:
    """Tile the places of every stencil of a term that the masks are known to cover.

    >>> from maskcover import squares
    >>> masks = MaskSet.from_boxes([(0, 3), (2, 3), (4, 3)], (7,))
    >>> [(str(box), mask) for box, mask in evidence(masks, squares(2).terms(masks.grid)[0]).slots[0][0].tiles]
    [('2 at cells 0–1', 0), ('2 at cells 2–3', 1), ('2 at cells 4–5', 2)]
    """
    prepared = MasksByForm.of(masks)
    if term.patches == 1:
        stencils = enveloping(prepared, term.slots[0])
        return TermEvidence((0,), (tuple(_by_masks(prepared, stencil) for stencil in stencils),), None)
    distinct = tuple(dict.fromkeys(term.slots))
    least = {slot: _minimal_signatures(prepared, slot) for slot in distinct}
    number_of = {signature: number for number, signature in enumerate(sorted(set().union(*least.values())))}
    slots = tuple(
        tuple(_by_signatures(prepared, stencil, least[slot], number_of) for stencil in slot) for slot in distinct
    )
    return TermEvidence(tuple(map(distinct.index, term.slots)), slots, tuple(map(_members, number_of)))


def _by_masks(masks: MasksByForm, stencil: Stencil) -> TiledStencil:
    """Every place goes to the mask whose erosion around it is largest: few tiles, and large ones."""
    eroded = erosions(masks, stencil)
    places = cut_blocks(stencil, eroded)
    labels = np.full(places.allowed.shape, -1, dtype=np.int64)
    sizes = (eroded.bounds[:, 1] - eroded.bounds[:, 0]).prod(axis=1)
    for box in np.argsort(sizes, kind="stable"):
        labels[_window(places, eroded, box)] = eroded.owners[box]
    labels[~places.allowed] = -1
    return TiledStencil(stencil, tuple(_tiles(places, labels)))


def _window(places: Blocks, eroded: OwnedBoxes, box: int) -> tuple[slice, ...]:
    """The blocks of a box of placements."""
    corners = zip(places.edges, eroded.bounds[box].T, strict=True)
    return tuple(slice(*np.searchsorted(cuts, span).tolist()) for cuts, span in corners)


def _minimal_signatures(masks: MasksByForm, slot: Slot) -> list[Signature]:
    signatures = (signature for stencil in slot for signature in _signatures(masks, stencil)[1])
    return list(minimal(dict.fromkeys(signatures)))


def _signatures(masks: MasksByForm, stencil: Stencil) -> tuple[Blocks, list[Signature], IntArray]:
    """The blocks of a stencil, the signatures that occur, and for each allowed block the number of its signature."""
    eroded = erosions(masks, stencil)
    places = cut_blocks(stencil, eroded)
    rows: npt.NDArray[np.uint8] = pack_masks(eroded, places, masks.count)[:, places.allowed.ravel()]
    kinds, kind_of = np.unique(rows, axis=1, return_inverse=True)
    return places, [int.from_bytes(kind.tobytes(), "little") for kind in kinds.T], kind_of.ravel()


def _by_signatures(
    masks: MasksByForm, stencil: Stencil, least: Iterable[Signature], number_of: dict[Signature, int]
) -> TiledStencil:
    """Every place goes to the first minimal signature that its own one contains."""
    places, kinds, kind_of = _signatures(masks, stencil)
    chosen = [next(number_of[minimum] for minimum in least if minimum & kind == minimum) for kind in kinds]
    labels = np.full(places.allowed.shape, -1, dtype=np.int64)
    labels[places.allowed] = np.array(chosen, dtype=np.int64)[kind_of]
    return TiledStencil(stencil, tuple(_tiles(places, labels)))


def _tiles(places: Blocks, labels: IntArray) -> Iterator[Tile]:
    """The blocks of each label as few boxes of placements."""
    for label in np.unique(labels[labels >= 0]).tolist():
        for starts, stops in decomposed(labels == label).tolist():
            low, high = (
                tuple(int(cuts[i]) for cuts, i in zip(places.edges, ends, strict=True)) for ends in (starts, stops)
            )
            yield Box(low, high), label


def _members(signature: Signature) -> tuple[int, ...]:
    """The numbers of the masks of a signature, sorted."""
    return tuple(number for number in range(signature.bit_length()) if signature >> number & 1)
