"""Reflections and permutations of the axes that turn a covering problem into itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations, product

from maskcover.covering.search.boxes import Admissible
from maskcover.grid import Box, Extents, Grid

Symmetry = tuple[tuple[int, ...], tuple[bool, ...]]


def symmetries(grid: Grid, shapes: Sequence[Extents], admissible: Admissible) -> tuple[Symmetry, ...]:
    """List the symmetries of a problem: permutations of the axes that change nothing, each with all reflections."""
    same = [
        order
        for order in permutations(range(grid.ndim))
        if _ordered(grid.shape, order) == grid.shape
        and {_ordered(shape, order) for shape in shapes} == set(shapes)
        and (not isinstance(admissible, tuple) or _ordered(admissible, order) == admissible)
    ]
    return tuple(product(same, product((False, True), repeat=grid.ndim)))


def _ordered(values: Extents, order: tuple[int, ...]) -> Extents:
    return tuple(values[axis] for axis in order)


def copies_of(box: Box, grid: Grid, symmetries: Sequence[Symmetry]) -> list[Box]:
    """The copies of a box, one for each symmetry; some may be equal."""
    copies = []
    for order, flips in symmetries:
        spans = [
            (n - b, n - a) if flip else (a, b)
            for a, b, n, flip in zip(box.start, box.stop, grid.shape, flips, strict=True)
        ]
        copies.append(Box(tuple(spans[axis][0] for axis in order), tuple(spans[axis][1] for axis in order)))
    return copies


def up_to_permutation(shapes: Iterable[Extents], symmetries: Sequence[Symmetry]) -> list[Extents]:
    """Keep a single shape of each set of shapes that the symmetries turn into each other."""
    return sorted({min(_ordered(shape, order) for order, _ in symmetries) for shape in shapes})
