"""Searches for covers of a given number of boxes by simulated annealing; the caller must check the result.

The energy is the number of uncovered placements in a sample: a lattice of placements of every shape, and single
placements that an exact check found uncovered. A move takes a box out and puts it back at one of several near-by
places and extents, drawn by their gain in energy (a heat bath: Gumbel noise times the temperature).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from maskcover.covering.search.boxes import Ints
from maskcover.grid import Extents

Floats = npt.NDArray[np.float64]

_CHOICES = 48  # places tried for each move: more cost time, fewer waste the work of taking the box out
_REACH = 3.2  # moves are up to e^3.2 = 24 cells, small ones as likely as large ones


class Sample:
    """Counts the boxes that hold each sampled placement.

    The lattice has for each shape the placements whose starts are multiples of `spacing` or flush with the far end.
    """

    def __init__(self, lengths: Extents, shapes: Ints, spacing: int) -> None:
        self.lengths, self.shapes, self.spacing = np.array(lengths, np.int64), shapes, spacing
        starts = [[_starts(n - int(a), spacing) for a in shapes[:, axis]] for axis, n in enumerate(lengths)]
        self._before = [
            np.array([np.searchsorted(start, np.arange(n + 2)) for start in row], np.int64)
            for row, n in zip(starts, lengths, strict=True)
        ]
        sides = np.array([[len(start) for start in row] for row in starts]).T
        self.size = int(sides.prod(axis=1).sum())
        # Cells beyond a shape's own placements stay at 1: no box reaches them and they never count as uncovered.
        self._held = np.ones((len(shapes), *sides.max(axis=0)), np.int16)
        for held, side in zip(self._held, sides, strict=True):
            held[tuple(slice(int(length)) for length in side)] = 0
        self._rows = np.arange(len(shapes))[:, None]
        self._low = self._high = np.zeros((len(lengths), 0), np.int64)
        self._points_held = np.zeros(0, np.int64)

    @property
    def uncovered(self) -> int:
        """The energy: the number of sampled placements that no box holds."""
        return int((self._held == 0).sum() + (self._points_held == 0).sum())

    def extend(self, starts: Ints, stops: Ints, boxes: tuple[Ints, Ints]) -> None:
        """Add single placements (points, axes) to the sample, held as the boxes hold them."""
        self._low, self._high = np.hstack([self._low, starts.T]), np.hstack([self._high, stops.T])
        held = _inside(*boxes, starts.T, stops.T).sum(axis=0, dtype=np.int64)
        self._points_held = np.concatenate([self._points_held, held])

    def put(self, start: Ints, stop: Ints, sign: int) -> None:
        """Put a box (sign 1) or take it out (sign -1)."""
        first, last = self._ranges(start[None], stop[None])
        self._put(first[..., 0], last[..., 0], start, stop, sign)

    def swap(self, starts: Ints, stops: Ints, bonus: Floats) -> tuple[int, int]:
        """Replace the first of the boxes (boxes, axes), which had been put, by the box of most gain plus bonus.

        Returns:
            The number of that box, and how many more placements are covered now.
        """
        first, last = self._ranges(starts, stops)
        self._put(first[..., 0], last[..., 0], starts[0], stops[0], -1)
        gains = self._gains(first, last, starts, stops)
        pick = int((gains + bonus).argmax())
        self._put(first[..., pick], last[..., pick], starts[pick], stops[pick], 1)
        return pick, int(gains[pick] - gains[0])

    def _put(self, first: Ints, last: Ints, start: Ints, stop: Ints, sign: int) -> None:
        fits = (last > first).all(axis=0)
        if fits.any():
            window = [slice(a, b) for a, b in zip(first[:, fits].min(axis=1), last[:, fits].max(axis=1), strict=True)]
            part = self._held[(slice(None), *window)]
            (np.add if sign > 0 else np.subtract)(part, _outer(window, first, last), out=part)
        if self._points_held.size:
            self._points_held += sign * _inside(start[None], stop[None], self._low, self._high)[0]

    def _gains(self, first: Ints, last: Ints, starts: Ints, stops: Ints) -> Ints:
        """Number of uncovered placements that each of these boxes would cover."""
        origin = first.min(axis=(1, 2))
        window = tuple(slice(a, max(a + 1, b)) for a, b in zip(origin, last.max(axis=(1, 2)), strict=True))
        sums = _running_sums(self._held[(slice(None), *window)] == 0)
        total = _box_sums(sums, self._rows, first - origin[:, None, None], last - origin[:, None, None])
        bare = self._points_held == 0
        if bare.any():
            total += _inside(starts, stops, self._low[:, bare], self._high[:, bare]).sum(axis=1)
        return total

    def some_uncovered(self, rng: np.random.Generator) -> tuple[Ints, Ints] | None:
        """Start and stop of a random uncovered placement; None if all are covered."""
        cells, points = np.flatnonzero(self._held == 0), np.flatnonzero(self._points_held == 0)
        if not len(cells) + len(points):
            return None
        pick = int(rng.integers(len(cells) + len(points)))
        if pick >= len(cells):
            point = points[pick - len(cells)]
            return self._low[:, point], self._high[:, point]
        row, *place = np.unravel_index(cells[pick], self._held.shape)
        start = np.minimum(np.array(place) * self.spacing, self.lengths - self.shapes[row])
        return start, start + self.shapes[row]

    def _ranges(self, starts: Ints, stops: Ints) -> tuple[Ints, Ints]:
        """The first lattice index that each box holds and the one after the last, each (axes, shapes, boxes)."""
        first = np.empty((len(self.lengths), len(self.shapes), len(starts)), np.int64)
        last = np.empty_like(first)
        room = np.maximum(stops.T[:, None, :] - self.shapes.T[:, :, None] + 1, 0)
        for axis, before in enumerate(self._before):
            first[axis], last[axis] = before[:, starts[:, axis]], before[self._rows, room[axis]]
        return first, np.maximum(first, last, out=last)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Temperatures, in placements of the sample, that fall geometrically from `hot` to `cold` in `moves` moves.

    A fraction `focus` of the moves aims at an uncovered placement.
    """

    moves: int
    hot: float
    cold: float
    focus: float

    def temperature(self, move: int) -> float:
        """The temperature of a move."""
        return float(self.hot * (self.cold / self.hot) ** (move / self.moves))


