"""`Optimality`: the distance between the number of masks of a set and the least possible number."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Optimality:
    """A cover of `masks` masks, where every cover needs `at_least` of them, if no mask leaves a box of `within`.

    Covers by masks of any form need `any_shape` masks at least, if none has more than `largest` pixels; 0 where nothing
    is proven.

    >>> print(Optimality(36, 36, "boxes of at most 64×64"))
    36 masks, proven minimal for masks in boxes of at most 64×64
    >>> print(Optimality(75, 40, "boxes of at most 4,902 px"))
    75 masks; at least 40 are needed for masks in boxes of at most 4,902 px
    >>> print(Optimality(36, 36, "boxes of at most 64×64", any_shape=35, largest=4096))
    36 masks, proven minimal for masks in boxes of at most 64×64; at least 35 for masks of any form of at most 4,096 px
    >>> print(Optimality(13, 11, "boxes of at most 12,000 px", origin="a set shipped with maskcover"))
    13 masks, from a set shipped with maskcover; at least 11 are needed for masks in boxes of at most 12,000 px

    `origin` names the set that the masks were taken from; None for masks that were made for this request.
    """

    masks: int
    at_least: int
    within: str
    any_shape: int = 0
    largest: int = 0
    origin: str | None = None

    @property
    def is_proven(self) -> bool:
        """Whether no cover has fewer masks."""
        return self.masks <= self.at_least

    @property
    def gap(self) -> int:
        """The number of masks that a better cover might save, at most."""
        return max(self.masks - self.at_least, 0)

    def __str__(self) -> str:
        count = "1 mask" if self.masks == 1 else f"{self.masks:,} masks"
        if self.origin:
            count += f", from {self.origin}"
        others = f"at least {self.any_shape:,} for masks of any form of at most {self.largest:,} px"
        if self.is_proven:
            proof = f"{count}, proven minimal for masks in {self.within}"
        else:
            needed = "1 is" if self.at_least == 1 else f"{self.at_least:,} are"
            proof = f"{count}; at least {needed} needed for masks in {self.within}"
        return f"{proof}; {others}" if self.any_shape else proof
