"""Occlusion: what a model gets in place of hidden cells. It is a value, and part of the fingerprint.

Cells are filled, or a vision transformer goes without their tokens.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from maskcover.cells import BoolArray
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet


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


@dataclass(frozen=True, init=False)
class DropTokens:
    """Leaves hidden tokens out of the sequence of a vision transformer, instead of filling their pixels.

    Position embeddings are added first, so the tokens that stay are the same as without a mask; class, register and
    distillation tokens always stay. A model that pools by a mean takes it over the tokens that stay. Masks must hide
    whole tokens, as those of ``cover(…, align=16)`` do. A prediction for which every token is left out has no label.

    Args:
        height, width: The sides of a token in pixels; the width is the height unless it is named.

    Raises:
        InvalidInput: a side is not a whole number of at least 1.

    >>> str(DropTokens(16)), DropTokens(16, 8).identity
    ('drop_tokens(16)', {'fill': 'drop_tokens(16, 8)'})
    """

    sides: tuple[int, int]

    def __init__(self, height: int, width: int | None = None) -> None:
        sides = height, height if width is None else width
        if any(type(side) is not int or side < 1 for side in sides):
            raise InvalidInput(f"sides of a token are whole numbers of at least 1, as in DropTokens(16); got {sides}")
        object.__setattr__(self, "sides", sides)

    def __str__(self) -> str:
        height, width = self.sides
        return f"drop_tokens({height})" if height == width else f"drop_tokens({height}, {width})"

    @property
    def identity(self) -> dict[str, str]:
        """Its entry in the fingerprint: no certificate with a fill is one with dropped tokens."""
        return {"fill": str(self)}

    def hidden_tokens(self, masks: MaskSet) -> BoolArray:
        """The tokens that each mask hides, those of levels too: bool (masks, tokens), row by row of the image.

        The masks are numbered as `MaskSet.all_masks`.

        Raises:
            InvalidInput: the images are not whole tokens; a mask hides a part of a token, or hides all tokens.

        >>> DropTokens(2).hidden_tokens(MaskSet.from_boxes([(0, 2, 2, 2)], image_size=(4, 4))).tolist()
        [[False, True, False, False]]
        """
        shape, (height, width) = masks.grid.shape, self.sides
        if len(shape) != 2 or shape[0] % height or shape[1] % width:
            raise InvalidInput(f"images of {masks.grid} do not consist of whole tokens of {height}×{width} pixels")
        rows = []
        for number, mask in enumerate(masks.all_masks):
            tokens = mask.to_array(masks.grid).reshape(shape[0] // height, height, shape[1] // width, width)
            rows.append(tokens.all(axis=(1, 3)).ravel())
            if not np.array_equal(rows[-1], tokens.any(axis=(1, 3)).ravel()):
                raise InvalidInput(
                    f"mask {number} hides a part of a token of {height}×{width} pixels, and only whole tokens can be "
                    f"left out; {_aligned(height, width)}"
                )
            if rows[-1].all():
                raise InvalidInput(f"mask {number} hides every token, so nothing is left to predict from; leave it out")
        return np.array(rows, dtype=np.bool_)


_DROP_TOKENS = re.compile(r"\s*drop_tokens\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)\s*", re.ASCII)


def occlusion_of(value: float | str | Sequence[float] | Fill | DropTokens) -> Fill | DropTokens:
    """The occlusion that a user names: a fill, or dropped tokens as a value or as a text.

    Raises:
        InvalidInput: it is neither.

    >>> occlusion_of("drop_tokens(16)"), occlusion_of(0.5)
    (DropTokens(sides=(16, 16)), Fill(values=(0.5,)))
    """
    if isinstance(value, DropTokens):
        return value
    if not isinstance(value, str):
        return Fill(value)
    parts = _DROP_TOKENS.fullmatch(value)
    if parts is not None:
        return DropTokens(*(int(side) for side in parts.groups() if side is not None))
    try:
        return Fill(float(value))
    except ValueError as error:
        raise InvalidInput(f'fill is a finite number, or a text such as "drop_tokens(16)"; got {value!r}') from error


def _aligned(height: int, width: int) -> str:
    """What to type for masks that hide whole tokens."""
    if height != width:
        return f"make masks whose edges are multiples of {height} pixels from the top and {width} from the left"
    return (
        f"make masks with cover(regions, image_size, align={height}) or maskcover cover --align {height}, and bands or "
        f"blocks with a size and a stride that are multiples of {height}"
    )


def _is_finite(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an int beyond all floats
        return False
