"""`Recipe`: the hyperparameters of a training run, and what they make: optimizer, learning rate, autocast."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch

from maskcover.errors import InvalidInput
from maskcover_torch.attacks.inputs import whole

Optimizer = Literal["adamw", "sgd"]
LearningRate = Literal["cosine", "constant"]
Keep = Literal["certified", "last"]
Amp = Literal["off", "auto", "bfloat16", "float16"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is trained.

    Args:
        epochs: Passes over the training images.
        batch_size: Images a step. What is left over at the end of a pass is left out of it.
        optimizer: "adamw", or "sgd" with momentum.
        lr: The learning rate at the start.
        momentum: Of SGD.
        weight_decay: Of either.
        schedule: The learning rate falls to 0 along half a cosine, step by step, or stays constant.
        amp: Automatic mixed precision: "off", a dtype, or "auto": bfloat16 where the device has it, else float16.
            Certifying always computes in the precision of the parameters.
        validation_images: So many of the validation images, drawn once by the seed, are certified after each epoch.
        keep: Which weights the model ends with: those of the epoch that certified most of them, or of the last one, for
            comparisons in which nothing is to be chosen by what is compared.
        seed: Of the order of the images, what is hidden, and the model's own chance (dropout).

    >>> Recipe(epochs=4, lr=0.1).rate(0.5)
    0.05
    """

    epochs: int = 10
    batch_size: int = 64
    optimizer: Optimizer = "adamw"
    lr: float = 1e-4
    momentum: float = 0.9
    weight_decay: float = 1e-4
    schedule: LearningRate = "cosine"
    amp: Amp = "off"
    validation_images: int = 500
    keep: Keep = "certified"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "validation_images"):
            whole(name, getattr(self, name))
        for name, known in (("optimizer", Optimizer), ("schedule", LearningRate), ("amp", Amp), ("keep", Keep)):
            if getattr(self, name) not in get_args(known):
                raise InvalidInput(
                    f"{name} must be one of {', '.join(get_args(known))}; got {getattr(self, name)!r}"
                )  # fmt: skip
        for name, most in (("lr", math.inf), ("momentum", 1.0), ("weight_decay", math.inf)):
            _number(name, getattr(self, name), most)
        if type(self.seed) is not int or not 0 <= self.seed < 2**63:
            raise InvalidInput(f"seed must be a whole number from 0 to 2^63 - 1; got {self.seed!r}")

    def rate(self, progress: float) -> float:
        """The learning rate at a progress from 0 to 1. A function of the step alone: nothing to keep for resuming."""
        return self.lr if self.schedule == "constant" else self.lr * (1 + math.cos(math.pi * progress)) / 2

    def optimizer_of(self, model: torch.nn.Module) -> torch.optim.Optimizer:
        """The optimizer of the parameters that may change."""
        free = [one for one in model.parameters() if one.requires_grad]
        if not free:
            raise InvalidInput("the model has no parameter to train; set requires_grad on those that may change")
        if self.optimizer == "sgd":
            return torch.optim.SGD(free, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)
        return torch.optim.AdamW(free, lr=self.lr, weight_decay=self.weight_decay)

    def autocast(self, device: torch.device) -> torch.autocast:
        """In which precision a step computes."""
        dtype = self.amp_dtype(device)
        return torch.autocast(device.type, dtype=dtype, enabled=dtype is not None)

    def scaler(self, device: torch.device) -> Any:
        """The gradients' scaler: it does something for float16 alone, whose smallest numbers are too large."""
        return torch.amp.GradScaler(device.type, enabled=self.amp_dtype(device) == torch.float16)

    def amp_dtype(self, device: torch.device) -> torch.dtype | None:
        """The dtype of automatic mixed precision on a device; None if it is off."""
        if self.amp == "float16" and device.type != "cuda":
            raise InvalidInput(f'amp="float16" needs a GPU; the model is on {device.type}: take "bfloat16", or "auto"')
        if self.amp == "auto":
            old = device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False)
            return torch.float16 if old else torch.bfloat16
        return None if self.amp == "off" else getattr(torch, self.amp)


def _number(name: str, value: object, most: float) -> None:
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value < most:  # type: ignore[arg-type, operator]  # the first says that it is one
        raise InvalidInput(f"{name} must be a finite number from 0{' to below 1' if most == 1 else ''}; got {value!r}")
