"""A mask set on the few cells that its edges cut out: exact, and independent of the size of the image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from maskcover.grid import Grid
from maskcover.masks.mask import BoolArray, IntArray, Mask


@dataclass(frozen=True, slots=True, eq=False)
class Compressed:
    """`edges[axis]` are the sorted cuts of an axis, 0 and n included; `hidden[i]` is mask i on the cells between."""

    edges: tuple[IntArray, ...]
    hidden: BoolArray


def edges_of(masks: Iterable[Mask], grid: Grid) -> tuple[IntArray, ...]:
    """The sorted cuts of each axis at every edge of every mask, 0 and n included."""
    bounds = np.concatenate([np.empty((0, 2, grid.ndim), np.int64), *(mask.bounds for mask in masks)])
    return tuple(
        np.unique(np.concatenate([bounds[:, :, axis].ravel(), [0, side]])) for axis, side in enumerate(grid.shape)
    )


def compress(masks: Sequence[Mask], edges: tuple[IntArray, ...]) -> Compressed:
    """The masks on the cells between given edges, among which all of their own must be.

    >>> from maskcover.grid import Box
    >>> masks = (Mask([Box((2,), (5,))]),)
    >>> compress(masks, edges_of(masks, Grid((9,)))).hidden
    array([[False,  True, False]])
    """
    hidden = np.zeros((len(masks), *(len(cuts) - 1 for cuts in edges)), dtype=np.bool_)
    for row, mask in zip(hidden, masks, strict=True):
        for bounds in mask.bounds:
            corners = zip(edges, *bounds, strict=True)
            row[tuple(slice(*np.searchsorted(cuts, (low, high))) for cuts, low, high in corners)] = True
    return Compressed(edges, hidden)


def atoms(masks: tuple[Mask, ...], grid: Grid) -> BoolArray:
    """Masks as rows over atoms, the classes of cells that lie in the same masks; cells in no mask are left out.

    Unions, equality and inclusion of masks are those of the rows. Shape (masks, atoms), bool.
    """
    if not masks:
        return np.zeros((0, 0), dtype=np.bool_)
    hidden = compress(masks, edges_of(masks, grid)).hidden.reshape(len(masks), -1)
    kinds = np.unique(np.packbits(hidden, axis=0), axis=1)
    rows = np.unpackbits(kinds, axis=0, count=len(masks)).astype(np.bool_)
    return np.asarray(rows[:, rows.any(axis=0)])
