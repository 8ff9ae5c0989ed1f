"""Brute force straight from the definitions: slow, short, and sharing no code with what it judges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, count, product
from math import prod

import numpy as np
import numpy.typing as npt

from maskcover import Box
from maskcover.cells import Cells

Shape = tuple[int, ...]
Patch = tuple[Shape, Shape]  # start, extents
Region = tuple[Patch, ...]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Attack:
    """`patches` patches at once, each of any of these shapes, anywhere; a region set is several attacks."""

    shapes: frozenset[Shape]
    patches: int = 1


# Families, by their definitions: every shape, not only the maximal ones.


def all_shapes(sides: Shape) -> Iterator[Shape]:
    """Every box shape that has a place on the grid."""
    return product(*(range(1, side + 1) for side in sides))


def rectangles(limit: int, sides: Shape, min_side: int = 1, max_aspect: Fraction | None = None) -> frozenset[Shape]:
    """Every shape of at most `limit` cells, no side below `min_side`, the longest at most `max_aspect` the shortest."""
    return frozenset(
        shape
        for shape in all_shapes(sides)
        if prod(shape) <= limit
        and min(shape) >= min_side
        and (max_aspect is None or max(shape) <= max_aspect * min(shape))
    )


def fraction_up(fraction: Fraction, sides: Shape) -> int:
    """The least number of cells that is at least a fraction of the grid."""
    return next(cells for cells in count() if cells >= fraction * prod(sides))


def square_side(cells: int, ndim: int) -> int:
    """The least side of a cube of at least so many cells."""
    return next(side for side in count(1) if side**ndim >= cells)


def maximal_of(shapes: Iterable[Shape]) -> set[Shape]:
    """The shapes that lie inside no other."""
    listed = set(shapes)
    return {a for a in listed if not any(a != b and _inside(a, b) for b in listed)}


def _inside(small: Shape, large: Shape) -> bool:
    return all(a <= b for a, b in zip(small, large, strict=True))


# Definition 1, on plain arrays.


def placements(shape: Shape, sides: Shape) -> list[Patch]:
    """Every place of a shape on the grid."""
    return [(start, shape) for start in product(*(range(n - h + 1) for n, h in zip(sides, shape, strict=True)))]


def regions(attacks: Iterable[Attack], sides: Shape) -> list[Region]:
    """Every region: all tuples of placed patches of each attack."""
    every: list[Region] = []
    for attack in attacks:
        patches = [patch for shape in sorted(attack.shapes) for patch in placements(shape, sides)]
        every.extend(product(patches, repeat=attack.patches))
    return every


def painted(region: Region, sides: Shape) -> BoolArray:
    """The cells of a region."""
    cells = np.zeros(sides, dtype=np.bool_)
    for start, extents in region:
        cells[tuple(slice(a, a + h) for a, h in zip(start, extents, strict=True))] = True
    return cells


def uncovered(masks: BoolArray, attacks: Iterable[Attack]) -> set[Region]:
    """The regions that lie inside none of the masks, bool (n, *sides) with True where hidden."""
    sides = masks.shape[1:]
    every = regions(attacks, sides)
    cells = np.array([painted(region, sides).ravel() for region in every])
    covered = np.zeros(len(every), dtype=np.bool_)
    for mask in masks.reshape(len(masks), prod(sides)):
        covered |= ~(cells & ~mask).any(axis=1)
    return {region for region, inside in zip(every, covered, strict=True) if not inside}


def as_region(witness: Sequence[Cells] | None) -> Region | None:
    """The boxes of a report's witness, as this module writes regions."""
    if witness is None:
        return None
    return tuple(_patch(box) for patch in witness for box in patch.boxes)


def _patch(box: Box) -> Patch:
    return box.start, tuple(b - a for a, b in zip(box.start, box.stop, strict=True))


def hidden(masks: Iterable[Cells | Box], sides: Shape) -> BoolArray:
    """The masks as arrays, painted from their boxes."""
    boxes = [(mask,) if isinstance(mask, Box) else mask.boxes for mask in masks]
    rows = [painted(tuple(map(_patch, parts)), sides) for parts in boxes]
    return np.array(rows, dtype=np.bool_).reshape(len(rows), *sides)


def box_covered(boxes: Iterable[Patch], shape: Shape, sides: Shape) -> BoolArray:
    """For every placement of a shape whether one of these boxes contains it: large grids, box masks only."""
    covered = np.zeros([n - h + 1 for n, h in zip(sides, shape, strict=True)], dtype=np.bool_)
    for start, extents in boxes:
        spans = zip(start, extents, shape, strict=True)
        covered[tuple(slice(a, max(a, a + m - h + 1)) for a, m, h in spans)] = True
    return covered


# The paper's formulas, literally.


def eq1_starts(length: int, size: int, stride: int) -> list[int]:
    """Eq. 1: {0, s, 2s, …, floor((n − m) / s) s} ∪ {n − m}."""
    starts = [i * stride for i in range((length - size) // stride + 1)]
    return starts if starts[-1] == length - size else [*starts, length - size]


def axis_covered(starts: Iterable[int], size: int, length: int, patch: int) -> bool:
    """Whether every placement of an interval of `patch` cells lies in a mask of `size` cells at one of the starts."""
    masks = [set(range(start, start + size)) for start in starts]
    return all(any(set(range(u, u + patch)) <= mask for mask in masks) for u in range(length - patch + 1))


def axis_cover_exists(length: int, size: int, patch: int, budget: int) -> bool:
    """Whether any `budget` masks of `size` cells, wherever they start, cover all intervals of `patch` cells."""
    starts = range(length - size + 1)
    choices = combinations(starts, min(budget, len(starts)))
    return any(axis_covered(choice, size, length, patch) for choice in choices)


def fewest_product(sides: Shape, shape: Shape, largest: int) -> tuple[int, int] | None:
    """(masks, area of each) of the best product of equal-size masks: fewest, then smallest; over all mask sizes."""
    costs = [
        (prod(-(-(n - p + 1) // (m - p + 1)) for n, p, m in zip(sides, shape, size, strict=True)), prod(size))
        for size in product(*(range(p, n + 1) for p, n in zip(shape, sides, strict=True)))
        if prod(size) <= largest
    ]
    return min(costs, default=None)


def distinct_unions(masks: BoolArray) -> int:
    """How many different sets the unions m ∪ m' are, m = m' included."""
    return len({(a | b).tobytes() for a in masks for b in masks})
