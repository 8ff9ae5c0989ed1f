"""The adapter for torchvision: its classifiers by name, with the transforms and class names of their weights."""

from __future__ import annotations

from typing import Any

import torch
from maskcover_torch import TorchAdapter, TorchClassifier
from maskcover_torch.making import torch_classifier
from maskcover_torch.weights import only_weights, reason
from torchvision.models import WeightsEnum  # type: ignore[import-untyped]  # has no types

from maskcover.errors import InvalidInput
from maskcover_torchvision.building import built, expect_name, published, restored
from maskcover_torchvision.transforms import class_names_of, preprocessing_of

__all__ = ["ADAPTER", "TorchvisionAdapter", "class_names_of", "preprocessing_of"]


class TorchvisionAdapter(TorchAdapter):
    """The adapter behind the entry point `maskcover.classifiers: torchvision`."""

    names = "NAME"

    def classifier(
        self, model: torch.nn.Module, *, weights: WeightsEnum | None = None, **options: Any
    ) -> TorchClassifier:
        """A `TorchClassifier` around a model of torchvision.

        Args:
            model: A model of `torchvision.models.get_model`. Such a model does not tell how its images are prepared.
            weights: The published weights that it has, such as ``ResNet18_Weights.DEFAULT``; the preprocessing and the
                names of the classes come from them.
            **options: As for `TorchClassifier`.
        """
        if weights is None:
            return torch_classifier(model, **options)
        if not isinstance(weights, WeightsEnum):
            raise InvalidInput(f"expected weights of torchvision, such as ResNet18_Weights.DEFAULT; got {weights!r}")
        defaults: dict[str, Any] = {
            "preprocessing": preprocessing_of(weights),
            "class_names": class_names_of(weights),
        }
        return torch_classifier(model, **defaults | options)

    def load(
        self,
        name: str,
        *,
        weights: str = "pretrained",
        num_classes: int | None = None,
        transforms: str = "DEFAULT",
        transform_input: bool | None = None,
        **options: Any,
    ) -> TorchClassifier:
        """A classifier by torchvision's name for it, such as ``resnet18``.

        Args:
            name: As for `torchvision.models.get_model`.
            weights: "pretrained", torchvision's best ones, or a name such as "IMAGENET1K_V1": torchvision downloads
                them unless they are on this machine, or ``HF_HUB_OFFLINE=1`` forbids it. Or "random": the same at each
                call. Or the path of a checkpoint.
            num_classes: The number of classes; by default that of the checkpoint's last layer, or of the published
                weights. With another number, published weights get a new head, which has to be trained.
            transforms: Only with a checkpoint: the name of the published weights whose transforms images go through.
            transform_input: Only with a checkpoint of googlenet or inception_v3: whether the model scales images once
                more, as the published ones do.
            **options: As for `TorchClassifier`, such as `device`.

        Raises:
            InvalidInput: torchvision has no such classifier, or the weights cannot be loaded.
        """
        expect_name(name)
        own = published(name, weights)
        declared = own or published(name, transforms)
        if declared is None:
            raise InvalidInput(f"torchvision has no weights {transforms!r} of {name}, to take the transforms of")
        try:
            with only_weights():
                model = built(name, own, num_classes) if own else restored(name, weights, num_classes, transform_input)
        except InvalidInput:
            raise
        except Exception as error:
            advice = "name a checkpoint on this machine with weights=PATH, or try weights='random'"
            if own is None and weights != "random":
                advice = f"expected a file of torch.save(model.state_dict(), …) or safetensors, of a {name}"
            raise InvalidInput(
                f"torchvision cannot load {name} with weights {weights} ({reason(error)}); {advice}"
            ) from error
        defaults: dict[str, Any] = {
            "preprocessing": preprocessing_of(declared),
            "class_names": own and class_names_of(own, num_classes),
        }
        return torch_classifier(model.eval(), **defaults | options)


ADAPTER = TorchvisionAdapter()
