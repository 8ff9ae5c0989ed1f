"""Region sets by their definitions: every region of every family, each an explicit set of cells.

Brute force for tiny grids: a set of cells is an integer, bit i for cell i in reading order. No code of the library's
region sets, erosions or rasters is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations, product
from math import ceil, prod

import numpy as np
from shapely import Polygon

from maskcover.cells import Cells
from maskcover.regions.preprocessing.supports import AxisSupport
from tests import oracles
from tests.oracles import BoolArray, Shape
from tests.regions.shapes.test_rasters import fractions_in, rings_of

Bits = int
Single = frozenset[Bits]
"""Every region of one patch."""
Attack = tuple[Single, ...]
"""One region of each of these at once; a region set is several attacks."""


def bits(cells: BoolArray) -> Bits:
    """A bool array of the grid's shape as an integer."""
    return sum(1 << int(cell) for cell in np.flatnonzero(cells))


def bits_of(cells: Cells, sides: Shape) -> Bits:
    """Cells of the library, painted box by box."""
    return bits(oracles.hidden([cells], sides)[0])


def array_of(cells: Bits, sides: Shape) -> BoolArray:
    """The bool array of an integer."""
    return np.array([cells >> cell & 1 for cell in range(prod(sides))], dtype=np.bool_).reshape(sides)


# The families.


def shifts(shape: BoolArray, sides: Shape) -> Single:
    """A drawn shape at every place on the grid."""
    found = set()
    for start in product(*(range(n - h + 1) for n, h in zip(sides, shape.shape, strict=True))):
        canvas = np.zeros(sides, dtype=np.bool_)
        canvas[tuple(slice(a, a + h) for a, h in zip(start, shape.shape, strict=True))] = shape
        found.add(bits(canvas))
    return frozenset(found)


def boxes(shapes: Iterable[Shape], sides: Shape) -> Single:
    """Each of these box shapes, anywhere."""
    return frozenset().union(*(shifts(np.ones(shape, dtype=np.bool_), sides) for shape in shapes))


def disc(diameter: Fraction) -> BoolArray:
    """The pixels of which some point is nearer to the centre of the bounding square than the radius."""
    radius = diameter / 2
    gaps = [max(low - radius, radius - low - 1, Fraction(0)) for low in range(ceil(diameter))]
    return np.array([[a * a + b * b < radius * radius for b in gaps] for a in gaps])


def polygon_fractions(shape: Polygon, sides: Shape) -> list[list[Fraction]]:
    """How much of each pixel of the grid a polygon covers, exactly."""
    return fractions_in(rings_of(shape, Fraction(0), Fraction(0)), range(sides[0]), range(sides[1]))


def drawn(shape: Polygon) -> BoolArray:
    """The pixels with a share of a polygon at whole offsets, moved to the corner."""
    left, top, right, bottom = shape.bounds
    rows, columns = range(int(top // 1), ceil(bottom)), range(int(left // 1), ceil(right))
    return np.array([[share > 0 for share in row] for row in fractions_in(rings_of(shape, *_ZERO), rows, columns)])


_ZERO = (Fraction(0), Fraction(0))


def slabs(share: Fraction, sides: Shape) -> Single:
    """The first and the last cells of each axis, as many as are at least a share of it."""
    whole, found = np.indices(sides), set()
    for axis, side in enumerate(sides):
        depth = next(cells for cells in range(side + 1) if cells >= share * side)
        found |= {bits(whole[axis] < depth), bits(whole[axis] >= side - depth)}
    return frozenset(found)


def half_planes(lines: Sequence[Sequence[int]], sides: Shape) -> Single:
    """The cells before and after each line of each axis."""
    whole, found = np.indices(sides), set()
    for axis, numbers in enumerate(lines):
        for line in numbers:
            found |= {bits(whole[axis] < line), bits(whole[axis] >= line)}
    return frozenset(found)


def subsets(regions: Single) -> Single:
    """Every part of every region but nothing at all."""
    found = set()
    for region in regions:
        cells = [1 << cell for cell in range(region.bit_length()) if region >> cell & 1]
        found |= {sum(chosen) for size in range(1, len(cells) + 1) for chosen in combinations(cells, size)}
    return frozenset(found)


def stripes(width: int, axes: Iterable[int], sides: Shape) -> Single:
    """Boxes of this width across an axis and of full length along the others."""
    return boxes([(*sides[:axis], width, *sides[axis + 1 :]) for axis in axes], sides)


def inside(regions: Single, area: Bits) -> Single:
    """The regions wholly inside an area."""
    return frozenset(region for region in regions if region & area == region)


def touching(regions: Single, area: Bits) -> Single:
    """The regions with a cell in an area."""
    return frozenset(region for region in regions if region & area)


def apart(regions: Single, area: Bits) -> Single:
    """The regions without a cell in an area."""
    return frozenset(region for region in regions if not region & area)


def tubes(regions: Single, length: int, sides: Shape) -> Single:
    """A region of one frame through `length` consecutive frames of (frames, *frame)."""
    frame = prod(sides[1:])
    return frozenset(
        sum(region << frame * (first + step) for step in range(length))
        for region in regions
        for first in range(sides[0] - length + 1)
    )


def through(regions: Single, axes: tuple[AxisSupport, AxisSupport]) -> Single:
    """The output pixels that depend on any cell of a region, pixel by pixel; nothing where all is cropped away."""
    rows, columns = axes
    spans = [list(zip(axis.first.tolist(), axis.stop.tolist(), strict=True)) for axis in axes]
    sources = []
    for (top, bottom), (left, right) in product(*spans):
        needed = np.zeros((rows.length, columns.length), dtype=np.bool_)
        needed[top:bottom, left:right] = True
        sources.append(bits(needed))
    images = {sum(1 << pixel for pixel, needed in enumerate(sources) if needed & region) for region in regions}
    return frozenset(images)


# Definition 1.


def maximal(regions: Iterable[Bits]) -> set[Bits]:
    """The regions that lie in no other."""
    kept: list[Bits] = []
    for region in sorted(set(regions), key=int.bit_count, reverse=True):
        if not any(region & other == region for other in kept):
            kept.append(region)
    return set(kept)


def tuples(attack: Attack) -> int:
    """How many tuples of patches there are."""
    return prod(map(len, attack))


def scarce(masks: Iterable[Bits], attacks: Iterable[Attack], multiplicity: int = 1) -> set[tuple[Bits, ...]]:
    """The tuples of patches that lie together inside fewer than `multiplicity` different masks."""
    different = set(masks)
    missed = set()
    for attack in attacks:
        for patches in product(*attack):
            region = 0
            for patch in patches:
                region |= patch
            # What is cropped away entirely needs no mask.
            if region and sum(region & mask == region for mask in different) < multiplicity:
                missed.add(patches)
    return missed


def same(first: Sequence[Attack], second: Sequence[Attack]) -> bool:
    """Whether two sets of single patches ask the same of all masks: their maximal regions are the same."""
    return maximal(r for (single,) in first for r in single) == maximal(r for (single,) in second for r in single)
