"""Sound interval bounds for the steps of a small network, in float64 with outward rounding.

The invariant of every step. Let each input of the step lie in its box. Then the exact real output, and every output
that a computation in float64 gives, whatever the order of its sums and whether or not products are fused with sums,
lie in the box that `bounds` gives. By induction over the steps it holds for the whole network and for every image in a
box of pixels: also for another machine, another number of threads, and another batch size.

Why sums of products keep it. Let h lie in [c − r, c + r], and let n be the number of products of a sum. The exact value
of W·h + b lies within |W|·r of W·c + b. By the standard a-priori bound, with u = 2⁻⁵³ and g = n·u / (1 − n·u) for a few
more than n products, a computed value is at most g·(|W|·|h| + |b|) away from the exact one, in any order, and |h| is at
most |c| + r. The computed W·c + b obeys the same bound. So everything lies within |W|·r + 2·g·(|W|·(|c| + r) + |b|) of
the computed W·c + b. Here 4·g stands in place of 2·g and the result is enlarged by 4·g once more, which allows for the
rounding of the bound itself, whose terms are all positive. The results are moved outward by one more float.

Numbers below the normal range, which a processor may replace by 0, are allowed for by `TINY`. A box beyond `LIMIT`
becomes NaN, which no step turns back into a number, so that no sum can overflow; a row with NaN has no certain label.

No Winograd and no FFT: convolutions are products of matrices, for the bounds and for what is served. Their rounding
errors do not obey the bound above.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch

from maskcover.errors import InvalidInput

UNIT = 2.0**-53
TINY, LIMIT = 2.0**-500, 2.0**400
_MOST_PRODUCTS = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """Lower and upper bounds, two float64 tensors of one shape; NaN where nothing is known."""

    lower: torch.Tensor
    upper: torch.Tensor

    @classmethod
    def outward(cls, lower: torch.Tensor, upper: torch.Tensor) -> Box:
        """The bounds moved outward by one float and `TINY`."""
        infinite = torch.tensor(torch.inf, dtype=torch.float64)
        return cls.limited(torch.nextafter(lower - TINY, -infinite), torch.nextafter(upper + TINY, infinite))

    @classmethod
    def limited(cls, lower: torch.Tensor, upper: torch.Tensor) -> Box:
        """The bounds, NaN where one of them is beyond `LIMIT` or is not a number."""
        usable = (lower.abs() < LIMIT) & (upper.abs() < LIMIT)
        return cls(torch.where(usable, lower, torch.nan), torch.where(usable, upper, torch.nan))

    @classmethod
    def around(cls, center: torch.Tensor, deviation: torch.Tensor) -> Box:
        """All numbers within a deviation of a center, outward."""
        return cls.outward(center - deviation, center + deviation)

    def middle(self) -> tuple[torch.Tensor, torch.Tensor]:
        """A center, and a radius such that every number of the box is at most so far from it."""
        center = (self.lower + self.upper) / 2
        radius = torch.maximum(self.upper - center, center - self.lower)
        return center, torch.nextafter(radius, torch.tensor(torch.inf, dtype=torch.float64))

    def largest(self) -> torch.Tensor:
        """The largest absolute value of each entry."""
        return torch.maximum(self.lower.abs(), self.upper.abs())


class Step(Protocol):
    """Protocol: one step of a network, as it is served and as it is bounded."""

    def value(self, *values: torch.Tensor) -> torch.Tensor:
        """The output for float64 inputs (rows, …)."""
        ...

    def bounds(self, *boxes: Box) -> Box:
        """Bounds on the output for all inputs in the boxes; see the invariant of this module."""
        ...


def rounding(products: int) -> float:
    """The bound g on the relative rounding error of a sum of products, in any order, with some to spare.

    >>> 27 * UNIT < rounding(27) < 40 * UNIT
    True
    """
    if products > _MOST_PRODUCTS:
        raise InvalidInput(f"interval bounds are for small networks: a sum has {products:,} products")
    count = (products + 8) * UNIT
    return count / (1 - 2 * count)


@dataclass(frozen=True, slots=True)
class Unfold:
    """The columns of a convolution: for each place of the output the inputs that it sums over."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]

    def columns(self, values: torch.Tensor) -> torch.Tensor:
        """(rows, inputs of a place, places) from (rows, channels, height, width)."""
        if values.ndim != 4:
            raise InvalidInput(f"a convolution takes (rows, channels, height, width); got {tuple(values.shape)}")
        return torch.nn.functional.unfold(values, self.kernel, self.dilation, self.padding, self.stride)

    def folded(self, outputs: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Outputs (rows, channels, places) as (rows, channels, height, width)."""
        sides = zip(values.shape[2:], self.kernel, self.stride, self.padding, self.dilation, strict=True)
        height, width = (
            (side + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            for side, kernel, stride, padding, dilation in sides
        )
        return outputs.reshape(*outputs.shape[:2], height, width)


@dataclass(frozen=True, slots=True)
class Flat:
    """The columns of a linear layer: one, of all inputs."""

    def columns(self, values: torch.Tensor) -> torch.Tensor:
        """(rows, inputs, 1) from (rows, inputs)."""
        if values.ndim != 2:
            raise InvalidInput(f"a linear layer takes (rows, numbers), after Flatten; got {tuple(values.shape)}")
        return values[:, :, None]

    def folded(self, outputs: torch.Tensor, values: torch.Tensor) -> torch.Tensor:  # noqa: ARG002  # as for `Unfold`
        """(rows, outputs) from (rows, outputs, 1)."""
        return outputs[:, :, 0]


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """Sums of products: a linear layer, or a convolution.

    Args:
        weight: float64 (groups, outputs of a group, inputs of a place in a group).
        bias: float64 (groups, outputs of a group).
        layout: How inputs become columns, and columns outputs.
    """

    weight: torch.Tensor
    bias: torch.Tensor
    layout: Unfold | Flat

    def __post_init__(self) -> None:
        expect_usable(self.weight, self.bias)

    def value(self, *values: torch.Tensor) -> torch.Tensor:
        """See `Step`."""
        (inputs,) = values
        outputs = self._product(self.weight, self._columns(inputs))
        return self._folded(outputs + self.bias[None, :, :, None], inputs)

    def bounds(self, *boxes: Box) -> Box:
        """See `Step`, and the proof in the docstring of this module."""
        (box,) = boxes
        center, radius = box.middle()
        g = rounding(self.weight.shape[-1])
        # TINY only inside the image: padding is 0, whatever is computed.
        spread = radius + 4 * g * (center.abs() + radius) + TINY
        sizes = self._product(self.weight.abs(), self._columns(spread))
        deviation = (sizes + (4 * g * self.bias.abs() + TINY)[None, :, :, None]) * (1 + 4 * g)
        return Box.around(self.value(center), self._folded(deviation, center))

    def _columns(self, values: torch.Tensor) -> torch.Tensor:
        columns = self.layout.columns(values)
        groups, _, inputs = self.weight.shape
        if columns.shape[1] != groups * inputs:
            raise InvalidInput(f"a layer takes {groups * inputs} numbers for each output; got {columns.shape[1]}")
        return columns.reshape(len(columns), groups, inputs, columns.shape[2])

    def _product(self, weight: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        # One product of matrices for each row, so that the other rows of a batch change no bit.
        rows, groups, inputs, places = columns.shape
        left = weight.expand(rows, *weight.shape).reshape(rows * groups, -1, inputs)
        return torch.bmm(left, columns.reshape(rows * groups, inputs, places)).reshape(rows, groups, -1, places)

    def _folded(self, outputs: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        rows, groups, each, places = outputs.shape
        return self.layout.folded(outputs.reshape(rows, groups * each, places), inputs)


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """Batch normalisation in evaluation mode: (x − mean)·scale + bias for each channel.

    Args:
        mean, scale, bias: float64 (channels,); the scale is at most 8 roundings away from the exact one.
    """

    mean: torch.Tensor
    scale: torch.Tensor
    bias: torch.Tensor

    def __post_init__(self) -> None:
        expect_usable(self.mean, self.scale, self.bias)

    def value(self, *values: torch.Tensor) -> torch.Tensor:
        """See `Step`."""
        (inputs,) = values
        mean, scale, bias = (self._spread(numbers, inputs) for numbers in (self.mean, self.scale, self.bias))
        return (inputs - mean) * scale + bias

    def bounds(self, *boxes: Box) -> Box:
        """See `Step`: a sum of three products at most, and a scale that is rounded itself."""
        (box,) = boxes
        center, radius = box.middle()
        g = rounding(16)
        mean, scale, bias = (self._spread(numbers.abs(), center) for numbers in (self.mean, self.scale, self.bias))
        size = radius + 4 * g * (center.abs() + radius + mean) + TINY
        return Box.around(self.value(center), (scale * size + 4 * g * bias + TINY) * (1 + 4 * g))

    def _spread(self, numbers: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        return numbers.reshape(1, -1, *[1] * (inputs.ndim - 2))


@dataclass(frozen=True, slots=True, eq=False)
class Monotone:
    """A step without rounding that never falls when an input rises: ReLU, the largest of a window, another shape."""

    function: Callable[[torch.Tensor], torch.Tensor]

    def value(self, *values: torch.Tensor) -> torch.Tensor:
        """See `Step`."""
        return self.function(*values)

    def bounds(self, *boxes: Box) -> Box:
        """See `Step`."""
        (box,) = boxes
        return Box(self.function(box.lower), self.function(box.upper))


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """Means of windows.

    Args:
        function: The function that takes them.
        count: The number of values in a window; None for all values of a channel, or fewer.
    """

    function: Callable[[torch.Tensor], torch.Tensor]
    count: int | None = None

    def value(self, *values: torch.Tensor) -> torch.Tensor:
        """See `Step`."""
        return self.function(*values)

    def bounds(self, *boxes: Box) -> Box:
        """See `Step`: a mean never falls when an input rises, and its rounding is that of a sum."""
        (box,) = boxes
        g = rounding(self.count or box.lower[0, 0].numel())
        size = 4 * g * self.function(box.largest() + TINY) * (1 + 4 * g)
        return Box.outward(self.function(box.lower) - size, self.function(box.upper) + size)


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of two inputs, such as that of a residual connection: rounded once, so one float outward is enough."""

    def value(self, *values: torch.Tensor) -> torch.Tensor:
        """See `Step`."""
        first, second = values
        if first.ndim != second.ndim:
            raise InvalidInput(f"a sum of {tuple(first.shape)} and {tuple(second.shape)} would mix rows of a batch")
        return first + second

    def bounds(self, *boxes: Box) -> Box:
        """See `Step`."""
        first, second = boxes
        return Box.outward(self.value(first.lower, second.lower), self.value(first.upper, second.upper))


@dataclass(frozen=True, slots=True, eq=False)
class WithConstant:
    """One operation with a constant that rises or falls with its input throughout.

    Args:
        function: The operation, such as a subtraction, of the input and the constant.
        constant: float64, a number or a tensor that is the same for each row of a batch.
    """

    function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    constant: torch.Tensor

    def value(self, *values: torch.Tensor) -> torch.Tensor:
        """See `Step`."""
        (inputs,) = values
        if self.constant.ndim > inputs.ndim or (self.constant.ndim == inputs.ndim and len(self.constant) != 1):
            shape = tuple(self.constant.shape)
            raise InvalidInput(f"a constant of {shape} is not the same for each row of {tuple(inputs.shape)}")
        return self.function(inputs, self.constant)

    def bounds(self, *boxes: Box) -> Box:
        """See `Step`: one operation, or a product with the reciprocal in place of a division, moves few units."""
        (box,) = boxes
        ends = self.value(box.lower), self.value(box.upper)
        low, high = torch.minimum(*ends), torch.maximum(*ends)
        return Box.outward(low - 8 * UNIT * low.abs(), high + 8 * UNIT * high.abs())


def expect_usable(*constants: torch.Tensor) -> None:
    """Raise `InvalidInput` unless all constants are finite numbers of usual size."""
    for constant in constants:
        if not bool((constant.abs() < LIMIT).all()):
            raise InvalidInput("the network has weights or statistics that are not finite; its bounds would be empty")
