"""Occlusion: the replacement of hidden cells in images. It is a value, and part of the fingerprint."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from maskcover.errors import InvalidInput


@runtime_checkable
class Occlusion(Protocol):
    """Protocol: an immutable value that replaces hidden cells.

    The replacement is a function of the visible cells alone; probes overwrite hidden cells and compare.
    """

    @property
    def identity(self) -> dict[str, str]:
        """Its entries in the fingerprint."""
        ...

    def shown(self, images: Any, hidden: Any, channels: int, xp: Any) -> Any:
        """Images with their hidden cells replaced.

        Args:
            images: (rows, …), or (1, …) for one image under many masks; an array or a tensor.
            hidden: bool, like the images but of length 1 on the axis of the channels.
            channels: The axis of the channels.
            xp: The module that has the functions for them, numpy or torch.
        """
        ...


@dataclass(frozen=True, init=False)
class Fill:
    """Fills hidden cells with one number, or one for each channel, by selection, so that not even a NaN is left.

    Args:
        values: A finite number, or a sequence of one for each channel, in the frame of the model's input.

    Raises:
        InvalidInput: the values are not finite numbers.

    >>> import numpy as np
    >>> hidden = np.array([[[True, False]]])
    >>> Fill(0.5).shown(np.ones((1, 1, 2)), hidden, 0, np).tolist(), Fill((0.1, 0.2)).identity
    ([[[0.5, 1.0]]], {'fill': '0.1 0.2'})
    """

    values: tuple[float, ...]

    def __init__(self, values: float | Sequence[float] | Fill = 0.0) -> None:
        numbers: Any = values.values if isinstance(values, Fill) else values
        every = tuple(numbers) if isinstance(numbers, Sequence) else (numbers,)
        if not every or not all(map(_is_finite, every)):
            raise InvalidInput(f"fill must be a finite number, or one for each channel; got {values!r}")
        object.__setattr__(self, "values", tuple(map(float, every)))

    @property
    def identity(self) -> dict[str, str]:
        """Its entry in the fingerprint."""
        return {"fill": " ".join(map(repr, self.values))}

    def shown(self, images: Any, hidden: Any, channels: int, xp: Any) -> Any:
        """See `Occlusion`."""
        first = [slice(1)] * images.ndim
        first[channels] = slice(None)
        filling = xp.zeros_like(images[tuple(first)])
        for channel in range(filling.shape[channels]):
            first[channels] = slice(channel, channel + 1)
            filling[tuple(first)] = self.values[channel % len(self.values)]
        return xp.where(hidden, filling, images)


def _is_finite(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an int beyond all floats
        return False
