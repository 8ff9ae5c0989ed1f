"""The budget of a choice: how much a defence may cost an image, and what of it is counted."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal, get_args

from maskcover.errors import InvalidInput

Measure = Literal["serving", "milliseconds", "certifying", "certifying_milliseconds"]
Over = Literal["mean", "most"]
WORDS: dict[Measure, str] = {
    "serving": "masked predictions an image when serving",
    "milliseconds": "ms an image when serving",
    "certifying": "masked predictions an image when certifying",
    "certifying_milliseconds": "ms an image when certifying",
}
"""Each measure in words, after a number."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget for one image.

    Args:
        measure: The costs that count: see `WORDS`.
        amount: The largest cost that is allowed, above 0.
        over: Whether the mean over the images counts, or the image that costs most.

    >>> print(Budget("serving", 20))
    at most 20 masked predictions an image when serving (mean)
    """

    measure: Measure
    amount: float
    over: Over = "mean"

    def __post_init__(self) -> None:
        if self.measure not in WORDS:
            raise InvalidInput(f"a budget counts one of {', '.join(WORDS)}; got {self.measure!r}")
        number = isinstance(self.amount, int | float) and not isinstance(self.amount, bool)
        if not number or not (isfinite(self.amount) and self.amount > 0):
            raise InvalidInput(f"the budget {self.measure}= must be a number above 0; got {self.amount!r}")
        expect_over(self.over)

    def __str__(self) -> str:
        mean = "mean" if self.over == "mean" else "the image that costs most"
        return f"at most {self.amount:,.6g} {WORDS[self.measure]} ({mean})"


def budget_of(
    serving: float | None,
    milliseconds: float | None,
    certifying: float | None,
    over: Over = "mean",
    *,
    certifying_milliseconds: float | None = None,
) -> Budget | None:
    """The one budget that is named; None if none is.

    Raises:
        InvalidInput: more than one is named, or one is no number above 0.
    """
    values: dict[Measure, float | None] = {
        "serving": serving,
        "milliseconds": milliseconds,
        "certifying": certifying,
        "certifying_milliseconds": certifying_milliseconds,
    }
    named: list[tuple[Measure, float]] = [(name, value) for name, value in values.items() if value is not None]
    if len(named) > 1:
        raise InvalidInput(f"name one budget at most; got {' and '.join(name for name, _ in named)}")
    expect_over(over)
    return Budget(*named[0], over) if named else None


def expect_over(over: object) -> None:
    """Raise `InvalidInput` unless this is "mean" or "most"."""
    if over not in get_args(Over):
        raise InvalidInput(
            f'a budget is over the "mean" of the images, or over the "most" that one costs; got {over!r}'
        )
