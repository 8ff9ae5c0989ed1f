"""K patches at once, by signatures: the set of masks that contain a placement is all that matters of it (design §5).

A tuple of placements lies inside a mask exactly when the mask is in all of their signatures. A signature that contains
another is never the harder one, so the inclusion-minimal ones decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import TypeVar

import numpy as np

from maskcover.covering.containment import Blocks, blocks, inside
from maskcover.grid import Box, Extents, Grid
from maskcover.masks.compressed import Compressed
from maskcover.masks.mask import IntArray

V = TypeVar("V")
Signature = int  # bit i is set when mask i contains the placement


def minimal_signatures(masks: Compressed, grid: Grid, shapes: Iterable[Extents]) -> dict[Signature, Box]:
    """The inclusion-minimal signatures of all placements of all shapes, each with a placement that has it."""
    found: dict[Signature, Box] = {}
    for shape in shapes:
        places = blocks(masks.edges, grid, shape)
        for signature, members in _grouped(masks, places):
            found.setdefault(signature, places.region(int(members[0])))
    return minimal(found)


def uncovered_tuple(signatures: Mapping[Signature, Box], patches: int) -> tuple[Box, ...] | None:
    """Placements of `patches` patches that share no mask, or None if every tuple shares one.

    Tuples are built patch by patch; after each patch only the minimal sets of shared masks go on.
    """
    shared: dict[Signature, tuple[Box, ...]] = {signature: (box,) for signature, box in signatures.items()}
    for _ in range(patches - 1):
        joined: dict[Signature, tuple[Box, ...]] = {}
        for common, placed in shared.items():
            for signature, box in signatures.items():
                joined.setdefault(common & signature, (*placed, box))
        shared = minimal(joined)
    return shared.get(0)


def minimal(signatures: Mapping[Signature, V]) -> dict[Signature, V]:
    """Those of the signatures that contain no other."""
    kept: dict[Signature, V] = {}
    for signature in sorted(signatures, key=int.bit_count):
        if not any(smaller & signature == smaller for smaller in kept):
            kept[signature] = signatures[signature]
    return kept


def signature_counts(masks: Compressed, grid: Grid, shapes: Iterable[Extents]) -> dict[Signature, int]:
    """How many placements of all shapes have each signature."""
    counts: dict[Signature, int] = {}
    for shape in shapes:
        places = blocks(masks.edges, grid, shape)
        for signature, members in _grouped(masks, places):
            counts[signature] = counts.get(signature, 0) + int(places.sizes().ravel()[members].sum())
    return counts


def shared_count(counts: Mapping[Signature, int], patches: int) -> int:
    """How many ordered tuples of `patches` placements lie inside a common mask."""
    shared = dict(counts)
    for _ in range(patches - 1):
        joined: dict[Signature, int] = {}
        for common, tuples in shared.items():
            for signature, placements in counts.items():
                both = common & signature
                if both:
                    joined[both] = joined.get(both, 0) + tuples * placements
        shared = joined
    return sum(tuples for signature, tuples in shared.items() if signature)


def _grouped(masks: Compressed, places: Blocks) -> Iterator[tuple[Signature, IntArray]]:
    """The blocks of a shape by signature: each signature once, with the numbers of its blocks in reading order."""
    # A leading row of zeros changes no signature, and is there when there is no mask at all.
    packed = [np.zeros((1, prod(places.counts)), dtype=np.uint8)]
    packed += [np.packbits(part.reshape(len(part), -1), axis=0) for part in inside(masks, places)]
    kinds, kind_of = np.unique(np.concatenate(packed), axis=1, return_inverse=True)
    order = np.argsort(kind_of, kind="stable")
    ends = np.cumsum(np.bincount(kind_of, minlength=kinds.shape[1]))
    for column, members in zip(kinds.T, np.split(order, ends[:-1]), strict=True):
        yield int.from_bytes(column.tobytes(), "big"), members
