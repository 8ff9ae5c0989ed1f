"""`Preprocessing`: the steps from an image to the model's input, through which region sets can be pulled back.

The same steps make the image and pull a region set back through it, so a certificate in the frame of the source is
about the pixels that were really read. Pillow and numpy do everything, whatever a framework would use: one fixed
backend, with its version in the fingerprint (docs/threats.md, 12 to 16).
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from maskcover.data.images import ImageArray
from maskcover.data.pillow import pillow
from maskcover.errors import InvalidInput
from maskcover.regions.preprocessing import CenterCrop, Crop, Fit, Flip, Pad, Resize, Step
from maskcover.regions.preprocessing.kernels import LONGEST

FloatImage = npt.NDArray[np.float32]
Layout = Literal["chw", "hwc"]
_FILTERS = {
    "nearest": "NEAREST",
    "bilinear": "BILINEAR",
    "bicubic": "BICUBIC",
    "lanczos": "LANCZOS",
    "area": "BOX",
    "hamming": "HAMMING",
}
_COPIES = (CenterCrop, Crop, Flip, Pad)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """The steps from an image to the model's input, in whose pixels regions and masks are given.

    Args:
        steps: The steps on the 8-bit image, in order: `Resize` and `Fit` by Pillow, `CenterCrop`, `Crop`, `Flip`,
            `Pad` with black.
        mean, std: After scaling to [0, 1], the mean is subtracted and the result divided by std: one number, or one for
            each channel.
        channels: 3, or 1 for a model of grey images.
        layout: "chw" for channels first, "hwc" for channels last.

    >>> shrink = Preprocessing((Resize(4, "bicubic"), CenterCrop(2)), mean=(0.5,), std=(0.5,))
    >>> shrink(np.full((8, 12, 3), 255, np.uint8)).shape, shrink.size
    ((3, 2, 2), (2, 2))
    """

    steps: tuple[Step, ...] = ()
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    channels: int = 3
    layout: Layout = "chw"

    def __post_init__(self) -> None:
        if self.channels not in (1, 3) or self.layout not in ("chw", "hwc"):
            raise InvalidInput(
                f'channels must be 1 or 3, and layout "chw" or "hwc"; got {self.channels}, {self.layout!r}'
            )
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, self.channels) or not all(map(math.isfinite, values)):
                raise InvalidInput(
                    f"{name} must be one finite number, or one for each channel, of {self.channels}; got {values}"
                )
            # Canonical: equal preprocessings are equal values.
            spread = tuple(map(float, values)) * (self.channels // len(values))
            object.__setattr__(self, name, spread)
        if min(self.std) <= 0:
            raise InvalidInput(f"std must be above 0; got {self.std}")
        for step in self.steps:
            _expect_doable(step)

    @property
    def identity(self) -> str:
        """The steps and the version of Pillow, as a text for a fingerprint."""
        return f"{self!r} by Pillow {pillow().__version__}"

    @classmethod
    def of_identity(cls, identity: str) -> Preprocessing | None:
        """The preprocessing that an `identity` names; None if that names none, as where a program prepared the images.

        >>> shrink = Preprocessing((Resize(4), Flip("vertical")), mean=(0.5,))
        >>> Preprocessing.of_identity(shrink.identity) == shrink, Preprocessing.of_identity("halved and flipped")
        (True, None)
        """
        try:
            named = _value(ast.parse(identity.rpartition(" by Pillow ")[0], mode="eval").body)
        except (InvalidInput, SyntaxError, ValueError, TypeError, KeyError, RecursionError, MemoryError):
            return None
        return named if isinstance(named, cls) else None

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) of the result, if it is the same for all images."""
        size: tuple[int, int] | None = None
        for step in self.steps:
            if isinstance(step, Fit | CenterCrop | Crop) or (isinstance(step, Resize) and isinstance(step.size, tuple)):
                size = step.output((LONGEST, LONGEST))
            elif size is not None:
                size = step.output(size)
        return size

    @property
    def range(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The least and the greatest value of a pixel, for each channel: black and white after scaling."""
        scales = list(zip(self.mean, self.std, strict=True))
        return tuple(-mean / std for mean, std in scales), tuple((1.0 - mean) / std for mean, std in scales)

    def output(self, sides: tuple[int, int]) -> tuple[int, int]:
        """(height, width) of the result for an image of (height, width)."""
        for step in self.steps:
            sides = step.output(sides)
        return sides

    def __call__(self, image: ImageArray) -> FloatImage:
        """The model's input, float32 of shape (channels, height, width) or (height, width, channels).

        Args:
            image: uint8 of shape (height, width, 3), or (height, width) for a grey image.
        """
        pixels = _with_channels(image, self.channels)
        for step in self.steps:
            pixels = _apply(step, pixels)
        scaled = pixels.astype(np.float32) / np.float32(255)
        normalised = (scaled - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(normalised.transpose(2, 0, 1) if self.layout == "chw" else normalised)

    def __str__(self) -> str:
        steps = ", ".join(map(str, self.steps)) or "as it is"
        return (
            f"{steps}; mean {_in_words(self.mean)}, std {_in_words(self.std)}; {self.channels} channels, {self.layout}"
        )


def _value(node: ast.expr) -> Any:
    """The value of a literal, or of a call of a step or of `Preprocessing` with literals; nothing else is evaluated."""
    if isinstance(node, ast.Tuple):
        return tuple(map(_value, node.elts))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
        kinds = {kind.__name__: kind for kind in (Preprocessing, CenterCrop, Crop, Fit, Flip, Pad, Resize)}
        return kinds[node.func.id](**{str(word.arg): _value(word.value) for word in node.keywords})
    return ast.literal_eval(node)


def expect_same(ours: Preprocessing, theirs: Callable[[ImageArray], npt.ArrayLike], name: str) -> Preprocessing:
    """Compare a preprocessing with another on two images of noise; returns it if they agree to within rounding.

    Adapters call it to notice a declaration of a model that is incomplete, or that they misread. Raises `InvalidInput`
    if the two differ.

    >>> expect_same(Preprocessing(), lambda image: image.transpose(2, 0, 1) / 255, "the other one") is not None
    True
    """
    for height, width in ((301, 418), (533, 266)):
        image = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
        mine, other = ours(image), np.asarray(theirs(image))
        if mine.shape != other.shape or not np.allclose(mine, other, rtol=0, atol=1e-5):
            raise InvalidInput(
                f"{name} does something else than it declares ({ours}); name what images go through with "
                "preprocessing=maskcover.data.Preprocessing(…)"
            )
    return ours


def _expect_doable(step: object) -> None:
    if isinstance(step, (Fit, *_COPIES)) or (isinstance(step, Resize) and step.backend == "pillow"):
        if isinstance(step, Pad) and step.mode != "constant":
            raise InvalidInput(f"a preprocessing pads with black; got {step}")
        return
    raise InvalidInput(
        f"a preprocessing is done by Pillow, with Resize, Fit, CenterCrop, Crop, Flip and Pad; got {step}: "
        "do other steps yourself, and give the images as the model takes them"
    )


def _with_channels(image: ImageArray, channels: int) -> ImageArray:
    """The image as uint8 (height, width, channels)."""
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (1,), (3,)):
        raise InvalidInput(
            f"expected an image uint8 (height, width, 3) or (height, width); got {image.dtype} {image.shape}"
        )
    flat = image[:, :, 0] if image.shape[2:] == (1,) else image
    if channels == 3:
        return flat if flat.ndim == 3 else np.repeat(flat[:, :, None], 3, axis=2)
    grey = flat if flat.ndim == 2 else np.asarray(pillow().Image.fromarray(flat).convert("L"))
    return grey[:, :, None]


def _apply(step: Step, pixels: ImageArray) -> ImageArray:
    """The result of one step on uint8 (height, width, channels)."""
    if isinstance(step, Resize | Fit):
        return _resample(step, pixels)
    # Steps that only move pixels use the same indices with which regions are pulled back.
    rows, columns = step.axes((pixels.shape[0], pixels.shape[1]))
    moved = pixels[rows.first][:, columns.first]
    outside = (rows.first == rows.stop)[:, None] | (columns.first == columns.stop)[None, :]
    return np.where(outside[:, :, None], np.uint8(0), moved)


def _resample(step: Resize | Fit, pixels: ImageArray) -> ImageArray:
    module = pillow()
    image = module.Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])
    size = step.output((pixels.shape[0], pixels.shape[1]))[::-1]
    resampling = module.Image.Resampling[_FILTERS[step.kernel]]
    if isinstance(step, Fit):
        resized = module.ImageOps.fit(image, size, method=resampling)
    else:
        resized = image.resize(size, resampling)
    return np.asarray(resized, dtype=np.uint8).reshape(*size[::-1], pixels.shape[2])


def _in_words(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:g}" for value in (values[:1] if len(set(values)) == 1 else values))
