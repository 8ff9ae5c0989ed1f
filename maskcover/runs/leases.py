"""Leases: who makes which shard of a run, so that any number of processes share its folder and none is lost.

A process takes a shard by creating the file of its lease, which nobody else can create as well. While it works, it
writes the file again and again, each time with a higher count. Whoever wants the shard watches the file: if it has not
changed for the patience of the leases, by the watcher's own steady clock, the holder is taken for lost, and the watcher
creates the file of the next generation, which again only one can create. So no two clocks are compared, a clock that
is set does not matter, and nothing is needed but that a file is created by one process only: neither hard links, nor
locks, nor renaming. A holder on the same machine whose process is gone is lost at once.

Leases save work and promise nothing: a holder that was asleep may wake up and finish beside the one that took over.
That does no harm, because the rows of a shard follow from the run, and its file is put in place as a whole.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Self

from maskcover.canonical import cannot_write
from maskcover.runs.plans import Key, split
from maskcover.runs.stores import Place, RemotePath

PATIENCE = 300.0
"""Seconds after which a lease that has not changed is taken over."""
_BEATS = 5  # times that a lease is written, and looked at by others, within the patience


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
        """This process, under a new name for each call."""
        return cls(secrets.token_hex(8), _machine(), _process(os.getpid()) or "")

    @property
    def lost(self) -> bool:
        """Whether it is known that the process is gone: only on its own machine, where processes can be looked up."""
        return self.is_here and _process(int(self.process.partition(" ")[0])) != self.process

    @property
    def is_here(self) -> bool:
        """Whether the process runs, or ran, on this machine, and can be looked up."""
        return bool(self.process) and self.host == _machine()


@dataclass(frozen=True, slots=True)
class LeaseState:
    """The content of the file of a lease.

    Args:
        holder: The process that has the lease.
        beat: The number of times that the file was written again.
    """

    holder: Holder
    beat: int

    @property
    def content(self) -> bytes:
        """The file; it keeps its length from beat to beat, so that it can be written again even on a full disk."""
        holder = self.holder
        document = {"holder": holder.name, "host": holder.host, "process": holder.process, "beat": f"{self.beat:010}"}
        return json.dumps(document).encode()

    @classmethod
    def read(cls, content: bytes) -> LeaseState | None:
        """The state in a file; None if it is none, as a file that was just created and is still empty."""
        try:
            document = json.loads(content)
            holder = Holder(str(document["holder"]), str(document["host"]), str(document["process"]))
            return cls(holder, int(document["beat"]))
        except (ValueError, KeyError, TypeError):
            return None


@dataclass(slots=True)
class _Watch:
    """A lease of somebody else as it is watched.

    Args:
        generation, content: The lease as it was seen last.
        waited: The seconds for which it has not changed.
        looked: The time of the last look.
    """

    generation: int
    content: bytes
    waited: float
    looked: float


@dataclass(slots=True, eq=False)
class Leases:
    """The leases of one process on the shards in a folder.

    Args:
        folder: The folder of the shards; the lease of shard 12 is its file ``.00012.0.lease``, or ``.00012.1.lease``
            after it was taken over once. In the frame of the source the folder of the run; the lease of shard 12 of
            the size 375x500 is ``375x500/shards/.00012.0.lease``.
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

    folder: Place
    patience: float = PATIENCE
    holder: Holder = field(default_factory=Holder.this)
    clock: Callable[[], float] = time.monotonic
    _watched: dict[Key, _Watch] = field(default_factory=dict)
    _held: dict[Key, tuple[int, int]] = field(default_factory=dict)  # generation and beat
    _lock: threading.Lock = field(default_factory=threading.Lock)  # the thread that beats uses all of this too

    def path(self, key: Key, generation: int = 0) -> Place:
        """The file of a lease."""
        size, number = split(key)
        return self.folder / (f"{size}/shards" if size else "") / f".{number:05}.{generation}.lease"

    def take(self, key: Key) -> bool:
        """Take the lease of a shard: whether it is now this process's.

        Somebody else's lease is watched: it is taken over if it did not change for the patience. Between two looks of
        the watcher at most a fifth of the patience counts, so that a watcher that was asleep takes over nothing at
        once.

        Raises:
            DiskFull, InvalidInput: the file of the lease cannot be created.
        """
        with self._lock:
            if key in self._held:
                return self._is_held(key)
            if self._create(key, 0):
                return True
            generation = self._newest(key)
            return self._looks_lost(key, generation) and self._create(key, generation + 1)

    def holder_of(self, key: Key) -> LeaseState | None:
        """The lease of a shard; None if nobody has it."""
        content = self._content(key, self._newest(key))
        return None if content is None else LeaseState.read(content)

    def beat(self) -> None:
        """Write all leases of this process again, and look at those of others that it has met.

        A lease that somebody took over is no longer this process's. On a disk that fails for a while a lease stays as
        it is: the next beat may succeed, and a lost lease is no harm.
        """
        with self._lock:
            for key in list(self._watched):
                self._looks_lost(key, self._newest(key))
            for key in [key for key in list(self._held) if self._is_held(key)]:
                generation, beat = self._held[key]
                self._held[key] = generation, beat + 1
                with suppress(OSError):
                    _write_again(self.path(key, generation), LeaseState(self.holder, beat + 1))

    def give_back(self, key: Key) -> None:
        """Give a lease back, if it is still this process's; with it go the files of those from whom it was taken.

        A file that cannot be removed does no harm: whoever wants the shard looks first whether it is there.
        """
        with self._lock, suppress(OSError):
            if key in self._held and self._is_held(key):
                for generation in range(self._held[key][0] + 1):
                    self.path(key, generation).unlink(missing_ok=True)
            self._held.pop(key, None)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Keep the leases alive while the block runs, in a thread of their own, and give back what is left after it."""
        stop = threading.Event()

        def beat() -> None:
            while not stop.wait(self.patience / _BEATS):
                self.beat()

        thread = threading.Thread(target=beat, name="maskcover leases", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            for key in list(self._held):
                self.give_back(key)

    def _create(self, key: Key, generation: int) -> bool:
        """Create the file of a lease: whether nobody had it."""
        path = self.path(key, generation)
        try:
            if not _created(path, LeaseState(self.holder, 0)):
                return False
        except OSError as error:
            raise cannot_write(path, error) from error
        self._held[key] = generation, 0
        self._watched.pop(key, None)
        return True

    def _is_held(self, key: Key) -> bool:
        """Whether a lease of this process is still its own; if not, it is forgotten."""
        generation = self._held[key][0]
        content = self._content(key, generation)
        state = None if content is None else LeaseState.read(content)
        if state is not None and state.holder == self.holder and not _is_there(self.path(key, generation + 1)):
            return True
        del self._held[key]
        return False

    def _newest(self, key: Key) -> int:
        """The last generation of a lease; 0 if there is none."""
        generation = 0
        while _is_there(self.path(key, generation + 1)):
            generation += 1
        return generation

    def _content(self, key: Key, generation: int) -> bytes | None:
        try:
            return self.path(key, generation).read_bytes()
        except OSError:  # it is gone; or a file server does not answer, and then nothing is known of it
            return None

    def _looks_lost(self, key: Key, generation: int) -> bool:
        """Look at somebody else's lease: whether it has not changed for the patience, or its holder is gone."""
        content, now = self._content(key, generation), self.clock()
        if content is None:
            self._watched.pop(key, None)  # it was given back
            return False
        before = self._watched.get(key)
        if before is not None and (before.generation, before.content) == (generation, content):
            waited = before.waited + min(now - before.looked, self.patience / _BEATS)
        else:
            waited = 0.0
        self._watched[key] = _Watch(generation, content, waited, now)
        state = LeaseState.read(content)
        return (state is not None and state.holder.lost) or waited >= self.patience


