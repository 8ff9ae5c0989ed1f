"""Several processes in one folder at once: one configuration, every row once, and nobody in another's way."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from maskcover import InvalidInput
from maskcover.canonical import write_atomically
from maskcover.masks import MaskSet
from maskcover.runs import Folder, run, summary
from tests.defense.naive import BoolArray
from tests.runs.lookups import MASKS, OPAQUE, OTHER_MASKS, Model, Shelf, listing, rows
from tests.runs.test_folder import COUNT, started
from tests.runs.test_replaying import Settling

pytestmark = pytest.mark.filterwarnings(OPAQUE)

PROCESSES = 4
ROOT = Path(__file__).parent.parent.parent


def at_once(commands: list[Any]) -> list[InvalidInput | None]:
    """Run them at once in threads; what each is refused for."""
    together = threading.Barrier(len(commands))

    def one(command: Any) -> InvalidInput | None:
        together.wait()
        try:
            command()
        except InvalidInput as error:
            return error
        return None

    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(one, commands))


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("attempt", range(4))
def test_processes_that_start_a_run_at_once_all_finish(share: bool, attempt: int, tmp_path: Path) -> None:
    started(tmp_path / "alone", shard_size=1)
    out = tmp_path / f"out {attempt}"
    shards = [(first, PROCESSES) if share else (0, 1) for first in range(PROCESSES)]
    refused = at_once([lambda own=own: started(out, shard_size=1, shard=own) for own in shards])
    assert refused == [None] * PROCESSES
    assert rows(out) == rows(tmp_path / "alone")
    assert listing(out).keys() == listing(tmp_path / "alone").keys()


def test_of_different_runs_that_start_at_once_one_holds_the_folder(tmp_path: Path) -> None:
    masks = [MASKS, OTHER_MASKS] * 2
    refused = at_once([lambda own=own: started(tmp_path, masks=own) for own in masks])
    config = Folder(tmp_path).existing()
    for own, error in zip(masks, refused, strict=True):
        assert (error is None) == (own.digest == config.document["masks"])
        assert error is None or "another configuration" in str(error)
    assert MaskSet.load(tmp_path / "masks.json").digest == config.document["masks"]
    assert summary(tmp_path).complete


def test_batch_sizes_that_differ_by_a_clock_are_settled_by_who_comes_first(tmp_path: Path) -> None:
    class Late(Settling):
        """Settles on another batch size, while another process starts the run."""

        def evaluator(self, masks: Any, example: Any, batch_size: int | None) -> Any:
            if batch_size is None:
                started(tmp_path, model=Settling(), shard=(0, 2))
                batch_size = 9
            return super().evaluator(masks, example, batch_size)

    Late.__qualname__ = Settling.__qualname__
    started(tmp_path, model=Late(), shard=(1, 2))
    assert Folder(tmp_path).existing().batch_size == 5
    assert summary(tmp_path).complete


def test_a_slower_process_is_not_stopped_by_one_that_tidies_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, original = threading.local(), Path.replace

    def replace(path: Path, target: Path) -> Path:
        if not hasattr(slow, "other"):
            slow.other = True
            started(tmp_path)  # the other process makes all, this shard too, and takes away what is half written
        return original(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    started(tmp_path, shard=(1, 3))
    assert summary(tmp_path).complete


def test_a_process_that_starts_late_is_not_stopped_by_one_that_tidies_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Path.hardlink_to
    calls: list[Path] = []

    def hardlink_to(path: Path, target: Path) -> None:
        calls.append(path)
        if len(calls) == 1:
            started(tmp_path)
        original(path, target)

    monkeypatch.setattr(Path, "hardlink_to", hardlink_to)
    started(tmp_path)
    assert summary(tmp_path).complete


SCRIPT = """
import sys
from pathlib import Path
from tests.runs.test_folder import started
started(Path(sys.argv[1]), shard_size=1, shard=(int(sys.argv[2]), 2))
"""


def test_two_processes_of_the_system_share_a_run(tmp_path: Path) -> None:
    started(tmp_path / "alone", shard_size=1)
    commands = [[sys.executable, "-c", SCRIPT, str(tmp_path / "out"), str(first)] for first in range(2)]
    ended = [process.wait() for process in [subprocess.Popen(command, cwd=ROOT) for command in commands]]
    assert ended == [0, 0]
    assert rows(tmp_path / "out") == rows(tmp_path / "alone")
    assert summary(tmp_path / "out").rows == COUNT


def test_a_reader_sees_whole_shards_only(tmp_path: Path) -> None:
    seen = set[int]()

    class Watched(Model):
        """A classifier that looks at the summary all the while."""

        def scores(self, images: Any, hidden: BoolArray) -> Any:
            if (tmp_path / "run.json").exists():
                seen.add(summary(tmp_path).rows)
            return super().scores(images, hidden)

    images = Shelf(60)
    run(Watched(), images, images.labels, MASKS, tmp_path, shard_size=10)
    assert seen == {0, 10, 20, 30, 40, 50}


def test_a_half_written_file_of_another_process_is_nobodys_shard(tmp_path: Path) -> None:
    started(tmp_path, shard=(0, 2))
    write_atomically(tmp_path / "shards" / ".00001.parquet.ab", b"PAR1")
    assert summary(tmp_path).rows == 7