@dataclass(slots=True)
class State:
    """Boxes that are being moved: starts (boxes, axes), and for each its row in the table of extents (sizes, axes)."""

    starts: Ints
    sizes: Ints
    table: Ints

    @property
    def stops(self) -> Ints:
        """The ends of the boxes, (boxes, axes)."""
        return self.starts + self.table[self.sizes]


def scattered(rng: np.random.Generator, lengths: Extents, table: Ints, count: int) -> State:
    """Make boxes of random extents of the table at random places."""
    sizes = rng.integers(len(table), size=count)
    room = np.array(lengths, np.int64) - table[sizes] + 1
    return State((rng.random(room.shape) * room).astype(np.int64), sizes, table)


def anneal(
    state: State, sample: Sample, schedule: Schedule, rng: np.random.Generator, deadline: float, first: int = 0
) -> int:
    """Move boxes until no sampled placement is uncovered, the schedule ends or `time.monotonic()` is past `deadline`.

    Changes `state` and `sample`, which holds the boxes of `state`. Begins with move `first` of the schedule.

    Returns:
        The number of the move at which it stopped.
    """
    uncovered, move = sample.uncovered, first
    while uncovered and move < schedule.moves and (move % 64 or time.monotonic() < deadline):
        uncovered -= _move_box(state, sample, schedule.temperature(move), schedule.focus, rng)
        move += 1
    return move


def _move_box(state: State, sample: Sample, temperature: float, focus: float, rng: np.random.Generator) -> int:
    """Make a heat-bath move; the number of placements that are covered in addition."""
    aim = sample.some_uncovered(rng) if rng.random() < focus else None
    box = int(rng.integers(len(state.starts))) if aim is None else _near(state, aim, rng)
    starts, sizes = _places(state, box, sample.lengths, rng)
    if aim is not None:
        _shift_onto(aim, starts, sizes, state.table, sample.lengths)
    pick, gain = sample.swap(starts, starts + state.table[sizes], temperature * rng.gumbel(size=len(sizes)))
    state.starts[box], state.sizes[box] = starts[pick], sizes[pick]
    return gain


