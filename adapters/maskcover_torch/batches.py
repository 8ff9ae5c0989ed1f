"""How many rows a batch should have: a short measurement before a run."""

from __future__ import annotations

import time
from collections.abc import Callable

_LONG = 1.0  # second: a larger batch than that gains nothing worth its memory
_WORSE = 0.8
_NEARLY = 0.97


def fastest(run: Callable[[int], None], most: int) -> int:
    """The smallest of the sizes 1, 2, 4, … up to `most` that is nearly as fast a row as the fastest.

    Growing ends when a batch takes long, is clearly slower a row than a smaller one, or does not fit into memory.

    >>> fastest(lambda size: time.sleep(0.004), most=4)
    4
    """
    rates: dict[int, float] = {}
    size = 1
    while size <= most:
        try:
            run(size)
            seconds = min(_timed(run, size), _timed(run, size))
        except (RuntimeError, MemoryError) as error:
            if size == 1 or not (isinstance(error, MemoryError) or "memory" in str(error).lower()):
                raise
            break
        rates[size] = size / seconds
        if seconds > _LONG or rates[size] < _WORSE * max(rates.values()):
            break
        size *= 2
    best = max(rates.values())
    return min(size for size, rate in rates.items() if rate >= _NEARLY * best)


def _timed(run: Callable[[int], None], size: int) -> float:
    begin = time.perf_counter()
    run(size)
    return time.perf_counter() - begin
