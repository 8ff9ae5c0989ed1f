"""Driving: a process hands the shards of a run to workers elsewhere, and writes the rows that come back.

Nothing here knows where the workers are: a `Pool` starts attempts and reports what became of them. The process holds
the leases of the shards in work, so that other launchers and plain processes can share the run. At any time no more
shards are in work than there are workers, and the rows of one shard are in memory, so the driver needs little.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol

from maskcover.runs.config import Shard
from maskcover.runs.turns import Key, Turns

LOG = logging.getLogger("maskcover.launcher")
_WAIT = 1.0
"""Seconds after which the driver looks at its clock, at the latest."""
_KILLED_AFTER = 3  # patiences without rows after which an attempt is ended, wherever it is
_SUSPICIOUS = 5  # workers lost on one shard, after which the log says that the shard may be the cause


@dataclass(frozen=True, slots=True)
class Begun:
    """A worker has begun an attempt."""

    attempt: int
    worker: str


@dataclass(frozen=True, slots=True)
class Made:
    """The rows of an attempt are here."""

    attempt: int
    shard: Shard


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker went away in the middle of an attempt, or before it."""

    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A worker cannot take part in the run, such as one of another fingerprint; its node gets no more attempts."""

    attempt: int
    worker: str
    reason: str


News = Begun | Made | Lost | Refused


class Pool(Protocol[Key]):
    """Protocol: workers somewhere."""

    def start(self, key: Key) -> int:
        """Give a shard to a worker, or to the next one that is free; the number of this attempt.

        Raises:
            InvalidInput: no worker is left that may take part.
        """
        ...

    def news(self, seconds: float) -> Iterator[News]:
        """What became of attempts; waits for something for some seconds. Rows are fetched one shard at a time."""
        ...

    def stop(self, attempt: int) -> None:
        """End an attempt and forget it: there is no more news of it."""
        ...


class Writer(Protocol[Key]):
    """Protocol: takes the rows of shards."""

    def __call__(self, key: Key, shard: Shard) -> Any:
        """Put a shard in place, atomically, once."""
        ...


@dataclass(slots=True)
class _Attempt(Generic[Key]):
    """An attempt to make a shard: when and by whom it was begun, and whether it is late by now."""

    key: Key
    patience: float
    worker: str = ""
    begun: float | None = None
    late: bool = False


@dataclass(slots=True, eq=False)
class Driver(Generic[Key]):
    """Hands out shards until all are there.

    Args:
        turns: The shards, by lease.
        pool: The workers.
        write: Puts the rows of a shard in place.
        workers: The largest number of shards in work.
        patience: Seconds after which a shard that did not come back is given to a second worker too. Whichever is
            first counts. The patience with the next attempt is twice as long, so slow workers get there.
        done: Called with each shard that is there: its key, and its rows or None if another process made it.
        clock: A clock that only goes forward, in seconds.
    """

    turns: Turns[Key]
    pool: Pool[Key]
    write: Writer[Key]
    workers: int
    patience: float
    done: Callable[[Key, Shard | None], None] = lambda _, __: None
    clock: Callable[[], float] = time.monotonic
    _attempts: dict[int, _Attempt[Key]] = field(default_factory=dict)
    _again: deque[Key] = field(default_factory=deque)
    _losses: Counter[Key] = field(default_factory=Counter)
    _delays: Counter[Key] = field(default_factory=Counter)

    def run(self) -> None:
        """Hand out shards until all are there; ends all attempts when it stops for another reason.

        Raises:
            InvalidInput: no worker is left, or the rows cannot be written (`DiskFull` if there is no room).
        """
        try:
            while True:
                self._fill()
                if not (self.turns or self._attempts or self._again):
                    return
                for news in self.pool.news(_WAIT):
                    self._hear(news)
                self._expect_progress()
        finally:
            for attempt in list(self._attempts):
                self._end(attempt)

    def _fill(self) -> None:
        """Start attempts while workers are free and shards are too."""
        while sum(not attempt.late for attempt in self._attempts.values()) < self.workers:
            key = self._again.popleft() if self._again else self.turns.next() if self.turns else None
            self._report_others()
            if key is None:
                return
            self._start(key)

    def _start(self, key: Key) -> None:
        attempt = self.pool.start(key)
        self._attempts[attempt] = _Attempt(key, self.patience * 2 ** self._delays[key])

    def _report_others(self) -> None:
        """Count the shards that other processes made."""
        for key in self.turns.elsewhere:
            self.done(key, None)
        self.turns.elsewhere.clear()

    def _hear(self, news: News) -> None:
        attempt = self._attempts.get(news.attempt)
        if attempt is None:
            return  # it was ended, and its news was on the way
        if isinstance(news, Begun):
            attempt.worker, attempt.begun = news.worker, self.clock()
            LOG.debug("shard %s is in work at %s", attempt.key, news.worker)
            return
        del self._attempts[news.attempt]
        if isinstance(news, Made):
            self._keep(attempt.key, news.shard)
            return
        if isinstance(news, Refused):
            LOG.warning("%s takes no part in this run: %s", news.worker, news.reason)
        else:
            self._note_loss(attempt, news.reason)
        if not any(other.key == attempt.key for other in self._attempts.values()):
            self._again.append(attempt.key)

    def _keep(self, key: Key, shard: Shard) -> None:
        """Write the rows of a shard, while its worker already has the next one."""
        for number in [number for number, other in self._attempts.items() if other.key == key]:
            self._end(number)
        if key in self._again:
            self._again.remove(key)
        self._fill()
        self.write(key, shard)
        self.turns.finished(key)
        self.done(key, shard)

    def _note_loss(self, attempt: _Attempt[Key], reason: str) -> None:
        self._losses[attempt.key] += 1
        where = attempt.worker or "a worker"
        LOG.warning("%s was lost with shard %s, which is tried again: %s", where, attempt.key, reason)
        if self._losses[attempt.key] % _SUSPICIOUS == 0:
            LOG.warning(
                "%d workers were lost with shard %s: one of its images may be the cause; look at the workers' logs",
                self._losses[attempt.key],
                attempt.key,
            )

    def _expect_progress(self) -> None:
        """Give late shards to other workers too, and end attempts that are later still."""
        now = self.clock()
        for number, attempt in list(self._attempts.items()):
            if attempt.begun is None:
                continue
            seconds = now - attempt.begun
            if seconds >= _KILLED_AFTER * attempt.patience:
                LOG.warning(
                    "%s has not answered for %.0f s with shard %s and is ended", attempt.worker, seconds, attempt.key
                )
                self._end(number)
                if not any(other.key == attempt.key for other in self._attempts.values()):
                    self._again.append(attempt.key)
            elif seconds >= attempt.patience and not attempt.late:
                LOG.warning(
                    "shard %s has been in work at %s for %.0f s: another worker gets it too, and the first rows count",
                    attempt.key, attempt.worker, seconds,
                )  # fmt: skip
                attempt.late = True
                self._delays[attempt.key] += 1
                self._again.append(attempt.key)

    def _end(self, number: int) -> None:
        del self._attempts[number]
        self.pool.stop(number)
