"""Blocks of placements that get equal weights, in the linear programs of `duals`; symmetric blocks share a variable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise, product
from math import prod

import numpy as np

from maskcover.covering.search.boxes import Ints
from maskcover.covering.search.symmetry import Symmetry, copies_of
from maskcover.covering.search.windows import Floats, Weighted, overlaps
from maskcover.grid import Box, Extents, Grid


@dataclass(frozen=True, slots=True)
class Family:
    """The blocks of one shape: intervals of starts along each axis, and the variable of each box of intervals."""

    extents: Extents
    intervals: tuple[Ints, ...]
    variables: Ints

    def with_weights(self, weights: Floats) -> Weighted:
        """Give each block the weight of its variable."""
        return Weighted(self.extents, self.intervals, weights[self.variables])


@dataclass(frozen=True, slots=True)
class Blocks:
    """All blocks: a family for each shape, and for each variable the number of placements that have its weight."""

    grid: Grid
    families: tuple[Family, ...]
    sizes: Floats

    def held(self, box: Box) -> Floats:
        """Count the placements of each variable inside a box."""
        counts = np.zeros(len(self.sizes))
        for family in self.families:
            if all(a <= e for a, e in zip(family.extents, box.extents, strict=True)):
                lines = [
                    overlaps(line, np.array([start]), e - a)[0]
                    for line, start, e, a in zip(family.intervals, box.start, box.extents, family.extents, strict=True)
                ]
                inside = reduce(np.multiply.outer, lines)
                counts += np.bincount(family.variables.ravel(), inside.ravel(), minlength=len(counts))
        return counts

    @property
    def are_single(self) -> bool:
        """Whether each block is a single placement, so that nothing is left to cut."""
        return all(family.variables.size == self.grid.placements(family.extents) for family in self.families)

    def resampled(self, other: Blocks, weights: Floats) -> Floats:
        """Give each variable the weight, by other blocks of the same shapes, of the middle of one of its blocks."""
        sampled = np.zeros(len(self.sizes))
        for mine, theirs in zip(self.families, other.families, strict=True):
            middles = [(line[:, 0] + line[:, 1]) // 2 for line in mine.intervals]
            where = [
                np.searchsorted(line[:, 1], m, side="right") for line, m in zip(theirs.intervals, middles, strict=True)
            ]
            sampled[mine.variables] = weights[theirs.variables[np.ix_(*where)]]
        return sampled


def blocks_of(grid: Grid, shapes: Sequence[Extents], symmetries: Sequence[Symmetry], most: int) -> Blocks:
    """Cut the placements of each shape into about `most` blocks, more of them along its short sides.

    >>> blocks = blocks_of(Grid((9,)), [(2,)], [((0,), (False,)), ((0,), (True,))], 4)
    >>> blocks.families[0].intervals[0].tolist(), blocks.families[0].variables.tolist()
    ([[0, 1], [1, 4], [4, 7], [7, 8]], [0, 1, 1, 0])
    """
    numbers: dict[tuple[Extents, Box], int] = {}
    families = []
    for shape in shapes:
        lines = [
            _intervals(n - a + 1, parts)
            for n, a, parts in zip(grid.shape, shape, _parts(grid, shape, most), strict=True)
        ]
        variables = np.zeros([len(line) for line in lines], np.int64)
        for index in product(*map(range, variables.shape)):
            low, high = zip(*(line[i] for line, i in zip(lines, index, strict=True)), strict=True)
            hull = Box(low, tuple(h + a - 1 for h, a in zip(high, shape, strict=True)))
            key = min(_copies(shape, hull, grid, symmetries))
            variables[index] = numbers.setdefault(key, len(numbers))
        families.append(Family(shape, tuple(lines), variables))
    sizes = np.zeros(len(numbers))
    for family in families:
        counts = reduce(np.multiply.outer, [line[:, 1] - line[:, 0] for line in family.intervals])
        sizes += np.bincount(family.variables.ravel(), counts.ravel(), minlength=len(sizes))
    return Blocks(grid, tuple(families), sizes)


def _copies(shape: Extents, hull: Box, grid: Grid, symmetries: Sequence[Symmetry]) -> list[tuple[Extents, Box]]:
    """The symmetric copies of a block, each as its shape and the box around its placements."""
    shapes = [tuple(shape[axis] for axis in order) for order, _ in symmetries]
    return list(zip(shapes, copies_of(hull, grid, symmetries), strict=True))


def _parts(grid: Grid, shape: Extents, most: int) -> list[int]:
    """Distribute about `most` blocks over the axes: in proportion to the number of shapes in a row along each."""
    starts = [n - a + 1 for n, a in zip(grid.shape, shape, strict=True)]
    rows = [count / a for count, a in zip(starts, shape, strict=True)]
    parts = [1.0] * grid.ndim
    if most == 1:
        return [1] * grid.ndim
    for _ in range(1 + grid.ndim):  # what one axis cannot use is for the others
        free = [i for i, count in enumerate(starts) if 1 <= parts[i] < count]
        if not free:
            break
        rest = most / prod(part for i, part in enumerate(parts) if i not in free)
        scale = (rest / prod(rows[i] for i in free)) ** (1 / len(free))
        for i in free:
            parts[i] = min(max(scale * rows[i], 1.0), float(starts[i]))
    return [round(part) for part in parts]


def _intervals(count: int, parts: int) -> Ints:
    """Cut the starts 0 … count − 1 into about `parts` intervals, symmetric, the first and the last start alone."""
    if parts >= count:
        cuts = set(range(count + 1))
    elif parts == 1:
        cuts = {0, count}
    else:
        inner = {1 + round((count - 2) * i / max(1, parts - 2)) for i in range(max(1, parts - 2) + 1)}
        cuts = {0, count} | inner | {count - cut for cut in inner}
    edges = sorted(cuts)
    return np.array(list(pairwise(edges)), np.int64)
