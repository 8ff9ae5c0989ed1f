"""Where a model computes: the GPU if there is one, a rank's own under torchrun, or the device that is named."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch

from maskcover.errors import InvalidInput

AUTO = "auto"
DEVICES = "auto, cpu, cuda, cuda:1, mps"
"""The device names that a user may type, as text for messages."""


def gpus() -> int:
    """How many GPUs torch can use through CUDA or ROCm."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def chosen(wanted: str, count: Callable[[], int] | None = None) -> torch.device:
    """The device with a name; `InvalidInput` if this machine does not have it.

    Args:
        wanted: The name. "auto" is the GPU if there is one, else the CPU; "cuda" is the GPU. If there are several
            GPUs, it is the one of this process's rank under torchrun, else the first. "cuda:1", "cpu", "mps" and
            other names mean the same as in torch.
        count: Returns the number of GPUs; by default `gpus`.

    Apple's GPU is used only when it is named: it has no float64, and not all of torch's deterministic algorithms.

    >>> chosen("auto", count=lambda: 0)
    device(type='cpu')
    """
    here = (count or gpus)()
    if wanted == AUTO and not here:
        return torch.device("cpu")
    device = _parsed("cuda" if wanted == AUTO else wanted)
    if device.type == "meta":
        raise InvalidInput(
            "the device meta holds shapes and no numbers, so nothing can be predicted there; " + _choices()
        )
    if device.type != "cuda":
        return _tried(device)
    if not here:
        raise InvalidInput(f"torch {torch.__version__} sees no GPU here, so there is no {wanted}; {_choices()}")
    number = _rank() % here if device.index is None else device.index
    if number >= here:
        raise InvalidInput(f"there is no {wanted}: torch sees {here} GPUs here, from cuda:0 on")
    return torch.device("cuda", number)


def moved(model: torch.nn.Module, name: str, count: Callable[[], int] | None = None) -> torch.nn.Module:
    """Move a model to the device with a name, as `model.to` does; returns the same object."""
    device = chosen(name, count)
    try:
        return model.to(device)
    except Exception as error:  # out of memory, weights that are packed for another device, or that are on meta
        raise InvalidInput(
            f"cannot move the model to {device} ({type(error).__name__}: {error}); name another device, such as cpu"
        ) from error


def placed(model: torch.nn.Module, name: str | torch.device | None) -> None:
    """Move a model if a device is named; refuse one whose weights are shapes without numbers."""
    if name is not None:
        moved(model, str(name))
    if any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers())):
        raise InvalidInput("weights of the model are on the device meta: shapes without numbers; load them first")


def device_text(device: torch.device) -> str:
    """A device as text, with the name of its GPU.

    >>> device_text(torch.device("cpu"))
    'cpu'
    """
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


def _parsed(name: str) -> torch.device:
    try:
        return torch.device(name)
    except (RuntimeError, TypeError) as error:
        hint = "; did you mean cuda?" if str(name).lower() in ("gpu", "nvidia") else ""
        raise InvalidInput(f"torch knows no device {name!r}{hint}; {_choices()}") from error


def _tried(device: torch.device) -> torch.device:
    """The device; `InvalidInput` if it cannot hold a tensor."""
    try:
        torch.zeros(1, device=device)
    except Exception as error:  # each backend has errors of its own
        raise InvalidInput(f"torch {torch.__version__} cannot use the device {device} here; {_choices()}") from error
    return device


def _rank() -> int:
    """This process's number among those that torchrun started on this machine; 0 without it."""
    text = os.environ.get("LOCAL_RANK", "")
    return int(text) if text.isdecimal() else 0


def _choices() -> str:
    return f"expected one of: {DEVICES}"
