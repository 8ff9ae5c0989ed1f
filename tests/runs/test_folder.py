"""The folder of a run: another configuration, damaged files and full disks are refused, and nothing changes by that."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from maskcover import InvalidInput
from maskcover.masks import MaskSet
from maskcover.runs import Folder, Shard, replay, run, summary
from tests.runs.lookups import CLASSES, MASKS, OPAQUE, OTHER_MASKS, Model, Shelf, listing, rows, shard_path

pytestmark = pytest.mark.filterwarnings(OPAQUE)

COUNT, SIZE = 12, 5
GOLDEN = Path(__file__).parent.parent / "golden"


def started(out: Path, **changes: Any) -> None:
    """A run of 12 images in shards of 5, or one that differs from it."""
    images = Shelf(COUNT)
    command: dict[str, Any] = {"model": Model(), "images": images, "labels": images.labels, "masks": MASKS}
    run(**(command | {"out": out, "shard_size": SIZE} | changes))


LABELS = Shelf(COUNT).labels
CHANGED: Mapping[str, tuple[dict[str, Any], str]] = {
    "regions": ({"regions": "rectangles(area=1)"}, r"regions: squares\(size=1\) before, rectangles\(area=1\) now"),
    "masks": ({"masks": OTHER_MASKS}, f"masks: {MASKS.digest} before, {OTHER_MASKS.digest} now"),
    "rule": ({"rule": "all-pairs"}, "rule: rows before, all-pairs now"),
    "exhaustive": ({"exhaustive": True}, "exhaustive: False before, True now"),
    "method": ({"method": "challenger"}, "method: double before, challenger now"),
    "threshold": ({"method": "detect", "threshold": 0.5}, "threshold: None before, 0.5 now"),
    "margin": ({"min_margin": 0.25}, "margin: 0.0 before, 0.25 now"),
    "labels": ({"labels": [(LABELS[0] + 1) % CLASSES, *LABELS[1:]]}, "samples.labels: "),
    "the order of labels": ({"labels": LABELS[::-1]}, "samples.labels: "),
    "ids": ({"ids": [*map(str, range(1, COUNT + 1))]}, "samples.ids: "),
    "the order of ids": ({"ids": [*map(str, range(COUNT))][::-1]}, "samples.ids: "),
    "number of samples": ({"images": Shelf(11), "labels": LABELS[:11]}, "samples.count: 12 before, 11 now"),
    "shard size": ({"shard_size": 6}, "shard_size: 5 before, 6 now"),
    "weights": ({"model": Model(weights="b")}, r"fingerprint\.weights: a before, b now"),
    "batch size": ({"model": Model(batch_size=8)}, r"batch_size: 4 before, 8 now"),
    "classifier": ({"model": type("Other", (Model,), {})()}, r"fingerprint\.classifier: .*Model before, .*Other now"),
}


@pytest.mark.parametrize(("changes", "message"), CHANGED.values(), ids=CHANGED)
@pytest.mark.parametrize("complete", [True, False])
def test_another_configuration_is_refused_by_name_and_changes_nothing(
    changes: dict[str, Any], message: str, complete: bool, tmp_path: Path
) -> None:
    started(tmp_path)
    if not complete:
        shard_path(tmp_path, 1).unlink()
    before = listing(tmp_path)
    with pytest.raises(InvalidInput, match=message) as refused:
        started(tmp_path, **changes)
    assert "another configuration" in str(refused.value)
    assert listing(tmp_path) == before


def test_what_does_not_matter_may_change(tmp_path: Path) -> None:
    started(tmp_path, shard=(0, 2), source={"weights": "here.pt"}, model=Model(failing={1: OSError()}))
    started(tmp_path, shard=(2, 3), source={"weights": "there.pt"}, threshold=None, min_margin=0)
    started(
        tmp_path,
        shard=(1, 2),
        masks=MaskSet(MASKS.grid, MASKS.masks, MASKS.regions),
        regions="patches(squares(size=1), k=1)",
    )
    assert summary(tmp_path).complete


@pytest.mark.parametrize("thresholds", [(1, 1.0), (0.25, np.float32(0.25)), (np.float64(0.25), 0.25)])
def test_a_threshold_is_a_number_however_it_is_written(thresholds: tuple[Any, Any], tmp_path: Path) -> None:
    for threshold in thresholds:
        started(tmp_path, method="detect", threshold=threshold)
    assert summary(tmp_path).complete


def second(out: Path) -> Path:
    """The shard that is spoilt."""
    return shard_path(out, 1)


def from_another_run(out: Path) -> None:
    started(out.parent / "other", model=Model(weights="b"))
    shutil.copy(second(out.parent / "other"), second(out))


def swapped(out: Path) -> None:
    one, other = second(out), shard_path(out, 0)
    first = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(first)


def one_row_less(out: Path) -> None:
    config = Folder(out).existing()
    shard = Folder(out).shard(1, config)
    assert shard is not None
    Folder(out).write(1, config, Shard(shard.rows[:-1], shard.seconds))


def edited(out: Path) -> None:
    """All verdicts improved, everything else as it was."""
    table = pyarrow.parquet.ParquetFile(second(out)).read()
    better = pyarrow.array(["certified"] * len(table))
    changed = table.set_column(table.schema.get_field_index("verdict"), "verdict", better)
    pyarrow.parquet.write_table(changed.replace_schema_metadata(table.schema.metadata), second(out))


DAMAGES: Mapping[str, Callable[[Path], object]] = {
    "empty": lambda out: second(out).write_bytes(b""),
    "cut off": lambda out: second(out).write_bytes(second(out).read_bytes()[:-300]),
    "no parquet": lambda out: second(out).write_bytes(b"PAR1" + bytes(100) + b"PAR1"),
    "a copy of the first": lambda out: shutil.copy(shard_path(out, 0), second(out)),
    "from another run": from_another_run,
    "swapped": swapped,
    "one row less": one_row_less,
    "edited": edited,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_shard_that_is_damaged_or_of_another_place_is_refused_by_name(
    damage: Callable[[Path], object], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    started(out)
    expected = rows(out)
    damage(out)
    asks: list[Any] = [
        lambda: started(out),
        lambda: summary(out),
        lambda: replay(out, Model(), Shelf(COUNT), LABELS),
    ]
    for ask in asks:
        with pytest.raises(InvalidInput, match=r"(?s)0000[01]\.parquet .*delete it, and it is made again"):
            ask()
    for number in (0, 1):
        shard_path(out, number).unlink()
    started(out)
    assert rows(out) == expected


def test_a_shard_that_cannot_be_read_is_an_error_that_does_not_advise_to_delete_it(tmp_path: Path) -> None:
    started(tmp_path)
    second(tmp_path).unlink()
    second(tmp_path).mkdir()
    for ask in (lambda: started(tmp_path), lambda: summary(tmp_path)):
        with pytest.raises(InvalidInput, match=r"cannot read .*00001\.parquet: Is a directory$"):
            ask()


def test_no_flipped_byte_of_a_shard_changes_a_row_unnoticed(tmp_path: Path) -> None:
    started(tmp_path)
    expected, path = rows(tmp_path), shard_path(tmp_path, 1)
    content = path.read_bytes()
    refused = 0
    for place in np.random.default_rng(0).choice(len(content), 150, replace=False).tolist():
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x04]) + content[place + 1 :])
        try:
            found = rows(tmp_path)
        except InvalidInput:
            refused += 1
        else:
            assert found == expected
    assert refused > 20


NO_CONFIGURATION = {
    "empty": b"",
    "a list": b"[]",
    "nothing in it": b"{}",
    "no text": b"\xff\xfe",
    "of a later version": b'{"schema": 2}',
}


@pytest.mark.parametrize("content", NO_CONFIGURATION.values(), ids=NO_CONFIGURATION)
def test_a_file_that_is_no_configuration_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(content)
    for ask in (lambda: started(tmp_path), lambda: summary(tmp_path)):
        with pytest.raises(InvalidInput, match=r"run\.json is no configuration of a run"):
            ask()
    assert listing(tmp_path) == {"run.json": content}


@pytest.mark.parametrize("name", ["count", "batch_size", "shard_size", "margin", "masks", "numerics", "fingerprint"])
def test_a_configuration_must_be_whole(name: str, tmp_path: Path) -> None:
    started(tmp_path)
    path = tmp_path / "run.json"
    document = json.loads(path.read_text())
    spoilt_by: tuple[Any, ...] = (None, -1, [])
    for odd in spoilt_by:
        spoilt = json.loads(path.read_text())
        (spoilt["samples"] if name == "count" else spoilt)[name] = odd
        if name in ("masks", "numerics"):
            del spoilt[name]
        (tmp_path / "odd").mkdir(exist_ok=True)
        (tmp_path / "odd" / "run.json").write_text(json.dumps(spoilt))
        with pytest.raises(InvalidInput, match=r"run\.json is no configuration"):
            summary(tmp_path / "odd")
    assert document == json.loads(path.read_text())


def test_a_folder_without_a_run_has_no_summary(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no run"):
        summary(tmp_path)
    with pytest.raises(InvalidInput, match="holds no run"):
        replay(tmp_path / "nowhere", Model(), Shelf(3), [0, 0, 0])


def test_masks_that_are_missing_are_put_down_again_and_others_are_refused(tmp_path: Path) -> None:
    started(tmp_path)
    (tmp_path / "masks.json").unlink()
    started(tmp_path)
    assert MaskSet.load(tmp_path / "masks.json") == MASKS
    OTHER_MASKS.save(tmp_path / "masks.json")
    with pytest.raises(InvalidInput, match=r"masks\.json does not hold the masks of the run"):
        replay(tmp_path, Model(), Shelf(COUNT), LABELS)


@pytest.mark.parametrize("step", ["pathlib.Path.replace", "pathlib.Path.hardlink_to"])
@pytest.mark.parametrize("after", range(3))
def test_a_full_disk_is_one_error_that_leaves_no_half_file_and_the_run_goes_on_later(
    step: str, after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(tmp_path / "clean")
    calls: list[Path] = []
    original = Path.replace if step.endswith("replace") else Path.hardlink_to

    def full(path: Path, *others: Any) -> Any:
        calls.append(path)
        if len(calls) > after:
            raise OSError(28, "No space left on device")
        return original(path, *others)

    with monkeypatch.context() as patched:
        patched.setattr(step, full)
        if step.endswith("replace") or not after:
            with pytest.raises(InvalidInput, match=r"cannot write .*: No space left on device"):
                started(tmp_path / "out")
    assert not [name for name in listing(tmp_path) if re.search(r"/\.", name)]
    started(tmp_path / "out")
    assert rows(tmp_path / "out") == rows(tmp_path / "clean")


def test_a_place_where_no_folder_can_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "deeper", tmp_path / "nul\0"):
        with pytest.raises(InvalidInput):
            started(out)
    assert listing(tmp_path) == {"file": b"mine"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InvalidInput, match="cannot write"):
        started(tmp_path / "out")


def test_half_written_files_of_killed_processes_go_when_nothing_is_missing(tmp_path: Path) -> None:
    started(tmp_path, shard=(0, 2))
    leftovers = [tmp_path / ".run.json.0a", tmp_path / ".masks.json.0a", tmp_path / "shards" / ".00002.parquet.0a"]
    mine = [tmp_path / "notes.txt", tmp_path / ".hidden", tmp_path / "shards" / "copy.parquet"]
    for path in (*leftovers, *mine):
        path.touch()
    started(tmp_path, shard=(0, 2))
    assert all(path.exists() for path in leftovers)
    started(tmp_path)
    assert not any(path.exists() for path in leftovers)
    assert all(path.exists() for path in mine)


OTHERS = ("cats/a.png", "a.png", "shards/00000.tar", "shards/notes/x", "train/run.json", "run.json.bak")


@pytest.mark.parametrize("name", OTHERS)
def test_a_folder_that_holds_something_else_is_refused_and_left_alone(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("mine")
    with pytest.raises(InvalidInput, match=r"is not empty and holds no run: there is .*Name a new folder"):
        started(tmp_path)
    assert listing(tmp_path) == {name: b"mine"}


@pytest.mark.parametrize(
    "name", [".DS_Store", ".run.json.0a1b", ".masks.json.0a", "masks.json", "shards/.00000.parquet.0a"]
)
def test_what_a_run_that_was_killed_early_has_left_is_no_hindrance(name: str, tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    MASKS.save(tmp_path / name) if name == "masks.json" else (tmp_path / name).write_bytes(b"half")
    started(tmp_path)
    assert summary(tmp_path).complete


HUGE: Mapping[str, Callable[[dict[str, Any]], object]] = {
    "samples": lambda document: document["samples"].update(count=10**12),
    "more samples": lambda document: document["samples"].update(count=10**4000),
    "a batch": lambda document: document.update(batch_size=10**9),
    "a shard": lambda document: document.update(shard_size=10**9),
    "a fraction": lambda document: document.update(shard_size=2.5),
    "no number": lambda document: document.update(batch_size=float("inf")),
    "truth": lambda document: document.update(batch_size=True),
}


@pytest.mark.parametrize("edit", HUGE.values(), ids=HUGE)
def test_a_configuration_of_huge_numbers_is_an_error_and_no_hang(
    edit: Callable[[dict[str, Any]], object], tmp_path: Path
) -> None:
    """Of the first version, which has no seal: whoever makes such a file can seal it as well."""
    document = json.loads((GOLDEN / "run" / "run.json").read_text())
    edit(document)
    (tmp_path / "run.json").write_text(json.dumps(document))
    (tmp_path / "shards").mkdir()
    if document["samples"]["count"] == 10**12:
        assert summary(tmp_path).rows == 0
    else:
        with pytest.raises(InvalidInput, match=r"run\.json is no configuration"):
            summary(tmp_path)


def test_documents_that_are_no_files_too_long_or_too_deep_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    for content in (b"[" * 100_000, b" " * (2**24 + 1), b'{"schema": 1' + b"0" * 5000 + b"}"):
        path.write_bytes(content)
        with pytest.raises(InvalidInput, match=r"run\.json is no configuration"):
            summary(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InvalidInput, match="not a regular file"):
        summary(tmp_path)


def test_a_shard_of_more_rows_than_it_can_have_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started(tmp_path)
    many = pyarrow.table({"id": pyarrow.array(["x"]).take(pyarrow.array([0] * 1_000_000))})
    pyarrow.parquet.write_table(many, second(tmp_path))
    assert second(tmp_path).stat().st_size < 10_000
    monkeypatch.setattr("maskcover.runs.folder.rows_of", lambda _: pytest.fail("it was unpacked"))
    with pytest.raises(InvalidInput, match=r"1,000,000 rows .* expected 5 rows"):
        Folder(tmp_path).shard(1, Folder(tmp_path).existing())


def test_a_refusal_says_what_changed_before_it_says_how(tmp_path: Path) -> None:
    started(tmp_path)
    with pytest.raises(InvalidInput, match=r"another configuration: the model's weights changed\. Name another") as one:
        started(tmp_path, model=Model(weights="b"))
    now = Folder(tmp_path).existing().fingerprint
    assert "(fingerprint.weights: a before, b now; " in str(one.value)
    assert f"the whole fingerprint: {now.digest} before, sha256:" in str(one.value)
    with pytest.raises(InvalidInput, match=r": the labels, the masks, the option rule changed\. Name another folder"):
        started(tmp_path, masks=OTHER_MASKS, labels=LABELS[::-1], rule="all-pairs")
