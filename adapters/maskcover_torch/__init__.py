"""The adapter for torch: modules as classifiers, and the defended model as a module."""

from __future__ import annotations

from typing import Any

import torch

from maskcover.classifiers.evaluation import Images
from maskcover.classifiers.registry import as_classifier, entry_of
from maskcover.masks import MaskSet
from maskcover_torch.attacks import AttackReport, LabelAttackReport, attack_defended
from maskcover_torch.bagnets import bagnet
from maskcover_torch.classifier import TorchClassifier
from maskcover_torch.devices import DEVICES
from maskcover_torch.fields import receptive_field
from maskcover_torch.identity import unwrapped
from maskcover_torch.interval_classifier import IntervalClassifier, Pixels, intervals
from maskcover_torch.local_classifier import LocalClassifier, local
from maskcover_torch.localized import narrowed, windowed
from maskcover_torch.making import torch_classifier
from maskcover_torch.module import DefendedModule
from maskcover_torch.split_classifier import SplitClassifier, split

__all__ = [
    "ADAPTER",
    "DefendedModule",
    "IntervalClassifier",
    "LocalClassifier",
    "SplitClassifier",
    "TorchAdapter",
    "TorchClassifier",
    "bagnet",
    "intervals",
    "local",
    "narrowed",
    "receptive_field",
    "split",
    "windowed",
]


class TorchAdapter:
    """The adapter that the entry point `maskcover.classifiers: torch` names."""

    takes = TorchClassifier

    devices = DEVICES

    def classifier(
        self,
        model: torch.nn.Module,
        *,
        pixels: Pixels | None = None,
        local: str | None = None,
        split_at: str | None = None,
        **options: Any,
    ) -> TorchClassifier | IntervalClassifier:
        """A `TorchClassifier`; or with `pixels` the classifier that `intervals` makes, with the options of that.

        With `local` or `split_at` it is a local or split one, see `maskcover_torch.making.torch_classifier`.

        A model inside a wrapper keeps the preprocessing that its own adapter declares.
        """
        if pixels is not None:
            return intervals(model, pixels, **options)
        inner = unwrapped(model)
        entry = entry_of(inner)
        if inner is not model and entry is not None and entry.name != "torch":
            own_classifier = as_classifier(inner, {})
            options = {name: getattr(own_classifier, name, None) for name in ("preprocessing", "class_names")} | options
        return torch_classifier(model, local=local, split_at=split_at, **options)

    def attack(
        self, model: torch.nn.Module, images: Images, labels: Any, masks: MaskSet, **options: Any
    ) -> AttackReport | LabelAttackReport:
        """Attack the defended model; see `maskcover_torch.attacks.attack_by_gradient` and `attack_labels`."""
        return attack_defended(model, images, labels, masks, **options)


ADAPTER = TorchAdapter()
