"""Lower bounds of the number of masks, each with a witness that a few lines of integer arithmetic check.

There are two kinds: placements of which no admissible box holds two (each needs a mask of its own), and weighted
placements of which no admissible box holds more than weight 1 (a cover has at least as many masks as the total weight).
It does not matter how they were found: `check_independent` and `check_dual` compute everything again. `duals` finds
weights.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import ceil, prod
from operator import mul

import numpy as np
import numpy.typing as npt

from maskcover.covering.search.boxes import Admissible, Ints, arrays, maximal_extents
from maskcover.covering.search.windows import LARGEST_SUM, heaviest, weighted
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Extents, Grid

Bools = npt.NDArray[np.bool_]

_POOL = 1_500  # candidates for an independent set
_ROUNDS = 8  # pools of candidates


@dataclass(frozen=True, slots=True)
class Dual:
    """Placements with weights ``weights[i] / denominator``, of which no admissible box holds more than 1.

    Where there are `spans`, ``placements[i]`` stands for a block of placements: the same shape at ``spans[i][axis]``
    starts in a row along each axis, the first of them that of ``placements[i]``. All have the weight of the block.
    """

    placements: tuple[Box, ...]
    weights: tuple[int, ...]
    denominator: int
    spans: tuple[Extents, ...] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of placements of each block."""
        return tuple(map(prod, self.spans)) if self.spans else (1,) * len(self.placements)

    @property
    def value(self) -> Fraction:
        """The sum of the weights, exact."""
        return Fraction(sum(map(mul, self.weights, self.sizes)), self.denominator)

    @property
    def masks(self) -> int:
        """The least number of masks of any cover: `value` rounded up."""
        return ceil(self.value)


def check_independent(grid: Grid, shapes: Iterable[Extents], admissible: Admissible, boxes: Sequence[Box]) -> bool:
    """Whether these are placements of the shapes of which no admissible box holds two.

    A box holds two placements exactly if it holds their bounding box, which lies on the grid as they do.

    >>> check_independent(Grid((9,)), [(2,)], 4, [Box((0,), (2,)), Box((3,), (5,))])
    True
    """
    allowed = set(shapes)
    if not all(grid.whole.contains(box) and box.extents in allowed for box in boxes):
        return False
    bounds = (_bounding(box, other) for i, box in enumerate(boxes) for other in boxes[:i])
    return not any(_admits(admissible, extents) for extents in bounds)


def check_dual(grid: Grid, shapes: Iterable[Extents], admissible: Admissible, dual: Dual) -> bool:
    """Whether these are weighted placements of the shapes of which no admissible box holds more than weight 1.

    For each maximal extents the heaviest of all boxes is computed, in whole numbers.

    >>> check_dual(Grid((9,)), [(2,)], 4, Dual((Box((0,), (2,)), Box((3,), (5,))), (1, 1), 1))
    True
    >>> check_dual(Grid((9,)), [(2,)], 4, Dual((Box((0,), (2,)),), (1,), 3, spans=((8,),)))
    True
    """
    allowed, spans = set(shapes), spans_of(dual, grid.ndim)
    if min(dual.weights, default=0) < 0 or dual.denominator < 1:
        return False
    if not len(dual.weights) == len(dual.placements) == len(spans):
        return False
    if not all(box.extents in allowed for box in dual.placements):
        return False
    if not all(_is_block(grid, box, span) for box, span in zip(dual.placements, spans, strict=True)):
        return False
    if sum(map(mul, dual.weights, dual.sizes)) >= LARGEST_SUM:
        return False
    groups = weighted(dual.placements, dual.weights, spans)
    return heaviest(grid, maximal_extents(grid, admissible), groups) <= dual.denominator


def spans_of(dual: Dual, ndim: int) -> tuple[Extents, ...]:
    """The spans of all blocks; 1 along each axis if the dual has none."""
    return dual.spans or ((1,) * ndim,) * len(dual.placements)


def _is_block(grid: Grid, box: Box, span: Extents) -> bool:
    """Whether all placements of a block lie on the grid."""
    return len(span) == grid.ndim == len(box.start) and all(
        count >= 1 and stop + count - 1 <= n for count, stop, n in zip(span, box.stop, grid.shape, strict=True)
    )


def independent_placements(
    grid: Grid, shapes: Sequence[Extents], admissible: Admissible, *, time_limit: float = 1.0, seed: int = 0
) -> tuple[Box, ...]:
    """Find placements of which no admissible box holds two: every cover has at least as many masks.

    A greedy choice from a pool of candidates, then swaps, then the same with pools of placements near the chosen ones,
    for about `time_limit` seconds. For one shape and admissible extents the result has a placement every stride along
    each axis, which proves the product grid minimal (docs/theory.md, Masks for one shape). The same seed gives the same
    set unless time runs out.

    >>> [box.start for box in independent_placements(Grid((9,)), [(2,)], (4,))]
    [(0,), (3,), (6,)]
    """
    deadline = time.monotonic() + time_limit
    _check_shapes(grid, shapes, admissible)
    rng = np.random.default_rng(seed)
    independent: list[Box] = []
    pool = _pool(grid, shapes, admissible, rng)
    for _ in range(_ROUNDS):
        conflicts = _conflicts(pool, grid, admissible)
        chosen = _swapped(_greedy(conflicts), conflicts, rng, deadline)
        independent = [box for box, is_chosen in zip(pool, chosen, strict=True) if is_chosen]
        if time.monotonic() > deadline:
            break
        pool = _pool_near(independent, grid, shapes, rng)
    return tuple(sorted(independent))


