"""Keeps the evaluator of a defended module from call to call, and tells when it must be made anew."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import torch

from maskcover.classifiers import NumericContract
from maskcover.classifiers.occlusion import DropTokens
from maskcover.masks import MaskSet
from maskcover_torch.evaluator import TorchEvaluator, place_of
from maskcover_torch.glance import form, hooks
from maskcover_torch.numerics import flags


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """All that an evaluator takes from a defended module when it is made.

    Args:
        objects: Compared by identity, and held, so that no other object can get the identity of one that is gone.
        settings: Compared by value.
    """

    objects: tuple[object, ...]
    settings: Hashable


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """An evaluator that no call has used, and the state of its module when it was made."""

    evaluator: TorchEvaluator
    before: State

    def holds(self, now: State) -> bool:
        """Whether an evaluator made now would be the same."""
        before = self.before
        return (
            len(before.objects) == len(now.objects)
            and all(own is other for own, other in zip(before.objects, now.objects, strict=True))
            and before.settings == now.settings
        )

    @staticmethod
    def state(model: torch.nn.Module, masks: MaskSet, fill: Any, contract: NumericContract) -> State:
        """The state of a defended module now; it reads no weights.

        Values of weights are no part of it: the evaluator computes with the module itself. Modules and hooks are, where
        the model is compiled, since it may have been compiled for other ones, and where tokens are dropped, since what
        was tested on noise may no longer be so.
        """
        device, _ = place_of(model)
        of_modules = contract.compiled or isinstance(fill, DropTokens)
        parts, settings = (tuple(model.modules()), hooks(model)) if of_modules else ((), ())
        values = form(model), tuple(flags(device).items()), settings
        return State((model, masks, fill, contract, *parts), values)
