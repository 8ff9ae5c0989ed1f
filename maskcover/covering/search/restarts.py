"""Fast search for fewer boxes on images of two axes: symmetric sets first, restarts on several cores. Imports numba.

A set of boxes that turning the image by 90° leaves as it is needs a quarter of the boxes to be moved, and a quarter of
the placements to be counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Event

import numpy as np

from maskcover.covering.search.boxes import Ints
from maskcover.covering.search.compiled import list_uncovered, put
from maskcover.covering.search.moves import anneal, nothing_watched
from maskcover.covering.search.planes import Group, Lattice, empty_planes, lattice_of
from maskcover.covering.search.weighting import weighted
from maskcover.grid import Extents

_ITSELF = (False, False, False)
_HALF_TURN = (False, True, True)
_NO_SYMMETRY: Group = (_ITSELF,)
_QUARTER_TURNS: Group = (_ITSELF, _HALF_TURN, (True, False, True), (True, True, False))
_DIAGONALS: Group = (_ITSELF, _HALF_TURN, (True, False, False), (True, True, True))
_HALF_TURNS: Group = (_ITSELF, _HALF_TURN)

_CHUNK = 4_000  # moves between looks at the clock; also how long a list of uncovered placements is used
_LISTED = 2_000  # uncovered placements in such a list
_HOT, _COLD = 0.0027, 0.0001  # temperatures, as fractions of the counted placements per moved box
_FINISHED_FROM = 0.0006  # the first temperature of what finishes or improves a set, likewise
_LEAST_HOT, _LEAST_COLD = 1.0, 0.15  # placements; for small images
_FOCUS = 0.1  # fraction of the moves that aim at an uncovered placement
_STUBBORN = 0.0003  # a set that leaves at most this fraction of the placements uncovered is worth a go with weights
_NEARLY = 0.00003  # a symmetric set that leaves this fraction of the placements uncovered is worth finishing
_FEWEST_MOVES, _MOST_MOVES = 4_000, 250_000  # of the first round; each later round has twice the moves
_ROUNDS = 10
_TRIES = 6  # attempts of a round with the first symmetry: many short ones find more than a few long ones


@dataclass(frozen=True, slots=True)
class Problem:
    """Sides of the image, shapes (shapes, 2) to cover everywhere, and the extents that boxes may have, (sizes, 2)."""

    sides: Extents
    shapes: Ints
    table: Ints

    @property
    def groups(self) -> tuple[Group, ...]:
        """The symmetries that sets of boxes may have here, the most promising first, no symmetry last."""
        swapped = {(int(b), int(a)) for a, b in self.shapes}
        if self.sides[0] != self.sides[1] or swapped != {(int(a), int(b)) for a, b in self.shapes}:
            return _HALF_TURNS, _NO_SYMMETRY
        return _QUARTER_TURNS, _DIAGONALS, _HALF_TURNS, _NO_SYMMETRY


@dataclass(frozen=True, slots=True)
class Attempt:
    """A search for `count` boxes in `moves` moves: symmetric under a group, or from given boxes (count, 4)."""

    group: Group
    count: int
    moves: int
    seed: tuple[int, ...]
    start: Ints | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Boxes (boxes, 4) as top, left, height, width, and the placements that they leave uncovered, by a count."""

    boxes: Ints
    uncovered: int


def warm_up() -> None:
    """Call each compiled function once, with a tiny problem, so that numba keeps all of them on disk.

    >>> warm_up()
    """
    problem = Problem((4, 4), np.ones((1, 2), np.int64), np.full((1, 2), 2, np.int64))
    for start in (None, np.array([[0, 0, 2, 2], [2, 2, 2, 2]], np.int64)):
        search(problem, Attempt(_NO_SYMMETRY, 2, 2 * _CHUNK, (0,), start), 2, lambda: False)


def covers_of(
    problem: Problem,
    best: Ints,
    judged: Callable[[Ints], Ints | None],
    is_over: Callable[[], bool],
    *,
    seed: int,
    workers: int,
    least: int,
) -> Iterator[Ints]:
    """Yield ever smaller covers, (boxes, 4), beginning with fewer boxes than `best`.

    `judged` checks what the search believes to be a cover, and returns it without needless boxes; None if it is wrong.
    Ends once `is_over` says so, at `least` boxes, or with the last round. Closing the iterator stops the workers.
    """
    stop = Event()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for number in range(_ROUNDS):
                while len(best) > least and not is_over():
                    attempts = list(_attempts(problem, best, number, seed))
                    boxes = _first_cover(problem, attempts, pool, workers, lambda: stop.is_set() or is_over())
                    better = None if boxes is None else judged(boxes)
                    if better is None or len(better) >= len(best):
                        break
                    best = better
                    yield best
        finally:
            stop.set()


