"""How many images are masked when: schedules from the progress of training, 0 to 1, to a share of the images."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Protocol

from maskcover.errors import InvalidInput


class Schedule(Protocol):
    """The share of images that is masked, between 0 and 1, at a progress between 0 (start) and 1 (end)."""

    def __call__(self, progress: float, /) -> float:
        """The share."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """The same share throughout.

    >>> Constant(0.5)(0.9)
    0.5
    """

    share: float = 1.0

    def __post_init__(self) -> None:
        _shares(self)

    def __call__(self, _: float, /) -> float:
        """The share."""
        return self.share


@dataclass(frozen=True, slots=True)
class Ramp:
    """Linearly from `first` at the start to `last` at the progress `until`, and `last` from there on.

    >>> ramp = Ramp(0.0, 1.0, until=0.5)
    >>> ramp(0.0), ramp(0.25), ramp(0.5), ramp(1.0)
    (0.0, 0.5, 1.0, 1.0)
    """

    first: float = 0.0
    last: float = 1.0
    until: float = 1.0

    def __post_init__(self) -> None:
        _shares(self)

    def __call__(self, progress: float, /) -> float:
        """The share."""
        come = 1.0 if progress >= self.until else progress / self.until
        return (1.0 - come) * self.first + come * self.last


@dataclass(frozen=True, slots=True)
class Step:
    """The share `before` up to the progress `at`, the share `after` from there on.

    >>> Step(at=0.5)(0.49), Step(at=0.5)(0.5)
    (0.0, 1.0)
    """

    before: float = 0.0
    after: float = 1.0
    at: float = 0.5

    def __post_init__(self) -> None:
        _shares(self)

    def __call__(self, progress: float, /) -> float:
        """The share."""
        return self.before if progress < self.at else self.after


def as_schedule(value: float | Schedule) -> Schedule:
    """A schedule as it is, a number as a constant one."""
    return value if callable(value) else Constant(value)


def _shares(schedule: Constant | Ramp | Step) -> None:
    values = astuple(schedule)
    if not all(type(one) in (int, float) and 0 <= one <= 1 for one in values):
        raise InvalidInput(f"expected shares between 0 and 1; got {schedule!r}")
