"""Products of axes: the masks for one box shape, and the fewest of them below an area."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod

from maskcover.covering.axis import AxisMasks, axis_masks
from maskcover.errors import InvalidInput
from maskcover.grid import Box, Extents, Grid
from maskcover.masks import Mask


@dataclass(frozen=True, slots=True)
class ProductGrid:
    """One mask size, placed at every combination of the starts of its axes."""

    axes: tuple[AxisMasks, ...]

    @property
    def count(self) -> int:
        """Number of masks."""
        return prod(axis.count for axis in self.axes)

    @property
    def mask_area(self) -> int:
        """Pixels hidden by each mask."""
        return prod(axis.size for axis in self.axes)

    def masks(self) -> Iterator[Mask]:
        """The masks, in reading order."""
        extents = tuple(axis.size for axis in self.axes)
        for start in product(*(axis.starts for axis in self.axes)):
            yield Mask([Box.at(start, extents)])


def product_grid(grid: Grid, shape: Extents, budgets: Extents) -> ProductGrid:
    """The paper's mask set for one box shape: Eq. 3 on each axis, with a budget of masks for each axis.

    >>> product_grid(Grid.of(224), (32, 32), (6, 6)).count
    36
    """
    if len(budgets) != grid.ndim:
        raise InvalidInput(f"grid= needs one number of masks for each of the {grid.ndim} axes; got {budgets}")
    return ProductGrid(tuple(map(axis_masks, grid.shape, shape, budgets)))


def fewest(grid: Grid, shape: Extents, largest: int) -> ProductGrid | None:
    """The product grid of fewest masks, none above `largest` pixels; among equals the one of the smallest masks.

    None if not even the shape itself is that small.
    """
    found = _fewest(grid.shape, shape, largest)
    return None if found is None else ProductGrid(found)


@lru_cache(maxsize=1 << 16)
def _fewest(lengths: Extents, shape: Extents, largest: int) -> tuple[AxisMasks, ...] | None:
    room = largest // prod(shape[1:])
    if len(lengths) == 1:
        if room < shape[0]:
            return None
        size = min(lengths[0], room)
        # The largest size allowed fixes the count; Eq. 3 then gives the smallest size for that count.
        return (axis_masks(lengths[0], shape[0], AxisMasks(lengths[0], size, size - shape[0] + 1).count),)
    best: tuple[tuple[int, int], tuple[AxisMasks, ...]] | None = None
    for first in _axis_options(lengths[0], shape[0]):
        if first.size > room or (best and first.count > best[0][0]):
            continue
        rest = _fewest(lengths[1:], shape[1:], largest // first.size)
        if rest is None:
            continue
        axes = (first, *rest)
        cost = (prod(axis.count for axis in axes), prod(axis.size for axis in axes))
        if best is None or cost < best[0]:
            best = (cost, axes)
    return best and best[1]


@lru_cache(maxsize=1 << 12)
def _axis_options(length: int, patch: int) -> tuple[AxisMasks, ...]:
    """Every way to cover an axis that is worth having: one for each count, each of the smallest size for it."""
    by_count: dict[int, AxisMasks] = {}
    for stride in range(length - patch + 1, 0, -1):
        axis = AxisMasks(length, patch + stride - 1, stride)
        by_count[axis.count] = axis
    return tuple(by_count.values())
