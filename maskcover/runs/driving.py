"""Driving: a process hands the shards of a run to workers elsewhere, and writes the rows that come back.

Nothing here knows where the workers are: a `Pool` starts attempts and reports what became of them. The process holds
the leases of the shards in work, so that other launchers and plain processes can share the run. There are never more
attempts than workers, apart from late ones, and the rows of one shard are in memory, so the driver needs little.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from maskcover.errors import InvalidInput
from maskcover.runs.turns import Key, Turns

GivenKey = TypeVar("GivenKey", contravariant=True)
LOG = logging.getLogger("maskcover.launcher")
_WAIT = 1.0
"""Seconds after which the driver looks at its clock, at the latest."""
_KILLED_AFTER = 3  # patiences without rows after which an attempt is ended, wherever it is
_MOST_ERRORS = 5  # errors on one shard, after which the launch stops: no worker can make it
_SUSPICIOUS = 5  # workers lost on one shard, after which the log says that the shard may be the cause


@dataclass(frozen=True, slots=True)
class Begun:
    """A worker has begun an attempt."""

    attempt: int
    worker: str


@dataclass(frozen=True, slots=True)
class Made:
    """The result for one of the keys of an attempt is here: the rows of a shard."""

    attempt: int
    key: Any
    result: Any


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker went away in the middle of an attempt, or before it; what was not made is to be tried again."""

    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A worker cannot take part in the run, such as one of another fingerprint; its node gets no more attempts."""

    attempt: int
    worker: str
    reason: str


@dataclass(frozen=True, slots=True)
class Erred:
    """A worker raised an error while it made a shard; that shard is tried again, a few times."""

    attempt: int
    worker: str
    reason: str


News = Begun | Made | Lost | Refused | Erred


class Pool(Protocol[GivenKey]):
    """Protocol: workers somewhere."""

    def start(self, keys: Sequence[GivenKey]) -> int:
        """Give some shards to a worker, or to the next one that is free; the number of this attempt."""
        ...

    def news(self, seconds: float) -> Iterator[News]:
        """What became of attempts; waits for something for some seconds. Rows are fetched one shard at a time.

        Raises:
            InvalidInput: no worker is left that may take part.
        """
        ...

    def stop(self, attempt: int) -> None:
        """End an attempt and forget it: there is no more news of it."""
        ...


@dataclass(slots=True)
class _Attempt(Generic[Key]):
    """An attempt to make some shards.

    Args:
        keys: The shards that are not there yet.
        owed: Those that its worker has not given yet, of all that it was started with; in no order, since a worker may
            give them in another one.
        patience: Seconds between two of them after which it is late.
        worker: The worker; empty until it has begun.
        heard: The time at which it last gave a sign of life; None until it has begun.
        late: Whether other workers have its shards too.
    """

    keys: list[Key]
    owed: set[Key]
    patience: float
    worker: str = ""
    heard: float | None = None
    late: bool = False

    def __str__(self) -> str:
        return f"shard{'s' if len(self.keys) > 1 else ''} {', '.join(map(str, self.keys))}"


@dataclass(slots=True, eq=False)
class Driver(Generic[Key]):
    """Hands out shards until all are there.

    Args:
        turns: The shards, by lease.
        pool: The workers.
        write: Puts the rows of a shard in place, atomically, once.
        workers: The largest number of attempts at the same time.
        patience: Seconds after which shards that did not come back are given to other workers too. Whichever is first
            counts. The patience with the next attempt is twice as long, so slow workers get there.
        together: The largest number of shards in one attempt. A worker fills its batches from all of them, so that
            fewer batches are not full; towards the end attempts become smaller, and a worker that would be idle gets
            shards that another one has not reached, so that nobody waits for long.
        done: Called with each shard that is there: its key, and its rows or None if another process made it.
        clock: A clock that only goes forward, in seconds.
    """

    turns: Turns[Key]
    pool: Pool[Key]
    write: Callable[[Key, Any], object]
    workers: int
    patience: float
    together: int = 1
    done: Callable[[Key, Any], None] = lambda _, __: None
    clock: Callable[[], float] = time.monotonic
    _attempts: dict[int, _Attempt[Key]] = field(default_factory=dict)
    _again: dict[Key, None] = field(default_factory=dict)  # in order, each once
    _losses: Counter[Key] = field(default_factory=Counter)
    _errors: Counter[Key] = field(default_factory=Counter)
    _delays: Counter[Key] = field(default_factory=Counter)

    def run(self) -> None:
        """Hand out shards until all are there; ends all attempts when it stops for another reason.

        Raises:
            InvalidInput: no worker is left, workers raise errors on a shard again and again, or the rows cannot be
                written (`DiskFull` if there is no room).
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
            keys = self._first_again() or self._next() or self._shared()
            for key in self.turns.elsewhere:
                self.done(key, None)
            self.turns.elsewhere.clear()
            if not keys:
                return
            patience = self.patience * 2 ** max(self._delays[key] for key in keys)
            self._attempts[self.pool.start(keys)] = _Attempt(keys, set(keys), patience)

    def _first_again(self) -> list[Key]:
        """The shard that waits longest to be made again; none if none does."""
        keys = list(self._again)[:1]
        for key in keys:
            del self._again[key]
        return keys

    def _next(self) -> list[Key]:
        """Free shards for one attempt: fewer where few are left, so that all workers end at about the same time."""
        most = max(1, min(self.together, len(self.turns.waiting) // self.workers))
        keys: list[Key] = []
        while self.turns and len(keys) < most:
            key = self.turns.next()
            if key is None:
                break
            keys.append(key)
        return keys

    def _shared(self) -> list[Key]:
        """Shards that a worker has but has not reached, for one that would be idle: the last half, from the end.

        Both keep them, and the first rows count. The worker that has most left shares, and each shard only once.
        """
        if self.turns:
            return []  # others may give shards back
        times = Counter(key for attempt in self._attempts.values() for key in attempt.keys)
        begun = [attempt.keys for attempt in self._attempts.values() if attempt.heard is not None]
        unreached = [[key for key in keys[1:] if times[key] == 1] for keys in begun]
        most = max(unreached, key=len, default=[])
        return most[len(most) // 2 :][::-1]

    def _hear(self, news: News) -> None:
        attempt = self._attempts.get(news.attempt)
        if attempt is None:
            return  # it has ended, and this was on the way
        if isinstance(news, Begun):
            attempt.worker, attempt.heard = news.worker, self.clock()
            LOG.debug("%s: in work at %s", str(attempt), news.worker)
        elif isinstance(news, Made):
            attempt.heard = self.clock()
            attempt.owed.discard(news.key)
            if news.key in attempt.keys:
                self._keep(news.key, news.result)
        else:
            del self._attempts[news.attempt]
            if isinstance(news, Refused):
                LOG.warning("%s takes no part in this run: %s", news.worker, news.reason)
            elif isinstance(news, Erred):
                self._note_error(attempt, news)
            else:
                self._note_loss(attempt, news.reason)
            self._try_again(attempt.keys)

    def _keep(self, key: Key, result: Any) -> None:
        """Write the rows of a shard, while its worker already has the next one."""
        for number, attempt in list(self._attempts.items()):
            if key in attempt.keys:
                attempt.keys.remove(key)
                if not attempt.keys and not attempt.owed:
                    del self._attempts[number]  # it ends by itself
                elif not attempt.keys:
                    self._end(number)  # others made the rest
        self._again.pop(key, None)
        self._fill()
        self.write(key, result)
        self.turns.finished(key)
        self.done(key, result)

    def _try_again(self, keys: Iterable[Key]) -> None:
        """Have shards made again that are in no other attempt."""
        in_work = {key for attempt in self._attempts.values() for key in attempt.keys}
        self._again |= dict.fromkeys(key for key in keys if key not in in_work)

    def _note_error(self, attempt: _Attempt[Key], news: Erred) -> None:
        """Count an error for the shard that was made alone; of several each is tried again alone."""
        for key in attempt.keys if len(attempt.keys) == 1 else ():
            self._errors[key] += 1
        key = attempt.keys[0]
        if self._errors[key] >= _MOST_ERRORS:
            raise InvalidInput(
                f"shard {key} cannot be made: {self._errors[key]} workers raised an error, the last one {news.reason}; "
                "the other shards that were made are kept, and the same command goes on with the run"
            )
        LOG.warning("%s: an error with %s, tried again: %s", news.worker, str(attempt), news.reason)

    def _note_loss(self, attempt: _Attempt[Key], reason: str) -> None:
        LOG.warning("%s was lost with %s, tried again: %s", attempt.worker or "a worker", str(attempt), reason)
        for key in attempt.keys[:1]:  # the one that it worked on
            self._losses[key] += 1
            if self._losses[key] % _SUSPICIOUS == 0:
                LOG.warning(
                    "%d workers were lost with shard %s: one of its images may be the cause; look at the workers' logs",
                    self._losses[key], key,
                )  # fmt: skip

    def _expect_progress(self) -> None:
        """Give late shards to other workers too, and end attempts that are later still."""
        for number, attempt in list(self._attempts.items()):
            seconds = 0.0 if attempt.heard is None else self.clock() - attempt.heard
            if seconds >= _KILLED_AFTER * attempt.patience:
                LOG.warning(
                    "%s has not answered for %.0f s with %s and is ended", attempt.worker, seconds, str(attempt)
                )
                self._end(number)
                self._try_again(attempt.keys)
            elif seconds >= attempt.patience and not attempt.late:
                LOG.warning(
                    "%s: nothing from %s for %.0f s, so another worker gets it too, and the first rows count",
                    str(attempt), attempt.worker, seconds,
                )  # fmt: skip
                attempt.late = True
                self._delays.update(attempt.keys)
                self._again |= dict.fromkeys(attempt.keys)

    def _end(self, number: int) -> None:
        del self._attempts[number]
        self.pool.stop(number)
