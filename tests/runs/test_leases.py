"""Leases on shards: one holder at a time, takeover by the watcher's own clock, and holders that are gone."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Barrier

import pytest

from maskcover.errors import DiskFull
from maskcover.runs.leases import Holder, Leases, LeaseState, leases_in
from maskcover.runs.plans import Key

FAR = Holder("far", "another machine", "1 1")
HOLDING = """
import sys, time
from pathlib import Path
from maskcover.runs.leases import Leases
leases = Leases(Path(sys.argv[1]), patience=60)
with leases.beating():
    print(leases.take(3), flush=True)
    time.sleep(60)
"""


class Clock:
    """A clock that is moved by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def watched(watcher: Leases, clock: Clock, seconds: int, key: Key = 0) -> bool:
    """Look at a lease after every second, for some seconds: whether the watcher has it at the end."""
    assert not watcher.take(key), "nobody looked before"
    for _ in range(seconds):
        clock.now += 1
        taken = watcher.take(key)
        if taken:
            return True
    return False


@pytest.fixture(name="clock")
def make_clock() -> Clock:
    return Clock()


def test_one_process_at_a_time_has_a_lease_and_gives_it_back(tmp_path: Path) -> None:
    mine, theirs = Leases(tmp_path), Leases(tmp_path)
    assert (mine.take(0), mine.take(0), theirs.take(0), theirs.take(1)) == (True, True, False, True)
    assert {number: state.holder for number, state in leases_in(tmp_path).items()} == {
        0: mine.holder,
        1: theirs.holder,
    }
    mine.give_back(1)  # not its own
    mine.give_back(0)
    mine.give_back(0)
    assert list(leases_in(tmp_path)) == [1]
    assert theirs.take(0)


def test_a_lease_that_does_not_change_is_taken_over_by_the_watchers_clock(tmp_path: Path, clock: Clock) -> None:
    lost, watcher = Leases(tmp_path, holder=FAR), Leases(tmp_path, patience=10, clock=clock)
    assert lost.take(0)
    assert not watched(watcher, clock, 9)
    lost.beat()
    assert not watched(watcher, clock, 9), "it was written again"
    assert watched(watcher, clock, 1)
    state = watcher.holder_of(0)
    assert state is not None
    assert state.holder == watcher.holder


def test_a_watcher_that_was_asleep_takes_over_nothing_at_once(tmp_path: Path, clock: Clock) -> None:
    holder, watcher = Leases(tmp_path, holder=FAR), Leases(tmp_path, patience=10, clock=clock)
    assert holder.take(0)
    for _ in range(5):
        assert not watcher.take(0), "a look counts for a fifth of the patience"
        clock.now += 1e6
    assert watcher.take(0)


def test_beats_are_looks_too(tmp_path: Path, clock: Clock) -> None:
    holder, watcher = Leases(tmp_path, holder=FAR), Leases(tmp_path, patience=10, clock=clock)
    assert holder.take(0)
    assert not watcher.take(0)
    for _ in range(4):
        clock.now += 2
        watcher.beat()
    clock.now += 2
    assert watcher.take(0)


def test_a_lease_can_be_taken_over_again_and_again(tmp_path: Path, clock: Clock) -> None:
    everybody = [Leases(tmp_path, patience=10, clock=clock, holder=replace(FAR, name=f"{n}")) for n in range(4)]
    assert everybody[0].take(0)
    for before, after in pairwise(everybody):
        assert watched(after, clock, 10)
        assert leases_in(tmp_path)[0].holder == after.holder
        assert not before.take(0)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".00000.{number}.lease" for number in range(4)]
    everybody[-1].give_back(0)
    assert not list(tmp_path.iterdir())