def _near(state: State, aim: tuple[Ints, Ints], rng: np.random.Generator) -> int:
    """Choose a box that would have to move little to hold the placement."""
    far = np.maximum(0, np.maximum(state.starts - aim[0], aim[1] - state.stops)).sum(axis=1)
    return int((far + 20 * rng.random(len(far))).argmin())


def _places(state: State, box: int, lengths: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Starts and sizes to choose from: the box as it is first, then shifted, or reshaped about some corner."""
    ndim, size = len(lengths), int(state.sizes[box])
    reach = np.floor(np.exp(_REACH * rng.random(_CHOICES)))
    reshape = rng.random(_CHOICES) < 0.5
    change = np.where(reshape, np.round((2 * rng.random(_CHOICES) - 1) * reach), 0).astype(np.int64)
    sizes = np.clip(size + change, 0, len(state.table) - 1)
    still = (rng.random((_CHOICES, ndim)) < 0.4) | (reshape & (rng.random(_CHOICES) < 0.7))[:, None]
    shift = np.where(still, 0, np.round((2 * rng.random((_CHOICES, ndim)) - 1) * reach[:, None])).astype(np.int64)
    corner = (state.table[size] - state.table[sizes]) * rng.integers(0, 2, (_CHOICES, ndim))
    shift[0], sizes[0], corner[0] = 0, size, 0
    return np.clip(state.starts[box] + shift + corner, 0, lengths - state.table[sizes]), sizes


def _shift_onto(aim: tuple[Ints, Ints], starts: Ints, sizes: Ints, table: Ints, lengths: Ints) -> None:
    """Make the later half of the choices hold the placement, with the nearest possible size and the shortest shift."""
    half = slice(len(sizes) // 2, None)
    fits = np.flatnonzero((table >= aim[1] - aim[0]).all(axis=1))
    sizes[half] = fits[np.minimum(np.searchsorted(fits, sizes[half]), len(fits) - 1)]
    extents = table[sizes[half]]
    starts[half] = np.clip(starts[half], np.maximum(0, aim[1] - extents), np.minimum(aim[0], lengths - extents))


def _starts(last: int, spacing: int) -> Ints:
    return np.append(np.arange(0, last, spacing, dtype=np.int64), last)


def _inside(starts: Ints, stops: Ints, low: Ints, high: Ints) -> npt.NDArray[np.bool_]:
    """Whether each box (boxes, axes) holds each placement (axes, points): (boxes, points)."""
    held = np.ones((len(starts), low.shape[1]), np.bool_)
    for axis in range(len(low)):
        held &= (starts[:, axis, None] <= low[axis]) & (stops[:, axis, None] >= high[axis])
    return held


def _outer(window: list[slice], first: Ints, last: Ints) -> npt.NDArray[np.bool_]:
    """For each shape which lattice cells of the window lie in its range: (shapes, window…)."""
    shapes, ndim = first.shape[1], len(window)
    held = np.ones((shapes, *(1,) * ndim), np.bool_)
    for axis, span in enumerate(window):
        index = np.arange(span.start, span.stop)
        line = (index >= first[axis][:, None]) & (index < last[axis][:, None])
        held = held & line.reshape(shapes, *(1,) * axis, len(index), *(1,) * (ndim - 1 - axis))
    return held


def _running_sums(cells: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Sums over all cells before each index, on all axes but the first."""
    sums = np.zeros((len(cells), *(side + 1 for side in cells.shape[1:])), np.int32)
    inner = sums[(slice(None), *(slice(1, None) for _ in cells.shape[1:]))]
    np.cumsum(cells, axis=1, out=inner)
    for axis in range(2, cells.ndim):
        np.cumsum(inner, axis=axis, out=inner)
    return sums


def _box_sums(sums: npt.NDArray[np.int32], rows: Ints, first: Ints, last: Ints) -> Ints:
    """For each box the number of cells in its ranges, over all shapes, by inclusion and exclusion of corners."""
    strides, flat = np.array(sums.strides) // sums.itemsize, sums.ravel()
    ends = (first * strides[1:, None, None], last * strides[1:, None, None])
    total = np.zeros(first.shape[2], np.int64)
    for corner in product((0, 1), repeat=len(first)):
        index = rows * strides[0] + sum(ends[far][axis] for axis, far in enumerate(corner))
        total += (-1) ** (len(corner) - sum(corner)) * flat.take(index).sum(axis=0, dtype=np.int64)
    return total
