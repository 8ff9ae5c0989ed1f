"""A run of 250 digits is killed ten times and started again each time: it ends with the rows of a run left alone."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet
from sklearn.datasets import load_digits

from maskcover import cover, squares
from maskcover.runs import summary
from tests.runs import certify_digits
from tests.runs.lookups import listing

COUNT = 250
SHARDS = [f"shards/{number:05}.parquet" for number in range(50)]


def prepare(data: Path) -> None:
    """Put down model, masks and 250 digits of 8×8 pixels."""
    digits = load_digits()
    images, labels = digits.images.astype(np.int64), digits.target
    rest, names = images[COUNT:], labels[COUNT:]
    means = [np.rint(rest[names == digit].mean(axis=0)).astype(np.int64) for digit in range(10)]
    cover(squares(size=2), image_size=8, grid=(4, 4)).save(data / "masks.json")
    np.save(data / "means.npy", np.stack(means))
    np.save(data / "images.npy", images[:COUNT])
    np.save(data / "labels.npy", labels[:COUNT])


def start(data: Path, out: Path, *most: int) -> subprocess.Popen[bytes]:
    """The one command; it waits to be killed where there are so many shards, if a number is given."""
    command = [sys.executable, certify_digits.__file__, str(data), str(out), *map(str, most)]
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sys.path))})


def rows(out: Path) -> list[list[dict[str, object]]]:
    """What the files of the shards say, each read by itself."""
    return [pyarrow.parquet.ParquetFile(out / name).read().to_pylist() for name in SHARDS]


def count(out: Path) -> int:
    """How many shards are there."""
    return len(list(out.glob("shards/[0-9]*.parquet")))


def wait(process: subprocess.Popen[bytes], out: Path, shards: int) -> None:
    """Wait until so many shards are there."""
    while process.poll() is None and count(out) < shards:
        time.sleep(0.005)


def left_alone(data: Path, out: Path) -> tuple[float, float]:
    """Run to the end; the seconds until the first shard is there, and those of each further one."""
    begin = time.monotonic()
    process = start(data, out)
    wait(process, out, 1)
    first = time.monotonic()
    assert process.wait() == 0
    return first - begin, (time.monotonic() - first) / (len(SHARDS) - 1)


def kill(data: Path, out: Path, shards: int, seconds: float) -> None:
    """Start, wait for so many shards and then so many seconds, but for no more than two shards more, and kill."""
    most = max(shards, count(out)) + 2
    process = start(data, out, most)
    wait(process, out, shards)
    end = time.monotonic() + seconds
    while time.monotonic() < end and count(out) < most:
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -signal.SIGKILL


def moments(beginning: float, shard: float) -> list[tuple[int, float]]:
    """Ten moments, as shards and then seconds: three while a process begins, seven spread over the run."""
    chance = random.Random(0)  # noqa: S311 (moments, not secrets)
    found = [(6 * part + chance.randrange(1, 5), chance.uniform(0, 1.5 * shard)) for part in range(7)]
    for _ in range(3):
        found.insert(chance.randrange(8), (0, chance.uniform(0.05, beginning)))
    return found


def test_a_run_that_is_killed_ten_times_ends_with_the_same_rows(tmp_path: Path) -> None:
    prepare(tmp_path)
    alone, out = tmp_path / "alone", tmp_path / "killed"
    done = []
    for shards, seconds in moments(*left_alone(tmp_path, alone)):
        kill(tmp_path, out, shards, seconds)
        done.append(count(out))
    assert len(done) == 10
    assert done == sorted(done)
    assert len(set(done)) > 4
    assert done[-1] < len(SHARDS)
    assert start(tmp_path, out).wait() == 0
    assert rows(out) == rows(alone)
    assert sorted(listing(out)) == ["masks.json", "run.json", *SHARDS]
    assert COUNT / 10 < summary(out).certified < COUNT
