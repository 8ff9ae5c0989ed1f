"""Several sets of cells drawn on the blocks between their edges: exact, at a cost that is independent of the grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from maskcover.cells.cells import BoolArray, Cells, IntArray, painted
from maskcover.grid import Grid


@dataclass(frozen=True, slots=True, eq=False)
class Compressed:
    """Sets drawn on blocks: `edges[axis]` are the sorted cuts of an axis from 0 to n; `rows[i]` is set i, bool."""

    edges: tuple[IntArray, ...]
    rows: BoolArray


def edges_of(sets: Iterable[Cells], grid: Grid) -> tuple[IntArray, ...]:
    """The sorted cuts of each axis at every edge of every set, 0 and n included."""
    bounds = np.concatenate([np.empty((0, 2, grid.ndim), np.int64), *(cells.bounds for cells in sets)])
    return tuple(
        np.unique(np.concatenate([bounds[:, :, axis].ravel(), [0, side]])) for axis, side in enumerate(grid.shape)
    )


def compress(sets: Sequence[Cells], edges: tuple[IntArray, ...]) -> Compressed:
    """Draw each set on the blocks between `edges`, which must include all edges of the sets.

    >>> from maskcover.grid import Box
    >>> sets = (Cells([Box((2,), (5,))]),)
    >>> compress(sets, edges_of(sets, Grid((9,)))).rows
    array([[False,  True, False]])
    """
    rows = np.zeros((len(sets), *(len(cuts) - 1 for cuts in edges)), dtype=np.bool_)
    for row, cells in zip(rows, sets, strict=True):
        row[...] = painted(cells.bounds, edges)
    return Compressed(edges, rows)


def atoms(sets: Sequence[Cells], grid: Grid) -> BoolArray:
    """Write sets as rows over atoms, the classes of cells that lie in the same sets; bool of shape (sets, atoms).

    Unions, equality and inclusion of sets are those of the rows. Cells in no set are left out.
    """
    if not sets:
        return np.zeros((0, 0), dtype=np.bool_)
    rows = compress(sets, edges_of(sets, grid)).rows.reshape(len(sets), -1)
    kinds = np.unique(np.packbits(rows, axis=0), axis=1)
    unpacked = np.unpackbits(kinds, axis=0, count=len(sets)).astype(np.bool_)
    return np.asarray(unpacked[:, unpacked.any(axis=0)])