def _attempts(problem: Problem, best: Ints, number: int, seed: int) -> Iterator[Attempt]:
    """The attempts of a round: each symmetry with fewer boxes than the best cover, and that cover less one box.

    The first symmetry has more attempts than the others.
    """
    placements = int(np.prod(np.array(problem.sides) - problem.shapes + 1, axis=1).sum())
    moves = max(_FEWEST_MOVES, min(placements // 4, _MOST_MOVES)) << number
    groups = problem.groups[:1] * (_TRIES - 1) + problem.groups
    for order, group in enumerate(groups):
        count = (len(best) - 1) // len(group) * len(group)
        if count:
            yield Attempt(group, count, moves, (seed, number, len(best), order))
    yield Attempt(_NO_SYMMETRY, len(best) - 1, moves, (seed, number, len(best), len(groups)), best)


def _first_cover(
    problem: Problem, attempts: list[Attempt], pool: ThreadPoolExecutor, workers: int, is_over: Callable[[], bool]
) -> Ints | None:
    """The first attempt's cover, in their order whatever the number of workers is; None if all fail."""
    fewest = max(attempt.count for attempt in attempts)
    for first in range(0, len(attempts), workers):
        part = attempts[first : first + workers]
        for outcome in pool.map(lambda attempt: search(problem, attempt, fewest, is_over), part):
            if outcome.uncovered == 0:
                return outcome.boxes
        if is_over():
            break
    return None


def search(problem: Problem, attempt: Attempt, most: int, is_over: Callable[[], bool]) -> Outcome:
    """Anneal as an attempt says; a symmetric set that nearly covers is finished without its symmetry, by `most` boxes.

    Stops early, with what there is, once `is_over` says so. The same attempt gives the same boxes if it never does.
    """
    rng = np.random.default_rng(attempt.seed)
    lattice = lattice_of(problem.sides, problem.shapes, attempt.group)
    moved = attempt.count // len(attempt.group)
    if attempt.start is None:
        sizes, boxes = _scattered(problem, moved, rng)
        outcome = annealed(problem, lattice, boxes, sizes, attempt.moves, _HOT, rng, is_over)
    else:
        boxes = np.delete(attempt.start, rng.integers(len(attempt.start)), axis=0)
        sizes = _nearest_sizes(problem.table, boxes)
        return annealed(problem, lattice, boxes, sizes, attempt.moves, _FINISHED_FROM, rng, is_over)
    full = replace(outcome, boxes=copies_of_all(lattice, outcome.boxes))
    if len(attempt.group) == 1 or outcome.uncovered == 0 or outcome.uncovered > _NEARLY * lattice.size:
        return full
    whole = lattice_of(problem.sides, problem.shapes, _NO_SYMMETRY)
    sizes, more = _scattered(problem, max(0, most - len(full.boxes)), rng)
    boxes = np.concatenate([full.boxes, more])
    sizes = np.concatenate([_nearest_sizes(problem.table, full.boxes), sizes])
    return annealed(problem, whole, boxes, sizes, attempt.moves, _FINISHED_FROM, rng, is_over)


def annealed(
    problem: Problem,
    lattice: Lattice,
    boxes: Ints,
    sizes: Ints,
    moves: int,
    hot: float,
    rng: np.random.Generator,
    is_over: Callable[[], bool],
) -> Outcome:
    """Anneal boxes (boxes, 4) of these sizes (rows of the table) from the temperature `hot`, a fraction, to `_COLD`.

    If little is left uncovered, half as many moves more are made with weights on it. The boxes of the outcome are
    without their copies.
    """
    boxes, sizes = boxes.copy(), sizes.copy()
    rows, columns = empty_planes(lattice, len(boxes))
    places = np.zeros((_LISTED, 3), np.int64)
    uncovered = lattice.size
    for top, left, height, width in boxes.tolist():
        uncovered -= put(lattice, rows, columns, (top, left, height, width), True)
    load, watched = lattice.size / len(boxes), nothing_watched()
    first, last = max(_LEAST_HOT, hot * load), max(_LEAST_COLD, _COLD * load)
    for move in range(0, moves, _CHUNK):
        if uncovered == 0 or is_over():
            break
        aims = places[: list_uncovered(lattice, rows, places, move)]
        part = first * (last / first) ** (np.arange(move, min(move + _CHUNK, moves)) / moves)
        uncovered = anneal(
            lattice, rows, columns, problem.table, boxes, sizes, uncovered, part, _FOCUS, rng, aims, watched
        )
    if uncovered <= _STUBBORN * lattice.size:
        boxes, uncovered = weighted(
            lattice, (rows, columns), problem.table, boxes, sizes, uncovered, moves // 2, rng, is_over
        )
    return Outcome(boxes, uncovered)


def copies_of_all(lattice: Lattice, boxes: Ints) -> Ints:
    """The boxes (boxes, 4) with all their copies, each once."""
    copies = []
    for swap, flip_rows, flip_columns in lattice.copies.tolist():
        top, left, height, width = boxes.T[[1, 0, 3, 2]] if swap else boxes.T
        top = lattice.sides[0] - top - height if flip_rows else top
        left = lattice.sides[1] - left - width if flip_columns else left
        copies.append(np.stack([top, left, height, width], axis=1))
    return np.unique(np.concatenate(copies), axis=0)


def _scattered(problem: Problem, count: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Sizes and boxes: random extents of the table at random places."""
    sizes = rng.integers(len(problem.table), size=count)
    room = np.array(problem.sides, np.int64) - problem.table[sizes] + 1
    starts = (rng.random(room.shape) * room).astype(np.int64)
    return sizes, np.concatenate([starts, problem.table[sizes]], axis=1)


def _nearest_sizes(table: Ints, boxes: Ints) -> Ints:
    """For each box (boxes, 4) the row of the table with the nearest extents."""
    far: Ints = np.abs(table[None] - boxes[:, None, 2:]).sum(axis=2)
    return np.asarray(far.argmin(axis=1), np.int64)
