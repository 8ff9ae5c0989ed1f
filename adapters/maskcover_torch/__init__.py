"""The adapter for torch: modules as classifiers, and the defended model as a module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from maskcover.defense import DOUBLE_MASKING, Procedure
from maskcover.masks import MaskSet
from maskcover_torch.classifier import TorchClassifier
from maskcover_torch.module import DefendedModule

if TYPE_CHECKING:
    from maskcover.defense.engine import Images
    from maskcover_torch.attacks import AttackReport

__all__ = ["ADAPTER", "DefendedModule", "TorchAdapter", "TorchClassifier"]


class TorchAdapter:
    """What the entry point `maskcover.classifiers: torch` names."""

    def classifier(self, model: torch.nn.Module, **options: Any) -> TorchClassifier:
        """See `TorchClassifier`."""
        return TorchClassifier(model, **options)

    def defend(
        self,
        model: torch.nn.Module,
        masks: MaskSet,
        *,
        procedure: Procedure = DOUBLE_MASKING,
        preprocessing: str = "none",
        **options: Any,
    ) -> DefendedModule:
        """See `DefendedModule`."""
        return DefendedModule(model, masks, procedure=procedure, preprocessing=preprocessing, **options)

    def attack(
        self, model: torch.nn.Module, images: Images, labels: Any, masks: MaskSet, **options: Any
    ) -> AttackReport:
        """See `maskcover_torch.attacks.attack`."""
        from maskcover_torch.attacks import attack

        return attack(model, images, labels, masks, **options)


ADAPTER = TorchAdapter()
