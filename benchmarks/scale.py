"""Efficiency of launchers with 1 to 512 workers, by simulation: the real scheduler, and workers that only pretend.

The loop of the launcher (`maskcover.runs.driving`), the turns of processes (`maskcover.runs.turns`) and the leases
(`maskcover.runs.leases`) run as they are, on files in memory. The clock is simulated, and so are the workers: a shard
takes the seconds that its images took in a measured run. Efficiency is the time that the predictions of all images need
on full batches, divided by the time that workers were there until the last row was written.

    python benchmarks/scale.py                # the tables of RESULTS.md, a few minutes
    python benchmarks/scale.py --images 5000 --workers 8 64
    python benchmarks/scale.py --overhead     # Ray against the plain loop on this machine
"""

from __future__ import annotations

import argparse
import heapq
import logging
import os
import random
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from maskcover import open_run
from maskcover.canonical import write_atomically
from maskcover.runs.driving import Begun, Driver, Lost, Made, News
from maskcover.runs.launching import TOGETHER
from maskcover.runs.leases import PATIENCE, Holder, Leases
from maskcover.runs.shard_sizes import shard_size_for
from maskcover.runs.turns import Listing, Turns

# EfficientNet-Lite0, float32, one CPU core, batches of 16, 36 masks against any 2 % square: twenty photos (five of
# the demo, each in four variants) in runs with one shard and with four, on a busy core.
PREDICTIONS = (54, 59, 49, 667, 51, 49, 38, 80, 50, 45, 667, 59, 38, 42, 44, 57, 67, 49, 667, 60)
PREDICTION_SECONDS = 0.078
ATTEMPT_SECONDS = 8.0
"""Seconds that an attempt takes besides, for its last batches, which are not full."""
START_SECONDS = 20.0
"""Seconds until a worker has loaded its model and made the probes: assumed."""
LOST_A_SECOND = 0.05 / 3600
AWAY_SECONDS = 600.0
"""Seconds until another worker comes in the place of a lost one."""
ROW_BYTES = 1500


