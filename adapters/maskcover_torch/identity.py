"""Digests of a torch model, for fingerprints."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import torch


def weights_digest(model: torch.nn.Module) -> str:
    """``sha256:…`` of every parameter and buffer, with its name, dtype and shape, whatever device it is on.

    >>> first, second = (torch.nn.Linear(2, 2) for _ in range(2))
    >>> weights_digest(first) == weights_digest(second), weights_digest(first) == weights_digest(first)
    (False, True)
    """
    hasher = hashlib.sha256()
    for name, value in sorted(_state(model), key=lambda item: item[0]):
        hasher.update(f"{name} ".encode())
        hasher.update(tensor_bytes(value))
    return "sha256:" + hasher.hexdigest()


def architecture_digest(model: torch.nn.Module) -> str:
    """``sha256:…`` of the modules' own description and their classes."""
    parts = list(model.named_modules())
    if any(isinstance(part, torch.jit.ScriptModule) for _, part in parts):
        # These are of another class, and print another name, once they were saved and loaded.
        lines = [f"{name} {_kind(part)} {part.extra_repr()}" for name, part in parts]
    else:
        lines = [str(model), *(f"{name} {_kind(part)}" for name, part in parts)]
    return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _kind(part: torch.nn.Module) -> str:
    if isinstance(part, torch.jit.ScriptModule):
        return f"script {getattr(part, 'original_name', '')}"
    return f"{type(part).__module__}.{type(part).__qualname__}"


def attention(model: torch.nn.Module) -> str:
    """How modules of transformers compute attention, if their configurations say so; else an empty text."""
    configurations = (getattr(module, "config", None) for module in model.modules())
    kinds = {getattr(configuration, "_attn_implementation", None) for configuration in configurations}
    return " ".join(sorted(map(str, kinds - {None})))


def unwrapped(model: torch.nn.Module) -> torch.nn.Module:
    """The module inside its wrappers: `DataParallel`, `DistributedDataParallel`, `torch.compile`.

    >>> inner = torch.nn.Linear(2, 2)
    >>> unwrapped(torch.compile(torch.nn.DataParallel(inner, device_ids=[]))) is inner
    True
    """
    if isinstance(model, torch.nn.DataParallel | torch.nn.parallel.DistributedDataParallel):
        return unwrapped(model.module)
    inner = getattr(model, "_orig_mod", None)  # of torch.compile
    return unwrapped(inner) if isinstance(inner, torch.nn.Module) else model


def _state(model: torch.nn.Module) -> Iterator[tuple[str, Any]]:
    # All parameters and buffers, saved by the model or not; and what else it saves, such as packed weights.
    own = dict(model.named_parameters(remove_duplicate=False)) | dict(model.named_buffers(remove_duplicate=False))
    yield from own.items()
    yield from ((name, value) for name, value in model.state_dict().items() if name not in own)


def tensor_bytes(value: Any) -> bytes:
    """A tensor, or a list of tensors, as bytes that say its dtype, shape and values, whatever device it is on."""
    if isinstance(value, list | tuple):
        return b"".join([f"{len(value)} of ".encode(), *map(tensor_bytes, value)])
    if not isinstance(value, torch.Tensor):
        return repr(value).encode()
    head = f"{value.dtype} {tuple(value.shape)} {value.layout} ".encode()
    if value.is_quantized:
        return head + tensor_bytes(value.int_repr()) + tensor_bytes(value.dequantize())
    # A printed tensor would leave out most of its numbers.
    dense = value.detach() if value.layout == torch.strided else value.detach().to_dense()
    return head + dense.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
