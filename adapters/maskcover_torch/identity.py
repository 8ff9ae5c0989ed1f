"""What a torch model is, in digests: for fingerprints."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import torch


def weights_digest(model: torch.nn.Module) -> str:
    """``sha256:…`` of every parameter and buffer, with its name, dtype and shape, whatever device it is on.

    >>> one, two = (torch.nn.Linear(2, 2) for _ in range(2))
    >>> weights_digest(one) == weights_digest(two), weights_digest(one) == weights_digest(one)
    (False, True)
    """
    found = hashlib.sha256()
    for name, value in sorted(_state(model), key=lambda item: item[0]):
        found.update(f"{name} ".encode())
        found.update(_bytes(value))
    return "sha256:" + found.hexdigest()


def architecture_digest(model: torch.nn.Module) -> str:
    """``sha256:…`` of the modules' own description and their classes."""
    kinds = [f"{name} {type(module).__module__}.{type(module).__qualname__}" for name, module in model.named_modules()]
    return "sha256:" + hashlib.sha256("\n".join([str(model), *kinds]).encode()).hexdigest()


def _state(model: torch.nn.Module) -> Iterator[tuple[str, Any]]:
    yield from model.state_dict().items()
    # Buffers that are not saved are computed with all the same.
    yield from ((f"buffer {name}", value) for name, value in model.named_buffers())


def _bytes(value: Any) -> bytes:
    if not isinstance(value, torch.Tensor) or value.is_quantized or value.is_sparse:
        return repr(value).encode()
    plain = value.detach().cpu().contiguous().reshape(-1)
    head = f"{value.dtype} {tuple(value.shape)} ".encode()
    return head + plain.view(torch.uint8).numpy().tobytes()
