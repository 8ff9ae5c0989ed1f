"""Looks at runs that are being made, with leases made by hand and clocks that are moved by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet
import pytest

import maskcover as mc
from maskcover.cli import app
from maskcover.cli.output import guarded
from maskcover.cli.watching import watched
from maskcover.errors import InvalidInput
from maskcover.runs import Folder, RunStatus, Shard, run, run_source
from maskcover.runs.leases import PATIENCE, Holder, Leases
from tests.runs.lookups import MASKS, OPAQUE, Model, Shelf, shard_path
from tests.runs.test_source_frame import classifier, dataset, photo

pytestmark = pytest.mark.filterwarnings(OPAQUE)
FAR = Holder("far", "node7 boot 1", "4711 99")


class Clock:
    """A clock that is moved by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(name="out")
def half_a_run(tmp_path: Path) -> Path:
    """A run of 12 images in shards of 5, of which the shards 0 and 2 are there and took 2 seconds an image."""
    images = Shelf(12)
    run(Model(), images, images.labels, MASKS, tmp_path, shard_size=5, shard=(0, 2))
    retimed(tmp_path, 2.0)
    return tmp_path


def retimed(out: Path, seconds_per_image: float) -> None:
    """Write the shards that are there again, with other seconds."""
    folder = Folder(out)
    config = folder.existing()
    for number in folder.numbers(config):
        shard = folder.shard(number, config)
        assert shard is not None
        folder.write(number, config, Shard(shard.rows, seconds_per_image * len(shard.rows)))


def test_a_look_at_a_run_of_which_nobody_makes_the_rest(out: Path) -> None:
    look = mc.status(out)
    assert (look.done, look.shards, look.images_done, look.images) == (2, 3, 7, 12)
    assert (look.complete, look.in_work, look.stale) == (False, (), ())
    assert (look.seconds_per_image, look.images_a_second, look.seconds_left) == (2.0, None, None)
    assert look.line == (
        "2 of 3 shards done (7 of 12 images); 0 in work; nobody holds a lease; one process makes 30.0 images a minute"
    )


def test_speed_and_time_left_come_from_shards_and_holders(out: Path) -> None:
    shard_path(out, 0).unlink()
    for number, name in enumerate("ab"):
        assert Leases(out / "shards", holder=replace(FAR, name=name)).take(number)
    look = mc.status(str(out))
    assert (look.images_done, look.images_a_second, look.seconds_left) == (2, 1.0, 10.0)
    assert [(shard.key, shard.host, shard.process) for shard in look.in_work] == [
        (0, "node7", "4711"),
        (1, "node7", "4711"),
    ]
    assert look.lines == [
        f"{out}: 1 of 3 shards done (2 of 12 images); 2 in work; 1.0 images a second, about 10 s left",
        "  shard 00000: process 4711 on node7",
        "  shard 00001: process 4711 on node7",
    ]
    assert Leases(out / "shards", holder=FAR).take(2)
    assert len(mc.status(out).in_work) == 2, "the shard is there: nobody works on it"


def test_nothing_is_told_before_a_shard_is_there(out: Path) -> None:
    for number in (0, 2):
        shard_path(out, number).unlink()
    assert Leases(out / "shards", holder=FAR).take(0)
    look = mc.status(out)
    assert (look.done, look.seconds_per_image, look.images_a_second, look.seconds_left) == (0, None, None, None)
    assert "cannot be told before a shard is done" in look.line


def test_a_lease_is_stale_after_the_patience_by_the_watchers_clock(out: Path) -> None:
    holder, clock = Leases(out / "shards", holder=FAR), Clock()
    assert holder.take(1)
    look = mc.status(out, clock=clock)
    clock.now += PATIENCE - 1
    look = mc.status(out, since=look, clock=clock)
    assert [shard.unchanged for shard in look.in_work] == [PATIENCE - 1]
    holder.beat()
    clock.now += 2
    look = mc.status(out, since=look, clock=clock)
    assert [shard.unchanged for shard in look.in_work] == [0.0]
    for _ in range(2):
        assert look.stale == ()
        clock.now += PATIENCE / 2
        look = mc.status(out, since=look, clock=clock)
    assert (look.in_work, [shard.key for shard in look.stale]) == ((), [1])
    assert look.images_a_second is None
    assert "0 in work, 1 stale" in look.line
    assert look.lines[-1] == "  shard 00001: process 4711 on node7, stale: the next process that wants it takes it over"


