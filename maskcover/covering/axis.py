"""Masks on one axis: Eq. 1–3 and Lemma 4 of the paper (section 3.4, appendix E)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from maskcover.errors import ImpossibleCover, InvalidInput


@dataclass(frozen=True, slots=True)
class AxisMasks:
    """Intervals of `size` cells on an axis of `length` cells, one every `stride`, the last one flush with the end.

    By Lemma 4 every interval of at most ``size - stride + 1`` cells lies inside at least one of them. With a
    `multiplicity` above 1 there are more intervals, cut at the ends of the axis, and every interval of at most
    ``size - multiplicity * stride + 1`` cells lies inside at least that many.

    >>> AxisMasks(6, 3, 2).starts      # Figure 3, right
    (0, 2, 3)
    """

    length: int
    size: int
    stride: int
    multiplicity: int = 1

    def __post_init__(self) -> None:
        if not (1 <= self.size <= self.length and self.stride >= 1 and self.multiplicity >= 1):
            raise InvalidInput(
                f"expected 1 <= size <= length, stride >= 1 and multiplicity >= 1; got length {self.length}, "
                f"size {self.size}, stride {self.stride}, multiplicity {self.multiplicity}"
            )

    @property
    def starts(self) -> tuple[int, ...]:
        """Eq. 1: 0, s, 2s, … up to n − m, and n − m; then f − 1 more on either side, f being `multiplicity`."""
        last = self.length - self.size
        beyond = {step * self.stride for step in range(1, self.multiplicity)}
        inner = {*range(0, last + 1, self.stride), last}
        return tuple(sorted(inner | {-step for step in beyond} | {last + step for step in beyond}))

    @property
    def intervals(self) -> tuple[tuple[int, int], ...]:
        """The masks as (start, stop), cut at the ends of the axis."""
        return tuple((max(start, 0), min(start + self.size, self.length)) for start in self.starts)

    @property
    def count(self) -> int:
        """Eq. 2: ceil((n − m) / s) + 1; and 2 (f − 1) more, f being `multiplicity`."""
        return -(-(self.length - self.size) // self.stride) + 1 + 2 * (self.multiplicity - 1)

    @property
    def covers(self) -> int:
        """Lemma 4: the largest patch of which every placement lies inside a mask, m − s + 1 cells; 0 if none does.

        For a multiplicity f: every patch of at most m − f s + 1 cells lies inside f masks. The starts are at most s
        apart and reach (f − 1) s beyond both ends, so the last f of them before a patch of p cells lie within
        f s − 1 <= m − p cells of it.
        """
        if self.count == 1:
            return self.size
        return max(self.size - self.multiplicity * self.stride + 1, 0)


def axis_masks(length: int, patch: int, budget: int, align: int = 1) -> AxisMasks:
    """Place at most `budget` masks on an axis, as small as equal strides allow, for patches of `patch` cells (Eq. 3).

    Rounding may leave part of the budget unused; it is never exceeded. Starts and sizes are multiples of `align`,
    which must divide the length.

    >>> axis_masks(224, 32, 6)
    AxisMasks(length=224, size=64, stride=33, multiplicity=1)
    """
    if patch < 1 or budget < 1:
        raise InvalidInput(f"patch and budget must be at least 1; got patch {patch}, budget {budget}")
    if patch > length:
        raise ImpossibleCover(
            f"a patch of {patch} px does not fit an axis of {length} px; at most {length} px is possible"
        )
    if align > 1:
        return [axis for axis in axis_options(length, patch, align) if axis.count <= budget][-1]
    stride = -(-(length - patch + 1) // budget)
    return AxisMasks(length, patch + stride - 1, stride)


@lru_cache(maxsize=1 << 12)
def axis_options(length: int, patch: int, align: int = 1, multiplicity: int = 1) -> tuple[AxisMasks, ...]:
    """List the ways to cover an axis `multiplicity` times: for each number of masks, ascending, the smallest size.

    Every edge of a mask is a multiple of `align`, which must divide the length.

    >>> [(axis.count, axis.size) for axis in axis_options(224, 32, align=16)]
    [(1, 224), (2, 128), (3, 96), (4, 80), (6, 64), (12, 48)]
    """
    strides = np.arange(align, (length - patch + 1) // multiplicity + 1, align)
    sizes = -(-(patch + multiplicity * strides - 1) // align) * align
    strides, sizes = strides[sizes <= length], sizes[sizes <= length]
    counts = -(-(length - sizes) // strides)
    # The shortest stride comes first, and has the smallest size for its count.
    _, firsts = np.unique(counts, return_index=True)
    options = [AxisMasks(length, int(sizes[i]), int(strides[i]), multiplicity) for i in firsts]
    # One mask of the whole axis needs no stride, aligned or not.
    has_one_mask = bool(options) and options[0].count == 1
    whole = [AxisMasks(length, length, length)] if multiplicity == 1 and not has_one_mask else []
    return tuple(whole + options)
