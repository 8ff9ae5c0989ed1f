"""The weight of placements inside boxes, for weights that are equal on blocks of placements; exact.

A block is a box of starts: one shape, placed at each of these starts. Sums are taken in float64 by matrix products, and
are exact nevertheless: all numbers are whole, and every partial sum stays below 2^53.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from maskcover.covering.search.boxes import Ints
from maskcover.grid import Box, Extents, Grid

Floats = npt.NDArray[np.float64]

LARGEST_SUM = 1 << 53  # whole numbers up to this are exact in float64


@dataclass(frozen=True, slots=True)
class Weighted:
    """Weights of one shape: `weights` (intervals of axis 0, of axis 1, …), each on the starts in a box of intervals.

    `intervals` has for each axis an array (intervals, 2) of first starts and of starts behind the last.
    """

    extents: Extents
    intervals: tuple[Ints, ...]
    weights: Floats


def weighted(placements: Sequence[Box], weights: Sequence[int], spans: Sequence[Extents]) -> list[Weighted]:
    """Group blocks by shape; block i has placements of the shape of ``placements[i]`` from there on, `spans[i]` many.

    >>> block, = weighted([Box((0,), (2,)), Box((3,), (5,))], [1, 4], [(3,), (1,)])
    >>> block.intervals[0].tolist(), block.weights.tolist()
    ([[0, 3], [3, 4]], [1.0, 4.0])
    """
    by_shape: dict[Extents, list[int]] = {}
    for number, box in enumerate(placements):
        by_shape.setdefault(box.extents, []).append(number)
    groups = []
    for extents, numbers in by_shape.items():
        starts = np.array([placements[i].start for i in numbers], np.int64)
        stops = starts + np.array([spans[i] for i in numbers], np.int64)
        intervals, places = [], []
        for low, high in zip(starts.T, stops.T, strict=True):
            lines, place = np.unique(np.stack([low, high], axis=1), axis=0, return_inverse=True)
            intervals.append(lines)
            places.append(place.reshape(-1))
        sums = np.zeros([len(lines) for lines in intervals])
        np.add.at(sums, tuple(places), np.array([weights[i] for i in numbers], np.float64))
        groups.append(Weighted(extents, tuple(intervals), sums))
    return groups


def weight_inside(grid: Grid, extents: Extents, groups: Sequence[Weighted]) -> tuple[list[Ints], Floats]:
    """Compute the weight of the placements inside boxes of these extents: starts along each axis, and the weights.

    Along an axis the weight is linear in the start of the box between the starts at which an end of the box meets an
    end of an interval. So the heaviest box of all is at one of these starts, and only they are listed.
    """
    fitting = [group for group in groups if all(a <= e for a, e in zip(group.extents, extents, strict=True))]
    starts = [
        _turning_points(
            [group.intervals[axis] for group in fitting], [e - group.extents[axis] for group in fitting], n - e
        )
        for axis, (n, e) in enumerate(zip(grid.shape, extents, strict=True))
    ]
    total = np.zeros([len(line) for line in starts])
    for group in fitting:
        part = group.weights
        for axis, (line, e) in enumerate(zip(starts, extents, strict=True)):
            held = overlaps(group.intervals[axis], line, e - group.extents[axis])
            part = np.moveaxis(np.moveaxis(part, axis, -1) @ held.T, -1, axis)
        total += part
    return starts, total


def heaviest(grid: Grid, every_extents: Sequence[Extents], groups: Sequence[Weighted]) -> int:
    """Compute the weight of the placements inside the heaviest of all boxes of these extents; exact for whole weights.

    >>> heaviest(Grid((9,)), [(4,), (5,)], weighted([Box((0,), (2,))], [3], [(8,)]))
    12
    """
    if not all(_is_even(grid, group) for group in groups):
        return max((int(weight_inside(grid, extents, groups)[1].max()) for extents in every_extents), default=0)
    inside = held_by(every_extents, [group.extents for group in groups])
    return int((inside @ np.array([group.weights.sum() for group in groups], np.float64)).max(initial=0))


def held_by(every_extents: Sequence[Extents], shapes: Sequence[Extents]) -> Floats:
    """Count the placements of each shape in a box of each extents, (extents, shapes).

    >>> held_by([(4, 4), (1, 9)], [(2, 3), (1, 1)]).tolist()
    [[6.0, 16.0], [0.0, 9.0]]
    """
    if not shapes:
        return np.zeros((len(every_extents), 0))
    rooms = np.array(every_extents, np.int64)[:, None] - np.array(shapes, np.int64)[None] + 1
    inside: Floats = np.maximum(rooms, 0).prod(axis=2).astype(np.float64)
    return inside


def _is_even(grid: Grid, group: Weighted) -> bool:
    """Whether all placements of a shape have one weight."""
    return group.weights.size == 1 and all(
        line.tolist() == [[0, n - a + 1]] for line, n, a in zip(group.intervals, grid.shape, group.extents, strict=True)
    )


def overlaps(intervals: Ints, starts: Ints, room: int) -> Floats:
    """Count the placements of each interval inside a box at each start, (starts, intervals); `room` is spare length.

    >>> overlaps(np.array([[0, 2], [2, 5]]), np.array([0, 1]), room=2).tolist()
    [[2.0, 1.0], [1.0, 2.0]]
    """
    first = np.maximum(intervals[:, 0], starts[:, None])
    behind = np.minimum(intervals[:, 1], starts[:, None] + room + 1)
    counts: Floats = np.maximum(behind - first, 0).astype(np.float64)
    return counts


def _turning_points(intervals: Sequence[Ints], rooms: Sequence[int], last: int) -> Ints:
    """The starts from 0 to `last` between which no overlap bends."""
    ends = [np.unique(lines) for lines in intervals]
    bends = [part for line, room in zip(ends, rooms, strict=True) for part in (line, line - room - 1)]
    return np.unique(np.clip(np.concatenate([*bends, np.array([0, last])]), 0, last)).astype(np.int64)
