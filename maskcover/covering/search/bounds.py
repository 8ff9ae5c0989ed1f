"""Lower bounds of the number of masks, each with a witness that a few lines of integer arithmetic re-check.

Two kinds: placements of which no admissible box holds two (each needs a mask of its own), and weighted placements of
which no admissible box holds more than weight 1 (so there are at least as many masks as weight). How they are found
does not matter: `check_independent` and `check_dual` judge them from scratch.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import ceil, prod

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from maskcover.covering.search.boxes import Admissible, Ints, arrays, coverage, maximal_extents, spread
from maskcover.covering.search.symmetry import images, symmetries, up_to_permutation
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Extents, Grid

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Orbit = tuple[Box, ...]

_SCALE = 1_000_000  # weights of a linear program are rounded down to multiples of its inverse
_POOL = 1_500  # candidates for an independent set
_ROUNDS = 8  # pools of candidates
_ALONG = 11  # placements of a shape along an axis that the linear program begins with
_PEAKS = 4  # boxes too heavy, for each extents, that a round adds
_TROUGHS = 8  # placements too little covered, for each shape, that a round adds


@dataclass(frozen=True, slots=True)
class Dual:
    """Placements with weights ``weights[i] / denominator``, of which no admissible box holds more than 1."""

    placements: tuple[Box, ...]
    weights: tuple[int, ...]
    denominator: int

    @property
    def value(self) -> Fraction:
        """The total weight."""
        return Fraction(sum(self.weights), self.denominator)

    @property
    def masks(self) -> int:
        """Every cover has at least so many masks."""
        return ceil(self.value)


def check_independent(grid: Grid, shapes: Iterable[Extents], admissible: Admissible, found: Sequence[Box]) -> bool:
    """Whether these are placements of the shapes of which no admissible box holds two.

    A box holds two placements exactly if it holds their bounding box, which lies on the grid as they do.

    >>> check_independent(Grid((9,)), [(2,)], 4, [Box((0,), (2,)), Box((3,), (5,))])
    True
    """
    allowed = set(shapes)
    if not all(grid.whole.contains(box) and box.extents in allowed for box in found):
        return False
    bounds = (_bounding(one, other) for i, one in enumerate(found) for other in found[:i])
    return not any(_admits(admissible, extents) for extents in bounds)


def check_dual(grid: Grid, shapes: Iterable[Extents], admissible: Admissible, dual: Dual) -> bool:
    """Whether these are weighted placements of the shapes of which no admissible box holds more than weight 1.

    Integers throughout: for each maximal extents, each placement adds its weight to all starts of a box that holds it.

    >>> check_dual(Grid((9,)), [(2,)], 4, Dual((Box((0,), (2,)), Box((3,), (5,))), (1, 1), 1))
    True
    """
    allowed = set(shapes)
    if min(dual.weights, default=0) < 0 or dual.denominator < 1 or len(dual.weights) != len(dual.placements):
        return False
    if not all(grid.whole.contains(box) and box.extents in allowed for box in dual.placements):
        return False
    for extents in maximal_extents(grid, admissible):
        weight_in_box = np.zeros([n - e + 1 for n, e in zip(grid.shape, extents, strict=True)], np.int64)
        for box, weight in zip(dual.placements, dual.weights, strict=True):
            holds = zip(box.start, box.stop, extents, strict=True)
            weight_in_box[tuple(slice(max(0, stop - e), max(0, start + 1)) for start, stop, e in holds)] += weight * (
                _within(box.extents, extents)
            )
        if weight_in_box.max() > dual.denominator:
            return False
    return True


def independent_placements(
    grid: Grid, shapes: Sequence[Extents], admissible: Admissible, *, time_limit: float = 1.0, seed: int = 0
) -> tuple[Box, ...]:
    """Placements of which no admissible box holds two: every cover has at least so many masks.

    Greedy in a pool of candidates, then swaps, then the same in pools about what was found, for about `time_limit`
    seconds. For one shape and extents it is the product of one placement each stride, which proves the product grid
    minimal (design §6). The same seed gives the same set unless time runs out.

    >>> [box.start for box in independent_placements(Grid((9,)), [(2,)], (4,))]
    [(0,), (3,), (6,)]
    """
    deadline = time.monotonic() + time_limit
    _check_shapes(grid, shapes, admissible)
    rng = np.random.default_rng(seed)
    found: list[Box] = []
    pool = _pool(grid, shapes, admissible, rng)
    for _ in range(_ROUNDS):
        conflicts = _together(pool, grid, admissible)
        chosen = _swapped(_greedy(conflicts), conflicts, rng, deadline)
        found = [box for box, one in zip(pool, chosen, strict=True) if one]
        if time.monotonic() > deadline:
            break
        pool = _about(found, grid, shapes, rng)
    return tuple(sorted(found))


def rational_dual(
    grid: Grid, shapes: Sequence[Extents], admissible: Admissible, *, time_limit: float = 10.0, seed: int = 0
) -> Dual:
    """Weights on placements, found by linear programs and made exact: every cover has at least `Dual.masks` masks.

    Alternates between adding boxes that are too heavy (all of them are looked at) and placements that the fractional
    cover misses. The best weights of any round are kept, scaled so that the heaviest box weighs 1 exactly; never less
    than an independent set. Symmetries of the problem are used: weights are equal on mirrored placements.

    >>> dual = rational_dual(Grid((9,)), [(2,)], 4, time_limit=1)
    >>> dual.masks
    3
    """
    deadline = time.monotonic() + time_limit
    alone = independent_placements(grid, shapes, admissible, time_limit=min(1.0, time_limit / 4), seed=seed)
    best = Dual(alone, (1,) * len(alone), 1)
    program = _Program(grid, tuple(sorted(set(shapes))), admissible, alone)
    while time.monotonic() < deadline and (solved := program.solve(deadline)) is not None:
        weights, shares = solved
        dual, heavy = program.exact(weights)
        best = max(best, dual, key=lambda each: each.value)
        if heavy:
            program.add_boxes(heavy)
        if dual.denominator <= 1.02 * _SCALE or not heavy:
            more = program.add_placements(shares)
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
        self._add([*_spaced(grid, shapes, _ALONG), *more])
        self._list(_spaced(grid, self.extents, 3))

    def solve(self, deadline: float) -> tuple[Floats, Floats] | None:
        """Weights of the orbits and shares of the boxes; None if the solver gives no answer."""
        sizes = np.array([len(orbit) for orbit in self.orbits.values()], np.float64)
        limit = max(0.1, deadline - time.monotonic())
        ones = np.ones(len(self.boxes))
        try:
            # The stubs know no sparse constraints.
            found = linprog(-sizes, self.rows, ones, bounds=(0, 1), method="highs", options={"time_limit": limit})  # type: ignore[call-overload]
            weights, shares = np.asarray(found.x, np.float64), -np.asarray(found.ineqlin.marginals, np.float64)
        except (ValueError, TypeError, AttributeError, RuntimeError):
            return None
        sane = weights.shape == sizes.shape and shares.shape == ones.shape
        return (weights, shares) if sane and np.isfinite(weights).all() and np.isfinite(shares).all() else None

    def exact(self, weights: Floats) -> tuple[Dual, list[Box]]:
        """The weights as integers over the weight of the heaviest of all admissible boxes; and boxes above 1."""
        whole = np.floor(np.clip(weights, 0, 1) * _SCALE).astype(np.int64)
        used = [(orbit, int(w)) for orbit, w in zip(self.orbits.values(), whole, strict=True) if w > 0]
        placements = tuple(box for orbit, _ in used for box in orbit)
        each = tuple(w for orbit, w in used for _ in orbit)
        starts, stops = arrays(placements, self.grid.ndim)
        heaviest, heavy = 1, []
        for extents in self.extents:
            inside = _weight_inside(self.grid, extents, starts, stops, np.array(each, np.int64))
            heaviest = max(heaviest, int(inside.max()))
            heavy += [Box.at(at, extents) for at in _extremes(-inside, -_SCALE - 10, _PEAKS)]
        return Dual(placements, each, heaviest), heavy

    def add_boxes(self, boxes: Sequence[Box]) -> None:
        """List more boxes."""
        known = set(self.boxes)
        self._list([box for box in boxes if box not in known])

    def add_placements(self, shares: Floats) -> bool:
        """List the placements that a fractional cover by the boxes misses most; whether there are new ones."""
        used = [(box, int(share * _SCALE)) for box, share in zip(self.boxes, shares, strict=False) if share > 1e-9]
        mirrored = [(image, share) for box, share in used for image in images(box, self.grid, self.symmetries)]
        starts, stops = arrays(tuple(image for image, _ in mirrored), self.grid.ndim)
        weights = np.array([share for _, share in mirrored], np.int64)
        full = _SCALE * len(self.symmetries)
        missed = []
        for shape in up_to_permutation(self.shapes, self.symmetries):
            held = coverage(self.grid, shape, starts, stops, weights)
            missed += [Box.at(at, shape) for at in _extremes(held, full - full // 10_000, _TROUGHS)]
        return self._add(missed)

    def _add(self, placements: Sequence[Box]) -> bool:
        before = len(self.orbits)
        for box in placements:
            orbit = tuple(sorted(set(images(box, self.grid, self.symmetries))))
            self.orbits.setdefault(orbit[0], orbit)
        if len(self.orbits) > before and self.boxes:
            self.rows = self._matrix(self.boxes)
        return len(self.orbits) > before

    def _list(self, boxes: list[Box]) -> None:
        rows = self._matrix(boxes)
        self.rows = vstack([self.rows, rows]).tocsr() if self.boxes else rows
        self.boxes += boxes

    def _matrix(self, boxes: Sequence[Box]) -> csr_array:
        """How many placements of each orbit each box holds: (boxes, orbits)."""
        starts, stops = arrays(tuple(box for orbit in self.orbits.values() for box in orbit), self.grid.ndim)
        owner = np.repeat(np.arange(len(self.orbits)), [len(orbit) for orbit in self.orbits.values()])
        held = [owner[((starts >= box.start) & (stops <= box.stop)).all(axis=1)] for box in boxes]
        row = np.repeat(np.arange(len(boxes)), [len(one) for one in held])
        column = np.concatenate([*held, np.zeros(0, np.int64)]).astype(np.int64)
        return csr_array((np.ones(len(row)), (row, column)), shape=(len(boxes), len(self.orbits)))


def _within(inner: Extents, outer: Extents) -> bool:
    return all(a <= b for a, b in zip(inner, outer, strict=True))


def _admits(admissible: Admissible, extents: Extents) -> bool:
    return _within(extents, admissible) if isinstance(admissible, tuple) else prod(extents) <= admissible


def _bounding(one: Box, other: Box) -> Extents:
    low, high = map(min, one.start, other.start), map(max, one.stop, other.stop)
    return tuple(b - a for a, b in zip(low, high, strict=True))


def _check_shapes(grid: Grid, shapes: Sequence[Extents], admissible: Admissible) -> None:
    if not shapes or not all(grid.fits(shape) and min(shape) >= 1 for shape in shapes):
        raise InvalidInput(f"expected shapes that fit {grid}; got {list(shapes)}")
    largest = maximal_extents(grid, admissible)
    for shape in shapes:
        if not any(_within(shape, extents) for extents in largest):
            raise InvalidInput(f"no admissible box holds the shape {shape}, so there is no cover to bound")


def _spaced(grid: Grid, shapes: Sequence[Extents], along: int) -> list[Box]:
    """Placements of each shape at about so many even steps along a whole axis, both ends included."""
    found = []
    for shape in shapes:
        lines = [_even(n - a, round(along * (n - a) / n)) for n, a in zip(grid.shape, shape, strict=True)]
        found += [Box.at(start, shape) for start in product(*lines)]
    return found


def _even(last: int, parts: int) -> list[int]:
    """From 0 to `last` in so many steps, at least one."""
    return sorted({round(last * i / max(1, parts)) for i in range(max(1, parts) + 1)})


def _strided(grid: Grid, shape: Extents, admissible: Admissible) -> list[Box]:
    """Placements one stride apart on each axis, the stride being what a box that is long on that axis can span."""
    lines = []
    for axis, (n, a) in enumerate(zip(grid.shape, shape, strict=True)):
        most = admissible[axis] if isinstance(admissible, tuple) else admissible // (prod(shape) // a)
        lines.append(range(0, n - a + 1, max(1, min(most, n) - a + 1)))
    return [Box.at(start, shape) for start in product(*lines)]


def _pool(grid: Grid, shapes: Sequence[Extents], admissible: Admissible, rng: np.random.Generator) -> list[Box]:
    """Candidates for an independent set, the promising first: strides, then even steps, then random placements."""
    strided = [box for shape in shapes for box in _strided(grid, shape, admissible)][:_POOL]
    along = next(k for k in range(20, 0, -1) if k == 1 or len(shapes) * (k + 1) ** grid.ndim <= 2 * _POOL)
    even = _spaced(grid, shapes, along)
    some = [even[i] for i in sorted(rng.permutation(len(even))[:_POOL])]
    return list(dict.fromkeys([*strided, *some]))


def _about(found: Sequence[Box], grid: Grid, shapes: Sequence[Extents], rng: np.random.Generator) -> list[Box]:
    """The next candidates: what was found first, then placements near it, of the same shape or one near in order."""
    order = {shape: i for i, shape in enumerate(shapes)}
    nearby = list(found)
    for box in found:
        for _ in range(_POOL // len(found)):
            shape = shapes[int(np.clip(order[box.extents] + rng.integers(-2, 3), 0, len(shapes) - 1))]
            room = [n - a for n, a in zip(grid.shape, shape, strict=True)]
            shift = rng.integers(-12, 13, grid.ndim)
            nearby.append(Box.at(map(int, np.clip(np.array(box.start) + shift, 0, room)), shape))
    return list(dict.fromkeys(nearby))


def _together(pool: Sequence[Box], grid: Grid, admissible: Admissible) -> Bools:
    """Whether two different candidates lie in one admissible box."""
    starts, stops = arrays(tuple(pool), grid.ndim)
    volume, fits = np.ones((len(pool), len(pool)), np.int64), np.ones((len(pool), len(pool)), np.bool_)
    for axis, (low, high) in enumerate(zip(starts.T, stops.T, strict=True)):
        side = np.maximum(high[:, None], high) - np.minimum(low[:, None], low)
        volume *= side
        fits &= side <= (admissible[axis] if isinstance(admissible, tuple) else grid.shape[axis])
    held = fits if isinstance(admissible, tuple) else volume <= admissible
    np.fill_diagonal(held, False)
    return held


def _greedy(conflicts: Bools) -> Bools:
    """In the order of the candidates, each that conflicts with none before."""
    chosen, free = np.zeros(len(conflicts), np.bool_), np.ones(len(conflicts), np.bool_)
    for i in range(len(conflicts)):
        if free[i]:
            chosen[i] = True
            free &= ~conflicts[i]
    return chosen


def _swapped(chosen: Bools, conflicts: Bools, rng: np.random.Generator, deadline: float, moves: int = 3_000) -> Bools:
    """Forced insertions of candidates that push out one or two others, then of all that became free; the best seen."""
    best, chosen, last = chosen.copy(), chosen.copy(), np.zeros(len(chosen), np.int64)
    tight = conflicts[chosen].sum(axis=0, dtype=np.int64)
    for move in range(1, moves):
        if move % 64 == 0 and time.monotonic() > deadline:
            break
        one = ~chosen & (tight <= (2 if move % 16 == 0 else 1))
        if not one.any():
            break
        candidates = np.flatnonzero(one)
        some = candidates[rng.integers(len(candidates), size=8)]
        _insert(int(some[last[some].argmin()]), chosen, tight, conflicts, last, move)
        while (free := np.flatnonzero(~chosen & (tight == 0))).size:
            _insert(int(free[rng.integers(len(free))]), chosen, tight, conflicts, last, move)
        if chosen.sum() > best.sum():
            best = chosen.copy()
    return best


def _insert(node: int, chosen: Bools, tight: Ints, conflicts: Bools, last: Ints, move: int) -> None:
    for other in np.flatnonzero(chosen & conflicts[node]):
        chosen[other], last[other] = False, move
        tight -= conflicts[other]
    chosen[node], last[node] = True, move
    tight += conflicts[node]


def _weight_inside(grid: Grid, extents: Extents, starts: Ints, stops: Ints, weights: Ints) -> Ints:
    """For each start of a box of these extents the weight of the placements inside."""
    size, lengths = np.array(extents, np.int64), tuple(n - e + 1 for n, e in zip(grid.shape, extents, strict=True))
    fits = (stops - starts <= size).all(axis=1)
    first, last = np.maximum(0, stops[fits] - size), np.minimum(starts[fits] + 1, np.array(lengths, np.int64))
    return spread(lengths, first, last, weights[fits])


def _extremes(values: Ints, below: int, most: int) -> list[Extents]:
    """Where the lowest values lie that are under a bound, at most so many and none near another."""
    values, found = values.copy(), []
    for _ in range(most):
        at = tuple(map(int, np.unravel_index(int(values.argmin()), values.shape)))
        if values[at] >= below:
            break
        found.append(at)
        near = tuple(slice(max(0, i - n // 25), i + n // 25 + 1) for i, n in zip(at, values.shape, strict=True))
        values[near] = below
    return found
