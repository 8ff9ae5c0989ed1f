"""Refuses models in training mode: dropout and batch statistics would make predictions random (threats.md, 19)."""

from __future__ import annotations

import torch

from maskcover.errors import InvalidInput

_RANDOM = ("bernoulli", "rand", "rrelu_with_noise")  # what drop path and noise leave in a graph


def refuse_training(model: torch.nn.Module, name: str = "") -> None:
    """Raise `InvalidInput` if any part of a model is in training mode; `name` is that of the model within another.

    >>> refuse_training(torch.nn.Sequential(torch.nn.Dropout()))
    Traceback (most recent call last):
    maskcover.errors.InvalidInput: the model (Sequential) is in training mode; call model.eval() first
    """
    exported = isinstance(model, torch.fx.GraphModule) and "eval" in vars(model)
    if _traced_training(model) if exported else model.training:
        raise InvalidInput(
            f"{name or 'the model'} ({type(model).__name__}) is in training mode; call model.eval() first"
            + (", and export it again" if exported else "")
        )
    for part, child in () if exported else model.named_children():
        refuse_training(child, f"{name}.{part}" if name else part)


def _traced_training(model: torch.nn.Module) -> bool:
    """Whether a module from torch.export trains. It has no modes; the arguments of operations in its graph say so."""
    calls = [node for node in getattr(model, "graph").nodes if node.op == "call_function"]  # noqa: B009  # typed as Any
    if any(word in str(node.target) for node in calls for word in _RANDOM):
        return True
    of_modes = (node for node in calls if "dropout" in str(node.target) or "batch_norm" in str(node.target))
    # dropout(images, fraction, train), batch_norm(images, weight, bias, mean, variance, training, …)
    return any(True in [argument for argument in node.args[:6] if isinstance(argument, bool)] for node in of_modes)
