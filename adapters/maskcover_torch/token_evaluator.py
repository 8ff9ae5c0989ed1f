"""`TokenEvaluator`: a vision transformer with masks whose tokens are left out, in the form that the engine uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers import Answers, NumericContract
from maskcover.classifiers.occlusion import DropTokens
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover_torch.evaluator import AsPixels, TorchEvaluator, loaded
from maskcover_torch.numerics import FORMATS, expect, pinned
from maskcover_torch.tokens import TokenNetwork


@dataclass(frozen=True, slots=True, eq=False)
class LoadedTokens(AsPixels):
    """A loaded image: its pixels, and its sequence (length, features) with nothing hidden."""

    pixels: torch.Tensor
    sequence: torch.Tensor


class TokenEvaluator(TorchEvaluator):
    """A vision transformer with its masks; the tokens that a mask hides are left out of its sequence.

    Each image is embedded once, alone, when it is loaded; so all embeddings are made in one shape. A batch that the
    model computes has `batch_size` sequences of one length: the engine asks for pairs of one shape at a time, see
    `maskcover.classifiers.evaluation.HasShapes`. Pairs of several shapes are computed in several such batches.

    A prediction for which every token is left out has scores of NaN, so no label.
    """

    def __init__(
        self, model: torch.nn.Module, masks: MaskSet, *, occlusion: DropTokens, contract: NumericContract
    ) -> None:
        if contract.compiled:
            raise InvalidInput(
                "a compiled model takes one length of sequences only, and masks leave several lengths; leave compiled "
                "(--compile) out, or use a fill"
            )
        super().__init__(model, masks, occlusion=occlusion, contract=contract)
        hidden = occlusion.hidden_tokens(masks)
        # The number −1, nothing hidden, is the last row.
        self._hidden_tokens = np.concatenate([hidden, np.zeros_like(hidden[:1])])
        self._on_device = torch.from_numpy(self._hidden_tokens).to(self._device)
        self._network = TokenNetwork.of(self._computed, occlusion)
        with pinned(contract, self._device):
            self._classes = self._network.expect_right(masks.grid.shape, self._place)

    def fresh(self) -> Self:
        """A copy for one call, with the two parts of the model as it is now: they hold modules and settings of then."""
        twin = super().fresh()
        twin._network = TokenNetwork.of(self._computed, self._network.occlusion)
        return twin

    def load(self, image: Any) -> LoadedTokens:  # type: ignore[override]  # it is kept with its tokens
        """Check an image, and embed it."""
        pixels = image.pixels if isinstance(image, LoadedTokens) else image
        checked = loaded(pixels, self.masks.grid.shape, self._place, (0.0,))
        if len(checked) != self._network.channels:
            raise InvalidInput(f"expected images of {self._network.channels} channels; got one of {len(checked)}")
        return self._embedded(checked)

    def reloaded(self, image: LoadedTokens) -> LoadedTokens:
        """The image embedded anew; see `maskcover.certification.binding.reloaded`."""
        return self._embedded(image.pixels)

    def shapes(self, pairs: IntArray) -> IntArray:
        """The number of tokens that each pair of masks leaves; see `maskcover.classifiers.evaluation.HasShapes`."""
        counts, size = np.empty(len(pairs), dtype=np.int64), 4096  # pairs at once, since there may be millions
        for begin in range(0, len(pairs), size):
            first, second = pairs[begin : begin + size].T
            hidden = self._hidden_tokens[first] | self._hidden_tokens[second]
            counts[begin : begin + size] = hidden.shape[1] - hidden.sum(axis=1)
        return counts

    def scores(self, images: Sequence[Any], pairs: IntArray) -> npt.NDArray[np.generic]:
        """See `maskcover.classifiers.Evaluator`; images are those that `load` gives."""
        return super().scores(images, pairs)

    def submit(self, images: Sequence[Any], pairs: IntArray) -> Callable[[], Answers]:
        """See `maskcover.classifiers.Evaluator`; images are those that `load` gives."""
        return super().submit(images, pairs)

    def overwritten(self, image: Any, hidden: BoolArray | None, value: float | None) -> Any:
        """See `maskcover.classifiers.Evaluator`; the overwritten image is embedded anew."""
        pixels = super().overwritten(image.pixels, hidden, value)
        return None if pixels is None else self._embedded(pixels)

    def mixed(self, image: Any, other: Any, fraction: float) -> Any:
        """A weighted mean of two loaded images; `fraction` is the weight of the first."""
        return self._embedded(fraction * image.pixels + (1 - fraction) * other.pixels)

    def _embedded(self, pixels: torch.Tensor) -> LoadedTokens:
        with pinned(self.contract, self._device):
            self.expect_as_before()
            batch = pixels[None].contiguous(memory_format=FORMATS[self._layout])
            return LoadedTokens(pixels, self._network.embedding(batch)[0].clone())

    def _drawn(self) -> None:
        """Nothing: no pixel is replaced."""

    def _scores(self, images: Sequence[Any], pairs: IntArray) -> torch.Tensor:
        self.expect_as_before()
        counts = self.shapes(pairs)
        scores = torch.full((len(pairs), self._classes), torch.nan, dtype=self._dtype, device=self._device)
        for count in sorted(set(counts.tolist()) - {0}):
            rows = np.flatnonzero(counts == count)
            # Filled up with repetitions, so that every batch of this length has the same shape.
            batch = rows.take(range(len(pairs)), mode="clip")
            part = self._of_one_length([images[row] for row in batch], pairs[batch], int(count))
            scores = scores.to(part.dtype)
            scores[torch.from_numpy(rows).to(self._device)] = part[: len(rows)]
        expect(self._flags, self._device)  # the model itself may have changed them
        self.classes = self._classes
        return scores

    def _of_one_length(self, images: Sequence[LoadedTokens], pairs: IntArray, count: int) -> torch.Tensor:
        first, second = torch.from_numpy(pairs.T % len(self._on_device)).to(self._device)
        hidden = self._on_device.index_select(0, first) | self._on_device.index_select(0, second)
        return self._network.scores_of_kept(torch.stack([image.sequence for image in images]), hidden, count)
