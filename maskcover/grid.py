"""The lattice that everything lives on: `Grid` and half-open `Box`, in any number of dimensions.

Nothing here knows of regions, masks or classifiers. Images are (height, width), rows first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import prod
from operator import add, index, le

from maskcover.errors import InvalidInput

Extents = tuple[int, ...]
ImageSize = int | Iterable[int]

# Sums over placements are made in 64-bit integers; this leaves them a factor of millions.
MOST_CELLS = 1 << 40
"""The largest grid."""
_LONGEST = 40  # digits; a Decimal may be far longer than anything can be written out
MOST_AXES = 8
"""The most axes of a grid; arrays cannot have many more."""


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A non-empty half-open box of cells: axis i runs from ``start[i]`` up to, not including, ``stop[i]``.

    >>> Box((0, 4), (2, 9)).extents
    (2, 5)
    """

    start: Extents
    stop: Extents

    def __post_init__(self) -> None:
        start, stop = _integers(self.start, "start"), _integers(self.stop, "stop")
        if len(start) != len(stop) or not start:
            raise InvalidInput(f"a box needs as many starts as stops, at least one; got {start} and {stop}")
        if max(stop) > MOST_CELLS or any(low < 0 or low >= high for low, high in zip(start, stop, strict=True)):
            raise InvalidInput(f"a box needs 0 <= start < stop <= {MOST_CELLS:,} on every axis; got {start} and {stop}")
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "stop", stop)

    @classmethod
    def at(cls, start: Iterable[int], extents: Iterable[int]) -> Box:
        """Make the box that starts at `start` and has these extents.

        >>> Box.at((3, 0), (2, 5))
        Box(start=(3, 0), stop=(5, 5))
        """
        low, size = _integers(start, "start"), _integers(extents, "extents")
        if len(low) != len(size):
            raise InvalidInput(f"a box needs as many starts as extents; got {low} and {size}")
        return cls(low, tuple(map(add, low, size)))

    @property
    def extents(self) -> Extents:
        """Cells along each axis: (height, width) for an image."""
        return tuple(b - a for a, b in zip(self.start, self.stop, strict=True))

    @property
    def volume(self) -> int:
        """Cells inside."""
        return prod(self.extents)

    @property
    def slices(self) -> tuple[slice, ...]:
        """The index that selects this box from an array."""
        return tuple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))

    def contains(self, other: Box) -> bool:
        """Whether every cell of `other` lies in this box."""
        if len(other.start) != len(self.start):
            raise InvalidInput(f"boxes of {len(self.start)} and of {len(other.start)} axes cannot be compared")
        return all(map(le, self.start, other.start)) and all(map(le, other.stop, self.stop))

    def __str__(self) -> str:
        size = "×".join(map(str, self.extents))
        names = {1: ("cells",), 2: ("rows", "columns"), 3: ("planes", "rows", "columns")}.get(len(self.start))
        spans = [f"{a}–{b - 1}" for a, b in zip(self.start, self.stop, strict=True)]
        if names is None:
            return f"{size} at ({', '.join(spans)})"
        return f"{size} at " + ", ".join(f"{name} {span}" for name, span in zip(names, spans, strict=True))


@dataclass(frozen=True, slots=True)
class Grid:
    """A lattice of cells of a given shape, such as (height, width).

    >>> Grid.of(224)
    Grid(shape=(224, 224))
    """

    shape: Extents

    def __post_init__(self) -> None:
        shape = _integers(self.shape, "image_size")
        if not shape or min(shape) < 1:
            raise InvalidInput(f"image_size must be one or more sides of at least 1 pixel; got {shape}")
        if len(shape) > MOST_AXES:
            raise InvalidInput(f"image_size has at most {MOST_AXES} sides; got {len(shape)}")
        if prod(shape) > MOST_CELLS:
            raise InvalidInput(f"image_size {shape} is too large: at most {MOST_CELLS:,} pixels can be counted exactly")
        object.__setattr__(self, "shape", shape)

    @classmethod
    def of(cls, image_size: ImageSize | Grid) -> Grid:
        """Read an image size: 224 means 224×224; a tuple gives every side, rows first."""
        if isinstance(image_size, Grid):
            return image_size
        if isinstance(image_size, Iterable):
            return cls(_integers(image_size, "image_size"))
        return cls(_integers((image_size, image_size), "image_size"))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of cells."""
        return prod(self.shape)

    @property
    def whole(self) -> Box:
        """The box of all cells."""
        return Box((0,) * self.ndim, self.shape)

    def fits(self, extents: Extents) -> bool:
        """Whether a box of these extents has a place on the grid."""
        return len(extents) == self.ndim and all(h <= n for h, n in zip(extents, self.shape, strict=True))

    def placements(self, extents: Extents) -> int:
        """Number of places that a box of these extents has on the grid (0 if it does not fit).

        >>> Grid((5, 4)).placements((2, 4))
        4
        """
        return prod(n - h + 1 for h, n in zip(extents, self.shape, strict=True)) if self.fits(extents) else 0

    def __str__(self) -> str:
        return "×".join(map(str, self.shape))


def as_integer(value: object) -> int:
    """Convert a whole number of any kind to `int`: Python's, numpy's, or a `Decimal` without a fraction.

    Raises `TypeError` for anything else, bools and floats included.

    >>> as_integer(Decimal("32"))
    32
    """
    if isinstance(value, bool):
        raise TypeError("a bool is no number")
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < _LONGEST and value == int(value):
        return int(value)
    return index(value)  # type: ignore[arg-type]  # anything else is a TypeError, as it should be


def _integers(values: Iterable[int], name: str) -> Extents:
    try:
        return tuple(map(as_integer, values))
    except TypeError as error:
        raise InvalidInput(f"{name} must be whole numbers; got {values!r}") from error
