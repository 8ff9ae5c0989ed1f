"""Leases: who makes which shard of a run, so that any number of processes share its folder and none is lost.

A process takes a shard by creating the file of its lease, which nobody else can create as well. While it works, it
writes the file again and again, each time with a higher count. Whoever wants the shard watches the file: if it has not
changed for the patience of the leases, by the watcher's own steady clock, the holder is taken for lost and the lease
for free. So no two clocks are compared, and a clock that is set does not matter. A holder on the same machine whose
process is gone is lost at once.

Leases save work and promise nothing: a holder that was asleep may wake up and finish beside the one that took over.
That does no harm, because the rows of a shard follow from the run, and its file is put in place as a whole.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from maskcover.canonical import locked, write_atomically
from maskcover.errors import InvalidInput
from maskcover.runs.plans import Key, split

PATIENCE = 300.0
"""Seconds after which a lease that has not changed is taken over."""
_BEATS = 5  # times that a lease is written within the patience


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that makes shards.

    Args:
        name: Its own name, different from that of any other.
        host: The name of its machine since that was started; empty if it is not known.
        process: Its number there, with the time at which it was started; empty if they are not known.
    """

    name: str
    host: str = ""
    process: str = ""

    @classmethod
    def this(cls) -> Self:
        """This process; each call gives another name."""
        return cls(secrets.token_hex(8), _machine(), _process(os.getpid()) or "")

    @property
    def lost(self) -> bool:
        """Whether it is known that the process is gone: only on its own machine, where processes can be looked up."""
        if not self.process or self.host != _machine():
            return False
        return _process(int(self.process.partition(" ")[0])) != self.process


@dataclass(frozen=True, slots=True)
class LeaseState:
    """The content of the file of a lease.

    Args:
        holder: Whose it is.
        beat: How often it was written.
    """

    holder: Holder
    beat: int

    @property
    def content(self) -> bytes:
        """The file."""
        holder = self.holder
        return json.dumps(
            {"holder": holder.name, "host": holder.host, "process": holder.process, "beat": self.beat}
        ).encode()

    @classmethod
    def read(cls, content: bytes) -> LeaseState | None:
        """The state in a file; None if it is none, as a file that was just created and is still empty."""
        try:
            document = json.loads(content)
            holder = Holder(str(document["holder"]), str(document["host"]), str(document["process"]))
            return cls(holder, int(document["beat"]))
        except (ValueError, KeyError, TypeError):
            return None


