"""Trims masks: of a box only the cells that regions inside it touch are kept.

A trimmed mask contains the same regions as before, so a cover stays a cover; and it hides less.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from operator import le

import numpy as np

from maskcover.cells import Cells, IntArray
from maskcover.grid import Box
from maskcover.regions import Slot, Stencil

_MOST_STENCILS = 64
_FILLED = Fraction(20, 19)


def room_of(slot: Slot) -> Box:
    """The bounding box of all regions of a slot."""
    starts = np.array([stencil.places.span.start for stencil in slot])
    stops = np.array([np.add(stencil.places.span.stop, stencil.extents) - 1 for stencil in slot])
    return Box(tuple(starts.min(axis=0).tolist()), tuple(stops.max(axis=0).tolist()))


def trimmed(boxes: Iterable[Box], slot: Slot, room: Box) -> tuple[Cells, ...]:
    """For each box the union of the regions inside it; boxes that hold no region are left out."""
    if is_free(slot, room) or len(slot) > _MOST_STENCILS:
        # Boxes that move freely fill every box that any of them fits. For very many shapes the trimmed masks would be
        # nearly boxes, and slow to verify.
        return tuple(Cells([box]) for box in _holding(tuple(boxes), slot))
    unions = (_union_inside(box, slot) for box in boxes)
    return tuple(dict.fromkeys(_simplified(cells) for cells in unions if cells))


def _holding(boxes: tuple[Box, ...], slot: Slot) -> tuple[Box, ...]:
    """The boxes that are large enough for a stencil; whether a size is, is decided once."""
    shapes = [stencil.extents for stencil in slot]
    sizes = {box.extents for box in boxes}
    large = {size for size in sizes if any(all(map(le, shape, size)) for shape in shapes)}
    return tuple(box for box in boxes if box.extents in large)


def _simplified(cells: Cells) -> Cells:
    """The bounding box, if the cells nearly fill it: simpler to verify and to apply, and hardly larger."""
    return Cells([cells.span]) if cells.area * _FILLED >= cells.span.volume else cells


def is_free(slot: Slot, room: Box) -> bool:
    """Whether all stencils are boxes that may lie anywhere in the room."""
    return all(_is_free(stencil, room) for stencil in slot)


def _is_free(stencil: Stencil, room: Box) -> bool:
    stop = tuple(b - h + 1 for b, h in zip(room.stop, stencil.extents, strict=True))
    return stencil.is_box and stencil.places == Cells([Box(room.start, stop)])


def _fits(shape: tuple[int, ...], box: Box) -> bool:
    return all(h <= side for h, side in zip(shape, box.extents, strict=True))


def _union_inside(box: Box, slot: Slot) -> Cells:
    parts = [_spread(stencil, box) for stencil in slot if _fits(stencil.extents, box)]
    return Cells.from_bounds(np.concatenate([np.empty((0, 2, len(box.start)), np.int64), *parts]))


def _spread(stencil: Stencil, box: Box) -> IntArray:
    """All cells of a stencil at those of its places where it lies inside a box: boxes, int64 (boxes, 2, axes)."""
    stop = tuple(b - h + 1 for b, h in zip(box.stop, stencil.extents, strict=True))
    places = stencil.places.common(Cells([Box(box.start, stop)])).bounds
    low = places[:, None, 0] + stencil.cells.bounds[None, :, 0]
    high = places[:, None, 1] + stencil.cells.bounds[None, :, 1] - 1
    return np.stack([low, high], axis=2).reshape(-1, 2, places.shape[2])
