"""What probes found: single comparisons, their report, and how large a margin would make up for them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from typing import Literal

import numpy as np
import numpy.typing as npt

from maskcover.errors import ProbeFailed

Scores = npt.NDArray[np.generic]
Kind = Literal["repeat", "place", "rows", "hidden"]
"""What was changed between two batches: nothing, the place of a row, the other rows, or pixels that are hidden."""
FACTOR = 100
"""A margin that takes over is at least so many times the differences that the probes saw."""
LIMIT = 0.01
"""No larger multiple of what was seen takes over: differences of more than 1e-4 are not small."""
_TELLS = (
    "look for a crop, a resize or a window inside the model, rows that influence each other (dynamic quantisation, "
    "batch statistics, decisions over a whole batch), or random layers"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison: what was changed, whether all bits stayed, and the largest change as a fraction of the scores.

    `deviation` is inf where a score turned finite or stopped being so, and so is `gap`, the largest change itself.
    `scale` is the largest absolute score of the rows that were compared.
    """

    probe: str
    equal: bool
    deviation: float
    kind: Kind = "rows"
    scale: float = 0.0
    gap: float = 0.0

    @property
    def rounds(self) -> bool:
        """Whether the difference is what other places of a batch make of the same sums.

        A row that has other rows beside it, or other pixels hidden, is given the same numbers at the same place: there
        no kernel has a reason to round otherwise, and the smallest difference is a leak.
        """
        return self.kind == "place" and self.deviation < float("inf")

    def __str__(self) -> str:
        return f"{self.probe}: " + ("equal to the bit" if self.equal else f"scores changed by {self.deviation:.1e}")


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What the probes found, and what could not be probed."""

    findings: tuple[Finding, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def bitwise(self) -> bool:
        """Whether no bit changed in any probe."""
        return bool(self.findings) and all(one.equal for one in self.findings)

    @property
    def worst(self) -> Finding | None:
        """The finding that deviates most, if one does."""
        return max((one for one in self.findings if not one.equal), key=lambda one: one.deviation, default=None)

    @property
    def leak(self) -> Finding | None:
        """The worst finding that rounding does not explain, if there is one."""
        return max(
            (one for one in self.findings if not one.equal and not one.rounds),
            key=lambda one: one.deviation,
            default=None,
        )

    @property
    def drift(self) -> float:
        """The largest change that was seen, as a fraction of the largest score that was; 0 if there was none.

        Not of each row's own: rounding does not shrink with the scores of a row that come out near 0 (see `margins`).
        """
        gap = max((one.gap for one in self.findings if not one.equal), default=0.0)
        return gap / self.scale if self.scale else gap and float("inf")

    @property
    def scale(self) -> float:
        """The largest absolute score of all rows that were compared."""
        return max((one.scale for one in self.findings), default=0.0)

    def sufficient_margin(self, least: float) -> float | None:
        """The margin that takes over where bits do not hold: `least`, or `FACTOR` times what was seen, rounded up.

        None if something was seen that no margin may take over.
        """
        needed = FACTOR * self.drift
        return None if self.leak is not None or needed > LIMIT else max(least, _rounded_up(needed))

    def within(self, min_margin: float) -> bool:
        """Whether no score moved by more than half a margin, which cannot turn a lead larger than the margin."""
        return self.drift <= min_margin / 2

    def failure(self, min_margin: float | None, suggestion: float, remedies: tuple[str, ...] = ()) -> ProbeFailed:
        """The error of predictions that do not hold: what was seen, and what to type.

        Args:
            margin: The margin that did not make up for it; None where there was none.
            suggestion: The least lead that survives the rounding of the classifier's scores.
            remedies: What else to type.
        """
        # Of a leak and of rounding the leak is what has to be told, unless a margin was to make up for both.
        told = (self.leak or self.worst) if min_margin is None else self.worst
        return ProbeFailed(
            f"the same view of an image was scored differently when it should not matter ({told}, as a share of the "
            f"largest score); a certificate could not be relied on. {self._advice(min_margin, suggestion, remedies)}"
        )

    def _advice(self, min_margin: float | None, suggestion: float, remedies: tuple[str, ...]) -> str:
        """What to type, in Python and on the command line, or what to look for."""
        larger = self.sufficient_margin(suggestion)
        if larger is None and self.leak is None and self.drift <= suggestion / 2:
            larger = suggestion  # of the classifier, which knows its own precision
        if larger is not None and larger > (min_margin or 0.0):
            return f"Type {' or '.join((f'min_margin={larger:g} (--min-margin {larger:g})', *remedies))}"
        return f"No margin makes up for that: {_TELLS}" + (f"; or type {' or '.join(remedies)}" if remedies else "")


def compared(probe: str, before: Scores, after: Scores, kind: Kind = "rows") -> Finding:
    """The comparison of scores (rows, classes) that should be equal to the bit."""
    one, two = before.astype(np.float64), after.astype(np.float64)
    largest = float(np.abs(np.where(np.isfinite(one), one, 0.0)).max(initial=0.0))
    if before.tobytes() == after.tobytes():
        return Finding(probe, True, 0.0, kind, largest)
    finite = np.isfinite(one) & np.isfinite(two)
    if not (finite | (one == two) | (np.isnan(one) & np.isnan(two))).all():
        return Finding(probe, False, float("inf"), kind, largest, float("inf"))
    gap = np.abs(np.where(finite, one - two, 0.0)).max(axis=-1)
    scale = np.abs(np.where(finite, one, 0.0)).max(axis=-1)
    fractions = np.divide(gap, scale, out=np.where(gap > 0, np.inf, 0.0), where=scale > 0)
    deviation = float(fractions.max())
    return Finding(probe, deviation == 0.0, deviation, kind, largest, float(gap.max()))


def _rounded_up(fraction: float) -> float:
    """A number to one digit, never smaller than it was.

    >>> _rounded_up(1.2e-5), _rounded_up(0.0)
    (2e-05, 0.0)
    """
    return float(Context(prec=1, rounding=ROUND_CEILING).plus(Decimal(fraction)))
