"""The loop over shards: each is made once, those of lost processes too, and a failure gives its shard back."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maskcover import RunStopped
from maskcover.runs import Shard, open_run
from maskcover.runs.leases import Holder, Leases, leases_in
from maskcover.runs.making import make_shards
from maskcover.runs.plans import Key
from maskcover.runs.working import Work
from tests.runs.described import put_images, spec_of
from tests.runs.lookups import listing

FAR = Holder("far", "another machine", "1 1")
LOST = """
import sys
from pathlib import Path
from maskcover.runs.leases import Leases
assert Leases(Path(sys.argv[1])).take(1)
"""


@pytest.fixture(name="work")
def make_work(tmp_path: Path) -> Work:
    return open_run(spec_of(put_images(tmp_path / "data")), tmp_path / "RUN")


@pytest.mark.parametrize("name", ["00000.bad.parquet", ".00000.parquet", "0.parquet", "000000.parquet"])
def test_a_shard_that_was_moved_aside_is_made_again(work: Work, name: str) -> None:
    make_shards(work, progress=False)
    folder = work.ledger.out / "shards"
    shard = folder / "00000.parquet"
    before = shard.read_bytes()
    assert isinstance(shard, Path)
    shard.rename(folder / name)
    make_shards(work, progress=False)
    assert work.missing() == ()
    assert len(shard.read_bytes()) == len(before)


@pytest.fixture(name="pauses")
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses of the loop, in seconds; nobody waits for them."""
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    return pauses


def leases_of(work: Work, pauses: list[float]) -> Leases:
    """Leases of a process for which time passes in pauses alone."""
    return Leases(folder(work), clock=lambda: sum(pauses))


class Made:
    """Notes which shards a work makes, and lets others act before one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, before: Callable[[Key], object] = lambda _: None) -> None:
        self.keys: list[Key] = []
        original = Work.make

        def make(work: Work, key: Key, watch: Any = None) -> Shard:
            before(key)
            self.keys.append(key)
            return original(work, key, watch)

        monkeypatch.setattr(Work, "make", make)


def folder(work: Work) -> Path:
    return Path(work.ledger.out) / "shards"


def test_a_process_alone_makes_the_shards_in_order_and_leaves_no_lease(
    work: Work, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    made = Made(monkeypatch)
    make_shards(work, progress=False)
    assert made.keys == [0, 1, 2, 3, 4]
    assert pauses == []
    assert sorted(path.name for path in folder(work).iterdir()) == [f"{number:05}.parquet" for number in range(5)]
    make_shards(work, progress=False)
    assert made.keys == [0, 1, 2, 3, 4], "all are there"


def test_shards_that_others_work_on_are_waited_for_and_not_made(
    work: Work, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    theirs = Leases(folder(work), holder=FAR)
    assert all(theirs.take(key) for key in (0, 2))
    shards = {key: work.make(key) for key in (0, 2)}
    made = Made(monkeypatch)

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            for key, shard in shards.items():
                work.write(key, shard)

    monkeypatch.setattr("time.sleep", pause)
    make_shards(work, progress=False, leases=leases_of(work, pauses))
    assert made.keys[0] in (1, 3, 4)
    assert sorted(map(int, map(str, made.keys))) == [1, 3, 4]
    assert pauses == [0.25, 0.5, 1.0]
    assert work.missing() == ()


def test_the_shard_of_a_process_that_is_gone_is_made(
    work: Work, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    if not Holder.this().process:
        pytest.skip("this system does not tell which processes there are")
    subprocess.run([sys.executable, "-c", LOST, str(folder(work))], check=True)
    assert list(leases_in(folder(work))) == [1]
    made = Made(monkeypatch)
    make_shards(work, progress=False)
    assert (sorted(map(int, map(str, made.keys))), pauses) == ([0, 1, 2, 3, 4], [])
    assert made.keys[-1] == 1
    assert not leases_in(folder(work))


@pytest.mark.usefixtures("pauses")
def test_the_shard_of_a_process_elsewhere_that_is_silent_is_taken_over(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Leases(folder(work), holder=FAR).take(3)
    made, ticks = Made(monkeypatch), itertools.count(step=1e6)
    leases = Leases(folder(work), patience=5e6, holder=Holder("mine"), clock=lambda: next(ticks))
    make_shards(work, progress=False, leases=leases)
    assert sorted(map(int, map(str, made.keys))) == [0, 1, 2, 3, 4]
    assert made.keys[-1] == 3


def test_a_shard_that_is_there_when_its_lease_is_free_is_not_made_again(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard = work.make(0)
    made, original = Made(monkeypatch), Leases.take

    def take(leases: Leases, key: Key) -> bool:
        if key == 0 and not work.ledger.has(0):
            work.write(0, shard)  # the other one finishes and gives its lease back just now
        return original(leases, key)

    monkeypatch.setattr(Leases, "take", take)
    make_shards(work, progress=False)
    assert made.keys == [1, 2, 3, 4]


def test_a_failure_gives_the_shard_back_and_the_next_process_makes_it(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(key: Key) -> None:
        assert list(leases_in(folder(work))) == [key]
        if key == 2:
            raise RunStopped("out of memory")

    with monkeypatch.context() as patched:
        Made(patched, fail)
        with pytest.raises(RunStopped, match="out of memory"):
            make_shards(work, progress=False)
    assert work.missing() == (2, 3, 4)
    assert not leases_in(folder(work))
    made = Made(monkeypatch)
    make_shards(work, progress=False)
    assert made.keys == [2, 3, 4]


def test_who_was_overtaken_writes_nothing_twice(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that slept while it made a shard finds that another one took over and finished."""
    shard = work.make(1)

    def overtaken(key: Key) -> None:
        if key == 1:
            content = folder(work) / ".00001.1.lease"
            content.write_bytes((folder(work) / ".00001.0.lease").read_bytes().replace(b"holder", b"bolder"))
            work.write(1, shard)
            states.append(listing(Path(work.ledger.out))["shards/00001.parquet"])

    states: list[bytes] = []
    Made(monkeypatch, overtaken)
    make_shards(work, progress=False)
    assert [listing(Path(work.ledger.out))["shards/00001.parquet"]] == states
    assert work.missing() == ()


def test_one_look_tries_few_shards(tmp_path: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    work = open_run(spec_of(put_images(tmp_path / "data", 60), shard_size=1), tmp_path / "RUN")
    tries: list[Key] = []
    theirs, original = Leases(folder(work), holder=FAR), Leases.take
    assert all(theirs.take(key) for key in range(60))

    def take(leases: Leases, key: Key) -> bool:
        tries.append(key)
        return original(leases, key)

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 7:
            raise KeyboardInterrupt

    monkeypatch.setattr(Leases, "take", take)
    monkeypatch.setattr("time.sleep", pause)
    with pytest.raises(KeyboardInterrupt):
        make_shards(work, progress=False, leases=leases_of(work, pauses))
    assert len(tries) == 60, "a lease of others is looked at once in half a minute"
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
