"""Pixels that change under the same ids and labels are noticed: on resume, by who shares the run, by a replay."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from maskcover import InvalidInput, MaskcoverWarning
from maskcover.classifiers import Fingerprint
from maskcover.data import Dataset
from maskcover.data.dataset import Chosen
from maskcover.runs import Folder, replay, run, summary
from maskcover.runs.documents import sealed
from maskcover.runs.pixels import pixel_digest
from tests.runs.greys import LABELS, MASKS, Bright, greys
from tests.runs.lookups import listing, rows, shard_path

GOLDEN = Path(__file__).parent.parent / "golden"


def started(out: Path, images: Any = None, **options: Any) -> None:
    """A run of eight pictures in shards of three, or a part of it."""
    run(Bright(), greys() if images is None else images, LABELS, MASKS, out, **({"shard_size": 3} | options))


def changed(*numbers: int) -> list[npt.NDArray[np.uint8]]:
    """The pictures, some of which are another by one step in one pixel."""
    found = greys()
    for number in numbers:
        found[number][2, 3] += 1
    return found


KINDS = {
    "bytes": np.arange(12, dtype=np.uint8).reshape(3, 4),
    "floats": np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4),
    "halves": np.linspace(0, 1, 12, dtype=np.float16).reshape(3, 4),
    "truth": np.eye(3, 4, dtype=np.bool_),
}


@pytest.mark.parametrize("image", KINDS.values(), ids=KINDS)
def test_a_digest_is_of_values_whatever_the_memory_looks_like(image: npt.NDArray[Any]) -> None:
    told = pixel_digest(image)
    assert told.startswith("blake2b:")
    assert len(told) == 8 + 64
    alike = (
        image.copy(order="F"), np.pad(image, 1)[1:-1, 1:-1], image.astype(image.dtype.newbyteorder(">")),
        torch.from_numpy(image.copy()),
    )  # fmt: skip
    assert {pixel_digest(one) for one in alike} == {told}
    other = image.copy()
    other[1, 1] = other[1, 1] == 0
    unlike = (other, image[None], image.reshape(4, 3), image.T, image.astype(np.float64), image[:2], image[:0])
    assert len({pixel_digest(one) for one in (image, *unlike)}) == 1 + len(unlike)


def test_tensors_of_every_kind_have_digests() -> None:
    values = torch.linspace(-1, 1, 6)
    kinds = [values, values.bfloat16(), values.half(), values.double(), values.requires_grad_().clone()]
    told = [pixel_digest(one) for one in kinds]
    assert all(told)
    assert told[0] == told[4] == pixel_digest(values.detach().numpy())
    assert len(set(told)) == 4


@pytest.mark.parametrize(
    "opaque",
    ["cat.png", {"pixels": [1]}, None, [[1, 2]], np.array(["a"]), np.array([None]), np.ma.array([1.0], mask=[True])],
    ids=repr,
)
def test_what_is_no_array_is_opaque(opaque: object) -> None:
    assert pixel_digest(opaque) == ""
    assert pixel_digest(torch.empty(2, device="meta")) == ""


def test_each_row_keeps_the_digest_of_its_image(tmp_path: Path) -> None:
    started(tmp_path)
    assert [row.pixels for row in rows(tmp_path)] == [pixel_digest(image) for image in greys()]


def test_other_pictures_with_the_same_labels_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    """Another NPZ, CIFAR or IDX file: ids and labels are the same, all pixels are others."""
    started(tmp_path, shard=(0, 2))
    before = listing(tmp_path)
    for others in (greys(shift=1), [torch.from_numpy(one) for one in greys(shift=1)]):
        with pytest.raises(InvalidInput, match=r"holds a run of other images: the pixels of 0 changed.* old images"):
            started(tmp_path, others)
    assert listing(tmp_path) == before
    started(tmp_path, [torch.from_numpy(one) for one in greys()])
    assert summary(tmp_path).complete


def test_a_process_that_shares_a_run_needs_the_same_pictures_also_if_no_shard_is_there(tmp_path: Path) -> None:
    started(tmp_path, shard=(3, 4))  # there is no such shard: the folder has its configuration and nothing else
    assert not list((tmp_path / "shards").iterdir())
    with pytest.raises(InvalidInput, match="holds a run of other images"):
        started(tmp_path, greys(shift=1))


@pytest.mark.parametrize("number", [2, 3, 5, 6, 7])
def test_pictures_that_change_half_way_are_named_by_the_first_and_the_last_of_each_shard(
    number: int, tmp_path: Path
) -> None:
    started(tmp_path)
    shard_path(tmp_path, 0).unlink() if number > 2 else shard_path(tmp_path, 1).unlink()
    before = listing(tmp_path)
    with pytest.raises(InvalidInput, match=rf"the pixels of {number} changed"):
        started(tmp_path, changed(number))
    assert listing(tmp_path) == before


def test_of_many_changed_pictures_some_are_named(tmp_path: Path) -> None:
    images, labels = greys(range(0, 64, 4)), [0] * 16
    run(Bright(), images, labels, MASKS, tmp_path, shard_size=1)
    for image in images[1:]:
        image += 1
    with pytest.raises(InvalidInput, match="the pixels of 1, 2, 3, 4, 5 and 10 more changed"):
        run(Bright(), images, labels, MASKS, tmp_path, shard_size=1)


class Unreadable(list[npt.NDArray[np.uint8]]):
    """Pictures that cannot be read any more, but for the second."""

    def __getitem__(self, number: Any, /) -> Any:
        if number != 1:
            raise OSError("the server is away")
        return super().__getitem__(number)


def test_pictures_that_cannot_be_read_now_are_told_and_the_run_goes_on(tmp_path: Path) -> None:
    started(tmp_path)
    with pytest.warns(MaskcoverWarning, match=r"6 rows were not compared .* cannot be read now"):
        started(tmp_path, Unreadable(greys()))


def test_rows_of_errors_have_no_pixels_and_stop_nothing(tmp_path: Path) -> None:
    started(tmp_path, Unreadable(greys()))
    assert [bool(row.pixels) for row in rows(tmp_path)] == [False, True, *[False] * 6]
    started(tmp_path)
    assert summary(tmp_path).errors == 7


def test_a_replay_compares_the_pixels_of_each_row(tmp_path: Path) -> None:
    started(tmp_path)
    same = replay(tmp_path, Bright(), greys(), LABELS)
    assert (same.changed, same.uncompared) == ((), 0)
    assert "pixels" not in str(same)
    other = replay(tmp_path, Bright(), changed(1, 4), LABELS)
    assert (other.changed, other.uncompared, other.flips) == (("1", "4"), 0, ())
    assert "not as it was certified: pixels of 2 images: 1, 4" in str(other)


def test_images_that_are_no_arrays_are_not_compared_and_that_is_said(tmp_path: Path) -> None:
    opaque = [image.tolist() for image in greys()]
    started(tmp_path, opaque, shard=(0, 2))
    with pytest.warns(MaskcoverWarning, match=r"5 rows were not compared .* images that are no arrays"):
        started(tmp_path, opaque)
    assert "pixels of 8 rows were not compared" in str(replay(tmp_path, Bright(), opaque, LABELS))


def test_a_digest_cannot_be_taken_out_of_a_shard_unnoticed(tmp_path: Path) -> None:
    from pyarrow import array, parquet

    started(tmp_path)
    table = parquet.ParquetFile(shard_path(tmp_path, 1)).read()
    without = table.set_column(table.schema.get_field_index("pixels"), "pixels", array([""] * 3))
    for spoilt in (without, table.drop_columns(["pixels"])):
        parquet.write_table(spoilt.replace_schema_metadata(table.schema.metadata), shard_path(tmp_path, 1))
        with pytest.raises(InvalidInput, match=r"00001\.parquet is (damaged|no shard of a run)"):
            summary(tmp_path)


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of the first version, of shards 0 and 2, here and now with the same libraries."""
    shutil.copytree(GOLDEN / "run", tmp_path / "old")
    known = Folder(tmp_path / "old").existing().fingerprint
    monkeypatch.setattr("maskcover.engine.preparation.fingerprint", lambda *_: Fingerprint(known.entries))
    return tmp_path / "old"


