"""Labelled images, checked and read in batches; the next batches are read while the model computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from maskcover.canonical import digest
from maskcover.cells import IntArray
from maskcover.classifiers.evaluation import Images
from maskcover.errors import InvalidInput
from maskcover_torch.attacks.inputs import true_labels
from maskcover_torch.evaluator import loaded

Batch = tuple[torch.Tensor, torch.Tensor]
_AHEAD = 2  # batches


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Images (channels, height, width) of floats, tensors or arrays, with their labels, int64 (n,).

    Batches have the dtype of the model, and are on the CPU.
    """

    images: Images
    labels: IntArray
    size: tuple[int, ...]
    dtype: torch.dtype

    @classmethod
    def of(cls, pair: tuple[Images, npt.ArrayLike], name: str, size: tuple[int, ...], dtype: torch.dtype) -> Examples:
        """Examples from a pair (images, labels), checked: at least one image, of the right size."""
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not _indexed(pair[0]):
            raise InvalidInput(f"{name} must be a pair (images, labels) of sequences; got {type(pair).__name__}")
        images, labels = pair
        if not len(images):
            raise InvalidInput(f"{name} holds no images; expected at least one")
        examples = cls(images, true_labels(labels, len(images)), size, dtype)
        examples.image(0)
        return examples

    def image(self, number: int) -> torch.Tensor:
        """One image."""
        return loaded(self.images[number], self.size, (torch.device("cpu"), self.dtype), (0.0,))

    def some(self, count: int, seed: int) -> Examples:
        """`count` of the examples, drawn with the seed, in their order; all if there are not more."""
        chosen = torch.randperm(len(self.labels), generator=torch.Generator().manual_seed(seed))[:count].sort().values
        return Examples(_Some(self.images, chosen.tolist()), self.labels[chosen.numpy()], self.size, self.dtype)

    def batches(self, order: torch.Tensor, size: int, workers: int) -> Iterator[Batch]:
        """The images in the given order, `size` at a time, read ahead of their use by the given number of threads."""
        parts = deque(torch.split(order, size))
        with ThreadPoolExecutor(workers) if workers else nullcontext() as pool:
            coming = deque(self._begun(parts.popleft(), pool) for _ in range(min(_AHEAD, len(parts))))
            while coming:
                yield coming.popleft()()
                if parts:
                    coming.append(self._begun(parts.popleft(), pool))

    def summary(self) -> dict[str, Any]:
        """The number of examples, and a digest of their labels and the first image; it reads no other."""
        first = self.image(0).contiguous().reshape(-1).view(torch.uint8).numpy().tobytes().hex()
        return {"count": len(self.labels), "digest": digest([self.labels.tolist(), first])}

    def _begun(self, numbers: torch.Tensor, pool: ThreadPoolExecutor | None) -> Callable[[], Batch]:
        """Start to read a batch, if there are threads for it; a call of the result returns the batch."""
        if pool is None or isinstance(self.images, torch.Tensor):
            return partial(self._read, numbers)
        futures = [pool.submit(self.image, number) for number in numbers.tolist()]
        return partial(self._collected, numbers, futures)

    def _read(self, numbers: torch.Tensor) -> Batch:
        if isinstance(self.images, torch.Tensor):
            return self.images[numbers].to("cpu", self.dtype), self._labels(numbers)
        return _stacked([self.image(number) for number in numbers.tolist()]), self._labels(numbers)

    def _collected(self, numbers: torch.Tensor, futures: list[Future[torch.Tensor]]) -> Batch:
        return _stacked([future.result() for future in futures]), self._labels(numbers)

    def _labels(self, numbers: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(self.labels[numbers.numpy()])


@dataclass(frozen=True, slots=True, eq=False)
class _Some:
    """Some images of a sequence, with the preprocessing that the sequence declares."""

    images: Images
    numbers: list[int]

    @property
    def preprocessing(self) -> Any:
        return getattr(self.images, "preprocessing", None)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, number: int, /) -> Any:
        return self.images[self.numbers[number]]


def _stacked(images: Sequence[torch.Tensor]) -> torch.Tensor:
    if len({len(image) for image in images}) > 1:
        raise InvalidInput("expected images of the same number of channels; convert all to RGB, or all to grey")
    return torch.stack(list(images))


def _indexed(images: object) -> bool:
    return hasattr(images, "__len__") and hasattr(images, "__getitem__") and not np.isscalar(images)
