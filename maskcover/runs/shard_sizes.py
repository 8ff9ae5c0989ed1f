"""How many images a shard has where many workers share a run."""

from __future__ import annotations

LARGEST = 64
_SHARDS_A_WORKER = 96
"""Shards that each worker makes in the mean: with these the wait for the last one is a few per cent of the work."""


def shard_size_for(images: int, workers: int) -> int:
    """The images of a shard, for a number of images that workers share: 64, or fewer where there are many workers.

    At the end of a run workers wait for the last shard, up to the time of a whole one; and each shard ends with batches
    that are not full. `benchmarks/scale.py` weighs them.

    >>> shard_size_for(50_000, 1), shard_size_for(50_000, 64), shard_size_for(50_000, 512), shard_size_for(10, 512)
    (64, 8, 1, 1)
    """
    return max(1, min(LARGEST, images // (workers * _SHARDS_A_WORKER)))
