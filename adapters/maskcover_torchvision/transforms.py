"""What the images of published weights go through, as a `Preprocessing`, checked against what torchvision does."""

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
    """The transforms of published weights, done by Pillow, to the bit as torchvision's own on images of Pillow.

    >>> from torchvision.models import ResNet18_Weights
    >>> print(preprocessing_of(ResNet18_Weights.DEFAULT))
    Resize(256), CenterCrop(224); mean 0.485 0.456 0.406, std 0.229 0.224 0.225; 3 channels, chw
    """
    found = weights.transforms()
    if not isinstance(found, ImageClassification):
        raise InvalidInput(f"{weights} has the transforms {type(found).__name__}, which are not done here; {_REMEDY}")
    steps = Resize(_side(found.resize_size), found.interpolation.value), CenterCrop(_side(found.crop_size))
    own = Preprocessing(steps, tuple(found.mean), tuple(found.std))
    return expect_same(own, lambda picture: found(Image.fromarray(picture)).numpy(), f"torchvision's {weights}")


def class_names_of(weights: WeightsEnum, num_classes: int | None = None) -> tuple[str, ...] | None:
    """The names of the classes of published weights, in the order of the scores, if there are as many."""
    found = weights.meta.get("categories")
    return tuple(map(str, found)) if found and num_classes in (None, len(found)) else None


def _side(size: Any) -> Any:
    """The length of the shorter side, or (height, width)."""
    return tuple(size) if len(size) == 2 else size[0]
