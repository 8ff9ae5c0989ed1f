"""One axis: Eq. 1–3 and Lemma 4 of the paper (section 3.4, appendix E)."""

from __future__ import annotations

from dataclasses import dataclass

from maskcover.errors import ImpossibleCover, InvalidInput


@dataclass(frozen=True, slots=True)
class AxisMasks:
    """Intervals of `size` cells on an axis of `length` cells, one every `stride`, the last one flush with the end.

    By Lemma 4 every interval of at most ``size - stride + 1`` cells lies inside one of them.

    >>> AxisMasks(6, 3, 2).starts      # Figure 3, right
    (0, 2, 3)
    """

    length: int
    size: int
    stride: int

    def __post_init__(self) -> None:
        if not (1 <= self.size <= self.length and self.stride >= 1):
            raise InvalidInput(
                f"expected 1 <= size <= length and stride >= 1; got length {self.length}, size {self.size}, "
                f"stride {self.stride}"
            )

    @property
    def starts(self) -> tuple[int, ...]:
        """Eq. 1: 0, s, 2s, … up to n − m, and n − m itself."""
        last = self.length - self.size
        return tuple(sorted({*range(0, last + 1, self.stride), last}))

    @property
    def count(self) -> int:
        """Eq. 2: ceil((n − m) / s) + 1."""
        return -(-(self.length - self.size) // self.stride) + 1

    @property
    def covers(self) -> int:
        """Lemma 4: every patch of at most so many cells, m − s + 1, lies inside a mask (0 if that is none)."""
        return self.size if self.count == 1 else max(self.size - self.stride + 1, 0)


def axis_masks(length: int, patch: int, budget: int) -> AxisMasks:
    """Eq. 3: at most `budget` masks on an axis, as small as equal strides allow, for patches of `patch` cells.

    Rounding may leave part of the budget unused; it is never exceeded.

    >>> axis_masks(224, 32, 6)
    AxisMasks(length=224, size=64, stride=33)
    """
    if patch < 1 or budget < 1:
        raise InvalidInput(f"patch and budget must be at least 1; got patch {patch}, budget {budget}")
    if patch > length:
        raise ImpossibleCover(
            f"a patch of {patch} px does not fit an axis of {length} px; at most {length} px is possible"
        )
    stride = -(-(length - patch + 1) // budget)
    return AxisMasks(length, patch + stride - 1, stride)
