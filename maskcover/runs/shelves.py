"""Shelves: the shards of a run's folder as turns see them, and shards that no other process knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from maskcover.errors import InvalidInput
from maskcover.runs.folder import shard_number
from maskcover.runs.leases import PATIENCE, Leases, leased_number
from maskcover.runs.ledger import Ledger
from maskcover.runs.plans import Key
from maskcover.runs.stores import names_in
from maskcover.runs.turns import Listing


@dataclass(frozen=True, slots=True)
class LedgerShelf:
    """The shards of a run in its folder, with the leases of this process."""

    ledger: Ledger
    leases: Leases

    @classmethod
    @contextmanager
    def leasing(cls, ledger: Ledger, patience: float | None = None) -> Iterator[LedgerShelf]:
        """The shelf of a run; leases are kept alive while the block runs, and given back after it."""
        folder = ledger.out / ("" if ledger.plan.frame else "shards")
        leases = Leases(folder, PATIENCE if patience is None else patience)
        with leases.beating():
            yield cls(ledger, leases)

    @property
    def patience(self) -> float:
        """Seconds without a change after which the lease of another process is taken over."""
        return self.leases.patience

    def listing(self) -> Listing[Key]:
        """One look at all shards and leases."""
        done, leased = set[Key](), set[Key]()
        for size in self.ledger.plan.sizes:
            for name in names_in(self.ledger.out / size / "shards"):
                number = shard_number(name)
                shards = leased if number is None else done
                if number is None:
                    number = leased_number(name)
                if number is not None:
                    shards.add((size, number) if size else number)
        return Listing(frozenset(done), frozenset(leased))

    def has(self, key: Key) -> bool:
        """Whether the rows of a shard are there."""
        return self.ledger.has(key)

    def take(self, key: Key) -> bool:
        """Take the lease of a shard: whether it is now this process's, or the shard is there already."""
        try:
            return self.leases.take(key)
        except InvalidInput:
            if self.ledger.has(key):
                return True  # whoever finished the run tidied up, and took away the file that was about to be the lease
            raise

    def give_back(self, key: Key) -> None:
        """Give the lease of a shard back, if it is still this process's."""
        self.leases.give_back(key)


@dataclass(frozen=True, slots=True)
class Alone:
    """Keys that only this process knows, so that nobody else takes them."""

    patience: float = PATIENCE

    def listing(self) -> Listing[Any]:
        """Nothing is done, and nothing is in work elsewhere."""
        return Listing(frozenset(), frozenset())

    def has(self, _: Any) -> bool:
        """No."""
        return False

    def take(self, _: Any) -> bool:
        """Yes."""
        return True

    def give_back(self, _: Any) -> None:
        """Nobody waits for it."""
