"""Runs in object stores: the operations, leases, and runs that equal those in a folder byte for byte."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import maskcover as mc
from maskcover.errors import InvalidInput
from maskcover.runs import certified, error_rows, replay, run, summary
from maskcover.runs import stores as module
from maskcover.runs.leases import Holder, Leases, leases_in
from maskcover.runs.stores import RemotePath, place, start_of, write
from tests.runs.lookups import MASKS, OPAQUE, Model, Shelf, listing
from tests.runs.object_stores import s3_server

pytestmark = pytest.mark.filterwarnings(OPAQUE)
FAR = Holder("far", "another machine", "1 1")
KINDS = ("s3", "memory")


@pytest.fixture(scope="module", name="bucket")
def open_bucket() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture(name="folder", params=KINDS)
def new_folder(request: pytest.FixtureRequest) -> RemotePath:
    """A new folder in a store."""
    pytest.importorskip("fsspec")
    root = request.getfixturevalue("bucket") if request.param == "s3" else "memory://bucket"
    folder = place(f"{root}/{secrets.token_hex(4)}")
    assert isinstance(folder, RemotePath)
    return folder


def test_a_lease_that_is_given_back_while_another_process_asks_is_free(
    folder: RemotePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs, read = Leases(folder), Leases(folder), RemotePath.read_bytes
    assert mine.take(0)

    def give_back_first(path: RemotePath) -> bytes:
        path.unlink()
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(RemotePath, "read_bytes", give_back_first)
        assert not theirs.take(0)
    assert theirs.take(0)


class Clock:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_places_are_told_by_their_text(tmp_path: Path) -> None:
    remote = RemotePath("s3", "bucket/run")
    for text in ("s3://bucket/run", "S3://bucket/run/", Path("s3://bucket/run"), remote, str(remote)):
        assert place(text) == remote
    assert place(tmp_path) == tmp_path
    assert place("C:/run") == Path("C:/run")
    assert (remote / "shards" / "00001.parquet").stem == "00001"
    assert (remote / "shards").parent == remote


@pytest.mark.parametrize("text", ["gs://bucket/run", "https://host/run", Path("file:///run"), "s3://", "s3:///"])
def test_other_urls_are_refused(text: str | Path) -> None:
    with pytest.raises(InvalidInput, match=r"s3://BUCKET/RUN; got"):
        place(text)


def test_files_are_created_once_replaced_listed_and_removed(folder: RemotePath) -> None:
    path = folder / "inner" / ".a.lease"
    assert not path.exists()
    assert list(folder.glob("inner/*")) == []
    assert (write(path, b"1", only_new=True), write(path, b"2", only_new=True)) == (True, False)
    assert path.read_bytes() == start_of(path, 9) == b"1"
    assert write(path, b"3")
    assert (path.read_bytes(), path.is_file(), path.parent.is_file()) == (b"3", True, False)
    assert [one.name for one in folder.iterdir()] == ["inner"]
    assert list(folder.glob("inner/.*.lease")) == [path]
    assert list(folder.glob("inner/[0-9]*.lease")) == []
    path.unlink()
    path.unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError):
        path.read_bytes()


def test_of_many_that_create_a_file_one_does(folder: RemotePath) -> None:
    for number in range(10):
        with ThreadPoolExecutor(8) as pool:
            created = list(pool.map((folder / f"{number}").create, [str(count).encode() for count in range(8)]))
        assert [str(count).encode() for count in range(8) if created[count]] == [(folder / f"{number}").read_bytes()]


def test_an_edit_of_a_file_that_somebody_else_changed_is_not_written(folder: RemotePath) -> None:
    path = folder / "lease"
    path.put(b"1")

    def beaten(content: bytes) -> bytes:
        path.put(content + b" theirs")
        return content + b" mine"

    assert path.edit(lambda content: content + b"0")
    assert not path.edit(lambda _: None)
    assert path.read_bytes() == b"10"
    if folder.scheme == "s3":  # in memory there is one process, and the lock keeps its threads apart
        assert not path.edit(beaten)
        assert path.read_bytes() == b"10 theirs"

        def removed(content: bytes) -> bytes:
            path.unlink()
            return content

        assert not path.edit(removed)
        assert not path.exists()


def test_an_answer_that_was_lost_makes_no_file_somebody_elses(
    folder: RemotePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = module._store(folder.scheme)
    assert (folder / "first").create(b"1")

    class Lossy:
        def pipe_file(self, *arguments: Any, **options: Any) -> None:
            store.pipe_file(*arguments, **options)
            store.pipe_file(*arguments, **options)  # sent again, since no answer came

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

    monkeypatch.setattr(module, "_store", lambda _: Lossy())
    assert (folder / "second").create(b"mine")
    assert not (folder / "first").create(b"mine")


def test_a_store_that_creates_a_file_twice_is_refused(folder: RemotePath, monkeypatch: pytest.MonkeyPatch) -> None:
    store = module._store(folder.scheme)

    class Careless:
        def pipe_file(self, name: str, content: bytes, mode: str = "overwrite") -> None:
            assert mode in ("create", "overwrite")
            store.pipe_file(name, content)

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

    monkeypatch.setattr(module, "_store", lambda _: Careless())
    for _ in range(2):
        with pytest.raises(InvalidInput, match=r"does not refuse to write a file that is there already"):
            write(folder / "run.json", b"{}", only_new=True)
    assert not folder.exists()


def test_a_bucket_that_is_missing_is_an_error(bucket: str) -> None:
    with pytest.raises(InvalidInput, match=r"cannot write s3://no-such-bucket/run.*bucket does not exist"):
        run(Model(), Shelf(3), Shelf(3).labels, MASKS, "s3://no-such-bucket/run")
    with pytest.raises(InvalidInput, match=r"holds no run"):
        summary(f"{bucket}/nothing")


def test_a_lease_has_one_holder_and_is_taken_over(folder: RemotePath) -> None:
    clock = Clock()
    lost, watcher = Leases(folder, holder=FAR), Leases(folder, patience=10, clock=clock)
    assert (lost.take(0), watcher.take(0), watcher.take(1)) == (True, False, True)
    for _ in range(4):
        clock.now += 2
        assert not watcher.take(0)
    lost.beat()
    for _ in range(5):
        clock.now += 2
        assert not watcher.take(0), "it was written again"
    clock.now += 2
    assert watcher.take(0)
    assert {number: state.holder for number, state in leases_in(folder).items()} == dict.fromkeys(
        (0, 1), watcher.holder
    )
    contents = {path: path.read_bytes() for path in folder.iterdir()}
    lost.beat()
    lost.give_back(0)
    assert {path: path.read_bytes() for path in folder.iterdir()} == contents
    watcher.give_back(0)
    watcher.give_back(1)
    assert not folder.exists()


def test_a_beat_leaves_alone_a_lease_that_became_somebody_elses_meanwhile(
    folder: RemotePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeper, other = Leases(folder), Leases(folder, holder=FAR)
    assert sleeper.take(0)
    sleeper.path(0).unlink(missing_ok=True)
    assert other.take(0)
    monkeypatch.setattr(Leases, "_is_held", lambda *_: True)  # it looked before it fell asleep
    sleeper.beat()
    assert leases_in(folder)[0].holder == FAR


@pytest.mark.parametrize("stale", [False, True])
def test_of_many_that_want_a_lease_at_once_one_gets_it(folder: RemotePath, *, stale: bool) -> None:
    for number in range(2 if folder.scheme == "s3" else 20):
        clock = Clock()
        everybody = [Leases(folder, patience=10, clock=clock) for _ in range(6)]
        if stale:
            assert Leases(folder, holder=FAR).take(number)
            for _ in range(5):
                assert not any(one.take(number) for one in everybody)
                clock.now += 2
        with ThreadPoolExecutor(6) as pool:
            taken = list(pool.map(lambda one: one.take(number), everybody))  # noqa: B023 (it ends in this round)
        held = leases_in(folder)[number].holder
        assert [one.holder for one, won in zip(everybody, taken, strict=True) if won] == [held]


PROGRAM = """
import sys
from maskcover.runs.leases import Leases
from maskcover.runs.stores import place
leases = Leases(place(sys.argv[1]))
sys.stdin.readline()
print(*[number for number in range(20) if leases.take(number)])
sys.stdout.flush()
sys.stdin.readline()
"""


def test_processes_share_leases_without_any_in_common(bucket: str) -> None:
    command = [sys.executable, "-c", PROGRAM, f"{bucket}/{secrets.token_hex(4)}"]
    held = list[int]()
    with ExitStack() as stack:
        pipes: Any = subprocess.PIPE
        processes = [stack.enter_context(subprocess.Popen(command, stdin=pipes, stdout=pipes)) for _ in range(2)]
        ends = [(process.stdin, process.stdout) for process in processes if process.stdin and process.stdout]
        for stdin, _ in ends:
            stdin.write(b"\n")
            stdin.flush()
        for _, stdout in ends:
            held += map(int, stdout.readline().split())
        for stdin, _ in ends:  # both are alive until here: else one takes over what the other had
            stdin.close()
    assert sorted(held) == list(range(20))


def told(out: Any) -> dict[str, bytes]:
    """The files of a run in a store by name."""
    shards = {f"shards/{path.name}": path.read_bytes() for path in place(out).glob("shards/*")}
    return {path.name: path.read_bytes() for path in place(out).glob("*.json")} | shards


def started(out: Any, **changes: Any) -> mc.runs.Summary:
    images = Shelf(12)
    command: dict[str, Any] = {"model": Model(), "images": images, "labels": images.labels, "masks": MASKS}
    return run(**(command | changes), out=out)


def test_a_run_in_a_store_equals_one_in_a_folder(
    folder: RemotePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = Clock()  # so that the seconds that shards keep are the same
    monkeypatch.setattr("time.perf_counter", still)
    monkeypatch.setattr("time.monotonic", still)
    there, here = (started(out, shard_size=5) for out in (str(folder), tmp_path))
    assert there == here
    assert told(folder) == listing(tmp_path)
    before = told(folder)
    assert started(str(folder), shard_size=5) == here
    assert told(folder) == before
    with pytest.raises(InvalidInput, match=r"weights: a before, b now"):
        started(str(folder), shard_size=5, model=Model(weights="b"))
    assert told(folder) == before


def test_a_run_that_is_stopped_goes_on(folder: RemotePath, tmp_path: Path) -> None:
    images = Shelf(12)
    for stop_at in (26, 14):
        with pytest.raises(KeyboardInterrupt):
            started(folder, shard_size=3, model=Model(stop_at=stop_at))
    assert not [name for name in told(folder) if name.endswith(".lease")]
    assert 0 < summary(folder).rows < len(images)
    started(folder, shard_size=3)
    started(tmp_path, shard_size=3)
    assert list(mc.open_run(folder)) == list(mc.open_run(tmp_path))


HANGING = """
import sys, time, warnings
from maskcover.runs import run
from tests.runs.lookups import MASKS, Model, Shelf

