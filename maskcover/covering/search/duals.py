"""Finds weights on placements that prove a lower bound, by linear programs, and makes them exact. Imports scipy."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from maskcover.covering.search.bounds import Dual, check_dual, independent_placements, spaced
from maskcover.covering.search.boxes import Admissible, Ints, arrays, coverage, maximal_extents, spread
from maskcover.covering.search.symmetry import copies_of, symmetries, up_to_permutation
from maskcover.grid import Box, Extents, Grid

Floats = npt.NDArray[np.float64]
Orbit = tuple[Box, ...]

_SCALE = 1_000_000  # weights of a linear program are rounded down to multiples of 1 / _SCALE
_ALONG = 11  # placements of a shape along an axis with which the linear program begins
_PEAKS = 4  # boxes that are too heavy, added in a round for each extents
_TROUGHS = 8  # placements that are covered too little, added in a round for each shape


def rational_dual(
    grid: Grid, shapes: Sequence[Extents], admissible: Admissible, *, time_limit: float = 10.0, seed: int = 0
) -> Dual:
    """Find weights on placements that prove a bound, by linear programs: every cover has at least `Dual.masks` masks.

    Rounds add boxes that are too heavy (of all admissible boxes) and placements that the fractional cover misses. The
    best weights of any round are kept, scaled so that the heaviest box weighs 1 exactly; the bound is at least that of
    an independent set. Symmetries of the problem are used: weights are equal on mirrored placements.

    >>> dual = rational_dual(Grid((9,)), [(2,)], 4, time_limit=1)
    >>> dual.masks
    3
    """
    deadline = time.monotonic() + time_limit
    alone = independent_placements(grid, shapes, admissible, time_limit=min(1.0, time_limit / 4), seed=seed)
    best = Dual(alone, (1,) * len(alone), 1)
    program = _Program(grid, tuple(sorted(set(shapes))), admissible, alone)
    while time.monotonic() < deadline and (solved := program.solve(deadline)) is not None:
        weights, amounts = solved
        dual, heavy = program.exact(weights)
        best = max(best, dual, key=lambda candidate: candidate.value)
        if heavy:
            program.add_boxes(heavy)
        if dual.denominator <= 1.02 * _SCALE or not heavy:
            more = program.add_placements(amounts)
            if not heavy and not more:
                break
    return best if check_dual(grid, shapes, admissible, best) else Dual(alone, (1,) * len(alone), 1)


class _Program:
    """The linear program: a weight for each orbit of placements, at most 1 in each of the boxes listed so far."""

    def __init__(self, grid: Grid, shapes: tuple[Extents, ...], admissible: Admissible, more: tuple[Box, ...]) -> None:
        self.grid, self.shapes = grid, shapes
        self.symmetries = symmetries(grid, shapes, admissible)
        self.extents = up_to_permutation(maximal_extents(grid, admissible), self.symmetries)
        self.orbits: dict[Box, Orbit] = {}
        self.boxes: list[Box] = []
        self._add([*spaced(grid, shapes, _ALONG), *more])
        self._list(spaced(grid, self.extents, 3))

    def solve(self, deadline: float) -> tuple[Floats, Floats] | None:
        """Weights of the orbits, and amounts of the boxes in a fractional cover; None without an answer."""
        sizes = np.array([len(orbit) for orbit in self.orbits.values()], np.float64)
        limit = max(0.1, deadline - time.monotonic())
        ones = np.ones(len(self.boxes))
        try:
            # The stubs know no sparse constraints.
            solution = linprog(-sizes, self.rows, ones, bounds=(0, 1), method="highs", options={"time_limit": limit})  # type: ignore[call-overload]
            weights = np.asarray(solution.x, np.float64)
            amounts = -np.asarray(solution.ineqlin.marginals, np.float64)
        except (ValueError, TypeError, AttributeError, RuntimeError):
            return None
        is_sane = weights.shape == sizes.shape and amounts.shape == ones.shape
        is_sane = is_sane and bool(np.isfinite(weights).all() and np.isfinite(amounts).all())
        return (weights, amounts) if is_sane else None

    def exact(self, weights: Floats) -> tuple[Dual, list[Box]]:
        """Make the weights integers over the weight of the heaviest admissible box; list boxes of weight above 1."""
        whole = np.floor(np.clip(weights, 0, 1) * _SCALE).astype(np.int64)
        used = [(orbit, int(w)) for orbit, w in zip(self.orbits.values(), whole, strict=True) if w > 0]
        placements = tuple(box for orbit, _ in used for box in orbit)
        integers = tuple(w for orbit, w in used for _ in orbit)
        starts, stops = arrays(placements, self.grid.ndim)
        heaviest, heavy = 1, []
        for extents in self.extents:
            inside = _weight_inside(self.grid, extents, starts, stops, np.array(integers, np.int64))
            heaviest = max(heaviest, int(inside.max()))
            heavy += [Box.at(at, extents) for at in _extremes(-inside, -_SCALE - 10, _PEAKS)]
        return Dual(placements, integers, heaviest), heavy

    def add_boxes(self, boxes: Sequence[Box]) -> None:
        """Add boxes to the program."""
        listed = set(self.boxes)
        self._list([box for box in boxes if box not in listed])

    def add_placements(self, amounts: Floats) -> bool:
        """Add the placements that a fractional cover by the boxes misses most; True if some of them are new."""
        used = [(box, int(amount * _SCALE)) for box, amount in zip(self.boxes, amounts, strict=False) if amount > 1e-9]
        mirrored = [(copy, amount) for box, amount in used for copy in copies_of(box, self.grid, self.symmetries)]
        starts, stops = arrays(tuple(copy for copy, _ in mirrored), self.grid.ndim)
        weights = np.array([amount for _, amount in mirrored], np.int64)
        full = _SCALE * len(self.symmetries)
        missed = []
        for shape in up_to_permutation(self.shapes, self.symmetries):
            held = coverage(self.grid, shape, starts, stops, weights)
            missed += [Box.at(at, shape) for at in _extremes(held, full - full // 10_000, _TROUGHS)]
        return self._add(missed)

    def _add(self, placements: Sequence[Box]) -> bool:
        before = len(self.orbits)
        for box in placements:
            orbit = tuple(sorted(set(copies_of(box, self.grid, self.symmetries))))
            self.orbits.setdefault(orbit[0], orbit)
        if len(self.orbits) > before and self.boxes:
            self.rows = self._matrix(self.boxes)
        return len(self.orbits) > before

    def _list(self, boxes: list[Box]) -> None:
        rows = self._matrix(boxes)
        self.rows = vstack([self.rows, rows]).tocsr() if self.boxes else rows
        self.boxes += boxes

    def _matrix(self, boxes: Sequence[Box]) -> csr_array:
        """Number of placements of each orbit that each box holds, (boxes, orbits)."""
        starts, stops = arrays(tuple(box for orbit in self.orbits.values() for box in orbit), self.grid.ndim)
        owner = np.repeat(np.arange(len(self.orbits)), [len(orbit) for orbit in self.orbits.values()])
        held = [owner[((starts >= box.start) & (stops <= box.stop)).all(axis=1)] for box in boxes]
        row = np.repeat(np.arange(len(boxes)), [len(orbits) for orbits in held])
        column = np.concatenate([*held, np.zeros(0, np.int64)]).astype(np.int64)
        return csr_array((np.ones(len(row)), (row, column)), shape=(len(boxes), len(self.orbits)))


def _weight_inside(grid: Grid, extents: Extents, starts: Ints, stops: Ints, weights: Ints) -> Ints:
    """For each start of a box of these extents the weight of the placements inside."""
    size, lengths = np.array(extents, np.int64), tuple(n - e + 1 for n, e in zip(grid.shape, extents, strict=True))
    fits = (stops - starts <= size).all(axis=1)
    first, last = np.maximum(0, stops[fits] - size), np.minimum(starts[fits] + 1, np.array(lengths, np.int64))
    return spread(lengths, first, last, weights[fits])


def _extremes(values: Ints, below: int, most: int) -> list[Extents]:
    """The places of the lowest values under a bound, at most `most` of them and none near another."""
    values, places = values.copy(), []
    for _ in range(most):
        at = tuple(map(int, np.unravel_index(int(values.argmin()), values.shape)))
        if values[at] >= below:
            break
        places.append(at)
        near = tuple(slice(max(0, i - n // 25), i + n // 25 + 1) for i, n in zip(at, values.shape, strict=True))
        values[near] = below
    return places
