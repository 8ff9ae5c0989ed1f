"""The steps of a preprocessing, from the image that the attacker draws on to the model's input.

Every step is separable: the pixels that a box can change are the product over the axes of the output indices that
depend on the box's interval, and those that a union of boxes can change are the union. `kernels.py` has the reach of
resampling kernels. No image is processed here.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, dataclass, field, fields
from operator import index
from typing import SupportsIndex

import numpy as np

from maskcover.errors import InvalidInput
from maskcover.regions.preprocessing import kernels
from maskcover.regions.preprocessing.supports import AxisSupport, IntArray

Sides = tuple[int, int]
Axes = tuple[AxisSupport, AxisSupport]

_SMOOTH = ("bilinear", "bicubic", "lanczos")
_KERNELS = {"pillow": kernels.PILLOW, "torch": kernels.TORCH}
# From positions on a padded axis to source indices; outside the axis is a constant.
_PADDINGS: dict[str, Callable[[IntArray, int], IntArray]] = {
    "constant": lambda at, _: at,
    "edge": lambda at, length: np.clip(at, 0, length - 1),
    "reflect": lambda at, length: length - 1 - abs(length - 1 - abs(at)),
    "symmetric": lambda at, length: np.where(at < 0, -1 - at, np.minimum(at, 2 * length - 1 - at)),
}
# Number of pixels that a chroma sample covers, along (rows, columns).
_CHROMA = {"4:4:4": (1, 1), "4:2:2": (1, 2), "4:2:0": (2, 2)}


@dataclass(frozen=True, slots=True)
class Step(ABC):
    """One step of a preprocessing, an immutable value; ``str(step)`` is the Python call that makes it."""

    @abstractmethod
    def axes(self, sides: Sides) -> Axes:
        """The source rows and columns on which those of the output depend, for a source of (height, width) pixels.

        Raises `InvalidInput` for a bad size, or if the step cannot be applied to such a source.
        """

    def output(self, sides: Sides) -> Sides:
        """(height, width) after the step, for a source of (height, width) pixels."""
        rows, columns = self.axes(sides)
        return rows.outputs, columns.outputs

    def __str__(self) -> str:
        return f"{type(self).__name__}({', '.join(_arguments(self))})"


@dataclass(frozen=True, slots=True)
class Resize(Step):
    """Resize to (height, width), or so that the short side is `size`; the long side is then floor(size * long / short).

    backend "pillow": ``Image.resize`` on 8-bit images, which always antialiases; ``kernel="area"`` is Pillow's BOX.
    backend "torch": torchvision's ``resize`` or ``interpolate(align_corners=False)`` on float32, float64 or 8-bit
    tensors of finite values; ``kernel="area"`` is adaptive average pooling, ``antialias`` has no effect on it and on
    the nearest kernels, and "lanczos" needs it.

    >>> rows, columns = Resize(224, kernel="bicubic").axes((32, 32))
    >>> int(rows.touched(10, 15).sum())
    55
    """

    size: int | Sides
    kernel: str = "bilinear"
    backend: str = field(default="pillow", kw_only=True)
    antialias: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", _size(self.size))
        _check_choice(self.backend, "backend", _KERNELS)
        _check_choice(self.kernel, f"kernel of {self.backend}", _KERNELS[self.backend])
        if not self.antialias and (self.backend == "pillow" or self.kernel == "lanczos"):
            raise InvalidInput(
                f"{self.backend} has no {self.kernel} without antialiasing; leave antialias out, or use another kernel "
                "with backend='torch'"
            )

    def output(self, sides: Sides) -> Sides:
        """(height, width) after the step, for a source of (height, width) pixels."""
        height, width = _sides(sides)
        if not isinstance(self.size, int):
            return self.size
        long = self.size * max(height, width) // min(height, width)
        return _sides((self.size, long) if height <= width else (long, self.size), "resized sides")

    def axes(self, sides: Sides) -> Axes:
        """The source rows and columns on which those of the output depend."""
        rows, columns = zip(sides, self.output(sides), strict=True)
        if columns[1] == 1 and self.backend == "torch" and self.antialias and self.kernel in _SMOOTH:
            # PyTorch 2.15 on the CPU, floats: each row of such an output changes with every row of the source.
            raise InvalidInput(f"{self} makes one column of {rows[0]}×{columns[0]}, where PyTorch mixes up the rows")
        return self._axis(*rows), self._axis(*columns)

    def _axis(self, length: int, outputs: int) -> AxisSupport:
        if self.backend == "pillow":
            return kernels.pillow(length, outputs, self.kernel)
        return kernels.torch(length, outputs, self.kernel, self.antialias)


@dataclass(frozen=True, slots=True)
class Fit(Step):
    """Pillow's ``ImageOps.fit``: resize and cut out the centre together, on 8-bit images.

    >>> Fit((224, 224), kernel="bicubic").output((375, 500))
    (224, 224)
    """

    size: Sides
    kernel: str = "bicubic"

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", _sides(self.size, "size"))
        _check_choice(self.kernel, "kernel of pillow", kernels.PILLOW)

    def output(self, sides: Sides) -> Sides:
        """(height, width) after the step, for a source of (height, width) pixels."""
        _sides(sides)
        return self.size

    def axes(self, sides: Sides) -> Axes:
        """The source rows and columns on which those of the output depend."""
        (height, width), (rows, columns) = _sides(sides), self.size
        whole_rows, whole_columns = (kernels.pillow(*pair, self.kernel) for pair in ((height, rows), (width, columns)))
        if width * rows > columns * height:
            return whole_rows, kernels.fitted(width, columns, (height, rows), self.kernel)
        if width * rows < columns * height:
            return kernels.fitted(height, rows, (width, columns), self.kernel), whole_columns
        return whole_rows, whole_columns


@dataclass(frozen=True, slots=True)
class CenterCrop(Step):
    """Cut out the centre: (height, width), or a square; sides that are too short get a border of 0.

    Where the centre lies between two pixels, `rounding` to the "even" number is that of torchvision, and "down" that of
    the image processors of transformers.

    >>> CenterCrop(2).axes((5, 1))[0].first.tolist()      # (5 - 2) / 2 rounds to the even number
    [2, 3]
    """

    size: int | Sides
    rounding: str = field(default="even", kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", _size(self.size))
        _check_choice(self.rounding, "rounding", ("even", "down"))

    def axes(self, sides: Sides) -> Axes:
        """The source rows and columns on which those of the output depend."""
        height, width = _sides(sides)
        rows, columns = (self.size, self.size) if isinstance(self.size, int) else self.size
        return _centre(height, rows, self.rounding), _centre(width, columns, self.rounding)


@dataclass(frozen=True, slots=True)
class Crop(Step):
    """Cut out `height` rows from row `top` on and `width` columns from column `left` on, all inside the image.

    >>> str(Crop(0, 16, 224, 224))
    'Crop(0, 16, 224, 224)'
    """

    top: int
    left: int
    height: int
    width: int

    def __post_init__(self) -> None:
        for name, least in (("top", 0), ("left", 0), ("height", 1), ("width", 1)):
            _checked_integer(getattr(self, name), name, least)

    def axes(self, sides: Sides) -> Axes:
        """The source rows and columns on which those of the output depend."""
        height, width = _sides(sides)
        if self.top + self.height > height or self.left + self.width > width:
            raise InvalidInput(
                f"{self} reaches outside an image of {height}×{width}; make it smaller, or Pad before it"
            )
        rows, columns = np.arange(self.height) + self.top, np.arange(self.width) + self.left
        return AxisSupport.copies(height, rows), AxisSupport.copies(width, columns)


@dataclass(frozen=True, slots=True)
class Pad(Step):
    """Add rows and columns: of a constant, of the border pixel, or mirrored.

    `mode` is "constant", "edge", "reflect" (the border pixel is not repeated) or "symmetric" (it is). The order of the
    arguments is torchvision's: left, top, right, bottom.

    >>> Pad(2, 0, 1, 0, mode="reflect").axes((1, 3))[1].first.tolist()
    [2, 1, 0, 1, 2, 1]
    """

    left: int
    top: int
    right: int
    bottom: int
    mode: str = field(default="constant", kw_only=True)

    def __post_init__(self) -> None:
        for name in ("left", "top", "right", "bottom"):
            _checked_integer(getattr(self, name), name, 0)
        _check_choice(self.mode, "mode", _PADDINGS)

    def axes(self, sides: Sides) -> Axes:
        """The source rows and columns on which those of the output depend."""
        height, width = _sides(sides)
        return self._axis(height, self.top, self.bottom), self._axis(width, self.left, self.right)

    def _axis(self, length: int, before: int, after: int) -> AxisSupport:
        most = {"reflect": length - 1, "symmetric": length}.get(self.mode, kernels.LONGEST)
        if max(before, after) > most:
            raise InvalidInput(f"{self} mirrors more than a side of {length} px has; at most {most} px is possible")
        return AxisSupport.copies(length, _PADDINGS[self.mode](np.arange(-before, length + after), length))


@dataclass(frozen=True, slots=True)
class Flip(Step):
    """Mirror the image: "horizontal" swaps left and right, "vertical" top and bottom.

    >>> Flip("horizontal").axes((1, 3))[1].first.tolist()
    [2, 1, 0]
    """

    axis: str

    def __post_init__(self) -> None:
        _check_choice(self.axis, "axis", ("horizontal", "vertical"))

    def axes(self, sides: Sides) -> Axes:
        """The source rows and columns on which those of the output depend."""
        height, width = _sides(sides)
        if self.axis == "vertical":
            return _reversed(height), AxisSupport.identity(width)
        return AxisSupport.identity(height), _reversed(width)


@dataclass(frozen=True, slots=True)
class Jpeg(Step):
    """Encode as baseline JPEG with fixed tables and decode as libjpeg does; for 8-bit images.

    `subsampling` is that of the chroma: "4:4:4", "4:2:2" or "4:2:0". A sample depends on the 8×8 block in which it is
    coded. Chroma samples of 2 pixels make blocks of 16 pixels, and the decoder mixes 3/4 of a pixel's own sample with
    1/4 of the next nearest ("fancy upsampling"), so that the first and the last pixel of a block depend on the
    neighbouring block too. At the border the encoder repeats pixels of the last block.

    >>> rows, columns = Jpeg("4:2:0").axes((224, 224))
    >>> int(rows.touched(105, 137).sum())
    50
    """

    subsampling: str

    def __post_init__(self) -> None:
        _check_choice(self.subsampling, "subsampling", _CHROMA)

    def axes(self, sides: Sides) -> Axes:
        """The source rows and columns on which those of the output depend."""
        height, width = _sides(sides)
        tall, wide = _CHROMA[self.subsampling]
        return _coded(height, tall), _coded(width, wide)


@dataclass(frozen=True, slots=True)
class ReceptiveField(Step):
    """The grid of a network's cells, each of which depends on one window of the image: a step from pixels to cells.

    Cell j of an axis depends on the pixels from ``j * stride - padding`` on, `size` of them, cut to the axis; there are
    ``(length + 2 * padding - size) // stride + 1`` cells. Each argument is one number, or (rows, columns).

    >>> cells, _ = ReceptiveField(size=17, stride=8).axes((224, 224))
    >>> cells.outputs, max(int(cells.touched(start, start + 32).sum()) for start in range(193))
    (26, 6)
    """

    size: int | Sides
    stride: int | Sides
    padding: int | Sides = 0

    def __post_init__(self) -> None:
        for name, least in (("size", 1), ("stride", 1), ("padding", 0)):
            value = getattr(self, name)
            pair = _sides(value, name, least) if isinstance(value, Iterable) else (value, value)
            rows, columns = (_checked_integer(number, name, least) for number in pair)
            # One form for each field, so that equal fields are equal values.
            object.__setattr__(self, name, rows if rows == columns else (rows, columns))
        if any(size <= padding for size, _, padding in self.of_axes):
            raise InvalidInput(
                f"{self} would have cells that see no pixel at all; the padding must be smaller than the size"
            )

    @property
    def of_axes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """(size, stride, padding) along the rows, and along the columns."""
        pairs = [
            (value, value) if isinstance(value, int) else value for value in (self.size, self.stride, self.padding)
        ]
        (rows, columns) = zip(*pairs, strict=True)
        return rows, columns

    def axes(self, sides: Sides) -> Axes:
        """The source rows and columns on which those of the output depend."""
        rows, columns = (self._axis(length, *field) for length, field in zip(_sides(sides), self.of_axes, strict=True))
        return rows, columns

    def _axis(self, length: int, size: int, stride: int, padding: int) -> AxisSupport:
        if size > length + 2 * padding:
            raise InvalidInput(f"{self} needs a window of {size} px; a side of {length} px is too short for it")
        first = np.arange((length + 2 * padding - size) // stride + 1, dtype=np.int64) * stride - padding
        return AxisSupport(length, np.maximum(first, 0), np.minimum(first + size, length))


def pull(steps: Iterable[Step], sides: Sides) -> Axes:
    """The source rows and columns on which those of the model's input depend, behind all steps.

    Without steps each pixel depends on itself. Raises `InvalidInput` if a step cannot be applied.

    >>> rows, columns = pull([Resize(256), CenterCrop(224)], (375, 500))
    >>> rows.length, columns.length, rows.outputs, columns.outputs
    (375, 500, 224, 224)
    """
    height, width = _sides(sides)
    rows, columns = AxisSupport.identity(height), AxisSupport.identity(width)
    for step in steps:
        next_rows, next_columns = step.axes((rows.outputs, columns.outputs))
        rows, columns = rows.then(next_rows), columns.then(next_columns)
    return rows, columns


def _centre(length: int, outputs: int, rounding: str) -> AxisSupport:
    # A short side is padded first, with the odd pixel behind; `round` takes halves to the even number.
    half = (length - outputs) // 2 if rounding == "down" else round((length - outputs) / 2)
    start = -((outputs - length) // 2) if outputs > length else half
    return AxisSupport.copies(length, np.arange(start, start + outputs))


def _reversed(length: int) -> AxisSupport:
    return AxisSupport.copies(length, np.arange(length)[::-1])


def _coded(length: int, pixels: int) -> AxisSupport:
    """The support of coding in blocks of 8 samples, where a chroma sample covers `pixels` pixels, 1 or 2."""
    numbers, block = np.arange(length), 8 * pixels
    # Fancy upsampling reads one more sample on the side of the pixel: at most the sample of the next pixel.
    reach = pixels - 1
    first = np.maximum(numbers - reach, 0) // block * block
    stop = (np.minimum(numbers + reach, length - 1) // block + 1) * block
    return AxisSupport(length, first, np.minimum(stop, length))


def _arguments(step: Step) -> Iterator[str]:
    for argument in fields(step):
        value = getattr(step, argument.name)
        text = json.dumps(value) if isinstance(value, str) else repr(value)
        if argument.default is MISSING:
            yield text
        elif value != argument.default:
            yield f"{argument.name}={text}"


def _size(size: object) -> int | Sides:
    return _checked_integer(size, "size", 1) if isinstance(size, SupportsIndex) else _sides(size, "size")


def _sides(sides: object, name: str = "sides", least: int = 1) -> Sides:
    if not isinstance(sides, Iterable) or isinstance(sides, str) or len(pair := tuple(sides)) != 2:
        raise InvalidInput(f"{name} must be (height, width); got {sides!r}")
    height, width = (f"the {side} of {name}" for side in ("height", "width"))
    return _checked_integer(pair[0], height, least), _checked_integer(pair[1], width, least)


def _checked_integer(value: object, name: str, least: int) -> int:
    try:
        if isinstance(value, bool) or not least <= (number := index(value)) <= kernels.LONGEST:  # type: ignore[arg-type]
            raise TypeError
    except TypeError as error:
        raise InvalidInput(
            f"{name} must be a whole number from {least} to {kernels.LONGEST:,}; got {value!r}"
        ) from error
    return number


def _check_choice(value: str, name: str, choices: Iterable[str]) -> None:
    if value not in tuple(choices):
        raise InvalidInput(f"{name} must be one of {', '.join(choices)}; got {value!r}")
