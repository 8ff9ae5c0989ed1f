"""Making the shards of a run: this process takes those that are missing, by lease, and waits for those of others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm.auto import tqdm

from maskcover.classifiers.evaluation import Images
from maskcover.errors import InvalidInput
from maskcover.runs.folder import Config, Folder, Shard
from maskcover.runs.leases import Leases
from maskcover.runs.resuming import compared
from maskcover.runs.rows import Row

_WAIT = 1.0
"""Seconds between two looks at the shards that other processes make."""


@dataclass(frozen=True, slots=True)
class Work:
    """The making of rows: what `make_shards` needs to know of a task.

    Args:
        ids: The ids of all samples.
        images: All images; those of shards that are there are compared, see `compared`.
        rows: From the numbers of some samples to their rows, in the order in which they are decided.
    """

    ids: Sequence[str]
    images: Images
    rows: Callable[[Sequence[int]], Iterator[Row]]


def make_shards(
    folder: Folder, config: Config, work: Work, numbers: Sequence[int], *, progress: bool, leases: Leases | None = None
) -> None:
    """Make the shards of these numbers that are missing in a folder, together with all other processes that do so.

    Returns when all of them are there. A shard that another process works on is waited for, and taken over if that
    process is lost.

    Args:
        folder: The folder, which has the configuration and the masks.
        config: The configuration.
        work: Makes the rows.
        numbers: The numbers of the shards.
        progress: Show a progress bar on stderr.
        leases: The leases of this process on the shards; by default new ones.
    """
    leases = Leases(folder.path / "shards") if leases is None else leases
    ready = [shard is not None for shard in compared(folder, config, numbers, work.images)]
    missing = [number for number, there in zip(numbers, ready, strict=True) if not there]
    total, left = (sum(len(config.members(number)) for number in some) for some in (numbers, missing))
    bar = tqdm(total=total, initial=total - left, desc="certifying", unit="image", disable=not progress)
    with bar, leases.beating():
        watched = _Watched(bar, work.rows)
        for number in _in_turn(folder, missing, leases):
            members = config.members(number)
            if folder.has(number):
                bar.update(len(members))  # another process made it
            else:
                begin = time.perf_counter()
                rows = {row.id: row for row in watched.rows(members)}
                in_order = tuple(rows[work.ids[member]] for member in members)
                folder.write(number, config, Shard(in_order, time.perf_counter() - begin))
            leases.give_back(number)
    if all(folder.has(number) for number in range(config.shards)):
        folder.tidy()


def _in_turn(folder: Folder, missing: Sequence[int], leases: Leases) -> Iterator[int]:
    """The missing shards, each as soon as it is there or its lease is this process's."""
    waiting = list(missing)
    while waiting:
        ready = next((number for number in waiting if _is_ready(folder, number, leases)), None)
        if ready is None:
            time.sleep(_WAIT)
            continue
        waiting.remove(ready)
        yield ready


def _is_ready(folder: Folder, number: int, leases: Leases) -> bool:
    """Whether a shard is there, or its lease is this process's."""
    try:
        return folder.has(number) or leases.take(number)
    except InvalidInput:
        if folder.has(number):
            return True  # whoever finished the run tidied up, and took away the file that was about to be the lease
        raise


@dataclass(slots=True, eq=False)
class _Watched:
    """Rows on their way to their shard, counted in a progress bar."""

    bar: Any
    make: Callable[[Sequence[int]], Iterator[Row]]
    certified: int = 0
    evaluations: int = 0

    def rows(self, members: Sequence[int]) -> Iterator[Row]:
        """The rows of some samples."""
        for row in self.make(members):
            self.certified, self.evaluations = self.certified + row.certified, self.evaluations + row.evaluations
            rate = self.evaluations / (self.bar.format_dict["elapsed"] or 1)
            self.bar.set_postfix_str(f"{self.certified} certified, {rate:.0f} predictions/s")
            self.bar.update()
            yield row
