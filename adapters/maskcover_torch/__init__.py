"""The adapter for torch: modules as classifiers, and the defended model as a module."""

from __future__ import annotations

from typing import Any

import torch

from maskcover.classifiers.evaluation import Images
from maskcover.classifiers.registry import as_classifier, entry_of
from maskcover.masks import MaskSet
from maskcover_torch.attacks import AttackReport, attack_by_gradient
from maskcover_torch.classifier import TorchClassifier
from maskcover_torch.devices import DEVICES
from maskcover_torch.fields import receptive_field
from maskcover_torch.identity import unwrapped
from maskcover_torch.interval_classifier import IntervalClassifier, Pixels, intervals
from maskcover_torch.local import LocalClassifier, local
from maskcover_torch.module import DefendedModule

__all__ = [
    "ADAPTER",
    "DefendedModule",
    "IntervalClassifier",
    "LocalClassifier",
    "TorchAdapter",
    "TorchClassifier",
    "intervals",
    "local",
    "receptive_field",
]


class TorchAdapter:
    """The adapter that the entry point `maskcover.classifiers: torch` names."""

    takes = TorchClassifier

    devices = DEVICES

    def classifier(
        self, model: torch.nn.Module, *, pixels: Pixels | None = None, **options: Any
    ) -> TorchClassifier | IntervalClassifier:
        """A `TorchClassifier`, or with `pixels` the classifier that `intervals` makes, with the options of that.

        A model inside a wrapper keeps the preprocessing that its own adapter declares.
        """
        if pixels is not None:
            return intervals(model, pixels, **options)
        inner = unwrapped(model)
        entry = entry_of(inner)
        if inner is not model and entry is not None and entry.name != "torch":
            own_classifier = as_classifier(inner, {})
            options = {name: getattr(own_classifier, name, None) for name in ("preprocessing", "class_names")} | options
        return TorchClassifier(model, **options)

    def attack(
        self, model: torch.nn.Module, images: Images, labels: Any, masks: MaskSet, **options: Any
    ) -> AttackReport:
        """Attack the defended model; see `maskcover_torch.attacks.attack_by_gradient`."""
        return attack_by_gradient(model, images, labels, masks, **options)


ADAPTER = TorchAdapter()
