"""Training for interval certification: the loss of bounds under masks whose pixels may hold anything.

The bounds here are those of `maskcover_torch.interval_bounds` without outward rounding, in the precision of the model,
so that they have gradients. They are for training only; nothing is certified with them.

Source: Chiang et al. 2020, who train with all placements of a patch, with a few random ones, or with guided ones. There
the guide chooses placements for each image. Here it draws masks more often if their bounds are worse on average over
some images, the same for all images of a step: choosing for each image the masks that hurt it most is left out
(`maskcover_torch.training`). The masks are those of the defence, so a few stand for all placements.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple, get_args
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import nn

from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover_torch.attacks.inputs import whole
from maskcover_torch.identity import unwrapped
from maskcover_torch.interval_classifier import Pixels, channel_ends, pixel_ends
from maskcover_torch.interval_network import network_of
from maskcover_torch.training.schedules import Ramp, Schedule, as_schedule

Placements = Literal["all", "random", "guided"]
_GUIDES = 4  # images of a step whose bounds guide what is drawn


_GRAPHS: WeakKeyDictionary[nn.Module, torch.fx.Graph] = WeakKeyDictionary()
"""The graphs of the models in training, which are traced once."""


class Range(NamedTuple):
    """Lower and upper ends of an interval, two tensors of one shape."""

    lower: torch.Tensor
    upper: torch.Tensor


@dataclass(frozen=True)
class IntervalTraining:
    """The loss of interval training, in the place of `hiding` of `finetune`; for small networks only.

    It is the loss of the images with nothing hidden, mixed with that of the worst scores under masks whose pixels may
    hold anything within the pixel interval.

    Args:
        masks: The masks of the defence.
        pixels: The least and the greatest value of a pixel, as for `maskcover_torch.intervals`.
        placements: "random" draws masks with equal chances, "guided" draws those more often whose bounds are worse on
            average, "all" takes every mask for every image, which takes as many times longer.
        count: Masks for each image and step; not for "all".
        weight: The fraction of the loss of the bounds, a number or a `Schedule`; by default it grows from 0 to 0.5.

    >>> from maskcover import cover, squares
    >>> from maskcover_torch.training import Recipe, finetune
    >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 2))
    >>> images = torch.cat([torch.zeros(8, 1, 6, 6), torch.ones(8, 1, 6, 6)]) - 0.5
    >>> data, masks = (images, [0] * 8 + [1] * 8), cover(squares(size=1), image_size=6, grid=(2, 2))
    >>> recipe = Recipe(epochs=8, batch_size=8, lr=0.05)
    >>> training = IntervalTraining(masks, pixels=(-0.5, 0.5))
    >>> certified_by = {"procedure": "intervals()", "pixels": (-0.5, 0.5)}
    >>> report = finetune(net, data, data, masks, hiding=training, recipe=recipe, **certified_by)
    >>> report.kept.certified
    16
    """

    masks: MaskSet
    pixels: Pixels = (0.0, 1.0)
    placements: Placements = "random"
    count: int = 1
    weight: float | Schedule = field(default_factory=lambda: Ramp(0.0, 0.5))

    def __post_init__(self) -> None:
        whole("count", self.count)
        pixel_ends(self.pixels)
        as_schedule(self.weight)
        if self.placements not in get_args(Placements):
            raise InvalidInput(f"placements must be one of {', '.join(get_args(Placements))}; got {self.placements!r}")

    def __str__(self) -> str:
        return (
            f"IntervalTraining({self.masks.digest}, pixels={self.pixels}, placements={self.placements!r}, "
            f"count={self.count}, weight={self.weight})"
        )

    def __call__(self, images: torch.Tensor, generator: torch.Generator, progress: float = 0.0) -> torch.Tensor:  # noqa: ARG002  # it is the protocol's
        """Images as they are: nothing is filled, see `loss`."""
        return images

    def loss(
        self,
        model: nn.Module,
        images: torch.Tensor,
        labels: torch.Tensor,
        generator: torch.Generator,
        progress: float,
    ) -> torch.Tensor:
        """The loss of one step.

        Args:
            model: The model in training.
            images: Float images (n, channels, height, width).
            labels: int64 (n,).
            generator: The source of chance, on the CPU.
            progress: How much of the training is done, from 0 to 1.
        """
        bounds = _Bounds.of(model)
        clean = nn.functional.cross_entropy(model(images), labels)
        weight = as_schedule(self.weight)(progress)
        if weight == 0:
            return clean
        chosen = self._chosen(bounds, images, labels, generator)
        worst = bounds.worst_scores(self._ranges(images, chosen), labels.repeat(len(chosen)))
        return (1 - weight) * clean + weight * nn.functional.cross_entropy(worst, labels.repeat(len(chosen)))

    def _chosen(
        self, bounds: _Bounds, images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """The numbers of the masks, int64 (masks of an image, n)."""
        masks = len(self.masks)
        if self.placements == "all":
            return torch.arange(masks)[:, None].expand(masks, len(images))
        chances = torch.ones(masks)
        if self.placements == "guided":
            few, rows = images[:_GUIDES], labels[:_GUIDES].repeat(masks)
            every = torch.arange(masks)[:, None].expand(masks, len(few))
            with torch.no_grad():
                worst = bounds.worst_scores(self._ranges(few, every), rows)
                losses = nn.functional.cross_entropy(worst, rows, reduction="none").reshape(masks, -1).mean(dim=1)
            chances = losses.float().cpu().clamp(min=1e-3, max=1e3).nan_to_num(nan=1e3)
        drawn = torch.multinomial(chances, self.count * len(images), replacement=True, generator=generator)
        return drawn.reshape(self.count, len(images))

    def _ranges(self, images: torch.Tensor, chosen: torch.Tensor) -> Range:
        """The ranges of all pixels, (masks of an image · n, channels, height, width)."""
        hidden = self._hidden[chosen.flatten()][:, None].to(images.device)
        shown = images.repeat(len(chosen), 1, 1, 1)
        ends = (channel_ends(end, images.shape[1]).to(images) for end in pixel_ends(self.pixels))
        return Range(*(torch.where(hidden, end, shown) for end in ends))

    @cached_property
    def _hidden(self) -> torch.Tensor:
        return torch.from_numpy(np.asarray(self.masks))


class _Bounds(torch.fx.Interpreter):
    """Carries ranges through a traced model whose parts are all known; see `network_of`."""

    @classmethod
    def of(cls, model: nn.Module) -> _Bounds:
        """The bounds of a model, with the weights that it has when they are computed; refuses parts without bounds."""
        if model not in _GRAPHS:
            _GRAPHS[model] = network_of(model, evaluating=False).graph
        inner, graph = unwrapped(model), _GRAPHS[model]
        bounds = cls(inner, graph=graph)
        last = list(graph.nodes)[-1].args[0]
        linear = last.op == "call_module" and isinstance(inner.get_submodule(last.target), nn.Linear)
        bounds.last = last.target if linear else None
        return bounds

    last: Any = None
    """The name of the last layer, if it is linear: it is merged with the differences of scores."""

    def worst_scores(self, images: Range, labels: torch.Tensor) -> torch.Tensor:
        """For each class an upper bound on its score less that of the label, 0 for the label; (rows, classes)."""
        ends: Range = self.run(images)
        rows = torch.arange(len(labels), device=labels.device)
        if self.last is None:
            gaps = ends.upper - ends.lower[rows, labels][:, None]
        else:
            layer: Any = self.module.get_submodule(self.last)
            difference = layer.weight[None] - layer.weight[labels][:, None]
            center, radius = (ends.lower + ends.upper) / 2, (ends.upper - ends.lower) / 2
            gaps = (difference @ center[:, :, None] + difference.abs() @ radius[:, :, None])[:, :, 0]
            if layer.bias is not None:
                gaps = gaps + layer.bias[None] - layer.bias[labels][:, None]
        return torch.where(nn.functional.one_hot(labels, gaps.shape[1]).bool(), 0.0, gaps)

    def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG002  # none is known with keywords
        """The range behind a module."""
        (ends,), module = args, self.fetch_attr(target)
        if target == self.last or isinstance(module, nn.Dropout | nn.Dropout2d):
            return ends
        if isinstance(module, nn.Linear | nn.Conv2d):
            return _spread(module, ends)
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            return _sorted(ends, lambda values: _normalised(module, values))
        if isinstance(module, nn.ReLU):
            return Range(ends.lower.relu(), ends.upper.relu())  # not in place
        return _sorted(ends, module)

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        """The range behind a function."""
        return self._operation(super().call_function, target, args, kwargs)

    def call_method(self, target: Any, args: Any, kwargs: Any) -> Any:
        """The range behind a method."""
        return self._operation(super().call_method, target, args, kwargs)

    def _operation(self, call: Any, target: Any, args: Any, kwargs: Any) -> Any:
        places = [place for place, value in enumerate(args) if isinstance(value, Range)]
        if target is nn.functional.dropout:
            return args[0]
        if len(places) == 2:
            first, second = args  # a sum, the only operation on two results that is known
            return Range(first.lower + second.lower, first.upper + second.upper)
        (place,) = places
        # Copies, since an operation may be in place.
        return _sorted(
            args[place], lambda values: call(target, (*args[:place], values.clone(), *args[place + 1 :]), kwargs)
        )


def _sorted(ends: Range, function: Any) -> Range:
    """The range behind a function that rises or falls throughout."""
    first, second = function(ends.lower), function(ends.upper)
    return Range(torch.minimum(first, second), torch.maximum(first, second))


def _spread(module: Any, ends: Range) -> Range:
    """The range behind sums of products."""
    center, radius = (ends.lower + ends.upper) / 2, (ends.upper - ends.lower) / 2
    middle, sizes = module(center), module.weight.abs()
    if isinstance(module, nn.Linear):
        deviation = nn.functional.linear(radius, sizes)
    else:
        deviation = nn.functional.conv2d(
            radius, sizes, None, module.stride, module.padding, module.dilation, module.groups
        )
    return Range(middle - deviation, middle + deviation)


def _normalised(module: Any, values: torch.Tensor) -> torch.Tensor:
    """Batch normalisation by the running statistics, as when it is certified."""
    return nn.functional.batch_norm(
        values, module.running_mean, module.running_var, module.weight, module.bias, False, 0.0, module.eps
    )
