"""Measures, before a run, in which of several ways a model computes fastest.

A clock is never exact, so only clear differences in speed count; otherwise the order is fixed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import product

import torch

from maskcover.classifiers import NumericContract
from maskcover_torch.modes import refuse_training
from maskcover_torch.numerics import FORMATS, contracted, memory_format, pinned
from maskcover_torch.outputs import scores_of

_TIE = 1.2
"""Rates that differ by no more than this factor are the same."""
_FAR = 2.0
"""A way that is slower than the fastest by more than this factor is run once only."""
_BUDGET = 3.0  # seconds, after which nothing more is measured
# First the size with which formats and threads are compared; larger ones only where their probes are worth it.
_CPU, _GPU = (4, 16, 1), (64, 256, 16, 1024, 4, 1)
# For runs of so few images that batches of 4 are not worth their probes.
_FEW = (2, 1)
# Sizes to try if predictions repeat to the bit in none of these: that depends on how kernels divide a batch.
_MORE = (2, 8, 16, 32)


def fastest_first(
    model: torch.nn.Module, contract: NumericContract, image: torch.Tensor, most: int
) -> list[NumericContract]:
    """Complete contracts, one for each way to compute, the fastest first.

    Args:
        model: The model; not changed. Another memory format is measured on a copy.
        contract: The settings that are fixed; those that are None are to be chosen.
        image: One image (channels, height, width), where and as the model computes.
        most: The largest batch that is measured.

    Memory formats and numbers of threads are compared in batches of one size, and sizes in the format and with the
    threads that were the fastest. One row at a time is always among the ways; sizes that are not measured come last.
    Channels last is the format of a model with convolutions unless the other one is clearly faster.
    """
    refuse_training(model)
    sizes = [size for size in (_FEW if most < 4 else _GPU if image.is_cuda else _CPU) if size <= most]
    bench = _Bench(contract, image, _models(model, contract))
    threads = _threads(contract, image)
    ways = [(sizes[0], *way) for way in product(bench.models, threads)]
    bench.warm_up(ways[0])
    first = bench.measured(ways)
    fastest = first[0].contract if first else None
    layout, count = (fastest.memory_format, fastest.threads) if fastest else (next(iter(bench.models)), threads[0])
    rest, more = (
        [(size, str(layout), count or threads[0]) for size in sizes_of_rest] for sizes_of_rest in (sizes[1:], _MORE)
    )
    measured = ranked([*first, *bench.measured(rest)])
    # Ways that there was no time to measure come last.
    return list(dict.fromkeys([*measured, *(bench.set(way) for way in [*rest, *more])]))


@dataclass(frozen=True, slots=True)
class Rate:
    """A way to compute, and its measured rows per second."""

    contract: NumericContract
    rows: float


def ranked(rates: Iterable[Rate]) -> list[NumericContract]:
    """The ways, the fastest first; those too close for a clock keep their order.

    >>> four, single = (NumericContract(batch_size=size) for size in (4, 1))
    >>> [way.batch_size for way in ranked([Rate(four, 100.0), Rate(single, 110.0)])]
    [4, 1]
    >>> [way.batch_size for way in ranked([Rate(four, 100.0), Rate(single, 130.0)])]
    [1, 4]
    """
    remaining, ways = list(rates), list[NumericContract]()
    while remaining:
        best = max(rate.rows for rate in remaining)
        ways += [rate.contract for rate in remaining if rate.rows * _TIE >= best]
        remaining = [rate for rate in remaining if rate.rows * _TIE < best]
    return ways


_Way = tuple[int, str, int]
"""Rows, memory format, threads."""


@dataclass(slots=True)
class _Bench:
    """Measures one model, in each memory format, with one image."""

    contract: NumericContract
    image: torch.Tensor
    models: dict[str, torch.nn.Module]
    begin: float = field(default_factory=lambda: time.perf_counter())

    def set(self, way: _Way) -> NumericContract:
        """The complete contract of a way."""
        size, layout, threads = way
        return replace(self.contract, batch_size=size, memory_format=layout, threads=threads)  # type: ignore[arg-type]  # one of FORMATS

    def warm_up(self, way: _Way) -> None:
        """Compute once before the clock starts: a process's first pass can take longer than all that is measured."""
        with suppress(MemoryError, RuntimeError):  # it comes again when it is measured
            self._seconds(*way)
        self.begin = time.perf_counter()

    def measured(self, ways: Sequence[_Way]) -> list[Rate]:
        """The ways that fit into memory and time, the fastest first.

        Each is run once, and then those once more that are not far slower than the fastest: a second run would not
        change the place of the others.
        """
        rates = self._run(ways, {})
        fastest = max((rate.rows for rate in rates.values()), default=0.0)
        close = [way for way, rate in rates.items() if rate.rows * _FAR > fastest]
        of_contract = {rate.contract: rate for rate in self._run(close, rates).values()}
        return [of_contract[contract] for contract in ranked(of_contract.values())]

    def _run(self, ways: Sequence[_Way], before: dict[_Way, Rate]) -> dict[_Way, Rate]:
        """Run each way once, while there is time; the best rates of these runs and those before."""
        rates = dict(before)
        for way in ways:
            if time.perf_counter() - self.begin >= _BUDGET:
                break
            try:
                rate = Rate(self.set(way), way[0] / max(self._seconds(*way), 1e-9))
            except (MemoryError, RuntimeError) as error:
                if not isinstance(error, MemoryError) and "memory" not in str(error).lower():
                    raise
                rates.pop(way, None)
                continue
            rates[way] = max(rate, rates.get(way, rate), key=lambda measured: measured.rows)
        return rates

    def _seconds(self, size: int, layout: str, threads: int) -> float:
        batch = self.image.expand(size, *self.image.shape).contiguous(memory_format=FORMATS[layout])
        with pinned(self.set((size, layout, threads)), self.image.device):
            begin = time.perf_counter()
            scores_of(self.models[layout](batch), size, None).sum().item()  # a GPU has answered only then
            return time.perf_counter() - begin


def _models(model: torch.nn.Module, contract: NumericContract) -> dict[str, torch.nn.Module]:
    """The model in its own memory format, or that of the contract; and a copy in the other one, if it may matter.

    Channels last comes first, since of two formats that are as fast the first is taken.
    """
    own = contracted(model, contract)
    models = {memory_format(own): own}
    # Kernels of one pixel are the same in both formats.
    has_kernels = any(tensor.ndim == 4 and tensor[0, 0].numel() > 1 for tensor in own.parameters())
    if contract.memory_format is None and has_kernels:
        for layout in FORMATS.keys() - models.keys():
            with suppress(Exception):  # there are models that cannot be copied
                models[layout] = contracted(own, replace(contract, memory_format=layout))  # type: ignore[arg-type]  # one of FORMATS
    elif contract.memory_format is not None:
        models = {contract.memory_format: own}  # kernels of one pixel do not tell in which format they are
    return {layout: models[layout] for layout in reversed(FORMATS) if layout in models}


def _threads(contract: NumericContract, image: torch.Tensor) -> list[int]:
    """Numbers of threads to try: that of the process, and one; only the first if somebody chose it, or on a GPU."""
    now = contract.threads or torch.get_num_threads()
    named = contract.threads is not None or "OMP_NUM_THREADS" in os.environ
    return [now] if named or image.is_cuda or now == 1 else [now, 1]
