"""`TorchEvaluator`: images and masks stay on the device, masks are drawn there, and only answers come back."""

from __future__ import annotations

import copy
import platform
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from itertools import chain, pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers import Answers, NumericContract
from maskcover.classifiers.observations import Observation, TopLabel
from maskcover.classifiers.occlusion import DropTokens, Fill
from maskcover.errors import InvalidInput
from maskcover.masks import Drawing, MaskSet
from maskcover.masks.drawing import is_small
from maskcover_torch.described import described
from maskcover_torch.glance import glance
from maskcover_torch.identity import architecture_digest, attention, weights_digest
from maskcover_torch.modes import refuse_training
from maskcover_torch.numerics import FORMATS, compiled, contracted, cpu_capability, expect, flags, memory_format, pinned
from maskcover_torch.outputs import scores_of

UNNAMED = 16
"""Rows of a batch if nobody named another number and none was measured."""


class TorchEvaluator:
    """A torch module with its masks, in the form that the engine uses; made by `TorchClassifier.evaluator`.

    Hidden pixels are replaced by selection, so that their values, NaN included, leave no trace. The masks are drawn
    from their boxes once, on the device, so that no mask is ever sent there with an image.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        masks: MaskSet,
        *,
        occlusion: Fill | DropTokens,
        contract: NumericContract,
    ) -> None:
        if masks.grid.ndim != 2:
            raise InvalidInput(f"images have two dimensions; the masks are for {masks.grid}")
        refuse_training(model)
        self.masks, self.contract = masks, contract
        self.classes: int | None = None
        self.least_scale = 0.0
        self.observation: Observation = TopLabel()
        self._channels: int | None = None
        self._computed = self._model = contracted(model, contract)
        self._place = self._device, self._dtype = place_of(self._model)
        # Kernels of one channel, or of one pixel, do not tell in which format they are.
        self._layout = contract.memory_format or memory_format(self._model)
        self._occlusion = occlusion
        # If all masks together do not fit into memory, each batch draws its own, on the host.
        self._bitmaps = self._drawn()
        self.depth = 2 if self._device.type == "cuda" else 1
        with pinned(contract, self._device):
            self._flags = flags(self._device)
        self.batch_size = contract.batch_size or UNNAMED
        # Only now, for one shape: after several shapes torch would go on without compiling, and not say so.
        self._model = compiled(self._model, contract)

    def computes_with(self, model: torch.nn.Module) -> bool:
        """Whether it computes with this very module; False if with a copy in another precision or memory format."""
        return self._computed is model

    def fresh(self) -> Self:
        """A copy for one call, made of an evaluator that has loaded no image: model and masks are shared."""
        return copy.copy(self)

    def load(self, image: Any) -> torch.Tensor:
        """Load an image, see `loaded`; all images of a run must have as many channels as the first."""
        tensor = loaded(image, self.masks.grid.shape, self._place, fill_of(self._occlusion))
        self._channels = self._channels or len(tensor)
        if len(tensor) != self._channels:
            raise InvalidInput(f"expected images of {self._channels} channels, as the first; got one of {len(tensor)}")
        return tensor

    def submit(self, images: Sequence[torch.Tensor], pairs: IntArray) -> Callable[[], Answers]:
        """See `maskcover.classifiers.Evaluator`."""
        with pinned(self.contract, self._device):
            scores = self._scores(images, pairs)
            return answers_of(scores, self.least_scale, self.observation)

    def scores(self, images: Sequence[torch.Tensor], pairs: IntArray) -> npt.NDArray[np.generic]:
        """See `maskcover.classifiers.Evaluator`."""
        with pinned(self.contract, self._device):
            return on_host(self._scores(images, pairs))

    def overwritten(self, image: torch.Tensor, hidden: BoolArray | None, value: float | None) -> torch.Tensor | None:
        """See `maskcover.classifiers.Evaluator`."""
        where = torch.ones(self.masks.grid.shape, dtype=torch.bool) if hidden is None else torch.from_numpy(hidden)
        if value is None:
            noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
            return torch.where(where.to(self._device), noise.to(image), image)
        if abs(value) > torch.finfo(self._dtype).max:
            value = torch.finfo(self._dtype).max
        return torch.where(where.to(self._device), torch.tensor(value).to(image), image)

    def mixed(self, image: torch.Tensor, other: torch.Tensor, fraction: float) -> torch.Tensor | None:
        """A weighted mean of two loaded images; `fraction` is the weight of the first."""
        return fraction * image + (1 - fraction) * other

    def identity(self) -> dict[str, str]:
        """Weights, architecture, fill, numerics, library and device."""
        on_gpu = self._device.type == "cuda"
        name = torch.cuda.get_device_name(self._device) if on_gpu else f"{platform.machine()} {cpu_capability()}"
        return {
            "weights": weights_digest(self._computed),
            "architecture": architecture_digest(self._computed),
            "attention": attention(self._computed) or "its own",
            **self._occlusion.identity,
            "batch_size": str(self.batch_size),
            "dtype": str(self._dtype).removeprefix("torch."),
            "memory_format": self._layout,
            "compiled": str(self.contract.compiled),
            "library": f"torch {torch.__version__}",
            "device": f"{self._device.type} {name}",
            **described(self._computed),
            **self._flags,
        }

    def glance(self) -> Hashable:
        """See `maskcover.certification.binding.ReportsChanges`: weights, hooks, fill, numerics."""
        return glance(self._computed), self._occlusion, self.contract, self._layout, tuple(self._flags.items())

    def expect_as_before(self) -> None:
        """Raise `InvalidInput` if the model trains, or if numeric flags are not those of the start."""
        refuse_training(self._computed)
        expect(self._flags, self._device)

    def _drawn(self) -> torch.Tensor | None:
        """The masks as bitmaps on the device; None if they are too large to keep."""
        return _bitmaps_of(self.masks, self._device) if is_small(self.masks) else None

    def _scores(self, images: Sequence[torch.Tensor], pairs: IntArray) -> torch.Tensor:
        self.expect_as_before()
        scores = scores_of(self._model(self._masked(images, pairs)), len(images), self.classes)
        expect(self._flags, self._device)  # the model itself may have changed them
        self.classes = scores.shape[1]
        return scores

    def _masked(self, images: Sequence[torch.Tensor], pairs: IntArray) -> torch.Tensor:
        hidden = self._hidden(pairs)[:, None]
        # The same image comes many times in a row: it is spread under its masks, and copied nowhere else.
        ends = [row for row in range(1, len(images)) if images[row] is not images[row - 1]]
        runs = pairwise([0, *ends, len(images)])
        shown = [self._filled(images[low], hidden[low:high]) for low, high in runs]
        batch = shown[0] if len(shown) == 1 else torch.cat(shown)
        return batch.contiguous(memory_format=FORMATS[self._layout])

    def _filled(self, image: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """One image under several masks, bool (rows, 1, height, width)."""
        if not isinstance(self._occlusion, Fill):
            raise InvalidInput(f"this evaluator fills hidden pixels; got {self._occlusion}")
        filled: torch.Tensor = self._occlusion.shown(image[None], hidden, 1, torch)
        return filled

    def _hidden(self, pairs: IntArray) -> torch.Tensor:
        """The pixels that pairs of masks hide: bool (rows, height, width), on the device."""
        if self._bitmaps is None:
            return torch.from_numpy(Drawing(self.masks).hidden(pairs)).to(self._device)
        first, second = torch.from_numpy(pairs.T % len(self._bitmaps)).to(self._device)
        return self._bitmaps.index_select(0, first) | self._bitmaps.index_select(0, second)


def answers_of(scores: torch.Tensor, least_scale: float, observation: Observation) -> Callable[[], Answers]:
    """The answers that follow from scores (rows, classes), worked out on their device; a call fetches them."""
    return partial(_fetched, _packed(scores, least_scale), observation.reduced(_finite(scores)[1], torch))


class AsPixels:
    """Mixin: a loaded image that counts as its pixels where reference scores need an image."""

    __slots__ = ()
    pixels: torch.Tensor

    def detach(self) -> torch.Tensor:
        """The pixels."""
        return self.pixels.detach()

    def cpu(self) -> torch.Tensor:
        """The pixels on the CPU."""
        return self.pixels.cpu()

    def double(self) -> torch.Tensor:
        """The pixels as float64."""
        return self.pixels.double()


def fill_of(occlusion: Fill | DropTokens) -> tuple[float, ...]:
    """The values that a fill puts into images; for dropped tokens, which put in none, a single 0."""
    return occlusion.values if isinstance(occlusion, Fill) else (0.0,)


def place_of(model: torch.nn.Module) -> tuple[torch.device, torch.dtype]:
    """The device of the first parameter or buffer, and the dtype of the first parameter of floats; or CPU, float32."""
    first = next(chain(model.parameters(), model.buffers()), None)
    floating = next((tensor.dtype for tensor in model.parameters() if tensor.is_floating_point()), torch.float32)
    return (torch.device("cpu") if first is None else first.device), floating


def loaded(
    image: Any, size: tuple[int, ...], place: tuple[torch.device, torch.dtype], fill: tuple[float, ...]
) -> torch.Tensor:
    """An image (channels, height, width), a tensor or an array of floats, where and as the model computes."""
    if not isinstance(image, torch.Tensor | np.ndarray):
        raise InvalidInput(f"expected images as tensors or arrays of floats; got {type(image).__name__}")
    tensor = image if isinstance(image, torch.Tensor) else _of_array(image)
    if tensor.ndim != 3 or tuple(tensor.shape[1:]) != size:
        expected = f"(channels, {', '.join(map(str, size))})"
        raise InvalidInput(f"the masks are for images of shape {expected}; got an image of {tuple(tensor.shape)}")
    if not tensor.is_floating_point():
        raise InvalidInput(f"expected images of floats as the model takes them; got {tensor.dtype}")
    if len(fill) not in (1, tensor.shape[0]):
        raise InvalidInput(f"fill has {len(fill)} values; the images have {tensor.shape[0]} channels")
    # A copy also of a tensor: a data set may read the next image into the same memory.
    return tensor.detach().to(device=place[0], dtype=place[1], copy=True)


def _of_array(image: npt.NDArray[Any]) -> torch.Tensor:
    try:
        # A copy, since torch takes no flipped or read-only arrays.
        return torch.from_numpy(np.array(image))
    except TypeError as error:
        raise InvalidInput(f"expected images as tensors or arrays of floats; got an array of {image.dtype}") from error


def on_host(scores: torch.Tensor) -> npt.NDArray[np.floating[Any]]:
    """Scores as an array. Numpy has no bfloat16; float32 holds each of its values, ties included."""
    wide = scores if scores.dtype in (torch.float32, torch.float64) else scores.float()
    array: npt.NDArray[np.floating[Any]] = wide.cpu().numpy()
    return array


def _bitmaps_of(masks: MaskSet, device: torch.device) -> torch.Tensor:
    """The masks as bool (masks + 1, height, width), drawn from their boxes where they are used; the last hides nothing.

    The number −1, nothing hidden, is that last one.
    """
    bitmaps = torch.zeros((len(masks.all_masks) + 1, *masks.grid.shape), dtype=torch.bool, device=device)
    for number, mask in enumerate(masks.all_masks):
        for (top, left), (bottom, right) in mask.bounds.tolist():
            bitmaps[number, top:bottom, left:right] = True
    return bitmaps


def _finite(scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Which rows are finite, and the scores as float64, 0 in the others."""
    wide = scores.to(torch.float32 if scores.device.type == "mps" else torch.float64)
    finite = wide.isfinite().all(dim=1)
    return finite, torch.where(finite[:, None], wide, 0.0)


def _packed(scores: torch.Tensor, least_scale: float = 0.0) -> torch.Tensor:
    """Labels, margins and confidences as (3, rows), by the same rules as `maskcover.classifiers.Answers.of`."""
    finite, shown = _finite(scores)
    (top, second), labels = shown.topk(2, dim=1).values.T, shown.argmax(dim=1)
    margin = (top - second) / shown.abs().amax(dim=1).clamp(min=least_scale)
    decided = finite & (top > second)
    confidence = 1.0 / (shown - top[:, None]).exp().sum(dim=1)
    return torch.stack(
        [
            torch.where(decided, labels, -1).to(shown.dtype),
            torch.where(decided & margin.isfinite(), margin, 0.0),
            torch.where(finite, confidence, torch.nan),
        ]
    )


def _fetched(packed: torch.Tensor, observed: torch.Tensor | None = None) -> Answers:
    labels, margins, confidences = packed.cpu().double().numpy()
    return Answers(
        labels.astype(np.int64), margins, confidences, None if observed is None else observed.cpu().double().numpy()
    )
