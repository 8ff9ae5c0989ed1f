"""The transforms of published weights as a `Preprocessing`, compared with torchvision's own."""

from __future__ import annotations

from typing import Any

from PIL import Image
from torchvision.models import WeightsEnum  # type: ignore[import-untyped]  # has no types
from torchvision.transforms._presets import ImageClassification  # type: ignore[import-untyped]  # has no types

from maskcover.data import Preprocessing, expect_same
from maskcover.errors import InvalidInput
from maskcover.regions.preprocessing import CenterCrop, Resize

_REMEDY = "name what images go through with preprocessing=maskcover.data.Preprocessing(…)"


def preprocessing_of(weights: WeightsEnum) -> Preprocessing:
    """The transforms of published weights; the results equal those of torchvision on images of Pillow.

    >>> from torchvision.models import ResNet18_Weights
    >>> print(preprocessing_of(ResNet18_Weights.DEFAULT))
    Resize(256), CenterCrop(224); mean 0.485 0.456 0.406, std 0.229 0.224 0.225; 3 channels, chw
    """
    transforms = weights.transforms()
    if not isinstance(transforms, ImageClassification):
        kind = type(transforms).__name__
        raise InvalidInput(f"{weights} has the transforms {kind}, which are not supported; {_REMEDY}")
    resize = Resize(_side(transforms.resize_size), transforms.interpolation.value)
    steps = resize, CenterCrop(_side(transforms.crop_size))
    own = Preprocessing(steps, tuple(transforms.mean), tuple(transforms.std))
    return expect_same(own, lambda image: transforms(Image.fromarray(image)).numpy(), f"torchvision's {weights}")


def class_names_of(weights: WeightsEnum, num_classes: int | None = None) -> tuple[str, ...] | None:
    """The names of the classes of published weights, in the order of the scores; None for another number of classes."""
    names = weights.meta.get("categories")
    return tuple(map(str, names)) if names and num_classes in (None, len(names)) else None


def _side(size: Any) -> Any:
    """The length of the shorter side, or (height, width)."""
    return tuple(size) if len(size) == 2 else size[0]
