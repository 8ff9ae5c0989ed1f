"""Covers the last placements of a nearly covering set of boxes: those that stay uncovered become ever more dear.

Annealing alone ends with a few uncovered placements here and there, and each move that covers them uncovers as many
others. So placements that were uncovered are watched. Each has a weight, which grows while it is uncovered and fades
while it is not: moves that only exchange one uncovered placement for another get ever dearer (breakout local
search; Morris, 1993).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from maskcover.covering.search.boxes import Ints
from maskcover.covering.search.compiled import list_uncovered
from maskcover.covering.search.moves import Watched, anneal, nothing_watched
from maskcover.covering.search.planes import Lattice, Planes

_CHUNK, _LOOKS = 4_000, 200  # moves between two looks at the uncovered placements, at most; looks, at least
_WATCHED = 1_500  # placements watched at most; those of the least weight are let go
_KEPT = 1_000  # of these after a clearing
_CLEARING = 20  # chunks between two of them
_FADING, _LEAST = 0.97, 0.1  # what a weight is multiplied with in each chunk, and below which it is let go
_TEMPERATURE = 0.5  # placements
_FOCUS = 0.1  # fraction of the moves that aim at an uncovered placement


def weighted(
    lattice: Lattice,
    planes: tuple[Planes, Planes],
    table: Ints,
    boxes: Ints,
    sizes: Ints,
    uncovered: int,
    moves: int,
    rng: np.random.Generator,
    is_over: Callable[[], bool],
) -> tuple[Ints, int]:
    """Try to cover what nearly covering boxes leave uncovered; changes boxes, sizes and counts.

    Args:
        lattice: The placements that are counted.
        planes: Their counts, by rows and by columns.
        table: The extents that boxes may have, int64 (sizes, 2).
        boxes: The boxes, int64 (boxes, 4), without their copies.
        sizes: Their rows of the table, int64 (boxes,).
        uncovered: The number of uncovered placements of the lattice.
        moves: Moves to make.
        rng: For the choice of moves.
        is_over: Asked every few thousand moves; ends the search.

    Returns:
        The boxes that left the fewest placements uncovered, and this number.
    """
    rows, columns = planes
    listed = np.zeros((_WATCHED - _KEPT, 3), np.int64)
    length = max(1, min(_CHUNK, moves // _LOOKS))
    watched, temperatures = nothing_watched(), np.full(length, _TEMPERATURE)
    best, least = boxes.copy(), uncovered
    for chunk in range(-(-moves // length)):
        if uncovered == 0 or is_over():
            break
        aims = listed[: list_uncovered(lattice, rows, listed, chunk)]
        watched = _watched(watched, _boxes_of(lattice, aims), is_full=chunk % _CLEARING == 0)
        uncovered = anneal(
            lattice, rows, columns, table, boxes, sizes, uncovered, temperatures, _FOCUS, rng, aims, watched
        )
        if uncovered < least:
            best, least = boxes.copy(), uncovered
    return best, least


def _boxes_of(lattice: Lattice, listed: Ints) -> Ints:
    """The boxes (listed, 4) of listed placements (shape, row, column)."""
    shape, row, column = listed.T
    starts = lattice.row_starts[shape, row], lattice.column_starts[shape, column]
    return np.column_stack([*starts, lattice.shapes[shape]])


def _watched(before: Watched, uncovered: Ints, *, is_full: bool) -> Watched:
    """The placements to watch next: weights fade, those of uncovered placements grow by 1, and light ones are let go.

    Light ones are let go when it is time (`is_full`), or when there is no room.
    """
    weights = before.weights * _FADING
    free = before.counts == 0
    weights[free] += 1.0
    places, counts = before.places, before.counts
    if is_full or len(places) + len(uncovered) > _WATCHED:
        heaviest = np.argsort(-weights, kind="stable")[:_KEPT]
        heaviest = heaviest[weights[heaviest] >= _LEAST]
        places, counts, weights = places[heaviest], counts[heaviest], weights[heaviest]
    old = set(map(tuple, places.tolist()))
    new = np.array([place for place in uncovered.tolist() if tuple(place) not in old], np.int64).reshape(-1, 4)
    return Watched(
        np.concatenate([places, new]),
        np.concatenate([counts, np.zeros(len(new), np.int64)]),
        np.concatenate([weights, np.ones(len(new))]),
    )
