"""Finds a cover of fewer boxes: redundant boxes are dropped, then annealing; each result is checked exactly."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from math import prod
from typing import NoReturn

import numpy as np
from tqdm.auto import tqdm

from maskcover.covering.search.annealing import Sample, Schedule, State, anneal, scattered
from maskcover.covering.search.bounds import independent_placements
from maskcover.covering.search.boxes import Ints, arrays, coverage, maximal_extents
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Extents, Grid

_PLACEMENTS_FOR_A_MOVE = 35  # in the first round; each later round has twice the moves
_FEWEST_MOVES, _MOST_MOVES = 500, 40_000  # of the first round
_ROUNDS = 7
_COMPILED_FROM = 10.0  # seconds; compiling alone may take that long, once on a machine
_WITNESSES = 40  # uncovered placements of each shape that an exact check adds to the sample


def fewer(
    grid: Grid,
    shapes: Sequence[Extents],
    start: tuple[Box, ...],
    largest: int,
    *,
    align: int = 1,
    time_limit: float,
    seed: int = 0,
    workers: int = 1,
    progress: bool = False,
) -> tuple[Box, ...]:
    """Find a cover of every placement of every shape by at most ``len(start)`` boxes of at most `largest` cells.

    Args:
        grid: The image.
        shapes: Extents of the boxes that must be covered at every placement.
        start: A valid cover; returned if nothing better is found in time.
        largest: Cells of the largest box allowed.
        align: Box edges are multiples of this, or the end of the image. Where it does not divide a side, the annealer
            counts the cells missing from the last token as if they were there.
        time_limit: Seconds; a last exact check may take longer.
        seed: The same seed gives the same boxes for the same number of workers, unless time runs out.
        workers: Threads of the compiled search.
        progress: Show a progress bar on stderr.

    The search is not trusted: every cover returned has passed `uncovered`, which is exact. The search ends early where
    an independent set proves that fewer boxes are impossible; Ctrl-C ends it with the best cover so far. It is
    simulated annealing with one box fewer, or a few (Kirkpatrick and others, 1983). With numba, on images of two axes
    and for 10 seconds and more, it is the compiled search of `restarts`, from symmetric random boxes and from `start`;
    else NumPy's of `annealing`, from random boxes.

    Raises:
        InvalidInput: `start` is no such cover.

    >>> grid = Grid((4, 4))
    >>> singles = tuple(Box.at((y, x), (2, 2)) for y in range(3) for x in range(3))
    >>> len(fewer(grid, [(1, 1)], singles, 4, time_limit=1))
    4
    """
    begin = time.monotonic()
    _check_start(grid, shapes, start, largest, align)
    best = without_redundant(grid, shapes, start)
    tokens = _tokens(grid, shapes, largest, align)
    with (
        tqdm(total=round(time_limit), desc="searching", unit="s", disable=not progress) as bar,
        suppress(KeyboardInterrupt),
    ):
        clock = _Clock(begin, begin + time_limit, bar)
        least = len(independent_placements(grid, shapes, largest, time_limit=min(1.0, time_limit / 10)))
        if is_compiled(grid, time_limit) and _has_boxes(tokens):
            covers = _compiled_covers(tokens, shapes, best, largest, clock, seed, workers, least)
        else:
            covers = _numpy_covers(tokens, shapes, best, largest, clock, seed, least)
        for best in covers:
            bar.set_postfix(masks=len(best))
    return best


def is_compiled(grid: Grid, time_limit: float) -> bool:
    """Whether the compiled search is used: with numba, on two axes, and for long enough to be worth compiling."""
    return grid.ndim == 2 and time_limit >= _COMPILED_FROM and find_spec("numba") is not None


@dataclass(frozen=True, slots=True)
class _Clock:
    """Tells when a search is over, and shows the time on its progress bar."""

    begin: float
    deadline: float
    bar: tqdm[NoReturn]

    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        now = time.monotonic()
        self.bar.update(max(0, int(min(now, self.deadline) - self.begin) - self.bar.n))
        return now >= self.deadline


def _compiled_covers(
    tokens: _Tokens,
    shapes: Sequence[Extents],
    best: tuple[Box, ...],
    largest: int,
    clock: _Clock,
    seed: int,
    workers: int,
    least: int,
) -> Iterator[tuple[Box, ...]]:
    """Yield ever smaller covers, found by the compiled search and checked."""
    # Not at the top: numba is an extra, and slow to import.
    from maskcover.covering.search.restarts import Problem, covers_of

    def judged(boxes: Ints) -> Ints | None:
        checked = _checked(tokens, shapes, _in_cells(tokens, boxes), largest)
        return None if checked is None else _in_tokens(tokens, checked)

    problem = Problem(tokens.grid.shape, np.array(tokens.shapes, np.int64), tokens.table)
    start = _in_tokens(tokens, best)
    for boxes in covers_of(problem, start, judged, clock.is_over, seed=seed, workers=workers, least=least):
        yield _in_cells(tokens, boxes)


def _numpy_covers(
    tokens: _Tokens,
    shapes: Sequence[Extents],
    best: tuple[Box, ...],
    largest: int,
    clock: _Clock,
    seed: int,
    least: int,
) -> Iterator[tuple[Box, ...]]:
    """Yield ever smaller covers, found by NumPy's search and checked."""
    rng = np.random.default_rng(seed)
    for attempt in _attempts(sum(map(tokens.grid.placements, tokens.shapes))):
        while not clock.is_over() and len(best) > least:
            count = max(least, len(best) - max(1, len(best) // attempt.part))
            boxes = _search(tokens, count, attempt.moves, rng, clock.deadline)
            checked = None if boxes is None else _checked(tokens, shapes, boxes, largest)
            if checked is None or len(checked) >= len(best):
                break
            best = checked
            yield best


def _checked(
    tokens: _Tokens, shapes: Sequence[Extents], boxes: tuple[Box, ...], largest: int
) -> tuple[Box, ...] | None:
    """The boxes without needless ones, if they are a cover, which is decided exactly; else None."""
    if _fault(tokens.cells, shapes, boxes, largest, tokens.align):
        return None
    return without_redundant(tokens.cells, shapes, boxes)


def _in_cells(tokens: _Tokens, boxes: Ints) -> tuple[Box, ...]:
    """Boxes in cells from starts and extents in tokens, (boxes, 2 axes)."""
    starts, stops = boxes[:, :2] * tokens.align, (boxes[:, :2] + boxes[:, 2:]) * tokens.align
    return tuple(map(_box, starts, np.minimum(stops, tokens.cells.shape)))


def _in_tokens(tokens: _Tokens, boxes: tuple[Box, ...]) -> Ints:
    """The inverse of `_in_cells`."""
    starts, stops = arrays(boxes, tokens.grid.ndim)
    return np.concatenate([starts // tokens.align, -(-stops // tokens.align) - starts // tokens.align], axis=1)


def _has_boxes(tokens: _Tokens) -> bool:
    """Whether each shape fits a box of whole tokens; one that is cut at the end of the image is not searched for."""
    return all((tokens.table >= shape).all(axis=1).any() for shape in tokens.shapes)


def uncovered(grid: Grid, shapes: Sequence[Extents], boxes: tuple[Box, ...]) -> Box | None:
    """Find the first placement, in the order of the shapes, that lies in none of the boxes; None if the boxes cover.

    Exact: each box of masks holds a box of placements, and their number over each placement is counted.

    >>> uncovered(Grid((5,)), [(2,)], (Box((0,), (3,)), Box((3,), (5,))))
    Box(start=(2,), stop=(4,))
    """
    starts, stops = arrays(boxes, grid.ndim)
    for shape in shapes:
        missed = np.argwhere(coverage(grid, shape, starts, stops) == 0)
        if len(missed):
            return Box.at(map(int, missed[0]), shape)
    return None


def without_redundant(grid: Grid, shapes: Sequence[Extents], boxes: tuple[Box, ...]) -> tuple[Box, ...]:
    """Drop boxes that the others make needless; of the boxes that are left, none can be dropped alone.

    Later boxes are tried first. Boxes that cover stay a cover.

    >>> without_redundant(Grid((4,)), [(1,)], (Box((0,), (2,)), Box((2,), (4,)), Box((1,), (3,))))
    (Box(start=(0,), stop=(2,)), Box(start=(2,), stop=(4,)))
    """
    starts, stops = arrays(boxes, grid.ndim)
    counts = [(np.array(shape, np.int64), coverage(grid, shape, starts, stops)) for shape in shapes]
    needed = []
    for box, low, high in reversed(list(zip(boxes, starts, stops, strict=True))):
        windows = [count[_placements(low, high, shape)] for shape, count in counts]
        if any((window == 1).any() for window in windows):
            needed.append(box)
            continue
        for window in windows:
            window -= 1
    return tuple(reversed(needed))


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A search with one `part`-th of the boxes fewer (at least one box fewer), for a number of moves."""

    part: int
    moves: int


def _attempts(placements: int) -> list[_Attempt]:
    """First many boxes fewer, then a single box fewer, then the same again with more moves."""
    first = max(_FEWEST_MOVES, min(placements // _PLACEMENTS_FOR_A_MOVE, _MOST_MOVES))
    return [_Attempt(part, first << patience) for patience in range(_ROUNDS) for part in (30, 1000)]


@dataclass(frozen=True, slots=True)
class _Stage:
    """A lattice of at most `placements` and `shapes`, its fraction of the moves, and its temperatures.

    Temperatures are fractions of the lattice's placements per box; `focus` is the fraction of the moves that aim at an
    uncovered placement.
    """

    placements: int
    shapes: int
    fraction: float
    hot: float
    cold: float
    focus: float


# Coarse and hot to find the layout, fine and cold to fit it; a coarse lattice alone leaves slivers between its points.
_STAGES = (
    _Stage(20_000, 21, 0.3, 0.05, 0.004, 0.15),
    _Stage(100_000, 41, 0.25, 0.004, 0.0006, 0.15),
    _Stage(400_000, 41, 0.3, 0.0006, 0.00005, 0.3),
    _Stage(2_000_000, 1000, 0.15, 0.0001, 0.00002, 0.8),
)


@dataclass(frozen=True, slots=True)
class _Tokens:
    """The problem in units of `align` cells: a box on the token grid holds a placement if it holds its tokens."""

    cells: Grid
    grid: Grid
    shapes: tuple[Extents, ...]
    table: Ints
    align: int

    def boxes(self, state: State) -> tuple[Box, ...]:
        """The boxes in cells, cut at the end of the image."""
        stops = np.minimum(state.stops * self.align, self.cells.shape)
        return tuple(map(_box, state.starts * self.align, stops))


def _tokens(grid: Grid, shapes: Sequence[Extents], largest: int, align: int) -> _Tokens:
    coarse = Grid(tuple(-(-side // align) for side in grid.shape))
    # A shape touches most tokens when it begins at the last cell of one.
    touched = {
        tuple(min(n, (align + a - 2) // align + 1) for n, a in zip(coarse.shape, shape, strict=True))
        for shape in shapes
    }
    maximal_shapes = [
        s for s in touched if not any(s != t and all(x <= y for x, y in zip(s, t, strict=True)) for t in touched)
    ]
    table = maximal_extents(coarse, max(1, largest // align**grid.ndim))
    return _Tokens(grid, coarse, tuple(sorted(maximal_shapes)), np.array(table, np.int64), align)


def _search(
    tokens: _Tokens, count: int, moves: int, rng: np.random.Generator, deadline: float
) -> tuple[Box, ...] | None:
    """Search for `count` boxes that cover, None if there are none among those tried."""
    grid, table = tokens.grid, tokens.table
    if not _has_boxes(tokens):
        return None
    state = scattered(rng, grid.shape, table, count)
    for stage in _STAGES:
        sample = _sample(grid, tokens.shapes, state, stage)
        load = sample.size / count
        schedule = Schedule(
            int(moves * stage.fraction), max(1.0, stage.hot * load), max(0.2, stage.cold * load), stage.focus
        )
        _anneal_stage(tokens, state, sample, schedule, rng, deadline, last=stage is _STAGES[-1])
        if sample.uncovered:
            return None  # a finer lattice only has more uncovered placements
    return tokens.boxes(state)


def _anneal_stage(
    tokens: _Tokens,
    state: State,
    sample: Sample,
    schedule: Schedule,
    rng: np.random.Generator,
    deadline: float,
    last: bool,
) -> None:
    """Anneal to the end of the schedule or until the sample is covered; the last sample grows until that is a cover."""
    move = 0
    while move < schedule.moves and time.monotonic() < deadline:
        move = anneal(state, sample, schedule, rng, deadline, move) + 1
        if not sample.uncovered:
            missed = _witnesses(tokens.grid, tokens.shapes, state, rng)
            if not (last and len(missed[0])):
                return
            sample.extend(*missed, (state.starts, state.stops))


def _sample(grid: Grid, shapes: tuple[Extents, ...], state: State, stage: _Stage) -> Sample:
    sample = Sample(grid.shape, *_lattice(grid, shapes, stage))
    for low, high in zip(state.starts, state.stops, strict=True):
        sample.put(low, high, 1)
    return sample


def _lattice(grid: Grid, shapes: tuple[Extents, ...], stage: _Stage) -> tuple[Ints, int]:
    """Some of the shapes, the first and the last included, and the smallest spacing with few enough placements."""
    index = np.unique(np.linspace(0, len(shapes) - 1, min(stage.shapes, len(shapes))).round().astype(int))
    some = [shapes[i] for i in index]
    spacing = 1
    while sum(_lattice_size(grid, shape, spacing) for shape in some) > stage.placements:
        spacing += 1
    return np.array(some, np.int64), spacing


def _lattice_size(grid: Grid, shape: Extents, spacing: int) -> int:
    """An upper bound of the number of placements of a shape on a lattice."""
    return prod((n - a) // spacing + 2 for n, a in zip(grid.shape, shape, strict=True))


def _witnesses(grid: Grid, shapes: tuple[Extents, ...], state: State, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Starts and stops of some uncovered placements of each shape, none if all are covered."""
    starts, stops = [], []
    for shape in shapes:
        missed = np.argwhere(coverage(grid, shape, state.starts, state.stops) == 0)
        some = missed[rng.permutation(len(missed))[:_WITNESSES]]
        starts.append(some)
        stops.append(some + np.array(shape, np.int64))
    return np.concatenate(starts), np.concatenate(stops)


def _check_start(grid: Grid, shapes: Sequence[Extents], boxes: tuple[Box, ...], largest: int, align: int) -> None:
    if not shapes or not all(grid.fits(shape) for shape in shapes):
        raise InvalidInput(f"expected shapes that fit {grid}; got {list(shapes)}")
    if align < 1:
        raise InvalidInput(f"align must be at least 1; got {align}")
    fault = _fault(grid, shapes, boxes, largest, align)
    if fault is not None:
        raise InvalidInput(f"expected a cover to start from, but {fault}")


def _fault(grid: Grid, shapes: Sequence[Extents], boxes: tuple[Box, ...], largest: int, align: int) -> str | None:
    """Say what is wrong with a cover; None if it is valid."""
    for box in boxes:
        if len(box.start) != grid.ndim or not grid.whole.contains(box):
            return f"the box {box} is not on the grid {grid}"
        if box.volume > largest:
            return f"the box {box} has {box.volume} cells, more than {largest}"
        edges = (*zip(box.start, grid.shape, strict=True), *zip(box.stop, grid.shape, strict=True))
        if any(edge % align and edge != side for edge, side in edges):
            return f"an edge of the box {box} is neither a multiple of {align} nor the end of the image"
    missed = uncovered(grid, shapes, boxes)
    return None if missed is None else f"no box holds the placement {missed}"


def _placements(low: Ints, high: Ints, shape: Ints) -> tuple[slice, ...]:
    """The placements of a shape inside a box, as an index; empty if the shape does not fit."""
    return tuple(slice(int(a), max(int(a), int(b))) for a, b in zip(low, high - shape + 1, strict=True))


def _box(start: Ints, stop: Ints) -> Box:
    return Box(tuple(map(int, start)), tuple(map(int, stop)))
