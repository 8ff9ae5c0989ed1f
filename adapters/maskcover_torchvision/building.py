"""Models of torchvision by name, with published weights, with those of a checkpoint, or with random ones."""

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
# Two models have auxiliary heads, which checkpoints hold or not, and may scale their images once more.
_AUXILIARY = {"googlenet": "aux1.", "inception_v3": "AuxLogits."}


def expect_name(name: str) -> None:
    """Raise `InvalidInput` unless torchvision has a classifier of this name."""
    known = list_models(module=torchvision.models)
    if name not in known:
        near = ", ".join(get_close_matches(name, known, 5)) or "see torchvision.models.list_models()"
        raise InvalidInput(f"torchvision has no classifier {name!r}; similar names: {near}")


def published(name: str, weights: str) -> WeightsEnum | None:
    """The weights that torchvision publishes for a model under a name, "pretrained" being the best; None if none."""
    found = get_model_weights(name).__members__.get("DEFAULT" if weights == "pretrained" else weights)
    if found is not None and not found.meta.get("categories"):
        raise InvalidInput(f"{found} are weights of features, without classes; name others")
    return found


def built(name: str, weights: WeightsEnum, num_classes: int | None) -> torch.nn.Module:
    """The model with published weights, as torchvision builds it; with a new head for another number of classes."""
    here = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rpartition("/")[2]
    if not here.exists() and os.environ.get("HF_HUB_OFFLINE", "0").lower() in ("1", "on", "yes", "true"):
        raise InvalidInput(
            f"the weights {weights} are not here, at {here}, and HF_HUB_OFFLINE forbids to fetch them; name a "
            "checkpoint with weights=PATH"
        )
    found = _made(name, weights=weights, progress=False)
    classes = len(weights.meta["categories"])
    if num_classes in (None, classes):
        return found
    warn_of_new_head(name, num_classes, classes)
    headless = _made(name, **_auxiliary(name, None, name in _AUXILIARY or None), num_classes=num_classes)
    shapes = {key: value.shape for key, value in headless.state_dict().items()}
    kept = {key: value for key, value in found.state_dict().items() if value.shape == shapes[key]}
    headless.load_state_dict(kept, strict=False)
    return headless


def restored(name: str, weights: str, num_classes: int | None, transform_input: bool | None) -> torch.nn.Module:
    """The model with the weights of a checkpoint, or "random"."""
    if weights == "random":
        return _made(name, **_auxiliary(name, None, transform_input), **_given(num_classes))
    if not Path(weights).is_file():
        names = ", ".join(get_model_weights(name).__members__)
        raise InvalidInput(
            f"weights are 'pretrained', 'random', one of {names}, or a checkpoint file; there is no file {weights}"
        )
    read = read_weights(weights)
    options = _auxiliary(name, read, transform_input)
    model = _made(name, **options, **_given(num_classes))
    if num_classes is None:
        classes = classes_in(read, model.state_dict(), _CLASSES)
        model = model if classes == _CLASSES else _made(name, **options, num_classes=classes)
    model.load_state_dict(read)
    return model


def _auxiliary(name: str, read: Weights | None, transform_input: bool | None) -> dict[str, Any]:
    """What else two models must be told; the same weights with and without scaling are two classifiers."""
    if name not in _AUXILIARY:
        if transform_input is not None:
            raise InvalidInput(f"only {' and '.join(_AUXILIARY)} have transform_input; leave it out")
        return {}
    if read is None:
        return {"init_weights": True, "aux_logits": False, "transform_input": bool(transform_input)}
    if transform_input is None:
        raise InvalidInput(
            f"a checkpoint of {name} does not say whether images are scaled once more inside, as in torchvision's own: "
            "name transform_input=true if it was made from those, else transform_input=false"
        )
    has = any(key.startswith(_AUXILIARY[name]) for key in read)
    return {"init_weights": False, "aux_logits": has, "transform_input": transform_input}


def _given(num_classes: int | None) -> dict[str, int]:
    return {} if num_classes is None else {"num_classes": num_classes}


def _made(name: str, **options: Any) -> torch.nn.Module:
    """A new model, the same each time, that leaves torch's chance alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: torch.nn.Module = get_model(name, **options)
        return model
