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
from maskcover.data import Preprocessing
from maskcover.defense import Procedure
from maskcover.masks import MaskSet
from maskcover_torch.attacks import AttackReport, attack
from maskcover_torch.batches import fastest_first
from maskcover_torch.devices import placed, told
from maskcover_torch.evaluator import loaded, place_of
from maskcover_torch.model import Fill, TorchModel
from maskcover_torch.module import DefendedModule
from maskcover_torch.numerics import contracted
from maskcover_torch.outputs import Output, Picked


class TorchClassifier(TorchModel):
    """Scores of a torch module for images with hidden pixels.

    Args:
        model: Maps float tensors (n, channels, height, width) to scores (n, classes); in evaluation mode.
        fill: What a hidden pixel becomes, in the frame of the model's input: one number, or one a channel. After
            normalisation 0 is the mean. It is part of the defence: certify and serve with the same.
        batch_size: Images a forward pass; every pass has exactly this many. By default that of the contract.
        contract: How the model computes, while it certifies and while it serves.
        preprocessing: What the images of a data set go through before, if it is known.
        output: Name or place of the scores in what the model returns. By default that is a tensor, has `logits`, or
            has one entry only.
        device: Where it computes: the model is moved there, as `model.to` does. By default it computes where the
            model's parameters are. "auto" is the GPU if there is one, see `maskcover_torch.devices.chosen`.
        class_names: The names of the classes in the order of the scores, if they are known.

    Raises:
        InvalidInput: the model is not a module, some part of it is in training mode (threats.md, 19), or the device is
            not here.

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
        fill: Fill = 0.0,
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
        """Where it computes, for people."""
        return told(place_of(self.model)[0])

    def of_batch_size(self, batch_size: int) -> TorchClassifier:
        """The same classifier with this batch size."""
        return self._under(replace(self.contract, batch_size=batch_size))

    def choices(self, masks: MaskSet, example: Any, most: int) -> list[TorchClassifier]:
        """The ways to compute that a short measurement with the example tells apart, the fastest first.

        Nothing is measured where a batch size is named: what is not named besides is then as model and process have it.
        """
        if self.batch_size is not None:
            return []
        place = place_of(contracted(self.model, self.contract))
        image = loaded(example, masks.grid.shape, place, self.fill)
        ways = fastest_first(self.model, self.contract, image, most)
        if self.contract.compiled:
            # Beyond some shapes torch quietly goes on without compiling.
            ways = list(dict.fromkeys([*ways[:2], *(one for one in ways if one.batch_size == 1)][:3]))
        return [self._under(contract) for contract in ways]

    def as_certified(self, entries: Mapping[str, str]) -> TorchClassifier:
        """The same classifier; what its contract leaves open is as a fingerprint says."""
        known = self.contract
        contract = replace(
            known,
            batch_size=known.batch_size or int(entries["batch_size"]),
            memory_format=known.memory_format or entries["memory_format"],  # type: ignore[arg-type]  # checked there
            threads=known.threads or int(entries["flag.threads"]),
        )
        return self._under(contract)

    def _under(self, contract: NumericContract) -> TorchClassifier:
        twin = copy.copy(self)
        twin.contract = contract
        return twin

    def defended(
        self, masks: MaskSet, *, procedure: Procedure, preprocessing: str, batch_size: int | None = None
    ) -> torch.nn.Module:
        """The `DefendedModule` of this model; of the batch size given where the contract has none."""
        contract = replace(self.contract, batch_size=self.contract.batch_size or batch_size)
        return DefendedModule(
            self.model, masks, procedure=procedure, preprocessing=preprocessing, fill=self.fill, contract=contract
        )

    def attacked(self, images: Images, labels: npt.ArrayLike, masks: MaskSet, **options: Any) -> AttackReport:
        """See `maskcover_torch.attacks.attack`."""
        return attack(self.model, images, labels, masks, fill=self.fill, contract=self.contract, **options)
