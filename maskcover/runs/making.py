"""The loop over the shards of a run: this process takes those that are missing, by lease, and waits for the others."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from tqdm.auto import tqdm

from maskcover.runs.leases import Leases
from maskcover.runs.rows import Row
from maskcover.runs.shelves import LedgerShelf
from maskcover.runs.turns import Turns
from maskcover.runs.working import Work


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
        turns = Turns.of(LedgerShelf(work.ledger, leases), missing, leases.clock)
        while turns or turns.elsewhere:
            key = turns.next()
            bar.update(sum(map(work.plan.images, turns.elsewhere)))  # other processes made these
            turns.elsewhere.clear()
            if key is not None:
                work.write(key, work.make(key, count))
                turns.finished(key)
            elif turns:
                time.sleep(turns.pause)
    work.expect_same()
    work.ledger.tidy()


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