def test_a_run_of_the_first_version_is_read_for_ever() -> None:
    found = summary(GOLDEN / "run")
    assert (found.rows, found.total, found.certified) == (5, 8, 5)
    assert [(row.id, row.label, row.verdict, row.pixels) for row in rows(GOLDEN / "run")] == [
        (str(number), LABELS[number], "certified", "") for number in (0, 1, 2, 6, 7)
    ]


def test_a_run_of_the_first_version_goes_on_and_says_what_cannot_be_compared(old: Path) -> None:
    with (
        pytest.warns(MaskcoverWarning, match=r"5 rows were not compared .* earlier version"),
        pytest.warns(MaskcoverWarning, match="kept no reference scores"),
    ):
        started(old)
    assert summary(old).complete
    assert [bool(row.pixels) for row in rows(old)] == [False] * 3 + [True] * 3 + [False] * 2
    with (
        pytest.raises(InvalidInput, match="the pixels of 3, 5 changed"),
        pytest.warns(MaskcoverWarning, match="kept no reference scores"),
    ):
        started(old, greys(shift=1))
    replayed = replay(old, Bright(), greys(), LABELS)
    assert (replayed.uncompared, len(replayed.notes)) == (5, 1)


@dataclass
class Pixels:
    """Pictures as they are, of a data set that says how they were chosen."""

    data: Dataset

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, number: int, /) -> Any:
        return self.data[number]

    @property
    def chosen(self) -> Chosen | None:
        return self.data.chosen


