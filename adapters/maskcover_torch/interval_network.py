"""A torch module as a graph of steps whose interval bounds are known; anything else is refused by name."""

from __future__ import annotations

import copy
import operator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from maskcover.errors import InvalidInput
from maskcover_torch.identity import unwrapped
from maskcover_torch.interval_bounds import (
    TINY,
    UNIT,
    Box,
    Flat,
    Products,
    Step,
    Sum,
    WithConstant,
    expect_usable,
)
from maskcover_torch.interval_layers import FUNCTIONS, IN_PLACE, MODULES, OPERATIONS, known, unknown
from maskcover_torch.modes import refuse_training


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One step of a network with the names of its inputs and the name of its output."""

    name: str
    step: Step
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network in float64, as it is served and as it is bounded.

    Args:
        module: A copy of the module in float64, from which the constants come.
        graph: The graph of the module, by torch.fx.
        parts: The steps in an order in which they can be computed.
        image: The name of the input.
        output: The name of the scores.
    """

    module: nn.Module = field(repr=False)
    graph: torch.fx.Graph = field(repr=False)
    parts: tuple[Part, ...]
    image: str
    output: str

    def scores(self, images: torch.Tensor) -> torch.Tensor:
        """The scores (rows, classes) of float64 images (rows, channels, height, width)."""
        values = {self.image: images}
        for part in self.parts:
            values[part.name] = part.step.value(*(values[name] for name in part.sources))
            _expect_rows(part, values[part.name], len(images))
        return _as_scores(values[self.output])

    def boxes(self, images: Box) -> dict[str, Box]:
        """The bounds of every step for all images in a box, by name."""
        boxes = {self.image: Box.limited(images.lower, images.upper)}
        for part in self.parts:
            boxes[part.name] = part.step.bounds(*(boxes[name] for name in part.sources))
            _expect_rows(part, boxes[part.name].lower, len(images.lower))
        return boxes

    def gaps(self, images: Box) -> torch.Tensor:
        """Upper bounds on the score of each class less that of the best class, float64 (rows, classes).

        The best class, whose entry is 0, is the one that leads in the middle of the last box. If all other entries of a
        row are below 0, it is the certain label: every computation in float64, of every image in the box, gives it the
        unique largest score. Entries are NaN where nothing is known.
        """
        last = self.parts[-1]
        if isinstance(last.step, Products) and isinstance(last.step.layout, Flat) and last.name == self.output:
            (source,) = last.sources
            return _gaps_of_layer(last.step, self._before_last(images)[source])
        box = self.boxes(images)[self.output]
        return _gaps_of_box(Box(_as_scores(box.lower), _as_scores(box.upper)))

    def _before_last(self, images: Box) -> dict[str, Box]:
        return Network(self.module, self.graph, self.parts[:-1], self.image, self.output).boxes(images)


def _expect_rows(part: Part, outputs: torch.Tensor, rows: int) -> None:
    """Raise `InvalidInput` if a step joins or splits the rows of a batch: each image must be by itself."""
    if not outputs.ndim or len(outputs) != rows:
        raise InvalidInput(
            f"{part.name} makes {tuple(outputs.shape)} of {rows} images; each image needs a row of its own"
        )


def _as_scores(values: torch.Tensor) -> torch.Tensor:
    if values.ndim != 2 or values.shape[1] < 2:
        raise InvalidInput(f"the network must give scores (rows, classes), two classes or more; got {values.shape}")
    return values


def _gaps_of_box(scores: Box) -> torch.Tensor:
    """The gaps from bounds on the scores alone."""
    best = (scores.lower + scores.upper).nan_to_num(nan=0.0).argmax(dim=1, keepdim=True)
    upper = torch.tensor(torch.inf, dtype=torch.float64)
    gaps = torch.nextafter(scores.upper - scores.lower.gather(1, best), upper)
    return gaps.scatter(1, best, 0.0)


def _gaps_of_layer(layer: Products, box: Box) -> torch.Tensor:
    """The gaps from the inputs of the last linear layer, which is merged with the differences of its classes.

    The exact difference of two scores is bounded with the difference of their weights. What is served computes both
    scores, each with its own rounding: that of both is added. So a gap below 0 says that the computed scores differ.
    """
    (weight,), (bias,) = layer.weight, layer.bias
    center, radius = box.middle()
    best = layer.value(center).nan_to_num(nan=0.0).argmax(dim=1)
    return torch.stack([
        _gaps_of_row(weight, bias, int(label), *row) for label, *row in zip(best, center, radius, strict=True)
    ])  # fmt: skip


def _gaps_of_row(
    weight: torch.Tensor, bias: torch.Tensor, best: int, center: torch.Tensor, radius: torch.Tensor
) -> torch.Tensor:
    """The gaps of one row; center and radius float64 (inputs,)."""
    # With g for one product more: the differences of the weights are rounded too.
    g = (weight.shape[1] + 10) * UNIT * 2
    difference, constant = weight - weight[best], bias - bias[best]
    sizes, constants = weight.abs() + weight[best].abs(), bias.abs() + bias[best].abs()
    width = difference.abs() @ (radius * (1 + 4 * UNIT)) + 8 * g * (sizes @ (center.abs() + radius + TINY))
    deviation = (width + 8 * g * constants + TINY) * (1 + 8 * g)
    gaps = (difference @ center + constant) + deviation
    gaps = torch.nextafter(gaps, torch.tensor(torch.inf, dtype=torch.float64))
    gaps[best] = 0.0
    return gaps


