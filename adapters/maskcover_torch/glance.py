"""A quick summary of what a model computes with, compared at each call (threats.md, 40)."""

from __future__ import annotations

import zlib
from collections.abc import Hashable, Iterator
from typing import Any

import torch

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_forward_hooks_always_called")


def glance(model: torch.nn.Module) -> Hashable:
    """A summary of a model that changes if a tensor, hook or mode of the model does, as far as a quick check can tell.

    Torch counts writes into a tensor, but not those through `.data` or from numpy; so the summary also has a checksum
    of all bytes, which changes if rows swap places. That reads the weights once. Checksums can agree by chance; the
    rows whose scores are compared at each call show such a change too.

    >>> model = torch.nn.Linear(2, 2)
    >>> before = glance(model)
    >>> model.weight.data += 1.0
    >>> glance(model) == before
    False
    """
    tensors = list(_tensors(model))
    return (
        tuple((name, *_place(tensor)) for name, tensor in tensors),
        _checksums(tensor for _, tensor in tensors),
        *_hooks(model),
    )


def form(model: torch.nn.Module) -> Hashable:
    """The tensors of a model without their values, and its hooks and modes: far cheaper than a glance.

    >>> model = torch.nn.Linear(2, 2)
    >>> before = form(model)
    >>> form(model.double()) == before
    False
    """
    tensors = tuple((name, tensor.dtype, tensor.device, tensor.shape) for name, tensor in _tensors(model))
    return tensors, _hooks(model)


def _hooks(model: torch.nn.Module) -> Hashable:
    """Hooks and modes of all modules inside, and hooks on all modules of the process."""
    return (
        tuple(map(_hooked, model.modules())),
        tuple(len(getattr(torch.nn.modules.module, f"_global{name}", ())) for name in _HOOKS),
    )


def _tensors(model: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Parameters, buffers, and tensors that are plain attributes."""
    for name, module in model.named_modules():
        for holder in (module._parameters, module._buffers, vars(module)):
            yield from (
                (f"{name}.{attribute}", value) for attribute, value in holder.items() if isinstance(value, torch.Tensor)
            )


def _place(tensor: torch.Tensor) -> tuple[Any, ...]:
    strided = tensor.layout == torch.strided
    where = (tensor.data_ptr(), tensor.stride()) if strided and not tensor.is_meta else ()
    # Tensors made in inference mode have no count.
    count = -1 if tensor.is_inference() else tensor._version
    return tensor.dtype, tensor.device, tuple(tensor.shape), tensor.layout, count, where


def _checksums(tensors: Any) -> tuple[int, ...]:
    """A number for the content of each storage and its order, once where several tensors share one."""
    plain = (tensor for tensor in tensors if tensor.layout == torch.strided and not tensor.is_meta)
    storages = {tensor.untyped_storage().data_ptr(): tensor for tensor in plain if tensor.numel()}
    return tuple(int(_checksum(tensor)) for tensor in storages.values())


@torch.inference_mode()
def _checksum(tensor: torch.Tensor) -> Any:
    storage = tensor.untyped_storage()
    content = torch.empty(0, dtype=torch.uint8, device=tensor.device).set_(storage)
    if tensor.device.type != "cpu":
        words = content[: len(content) // 4 * 4].view(torch.int32)
        # Weighted by place, with wrap-around: rows that change places must show.
        places = torch.arange(1, len(words) + 1, dtype=torch.int64, device=tensor.device)
        return (words * places).sum() + content[len(words) * 4 :].sum(dtype=torch.int64)
    return zlib.crc32(content.numpy().data)


def _hooked(module: torch.nn.Module) -> tuple[Any, ...]:
    own = vars(module).get("forward")
    hooks = tuple(tuple(vars(module).get(name, ())) for name in _HOOKS)
    return type(module), module.training, hooks, None if own is None else id(own)