def _created(path: Place, state: LeaseState) -> bool:
    """Create the file of a lease: whether there was none. A file that could not be written is taken away again."""
    if isinstance(path, RemotePath):
        return path.create(state.content)  # a holder's name is its own, so that its content tells that it was first
    try:
        file = path.open("xb", buffering=0)
    except FileExistsError:
        return False
    try:
        with file:
            _write(file, state)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return True


def _write_again(path: Place, state: LeaseState) -> None:
    """Write the file of a lease again, if it is there."""
    if not isinstance(path, RemotePath):
        with path.open("r+b", buffering=0) as file:
            _write(file, state)
        return

    def next_beat(content: bytes) -> bytes | None:
        before = LeaseState.read(content)
        return state.content if before is not None and before.holder == state.holder else None

    path.edit(next_beat)


def _is_there(path: Place) -> bool:
    """Whether a file is there; not if its place does not answer: whoever then creates it is told."""
    try:
        return path.exists()
    except OSError:
        return False


def _write(file: FileIO, state: LeaseState) -> None:
    """Write the content of a lease; raise `OSError` if the disk takes only a part of it."""
    content = state.content
    if file.write(content) != len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def leased_number(name: str) -> int | None:
    """The number of the shard of which a file of this name is a lease; None if it is none.

    >>> leased_number(".00012.0.lease"), leased_number("00012.parquet")
    (12, None)
    """
    number, _, generation = name.removeprefix(".").removesuffix(".lease").partition(".")
    is_lease = name.startswith(".") and name.endswith(".lease")
    return int(number) if is_lease and number.isdecimal() and generation.isdecimal() else None


def leases_in(folder: Place) -> dict[int, LeaseState]:
    """The leases in a folder of shards by the numbers of these, for a look at who works on what."""
    states: dict[int, tuple[int, LeaseState]] = {}
    for path in folder.glob(".[0-9]*.lease"):
        number, _, generation = path.name.removeprefix(".").removesuffix(".lease").partition(".")
        if not (number.isdecimal() and generation.isdecimal()):
            continue
        try:
            state = LeaseState.read(path.read_bytes())
        except FileNotFoundError:
            continue
        if state is not None and int(generation) >= states.get(int(number), (0, state))[0]:
            states[int(number)] = int(generation), state
    return {number: states[number][1] for number in sorted(states)}


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
