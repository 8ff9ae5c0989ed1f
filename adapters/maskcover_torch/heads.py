"""Networks in two parts: a front end that turns an image into cells, and a head that turns cells into class scores."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from maskcover.errors import InvalidInput
from maskcover_torch.cells import Cells, as_like, hooked, layer_of
from maskcover_torch.evidence import LocalEvidence
from maskcover_torch.fields import same_bits
from maskcover_torch.outputs import scores_of

_CLOSE = 1e-3
"""The largest change of a score, as a fraction of the largest, between a network and its two parts."""


class TwoParts(torch.nn.Module):
    """A network cut behind one of its layers: `front` gives its cells, and a call runs the head on cells.

    Args:
        model: Takes images (n, channels, height, width), in evaluation mode.
        at: The name of the layer whose output is cut.
        layout: How that layer arranges its output; see `maskcover_torch.cells.Cells`.

    The front end is not run again for the head: modules that come before the cut give back what they gave for a blank
    image. So nothing of an image reaches the head but its cells; `expect_whole` refuses a network whose head reads
    more, such as a skip connection around the cut.

    >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 2, stride=2), torch.nn.Flatten(), torch.nn.Linear(64, 5)).eval()
    >>> parts = TwoParts(net, "0")
    >>> image = torch.rand(1, 3, 8, 8)
    >>> bool((parts(parts.front(image)) == net(image)).all())
    True
    """

    def __init__(self, model: torch.nn.Module, at: str, layout: str | None = None) -> None:
        super().__init__()
        self.cells = Cells(model, at, layout)
        self.training = model.training  # a new module is in training mode
        self._cached = _Cached()

    def front(self, images: torch.Tensor) -> torch.Tensor:
        """The cells (n, channels, rows, columns) of images (n, channels, height, width), all of one size."""
        output = self.cells.output(images)
        shape = tuple(images.shape[1:])
        if self._cached.shape != shape:
            self._cached = _Cached(shape)
        return self.cells.arranged(output, images)

    def forward(self, cells: torch.Tensor) -> torch.Tensor:
        """Scores (n, classes) of cells (n, channels, rows, columns), of images of the size that `front` saw last."""
        if self._cached.shape is None:
            raise InvalidInput("the head knows no image yet; call front first")
        blank = cells.new_zeros((len(cells), *self._cached.shape))
        key = len(cells), cells.dtype, cells.device, tuple(map(_version, self.parameters()))
        calls = self._cached.calls.get(key)
        if calls is None:
            calls = self._cached.calls[key] = _calls_before(self.cells, blank)
        with _replayed(calls, as_like(cells, calls[-1].output)):
            return scores_of(self.cells.model(blank), len(cells), None)

    def expect_whole(self, images: torch.Tensor) -> None:
        """Raise `InvalidInput` unless the head reads the cells alone, and both parts together are the network.

        The output at the cut is replaced by that of other images, while images of noise, of huge numbers and of NaN
        come in: the scores must keep every bit.
        """
        model, layer = self.cells.model, layer_of(self.cells.model, str(self.cells.layer))
        whole = scores_of(model(images), len(images), None)
        cut = self.cells.output(images)
        if not isinstance(cut, torch.Tensor):
            raise InvalidInput(f"{self.cells.named} gives no tensor, so its cells cannot be hidden; name another layer")
        generator = torch.Generator().manual_seed(3)
        noise = torch.randn(images.shape, generator=generator).to(images)
        for other in (noise, torch.full_like(images, 1e30), torch.full_like(images, torch.nan)):
            with hooked(layer, lambda _module, _arguments, _output: cut):
                if not same_bits(whole, scores_of(model(other), len(images), None)):
                    raise InvalidInput(
                        f"the head reads more of the image than {self.cells.named}: scores change though its output "
                        "does not. A skip connection goes around it; name a layer that all paths go through, such as a "
                        "whole stage"
                    )
            own = self.cells.output(other)
            if self._prefix(cut, images) and not same_bits(*(self._rest(part, images) for part in (cut, own))):
                raise InvalidInput(
                    f"tokens of {self.cells.named} that are no cell depend on the image, and would not be hidden; name "
                    "an earlier layer, or keep them out of its attention (maskcover_torch.windowed)"
                )
        gap = (self(self.front(images)) - whole).abs().max()
        if bool(whole.isfinite().all()) and not bool(gap <= _CLOSE * whole.abs().max()):
            raise InvalidInput(f"cut behind {self.cells.named}, the network has other scores (by {gap.item():.1e})")

    def _prefix(self, output: torch.Tensor, images: torch.Tensor) -> int:
        """The number of tokens that are no cell."""
        if self.cells.layout_of(output, images) != "tokens":
            return 0
        rows, columns = self.cells.grid_of(output, images)
        return int(output.shape[1]) - rows * columns

    def _rest(self, output: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        return output[:, : self._prefix(output, images)]


class EvidenceMean(torch.nn.Module):
    """A local network in two parts: the evidence of its cells, and the mean over them."""

    def __init__(self, evidence: LocalEvidence) -> None:
        super().__init__()
        self.evidence = evidence
        self.training = evidence.training

    def front(self, images: torch.Tensor) -> torch.Tensor:
        """Scores (n, classes, rows, columns) of the cells."""
        cells: torch.Tensor = self.evidence(images)
        return cells

    def forward(self, cells: torch.Tensor) -> torch.Tensor:
        """The mean over the cells, (n, classes)."""
        return cells.mean(dim=(2, 3))

    def expect_whole(self, images: torch.Tensor) -> None:
        """Nothing to test: the head is made here, and reads cells alone."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of a module, and what it gave for blank images."""

    module: torch.nn.Module
    output: Any


