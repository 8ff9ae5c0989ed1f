"""Image processors of transformers as a `Preprocessing`, compared with what they really do.

One name of a processor stands for two backends, Pillow and torchvision, that round differently (threats.md, 14). Here
it is always Pillow, and its version is part of the fingerprint.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import transformers
from PIL import Image

from maskcover.data import ImageArray, Preprocessing, expect_same
from maskcover.data.preprocessing import FloatImage
from maskcover.errors import InvalidInput
from maskcover.regions.preprocessing import CenterCrop, Resize, Step

_KERNELS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "area", 5: "hamming"}
_WARPED_FROM = 384  # pixels: from this size on ConvNeXt's processor squeezes the whole image instead of cropping it
_REMEDY = "name what images go through with preprocessing=maskcover.data.Preprocessing(…)"


def preprocessing_of(processor: Any) -> Preprocessing:
    """The preprocessing of an image processor, or of a processor that holds one.

    Raises:
        InvalidInput: the processor does what a `Preprocessing` cannot do, or something else than it declares.

    >>> print(preprocessing_of(transformers.ViTImageProcessor()))
    Resize((224, 224)); mean 0.5, std 0.5; 3 channels, chw
    """
    images = getattr(processor, "image_processor", processor)
    if not hasattr(images, "to_dict"):
        raise InvalidInput(f"expected an image processor of transformers; got {type(processor).__name__}")
    name = type(images).__name__
    try:
        return _read(images, name)
    except InvalidInput:
        raise
    except Exception as error:  # its entries may be of any kind
        raise InvalidInput(
            f"{name} declares what cannot be read ({type(error).__name__}: {error}); expected size, image_mean and "
            f"image_std of a classifier of images with 3 channels; {_REMEDY}"
        ) from error


def _read(images: Any, name: str) -> Preprocessing:
    declared = images.to_dict()
    if declared.get("do_rescale") and not math.isclose(declared["rescale_factor"], 1 / 255):
        raise InvalidInput(f"{name} scales pixels by {declared['rescale_factor']}, not 1/255; {_REMEDY}")
    if declared.get("do_pad") or not declared.get("do_rescale"):
        raise InvalidInput(f"{name} pads images, or does not scale them to [0, 1]; {_REMEDY}")
    mean, std = (declared["image_mean"], declared["image_std"]) if declared.get("do_normalize") else ((0.0,), (1.0,))
    preprocessing = Preprocessing(_steps(declared), _numbers(mean), _numbers(std))
    twin = with_pillow(images)
    return expect_same(preprocessing, lambda image: _processed_by(twin, image), name)


def _numbers(values: Any) -> tuple[float, ...]:
    """One number for all channels, or one for each channel."""
    return (float(values),) if isinstance(values, int | float) else tuple(map(float, values))


def with_pillow(images: Any) -> Any:
    """The same image processor with Pillow as its backend."""
    if getattr(images, "backend", None) == "pil":
        return images
    name = type(images).__name__.removesuffix("Fast") + "Pil"
    twin = getattr(transformers, name, None)
    if twin is None:
        raise InvalidInput(f"transformers has no {name}, the processor that works with Pillow; {_REMEDY}")
    return twin.from_dict(images.to_dict())


def _processed_by(images: Any, image: ImageArray) -> FloatImage:
    pixels = images(images=Image.fromarray(image), return_tensors="np")["pixel_values"][0]
    return np.asarray(pixels, dtype=np.float32)


def _steps(declared: dict[str, Any]) -> tuple[Step, ...]:
    crop = _sides(declared["crop_size"]) if declared.get("do_center_crop") else None
    cropped = () if crop is None else (CenterCrop(crop, rounding="down"),)
    if not declared.get("do_resize"):
        return cropped
    kernel, size = _KERNELS[int(declared["resample"])], declared["size"]
    short = size.get("shortest_edge")
    if short is None:
        return Resize(_sides(size), kernel), *cropped
    if declared.get("crop_pct") is None:
        return Resize(short, kernel), *cropped
    if short >= _WARPED_FROM:
        return Resize((short, short), kernel), *cropped
    return Resize(int(short / declared["crop_pct"]), kernel), CenterCrop(short, rounding="down"), *cropped


def _sides(size: dict[str, Any]) -> tuple[int, int]:
    if {"height", "width"} <= size.keys():
        return size["height"], size["width"]
    raise InvalidInput(f"expected a size of height and width; got {size}; {_REMEDY}")