class Hanging(Model):
    def scores(self, images, hidden):
        scores = super().scores(images, hidden)
        if self.calls == 26:
            print("in work", flush=True)
            time.sleep(600)
        return scores

Hanging.__name__, Hanging.__qualname__, Hanging.__module__ = "Model", "Model", Model.__module__
images = Shelf(12)
run(Hanging(), images, images.labels, MASKS, sys.argv[1], shard_size=3)
"""


def test_a_run_in_a_store_that_is_killed_goes_on(bucket: str, tmp_path: Path) -> None:
    out = f"{bucket}/{secrets.token_hex(4)}"
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", HANGING, out], stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "in work\n"
            look = mc.status(out)
            assert [shard.process for shard in look.in_work] == [str(process.pid)]
        finally:
            process.kill()
    assert [name for name in told(out) if name.endswith(".lease")]
    if Holder.this().process:
        assert [shard.process for shard in mc.status(out).stale] == [str(process.pid)]
    else:
        pytest.skip("this system does not tell which processes there are: the lease is kept for its patience")
    started(out, shard_size=3)
    started(tmp_path, shard_size=3)
    assert list(mc.open_run(out)) == list(mc.open_run(tmp_path))
    assert told(out).keys() == listing(tmp_path).keys()
    assert mc.status(out).complete


def test_a_run_in_a_store_answers_as_one_in_a_folder(folder: RemotePath, tmp_path: Path) -> None:
    images = Shelf(12)
    for out in (folder, tmp_path):
        started(out, shard_size=5, keep_tables=True)
    there, here = mc.open_run(str(folder)), mc.open_run(tmp_path)
    assert list(there) == list(here)
    assert np.array_equal(there.certified(rule="all-pairs"), here.certified(rule="all-pairs"))
    assert str(folder) in str(there.path)
    assert list(error_rows(folder)) == []
    assert certified(folder).masks == MASKS
    assert replay(folder, Model(), images, images.labels)
    assert mc.compare(str(folder), tmp_path).counts == mc.compare(tmp_path, tmp_path).counts


def test_what_lies_in_a_store_already_is_left_alone(folder: RemotePath) -> None:
    (folder / "cats" / "a.png").put(b"mine")
    with pytest.raises(InvalidInput, match="is not empty and holds no run: there is cats"):
        started(folder)
    assert [path.name for path in folder.iterdir()] == ["cats"]
