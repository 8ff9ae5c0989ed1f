"""`attack_defended`: the attack for a defence of one label, or of several."""

from __future__ import annotations

from typing import Any

import torch

from maskcover.classifiers import NumericContract
from maskcover.classifiers.evaluation import Images
from maskcover.defense import MultiLabel
from maskcover.defense.texts import procedure_of
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover_torch.attacks.attacking import attack_by_gradient
from maskcover_torch.attacks.labels import LabelAttackReport, attack_labels
from maskcover_torch.attacks.outcomes import AttackReport
from maskcover_torch.model import FillOrDrop, TorchModel


def attack_defended(
    model: object, images: Images, labels: Any, masks: MaskSet, **options: Any
) -> AttackReport | LabelAttackReport:
    """Attack a defended model; with a procedure for several labels by `attack_labels`, else by `attack_by_gradient`."""
    procedure = options.get("procedure")
    defence = None if procedure is None else procedure_of(procedure)
    if not isinstance(defence, MultiLabel):
        return attack_by_gradient(model, images, labels, masks, **options)  # type: ignore[arg-type]  # it checks
    return _several(model, images, labels, masks, **options | {"procedure": defence})


def _several(
    model: object,
    images: Images,
    labels: Any,
    masks: MaskSet,
    *,
    fill: FillOrDrop = 0.0,
    batch_size: int = 64,
    contract: NumericContract | None = None,
    **options: Any,
) -> LabelAttackReport:
    if isinstance(model, torch.nn.Module):
        model = TorchModel(model, fill=fill, batch_size=batch_size, contract=contract)
    if not isinstance(model, TorchModel):
        raise InvalidInput(f"an attack on several labels needs a torch.nn.Module; got {type(model).__name__}")
    return attack_labels(model, images, labels, masks, **options)
