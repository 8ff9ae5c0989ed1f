"""The outcomes of an attack, one for each image, and figures over all images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from maskcover.cells import BoolArray
from maskcover.certification import exact_interval
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover_torch.attacks.placements import Placement


@dataclass(frozen=True, slots=True, eq=False)
class Attacked:
    """The outcome of attacking one image.

    Args:
        label: The true label.
        certified: Whether it was claimed that no attack within the regions changes the defended label.
        defended: The defended label of `image`, −1 for none; the true label if no attack was found.
        image: (channels, height, width), the attacked image whose defended label is not the true one; None if every
            attempt failed. Outside of the placement it has the bits of the original.
        placement: The patches that were overwritten; empty if the defended label was wrong without any.
        attempts: Attacked images that the defence judged.
        steps: Gradient steps of all attempts together.
    """

    label: int
    certified: bool
    defended: int
    image: torch.Tensor | None
    placement: Placement
    attempts: int
    steps: int

    @property
    def broken(self) -> bool:
        """Whether the defended label is wrong, on the clean image or on an attacked one."""
        return self.image is not None

    @property
    def wrong_before(self) -> bool:
        """Whether the defended label is wrong without an attack."""
        return self.broken and not self.placement


@dataclass(frozen=True, slots=True, eq=False)
class AttackReport:
    """The outcomes of an attack, in the order of the images; `str` gives the figures."""

    masks: MaskSet
    regions: RegionSet
    outcomes: tuple[Attacked, ...]

    @property
    def certified(self) -> BoolArray:
        """Which images were claimed to be certified; bool (n,)."""
        return np.array([outcome.certified for outcome in self.outcomes], dtype=np.bool_)

    @property
    def broken(self) -> BoolArray:
        """Which images have a wrong defended label, with or without an attack; bool (n,)."""
        return np.array([outcome.broken for outcome in self.outcomes], dtype=np.bool_)

    @property
    def refutations(self) -> tuple[int, ...]:
        """Numbers of the images that were claimed to be certified and are broken: each one refutes the claim."""
        return tuple(np.flatnonzero(self.certified & self.broken).tolist())

    @property
    def attempts(self) -> int:
        """The number of attacked images that the defence judged, over all images."""
        return sum(outcome.attempts for outcome in self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    def __str__(self) -> str:
        right = [outcome for outcome in self.outcomes if outcome.certified or not outcome.wrong_before]
        lines = [
            f"attacks within {self.regions} on {self.masks.grid}, defended by {len(self.masks)} masks",
            _figures("certified", [outcome for outcome in right if outcome.certified]),
            _figures("right, not certified", [outcome for outcome in right if not outcome.certified]),
            f"  wrong without an attack: {len(self) - len(right)}",
        ]
        return "\n".join(lines)


def _figures(kind: str, outcomes: list[Attacked]) -> str:
    broken, attempts = sum(outcome.broken for outcome in outcomes), sum(outcome.attempts for outcome in outcomes)
    low, high = exact_interval(broken, len(outcomes))
    return (
        f"  {kind}: {broken} of {len(outcomes)} broken in {attempts} attempts (95 % interval {low:.1%} to {high:.1%})"
    )
