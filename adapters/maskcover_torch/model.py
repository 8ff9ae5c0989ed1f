"""`TorchModel`: a torch module with its fill and its numeric contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from maskcover.classifiers import NumericContract
from maskcover.classifiers.occlusion import DropTokens, occlusion_of
from maskcover.classifiers.occlusion import Fill as FillValue
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover_torch.evaluator import TorchEvaluator, fill_of, loaded, on_host, place_of
from maskcover_torch.modes import refuse_training
from maskcover_torch.numerics import compiled, contracted, pinned
from maskcover_torch.token_evaluator import TokenEvaluator
from maskcover_torch.tokens import scores_under

Fill = float | Sequence[float] | FillValue
FillOrDrop = Fill | str | DropTokens
"""A fill; or dropped tokens, as a value or as the text ``drop_tokens(16)``."""


class TorchModel:
    """A torch module in evaluation mode, with its fill and its numeric contract.

    Args:
        model, fill, batch_size, contract: As for `TorchClassifier`.

    Raises:
        InvalidInput: the model is not a module, or some part of it is in training mode (threats.md, 19).
    """

    def __init__(
        self,
        model: torch.nn.Module,
        *,
        fill: FillOrDrop = 0.0,
        batch_size: int | None = None,
        contract: NumericContract | None = None,
    ) -> None:
        if not isinstance(model, torch.nn.Module):
            raise InvalidInput(f"expected a torch.nn.Module; got {type(model).__name__}")
        refuse_training(model)
        base = contract or NumericContract()
        self.contract = base if batch_size is None else replace(base, batch_size=batch_size)
        self.model = model
        self.occlusion = occlusion_of(fill)
        self.margin = _margin(model, self.contract)
        """The least margin of a certified prediction that survives rounding in the model's precision: a suggestion."""

    @property
    def fill(self) -> tuple[float, ...] | DropTokens:
        """The values that hidden pixels get: one number, or one for each channel; or `DropTokens`."""
        return self.occlusion if isinstance(self.occlusion, DropTokens) else self.occlusion.values

    @property
    def batch_size(self) -> int | None:
        """Rows of a batch; None if a run is to measure which is best."""
        return self.contract.batch_size

    def evaluator(self, masks: MaskSet, example: Any = None, batch_size: int | None = None) -> TorchEvaluator:  # noqa: ARG002  # it is the protocol's
        """The model with these masks; in batches of 16 if neither the call nor the contract has a batch size."""
        contract = replace(self.contract, batch_size=self.contract.batch_size or batch_size)
        if isinstance(self.occlusion, DropTokens):
            return TokenEvaluator(self.model, masks, occlusion=self.occlusion, contract=contract)
        return TorchEvaluator(self.model, masks, occlusion=self.occlusion, contract=contract)

    def scores(self, images: Sequence[Any], hidden: npt.NDArray[np.bool_]) -> npt.NDArray[np.floating[Any]]:
        """Scores (n, classes) of n images (channels, height, width), tensors or arrays, hidden where True."""
        refuse_training(self.model)
        model = compiled(contracted(self.model, self.contract), self.contract)
        device, dtype = place_of(model)
        fill = fill_of(self.occlusion)
        batch = torch.stack([loaded(image, hidden.shape[1:], (device, dtype), fill) for image in images])
        with pinned(self.contract, device):
            return on_host(scores_under(model, self.occlusion)(batch, torch.from_numpy(hidden).to(device)[:, None]))


def _margin(model: torch.nn.Module, contract: NumericContract) -> float:
    """A few roundings of the coarsest parameter, or of TF32's 10 bits where they are allowed."""
    floating = [parameter.dtype for parameter in model.parameters() if parameter.is_floating_point()]
    if contract.dtype:
        floating = [getattr(torch, contract.dtype)]
    coarsest = max((torch.finfo(dtype).eps for dtype in floating), default=0.0)
    return max(1e-4, 8 * max(coarsest, 2.0**-10 if contract.tf32 else 0.0))