def network_of(model: nn.Module, *, evaluating: bool = True) -> Network:
    """The network of a module, traced by torch.fx; the module must be in evaluation mode unless `evaluating` is False.

    Raises:
        InvalidInput: the module is in training mode, has hooks, cannot be traced, or has a part for which no bounds are
            known; the message names it.
    """
    inner = unwrapped(model)
    if evaluating:
        refuse_training(inner)
    _refuse_hooks(inner)
    module = copy.deepcopy(inner).cpu().double().eval().requires_grad_(False)
    try:
        graph = _Tracer().trace(module)
    except Exception as error:
        raise InvalidInput(
            f"torch.fx cannot trace {type(inner).__name__} ({error}); interval bounds need a forward without decisions "
            "that depend on the image"
        ) from error
    return _Builder(module).network(graph)


class _Tracer(torch.fx.Tracer):
    """Traces down to the modules of torch.nn."""

    def is_leaf_module(self, module: nn.Module, qualified_name: str) -> bool:
        return type(module) in MODULES or super().is_leaf_module(module, qualified_name)


def _refuse_hooks(module: nn.Module) -> None:
    for name, part in module.named_modules():
        if part._forward_hooks or part._forward_pre_hooks:
            raise InvalidInput(f"{name or 'the model'} has forward hooks, whose bounds are not known; remove them")


class _Builder:
    """Turns the nodes of a graph into parts, one after the other."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._parts: list[Part] = []
        self._names: dict[torch.fx.Node, str] = {}
        self._constants: dict[torch.fx.Node, torch.Tensor] = {}

    def network(self, graph: torch.fx.Graph) -> Network:
        """The network of a graph."""
        images = [node for node in graph.nodes if node.op == "placeholder"]
        if len(images) != 1:
            raise InvalidInput(f"expected a forward of one argument, the images; got one of {len(images)}")
        for node in graph.nodes:
            if node.op == "output":
                (result,) = node.args
                if not self._is_result(result) or not self._parts:
                    raise InvalidInput(f"the network must return one tensor of scores; it returns {result!r:.80}")
                return Network(self._module, graph, tuple(self._parts), images[0].name, self._names[result])
            self._add(node)
        raise InvalidInput("the network returns nothing")

    def _add(self, node: torch.fx.Node) -> None:
        if node.op == "placeholder":
            self._names[node] = node.name
        elif node.op == "get_attr":
            self._constants[node] = operator.attrgetter(str(node.target))(self._module)
        elif node.op == "call_module":
            self._module_called(node)
        else:
            self._function_called(node)

    def _module_called(self, node: torch.fx.Node) -> None:
        module = self._module.get_submodule(str(node.target))
        maker = MODULES.get(type(module))
        if maker is None or len(node.args) != 1 or node.kwargs:
            raise unknown(f"{node.target} ({type(module).__name__})")
        if getattr(module, "inplace", False):
            _expect_sole_user(node)
        self._step(node, maker(module), self._source(node.args[0]))

    def _function_called(self, node: torch.fx.Node) -> None:
        what = getattr(node.target, "__name__", str(node.target))
        name = OPERATIONS.get(node.target)
        positional = any(argument is True for argument in node.args[1:])  # the inplace of relu(x, True)
        if node.kwargs.get("inplace") or positional or node.target in IN_PLACE:
            _expect_sole_user(node)
        if node.target in FUNCTIONS:
            inputs, *arguments = node.args
            step = FUNCTIONS[node.target](*arguments, **known(node.kwargs, what))
            self._step(node, step, self._source(inputs))
        elif name is None or node.kwargs or len(node.args) != 2:
            raise unknown(what)
        elif name == "add" and all(map(self._is_result, node.args)):
            first, second = map(self._source, node.args)
            self._step(node, Sum(), first, second)
        else:
            self._step(node, *self._with_constant(name, *node.args))

    def _with_constant(self, name: str, first: Any, second: Any) -> tuple[Step, str]:
        function: Any = getattr(operator, name)
        if self._is_result(first):
            constant = self._constant(second)
            if name == "truediv" and not bool((constant != 0).all()):
                raise InvalidInput("the network divides by 0")
            return WithConstant(function, constant), self._names[first]
        if name == "truediv":
            raise unknown("the division of a number by a result")
        constant = self._constant(first)
        return WithConstant(lambda values, number: function(number, values), constant), self._source(second)

    def _constant(self, value: Any) -> torch.Tensor:
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        if not plain and not (isinstance(value, torch.fx.Node) and value in self._constants):
            raise unknown("an operation on two results that is no sum")
        constant = torch.as_tensor(value if plain else self._constants[value], dtype=torch.float64)
        expect_usable(constant)
        return constant

    def _is_result(self, value: Any) -> bool:
        return isinstance(value, torch.fx.Node) and value in self._names

    def _source(self, node: Any) -> str:
        if not self._is_result(node):
            raise unknown(f"an operation on {node!r:.40}")
        return self._names[node]

    def _step(self, node: torch.fx.Node, step: Step | None, *sources: str) -> None:
        """Add a step; None passes its input on."""
        if step is None:
            (self._names[node],) = sources
            return
        self._parts.append(Part(node.name, step, sources))
        self._names[node] = node.name


def _expect_sole_user(node: torch.fx.Node) -> None:
    """Raise `InvalidInput` if an operation in place changes a result that something else uses too."""
    source = node.args[0]
    if isinstance(source, torch.fx.Node) and (len(source.users) > 1 or source.op == "placeholder" or not node.users):
        raise InvalidInput(
            f"{node.name} works in place on {source.name}, which other parts of the network use too, so that its steps "
            "are another network; leave inplace out"
        )
