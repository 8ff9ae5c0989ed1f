"""Leases on shards: one holder at a time, takeover by the watcher's own clock, and holders that are gone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from maskcover.runs.leases import Holder, Leases, LeaseState, leases_in

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
    assert not watcher.take(0)
    clock.now += 9
    assert not watcher.take(0)
    lost.beat()
    clock.now += 9
    assert not watcher.take(0), "it was written again"
    clock.now += 9
    assert not watcher.take(0)
    clock.now += 1
    assert watcher.take(0)
    state = watcher.holder_of(0)
    assert state is not None
    assert state.holder == watcher.holder


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
    assert not watcher.take(0)
    clock.now += 10
    assert watcher.take(0)
    content = watcher.path(0).read_bytes()
    sleeper.beat()
    sleeper.give_back(0)
    assert watcher.path(0).read_bytes() == content
    assert not sleeper.take(0)


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
    assert not watcher.take(0)
    clock.now += 10
    assert watcher.take(0)


@pytest.mark.parametrize("stale", [False, True])
def test_of_many_that_want_a_lease_at_once_one_gets_it(tmp_path: Path, clock: Clock, *, stale: bool) -> None:
    count = 8
    for number in range(30):
        everybody = [Leases(tmp_path, patience=10, clock=clock) for _ in range(count)]
        if stale:
            assert Leases(tmp_path, holder=FAR).take(number)
            assert not any(one.take(number) for one in everybody)
            clock.now += 10
        barrier = Barrier(count)

        def take(one: Leases, number: int = number, barrier: Barrier = barrier) -> bool:
            barrier.wait()
            return one.take(number)

        with ThreadPoolExecutor(count) as pool:
            taken = list(pool.map(take, everybody))
        held = leases_in(tmp_path)[number].holder
        assert [one.holder for one, won in zip(everybody, taken, strict=True) if won] == [held]
