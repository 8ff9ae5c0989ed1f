"""`TorchClassifier`: a torch module as the core's `MaskedClassifier`."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from maskcover.data import Preprocessing
from maskcover.defense import NumericContract, Procedure
from maskcover.defense.arrays import checked_fill
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover_torch.batches import fastest_first
from maskcover_torch.devices import placed, told
from maskcover_torch.evaluator import TorchEvaluator, loaded, on_host, place_of
from maskcover_torch.modes import refuse_training
from maskcover_torch.numerics import compiled, contracted, pinned
from maskcover_torch.outputs import Output, Picked, scores_of

if TYPE_CHECKING:
    from maskcover.defense.engine import Images
    from maskcover_torch.attacks import AttackReport

Fill = float | Sequence[float]


class TorchClassifier:
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
        if not isinstance(model, torch.nn.Module):
            raise InvalidInput(f"expected a torch.nn.Module; got {type(model).__name__}")
        refuse_training(model)
        placed(model, device)
        given = contract or NumericContract()
        self.contract = given if batch_size is None else replace(given, batch_size=batch_size)
        self.model = model if output is None else Picked(model, output)
        self.fill = checked_fill(fill)
        self.preprocessing = preprocessing
        self.class_names = None if class_names is None else tuple(class_names)
        self.margin = _margin(model, self.contract)
        """The least lead of a certified prediction that survives rounding in the model's precision: a suggestion."""

    @property
    def batch_size(self) -> int | None:
        """Rows of a batch; None where a run is to find out."""
        return self.contract.batch_size

    @property
    def device(self) -> str:
        """Where it computes, for people."""
        return told(place_of(self.model)[0])

    def evaluator(self, masks: MaskSet, example: Any = None, batch_size: int | None = None) -> TorchEvaluator:  # noqa: ARG002  # it is the protocol's
        """The model with these masks; in batches of 16 without a batch size, here or in the contract."""
        contract = replace(self.contract, batch_size=self.contract.batch_size or batch_size)
        return TorchEvaluator(self.model, masks, fill=self.fill, contract=contract)

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
        from maskcover_torch.module import DefendedModule

        contract = replace(self.contract, batch_size=self.contract.batch_size or batch_size)
        return DefendedModule(
            self.model, masks, procedure=procedure, preprocessing=preprocessing, fill=self.fill, contract=contract
        )

    def attacked(self, images: Images, labels: npt.ArrayLike, masks: MaskSet, **options: Any) -> AttackReport:
        """See `maskcover_torch.attacks.attack`."""
        from maskcover_torch.attacks import attack

        return attack(self.model, images, labels, masks, fill=self.fill, contract=self.contract, **options)

    def scores(self, images: Sequence[Any], hidden: npt.NDArray[np.bool_]) -> npt.NDArray[np.floating[Any]]:
        """Scores (n, classes) of n images (channels, height, width), tensors or arrays, hidden where True."""
        refuse_training(self.model)
        model = compiled(contracted(self.model, self.contract), self.contract)
        device, dtype = place_of(model)
        batch = torch.stack([loaded(image, hidden.shape[1:], (device, dtype), self.fill) for image in images])
        fill = torch.tensor(self.fill, dtype=dtype, device=device).reshape(1, -1, 1, 1)
        with pinned(self.contract, device):
            shown = torch.where(torch.from_numpy(hidden).to(device)[:, None], fill, batch)
            return on_host(scores_of(model(shown), len(images), None))


def _margin(model: torch.nn.Module, contract: NumericContract) -> float:
    """A few roundings of the coarsest parameter, or of TF32's 10 bits where they are allowed."""
    floating = [one.dtype for one in model.parameters() if one.is_floating_point()]
    if contract.dtype:
        floating = [getattr(torch, contract.dtype)]
    coarsest = max((torch.finfo(dtype).eps for dtype in floating), default=0.0)
    return max(1e-4, 8 * max(coarsest, 2.0**-10 if contract.tf32 else 0.0))
