"""A look at a run that others are making: shards done and in work, by whom, stale leases, speed and time left."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

from maskcover.runs.columns import pyarrow
from maskcover.runs.folder import Folder
from maskcover.runs.frames import is_source_run, size_folders, source_document
from maskcover.runs.leases import PATIENCE, LeaseState, leases_in
from maskcover.runs.plans import Key, Plan, split
from maskcover.runs.stores import Place, place
from maskcover.terminal import counted

_SAMPLED = 32  # shards that are read for the speed: all would be too many in an object store


@dataclass(frozen=True, slots=True)
class SizeStatus:
    """The progress of a run on the images of one size.

    Args:
        size: The size, such as "375x500"; "" in the frame of the model's input.
        images, images_done: The number of images, and of those in shards that are there.
        shards, done: The number of shards, 0 as long as nobody has fixed it, and of those that are there.
    """

    size: str
    images: int
    images_done: int
    shards: int
    done: int


@dataclass(frozen=True, slots=True)
class ShardInWork:
    """A shard with a lease, which somebody is making, or was making before it was lost.

    Args:
        key: The name of the shard: its number, or size and number.
        state: The lease as it was seen.
        unchanged: Seconds for which it was seen not to change; 0 at a first look.
        stale: Whether its holder is known to be gone, or the lease has not changed for the patience of leases.
    """

    key: Key
    state: LeaseState
    unchanged: float
    stale: bool

    @property
    def host(self) -> str:
        """The name of the holder's machine."""
        return self.state.holder.host.partition(" ")[0]

    @property
    def process(self) -> str:
        """The number of the holder's process on its machine."""
        return self.state.holder.process.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The progress of a run at one moment; made by `status`.

    Args:
        out: The place of the run.
        sizes: The progress on the images of each size; one entry in the frame of the model's input.
        leases: The shards in work, and those of which the lease is stale.
        seconds_per_image: Seconds that a process takes for an image, from the shards that are there; None if there is
            none yet.
        looked: The time of the look, by the clock of `status`.

    >>> half = RunStatus("RUN", (SizeStatus("", images=100, images_done=40, shards=10, done=4),), (), None, 0.0)
    >>> half.images_done, half.complete
    (40, False)
    """

    out: str
    sizes: tuple[SizeStatus, ...]
    leases: tuple[ShardInWork, ...]
    seconds_per_image: float | None
    looked: float

    @property
    def complete(self) -> bool:
        """Whether no shard is missing."""
        return self.images_done == self.images

    @property
    def images(self) -> int:
        """The number of images of the run."""
        return sum(size.images for size in self.sizes)

    @property
    def images_done(self) -> int:
        """The number of images in shards that are there."""
        return sum(size.images_done for size in self.sizes)

    @property
    def shards(self) -> int:
        """The number of shards of the run."""
        return sum(size.shards for size in self.sizes)

    @property
    def done(self) -> int:
        """The number of shards that are there."""
        return sum(size.done for size in self.sizes)

    @property
    def in_work(self) -> tuple[ShardInWork, ...]:
        """The shards in work, without those of which the lease is stale."""
        return tuple(shard for shard in self.leases if not shard.stale)

    @property
    def stale(self) -> tuple[ShardInWork, ...]:
        """The shards of which the lease is stale; any process that runs the same command takes them over."""
        return tuple(shard for shard in self.leases if shard.stale)

    @property
    def images_a_second(self) -> float | None:
        """The speed of all holders of leases together; None if no shard is there yet, or nobody holds a lease."""
        holders = len({shard.state.holder.name for shard in self.in_work})
        return holders / self.seconds_per_image if holders and self.seconds_per_image else None

    @property
    def seconds_left(self) -> float | None:
        """The time that the images without rows take at this speed; None if the speed is not known."""
        if self.complete:
            return 0.0
        speed = self.images_a_second
        return None if speed is None else (self.images - self.images_done) / speed

    def document(self) -> dict[str, Any]:
        """The status as JSON."""
        return {
            "run": self.out,
            "complete": self.complete,
            "images": self.images,
            "images_done": self.images_done,
            "shards": self.shards,
            "shards_done": self.done,
            "sizes": [
                {"size": one.size, "images": one.images, "images_done": one.images_done, "shards": one.shards,
                 "shards_done": one.done}
                for one in self.sizes
            ],
            "in_work": [_document(shard) for shard in self.in_work],
            "stale": [_document(shard) for shard in self.stale],
            "images_a_second": self.images_a_second,
            "seconds_left": self.seconds_left,
        }  # fmt: skip

    @property
    def line(self) -> str:
        """The status in one line."""
        parts = [
            f"{self.done:,} of {counted(self.shards, 'shard')} done ({self.images_done:,} of {self.images:,} images)"
            if self.shards
            else f"no shard of {self.images:,} images yet",
            f"{len(self.in_work):,} in work" + (f", {len(self.stale):,} stale" if self.stale else ""),
            self._speed,
        ]
        return "complete: " + parts[0] if self.complete else "; ".join(parts)

    @property
    def lines(self) -> list[str]:
        """The status in lines for people."""
        by_size = [
            f"  {one.size}: {one.done:,} of {counted(one.shards, 'shard')} done "
            f"({one.images_done:,} of {one.images:,} images)"
            for one in self.sizes
            if one.size
        ]
        return [f"{self.out}: {self.line}", *by_size, *map(_words, self.leases)]

    @property
    def _speed(self) -> str:
        if self.seconds_per_image is None:
            return "speed and time left cannot be told before a shard is done"
        if self.images_a_second is None or self.seconds_left is None:
            return f"nobody holds a lease; one process makes {_rate(1 / self.seconds_per_image)}"
        return f"{_rate(self.images_a_second)}, about {duration(self.seconds_left)} left"


def status(
    out: str | PathLike[str], *, since: RunStatus | None = None, clock: Callable[[], float] = time.monotonic
) -> RunStatus:
    """Look at a run that is being made, without its model and its images.

    Args:
        out: The place of the run: a folder, or ``s3://BUCKET/RUN``.
        since: An earlier look at the same run: leases that have not changed since then are told from those of living
            processes. One look alone knows only of processes that are gone from this machine.
        clock: A clock that only goes forward, in seconds; the same for all looks at a run.

    Raises:
        InvalidInput: there is no run, or its files are damaged.

    >>> import tempfile
    >>> import numpy as np
    >>> import maskcover as mc
    >>> def brightness(images):
    ...     mean = images.mean(axis=(1, 2))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> masks = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
    >>> with tempfile.TemporaryDirectory() as out:
    ...     summary = mc.run(
    ...         brightness, np.ones((3, 12, 12)), [1, 1, 0], masks, out, batch_size=4, fill=0.5, shard=(0, 2),
    ...         shard_size=1,
    ...     )
    ...     look = mc.status(out)
    >>> look.done, look.shards, look.complete, look.in_work
    (2, 3, False, ())
    """
    folder, now = place(out), clock()
    plan = _plan(folder)
    missing = {size: _missing(folder / size, plan, size) for size in plan.sizes}
    keys = plan.keys() if plan.shard_size else ()
    done = [key for key in keys if split(key)[1] not in missing[split(key)[0]]]
    before = {} if since is None else {shard.key: shard for shard in since.leases}
    elapsed = 0.0 if since is None else now - since.looked
    states = {
        number if size == "" else (size, number): state
        for size in plan.sizes
        for number, state in leases_in(folder / size / "shards").items()
        if number in missing[size]
    }
    leases = (_in_work(key, state, before.get(key), elapsed) for key, state in states.items())
    sizes = tuple(_of_size(plan, size, done) for size in plan.sizes)
    return RunStatus(str(folder), sizes, tuple(leases), _seconds_per_image(folder, plan, done), now)


def _plan(folder: Place) -> Plan:
    """The shards of a run by what its folder says; in shards of 0 images if nobody has fixed their size."""
    if not is_source_run(folder):
        config = Folder(folder).existing()
        return Plan({"": config.count}, config.document["shard_size"])
    document = source_document(folder)
    shard_sizes = (config.document["shard_size"] for _, config in size_folders(folder, document))
    return Plan(document["sizes"], next(shard_sizes, 0))


def _missing(folder: Place, plan: Plan, size: str) -> frozenset[int]:
    """The numbers of the shards of a size that are not there."""
    count = -(-plan.sizes[size] // plan.shard_size) if plan.shard_size else 0
    return frozenset(range(count)) - Folder(folder).there()


def _of_size(plan: Plan, size: str, done: list[Key]) -> SizeStatus:
    of_size = [key for key in done if split(key)[0] == size]
    count = plan.sizes[size]
    shards = -(-count // plan.shard_size) if plan.shard_size else 0
    return SizeStatus(size, count, sum(map(plan.images, of_size)), shards, len(of_size))


def _in_work(key: Key, state: LeaseState, before: ShardInWork | None, elapsed: float) -> ShardInWork:
    """A lease, compared with the one of an earlier look."""
    unchanged = before.unchanged + elapsed if before is not None and before.state == state else 0.0
    return ShardInWork(key, state, unchanged, state.holder.lost or unchanged >= PATIENCE)


def _seconds_per_image(folder: Place, plan: Plan, done: list[Key]) -> float | None:
    """The mean over shards from all parts of the run; None if none of them can be read."""
    step = -(-len(done) // _SAMPLED) or 1
    pairs = [(plan.images(key), seconds) for key in done[::step] for seconds in _seconds(folder, key)]
    images, seconds = (sum(column) for column in zip(*pairs, strict=True)) if pairs else (0, 0.0)
    return seconds / images if images and seconds > 0 else None


def _seconds(folder: Place, key: Key) -> Iterator[float]:
    """The seconds that a shard took; nothing if its file is damaged, which whoever reads its rows is told."""
    size, number = split(key)
    try:
        content = io.BytesIO((folder / size / "shards" / f"{number:05}.parquet").read_bytes())
        metadata: Mapping[bytes, bytes] = pyarrow().parquet.read_schema(content).metadata or {}
        yield float(metadata[b"seconds"])
    except (OSError, ValueError, KeyError):
        return


def _document(shard: ShardInWork) -> dict[str, Any]:
    size, number = split(shard.key)
    return {
        "size": size, "shard": number, "host": shard.host, "process": shard.process, "beats": shard.state.beat,
        "unchanged_seconds": shard.unchanged,
    }  # fmt: skip


def _words(shard: ShardInWork) -> str:
    size, number = split(shard.key)
    holder = (
        f"process {shard.process} on {shard.host}" if shard.process else f"a process on {shard.host or 'a machine'}"
    )
    end = ", stale: the next process that wants it takes it over" if shard.stale else ""
    return f"  shard {f'{size}/' if size else ''}{number:05}: {holder}{end}"


def _rate(rate: float) -> str:
    """A speed in words.

    >>> _rate(12.34), _rate(0.05)
    ('12.3 images a second', '3.0 images a minute')
    """
    return f"{rate:.1f} images a second" if rate >= 1 else f"{60 * rate:.1f} images a minute"


def duration(seconds: float) -> str:
    """A time in words.

    >>> duration(3.2), duration(125), duration(7500), duration(200000)
    ('3 s', '2 min 5 s', '2 h 5 min', '2 d 7 h')
    """
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    parts, rest = [], round(seconds)
    for name, length in units:
        parts.append((rest // length, name))
        rest %= length
    first = next((number for number, (count, _) in enumerate(parts) if count), len(parts) - 1)
    shown = [part for number, part in enumerate(parts[first : first + 2]) if number == 0 or part[0]]
    return " ".join(f"{count} {name}" for count, name in shown)
