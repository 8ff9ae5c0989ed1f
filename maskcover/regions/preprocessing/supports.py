"""`AxisSupport`: the source indices of an axis on which each output index depends. No images, kernels or steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index

import numpy as np
import numpy.typing as npt

from maskcover.errors import InvalidInput

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Indices = Sequence[int] | npt.NDArray[np.integer]


@dataclass(frozen=True, slots=True, eq=False)
class AxisSupport:
    """The source indices on which each output index of an axis depends.

    Output index j depends on the source indices from ``first[j]`` up to ``stop[j] - 1`` alone.
    `first` and `stop` are read-only int64 of shape (outputs,), 0 <= first <= stop <= length. An output index that
    depends on nothing, such as one of a constant border, has the interval (0, 0).

    >>> blurred = AxisSupport(4, [0, 0, 1, 2], [2, 3, 4, 4])
    >>> blurred.touched(0, 1).tolist()
    [True, True, False, False]
    """

    length: int
    first: IntArray
    stop: IntArray

    def __init__(self, length: int, first: Indices, stop: Indices) -> None:
        low, high = _integers(first), _integers(stop)
        if low.shape != high.shape or low.size == 0:
            raise InvalidInput(f"expected as many firsts as stops, at least one; got {low.size} and {high.size}")
        if np.any((low < 0) | (low > high) | (high > index(length))):
            raise InvalidInput(f"expected 0 <= first <= stop <= {length} for every output; got {low} and {high}")
        # Canonical: equal dependence means equal values, so all empty intervals are the same one.
        constant = low == high
        low[constant] = high[constant] = 0
        for name, values in (("first", low), ("stop", high)):
            values.setflags(write=False)
            object.__setattr__(self, name, values)
        object.__setattr__(self, "length", index(length))

    @classmethod
    def identity(cls, length: int) -> AxisSupport:
        """Make the support of an axis that stays as it is.

        >>> AxisSupport.identity(2).stop.tolist()
        [1, 2]
        """
        return cls.copies(length, np.arange(length))

    @classmethod
    def copies(cls, length: int, sources: Indices) -> AxisSupport:
        """Make the support of outputs that each copy a source index, or are constant if that lies outside the axis.

        >>> AxisSupport.copies(3, [-1, 2, 1, 0, 3]).touched(0, 2).tolist()
        [False, False, True, True, False]
        """
        chosen = _integers(sources)
        inside = (chosen >= 0) & (chosen < length)
        return cls(length, np.where(inside, chosen, 0), np.where(inside, chosen + 1, 0))

    @property
    def outputs(self) -> int:
        """Number of output indices."""
        return len(self.first)

    def touched(self, start: int, stop: int) -> BoolArray:
        """The output indices that can change when source indices from `start` up to ``stop - 1`` change.

        A bool array of shape (outputs,). Raises `InvalidInput` unless 0 <= start <= stop <= length.
        """
        if not 0 <= start <= stop <= self.length:
            raise InvalidInput(f"expected 0 <= start <= stop <= {self.length}; got start {start}, stop {stop}")
        return (self.first < stop) & (self.stop > start) & (start < stop)

    def then(self, other: AxisSupport) -> AxisSupport:
        """This support followed by `other`: for each output the smallest interval around all sources of its sources.

        An interval around sources with gaps between is larger than they are; that is sound, since it only adds
        dependence.

        >>> halved = AxisSupport(4, [0, 2], [2, 4])
        >>> halved.then(AxisSupport.copies(2, [1, 0])).first.tolist()
        [2, 0]
        """
        if other.length != self.outputs:
            raise InvalidInput(f"a step of {self.outputs} outputs cannot feed one of {other.length} sources")
        # Constants must not pull the interval down to index 0.
        lows = np.where(self.first < self.stop, self.first, self.length)
        low = _over_ranges(np.minimum, lows, other, self.length)
        high = _over_ranges(np.maximum, self.stop, other, 0)
        return AxisSupport(self.length, np.minimum(low, high), high)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AxisSupport):
            return NotImplemented
        same = np.array_equal(self.first, other.first) and np.array_equal(self.stop, other.stop)
        return same and self.length == other.length

    def __hash__(self) -> int:
        return hash((self.length, self.first.tobytes(), self.stop.tobytes()))


def touched_runs(axis: AxisSupport, low: IntArray, high: IntArray) -> IntArray | None:
    """The run of outputs that can change when source indices from `low` up to ``high - 1`` change; None without order.

    Of an axis in order, as a resize, a crop and a flip leave it, outputs that depend on something are neighbours, and
    what they depend on moves with them in one direction. `low` < `high` are arrays of one shape. Returns int64 of that
    shape and 2: the first output and the one behind the last, (0, 0) for none.

    >>> halved = AxisSupport(4, [0, 2], [2, 4])
    >>> touched_runs(halved, np.array([0, 1]), np.array([1, 3])).tolist()
    [[0, 1], [0, 2]]
    """
    used = np.flatnonzero(axis.first < axis.stop)
    if not len(used) or used[-1] - used[0] >= len(used):
        return None
    first, stop = axis.first[used], axis.stop[used]
    is_reversed = bool(first[0] > first[-1] or stop[0] > stop[-1])
    if is_reversed:
        first, stop = first[::-1], stop[::-1]
    if (first[1:] < first[:-1]).any() or (stop[1:] < stop[:-1]).any():
        return None
    begin = np.searchsorted(stop, low, side="right")
    end = np.searchsorted(first, high, side="left")
    if is_reversed:
        begin, end = len(used) - end, len(used) - begin
    runs = np.stack([begin, end], axis=-1) + used[0]
    return np.where((begin < end)[..., None], runs, 0).astype(np.int64)


def _integers(values: Indices) -> IntArray:
    array = np.array(values)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InvalidInput(f"expected a row of whole numbers; got {array.dtype} of shape {array.shape}")
    return array.astype(np.int64)


def _over_ranges(combine: np.ufunc, values: IntArray, ranges: AxisSupport, empty: int) -> IntArray:
    """The minimum or maximum of `values` over each interval of `ranges`; `empty` over an empty one."""
    # reduceat takes starts only: every second result is a range, and a last value lets a range end at the end.
    padded = np.append(values, empty)
    bounds = np.stack([ranges.first, ranges.stop], axis=1).ravel()
    values_of_ranges = combine.reduceat(padded, bounds)[::2]
    return np.where(ranges.first < ranges.stop, values_of_ranges, empty).astype(np.int64)
