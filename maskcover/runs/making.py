"""The loop over the shards of a run: this process takes those that are missing, by lease, and waits for the others."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm.auto import tqdm

from maskcover.errors import InvalidInput
from maskcover.runs.leases import Leases
from maskcover.runs.plans import Key
from maskcover.runs.rows import Row
from maskcover.runs.working import Work

_WAIT = 1.0
"""Seconds between two looks at the shards that other processes make."""


def make_shards(work: Work, *, progress: bool, leases: Leases | None = None) -> None:
    """Make the shards of a run that are missing, together with all other processes that do so.

    Returns when all shards of this process are there. A shard that another process works on is waited for, and taken
    over if that process is lost.

    Args:
        work: The shards, and what makes them.
        progress: Show a progress bar on stderr.
        leases: The leases of this process on the shards; by default new ones.

    Raises:
        InvalidInput: the folder holds a run of another configuration, or of other images.
    """
    work.expect_same(list(work.plan.sizes)[:1])
    leases = Leases(work.ledger.out / ("" if work.plan.frame else "shards")) if leases is None else leases
    missing = work.missing()
    total, left = (sum(map(work.plan.images, some)) for some in (work.keys, missing))
    bar = tqdm(total=total, initial=total - left, desc="certifying", unit="image", disable=not progress)
    with bar, leases.beating():
        count = _Counter(bar)
        for key in _in_turn(work, missing, leases):
            if work.ledger.has(key):
                bar.update(work.plan.images(key))  # another process made it
            else:
                work.write(key, work.make(key, count))
            leases.give_back(key)
    work.expect_same()
    work.ledger.tidy()


def _in_turn(work: Work, missing: Sequence[Key], leases: Leases) -> Iterator[Key]:
    """The missing shards, each as soon as it is there or its lease is this process's."""
    waiting = list(missing)
    while waiting:
        ready = next((key for key in waiting if _is_ready(work, key, leases)), None)
        if ready is None:
            time.sleep(_WAIT)
            continue
        waiting.remove(ready)
        yield ready


def _is_ready(work: Work, key: Key, leases: Leases) -> bool:
    """Whether a shard is there, or its lease is this process's."""
    try:
        return work.ledger.has(key) or leases.take(key)
    except InvalidInput:
        if work.ledger.has(key):
            return True  # whoever finished the run tidied up, and took away the file that was about to be the lease
        raise


@dataclass(slots=True, eq=False)
class _Counter:
    """Counts rows in a progress bar."""

    bar: Any
    certified: int = 0
    evaluations: int = 0

    def __call__(self, row: Row) -> None:
        self.certified, self.evaluations = self.certified + row.certified, self.evaluations + row.evaluations
        rate = self.evaluations / (self.bar.format_dict["elapsed"] or 1)
        self.bar.set_postfix_str(f"{self.certified} certified, {rate:.0f} predictions/s")
        self.bar.update()