def leaves(document: dict[str, Any], *path: str) -> Iterator[tuple[str, ...]]:
    for name, value in document.items():
        yield from leaves(value, *path, name) if isinstance(value, dict) else [(*path, name)]


@pytest.mark.parametrize("shard", [(3, 4), (0, 2)], ids=["no shard", "some shards"])
def test_an_edit_of_any_entry_of_a_run_is_noticed_by_every_reader(shard: tuple[int, int], tmp_path: Path) -> None:
    data = Dataset("greys", tuple("abcdefgh"), np.array(LABELS), greys().__getitem__).limited(6)
    run(Bright(), Pixels(data), LABELS[:6], MASKS, tmp_path, shard=shard, shard_size=3, method="detect", threshold=0.5)
    path = tmp_path / "run.json"
    text, document = path.read_text(), json.loads(path.read_text())
    entries = [entry for entry in leaves(document) if entry[0] != "source"]
    assert {"sample", "example", "samples", "fingerprint", "regions", "digest"} <= {entry[0] for entry in entries}
    for *parents, name in entries:
        spoilt = json.loads(text)
        place = functools.reduce(lambda inner, parent: inner[parent], parents, spoilt)
        value = place[name]
        place[name] = not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else f"{value}0"
        path.write_text(json.dumps(spoilt))
        for read in (
            lambda: summary(tmp_path),
            lambda: replay(tmp_path, Bright(), greys(), LABELS),
            lambda: run(
                Bright(), greys()[:6], LABELS[:6], MASKS, tmp_path, shard_size=3, method="detect", threshold=0.5
            ),
        ):
            with pytest.raises(InvalidInput, match=r"run\.json"):
                read()


def test_a_run_that_is_edited_and_sealed_again_is_found_out_by_its_shards(tmp_path: Path) -> None:
    data = Dataset("greys", tuple("abcdefgh"), np.array(LABELS), greys().__getitem__).limited(6)
    run(Bright(), Pixels(data), LABELS[:6], MASKS, tmp_path, shard_size=3)
    document = json.loads((tmp_path / "run.json").read_text())
    for name, value in (("regions", "squares(size=1)"), ("sample", None), ("example", None)):
        changed = {key: one for key, one in document.items() if key != name} | ({name: value} if value else {})
        (tmp_path / "run.json").write_text(json.dumps(sealed(changed, frozenset({"source"}))))
        with pytest.raises(InvalidInput, match=r"00000\.parquet was made (by another configuration|under another run)"):
            summary(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(document | {"source": {"data": "moved.npz"}}))
    assert summary(tmp_path).complete


def test_the_seal_of_a_run_cannot_be_dropped_by_calling_it_old(tmp_path: Path) -> None:
    started(tmp_path)
    document = json.loads((tmp_path / "run.json").read_text())
    del document["digest"]
    (tmp_path / "run.json").write_text(json.dumps(document | {"schema": 1}))
    with pytest.raises(InvalidInput, match="another configuration"):
        summary(tmp_path)
