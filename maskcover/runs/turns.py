"""Turns: the missing shards of a run, handed out one at a time, each to one process, with few looks at the folder.

A process alone takes the shards in order. Where others work too, each takes one at random among those that are free, so
that many processes seldom want the same one. Leases of others are watched, but each of them only now and then.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

Key = TypeVar("Key")

_SHORTEST, _LONGEST = 0.25, 10.0  # seconds between two looks at a folder
_WATCHES = 10.0  # times that the lease of another process is looked at within the patience


@dataclass(frozen=True, slots=True)
class Listing(Generic[Key]):
    """The shards in a folder at some moment.

    Args:
        done: Those whose rows are there.
        leased: Those that some process works on, this one included.
    """

    done: frozenset[Key]
    leased: frozenset[Key]


class Shelf(Protocol[Key]):
    """Protocol: where the shards of a run lie, with their leases."""

    @property
    def patience(self) -> float:
        """Seconds without a change after which the lease of another process is taken over."""
        ...

    def listing(self) -> Listing[Key]:
        """One look at all shards and leases."""
        ...

    def has(self, key: Key) -> bool:
        """Whether the rows of a shard are there."""
        ...

    def take(self, key: Key) -> bool:
        """Take the lease of a shard: whether it is now this process's; see `Leases.take`."""
        ...

    def give_back(self, key: Key) -> None:
        """Give the lease of a shard back, if it is still this process's."""
        ...


@dataclass(slots=True, eq=False)
class Turns(Generic[Key]):
    """The shards that this process may have to make.

    Args:
        shelf: Where they lie.
        waiting: The shards that are missing, in order, as keys of a dictionary.
        clock: A clock that only goes forward, in seconds.
        chance: Chooses among free shards where several processes work.

    Attributes:
        elsewhere: Shards that other processes made since this was last emptied.
    """

    shelf: Shelf[Key]
    waiting: dict[Key, None]
    clock: Callable[[], float] = time.monotonic
    chance: random.Random = field(default_factory=random.Random)
    elsewhere: list[Key] = field(default_factory=list)
    _free: list[Key] = field(default_factory=list)
    _listed: float | None = None
    _outdated: bool = False
    _pause: float = _SHORTEST
    _watched: dict[Key, float] = field(default_factory=dict)

    @classmethod
    def of(cls, shelf: Shelf[Key], keys: Iterable[Key], clock: Callable[[], float] = time.monotonic) -> Turns[Key]:
        """The turns at shards that were missing a moment ago."""
        return cls(shelf, dict.fromkeys(keys), clock)

    def __bool__(self) -> bool:
        """Whether some shards are neither there nor handed out to this process."""
        return bool(self.waiting)

    @property
    def pause(self) -> float:
        """Seconds to wait before `next` is worth a call, after it handed nothing out."""
        return self._pause

    def next(self) -> Key | None:
        """A shard whose lease is now this process's; None if there is none now: all are done, or others work on them.

        Call `finished` when its rows are there.
        """
        useful = self._outdated or not self._free
        looks = self._listed is None or (useful and self.clock() - self._listed >= self._pause)
        if looks:
            self._look()
        key = self._next_free()
        if key is None:
            key = next((leased for leased in list(self.waiting) if self._due(leased) and self._taken(leased)), None)
        if key is not None or looks:
            self._pause = _SHORTEST if key is not None else min(2 * self._pause, _LONGEST)
        return key

    def finished(self, key: Key) -> None:
        """The rows of a shard that was handed out are there: give its lease back."""
        self.shelf.give_back(key)

    def _next_free(self) -> Key | None:
        while self._free:
            key = self._free.pop(self.chance.randrange(len(self._free)) if self._crowded else 0)
            if self._taken(key):
                return key
        return None

    @property
    def _crowded(self) -> bool:
        """Whether other processes work on shards too."""
        return bool(self._watched)

    def _look(self) -> None:
        """Look at the folder: drop what is done, and note what is free."""
        listing, self._listed, self._outdated = self.shelf.listing(), self.clock(), False
        for key in [key for key in self.waiting if key in listing.done]:
            self._drop(key)
        self._free = [key for key in self.waiting if key not in listing.leased]
        leased = [key for key in self.waiting if key in listing.leased]
        self._watched = {key: self._watched.get(key, float("-inf")) for key in leased}

    def _drop(self, key: Key) -> None:
        del self.waiting[key]
        self.elsewhere.append(key)

    def _due(self, key: Key) -> bool:
        """Whether the lease of another process is to be looked at again."""
        now = self.clock()
        if now - self._watched.get(key, now) < self.shelf.patience / _WATCHES:
            return False
        self._watched[key] = now
        return True

    def _taken(self, key: Key) -> bool:
        """Whether a shard is this process's to make now; one that is there by now is dropped."""
        if not self.shelf.take(key):
            self._watched.setdefault(key, self.clock())
            self._outdated = True
            return False
        if self.shelf.has(key):
            self._outdated = True
            self._drop(key)
            self.shelf.give_back(key)
            return False
        del self.waiting[key]
        return True
