"""The loop of the fast search for fewer boxes, compiled by numba: moves of one box at a time, each judged by counts.

It anneals as `annealing` does, with the counts of `compiled`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from maskcover.covering.search.boxes import Ints
from maskcover.covering.search.compiled import Place, compiled, exchange, is_hopeless, turned
from maskcover.covering.search.planes import Lattice, Planes

_REACH = 3.2  # moves are up to e^3.2 = 24 cells, small ones as likely as large ones


class Watched(NamedTuple):
    """Placements that were uncovered: int64 boxes (watched, 4), how many boxes hold each of them, and their weights."""

    places: Ints
    counts: Ints
    weights: npt.NDArray[np.float64]


def nothing_watched() -> Watched:
    """No placements."""
    return Watched(np.zeros((0, 4), np.int64), np.zeros(0, np.int64), np.zeros(0))


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
def _clipped(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))


@compiled
def _step(rng: np.random.Generator, reach: float) -> int:
    return np.int64(np.round((2.0 * rng.random() - 1.0) * reach))  # type: ignore[return-value]  # an int, once compiled


@compiled
def _below(rng: np.random.Generator, limit: int) -> int:
    return rng.integers(0, limit)  # type: ignore[return-value]  # an int, once compiled


@compiled
def _shifted(lattice: Lattice, box: Ints, rng: np.random.Generator, reach: float, new: Ints) -> None:
    """Move a box along one axis, or at times along both."""
    choice = rng.random()
    down = 0 if choice < 0.4 else _step(rng, reach)
    right = 0 if 0.4 <= choice < 0.8 else _step(rng, reach)
    new[0] = _clipped(box[0] + down, 0, lattice.sides[0] - box[2])
    new[1] = _clipped(box[1] + right, 0, lattice.sides[1] - box[3])
    new[2], new[3] = box[2], box[3]


@compiled
def _reshaped(
    lattice: Lattice, table: Ints, box: Ints, size: int, rng: np.random.Generator, reach: float, new: Ints
) -> int:
    """Change the aspect of a box at its full area, about an edge or the middle along each axis; its new size."""
    change = _step(rng, reach)
    if change == 0:
        change = 1 if rng.random() < 0.5 else -1
    size = _clipped(size + change, 0, len(table) - 1)
    is_loose = rng.random() < 0.3
    for axis in range(2):
        new[2 + axis] = table[size, axis]
        choice = rng.random()
        spare = box[2 + axis] - table[size, axis]
        start = box[axis] + (spare if choice < 0.33 else spare // 2 if choice < 0.66 else 0)
        if is_loose:
            start += _step(rng, reach)
        new[axis] = _clipped(start, 0, lattice.sides[axis] - table[size, axis])
    return size


@compiled
def _aimed(
    lattice: Lattice, table: Ints, boxes: Ints, sizes: Ints, place: Ints, rng: np.random.Generator, new: Ints
) -> tuple[int, int]:
    """Make a near box hold a copy of an uncovered placement; the number of the box and its new size, or -1s."""
    shape = place[0]
    counted = (
        lattice.row_starts[shape, place[1]],
        lattice.column_starts[shape, place[2]],
        lattice.shapes[shape, 0],
        lattice.shapes[shape, 1],
    )
    aim = turned(lattice, _below(rng, len(lattice.copies)), counted)
    pick, nearest = -1, 1e18
    for number in range(len(boxes)):
        far = 20.0 * rng.random()
        for axis in range(2):
            far += max(0, boxes[number, axis] - aim[axis])
            far += max(0, aim[axis] + aim[2 + axis] - boxes[number, axis] - boxes[number, 2 + axis])
        if far < nearest:
            pick, nearest = number, far
    size = sizes[pick]
    if rng.random() < 0.5:
        size = _clipped(size + _step(rng, np.exp(_REACH * rng.random())), 0, len(table) - 1)
    while size < len(table) - 1 and table[size, 0] < aim[2]:
        size += 1
    while size > 0 and table[size, 1] < aim[3]:
        size -= 1
    for axis in range(2):
        extent = table[size, axis]
        if extent < aim[2 + axis]:
            return -1, -1
        start = boxes[pick, axis]
        if rng.random() < 0.5:
            start += boxes[pick, 2 + axis] - extent
        low, high = max(0, aim[axis] + aim[2 + axis] - extent), min(aim[axis], lattice.sides[axis] - extent)
        new[axis], new[2 + axis] = _clipped(start, low, high), extent
    return pick, size


@compiled
def _propose(
    lattice: Lattice, table: Ints, boxes: Ints, sizes: Ints, places: Ints, rng: np.random.Generator, new: Ints
) -> tuple[int, int]:
    """Write the next move to `new`; the number of the box and its new size, or -1s for no move."""
    reach = np.exp(_REACH * rng.random())
    if len(places) and rng.random() < 0.5:
        return _aimed(lattice, table, boxes, sizes, places[_below(rng, len(places))], rng, new)
    pick = _below(rng, len(boxes))
    if rng.random() < 0.5:
        _shifted(lattice, boxes[pick], rng, reach, new)
        return pick, sizes[pick]
    return pick, _reshaped(lattice, table, boxes[pick], sizes[pick], rng, reach, new)


@compiled
def anneal(
    lattice: Lattice,
    rows: Planes,
    columns: Planes,
    table: Ints,
    boxes: Ints,
    sizes: Ints,
    uncovered: int,
    temperatures: npt.NDArray[np.float64],
    focus: float,
    rng: np.random.Generator,
    places: Ints,
    watched: Watched,
) -> int:
    """Make a move for each temperature, until nothing is uncovered; changes boxes, sizes and counts.

    A fraction `focus` of the moves aims at one of the uncovered placements listed in `places` (shape, row, column). The
    weights of watched placements count as further uncovered placements where moves are judged.

    Returns:
        The number of uncovered placements of the lattice.
    """
    new, none = np.zeros(4, np.int64), places[:0]
    changes = np.zeros(len(watched.places), np.int64)
    for move in range(len(temperatures)):
        if uncovered == 0:
            break
        aims = places if rng.random() < 2.0 * focus else none
        pick, size = _propose(lattice, table, boxes, sizes, aims, rng, new)
        most = -temperatures[move] * np.log(1.0 - rng.random())
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
