"""Building models of torchvision by name, with published weights, those of a checkpoint, or random ones."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
import torchvision  # type: ignore[import-untyped]  # has no types
from maskcover_torch.weights import Weights, classes_in, read_weights, warn_of_new_head
from torchvision.models import WeightsEnum, get_model, get_model_weights, list_models  # type: ignore[import-untyped]  # has no types

from maskcover.errors import InvalidInput

_CLASSES = 1000
# Two models may have auxiliary heads, which not all checkpoints hold, and may scale their images once more.
_AUXILIARY = {"googlenet": "aux1.", "inception_v3": "AuxLogits."}


def expect_name(name: str) -> None:
    """Raise `InvalidInput` unless torchvision has a classifier of this name."""
    names = list_models(module=torchvision.models)
    if name not in names:
        near = ", ".join(get_close_matches(name, names, 5)) or "see torchvision.models.list_models()"
        raise InvalidInput(f"torchvision has no classifier {name!r}; similar names: {near}")


def published(name: str, weights: str) -> WeightsEnum | None:
    """The published weights of a model by their name; "pretrained" means the best ones. None if there are none."""
    entry = get_model_weights(name).__members__.get("DEFAULT" if weights == "pretrained" else weights)
    if entry is not None and not entry.meta.get("categories"):
        raise InvalidInput(f"{entry} are weights of features, without classes; name others")
    return entry


def built(name: str, weights: WeightsEnum, num_classes: int | None) -> torch.nn.Module:
    """A model with published weights; with a new head if another number of classes is required."""
    here = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rpartition("/")[2]
    if not here.exists() and os.environ.get("HF_HUB_OFFLINE", "0").lower() in ("1", "on", "yes", "true"):
        raise InvalidInput(
            f"the weights {weights} are not on this machine, at {here}, and HF_HUB_OFFLINE forbids a download; name a "
            "checkpoint with weights=PATH"
        )
    model = _new_model(name, weights=weights, progress=False)
    classes = len(weights.meta["categories"])
    if num_classes in (None, classes):
        return model
    warn_of_new_head(name, num_classes, classes)
    headless = _new_model(name, **_auxiliary(name, None, name in _AUXILIARY or None), num_classes=num_classes)
    shapes = {key: value.shape for key, value in headless.state_dict().items()}
    fitting = {key: value for key, value in model.state_dict().items() if value.shape == shapes[key]}
    headless.load_state_dict(fitting, strict=False)
    return headless


def restored(name: str, weights: str, num_classes: int | None, transform_input: bool | None) -> torch.nn.Module:
    """A model with the weights of a checkpoint, or with random ones."""
    if weights == "random":
        return _new_model(name, **_auxiliary(name, None, transform_input), **_class_count_option(num_classes))
    if not Path(weights).is_file():
        names = ", ".join(get_model_weights(name).__members__)
        raise InvalidInput(
            f"weights are 'pretrained', 'random', one of {names}, or a checkpoint file; there is no file {weights}"
        )
    state = read_weights(weights)
    options = _auxiliary(name, state, transform_input)
    model = _new_model(name, **options, **_class_count_option(num_classes))
    if num_classes is None:
        classes = classes_in(state, model.state_dict(), _CLASSES)
        model = model if classes == _CLASSES else _new_model(name, **options, num_classes=classes)
    model.load_state_dict(state)
    return model


def _auxiliary(name: str, state: Weights | None, transform_input: bool | None) -> dict[str, Any]:
    """Further options that googlenet and inception_v3 need; with and without scaling they are two classifiers."""
    if name not in _AUXILIARY:
        if transform_input is not None:
            raise InvalidInput(f"only {' and '.join(_AUXILIARY)} have transform_input; leave it out")
        return {}
    if state is None:
        return {"init_weights": True, "aux_logits": False, "transform_input": bool(transform_input)}
    if transform_input is None:
        raise InvalidInput(
            f"a checkpoint of {name} does not say whether images are scaled once more inside, as in torchvision's own: "
            "give transform_input=true if it was trained from those, else transform_input=false"
        )
    has = any(key.startswith(_AUXILIARY[name]) for key in state)
    return {"init_weights": False, "aux_logits": has, "transform_input": transform_input}


def _class_count_option(num_classes: int | None) -> dict[str, int]:
    return {} if num_classes is None else {"num_classes": num_classes}


def _new_model(name: str, **options: Any) -> torch.nn.Module:
    """A new model, with the same weights each time; torch's random state is not changed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: torch.nn.Module = get_model(name, **options)
        return model
