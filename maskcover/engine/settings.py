"""The choice between bits and a margin, and between several settings to compute with.

Settings come fastest first; each is probed when its turn comes. This module chooses one of them, and does nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from maskcover.classifiers.evaluation import Evaluator
from maskcover.engine.findings import ProbeReport
from maskcover.errors import InvalidInput, ProbeFailed

RequiredNumerics = Literal["bitwise", "margin"]
"""The numerics that a user may insist on."""
Numerics = Literal["bitwise", "margin", "not probed"]
_LEAST = 1e-4


@dataclass(frozen=True, slots=True)
class NumericsRequest:
    """The numerics that a user asks for.

    Args:
        required: "bitwise" accepts only equal bits, "margin" uses a margin even with equal bits; None prefers bits.
        min_margin: The margin that a prediction must exceed to count, if the user typed one.
        suggestion: The least margin that survives the rounding of the classifier's scores.
        least_margin: A margin that replaces bits is at least this one, which is that of the run that is continued.
    """

    required: RequiredNumerics | None = None
    min_margin: float | None = None
    suggestion: float = _LEAST
    least_margin: float = 0.0

    @classmethod
    def of(
        cls, required: object, min_margin: object, classifier: object = None, *, least_margin: float = 0.0
    ) -> NumericsRequest:
        """Check what the user typed and make a request of it."""
        if required not in (None, "bitwise", "margin"):
            raise InvalidInput(f'numerics must be "bitwise" or "margin", or be left out; got {required!r}')
        if not getattr(classifier, "has_scores", True):
            if required == "margin" or min_margin:
                raise InvalidInput(
                    "a margin is one of scores, and this classifier gives answers without scores, which must repeat "
                    f"exactly; leave min_margin and numerics out; got {min_margin!r} and {required!r}"
                )
            return cls("bitwise")
        number = isinstance(min_margin, int | float) and not isinstance(min_margin, bool)
        if min_margin is not None and not (number and 0 <= min_margin < 1):  # type: ignore[operator]  # a number by now
            raise InvalidInput(f"min_margin must be a fraction from 0 up to, not including, 1; got {min_margin!r}")
        suggestion = getattr(classifier, "margin", _LEAST)
        return cls(required, min_margin, suggestion, least_margin)  # type: ignore[arg-type]  # both are checked

    @property
    def tolerant(self) -> bool:
        """Whether the user typed a margin that must allow for every difference that the probes see."""
        return self.min_margin is not None and self.required != "bitwise"


@dataclass(frozen=True, slots=True)
class ComputeSetting:
    """A setting to compute with: the evaluator, the image that was probed, and the report of the probes."""

    evaluator: Evaluator = field(repr=False)
    example: Any = field(repr=False)
    report: ProbeReport

    @property
    def alone(self) -> bool:
        """Whether a row has no other rows beside it."""
        return self.evaluator.batch_size == 1


Remedies = Callable[[Sequence[ComputeSetting]], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Setting:
    """The chosen setting, what its predictions rely on, the margin that they must exceed, and a warning if any."""

    setting: ComputeSetting
    numerics: Numerics
    min_margin: float
    warning: str | None = None


def choose_setting(
    settings: Iterable[ComputeSetting], request: NumericsRequest, remedies: Remedies = lambda _: ()
) -> Setting:
    """Choose the first setting that serves the request.

    If the user typed a margin, this is the first setting in which no score changes by more than half of it. Else it is
    the first whose predictions repeat to the bit; but one row at a time only if that is the fastest setting, or if bits
    are required. Otherwise a margin replaces bits, with a warning, in the first setting whose scores differ as rounding
    makes them differ, and by little enough. One row at a time is the last resort.

    Args:
        settings: At least one, the fastest first; each is probed when its turn comes.
        request: The numerics that the user asks for.
        remedies: Makes, of the settings that were probed, what the user can type instead.

    Raises:
        ProbeFailed: no setting serves the request; or in one of them hidden pixels or other rows change a score, or
            the same batch does not repeat itself, which rounding does not explain.
    """
    tried, under_margin = list[ComputeSetting](), list[Setting]()
    for setting in settings:
        tried.append(setting)
        if choice := _chosen_at_once(setting, request, fastest=not under_margin):
            return choice
        if setting.report.leak is not None and not request.tolerant:
            raise _failure([setting], request, remedies)
        if request.required is None and not request.tolerant and (choice := _under_margin(setting, request)):
            under_margin.append(choice)
    alone = [setting for setting in tried if setting.alone and setting.report.bitwise]
    if under_margin:
        return replace(under_margin[0], warning=_warning(under_margin[0], alone=bool(alone)))
    if alone:
        return Setting(alone[0], "bitwise", request.min_margin or 0.0)
    raise _failure(tried, request, remedies)


def _chosen_at_once(setting: ComputeSetting, request: NumericsRequest, *, fastest: bool) -> Setting | None:
    """Choose this setting if no other one needs a look."""
    report, min_margin = setting.report, request.min_margin or 0.0
    if not report.findings:
        margin = request.suggestion if request.required == "margin" and request.min_margin is None else min_margin
        return Setting(setting, "not probed", max(margin, request.least_margin))
    if request.tolerant:
        bits = report.bitwise and request.required is None
        return Setting(setting, "bitwise" if bits else "margin", min_margin) if report.within(min_margin) else None
    if request.required == "margin":
        return _under_margin(setting, request)
    if report.bitwise and (not setting.alone or fastest or request.required == "bitwise"):
        return Setting(setting, "bitwise", min_margin)
    return None


def _under_margin(setting: ComputeSetting, request: NumericsRequest) -> Setting | None:
    """Choose this setting with a margin, if its differences are rounding; one row at a time needs no margin."""
    min_margin = setting.report.sufficient_margin(max(request.suggestion, request.least_margin))
    needless = setting.alone and request.required is None
    return None if min_margin is None or needless else Setting(setting, "margin", min_margin)


def _warning(choice: Setting, *, alone: bool) -> str:
    other = "takes batches of 1, which hold to the bit and may be slower" if alone else "insists on bits"
    return (
        f"on this machine a row's place in a batch of {choice.setting.evaluator.batch_size} changes its scores, by up "
        f"to {choice.setting.report.drift:.1e} of the largest: certificates stand on a margin of {choice.min_margin:g} "
        "instead of on bits, and a prediction of a smaller margin does not count; "
        f'numerics="bitwise" (--numerics bitwise) {other}'
    )


def _failure(tried: Sequence[ComputeSetting], request: NumericsRequest, remedies: Remedies) -> ProbeFailed:
    report = min((setting.report for setting in tried), key=lambda probed: probed.drift)
    # Hidden pixels are seen, and random layers random, in batches of whatever size.
    apart = report.leak is None or report.leak.kind == "rows"
    advice = remedies(tried) if apart else ()
    return report.failure(request.min_margin if request.tolerant else None, request.suggestion, advice)
