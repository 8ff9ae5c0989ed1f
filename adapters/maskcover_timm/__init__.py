"""The adapter for timm: its models by name, with the preprocessing that their weights were trained with."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any

import timm
import torch
from maskcover_torch import TorchAdapter, TorchClassifier
from maskcover_torch.making import torch_classifier
from maskcover_torch.weights import classes_in, only_weights, read_weights, reason, warn_of_new_head

from maskcover.errors import InvalidInput
from maskcover_timm.configuration import class_names_of, preprocessing_of

__all__ = ["ADAPTER", "TimmAdapter", "class_names_of", "preprocessing_of"]

_OF_NUMPY = (".npz", ".npy")  # weights from JAX, which timm reads itself, without pickles


class TimmAdapter(TorchAdapter):
    """The adapter behind the entry point `maskcover.classifiers: timm`; its classifiers know their preprocessing."""

    names = "NAME"

    def classifier(self, model: torch.nn.Module, **options: Any) -> TorchClassifier:
        """A `TorchClassifier` with the model's own preprocessing and class names, unless the options name others."""
        named = options.pop("preprocessing", None)
        defaults = {"class_names": class_names_of(model)} | options
        return torch_classifier(model, preprocessing=named or preprocessing_of(model), **defaults)

    def load(
        self,
        name: str,
        *,
        weights: str = "pretrained",
        num_classes: int | None = None,
        in_chans: int | None = None,
        **options: Any,
    ) -> TorchClassifier:
        """A model by timm's name for it, such as ``vit_base_patch16_224`` or ``resnet50.a1_in1k``.

        Args:
            name: As for `timm.create_model`.
            weights: "pretrained": timm downloads the weights unless they are on this machine, or
                ``HF_HUB_OFFLINE=1`` forbids it. "random": the same at each call. Or the path of a checkpoint.
            num_classes: The number of classes; by default that of the checkpoint's last layer, or the model's own.
                With another number, pretrained weights get a new head, which has to be trained.
            in_chans: Channels of the images, if not 3. timm does not tell how to scale them: give `preprocessing`.
            **options: As for `TorchClassifier`, such as `device`.

        Raises:
            InvalidInput: timm has no such model, or the weights cannot be loaded.
        """
        if not timm.is_model(name) and ":" not in name:
            near = ", ".join(get_close_matches(name.split(".")[0], timm.list_models(), 5)) or "see timm.list_models()"
            raise InvalidInput(f"timm has no model {name!r}; similar names: {near}")
        if weights not in ("pretrained", "random") and not Path(weights).is_file():
            raise InvalidInput(f"weights are 'pretrained', 'random' or a checkpoint file; there is no file {weights}")
        built = {"num_classes": num_classes, "in_chans": in_chans}
        try:
            with only_weights():
                model = _built_model(name, weights, {key: value for key, value in built.items() if value is not None})
        except Exception as error:
            advice = "name a checkpoint on this machine with weights=PATH, or try weights='random'"
            if weights not in ("pretrained", "random"):
                advice = f"expected a file of torch.save(model.state_dict(), …) or safetensors, of a {name}"
            raise InvalidInput(f"timm cannot load {name} with weights {weights} ({reason(error)}); {advice}") from error
        # A user's checkpoint does not tell the names of its classes.
        unknown = {} if weights == "pretrained" else {"class_names": None}
        return self.classifier(model.eval(), **unknown | options)


def _built_model(name: str, weights: str, built: dict[str, Any]) -> Any:
    if weights == "random":
        return _new_model(name, built)
    if weights == "pretrained":
        model = _new_model(name, built, pretrained=True)
        published = model.pretrained_cfg.get("num_classes")
        if published not in (None, model.num_classes):
            warn_of_new_head(name, model.num_classes, published)
        return model
    if Path(weights).suffix in _OF_NUMPY:
        return _new_model(name, built, checkpoint_path=weights)
    state, model = read_weights(weights), _new_model(name, built)
    classes = model.num_classes if "num_classes" in built else classes_in(state, model.state_dict(), model.num_classes)
    _expect_no_background(model, classes)
    if classes != model.num_classes:
        model = _new_model(name, built | {"num_classes": classes})
    model.load_state_dict(state)
    return model


def _new_model(name: str, built: dict[str, Any], **how: Any) -> Any:
    """A new model, with the same weights each time; torch's random state is not changed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return timm.create_model(name, **how, **built)


def _expect_no_background(model: Any, classes: int) -> None:
    """Refuse a checkpoint with a background class: some published ones begin with one, which timm itself cuts off."""
    offset = model.pretrained_cfg.get("label_offset", 0)
    if offset and classes == model.num_classes + offset:
        raise InvalidInput(
            f"the checkpoint has {classes} classes, and the first one is background: the number of every other "
            f"class would be too high by one; load it with weights='pretrained', or name num_classes={classes}"
        )


ADAPTER = TimmAdapter()
