"""Covers the last placements of a nearly covering set of boxes: those that stay uncovered become ever more dear.

Annealing alone ends with a few uncovered placements here and there, and each move that covers them uncovers as many
others. So placements that were uncovered are watched. Each has a weight, which grows while it is uncovered and fades
while it is not: moves that only exchange one uncovered placement for another get ever dearer (breakout local
search; Morris, 1993). Imports numba.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from maskcover.covering.search.boxes import Ints
from maskcover.covering.search.compiled import (
    Place,
    compiled,
    exchange,
    is_hopeless,
    list_uncovered,
    propose,
    turned,
)
from maskcover.covering.search.planes import Lattice, Planes

_CHUNK, _LOOKS = 4_000, 200  # moves between two looks at the uncovered placements, at most; looks, at least
_WATCHED = 1_500  # placements watched at most; those of the least weight are let go
_KEPT = 1_000  # of these after a clearing
_CLEARING = 20  # chunks between two of them
_FADING, _LEAST = 0.97, 0.1  # what a weight is multiplied with in each chunk, and below which it is let go
_TEMPERATURE = 0.5  # placements
_FOCUS = 0.1  # fraction of the moves that aim at an uncovered placement


class Watched(NamedTuple):
    """Placements that were uncovered: int64 boxes (watched, 4), how many boxes hold each of them, and their weights."""

    places: Ints
    counts: Ints
    weights: npt.NDArray[np.float64]


@compiled
def _holds(box: Place, place: Ints) -> bool:
    """Whether a box holds a placement."""
    return bool(
        place[0] >= box[0]
        and place[1] >= box[1]
        and place[0] + place[2] <= box[0] + box[2]
        and place[1] + place[3] <= box[1] + box[3]
    )


@compiled
def _count_changes(lattice: Lattice, watched: Watched, old: Place, new: Place, changes: Ints) -> float:
    """Write by how much a move changes the counts of the watched placements; by how much the weight uncovered grows."""
    changes[:] = 0
    for copy in range(len(lattice.copies)):
        out, into = turned(lattice, copy, old), turned(lattice, copy, new)
        for number in range(len(watched.places)):
            place = watched.places[number]
            changes[number] += np.int64(_holds(into, place)) - np.int64(_holds(out, place))
    total = 0.0
    for number in range(len(changes)):
        if changes[number] != 0:
            was_free, is_free = watched.counts[number] == 0, watched.counts[number] + changes[number] == 0
            if is_free and not was_free:
                total += watched.weights[number]
            elif was_free and not is_free:
                total -= watched.weights[number]
    return total


@compiled
def annealed(
    lattice: Lattice,
    rows: Planes,
    columns: Planes,
    table: Ints,
    boxes: Ints,
    sizes: Ints,
    uncovered: int,
    moves: int,
    rng: np.random.Generator,
    aims: Ints,
    watched: Watched,
) -> int:
    """Make moves at one temperature until nothing is uncovered, as `compiled.anneal` does, with weights added."""
    new, none = np.zeros(4, np.int64), aims[:0]
    changes = np.zeros(len(watched.places), np.int64)
    for _ in range(moves):
        if uncovered == 0:
            break
        aimed = aims if rng.random() < 2.0 * _FOCUS else none
        pick, size = propose(lattice, table, boxes, sizes, aimed, rng, new)
        most = -_TEMPERATURE * np.log(1.0 - rng.random())
        if pick < 0:
            continue
        old = (boxes[pick, 0], boxes[pick, 1], boxes[pick, 2], boxes[pick, 3])
        place = (new[0], new[1], new[2], new[3])
        if old == place:
            continue
        most -= _count_changes(lattice, watched, old, place, changes)
        if is_hopeless(lattice, rows, columns, old, place, most):
            continue
        change = exchange(lattice, rows, columns, old, place)
        if change > most:  # copies overlap, and the estimate was off
            exchange(lattice, rows, columns, place, old)
            continue
        uncovered += change
        watched.counts[:] += changes
        boxes[pick], sizes[pick] = new, size
    return uncovered


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
    watched = Watched(np.zeros((0, 4), np.int64), np.zeros(0, np.int64), np.zeros(0))
    best, least = boxes.copy(), uncovered
    length = max(1, min(_CHUNK, moves // _LOOKS))
    for chunk in range(-(-moves // length)):
        if uncovered == 0 or is_over():
            break
        aims = listed[: list_uncovered(lattice, rows, listed, chunk)]
        watched = _watched(watched, _boxes_of(lattice, aims), is_full=chunk % _CLEARING == 0)
        uncovered = annealed(lattice, rows, columns, table, boxes, sizes, uncovered, length, rng, aims, watched)
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
