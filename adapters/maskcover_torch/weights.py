"""Reads checkpoints as numbers and never as code, and the number of classes of their model (threats.md, 55)."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from maskcover.errors import InvalidInput, MaskcoverWarning

Weights = dict[str, torch.Tensor]

_FORCED = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
# Where training scripts put the weights beside an optimizer's state, the averaged ones first, as timm takes them.
_INSIDE = ("state_dict_ema", "model_ema", "state_dict", "model")
# Prefixes that torch.compile and DataParallel put before names, in any order.
_CARRIERS = ("_orig_mod.", "module.")


def read_weights(path: str | Path) -> Weights:
    """The weights in a file of safetensors or of `torch.save`, on the CPU, by name.

    Args:
        path: Holds a state dict, or one under ``state_dict``, ``model``, ``state_dict_ema`` or ``model_ema``.

    Raises:
        InvalidInput: the file is broken, holds no state dict, or names code to run: nothing of that is run.
    """
    try:
        content = _content(Path(path))
    except Exception as error:  # unpicklers and readers of archives raise whatever they meet
        raise InvalidInput(
            f"{path} is no checkpoint that holds weights only ({reason(error)}); expected a state "
            "dict, as torch.save(model.state_dict(), …) or safetensors write it: a whole model is code, which is "
            "not run from a file"
        ) from error
    for name in _INSIDE:
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
            break
    if not isinstance(content, Mapping) or not content or not all(map(_is_weight, content.items())):
        raise InvalidInput(f"{path} holds no state dict of names and tensors, but {_described(content)}")
    bare = {_bare(name): value for name, value in content.items()}
    if len(bare) < len(content):
        raise InvalidInput(f"{path} holds the weights of two models: names occur with and without {_CARRIERS}")
    return bare


@contextmanager
def only_weights() -> Iterator[None]:
    """Within this context no `torch.load` of any library runs code from a pickle, even if it was asked to."""
    before = os.environ.get(_FORCED)
    os.environ[_FORCED] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_FORCED]
        else:
            os.environ[_FORCED] = before


def classes_in(weights: Weights, own: Weights, classes: int) -> int:
    """The number of classes of a checkpoint, from the layers whose first side is the number of classes.

    Args:
        weights: The checkpoint.
        own: The state dict of the model that it is for, with `classes` of its own.
        classes: How many classes that model has.

    The answer is `classes` unless every tensor of another shape is such a layer, and all have as many rows.

    >>> own = {"body": torch.zeros(3, 4), "head": torch.zeros(10, 3), "bias": torch.zeros(10)}
    >>> classes_in(own | {"head": torch.zeros(7, 3), "bias": torch.zeros(7)}, own, 10)
    7
    """
    other = [(weights[name].shape, value.shape) for name, value in own.items() if name in weights]
    other = [(theirs, ours) for theirs, ours in other if theirs != ours]
    fits = all(len(theirs) and ours[:1] == (classes,) and theirs[1:] == ours[1:] for theirs, ours in other)
    counts = {theirs[0] for theirs, _ in other} if fits else set()
    return counts.pop() if len(counts) == 1 else classes


def reason(error: Exception) -> str:
    """The cause of a failed reading in one line; never torch's advice to run the code after all.

    >>> reason(pickle.UnpicklingError("Weights only load failed … set weights_only to False"))
    'its pickle is broken, or names code to run'
    """
    if isinstance(error, pickle.UnpicklingError):
        return "its pickle is broken, or names code to run"
    if isinstance(error, InvalidInput):
        return str(error)
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def warn_of_new_head(name: str, classes: int, published: int) -> None:
    """Warn that the last layer is random and must be trained, since the published one has other classes."""
    warnings.warn(
        f"{name} is published with {published} classes, so its head of {classes} is new and random: train it, as "
        "maskcover finetune does, or name the checkpoint of your training with weights=PATH (--weights)",
        MaskcoverWarning,
        stacklevel=4,
    )


def _content(path: Path) -> Any:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path, device="cpu")
    return torch.load(path, map_location="cpu", weights_only=True)


def _is_weight(item: tuple[object, object]) -> bool:
    name, value = item
    return isinstance(name, str) and isinstance(value, torch.Tensor)


def _bare(name: str) -> str:
    """The name without the prefixes of wrappers."""
    for carrier in _CARRIERS:
        if name.startswith(carrier):
            return _bare(name.removeprefix(carrier))
    return name


def _described(content: object) -> str:
    some = ", ".join(map(str, list(content)[:5])) if isinstance(content, Mapping) else ""
    return type(content).__name__ + (f" of {some}" if some else "")