class Clock:
    """The simulated time, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Load:
    """The work of a run: the seconds of each shard on full batches, and those that an attempt takes besides."""

    shards: tuple[float, ...]
    size: int
    ideal: float
    extra: float

    @classmethod
    def of(cls, images: int, size: int, heavier: float = 1.0) -> Load:
        """Images in shards of a size, drawn from the measured ones; predictions take `heavier` times as long."""
        chance = random.Random(0)  # noqa: S311 (draws, not secrets)
        predictions = [chance.choice(PREDICTIONS) for _ in range(images)]
        seconds = [sum(predictions[start : start + size]) * PREDICTION_SECONDS for start in range(0, images, size)]
        shards = tuple(heavier * own for own in seconds)
        return cls(shards, size, sum(shards), heavier * ATTEMPT_SECONDS)


@dataclass
class Files:
    """The folder of the shards: their real leases, and files in the place of rows. Counts what is done with files."""

    path: Path
    clock: Clock
    leases: Leases
    looks: Counter[str]

    @classmethod
    def of(cls, path: Path, clock: Clock, looks: Counter[str]) -> Files:
        """The folder as one process sees it; the process is not of this machine, so nobody knows when it is lost."""
        return cls(path, clock, Leases(path, holder=Holder(os.urandom(8).hex()), clock=clock), looks)

    @property
    def patience(self) -> float:
        return self.leases.patience

    def listing(self) -> Listing[Any]:
        self.looks["listing"] += 1
        done, leased = set(), set()
        for name in os.listdir(self.path):  # noqa: PTH208 (names only)
            number, _, kind = name.removeprefix(".").partition(".")
            (done if kind == "parquet" else leased).add(int(number))
        return Listing(frozenset(done), frozenset(leased))

    def has(self, key: int) -> bool:
        self.looks["has"] += 1
        return self._shard(key).exists()

    def take(self, key: int) -> bool:
        self.looks["take"] += 1
        return self.leases.take(key)

    def give_back(self, key: int) -> None:
        self.leases.give_back(key)

    def write(self, key: int, rows: Any) -> None:
        assert write_atomically(self._shard(key), rows, only_new=True), f"shard {key} was written twice"

    def _shard(self, key: int) -> Path:
        return self.path / f"{key:05}.parquet"


@dataclass
class Fleet:
    """When workers are there: each is lost at a constant rate, and another one comes later in its place."""

    count: int
    lost_a_second: float
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 (draws, not secrets)

    def lifetime(self) -> float:
        """Seconds until a worker is lost."""
        return self.chance.expovariate(self.lost_a_second) if self.lost_a_second else float("inf")


@dataclass(eq=False)
class SimulatedPool:
    """Workers of a launcher, in simulated time; what the driver does in real time passes there too."""

    load: Load
    fleet: Fleet
    clock: Clock
    queue: list[tuple[int, list[int]]] = field(default_factory=list)
    events: list[tuple[float, int, str, int, int]] = field(default_factory=list)
    idle: list[int] = field(default_factory=list)
    busy: dict[int, tuple[int, list[int]]] = field(default_factory=dict)
    since: dict[int, float] = field(default_factory=dict)
    fresh: set[int] = field(default_factory=set)
    there: float = 0.0
    losses: int = 0
    most: int = 0
    started: int = 0
    _order: int = 0
    _real: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        for worker in range(self.fleet.count):
            self._arrive(worker)

    def start(self, keys: Sequence[int]) -> int:
        self.started += 1
        self.queue.append((self.started, list(keys)))
        self._assign()
        self.most = max(self.most, len(self.busy) + len(self.queue))
        return self.started

    def news(self, seconds: float) -> Iterator[News]:
        self.clock.now += time.perf_counter() - self._real
        limit = self.clock.now + seconds
        while self.events and self.events[0][0] <= limit:
            when, _, kind, worker, attempt = heapq.heappop(self.events)
            self.clock.now = max(self.clock.now, when)
            news = self._happened(kind, worker, attempt)
            if news is not None:
                yield from news
                break
        else:
            self.clock.now = limit
        self._real = time.perf_counter()

    def stop(self, attempt: int) -> None:
        """End the process of an attempt; its worker loads the model again before the next one."""
        for worker in [worker for worker, (number, _) in self.busy.items() if number == attempt]:
            del self.busy[worker]
            self.fresh.add(worker)
            self.idle.append(worker)
        self.queue = [(number, keys) for number, keys in self.queue if number != attempt]
        self._assign()

    def end(self) -> float:
        """Seconds that workers were there, all together, until now."""
        return self.there + sum(self.clock.now - since for since in self.since.values())

    def _arrive(self, worker: int) -> None:
        self.since[worker] = self.clock.now
        self.fresh.add(worker)
        self.idle.append(worker)
        self._at(self.clock.now + self.fleet.lifetime(), "lost", worker, 0)

    def _assign(self) -> None:
        while self.queue and self.idle:
            worker, (attempt, keys) = self.idle.pop(0), self.queue.pop(0)
            self.busy[worker] = attempt, keys
            when = self.clock.now + (START_SECONDS if worker in self.fresh else 0.0)
            self.fresh.discard(worker)
            for key in keys:
                when += self.load.shards[key] + (self.load.extra if key == keys[-1] else 0.0)
                self._at(when, "made", worker, attempt)

    def _happened(self, kind: str, worker: int, attempt: int) -> list[News] | None:
        if kind == "back":
            self._arrive(worker)
            self._assign()
            return None
        if kind == "lost":
            self.losses += 1
            self.there += self.clock.now - self.since.pop(worker)
            self._at(self.clock.now + AWAY_SECONDS, "back", worker, 0)
            if worker in self.idle:
                self.idle.remove(worker)
                return None
            return [Lost(self.busy.pop(worker)[0], "the machine was taken away")]
        if self.busy.get(worker, (0, 0))[0] != attempt:
            return None  # it was lost meanwhile
        key = self.busy[worker][1].pop(0)
        if not self.busy[worker][1]:
            del self.busy[worker]
            self.idle.append(worker)
            self._assign()
        return [Begun(attempt, f"worker {worker}"), Made(attempt, key, b"r" * (ROW_BYTES * self.load.size))]

    def _at(self, when: float, kind: str, worker: int, attempt: int) -> None:
        self._order += 1
        if when < float("inf"):
            heapq.heappush(self.events, (when, self._order, kind, worker, attempt))


@dataclass(frozen=True)
class Result:
    """The outcome of one simulation: efficiency, seconds, and operations on files for each shard."""

    efficiency: float
    seconds: float
    shards: int
    lost: int
    operations: float
    driver: float


def launched(load: Load, fleet: Fleet, path: Path) -> Result:
    """A run by a launcher: one driver with leases, workers elsewhere."""
    clock, looks = Clock(), Counter[str]()
    files, pool = Files.of(path, clock, looks), SimulatedPool(load, fleet, clock)
    turns, keys = Turns.of(files, range(len(load.shards)), clock), len(load.shards)
    begin, before = time.process_time(), operations()
    Driver(turns, pool, files.write, fleet.count, float("inf"), max(1, TOGETHER // load.size), clock=clock).run()
    spent, done = time.process_time() - begin, operations() - before
    assert len(files.listing().done) == keys
    assert pool.most <= fleet.count
    return Result(load.ideal / pool.end(), clock.now, keys, pool.losses, (done + looks["has"]) / keys, spent / keys)


@dataclass(eq=False)
class Process:
    """A plain process that takes shards by lease, in simulated time."""

    files: Files
    turns: Turns[Any]
    key: int | None = None
    since: float = 0.0


def shared(load: Load, fleet: Fleet, path: Path) -> Result:
    """A run by plain processes, which know of each other by leases alone."""
    clock, looks, chance = Clock(), Counter[str](), random.Random(2)  # noqa: S311 (draws, not secrets)
    keys, there, losses, last = len(load.shards), 0.0, 0, 0.0
    events: list[tuple[float, int, str, Process]] = []
    before, order = operations(), 0

    def at(when: float, kind: str, process: Process) -> None:
        nonlocal order
        order += 1
        if when < float("inf"):
            heapq.heappush(events, (when, order, kind, process))

    def arrive() -> None:
        files = Files.of(path, clock, looks)
        turns = Turns.of(files, range(keys), clock)
        turns.chance = random.Random(chance.random())  # noqa: S311 (draws, not secrets)
        process = Process(files, turns, since=clock.now)
        at(clock.now + START_SECONDS, "look", process)
        at(clock.now + fleet.lifetime(), "lost", process)
        at(clock.now + START_SECONDS + PATIENCE / 5, "beat", process)

    for _ in range(fleet.count):
        arrive()
    alive: dict[Process, None] = {}
    gone: set[Process] = set()  # the processes themselves: an id is given again
    done = 0
    while done < keys:
        clock.now, _, kind, process = heapq.heappop(events)
        if process in gone and kind != "back":
            continue
        if kind == "back":
            arrive()
            continue
        alive[process] = None
        if kind == "lost":
            losses, there = losses + 1, there + clock.now - process.since
            gone.add(process)
            del alive[process]
            at(clock.now + AWAY_SECONDS, "back", process)
        elif kind == "beat":
            process.files.leases.beat()
            at(clock.now + PATIENCE / 5, "beat", process)
        else:
            if process.key is not None:
                process.files.write(process.key, b"r" * (ROW_BYTES * load.size))
                process.turns.finished(process.key)
                done, last = done + 1, clock.now
            process.key = process.turns.next()
            wait = process.turns.pause if process.key is None else load.shards[process.key] + load.extra
            at(clock.now + wait, "look", process)
    there += sum(last - process.since for process in alive)
    return Result(load.ideal / there, last, keys, losses, (operations() - before + looks["has"]) / keys, 0.0)


_COUNTED = ("open", "os.link", "os.rename", "os.remove", "os.listdir", "os.scandir")
_OPERATIONS = Counter[str]()


def operations() -> int:
    """Operations on files since this process began, as Python's audit events tell them."""
    return _OPERATIONS.total()


