"""Counts the boxes that contain each block of cells between given edges."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


def depths(edges: tuple[IntArray, ...], bounds: IntArray) -> IntArray:
    """Number of boxes that contain each block, summed up from differences at the corners of the boxes.

    `bounds`: int64 (boxes, 2, axes), with all their edges among `edges`. Returns int64, an entry for each block.

    >>> depths((np.array([0, 2, 5, 9]),), np.array([[[0], [5]], [[2], [9]]])).tolist()
    [1, 2, 1]
    """
    corners = [np.searchsorted(cuts, bounds[:, :, axis]) for axis, cuts in enumerate(edges)]
    counts = tuple(map(len, edges))
    around = np.zeros(prod(counts), dtype=np.int64)
    for ends in product((0, 1), repeat=len(edges)):
        cell = np.ravel_multi_index([corner[:, end] for corner, end in zip(corners, ends, strict=True)], counts)
        around += np.bincount(cell, minlength=len(around)) * (-1) ** sum(ends)
    around = around.reshape(counts)
    for axis in range(len(edges)):
        around = np.cumsum(around, axis=axis)
    return np.asarray(around[tuple(slice(count - 1) for count in counts)])
