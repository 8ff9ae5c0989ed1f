"""Schedules: the fraction of images that are masked, as a function of the progress of training, both from 0 to 1."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Protocol

from maskcover.errors import InvalidInput


class Schedule(Protocol):
    """The fraction of images that are masked, at a progress between 0 (start) and 1 (end) of the training."""

    def __call__(self, progress: float, /) -> float:
        """The fraction, between 0 and 1."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """The same fraction, `share`, throughout.

    >>> Constant(0.5)(0.9)
    0.5
    """

    share: float = 1.0

    def __post_init__(self) -> None:
        _check_fractions(self)

    def __call__(self, _: float, /) -> float:
        """The fraction."""
        return self.share


@dataclass(frozen=True, slots=True)
class Ramp:
    """A fraction that goes linearly from `first` at the start to `last` at the progress `until`, and stays there.

    >>> ramp = Ramp(0.0, 1.0, until=0.5)
    >>> ramp(0.0), ramp(0.25), ramp(0.5), ramp(1.0)
    (0.0, 0.5, 1.0, 1.0)
    """

    first: float = 0.0
    last: float = 1.0
    until: float = 1.0

    def __post_init__(self) -> None:
        _check_fractions(self)

    def __call__(self, progress: float, /) -> float:
        """The fraction."""
        done = 1.0 if progress >= self.until else progress / self.until
        return (1.0 - done) * self.first + done * self.last


@dataclass(frozen=True, slots=True)
class Jump:
    """The fraction `before` up to the progress `at`, the fraction `after` from there on.

    Its text is `Step(…)`, its earlier name, by which checkpoints are compared.

    >>> Jump(at=0.5)(0.49), Jump(at=0.5)(0.5)
    (0.0, 1.0)
    """

    before: float = 0.0
    after: float = 1.0
    at: float = 0.5

    def __post_init__(self) -> None:
        _check_fractions(self)

    def __call__(self, progress: float, /) -> float:
        """The fraction."""
        return self.before if progress < self.at else self.after

    def __repr__(self) -> str:
        return f"Step(before={self.before!r}, after={self.after!r}, at={self.at!r})"


def as_schedule(value: float | Schedule) -> Schedule:
    """A schedule as it is, a number as a constant one."""
    return value if callable(value) else Constant(value)


def _check_fractions(schedule: Constant | Ramp | Jump) -> None:
    values = astuple(schedule)
    if not all(type(value) in (int, float) and 0 <= value <= 1 for value in values):
        raise InvalidInput(f"expected fractions between 0 and 1; got {schedule!r}")
