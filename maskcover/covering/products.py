"""Products of axes: masks for one box shape, and the product of fewest masks below an area."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import product, repeat
from math import prod

import numpy as np

from maskcover.cells import IntArray
from maskcover.covering.axis import AxisMasks, axis_masks, axis_options
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Extents, Grid

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class ProductGrid:
    """Masks of one size, placed at every combination of the starts of the axes."""

    axes: tuple[AxisMasks, ...]

    @property
    def count(self) -> int:
        """Number of masks."""
        return prod(axis.count for axis in self.axes)

    @property
    def mask_area(self) -> int:
        """Pixels hidden by each mask."""
        return prod(axis.size for axis in self.axes)

    def boxes(self) -> Iterator[Box]:
        """The masks, in reading order."""
        for spans in product(*(axis.intervals for axis in self.axes)):
            yield Box(tuple(start for start, _ in spans), tuple(stop for _, stop in spans))


def product_grid(grid: Grid, shape: Extents, budgets: Extents, align: int = 1) -> ProductGrid:
    """Make the paper's mask set for one box shape: Eq. 3 on each axis, with a budget of masks for each axis.

    >>> product_grid(Grid.of(224), (32, 32), (6, 6)).count
    36
    """
    if len(budgets) != grid.ndim:
        raise InvalidInput(f"grid= needs one number of masks for each of the {grid.ndim} axes; got {budgets}")
    axes = zip(grid.shape, shape, budgets, strict=True)
    return ProductGrid(tuple(axis_masks(length, patch, budget, align) for length, patch, budget in axes))


def fewest(grid: Grid, shape: Extents, largest: int, *, align: int = 1, multiplicity: int = 1) -> ProductGrid | None:
    """Find the product grid of fewest masks, none above `largest` pixels; of several such that of the smallest masks.

    Every placement lies inside `multiplicity` masks, since one of the axes is covered that often. None if there is no
    such grid.
    """
    if prod(shape) > largest:
        return None
    by_axis = {(1,) * axis + (multiplicity,) + (1,) * (grid.ndim - axis - 1) for axis in range(grid.ndim)}
    grids = [
        best
        for multiplicities in sorted(by_axis)
        if (best := _fewest(tuple(map(_options, grid.shape, shape, repeat(align), multiplicities)), largest))
    ]
    return min(grids, key=lambda product: (product.count, product.mask_area), default=None)


@dataclass(frozen=True, slots=True, eq=False)
class _Options:
    """The ways to cover an axis, with their sizes and counts as arrays."""

    axes: tuple[AxisMasks, ...]
    sizes: IntArray
    counts: IntArray


@lru_cache(maxsize=1 << 13)
def _options(length: int, patch: int, align: int, multiplicity: int) -> _Options:
    axes = axis_options(length, patch, align, multiplicity)
    sizes, counts = [axis.size for axis in axes], [axis.count for axis in axes]
    return _Options(axes, np.array(sizes, dtype=np.int64), np.array(counts, dtype=np.int64))


def _fewest(options: tuple[_Options, ...], largest: int) -> ProductGrid | None:
    """Choose an option for each axis: for every combination of the other axes the best option of the last one."""
    *others, last = options
    sizes = reduce(np.multiply.outer, [axis.sizes for axis in others], np.ones(1, dtype=np.int64))
    counts = reduce(np.multiply.outer, [axis.counts for axis in others], np.ones(1, dtype=np.int64))
    # Counts rise while sizes fall: the first size with room is the best.
    chosen = np.searchsorted(-last.sizes, -(largest // sizes))
    possible = chosen < len(last.sizes)
    if not possible.any():
        return None
    end = np.where(possible, chosen, 0)
    cost = np.where(possible, counts * last.counts[end], _NEVER)
    area = np.where(cost == cost.min(), sizes * last.sizes[end], _NEVER)
    where = np.unravel_index(int(np.argmin(area)), area.shape)
    axes = [axis.axes[i] for axis, i in zip(others, where[1:], strict=True)]
    return ProductGrid((*axes, last.axes[int(end[where])]))
