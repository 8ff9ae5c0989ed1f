"""The steps of interval bounds for each kind of layer, function and operation of a network; others have none."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from maskcover.errors import InvalidInput
from maskcover_torch.interval_bounds import Flat, Mean, Monotone, Products, Scaling, Step, Unfold


def unknown(what: str) -> InvalidInput:
    """The error for a part of a network whose bounds are not known."""
    layers = ", ".join(sorted(kind.__name__ for kind in MODULES))
    return InvalidInput(
        f"no interval bounds are known for {what}; a network may have {layers}, sums of two results, and numbers "
        "added, subtracted, multiplied or divided by"
    )


def known(keywords: Mapping[str, Any], what: str) -> dict[str, Any]:
    """The keywords without those of torch.nn.functional that change nothing here; refuses what would."""
    left = {name: value for name, value in keywords.items() if name not in ("inplace", "return_indices")}
    if keywords.get("return_indices"):
        raise unknown(f"{what} with return_indices")
    return left


def _linear(module: Any) -> Step:
    bias = torch.zeros(module.out_features, dtype=torch.float64) if module.bias is None else module.bias
    return Products(module.weight.detach()[None], bias.detach()[None], Flat())


def _convolution(module: Any) -> Step:
    if module.padding_mode != "zeros":
        raise unknown(f"a convolution with padding_mode={module.padding_mode!r}")
    padding = module.padding
    if padding == "valid":
        padding = (0, 0)
    elif padding == "same":
        total = [dilation * (kernel - 1) for dilation, kernel in zip(module.dilation, module.kernel_size, strict=True)]
        if any(side % 2 for side in total):
            raise unknown("a convolution with padding='same' and an even kernel")
        padding = (total[0] // 2, total[1] // 2)
    layout = Unfold(module.kernel_size, module.stride, padding, module.dilation)
    weight = module.weight.detach().reshape(module.groups, module.out_channels // module.groups, -1)
    bias = torch.zeros(module.out_channels, dtype=torch.float64) if module.bias is None else module.bias.detach()
    return Products(weight, bias.reshape(module.groups, -1), layout)


def _batch_norm(module: Any) -> Step:
    if module.running_mean is None or module.running_var is None:
        raise unknown(f"{type(module).__name__} without running statistics")
    deviation = (module.running_var + module.eps).sqrt()
    scale = (torch.ones_like(deviation) if module.weight is None else module.weight.detach()) / deviation
    bias = torch.zeros_like(deviation) if module.bias is None else module.bias.detach()
    return Scaling(module.running_mean, scale, bias)


def _largest(module: Any) -> Step:
    if module.return_indices:
        raise unknown("MaxPool2d with return_indices")
    return Monotone(module.forward)


def _mean_of_windows(module: Any) -> Step:
    divisor = getattr(module, "divisor_override", None)
    if divisor is not None and not divisor > 0:
        raise unknown(f"an average with divisor_override={divisor}, which is not positive")
    sides = module.kernel_size if isinstance(module.kernel_size, tuple) else (module.kernel_size,) * 2
    return Mean(module.forward, sides[0] * sides[1])


def _relu() -> Step:
    # Not in place: another step may need the same input.
    return Monotone(partial(torch.clamp, min=0.0))


def _flat(start_dim: int = 0, end_dim: int = -1) -> Step:
    if start_dim == 0:
        raise unknown("flatten with start_dim=0, which joins the rows of a batch")
    return Monotone(partial(torch.flatten, start_dim=start_dim, end_dim=end_dim))


def _mean_over(dim: Any = None, keepdim: bool = False) -> Step:
    axes = (dim,) if isinstance(dim, int) else tuple(dim or ())
    if sorted(axis % 4 for axis in axes) != [2, 3]:
        raise unknown(f"mean over {dim}; over (2, 3) it is known")
    return Mean(partial(torch.mean, dim=axes, keepdim=keepdim))


def _nothing(_: Any) -> None:
    return None


def _dropout(p: float = 0.5, training: bool = True, inplace: bool = False) -> None:  # noqa: ARG001  # torch's
    if training:
        raise unknown("dropout in training mode")


MODULES: dict[type[nn.Module], Callable[[Any], Step | None]] = {
    nn.Linear: _linear,
    nn.Conv2d: _convolution,
    nn.BatchNorm2d: _batch_norm,
    nn.BatchNorm1d: _batch_norm,
    nn.ReLU: lambda _: _relu(),
    nn.MaxPool2d: _largest,
    nn.AvgPool2d: _mean_of_windows,
    nn.AdaptiveAvgPool2d: lambda module: Mean(module.forward),
    nn.Flatten: lambda module: _flat(module.start_dim, module.end_dim),
    nn.Identity: _nothing,
    nn.Dropout: _nothing,
    nn.Dropout2d: _nothing,
}
FUNCTIONS: dict[Any, Callable[..., Step | None]] = {
    torch.relu: _relu,
    nn.functional.relu: _relu,
    "relu": _relu,
    torch.flatten: _flat,
    "flatten": _flat,
    "mean": _mean_over,
    torch.mean: _mean_over,
    nn.functional.dropout: _dropout,
    nn.functional.max_pool2d: lambda *args, **keywords: _largest(nn.MaxPool2d(*args, **keywords)),
    nn.functional.avg_pool2d: lambda *args, **keywords: _mean_of_windows(nn.AvgPool2d(*args, **keywords)),
    nn.functional.adaptive_avg_pool2d: lambda size: Mean(nn.AdaptiveAvgPool2d(size).forward),
}
IN_PLACE = (operator.iadd, operator.isub, operator.imul, operator.itruediv)
OPERATIONS: dict[Any, str] = {
    target: name
    for name, targets in {
        "add": (operator.add, operator.iadd, torch.add, "add"),
        "sub": (operator.sub, operator.isub, torch.sub, "sub"),
        "mul": (operator.mul, operator.imul, torch.mul, "mul"),
        "truediv": (operator.truediv, operator.itruediv, torch.div, "div"),
    }.items()
    for target in targets
}