def test_nothing_is_needed_but_that_a_file_is_created_once(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    for name in ("link", "rename", "replace", "lockf"):
        monkeypatch.setattr(os, name, missing)
    monkeypatch.setattr("fcntl.flock", missing)
    monkeypatch.setattr(time, "time", missing)
    first, second = Leases(tmp_path, holder=FAR), Leases(tmp_path, patience=10, clock=clock)
    assert first.take(0)
    first.beat()
    assert watched(second, clock, 10)
    second.beat()
    second.give_back(0)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_full_while_a_lease_beats_costs_nothing_but_the_beat(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, watcher = Leases(tmp_path, holder=FAR), Leases(tmp_path, patience=10, clock=clock)
    assert holder.take(0)
    assert not watched(watcher, clock, 9)
    content = holder.path(0).read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr("maskcover.runs.leases._write", full)
        holder.beat()
    assert holder.path(0).read_bytes() == content
    holder.beat()
    assert not watched(watcher, clock, 9)
    assert holder.take(0)
    for _ in range(12):
        holder.beat()
    assert len(holder.path(0).read_bytes()) == len(content), "it needs no more room than before"


def full(*_: object, **__: object) -> None:
    """Write to a disk that is full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_lease_for_which_there_is_no_room_is_an_error_and_nobodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases = Leases(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("maskcover.runs.leases._write", full)
        with pytest.raises(DiskFull, match=r"cannot write .*\.00000\.0\.lease: No space left"):
            leases.take(0)
    assert not list(tmp_path.iterdir())
    assert Leases(tmp_path).take(0)
    assert not leases.take(0)


def test_a_lease_that_cannot_be_created_takes_away_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs = Leases(tmp_path), Leases(tmp_path)
    assert theirs.take(0)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", full)
        with pytest.raises(DiskFull):
            mine.take(0)
    assert theirs.take(0)


def test_a_file_server_that_does_not_answer_makes_no_lease_lost(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, watcher = Leases(tmp_path, holder=FAR), Leases(tmp_path, patience=10, clock=clock)
    assert holder.take(0)
    assert not watched(watcher, clock, 9)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", full)
        assert not watched(watcher, clock, 20)
    assert not watched(watcher, clock, 9)
    assert watched(watcher, clock, 1)


def test_leases_of_sizes_lie_beside_their_shards(tmp_path: Path) -> None:
    (tmp_path / "24x25" / "shards").mkdir(parents=True)
    mine, theirs = Leases(tmp_path), Leases(tmp_path)
    assert mine.take(("24x25", 3))
    assert not theirs.take(("24x25", 3))
    assert leases_in(tmp_path / "24x25" / "shards")[3].holder == mine.holder


def test_clocks_of_holders_do_not_count(tmp_path: Path, clock: Clock) -> None:
    behind = Clock()
    behind.now = -1e9
    lost, watcher = Leases(tmp_path, holder=FAR, clock=behind), Leases(tmp_path, patience=10, clock=clock)
    assert lost.take(0)
    for _ in range(20):
        assert not watcher.take(0)
        behind.now += 1000
        lost.beat()
        clock.now += 9.5


def test_who_lost_a_lease_neither_beats_nor_gives_it_back(tmp_path: Path, clock: Clock) -> None:
    sleeper, watcher = Leases(tmp_path, holder=FAR), Leases(tmp_path, patience=10, clock=clock)
    assert sleeper.take(0)
    assert watched(watcher, clock, 10)
    contents = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(contents) == 2
    sleeper.beat()
    sleeper.give_back(0)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == contents
    assert not sleeper.take(0)
    assert watcher.take(0)


def test_a_holder_on_this_machine_whose_process_is_gone_is_lost_at_once(tmp_path: Path) -> None:
    watcher = Leases(tmp_path)
    with subprocess.Popen([sys.executable, "-c", HOLDING, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "True\n"
            process.send_signal(signal.SIGSTOP)
            assert not watcher.take(3), "a process that sleeps is not gone"
        finally:
            process.kill()
    if not Holder.this().process:
        pytest.skip("this system does not tell which processes there are")
    assert watcher.take(3)


def stopped(leases: Leases) -> None:
    """Work on two shards that is interrupted."""
    with leases.beating():
        assert leases.take(0)
        assert leases.take(5)
        raise KeyboardInterrupt


def test_leases_are_given_back_when_the_work_is_over(tmp_path: Path) -> None:
    leases = Leases(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        stopped(leases)
    assert leases_in(tmp_path) == {}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"{", b"[]", json.dumps({"holder": "x"}).encode()])
def test_a_file_that_is_no_lease_is_one_of_nobody_known(tmp_path: Path, content: bytes, clock: Clock) -> None:
    watcher = Leases(tmp_path, patience=10, clock=clock)
    watcher.path(0).write_bytes(content)
    assert LeaseState.read(content) is None
    assert watched(watcher, clock, 10)


@pytest.mark.parametrize("stale", [False, True])
def test_of_many_that_want_a_lease_at_once_one_gets_it(tmp_path: Path, clock: Clock, *, stale: bool) -> None:
    count = 8
    for number in range(30):
        everybody = [Leases(tmp_path, patience=10, clock=clock) for _ in range(count)]
        if stale:
            assert Leases(tmp_path, holder=FAR).take(number)
            for _ in range(5):
                assert not any(one.take(number) for one in everybody)
                clock.now += 2
        barrier = Barrier(count)

        def take(one: Leases, number: int = number, barrier: Barrier = barrier) -> bool:
            barrier.wait()
            return one.take(number)

        with ThreadPoolExecutor(count) as pool:
            taken = list(pool.map(take, everybody))
        held = leases_in(tmp_path)[number].holder
        assert [one.holder for one, won in zip(everybody, taken, strict=True) if won] == [held]
