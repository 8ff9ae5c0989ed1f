"""On what a certification stands: on bits or on a margin, and in which of several ways to compute.

Ways come fastest first; each is probed when its turn comes. This decides which one is taken, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from maskcover.classifiers.evaluation import Evaluator
from maskcover.engine.findings import ProbeReport
from maskcover.errors import InvalidInput, ProbeFailed

Wish = Literal["bitwise", "margin"]
"""What a user may insist on."""
Numerics = Literal["bitwise", "margin", "not probed"]
_LEAST = 1e-4


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the numerics.

    Args:
        wish: "bitwise" takes nothing but bits, "margin" a margin even where bits hold; None takes bits if they hold.
        margin: The lead that a prediction needs to count, if it was typed.
        suggestion: The least lead that survives the rounding of the classifier's scores.
        least: The least margin to take over with: that of the run which goes on.
    """

    wish: Wish | None = None
    min_margin: float | None = None
    suggestion: float = _LEAST
    least: float = 0.0

    @classmethod
    def of(cls, wish: object, min_margin: object, classifier: object = None, *, least: float = 0.0) -> Wanted:
        """What was typed, if it can be meant."""
        if wish not in (None, "bitwise", "margin"):
            raise InvalidInput(f'numerics is "bitwise", "margin" or left out; got {wish!r}')
        number = isinstance(min_margin, int | float) and not isinstance(min_margin, bool)
        if min_margin is not None and not (number and 0 <= min_margin < 1):  # type: ignore[operator]  # a number by now
            raise InvalidInput(f"min_margin must be a fraction from 0 up to, not including, 1; got {min_margin!r}")
        return cls(wish, min_margin, getattr(classifier, "margin", _LEAST), least)  # type: ignore[arg-type]  # both are checked

    @property
    def tolerant(self) -> bool:
        """Whether a margin was typed that is to make up for whatever the probes see."""
        return self.min_margin is not None and self.wish != "bitwise"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to compute that was probed: the evaluator, the image that was probed, and what was found."""

    evaluator: Evaluator = field(repr=False)
    example: Any = field(repr=False)
    report: ProbeReport

    @property
    def alone(self) -> bool:
        """Whether a row has no other rows beside it."""
        return self.evaluator.batch_size == 1


@dataclass(frozen=True, slots=True)
class Taken:
    """The way that is taken, on what its predictions stand, the lead that they need, and what to warn of."""

    way: Way
    numerics: Numerics
    min_margin: float
    warning: str | None = None


def taken(
    ways: Iterable[Way], wanted: Wanted, remedies: Callable[[Sequence[Way]], tuple[str, ...]] = lambda _: ()
) -> Taken:
    """The way to take.

    With a margin that was typed it is the first under which no score moves by more than half of that. Else it is the
    first that holds to the bit; but one row at a time only where that is the fastest way, or wanted. Otherwise a margin
    takes over, loudly, with the first way whose scores differ as rounding makes them differ, and by little enough. One
    row at a time is the last resort.

    Args:
        ways: Fastest first, at least one; each is probed when it is asked for.
        wanted: What is asked of the numerics.
        remedies: What to type instead, worked out from the ways that were probed.

    Raises:
        ProbeFailed: no way will do; or one was seen to let hidden pixels or other rows through, or never to repeat
            itself, which is no matter of rounding.
    """
    seen, over = list[Way](), list[Taken]()
    for way in ways:
        seen.append(way)
        if found := _at_once(way, wanted, fastest=not over):
            return found
        if way.report.leak is not None and not wanted.tolerant:
            raise _failure([way], wanted, remedies)
        if wanted.wish is None and not wanted.tolerant and (found := _taking_over(way, wanted)):
            over.append(found)
    alone = [way for way in seen if way.alone and way.report.bitwise]
    if over:
        return replace(over[0], warning=_warning(over[0], alone=bool(alone)))
    if alone:
        return Taken(alone[0], "bitwise", wanted.min_margin or 0.0)
    raise _failure(seen, wanted, remedies)


def _at_once(way: Way, wanted: Wanted, *, fastest: bool) -> Taken | None:
    """This way, if no other one need be looked at."""
    report, min_margin = way.report, wanted.min_margin or 0.0
    if not report.findings:
        unknown = wanted.suggestion if wanted.wish == "margin" and wanted.min_margin is None else min_margin
        return Taken(way, "not probed", max(unknown, wanted.least))
    if wanted.tolerant:
        bits = report.bitwise and wanted.wish is None
        return Taken(way, "bitwise" if bits else "margin", min_margin) if report.within(min_margin) else None
    if wanted.wish == "margin":
        return _taking_over(way, wanted)
    if report.bitwise and (not way.alone or fastest or wanted.wish == "bitwise"):
        return Taken(way, "bitwise", min_margin)
    return None


def _taking_over(way: Way, wanted: Wanted) -> Taken | None:
    """This way under a margin, if what was seen of it is rounding; one row at a time needs none."""
    min_margin = way.report.sufficient_margin(max(wanted.suggestion, wanted.least))
    needless = way.alone and wanted.wish is None
    return None if min_margin is None or needless else Taken(way, "margin", min_margin)


def _warning(found: Taken, *, alone: bool) -> str:
    other = "takes batches of 1, which hold to the bit and may be slower" if alone else "insists on bits"
    return (
        f"on this machine a row's place in a batch of {found.way.evaluator.batch_size} changes its scores, by up to "
        f"{found.way.report.drift:.1e} of the largest: certificates stand on a margin of {found.min_margin:g} instead "
        "of on bits, and a prediction of a smaller margin does not count; "
        f'numerics="bitwise" (--numerics bitwise) {other}'
    )


def _failure(seen: Sequence[Way], wanted: Wanted, remedies: Callable[[Sequence[Way]], tuple[str, ...]]) -> ProbeFailed:
    report = min((way.report for way in seen), key=lambda one: one.drift)
    # Hidden pixels are seen, and random layers random, in batches of whatever size.
    apart = report.leak is None or report.leak.kind == "rows"
    known = remedies(seen) if apart else ()
    return report.failure(wanted.min_margin if wanted.tolerant else None, wanted.suggestion, known)