def _within(inner: Extents, outer: Extents) -> bool:
    return all(a <= b for a, b in zip(inner, outer, strict=True))


def _admits(admissible: Admissible, extents: Extents) -> bool:
    return _within(extents, admissible) if isinstance(admissible, tuple) else prod(extents) <= admissible


def _bounding(first: Box, second: Box) -> Extents:
    """The extents of the bounding box of two boxes."""
    low, high = map(min, first.start, second.start), map(max, first.stop, second.stop)
    return tuple(b - a for a, b in zip(low, high, strict=True))


def _check_shapes(grid: Grid, shapes: Sequence[Extents], admissible: Admissible) -> None:
    if not shapes or not all(grid.fits(shape) and min(shape) >= 1 for shape in shapes):
        raise InvalidInput(f"expected shapes that fit {grid}; got {list(shapes)}")
    largest = maximal_extents(grid, admissible)
    for shape in shapes:
        if not any(_within(shape, extents) for extents in largest):
            raise InvalidInput(f"no admissible box holds the shape {shape}, so there is no cover to bound")


def spaced(grid: Grid, shapes: Sequence[Extents], along: int) -> list[Box]:
    """List placements of each shape with even spaces between, about `along` on a whole axis, both ends included."""
    placements = []
    for shape in shapes:
        lines = [_even(n - a, round(along * (n - a) / n)) for n, a in zip(grid.shape, shape, strict=True)]
        placements += [Box.at(start, shape) for start in product(*lines)]
    return placements


def _even(last: int, parts: int) -> list[int]:
    """The numbers from 0 to `last` that cut it into `parts` nearly equal parts, at least one."""
    return sorted({round(last * i / max(1, parts)) for i in range(max(1, parts) + 1)})


def _strided(grid: Grid, shape: Extents, admissible: Admissible) -> list[Box]:
    """Placements a stride apart on each axis: the first distance that no box, however long on that axis, can span."""
    lines = []
    for axis, (n, a) in enumerate(zip(grid.shape, shape, strict=True)):
        most = admissible[axis] if isinstance(admissible, tuple) else admissible // (prod(shape) // a)
        lines.append(range(0, n - a + 1, max(1, min(most, n) - a + 1)))
    return [Box.at(start, shape) for start in product(*lines)]


def _pool(grid: Grid, shapes: Sequence[Extents], admissible: Admissible, rng: np.random.Generator) -> list[Box]:
    """Candidates for an independent set, promising ones first: a stride apart, then some of an even lattice."""
    strided = [box for shape in shapes for box in _strided(grid, shape, admissible)][:_POOL]
    along = next(k for k in range(20, 0, -1) if k == 1 or len(shapes) * (k + 1) ** grid.ndim <= 2 * _POOL)
    even = spaced(grid, shapes, along)
    some = [even[i] for i in sorted(rng.permutation(len(even))[:_POOL])]
    return list(dict.fromkeys([*strided, *some]))


def _pool_near(boxes: Sequence[Box], grid: Grid, shapes: Sequence[Extents], rng: np.random.Generator) -> list[Box]:
    """The next candidates: the boxes themselves, then placements near them, of their shapes or of similar ones."""
    order = {shape: i for i, shape in enumerate(shapes)}
    nearby = list(boxes)
    for box in boxes:
        for _ in range(_POOL // len(boxes)):
            shape = shapes[int(np.clip(order[box.extents] + rng.integers(-2, 3), 0, len(shapes) - 1))]
            room = [n - a for n, a in zip(grid.shape, shape, strict=True)]
            shift = rng.integers(-12, 13, grid.ndim)
            nearby.append(Box.at(map(int, np.clip(np.array(box.start) + shift, 0, room)), shape))
    return list(dict.fromkeys(nearby))


def _conflicts(pool: Sequence[Box], grid: Grid, admissible: Admissible) -> Bools:
    """Whether two different candidates lie together in an admissible box; bool (candidates, candidates)."""
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
    """Choose each candidate, in order, that conflicts with no candidate chosen before."""
    chosen, free = np.zeros(len(conflicts), np.bool_), np.ones(len(conflicts), np.bool_)
    for i in range(len(conflicts)):
        if free[i]:
            chosen[i] = True
            free &= ~conflicts[i]
    return chosen


def _swapped(chosen: Bools, conflicts: Bools, rng: np.random.Generator, deadline: float, moves: int = 3_000) -> Bools:
    """Improve a choice: insert candidates that push out one or two others, then all that became free; keep the best."""
    best, chosen, last = chosen.copy(), chosen.copy(), np.zeros(len(chosen), np.int64)
    tight = conflicts[chosen].sum(axis=0, dtype=np.int64)
    for move in range(1, moves):
        if move % 64 == 0 and time.monotonic() > deadline:
            break
        candidates = np.flatnonzero(~chosen & (tight <= (2 if move % 16 == 0 else 1)))
        if not candidates.size:
            break
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
