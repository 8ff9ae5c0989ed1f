"""Preprocessing and class names from the configuration of a timm model; nothing is guessed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy.typing as npt
import torch
from maskcover_torch.identity import unwrapped
from PIL import Image
from timm.data import ImageNetInfo, create_transform, infer_imagenet_subset, resolve_data_config

from maskcover.data import ImageArray, Preprocessing, expect_same
from maskcover.errors import InvalidInput
from maskcover.regions.preprocessing import CenterCrop, Resize, Step

_NEEDED = ("input_size", "mean", "std", "interpolation", "crop_pct", "crop_mode")
_IMAGENET = re.compile(r"(^|_)in(1|12|21|22)k(_|$)")  # in a tag such as a1_in1k; the number of classes tells which
_REMEDY = "name what images go through with preprocessing=maskcover.data.Preprocessing(…)"


def preprocessing_of(model: torch.nn.Module) -> Preprocessing:
    """The evaluation transform of a timm model's `pretrained_cfg`; its results equal those of timm's own.

    The model may be inside `DataParallel` or `torch.compile`.

    Raises:
        InvalidInput: the model has no such configuration, or the configuration does not agree with the model. timm's
            own `resolve_data_config` would go on with defaults.

    >>> import timm
    >>> print(preprocessing_of(timm.create_model("resnet18")))
    Resize(235, kernel="bicubic"), CenterCrop(224); mean 0.485 0.456 0.406, std 0.229 0.224 0.225; 3 channels, chw
    """
    inner = unwrapped(model)
    config = getattr(inner, "pretrained_cfg", None)
    if not isinstance(config, Mapping):
        raise InvalidInput(f"{type(inner).__name__} has no pretrained_cfg of timm (is it inside a wrapper?); {_REMEDY}")
    missing = [name for name in _NEEDED if config.get(name) is None]
    if missing:
        raise InvalidInput(f"the pretrained_cfg of {type(inner).__name__} lacks {', '.join(missing)}; {_REMEDY}")
    channels, height, width = config["input_size"]
    _expect_built_for(inner, (height, width))
    _expect_channels(inner, channels)
    steps = _steps((height, width), config)
    own = Preprocessing(steps, tuple(config["mean"]), tuple(config["std"]), channels)
    return expect_same(own, _evaluation(config), f"timm's transform for {type(inner).__name__}")


def class_names_of(model: torch.nn.Module) -> tuple[str, ...] | None:
    """The names of a timm model's classes, in the order of its scores; None if its configuration does not tell.

    They are the names that the configuration lists. Otherwise, if the tag of the weights names a version of ImageNet
    with as many classes, they are the WordNet ids of that version.

    >>> import timm
    >>> class_names_of(timm.create_model("test_resnet"))[:2]
    ('n01440764', 'n01443537')
    """
    inner = unwrapped(model)
    config, count = getattr(inner, "pretrained_cfg", None), getattr(inner, "num_classes", None)
    if not isinstance(config, Mapping):
        return None
    names = config.get("label_names")
    if names is None and _IMAGENET.search(str(config.get("tag", ""))):
        subset = infer_imagenet_subset(dict(config))
        names = None if subset is None else ImageNetInfo(subset).label_names()
    return tuple(map(str, names)) if names is not None and len(names) == count else None


def _steps(size: tuple[int, int], config: Mapping[str, Any]) -> tuple[Step, ...]:
    """The steps that `timm.data.create_transform` builds for evaluation."""
    kernel, mode = config["interpolation"], config["crop_mode"]
    scaled = tuple(math.floor(side / config["crop_pct"]) for side in size)
    if mode == "squash":
        return Resize((scaled[0], scaled[1]), kernel), CenterCrop(size)
    if mode == "center" and size[0] == size[1]:
        return Resize(scaled[0], kernel), CenterCrop(size[0])
    raise InvalidInput(f"timm's crop mode {mode!r} for inputs of {size[0]}×{size[1]} is not supported; {_REMEDY}")


def _evaluation(config: Mapping[str, Any]) -> Callable[[ImageArray], npt.ArrayLike]:
    transform = create_transform(**resolve_data_config(pretrained_cfg=dict(config)))
    return lambda image: transform(Image.fromarray(image)).numpy()


def _expect_built_for(model: torch.nn.Module, size: tuple[int, int]) -> None:
    built = getattr(getattr(model, "patch_embed", None), "img_size", None)
    if built is not None and tuple(built) != size:
        raise InvalidInput(
            f"{type(model).__name__} was built for {built[0]}×{built[1]}, but its pretrained_cfg says "
            f"{size[0]}×{size[1]}; {_REMEDY}"
        )


def _expect_channels(model: torch.nn.Module, declared: int) -> None:
    """Refuse a model that was built for another number of channels than its configuration declares."""
    built = _channels(model, declared)
    if built != declared:
        raise InvalidInput(
            f"{type(model).__name__} was built for images of {built} channels, but its pretrained_cfg declares "
            f"{declared}; {_REMEDY}, or on the command line with --channels {built} --mean … --std … "
            "--input-size … --override-preprocessing"
        )


def _channels(model: torch.nn.Module, declared: int) -> int:
    """The number of channels of a model's images: timm tells it since 1.0.31; before, only a first layer for 1 does."""
    built = getattr(model, "in_chans", None)
    if built is not None:
        return int(built)
    first = getattr(model, "pretrained_cfg", {}).get("first_conv")
    stem = model.get_submodule(first) if isinstance(first, str) else None
    return 1 if getattr(stem, "in_channels", None) == 1 else declared