def test_a_holder_of_this_machine_that_is_gone_is_stale_at_once(out: Path) -> None:
    here = Holder.this()
    if not here.process:
        pytest.skip("this system does not tell which processes there are")
    assert Leases(out / "shards", holder=replace(here, process="999999999 1")).take(1)
    assert [shard.key for shard in mc.status(out).stale] == [1]


def test_a_complete_run_has_no_time_left(out: Path) -> None:
    images = Shelf(12)
    run(Model(), images, images.labels, MASKS, out, shard_size=5)
    look = mc.status(out)
    assert (look.complete, look.seconds_left) == (True, 0.0)
    assert look.line == "complete: 3 of 3 shards done (12 of 12 images)"


def test_a_damaged_shard_costs_no_look(out: Path) -> None:
    shard_path(out, 2).write_bytes(b"half")
    assert mc.status(out).seconds_per_image == 2.0
    shard_path(out, 0).write_bytes(b"")
    assert mc.status(out).seconds_per_image is None
    table = pyarrow.table({"id": ["a"]})
    pyarrow.parquet.write_table(table, shard_path(out, 0))
    assert mc.status(out).seconds_per_image is None


def test_where_there_is_no_run_there_is_no_status(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no run"):
        mc.status(tmp_path)


def test_sizes_of_source_runs_are_told_one_by_one(tmp_path: Path) -> None:
    pictures = dataset(photo((16, 16)), photo((16, 20)), photo((16, 20)))
    run_source(classifier(), pictures, "squares(size=2)", tmp_path, shard_size=1, shard=(0, 2))
    look = mc.status(tmp_path)
    assert [(size.size, size.done, size.shards) for size in look.sizes] == [("16x16", 1, 1), ("16x20", 1, 2)]
    assert not look.complete
    missing = next(number for number in range(2) if not (tmp_path / f"16x20/shards/{number:05}.parquet").exists())
    assert Leases(tmp_path, holder=FAR).take(("16x20", missing))
    look = mc.status(tmp_path)
    assert [shard.key for shard in look.in_work] == [("16x20", missing)]
    assert look.lines[-1] == f"  shard 16x20/{missing:05}: process 4711 on node7"
    assert look.document()["in_work"][0]["size"] == "16x20"


def test_watching_ends_when_the_run_is_complete(out: Path) -> None:
    images, since, pauses = Shelf(12), list[RunStatus | None](), list[int]()

    def look_at(before: RunStatus | None) -> RunStatus:
        since.append(before)
        return mc.status(out, since=before)

    def pause() -> None:
        pauses.append(1)
        if len(pauses) == 2:
            run(Model(), images, images.labels, MASKS, out, shard_size=5)

    looks = list(watched(look_at, pause))
    assert [look.complete for look in looks] == [False, False, True]
    assert since == [None, *looks[:-1]]


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What `maskcover status` prints on stdout, which is no terminal."""
    with pytest.raises(SystemExit) as exit_:
        guarded(app, ["status", *arguments])
    assert not exit_.value.code
    return capsys.readouterr().out


def test_the_command_tells_and_watches(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert Leases(out / "shards", holder=FAR).take(1)
    assert command(capsys, str(out)).splitlines()[1] == "  shard 00001: process 4711 on node7"
    document = json.loads(command(capsys, str(out), "--json"))
    assert (document["shards_done"], document["in_work"][0]["host"]) == (2, "node7")
    images = Shelf(12)
    Leases(out / "shards").path(1).unlink()
    run(Model(), images, images.labels, MASKS, out, shard_size=5)
    capsys.readouterr()
    assert command(capsys, str(out), "--watch") == "complete: 3 of 3 shards done (12 of 12 images)\n"
    assert json.loads(command(capsys, str(out), "--watch", "--json"))["complete"] is True


def test_on_a_terminal_the_same_lines_are_drawn_again(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    images = Shelf(12)
    run(Model(), images, images.labels, MASKS, out, shard_size=5)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert "3 of 3 shards done" in command(capsys, str(out), "--watch").replace("\n", "")
