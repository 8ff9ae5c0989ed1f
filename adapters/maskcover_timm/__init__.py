"""The adapter for timm: its models by name, with the preprocessing that their weights were trained with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch
from maskcover_torch import TorchAdapter, TorchClassifier

from maskcover.errors import InvalidInput
from maskcover_timm.configuration import preprocessing_of

__all__ = ["ADAPTER", "TimmAdapter", "preprocessing_of"]


class TimmAdapter(TorchAdapter):
    """What the entry point `maskcover.classifiers: timm` names: `TorchClassifier`s that know their preprocessing."""

    names = "NAME"

    def classifier(self, model: torch.nn.Module, **options: Any) -> TorchClassifier:
        """A `TorchClassifier` with the model's own preprocessing, unless another one is named."""
        named = options.pop("preprocessing", None)
        return TorchClassifier(model, preprocessing=named or preprocessing_of(model), **options)

    def load(
        self, name: str, *, weights: str = "pretrained", num_classes: int | None = None, **options: Any
    ) -> TorchClassifier:
        """A model by timm's name for it, such as ``vit_base_patch16_224`` or ``resnet50.a1_in1k``.

        Args:
            name: As for `timm.create_model`.
            weights: "pretrained", which timm fetches from the hub unless they are here already and
                ``HF_HUB_OFFLINE=1`` forbids it; "random", the same at each call; or the path of a checkpoint.
            num_classes: Of the checkpoint, if not the model's own.
            **options: As for `TorchClassifier`.

        Raises:
            InvalidInput: timm has no such model, or the weights cannot be loaded.
        """
        if not timm.is_model(name) and ":" not in name:
            near = ", ".join(timm.list_models(f"*{name.split('.')[0]}*")[:5]) or "see timm.list_models()"
            raise InvalidInput(f"timm has no model {name!r}; similar names: {near}")
        if weights not in ("pretrained", "random") and not Path(weights).is_file():
            raise InvalidInput(f"weights are 'pretrained', 'random' or a checkpoint file; there is no file {weights}")
        try:
            model = _made(name, weights, {} if num_classes is None else {"num_classes": num_classes})
        except Exception as error:
            raise InvalidInput(
                f"timm cannot load {name} with weights {weights} ({type(error).__name__}: {error}); name a checkpoint "
                "that is here with weights=PATH, or try weights='random'"
            ) from error
        return self.classifier(model.eval(), **options)


def _made(name: str, weights: str, options: dict[str, Any]) -> torch.nn.Module:
    path = "" if weights in ("pretrained", "random") else weights
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: torch.nn.Module = timm.create_model(
            name, pretrained=weights == "pretrained", checkpoint_path=path, **options
        )
    return model


ADAPTER = TimmAdapter()
