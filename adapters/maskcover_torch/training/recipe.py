"""`Recipe`: the hyperparameters of a training run, and what follows from them: optimizer, learning rate, autocast."""

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
    """The hyperparameters of a training run.

    Args:
        epochs: Passes over the training images.
        batch_size: Images in a step. The last images of a pass, if they fill no batch, are left out.
        optimizer: "adamw", or "sgd" with momentum.
        lr: The learning rate at the start.
        momentum: For SGD.
        weight_decay: For both optimizers.
        schedule: The learning rate falls to 0 along half a cosine, step by step, or stays constant.
        amp: Automatic mixed precision: "off", a dtype, or "auto": bfloat16 where the device has it, else float16.
            Certifying always computes in the precision of the parameters.
        validation_images: The number of validation images, drawn once with the seed, that are certified after each
            epoch.
        keep: Which weights the model ends with: "certified", those of the epoch that certified most of these images,
            or "last", for comparisons in which the compared result must not choose the epoch.
        seed: Random seed for the order of the images, for what is hidden, and for the model itself (dropout).

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
        for name, choices in (("optimizer", Optimizer), ("schedule", LearningRate), ("amp", Amp), ("keep", Keep)):
            if getattr(self, name) not in get_args(choices):
                raise InvalidInput(
                    f"{name} must be one of {', '.join(get_args(choices))}; got {getattr(self, name)!r}"
                )  # fmt: skip
        for name, most in (("lr", math.inf), ("momentum", 1.0), ("weight_decay", math.inf)):
            _number(name, getattr(self, name), most)
        if type(self.seed) is not int or not 0 <= self.seed < 2**63:
            raise InvalidInput(f"seed must be a whole number from 0 to 2^63 - 1; got {self.seed!r}")

    def rate(self, progress: float) -> float:
        """The learning rate at a progress from 0 to 1. It needs no state, so nothing is saved for resuming."""
        return self.lr if self.schedule == "constant" else self.lr * (1 + math.cos(math.pi * progress)) / 2

    def optimizer_of(self, model: torch.nn.Module) -> torch.optim.Optimizer:
        """The optimizer for the parameters that may change."""
        free = [parameter for parameter in model.parameters() if parameter.requires_grad]
        if not free:
            raise InvalidInput("the model has no parameter to train; set requires_grad on those that may change")
        if self.optimizer == "sgd":
            return torch.optim.SGD(free, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)
        return torch.optim.AdamW(free, lr=self.lr, weight_decay=self.weight_decay)

    def autocast(self, device: torch.device) -> torch.autocast:
        """The context in which a step computes its scores, in the precision of `amp`."""
        dtype = self.amp_dtype(device)
        return torch.autocast(device.type, dtype=dtype, enabled=dtype is not None)

    def scaler(self, device: torch.device) -> Any:
        """The gradient scaler; it is active for float16 only, which cannot hold very small gradients."""
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
