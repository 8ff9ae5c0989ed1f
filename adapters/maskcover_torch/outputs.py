"""Finds the scores in what a module returns; the user names them if there are several candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import torch

from maskcover.errors import InvalidInput

Output = str | int
"""The name or the place of the scores in what a module returns."""


class Picked(torch.nn.Module):
    """A module that returns one of the outputs of another module.

    >>> class Two(torch.nn.Module):
    ...     def forward(self, images):
    ...         return {"main": images.mean(dim=(2, 3)), "auxiliary": images.amax(dim=(2, 3))}
    >>> Picked(Two().eval(), "main")(torch.zeros(1, 2, 4, 4)).shape
    torch.Size([1, 2])
    """

    def __init__(self, model: torch.nn.Module, output: Output) -> None:
        super().__init__()
        self.model, self.output = model, output
        # A new module is in training mode.
        self.training = model.training

    def forward(self, images: torch.Tensor) -> Any:
        """The output with the name or at the place."""
        output = self.model(images)
        entries = entries_of(output)
        try:
            return entries[self.output] if isinstance(self.output, str) else list(entries.values())[self.output]
        except (KeyError, IndexError) as error:
            raise InvalidInput(f"the model has no output {self.output!r}; it returns {_described(output)}") from error


def scores_of(output: object, rows: int, classes: int | None) -> torch.Tensor:
    """The scores (rows, classes) in the output of a model.

    A tensor; the `logits` of an output that has them; or the only entry of a tuple, a dict or a dataclass.
    """
    scores = single_output(output)
    if not isinstance(scores, torch.Tensor) or scores.ndim != 2:
        raise InvalidInput(
            f"the model must return one tensor of scores (n, classes); got {_described(output)}: "
            "say which of its outputs that is, as in output='logits' or output=0, or wrap the model"
        )
    if scores.shape[0] != rows or classes not in (None, scores.shape[1]) or scores.shape[1] < 2:
        expected = f"({rows}, {classes or 'classes, at least 2'})"
        raise InvalidInput(f"the model must give scores of shape {expected}; got {tuple(scores.shape)}")
    if scores.is_complex() or scores.dtype == torch.bool:
        raise InvalidInput(f"the model must give real scores; got {scores.dtype}")
    return scores


def entries_of(output: object) -> dict[str, Any]:
    """The named entries of an output; numbered if they have no names; none if it has no entries."""
    if isinstance(output, Mapping):
        return {str(name): value for name, value in output.items()}
    if is_dataclass(output) and not isinstance(output, type):
        return {field.name: getattr(output, field.name) for field in fields(output)}
    if hasattr(output, "_asdict"):
        return dict(output._asdict())
    if isinstance(output, Sequence) and not isinstance(output, str):
        return {str(place): value for place, value in enumerate(output)}
    return {}


def single_output(output: object) -> object:
    """The one tensor in an output: itself, its `logits`, or its only entry; the output as it is if there is none."""
    if isinstance(output, torch.Tensor):
        return output
    entries = {name: value for name, value in entries_of(output).items() if value is not None}
    if "logits" in entries:
        return entries["logits"]
    return next(iter(entries.values())) if len(entries) == 1 else output


def _described(output: object) -> str:
    if isinstance(output, torch.Tensor):
        return f"shape {tuple(output.shape)}"
    entries = ", ".join(f"{name}: {_brief(value)}" for name, value in entries_of(output).items())
    return type(output).__name__ + (f" of {entries}" if entries else "")


def _brief(value: object) -> str:
    return f"shape {tuple(value.shape)}" if isinstance(value, torch.Tensor) else type(value).__name__