@dataclass(slots=True, eq=False)
class Leases:
    """The leases of one process on the shards in a folder.

    Args:
        folder: The folder of the shards; the lease of shard 12 is its file ``.00012.lease``. In the frame of the source
            the folder of the run; the lease of shard 12 of the size 375x500 is ``375x500/shards/.00012.lease``.
        patience: Seconds without a change after which somebody else's lease is taken over.
        holder: This process.
        clock: A clock that only goes forward, in seconds.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     mine, theirs = Leases(Path(name)), Leases(Path(name))
    ...     print(mine.take(0), theirs.take(0), theirs.take(1))
    ...     mine.give_back(0)
    ...     print(theirs.take(0))
    True False True
    True
    """

    folder: Path
    patience: float = PATIENCE
    holder: Holder = field(default_factory=Holder.this)
    clock: Callable[[], float] = time.monotonic
    _seen: dict[Key, tuple[bytes, float]] = field(default_factory=dict)
    _held: dict[Key, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def path(self, key: Key) -> Path:
        """The file of a lease."""
        size, number = split(key)
        return self.folder / (f"{size}/shards" if size else "") / f".{number:05}.lease"

    def take(self, key: Key) -> bool:
        """Take the lease of a shard: whether it is now this process's.

        Somebody else's lease is watched: after enough calls over the patience it is taken over.
        """
        if self._created(key):
            return True
        content = self._content(key)
        if content is None:
            return self._created(key)
        state = LeaseState.read(content)
        if state is not None and state.holder == self.holder:
            return True
        return self._stale(key, content, state) and self._taken_over(key, content)

    def holder_of(self, key: Key) -> LeaseState | None:
        """The lease of a shard; None if nobody has it."""
        content = self._content(key)
        return None if content is None else LeaseState.read(content)

    def beat(self) -> None:
        """Write all leases of this process again; one that somebody took over is no longer this process's."""
        with self._lock, locked(self.folder):
            for key in list(self._held):
                state = self.holder_of(key)
                if state is None or state.holder != self.holder:
                    del self._held[key]
                    continue
                self._held[key] += 1
                write_atomically(self.path(key), LeaseState(self.holder, self._held[key]).content)

    def give_back(self, key: Key) -> None:
        """Give a lease back, if it is still this process's."""
        with self._lock, locked(self.folder):
            self._held.pop(key, None)
            state = self.holder_of(key)
            if state is not None and state.holder == self.holder:
                self.path(key).unlink(missing_ok=True)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Keep the leases alive while the block runs, in a thread of their own, and give back what is left after it."""
        stop = threading.Event()

        def beat() -> None:
            while not stop.wait(self.patience / _BEATS):
                try:
                    self.beat()
                except InvalidInput:
                    continue  # a disk that is full for a while: the next beat may succeed, and a lost lease is no harm

        thread = threading.Thread(target=beat, name="maskcover leases", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            for key in list(self._held):
                self.give_back(key)

    def _created(self, key: Key) -> bool:
        """Create the file of a lease: whether nobody had it."""
        new = write_atomically(self.path(key), LeaseState(self.holder, 0).content, only_new=True)
        return new and self._kept(key)

    def _content(self, key: Key) -> bytes | None:
        try:
            return self.path(key).read_bytes()
        except FileNotFoundError:
            return None

    def _stale(self, key: Key, content: bytes, state: LeaseState | None) -> bool:
        """Whether a lease has not changed for the patience since this process saw it first, or its holder is gone."""
        before, since = self._seen.get(key, (None, 0.0))
        if content != before:
            self._seen[key] = content, self.clock()
            return state is not None and state.holder.lost
        return (state is not None and state.holder.lost) or self.clock() - since >= self.patience

    def _taken_over(self, key: Key, content: bytes) -> bool:
        """Put an own lease in the place of a stale one: whether that was still there, and not of somebody faster."""
        with locked(self.folder):
            if self._content(key) != content:
                return False
            write_atomically(self.path(key), LeaseState(self.holder, 0).content)
        return self._kept(key)

    def _kept(self, key: Key) -> bool:
        """Note a lease as this process's."""
        with self._lock:
            self._held[key] = 0
        self._seen.pop(key, None)
        return True


def leases_in(folder: Path) -> dict[int, Any]:
    """The leases in a folder by the numbers of their shards, for a look at who works on what."""
    found = {}
    for path in folder.glob(".[0-9]*.lease"):
        number = path.name[1:].partition(".")[0]
        try:
            state = LeaseState.read(path.read_bytes())
        except FileNotFoundError:
            continue
        if state is not None and number.isdecimal():
            found[int(number)] = state
    return found


def _machine() -> str:
    """The name of this machine since it was started; two containers may share it, and then process numbers differ."""
    return f"{socket.gethostname()} {_text('/proc/sys/kernel/random/boot_id')} {_namespace()}"


def _namespace() -> str:
    """The namespace of process numbers, on Linux; else nothing."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _process(number: int) -> str | None:
    """The number of a process and when it was started, on Linux; None if there is no such process, or none is known."""
    status = _text(f"/proc/{number}/stat")
    if not status:
        return None
    # The name of the process, in parentheses, may hold anything; the start is the 22nd entry, the 20th after the name.
    entries = status.rpartition(")")[2].split()
    return f"{number} {entries[19]}" if len(entries) > 19 and entries[0] not in ("Z", "X") else None


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
