"""`torch_classifier`: the classifier of a torch module as its options say: whole, local, or split."""

from __future__ import annotations

from typing import Any

import torch

from maskcover.errors import InvalidInput
from maskcover_torch.classifier import TorchClassifier
from maskcover_torch.local_classifier import local as local_of
from maskcover_torch.split_classifier import split

ITSELF = "."
"""The name of the model itself as a layer."""


def torch_classifier(
    model: torch.nn.Module, *, local: str | None = None, split_at: str | None = None, **options: Any
) -> TorchClassifier:
    """The classifier of a module.

    Args:
        model: The module, in evaluation mode.
        local: The layer whose cells give evidence, see `maskcover_torch.local`; "." is a model that returns the scores
            of cells itself.
        split_at: The layer whose cells are hidden instead of pixels, see `maskcover_torch.split`.
        **options: As for `TorchClassifier`, as far as the kind of classifier has them.

    >>> net = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 4, stride=4)).eval()
    >>> type(torch_classifier(net, local=".")).__name__
    'LocalClassifier'
    """
    if local is not None and split_at is not None:
        raise InvalidInput(f"name local={local!r} or split_at={split_at!r}, not both")
    if split_at is not None:
        return split(model, split_at, **options)
    if local is not None:
        return local_of(model, None if local == ITSELF else local, **options)
    return TorchClassifier(model, **options)
