"""Receptive fields of networks, measured: which pixels of an image can change a cell of the output.

A row or a column of an image is overwritten with NaN, and the cells that become NaN depend on it. Operations that lose
NaN (comparisons, `nan_to_num`) are caught by a second test: with everything outside its field overwritten, by noise and
by huge numbers, a cell must keep every bit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from math import isfinite

import numpy as np
import numpy.typing as npt
import torch

from maskcover.classifiers import NumericContract
from maskcover.errors import InvalidInput, ProbeFailed
from maskcover.grid import Grid, ImageSize
from maskcover.regions import ReceptiveField
from maskcover_torch.cells import Cells, hooked
from maskcover_torch.evaluator import place_of
from maskcover_torch.glance import glance
from maskcover_torch.identity import architecture_digest
from maskcover_torch.modes import refuse_training
from maskcover_torch.numerics import FORMATS, contracted, memory_format, pinned
from maskcover_torch.outputs import single_output

BoolArray = npt.NDArray[np.bool_]
Sides = tuple[int, int]
_INSIDE = re.compile(r"^(?:(?:parts|evidence|cells)\.)*model\.")  # the names of our own modules around a network
_AXES = (0, 1)  # rows, columns
# None is noise; huge numbers become infinite or NaN on their way, as an attacker's pixels may.
_VALUES = (None, 1e30, -1e30, float("inf"), -float("inf"), float("nan"))
_REMEDY = (
    "Name an earlier layer; or make its kernels local (maskcover_torch.narrowed), or its attention "
    "(maskcover_torch.windowed), and train it again. Kernels that transform whole images (FFT) mix them too"
)


def receptive_field(
    model: torch.nn.Module,
    size: ImageSize,
    layer: str | None = None,
    *,
    channels: int | None = None,
    layout: str | None = None,
    contract: NumericContract | None = None,
) -> ReceptiveField:
    """Measure the receptive field of the output grid of a model, or of one of its layers, on images of one size.

    Args:
        model: Takes images (n, channels, height, width); in evaluation mode.
        size: (height, width) of the images, or the side of square ones. On images of other sizes the field may be
            another one.
        layer, layout: The layer, and how its output is arranged; as for `maskcover_torch.cells.Cells`.
        channels: Channels of the images; by default those of the first convolution.
        contract: How the model computes. Some kernels mix more pixels than others.

    Returns:
        The smallest `ReceptiveField` that encloses what was measured, cell by cell: its steps give the same cells.

    Raises:
        InvalidInput: some cell depends on the whole image; the message names what mixes.
        ProbeFailed: a cell changes with pixels outside what was measured by NaN.

    >>> net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 5), torch.nn.MaxPool2d(2)).eval()
    >>> print(receptive_field(net, 12))
    ReceptiveField(6, 2)
    """
    height, width = Grid.of(size).shape
    ruler = Ruler(Cells(model, layer, layout), (height, width), channels or channels_of(model), contract)
    field = ruler.measured()
    ruler.expect_inside(field)
    return field


def channels_of(model: torch.nn.Module) -> int:
    """The channels of the images of a model: those of its first convolution, or 3 if it has none."""
    return next((part.in_channels for part in model.modules() if isinstance(part, torch.nn.Conv2d)), 3)


@dataclass(frozen=True, eq=False)
class Ruler:
    """Measures which pixels the cells of a module depend on.

    Args:
        module: Maps images (n, channels, height, width) to cells (n, numbers, rows, columns).
        size: (height, width) of the images.
        channels: Channels of the images.
        contract: How the module computes; in batches of one image if it names no batch size.
    """

    module: torch.nn.Module
    size: Sides
    channels: int
    contract: NumericContract | None = None

    def measured(self) -> ReceptiveField:
        """The smallest field around all pixels that a NaN shows to matter. Raises as `receptive_field` does."""
        with self._computing() as forward:
            before = next(forward([self._noise(0)]))
            if not before.isfinite().all():
                raise InvalidInput("the cells of an image of noise are not finite: the model cannot be measured")
            spans = [self._spans(forward, axis) for axis in _AXES]
        whole = [((low == 0) & (high == side)).any() for (low, high), side in zip(spans, self.size, strict=True)]
        if all(whole):
            raise InvalidInput(f"some cell depends on the whole image of {Grid(self.size)}: {self._mixer()}. {_REMEDY}")
        rows, columns = (enclosing(*span, side) for span, side in zip(spans, self.size, strict=True))
        return ReceptiveField(*zip(rows, columns, strict=True))

    def expect_inside(self, field: ReceptiveField) -> None:
        """Raise unless the module has the cells of a field, and each keeps every bit whatever lies outside its field.

        Each row and each column of cells is tried with all pixels outside it overwritten, by noise, by huge and
        infinite numbers and by NaN.
        """
        self._expect_bits(field, self._noise(1), lambda count: range(count))

    def expect_some_inside(self, field: ReceptiveField, image: torch.Tensor) -> None:
        """Raise as `expect_inside` does, for the first, the middle and the last row and column of cells of an image."""
        self._expect_bits(field, image, lambda count: sorted({0, count // 2, count - 1}))

    def _expect_bits(self, field: ReceptiveField, image: torch.Tensor, tried: Callable[[int], Iterable[int]]) -> None:
        axes = field.axes(self.size)
        with self._computing() as forward:
            before = next(forward([image]))
            grid = (axes[0].outputs, axes[1].outputs)
            if tuple(before.shape[1:]) != grid:
                cells = "×".join(map(str, before.shape[1:]))
                raise InvalidInput(f"{field} has {Grid(grid)} cells on {Grid(self.size)}, but the model has {cells}")
            for axis, support in enumerate(axes):
                spans = list(zip(support.first.tolist(), support.stop.tolist(), strict=True))
                numbers = list(tried(len(spans)))
                for value in _VALUES:
                    attacked = (self._outside(image, axis, spans[number], value) for number in numbers)
                    for number, after in zip(numbers, forward(attacked), strict=True):
                        own, now = before.select(axis + 1, number), after.select(axis + 1, number)
                        if not same_bits(own, now):
                            raise ProbeFailed(_leak(axis, number, spans[number], value, own, now))

    def _spans(self, forward: _Forward, axis: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The first pixel that each cell along an axis depends on, and the one behind the last; (0, 0) if none."""
        image, length = self._noise(0), self.size[axis]
        # Lines far apart stand in one batch: were its rows mixed, cells would depend on all of the image.
        apart = -(-length // ((self.contract or NumericContract()).batch_size or 1))
        order = [number for start in range(apart) for number in range(start, length, apart)]
        lines = forward(self._line(image, axis, number) for number in order)
        # (numbers, rows, columns) to cells along the axis.
        rows = [cells.isnan().any(dim=0).any(dim=1 - axis).cpu().numpy() for cells in lines]
        touched = np.stack(rows)[np.argsort(order)]
        some = touched.any(axis=0)
        last = touched.shape[0] - touched[::-1].argmax(axis=0)
        return np.where(some, touched.argmax(axis=0), 0), np.where(some, last, 0)

    def _computing(self) -> _Computing:
        return _Computing(self.module, self.contract)

    def _noise(self, seed: int) -> torch.Tensor:
        device, dtype = place_of(self.module)
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(self.channels, *self.size, generator=generator).to(device, dtype)

    def _line(self, image: torch.Tensor, axis: int, number: int) -> torch.Tensor:
        changed = image.clone()
        changed.select(axis + 1, number).fill_(torch.nan)
        return changed

    def _outside(self, image: torch.Tensor, axis: int, span: Sides, value: float | None) -> torch.Tensor:
        """The image with all outside an interval of rows, or of columns, overwritten."""
        changed = 100 * self._noise(2) if value is None else torch.full_like(image, _within(value, image))
        inside = changed.narrow(axis + 1, span[0], span[1] - span[0])
        inside.copy_(image.narrow(axis + 1, span[0], span[1] - span[0]))
        return changed

    def _mixer(self) -> str:
        """The first layer all of whose cells depend on one corner of the image, in words."""
        image = self._noise(0)
        image[:, 0, 0] = torch.nan
        mixing: list[str] = []

        def look(name: str, part: torch.nn.Module, _arguments: object, output: object) -> None:
            tensor = single_output(output)
            if not mixing and isinstance(tensor, torch.Tensor) and tensor.ndim >= 2 and bool(tensor.isnan().all()):
                mixing.append(f"{_INSIDE.sub('', name)!r} ({type(part).__name__})")

        parts = [(name, part) for name, part in self.module.named_modules() if name and not list(part.children())]
        with ExitStack() as stack, self._computing() as forward:
            for name, part in parts:
                stack.enter_context(hooked(part, partial(look, name)))
            next(forward([image]))
        if not mixing:
            return "its windows are as large as the image"
        return (
            f"after {mixing[0]} everything depends on one corner. Pooling over the image mixes it (squeeze-and-"
            "excitation, global response or instance normalisation), and so does attention between all tokens"
        )


_Forward = Callable[["Sequence[torch.Tensor] | Iterator[torch.Tensor]"], Iterator[torch.Tensor]]
"""From images to the cells of each, (numbers, rows, columns), one after another."""


class _Computing:
    """Context: a module computes under a contract, in batches of one size."""

    def __init__(self, module: torch.nn.Module, contract: NumericContract | None) -> None:
        self._contract = contract or NumericContract()
        refuse_training(module)
        self._module = contracted(module, self._contract)
        self._stack = ExitStack()

    def __enter__(self) -> _Forward:
        self._stack.enter_context(pinned(self._contract, place_of(self._module)[0]))
        return self._cells

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def _cells(self, images: Sequence[torch.Tensor] | Iterator[torch.Tensor]) -> Iterator[torch.Tensor]:
        size, waiting = self._contract.batch_size or 1, list[torch.Tensor]()
        layout = FORMATS[self._contract.memory_format or memory_format(self._module)]
        for image in images:
            waiting.append(image)
            if len(waiting) == size:
                yield from self._batch(waiting, layout)
                waiting = []
        if waiting:
            filled = waiting + waiting[-1:] * (size - len(waiting))
            yield from self._batch(filled, layout)[: len(waiting)]

    def _batch(self, images: list[torch.Tensor], layout: torch.memory_format) -> torch.Tensor:
        cells = self._module(torch.stack(images).contiguous(memory_format=layout))
        if not isinstance(cells, torch.Tensor) or cells.ndim != 4:
            raise InvalidInput("expected cells of shape (n, numbers, rows, columns)")
        return cells


def enclosing(first: npt.NDArray[np.int64], stop: npt.NDArray[np.int64], length: int) -> tuple[int, int, int]:
    """The (size, stride, padding) of the smallest field with these cells whose windows enclose theirs.

    Args:
        first, stop: For each cell of an axis the first pixel that it depends on, and the one behind the last.
        length: Pixels of the axis.

    >>> enclosing(np.array([0, 1, 3]), np.array([2, 4, 6]), 6)
    (3, 2, 1)
    """
    fields = [_with_stride(first, stop, length, stride) for stride in range(1, length + 1)]
    return min(fields, key=partial(_pixels, length))


def _with_stride(
    first: npt.NDArray[np.int64], stop: npt.NDArray[np.int64], length: int, stride: int
) -> tuple[int, int, int]:
    starts = np.arange(len(first)) * stride
    empty = first == stop  # a constant cell fits everywhere
    padding = max(0, int(np.where(empty, 0, starts - first).max()))
    behind = max(1, int(np.where(empty, 1, stop - starts).max()))
    # A field has (length + padding - behind) // stride + 1 cells: both ends may grow until these are as many.
    rest = length + padding - behind
    padding += max(0, (len(first) - 1) * stride - rest)
    behind += max(0, rest - (len(first) * stride - 1))
    return padding + behind, stride, padding


def _pixels(length: int, field: tuple[int, int, int]) -> tuple[int, int]:
    """The pixels of all windows together, and the size: the smallest field is the one of the fewest."""
    (axis, _) = ReceptiveField(*((value, value) for value in field)).axes((length, length))
    return int((axis.stop - axis.first).sum()), field[0]


def same_bits(first: torch.Tensor, second: torch.Tensor) -> bool:
    """Whether two tensors are equal to the bit; all NaN are one."""
    return bool(((first == second) & (first.signbit() == second.signbit()) | (first.isnan() & second.isnan())).all())


def _within(value: float, image: torch.Tensor) -> float:
    """A finite value cut to the range of the image's dtype; infinity and NaN as they are."""
    largest = float(torch.finfo(image.dtype).max)
    return max(-largest, min(value, largest)) if isfinite(value) else value


def state_of(model: torch.nn.Module) -> Hashable:
    """A value that changes with the weights, hooks and layers of a model, and with where it computes."""
    return place_of(model), glance(model), architecture_digest(model)


def _leak(axis: int, number: int, span: Sides, value: float | None, before: torch.Tensor, after: torch.Tensor) -> str:
    name = ("row", "column")[axis]
    gap = (before.double() - after.double()).abs().max().item()
    written = "noise" if value is None else f"{value:g}"
    return (
        f"cells of {name} {number} change by {gap:.1e} when all pixels outside the {name}s {span[0]} to {span[1] - 1} "
        f"are overwritten by {written}: they depend on more than a NaN shows. Look for comparisons and nan_to_num of "
        "values that come from the whole image; or for kernels that mix neighbours (Winograd, FFT): pin others, with "
        "torch.backends.cudnn.enabled = False on a GPU or another memory_format, as no margin stands for evidence"
    )
