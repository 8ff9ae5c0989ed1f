"""A quick summary of what a model computes with, compared at each call (threats.md, 40)."""

from __future__ import annotations

import zlib
from collections.abc import Hashable, Iterator
from typing import Any

import torch

_PLAIN = (bool, int, float, str)
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
        *hooks(model),
    )


def form(model: torch.nn.Module) -> Hashable:
    """Where and how the tensors of a model are stored, without their values: far cheaper than a glance.

    >>> model = torch.nn.Linear(2, 2)
    >>> before = form(model)
    >>> form(model.double()) == before
    False
    """
    holders = (holder for module in model.modules() for holder in (module._parameters, module._buffers))
    tensors = (tensor for holder in holders for tensor in holder.values() if tensor is not None)
    return tuple(
        (tensor.dtype, tensor.device, tensor.shape, tensor.stride() if tensor.layout == torch.strided else None)
        for tensor in tensors
    )


def hooks(model: torch.nn.Module) -> tuple[Hashable, ...]:
    """Hooks and plain settings of all modules inside, and the number of hooks on all modules of the process."""
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
    return tuple(map(int, _on_host([_checksum(tensor) for tensor in storages.values()])))


def _on_host(numbers: list[Any]) -> list[Any]:
    """The numbers, fetched from their device in one step: each fetch waits until the device is idle."""
    there = [number for number in numbers if isinstance(number, torch.Tensor)]
    fetched = iter(torch.stack([number.to(there[0].device) for number in there]).tolist() if there else [])
    return [next(fetched) if isinstance(number, torch.Tensor) else number for number in numbers]


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
    """Class, hooks and plain settings of a module, its mode among them."""
    own = vars(module).get("forward")
    own_hooks = tuple(tuple(vars(module).get(name, ())) for name in _HOOKS)
    # Settings such as a kernel's size: a module without tensors may be swapped for another of its class.
    plain = tuple((name, value) for name, value in vars(module).items() if type(value) in _PLAIN)
    return type(module), own_hooks, None if own is None else id(own), plain
