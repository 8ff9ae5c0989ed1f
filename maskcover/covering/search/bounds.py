"""Lower bounds of the number of masks, each with a witness that a few lines of integer arithmetic re-check.

Two kinds: placements of which no admissible box holds two (each needs a mask of its own), and weighted placements of
which no admissible box holds more than weight 1 (so there are at least as many masks as weight). How they are found
does not matter: `check_independent` and `check_dual` judge them from scratch. Weights are found in `duals`.
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

from maskcover.covering.search.boxes import Admissible, Ints, arrays, maximal_extents
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Extents, Grid

Bools = npt.NDArray[np.bool_]

_POOL = 1_500  # candidates for an independent set
_ROUNDS = 8  # pools of candidates


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


def spaced(grid: Grid, shapes: Sequence[Extents], along: int) -> list[Box]:
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
    even = spaced(grid, shapes, along)
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
