"""The adapter for torch: modules as classifiers, and the defended model as a module."""

from __future__ import annotations

from typing import Any

import torch

from maskcover.classifiers.evaluation import Images
from maskcover.classifiers.registry import as_classifier, entry_of
from maskcover.masks import MaskSet
from maskcover_torch.attacks import AttackReport, attack
from maskcover_torch.classifier import TorchClassifier
from maskcover_torch.devices import DEVICES
from maskcover_torch.identity import unwrapped
from maskcover_torch.module import DefendedModule

__all__ = ["ADAPTER", "DefendedModule", "TorchAdapter", "TorchClassifier"]


class TorchAdapter:
    """What the entry point `maskcover.classifiers: torch` names."""

    takes = TorchClassifier

    devices = DEVICES

    def classifier(self, model: torch.nn.Module, **options: Any) -> TorchClassifier:
        """See `TorchClassifier`; what is behind a wrapper keeps the preprocessing that its own adapter knows."""
        inner = unwrapped(model)
        entry = entry_of(inner)
        if inner is not model and entry is not None and entry.name != "torch":
            known = as_classifier(inner, {})
            options = {name: getattr(known, name, None) for name in ("preprocessing", "class_names")} | options
        return TorchClassifier(model, **options)

    def attack(
        self, model: torch.nn.Module, images: Images, labels: Any, masks: MaskSet, **options: Any
    ) -> AttackReport:
        """See `maskcover_torch.attacks.attack`."""
        return attack(model, images, labels, masks, **options)


ADAPTER = TorchAdapter()
