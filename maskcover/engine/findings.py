"""Findings of the probes: single comparisons, their report, and the margin that would allow for the differences."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from typing import Literal

import numpy as np
import numpy.typing as npt

from maskcover.errors import ProbeFailed

Scores = npt.NDArray[np.generic]
Kind = Literal["repeat", "place", "rows", "hidden"]
"""The change between two batches: nothing, the place of a row, the other rows, or pixels that are hidden."""
FACTOR = 100
"""A margin that replaces bits is at least the largest difference that the probes saw, times this factor."""
LIMIT = 0.01
"""No margin larger than this replaces bits: differences of more than 1e-4 are not small."""
_TELLS = (
    "look for a crop, a resize or a window inside the model, rows that influence each other (dynamic quantisation, "
    "batch statistics, decisions over a whole batch), or random layers"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one probe: its name, whether all bits were equal, and the largest change relative to the scores.

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
    """The findings of all probes, and the reasons for probes that could not be made."""

    findings: tuple[Finding, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def bitwise(self) -> bool:
        """Whether no bit changed in any probe."""
        return bool(self.findings) and all(finding.equal for finding in self.findings)

    @property
    def worst(self) -> Finding | None:
        """The finding that deviates most, if one does."""
        return max(
            (finding for finding in self.findings if not finding.equal),
            key=lambda finding: finding.deviation,
            default=None,
        )

    @property
    def leak(self) -> Finding | None:
        """The finding of the largest difference that rounding does not explain, if there is one."""
        return max(
            (finding for finding in self.findings if not finding.equal and not finding.rounds),
            key=lambda finding: finding.deviation,
            default=None,
        )

    @property
    def drift(self) -> float:
        """The largest change of a score, as a fraction of the largest score in all probes; 0 if there was no change.

        Not of each row's own: rounding does not shrink with the scores of a row that come out near 0 (see `margins`).
        """
        gap = max((finding.gap for finding in self.findings if not finding.equal), default=0.0)
        return gap / self.scale if self.scale else gap and float("inf")

    @property
    def scale(self) -> float:
        """The largest absolute score of all rows that were compared."""
        return max((finding.scale for finding in self.findings), default=0.0)

    def sufficient_margin(self, least: float) -> float | None:
        """The margin that replaces bits where they differ: `least`, or `FACTOR` times the differences, rounded up.

        None if there is a difference that no margin may allow for.
        """
        needed = FACTOR * self.drift
        return None if self.leak is not None or needed > LIMIT else max(least, _rounded_up(needed))

    def within(self, min_margin: float) -> bool:
        """Whether no score changed by more than half a margin, so that a label with a larger margin stays the same."""
        return self.drift <= min_margin / 2

    def failure(self, min_margin: float | None, suggestion: float, remedies: tuple[str, ...] = ()) -> ProbeFailed:
        """The error for predictions that do not repeat: it says what differed, and what to type.

        Args:
            min_margin: The margin that was too small; None where there was none.
            suggestion: The least margin that survives the rounding of the classifier's scores.
            remedies: Other things that the user can type.
        """
        # Where there are a leak and rounding, the error names the leak, unless a margin was to allow for both.
        finding = (self.leak or self.worst) if min_margin is None else self.worst
        return ProbeFailed(
            "the same masked image was scored differently after a change that must not matter "
            f"({finding}, as a fraction of the largest score); a certificate could not be relied on. "
            f"{self._advice(min_margin, suggestion, remedies)}"
        )

    def _advice(self, min_margin: float | None, suggestion: float, remedies: tuple[str, ...]) -> str:
        """What to type, in Python and on the command line, or what to look for."""
        larger = self.sufficient_margin(suggestion)
        if larger is None and self.leak is None and self.drift <= suggestion / 2:
            larger = suggestion  # the classifier knows its own precision
        if larger is not None and larger > (min_margin or 0.0):
            return f"Type {' or '.join((f'min_margin={larger:g} (--min-margin {larger:g})', *remedies))}"
        return f"No margin allows for that: {_TELLS}" + (f"; or type {' or '.join(remedies)}" if remedies else "")


def compared(probe: str, before: Scores, after: Scores, kind: Kind = "rows") -> Finding:
    """Compare scores (rows, classes) that should be equal to the bit."""
    first, second = before.astype(np.float64), after.astype(np.float64)
    largest = float(np.abs(np.where(np.isfinite(first), first, 0.0)).max(initial=0.0))
    if before.tobytes() == after.tobytes():
        return Finding(probe, True, 0.0, kind, largest)
    finite = np.isfinite(first) & np.isfinite(second)
    if not (finite | (first == second) | (np.isnan(first) & np.isnan(second))).all():
        return Finding(probe, False, float("inf"), kind, largest, float("inf"))
    gap = np.abs(np.where(finite, first - second, 0.0)).max(axis=-1)
    scale = np.abs(np.where(finite, first, 0.0)).max(axis=-1)
    fractions = np.divide(gap, scale, out=np.where(gap > 0, np.inf, 0.0), where=scale > 0)
    deviation = float(fractions.max())
    return Finding(probe, deviation == 0.0, deviation, kind, largest, float(gap.max()))


def _rounded_up(fraction: float) -> float:
    """Round a number up to one digit.

    >>> _rounded_up(1.2e-5), _rounded_up(0.0)
    (2e-05, 0.0)
    """
    return float(Context(prec=1, rounding=ROUND_CEILING).plus(Decimal(fraction)))
