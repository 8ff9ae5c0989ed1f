"""Finds weights on placements that prove a lower bound, by linear programs, and makes them exact. Imports scipy."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from maskcover.covering.search.blocks import Blocks, blocks_of
from maskcover.covering.search.bounds import Dual, independent_placements, spaced
from maskcover.covering.search.boxes import Admissible, Ints, maximal_extents
from maskcover.covering.search.symmetry import Symmetry, symmetries, up_to_permutation
from maskcover.covering.search.windows import Floats, heaviest, held_by, weight_inside
from maskcover.grid import Box, Extents, Grid

_MOST_WEIGHT = 1 << 45  # of all placements together, before rounding down; small enough to stay exact
_BLOCKS = (30, 60, 120, 240, 480)  # about this many for each shape, one number after the other
_PEAKS = 3  # boxes that are too heavy, added in a round for each extents
_CLOSE = 1.002  # a linear program at most this much better than the best weights is left
_LEAST = 1e-9  # weights below are none
_MOST_ENTRIES = 4_000_000  # of the linear program with one weight for each shape
_LONGEST = 5.0  # seconds for it; it takes far less
_RATE = 1e9  # products in a second of the separation, a guess on the low side


def rational_dual(
    grid: Grid, shapes: Sequence[Extents], admissible: Admissible, *, time_limit: float = 10.0, seed: int = 0
) -> Dual:
    """Find weights on placements that prove a bound, by linear programs: every cover has at least `Dual.masks` masks.

    Placements are cut into blocks of equal weights, first one block for each shape, then more and more. For each cut
    rounds add the boxes that are too heavy. The best weights of any round are kept, divided by the weight of the
    heaviest admissible box; the bound is at least that of an independent set. Symmetries of the problem are used:
    weights are equal on mirrored placements.

    >>> dual = rational_dual(Grid((9,)), [(2,)], 4, time_limit=1)
    >>> dual.masks
    3
    """
    deadline = time.monotonic() + time_limit
    alone = independent_placements(grid, shapes, admissible, time_limit=min(1.0, time_limit / 10), seed=seed)
    problem = _problem(grid, tuple(sorted(set(shapes))), admissible)
    blocks = blocks_of(grid, problem.shapes, problem.symmetries, 1)
    weights = _even_weights(problem, blocks)
    boxes = spaced(grid, problem.extents, 3) if time_limit > 0 else []
    best = max(Dual(alone, (1,) * len(alone), 1), _exact(problem, blocks, weights), key=lambda dual: dual.value)
    for most in _BLOCKS:
        if blocks.are_single or problem.products(most) > _RATE * (deadline - time.monotonic()):
            break
        finer = blocks_of(grid, problem.shapes, problem.symmetries, most)
        search = _Search(problem, finer, finer.resampled(blocks, weights), boxes)
        search.improve(deadline)
        blocks, weights, boxes = finer, search.inner, search.boxes
        best = max(best, _exact(problem, blocks, weights), key=lambda dual: dual.value)
    return best


@dataclass(frozen=True, slots=True)
class _Problem:
    """A covering problem with its symmetries, and the extents of the largest boxes up to these symmetries."""

    grid: Grid
    shapes: tuple[Extents, ...]
    symmetries: tuple[Symmetry, ...]
    extents: tuple[Extents, ...]

    def products(self, most: int) -> float:
        """Estimate the number of products that the heaviest of all boxes takes, for blocks of about `most`."""
        blocks = [min(most, self.grid.placements(shape)) for shape in self.shapes]
        along = [min(n, 2 + 4 * len(self.shapes) * most) if most > 1 else 2 for n in self.grid.shape]
        return float(len(self.extents) * max(prod(along), 1) * sum(blocks) ** 0.5 * len(self.shapes) ** 0.5)


def _problem(grid: Grid, shapes: tuple[Extents, ...], admissible: Admissible) -> _Problem:
    same = symmetries(grid, shapes, admissible)
    return _Problem(grid, shapes, same, tuple(up_to_permutation(maximal_extents(grid, admissible), same)))


def _even_weights(problem: _Problem, blocks: Blocks) -> Floats:
    """Solve the linear program with a single weight for each shape: all boxes of the same extents weigh the same."""
    if len(problem.extents) * len(problem.shapes) > _MOST_ENTRIES:
        return np.zeros(len(blocks.sizes))
    held = held_by(problem.extents, problem.shapes)
    variables = np.array([family.variables.item() for family in blocks.families])
    rows = np.zeros((len(held), len(blocks.sizes)))
    np.add.at(rows.T, variables, held.T)
    solution = largest_weights(blocks.sizes, rows, _LONGEST)
    most = 0.0 if solution is None else float((rows @ solution).max())
    return np.zeros(len(blocks.sizes)) if solution is None or most <= _LEAST else solution / most


def _exact(problem: _Problem, blocks: Blocks, weights: Floats) -> Dual:
    """Make the weights whole numbers over the weight of the heaviest admissible box, which is computed exactly."""
    value = float(blocks.sizes @ weights)
    whole = np.floor(weights * (_MOST_WEIGHT / value)) if value > _LEAST else weights * 0
    groups = [family.with_weights(whole) for family in blocks.families]
    placements, numbers, spans = [], [], []
    for group in groups:
        for index in np.argwhere(group.weights > 0):
            lows, highs = zip(*(line[i] for line, i in zip(group.intervals, index, strict=True)), strict=True)
            placements.append(Box.at(lows, group.extents))
            numbers.append(int(group.weights[tuple(index)]))
            spans.append(tuple(int(high - low) for low, high in zip(lows, highs, strict=True)))
    denominator = max(heaviest(blocks.grid, problem.extents, groups), 1)
    return Dual(tuple(placements), tuple(numbers), denominator, tuple(spans))


def largest_weights(sizes: Floats, rows: Floats, time_limit: float) -> Floats | None:
    """Find weights with the largest sum that give no row more than 1; None without an answer."""
    limits, options = np.ones(len(rows)), {"time_limit": max(0.05, time_limit)}
    try:
        # The stubs know no sparse constraints.
        solution = linprog(-sizes, csr_array(rows), limits, bounds=(0, 1), method="highs", options=options)  # type: ignore[call-overload]
        weights = np.asarray(solution.x, np.float64)
    except (ValueError, TypeError, AttributeError, RuntimeError):
        return None
    is_sane = weights.shape == sizes.shape and bool(np.isfinite(weights).all())
    return np.clip(weights, 0, 1) if is_sane else None


class _Search:
    """The linear program of one cut into blocks: a weight for each variable, at most 1 in each of the boxes so far.

    `inner` are weights that no box exceeds, the best so far. A round solves the program and goes half the way from
    `inner` to its solution; this needs far fewer rounds than the solution itself, which jumps from corner to corner.
    """

    def __init__(self, problem: _Problem, blocks: Blocks, first: Floats, boxes: Sequence[Box]) -> None:
        self.problem, self.blocks = problem, blocks
        self.boxes: list[Box] = []
        self.rows: list[Floats] = []
        self._list(boxes)
        self.inner: Floats = first / max(self._weighed(first)[0], _LEAST)

    def improve(self, deadline: float) -> None:
        """Improve `inner` until the program allows hardly more, or until a round might end after the deadline."""
        slowest = 0.0
        while (begin := time.monotonic()) + slowest < deadline:
            solution = largest_weights(self.blocks.sizes, np.array(self.rows), deadline - begin)
            if solution is None or self._value(solution) <= self._value(self.inner) * _CLOSE:
                return
            middle = (self.inner + solution) / 2
            most, heavy = self._weighed(middle)
            if self._value(middle) > self._value(self.inner) * most:
                self.inner = middle / most
            elif not heavy:
                return
            self._list(heavy)
            slowest = max(slowest, time.monotonic() - begin)

    def _value(self, weights: Floats) -> float:
        return float(self.blocks.sizes @ weights)

    def _weighed(self, weights: Floats) -> tuple[float, list[Box]]:
        """The weight of the heaviest box, and boxes of weight above 1: a few for each extents, none near another."""
        groups, most, heavy = [family.with_weights(weights) for family in self.blocks.families], 0.0, []
        for extents in self.problem.extents:
            starts, inside = weight_inside(self.blocks.grid, extents, groups)
            most = max(most, float(inside.max()))
            heavy += [Box.at(start, extents) for start in _peaks(starts, inside, self.problem.grid)]
        return most, heavy

    def _list(self, boxes: Sequence[Box]) -> None:
        new = [box for box in dict.fromkeys(boxes) if box not in set(self.boxes)]
        self.boxes += new
        self.rows += [self.blocks.held(box) for box in new]


def _peaks(starts: Sequence[Ints], weights: Floats, grid: Grid) -> list[Extents]:
    """The starts of some boxes of weight above 1, the heaviest first."""
    peaks: list[Extents] = []
    while len(peaks) < _PEAKS:
        at = np.unravel_index(int(weights.argmax()), weights.shape)
        if weights[at] <= 1 + 1e-6:
            break
        peaks.append(tuple(int(line[i]) for line, i in zip(starts, at, strict=True)))
        near = [np.abs(line - line[i]) <= n // 25 for line, i, n in zip(starts, at, grid.shape, strict=True)]
        weights[np.ix_(*near)] = 0
    return peaks
