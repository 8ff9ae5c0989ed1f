"""Hides parts of training images: squares at random centres (Cutout), or masks drawn from a mask set.

Both hide by selection, as the defence does: visible pixels keep every bit, and hidden ones leave no trace.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from maskcover.amounts import cells_up, parse_amount
from maskcover.classifiers.occlusion import Fill as FillValue
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover_torch.attacks.inputs import whole
from maskcover_torch.model import Fill
from maskcover_torch.training.schedules import Schedule, as_schedule


class Hiding(Protocol):
    """Hides parts of training images. Its text (`str`) holds all its settings; runs are compared by it."""

    def __call__(self, images: torch.Tensor, generator: torch.Generator, progress: float = 0.0) -> torch.Tensor:
        """New images of the same shape; `progress` is the progress of the training, from 0 to 1."""
        ...


@runtime_checkable
class HasLoss(Protocol):
    """Optional protocol: a way of training with a loss of its own, in place of that of images with parts hidden."""

    def loss(
        self,
        model: torch.nn.Module,
        images: torch.Tensor,
        labels: torch.Tensor,
        generator: torch.Generator,
        progress: float,
    ) -> torch.Tensor:
        """The loss of one step, a tensor of one number; see `IntervalTraining.loss`."""
        ...


@dataclass(frozen=True, slots=True)
class Cutout:
    """Squares at random centres of each image, cut off at its border.

    Args:
        size: The side: pixels (an int, or "128px"), or a fraction of the image's shorter side (a float, a Fraction,
            or "0.5"), rounded up. By default 4/7: the paper's 128 pixels on 224.
        count: Squares in each image.
        fill: What a hidden pixel becomes: one number, or one for each channel. 0 is the mean after normalisation.
        probability: The fraction of images that are masked, drawn for each image: a number, or a schedule.

    Called with float images (n, channels, height, width) and a `torch.Generator`, it returns new images of the same
    shape, dtype and device. Random numbers come from the generator's device: a generator on the CPU hides the same
    pixels on every device.

    Raises:
        InvalidInput: sizes, fills or fractions that are impossible, or, in a call, that do not fit the images.

    Source: T. DeVries, G. Taylor, "Improved regularization of convolutional neural networks with Cutout", 2017; the
    defaults are those of the paper's appendix A.

    >>> shown = Cutout(size=3, count=1)(torch.ones(2, 1, 9, 9), torch.Generator().manual_seed(0))
    >>> shown.unique().tolist(), bool(((shown == 0).sum(dim=(1, 2, 3)) <= 9).all())
    ([0.0, 1.0], True)
    """

    size: int | float | str | Fraction = Fraction(4, 7)
    count: int = 2
    fill: Fill = 0.0
    probability: float | Schedule = 1.0

    def __post_init__(self) -> None:
        whole("count", self.count)
        # One form for each setting, so that equal settings are equal values with equal texts.
        object.__setattr__(self, "size", parse_amount(self.size, "size"))
        object.__setattr__(self, "fill", FillValue(self.fill).values)
        object.__setattr__(self, "probability", as_schedule(self.probability))

    def __call__(self, images: torch.Tensor, generator: torch.Generator, progress: float = 0.0) -> torch.Tensor:
        """The images, some of them with hidden squares."""
        fill = filling(images, self.fill)
        count, _, height, width = images.shape
        side = self.side(height, width)
        # Drawn whatever the fraction is: the same seed gives the same squares, masked or not.
        tops, lefts = (_starts(count, self.count, extent, side, generator) for extent in (height, width))
        rows, columns = (
            _within(starts.to(images.device), side, extent) for starts, extent in ((tops, height), (lefts, width))
        )
        squares = (rows[..., :, None] & columns[..., None, :]).any(dim=1)
        chosen = _chosen(count, self.probability, progress, generator).to(images.device)
        return torch.where((squares & chosen)[:, None], fill, images)

    def side(self, height: int, width: int) -> int:
        """The side of the squares in pixels, on images of this size.

        >>> Cutout().side(224, 224), Cutout().side(28, 28), Cutout(size=3).side(28, 28)
        (128, 16, 3)
        """
        shorter = min(height, width)
        side = cells_up(parse_amount(self.size, "size"), shorter)
        if side > shorter:
            raise InvalidInput(f"squares of {side} px do not fit images of {height}×{width}; take a smaller size")
        return side


@dataclass(frozen=True)
class RandomMasks:
    """Masks drawn at random from a mask set, up to `per_image` of them hidden at once.

    Args:
        masks: The mask set, such as that of the defence.
        per_image: Masks drawn for an image, with replacement: 2 trains on the predictions that the certificate needs,
            those under single masks among them.
        fill, probability: As for `Cutout`.

    Called like `Cutout`, with images of the masks' size.

    >>> from maskcover import cover, squares
    >>> hiding = RandomMasks(cover(squares(size=3), image_size=9, grid=(3, 3)))
    >>> shown = hiding(torch.ones(2, 1, 9, 9), torch.Generator().manual_seed(0))
    >>> (shown == 0).sum(dim=(1, 2, 3)).tolist()
    [25, 25]
    """

    masks: MaskSet = field(repr=False)
    per_image: int = 1
    fill: Fill = 0.0
    probability: float | Schedule = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.masks, MaskSet) or not len(self.masks) or self.masks.grid.ndim != 2:
            raise InvalidInput("expected a MaskSet of at least one mask on images, such as cover(squares(size=32))")
        whole("per_image", self.per_image)
        object.__setattr__(self, "fill", FillValue(self.fill).values)
        object.__setattr__(self, "probability", as_schedule(self.probability))

    def __str__(self) -> str:
        return f"{self!r} of {self.masks.digest}"

    def __call__(self, images: torch.Tensor, generator: torch.Generator, progress: float = 0.0) -> torch.Tensor:
        """The images, some of them with hidden masks."""
        fill = filling(images, self.fill)
        if tuple(images.shape[2:]) != self.masks.grid.shape:
            raise InvalidInput(f"the masks are for images of {self.masks.grid}; got {tuple(images.shape)}")
        size = len(images), self.per_image
        numbers = torch.randint(len(self.masks), size, generator=generator, device=generator.device)
        hidden = self._hidden[numbers.cpu()].any(dim=1) & _chosen(size[0], self.probability, progress, generator).cpu()
        return torch.where(hidden[:, None].to(images.device), fill, images)

    @cached_property
    def _hidden(self) -> torch.Tensor:
        return torch.from_numpy(np.asarray(self.masks))


def filling(images: object, fill: Fill) -> torch.Tensor:
    """The fill (1, channels or 1, 1, 1) in the images' dtype; `InvalidInput` if images or fill are unsuitable."""
    if not isinstance(images, torch.Tensor) or images.ndim != 4 or not images.is_floating_point():
        received = (
            f"{images.dtype} {tuple(images.shape)}" if isinstance(images, torch.Tensor) else type(images).__name__
        )
        raise InvalidInput(f"expected float images (n, channels, height, width); got {received}")
    values = FillValue(fill).values
    if len(values) not in (1, images.shape[1]):
        raise InvalidInput(f"fill has {len(values)} values; the images have {images.shape[1]} channels")
    return torch.tensor(values, dtype=images.dtype, device=images.device).reshape(1, -1, 1, 1)


def _starts(images: int, squares: int, extent: int, side: int, generator: torch.Generator) -> torch.Tensor:
    """Where squares with random centres start along one axis, (images, squares, 1); they may stick out."""
    centres = torch.randint(extent, (images, squares, 1), generator=generator, device=generator.device)
    return centres - side // 2


def _within(starts: torch.Tensor, side: int, extent: int) -> torch.Tensor:
    """Which cells of one axis lie in each square: bool (images, squares, extent)."""
    cells = torch.arange(extent, device=starts.device)
    return (starts <= cells) & (cells < starts + side)


def _chosen(images: int, probability: float | Schedule, progress: float, generator: torch.Generator) -> torch.Tensor:
    """Which images are masked: bool (images, 1, 1)."""
    random = torch.rand((images, 1, 1), generator=generator, device=generator.device)
    return random < as_schedule(probability)(progress)
