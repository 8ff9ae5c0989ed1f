"""`TorchClassifier`: a torch module as the core's `MaskedClassifier`."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy.typing as npt
import torch

from maskcover.classifiers import NumericContract
from maskcover.classifiers.evaluation import Images
from maskcover.classifiers.occlusion import Fill as FillValue
from maskcover.data import Preprocessing
from maskcover.defense import Procedure
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover_torch.attacks import AttackReport, LabelAttackReport, attack_defended
from maskcover_torch.batches import fastest_first
from maskcover_torch.devices import device_text, placed
from maskcover_torch.evaluator import UNNAMED, fill_of, loaded, place_of
from maskcover_torch.interval_classifier import IntervalClassifier, Pixels
from maskcover_torch.model import FillOrDrop, TorchModel
from maskcover_torch.module import DefendedModule
from maskcover_torch.numerics import contracted
from maskcover_torch.outputs import Output, Picked


class TorchClassifier(TorchModel):
    """Scores of a torch module for images with hidden pixels.

    Args:
        model: Maps float tensors (n, channels, height, width) to scores (n, classes); in evaluation mode.
        fill: What a hidden pixel becomes, in the frame of the model's input: one number, or one for each channel.
            After normalisation 0 is the mean. Or `maskcover.DropTokens`, also as a text, for a vision transformer of
            timm or transformers. It is part of the defence: certify and serve with the same.
        batch_size: Images in a forward pass; every pass has exactly this many. By default that of the contract.
        contract: How the model computes, while it certifies and while it serves.
        preprocessing: The steps that turn an image of a data set into an input of the model, if they are known.
        output: Name or place of the scores in what the model returns. By default that is a tensor, has `logits`, or
            has one entry only.
        device: The device to compute on: the model is moved there, as `model.to` does. By default it is the device of
            the model's parameters. "auto" is the GPU if there is one, see `maskcover_torch.devices.chosen`.
        class_names: The names of the classes in the order of the scores, if they are known.

    Raises:
        InvalidInput: the model is not a module, some part of it is in training mode (threats.md, 19), or this machine
            does not have the device.

    >>> import numpy as np
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 3)).eval()
    >>> classifier = TorchClassifier(model, batch_size=1)
    >>> classifier.scores([torch.zeros(1, 2, 2)], np.zeros((1, 2, 2), dtype=bool)).shape
    (1, 3)
    """

    def __init__(
        self,
        model: torch.nn.Module,
        *,
        fill: FillOrDrop = 0.0,
        batch_size: int | None = None,
        contract: NumericContract | None = None,
        preprocessing: Preprocessing | None = None,
        output: Output | None = None,
        device: str | torch.device | None = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__(model, fill=fill, batch_size=batch_size, contract=contract)
        placed(model, device)
        if output is not None:
            self.model = Picked(model, output)
        self.preprocessing = preprocessing
        self.class_names = None if class_names is None else tuple(class_names)

    @property
    def device(self) -> str:
        """The device that it computes on, as text."""
        return device_text(place_of(self.model)[0])

    def bounded(self, pixels: Pixels) -> IntervalClassifier:
        """The same model as a classifier whose masked predictions are certain labels; see `intervals`.

        Raises:
            InvalidInput: a fill or a contract is named, which bounds in float64 do not have; or as for `intervals`.
        """
        own = self.contract
        if self.occlusion != FillValue(0.0) or replace(own, batch_size=None) != NumericContract():
            raise InvalidInput(
                "interval bounds are computed in float64, with no value for hidden pixels; leave fill, dtype, "
                "memory_format, tf32, compiled and contract out"
            )
        return IntervalClassifier(
            self.model,
            pixels,
            own.batch_size or UNNAMED,
            preprocessing=self.preprocessing,
            class_names=self.class_names,
        )

    def of_batch_size(self, batch_size: int) -> TorchClassifier:
        """The same classifier with this batch size."""
        return self._under(replace(self.contract, batch_size=batch_size))

    def choices(self, masks: MaskSet, example: Any, most: int) -> list[TorchClassifier]:
        """The classifier in several ways to compute, the fastest first by a short measurement with the example.

        Nothing is measured if a batch size is named: other open settings are then those of the model and the process.
        """
        if self.batch_size is not None:
            return []
        place = place_of(contracted(self.model, self.contract))
        image = loaded(example, masks.grid.shape, place, fill_of(self.occlusion))
        ways = fastest_first(self.model, self.contract, image, most)
        if self.contract.compiled:
            # After several shapes torch goes on without compiling, and does not say so.
            ways = list(dict.fromkeys([*ways[:2], *(way for way in ways if way.batch_size == 1)][:3]))
        return [self._under(contract) for contract in ways]

    def as_certified(self, entries: Mapping[str, str]) -> TorchClassifier:
        """The same classifier, with the open settings of its contract filled in from a fingerprint."""
        own = self.contract
        contract = replace(
            own,
            batch_size=own.batch_size or int(entries["batch_size"]),
            # A classifier of another kind has none of these; its fingerprint is another one too.
            memory_format=own.memory_format or entries.get("memory_format"),  # type: ignore[arg-type]  # checked there
            threads=own.threads or (int(entries["flag.threads"]) if "flag.threads" in entries else None),
        )
        return self._under(contract)

    def _under(self, contract: NumericContract) -> TorchClassifier:
        twin = copy.copy(self)
        twin.contract = contract
        return twin

    def defended(
        self, masks: MaskSet, *, procedure: Procedure, preprocessing: str, batch_size: int | None = None
    ) -> torch.nn.Module:
        """The `DefendedModule` of this model; `batch_size` is used if the contract has none."""
        contract = replace(self.contract, batch_size=self.contract.batch_size or batch_size)
        return DefendedModule(
            self.model, masks, procedure=procedure, preprocessing=preprocessing, fill=self.fill, contract=contract
        )

    def attacked(
        self, images: Images, labels: npt.ArrayLike, masks: MaskSet, **options: Any
    ) -> AttackReport | LabelAttackReport:
        """Attack the defended model; see `maskcover_torch.attacks.attack_by_gradient` and `attack_labels`."""
        return attack_defended(self.model, images, labels, masks, fill=self.fill, contract=self.contract, **options)