@dataclass(slots=True)
class _Cached:
    """The shape of the last images; and for each batch size and state of the weights the calls before the cut."""

    shape: tuple[int, ...] | None = None
    calls: dict[Hashable, list[_Call]] = field(default_factory=dict)


def _version(tensor: torch.Tensor) -> tuple[int, int]:
    """A number that changes with each write into a tensor, and its place; tensors of inference mode have no number."""
    return tensor.data_ptr(), -1 if tensor.is_inference() else tensor._version


class _Cut(Exception):  # it ends a pass early, and is no error
    """The pass of a model has reached the cut."""


def _calls_before(cells: Cells, blank: torch.Tensor) -> list[_Call]:
    """The outermost calls of modules that end before the cut, in order; the call of the cut itself is the last."""
    layer = layer_of(cells.model, str(cells.layer))
    calls, starts = list[_Call](), list[int]()

    def entered(_module: torch.nn.Module, _arguments: object) -> None:
        starts.append(len(calls))

    def left(module: torch.nn.Module, _arguments: object, output: object) -> None:
        del calls[starts.pop() :]  # the calls inside this one
        calls.append(_Call(module, output))
        if module is layer:
            raise _Cut

    with ExitStack() as stack:
        for part in dict.fromkeys(cells.model.modules()):
            stack.callback(part.register_forward_pre_hook(entered).remove)
            stack.enter_context(hooked(part, left))
        try:
            cells.model(blank)
        except _Cut:
            return calls
    raise InvalidInput(f"the model does not run {cells.named}")


@contextmanager
def _replayed(calls: list[_Call], cut: torch.Tensor) -> Iterator[None]:
    """Let the modules of the calls give back their outputs, and the layer of the cut others; restored afterwards."""
    waiting: dict[torch.nn.Module, deque[Any]] = {}
    for call in calls[:-1]:
        waiting.setdefault(call.module, deque()).append(call.output)
    waiting.setdefault(calls[-1].module, deque()).append(cut)
    with ExitStack() as stack:
        for module, outputs in waiting.items():
            own = vars(module).get("forward")
            vars(module)["forward"] = _replaying(module.forward, outputs)
            stack.callback(_restore, module, own)
        yield


def _replaying(forward: Callable[..., Any], outputs: deque[Any]) -> Callable[..., Any]:
    """A function that gives back outputs, one a call, and then computes."""

    def replay(*arguments: Any, **named: Any) -> Any:
        return outputs.popleft() if outputs else forward(*arguments, **named)

    return replay


def _restore(module: torch.nn.Module, forward: Any) -> None:
    if forward is None:
        del vars(module)["forward"]
    else:
        vars(module)["forward"] = forward