def _count(event: str, _: tuple[Any, ...]) -> None:
    if event in _COUNTED:
        _OPERATIONS[event] += 1


def in_memory() -> str | None:
    """A folder in memory, where there is one: the disk of this machine is not what is measured."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (the point)


Scheduler = Callable[[Load, Fleet, Path], Result]
SCHEDULERS: dict[str, Scheduler] = {"launcher": launched, "plain processes": shared}


def simulate(scheduler: Scheduler, images: int, workers: int, heavier: float, lost: float, size: int | None) -> Result:
    """One run of images by workers."""
    load = Load.of(images, size or shard_size_for(images, workers), heavier)
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder:
        return scheduler(load, Fleet(workers, lost), Path(folder))


def memory(images: int, workers: int) -> int:
    """Bytes that the driver needs at most, for a run of images."""
    simulate(launched, 100, 2, 1.0, 0.0, None)  # what is imported at first use is none of the run's
    tracemalloc.start()
    try:
        simulate(launched, images, workers, 1.0, LOST_A_SECOND, None)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def table(images: int, counts: Sequence[int], heavier: float, size: int | None) -> None:
    """Print the efficiency of both ways for each number of workers."""
    columns = ["by", "workers", "images a shard", "shards", "hours", "lost", "efficiency"]
    columns += ["file operations a shard", "driver, ms a shard"]
    print(f"| {' | '.join(columns)} |")
    print("| --- " * len(columns) + "|")
    for name, scheduler in SCHEDULERS.items():
        for workers in counts:
            result = simulate(scheduler, images, workers, heavier, LOST_A_SECOND, size)
            own = f"{1000 * result.driver:.1f}" if result.driver else "–"
            print(
                f"| {name} | {workers} | {size or shard_size_for(images, workers)} | {result.shards:,} | "
                f"{result.seconds / 3600:.2f} | {result.lost} | {result.efficiency:.1%} | {result.operations:.1f} | "
                f"{own} |",
                flush=True,
            )


WAYS: dict[str, tuple[int, list[str]]] = {"plain": (2, []), "ray": (1, ["--launcher", "ray", "--workers", "2"])}
"""The number of processes to start, and what to type besides: two workers each."""


def overhead(images: int, rounds: int) -> None:
    """Print the time of two workers of Ray as a ratio to that of two plain processes, in the middle half of a run.

    Both ways do the same work in the same number of processes. A shard is as large as an attempt of the launcher at
    most, so that each way makes one shard at a time, in the same batches. Each round measures one way after the other.
    """
    ratios = []
    for number in range(rounds):
        ways = list(WAYS) if number % 2 else list(reversed(WAYS))
        times = {way: _timed(way, images) for way in ways}
        ratios.append(times["ray"].middle / times["plain"].middle)
        for way, timed in times.items():
            print(f"round {number}, {way}: {timed}", flush=True)
    print(f"ray / plain: {', '.join(f'{ratio:.3f}' for ratio in ratios)}; median {float(np.median(ratios)):.3f}")


@dataclass(frozen=True)
class Timed:
    """One run: seconds of the middle half of its shards, masked predictions, and the largest memory of a process."""

    middle: float
    predictions: int
    megabytes: float

    def __str__(self) -> str:
        return (
            f"{self.middle:.2f} s in the middle half, {self.predictions:,} masked predictions, "
            f"{self.megabytes:.0f} MB at most in a process that was started"
        )


def _timed(way: str, images: int) -> Timed:
    """A run of images, in shards of `TOGETHER`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pixels = np.random.default_rng(0).integers(0, 256, (images, 16, 16)).astype(np.uint8)
        np.savez(folder / "data.npz", images=pixels, labels=(pixels.mean(axis=(1, 2)) > 127.5).astype(int))
        count, more = WAYS[way]
        command = [
            sys.executable, "-m", "maskcover", "certify", "--model", "scale_model:Device", "--data",
            str(folder / "data.npz"), "--regions", "squares(size=2)", "--input-size", "16", "--channels", "1",
            "--shard-size", str(TOGETHER), "--out", str(folder / "RUN"), "--json", *more,
        ]  # fmt: skip
        with (folder / "log").open("wb") as log:
            started = [subprocess.Popen(command, cwd=Path(__file__).parent, stdout=log) for _ in range(count)]  # noqa: S603 (own)
            ends = [os.wait4(process.pid, 0) for process in started]
        assert [os.waitstatus_to_exitcode(status) for _, status, _ in ends] == [0] * count
        kilobytes = max(usage.ru_maxrss for _, _, usage in ends)
        summary = open_run(folder / "RUN").summary()
        assert summary.complete
        return Timed(_seconds(folder / "RUN"), summary.evaluations, kilobytes / 1000)


def _seconds(out: Path) -> float:
    """Seconds in which the middle half of the shards was written, when all workers are at work."""
    times = sorted(path.stat().st_mtime for path in out.glob("shards/*.parquet"))
    return times[len(times) * 3 // 4] - times[len(times) // 4]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8, 64, 256, 512])
    parser.add_argument("--heavier", type=float, default=1.0, help="A prediction takes this many times as long.")
    parser.add_argument("--size", type=int, help="Images in a shard; by default chosen from the number of workers.")
    parser.add_argument("--overhead", action="store_true", help="Ray against plain processes, on this machine.")
    parser.add_argument("--rounds", type=int, default=3, help="With --overhead: measurements of each way.")
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # each loss would be a line
    if options.overhead:
        overhead(options.images if options.images != 50_000 else 24 * TOGETHER, options.rounds)
        return
    sys.addaudithook(_count)
    table(options.images, options.workers, options.heavier, options.size)
    for images in (5_000, 50_000):
        print(f"driver, {images:,} images, 64 workers: at most {memory(images, 64) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
