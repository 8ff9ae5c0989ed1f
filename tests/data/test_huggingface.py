"""What `save_to_disk` writes: the same layout by pyarrow, and the real thing."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from maskcover.data import open_dataset
from maskcover.errors import InvalidInput, MissingExtra
from tests.data.files import noise, png, save

IMAGE, LABEL = {"_type": "Image"}, {"_type": "ClassLabel", "names": ["cat", "dog"]}
FEATURES = {"image": IMAGE, "label": LABEL}
WHOLE = {"_type": "Value", "dtype": "int64"}


def column(name: str, feature: Mapping[str, Any], count: int) -> pa.Array:
    if feature["_type"] == "Image":
        kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
        return pa.array([{"bytes": png(noise(number)), "path": f"{name}.png"} for number in range(count)], kind)
    return pa.array([number % 2 for number in range(count)], pa.int64())


def write(folder: Path, features: Mapping[str, Any] = FEATURES, shards: Sequence[int] = (2, 3), **state: Any) -> Path:
    """A folder as `save_to_disk` writes it."""
    folder.mkdir(parents=True)
    described = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    whole = pa.table({name: column(name, one, sum(shards)) for name, one in features.items()})
    names = [f"data-{number:05}-of-{len(shards):05}.arrow" for number in range(len(shards))]
    for number, name in enumerate(names):
        part = whole.slice(sum(shards[:number]), shards[number]).replace_schema_metadata(described)
        with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_stream(sink, part.schema) as stream:
            stream.write_table(part)
    files = [{"filename": name} for name in names]
    (folder / "state.json").write_text(json.dumps({"_data_files": files, "_split": None} | state))
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}))
    return folder


def splits(folder: Path) -> Path:
    for name, shards in (("train", (2, 3)), ("test", (4,))):
        write(folder / name, shards=shards, _split=name)
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))
    return folder


def test_pictures_and_labels_come_from_all_files(tmp_path: Path) -> None:
    folder = write(tmp_path / "data")
    for source in (folder, f"hf:{folder}"):
        data = open_dataset(source)
        assert data.ids == tuple(f"row/{number:06}" for number in range(5))
        assert data.true_labels.tolist() == [0, 1, 0, 1, 0]
        assert data.classes == ("cat", "dog")
        assert all(np.array_equal(data[number], noise(number)) for number in range(5))
    assert open_dataset(folder, classes=["dog", "cow", "cat"]).true_labels.tolist() == [2, 0, 2, 0, 2]


def test_a_split_is_named_where_there_are_several(tmp_path: Path) -> None:
    folder = splits(tmp_path / "data")
    assert open_dataset(folder, split="test").ids == tuple(f"test/{number:06}" for number in range(4))
    assert len(open_dataset(folder, split="train")) == 5
    with pytest.raises(InvalidInput, match=r"has the parts train, test; name one with split= \(--split\)"):
        open_dataset(folder)
    with pytest.raises(InvalidInput, match="has no part 'val'; expected one of train, test"):
        open_dataset(folder, split="val")
    assert open_dataset(folder / "train").ids[0] == "train/000000"
    assert open_dataset(folder / "train", split="train").ids[0] == "train/000000"
    with pytest.raises(InvalidInput, match="is one split, train"):
        open_dataset(folder / "train", split="test")


def test_what_the_package_writes_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"img": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    images = [Image.fromarray(noise(number)) for number in range(3)]
    written = datasets.Dataset.from_dict({"img": images, "label": [1, 0, 1]}, features=features)
    datasets.disable_progress_bars()
    datasets.DatasetDict({"test": written.select([2, 0]), "all": written}).save_to_disk(str(tmp_path / "data"))
    data = open_dataset(tmp_path / "data", split="test")
    assert data.true_labels.tolist() == [1, 1]
    assert np.array_equal(data[0], noise(2))
    assert np.array_equal(data[1], noise(0))
    assert data.classes == ("cat", "dog")


@pytest.mark.parametrize(
    ("features", "labels"),
    [
        ({"img": IMAGE}, None),
        ({"photo": IMAGE, "label": WHOLE}, [0, 1]),
        ({"photo": IMAGE, "kind": LABEL}, [0, 1]),
        ({"image": IMAGE, "mask": IMAGE, "fine_label": LABEL, "coarse_label": LABEL}, [0, 1]),
    ],
)
def test_columns_are_found_by_their_types_and_names(
    tmp_path: Path, features: dict[str, Any], labels: list[int] | None
) -> None:
    data = open_dataset(write(tmp_path / "data", features, shards=(2,)))
    assert (data.labels if data.labels is None else data.labels.tolist()) == labels
    assert np.array_equal(data[1], noise(1))


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"label": LABEL}, "a column of images; got label"),
        ({"a": IMAGE, "b": IMAGE}, r"named image, .*got a \(Image\), b \(Image\)"),
        ({"image": IMAGE, "a": LABEL, "b": LABEL}, "named label"),
    ],
)
def test_columns_that_could_be_meant_are_not_guessed_at(tmp_path: Path, features: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        open_dataset(write(tmp_path / "data", features))


def rewritten(folder: Path, labels: pa.Array, images: Sequence[Mapping[str, Any] | None]) -> Path:
    """The folder with one file of other rows."""
    return rewritten_as(folder, FEATURES, labels, images)


def rewritten_as(
    folder: Path, features: Mapping[str, Any], labels: pa.Array, images: Sequence[Mapping[str, Any] | None]
) -> Path:
    """The folder with one file of other rows, in the columns image and label."""
    write(folder, shards=(1,))
    (name,) = [path.name for path in folder.glob("*.arrow")]
    described = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    table = pa.table({"image": pa.array(images, kind), "label": labels}).replace_schema_metadata(described)
    with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return folder


def test_no_label_is_minus_one_and_pictures_may_be_files_or_missing(tmp_path: Path) -> None:
    path = save(tmp_path / "x.png", Image.fromarray(noise(7)))
    images = [{"bytes": None, "path": str(path)}, None, {"bytes": b"no picture", "path": "y.png"}]
    data = open_dataset(rewritten(tmp_path / "data", pa.array([-1, -1, -1]), images), outside=True)
    assert data.labels is None
    assert np.array_equal(data[0], noise(7))
    with pytest.raises(InvalidInput, match="row/000001 holds no image"):
        data[1]
    with pytest.raises(InvalidInput, match="row/000002"):
        data[2]
    with pytest.raises(InvalidInput, match="row/000000 has the label -1"):
        open_dataset(rewritten(tmp_path / "some", pa.array([-1, 0, 1]), images))
    with pytest.raises(InvalidInput, match="whole numbers as labels; got int64, 1 missing"):
        open_dataset(rewritten(tmp_path / "null", pa.array([None, 0, 1]), images))


def test_nothing_is_downloaded(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nothing is downloaded"):
        open_dataset("hf:imagenet-1k")
    with pytest.raises(InvalidInput, match="neither dataset_dict"):
        open_dataset(f"hf:{tmp_path}")


def test_damaged_folders_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "data")
    shard = folder / "data-00001-of-00002.arrow"
    whole = shard.read_bytes()
    for content in (b"", b"no arrow", whole[:100], whole[: len(whole) // 2]):
        shard.write_bytes(content)
        with pytest.raises(InvalidInput, match="cannot read the data set"):
            open_dataset(folder)
    shard.unlink()
    with pytest.raises(InvalidInput, match="cannot read the data set"):
        open_dataset(folder)
    for text in ('{"_data_files": []}', "[]", "{", '{"_data_files": [{"filename": "a"}], "_indices_data_files": [1]}'):
        (folder / "state.json").write_text(text)
        with pytest.raises(InvalidInput, match=str(folder)):
            open_dataset(folder)


def test_a_missing_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "data")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install .*\[data\]'"):
        open_dataset(folder)


def test_splits_and_files_stay_inside_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "one", _split="one")
    folder = tmp_path / "data"
    folder.mkdir()
    for split in ("../one", str(tmp_path / "one"), "..", ".", "a/b"):
        (folder / "dataset_dict.json").write_text(json.dumps({"splits": [split]}))
        with pytest.raises(InvalidInput, match="expected the name of something inside that folder"):
            open_dataset(folder, split=split)
    other = write(tmp_path / "other")
    files = [{"filename": f"../one/{path.name}"} for path in sorted((tmp_path / "one").glob("*.arrow"))]
    (other / "state.json").write_text(json.dumps({"_data_files": files}))
    with pytest.raises(InvalidInput, match=r"expected the name of something inside that folder; got '../one"):
        open_dataset(other)


def test_pictures_of_rows_stay_inside_the_folder_unless_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "x.png", Image.fromarray(noise(7)))
    paths = [str(path), "../x.png", "inside.png", 7]
    images = [{"bytes": None, "path": str(one)} for one in paths]
    data = open_dataset(rewritten(tmp_path / "data", pa.array([0, 1, 0, 0]), images))
    save(tmp_path / "data/inside.png", Image.fromarray(noise(8)))
    monkeypatch.chdir(tmp_path / "data")
    for number in range(2):
        with pytest.raises(InvalidInput, match=rf"row/00000{number}: expected a path inside"):
            data[number]
    monkeypatch.chdir(tmp_path)  # a path is the data set's, wherever the program was started
    assert np.array_equal(data[2], noise(8))
    with pytest.raises(InvalidInput, match="row/000003"):
        data[3]
    anywhere = open_dataset(tmp_path / "data", outside=True)
    assert all(np.array_equal(anywhere[number], noise(7)) for number in range(2))


MALFORMED: list[tuple[str, Any]] = [
    ("dataset_dict.json", {"splits": 5}),
    ("dataset_dict.json", {"splits": "train"}),
    ("dataset_dict.json", {"splits": [["train"]]}),
    ("dataset_dict.json", {"splits": {"train": 1}}),
    ("state.json", {"_data_files": "a.arrow"}),
    ("state.json", {"_data_files": {"filename": "a.arrow"}}),
    ("state.json", {"_data_files": ["a.arrow"]}),
    ("state.json", {"_data_files": [{"filename": 5}]}),
    ("state.json", {"_data_files": [{}]}),
    ("state.json", {"_data_files": [{"filename": ".."}]}),
    ("state.json", {"_data_files": [{"filename": "a\0b"}]}),
    ("state.json", {"_data_files": [{"filename": "a.arrow"}], "_split": ["train"]}),
]


@pytest.mark.parametrize(("name", "document"), MALFORMED)
def test_files_beside_the_data_that_say_something_else_are_refused(tmp_path: Path, name: str, document: Any) -> None:
    folder = write(tmp_path / "data")
    (folder / name).write_text(json.dumps(document))
    with pytest.raises(InvalidInput, match="data"):
        open_dataset(folder, split="train" if name == "dataset_dict.json" else None)


@pytest.mark.parametrize("name", ["dataset_dict.json", "state.json", "dataset_info.json"])
@pytest.mark.parametrize("content", [b"[" * 200_000, b"\xff\xfe", b"null", b'{"a": ' + b"9" * 5000 + b"}"])
def test_files_beside_the_data_that_are_no_objects_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    folder = described(tmp_path / "data", None)
    (folder / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=name):
        open_dataset(folder, split="train" if name == "dataset_dict.json" else None)


def described(folder: Path, words: bytes | None, names: Sequence[str] = ("image", "label")) -> Path:
    """A folder with these words about the columns in the file itself; None for none."""
    write(folder, shards=(2,))
    images = pa.array([{"bytes": png(noise(number)), "path": None} for number in range(2)])
    columns = [images if name == "image" else pa.array([0, 1]) for name in names]
    table = pa.Table.from_arrays(columns, names=list(names))
    table = table.replace_schema_metadata(None if words is None else {b"huggingface": words})
    (path,) = folder.glob("*.arrow")
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return folder


@pytest.mark.parametrize(
    "words",
    [
        b"{", b"[]", b"5", b"[" * 200_000, b"{}", b'{"info": 5}', b'{"info": []}', b'{"info": {"features": 5}}',
        b'{"info": {"features": ["image"]}}', b'{"info": {"features": {"image": 5}}}',
        b'{"info": {"features": {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": 5}}}}',
        b'{"info": {"features": {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": [1, 2]}}}}',
        b'{"info": {"features": {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": {"a": 1}}}}}',
        b'{"info": {"features": {"image": {"_type": ["Image"]}}}}',
    ],
)  # fmt: skip
def test_words_about_the_columns_that_say_something_else_are_refused(tmp_path: Path, words: bytes) -> None:
    with pytest.raises(InvalidInput, match="data"):
        open_dataset(described(tmp_path / "data", words))


def test_two_columns_that_could_be_the_label_are_refused(tmp_path: Path) -> None:
    words = json.dumps({"info": {"features": FEATURES}}).encode()
    for names in (("image", "label", "label"), ("image", "image", "label")):
        with pytest.raises(InvalidInput, match=r"has several columns (image|label)"):
            open_dataset(described(tmp_path / "-".join(names), words, names))
    with pytest.raises(InvalidInput, match="has the columns label and labels"):
        open_dataset(write(tmp_path / "both", {"image": IMAGE, "label": LABEL, "labels": LABEL}))


def test_a_file_whose_places_lie_outside_of_it_is_refused(tmp_path: Path) -> None:
    """Nothing checks them when the file is opened: reading such a row would read any memory."""
    folder = write(tmp_path / "data", shards=(1,))
    (path,) = folder.glob("*.arrow")
    size = len(png(noise(0)))
    content = path.read_bytes()
    place = struct.pack("<ii", 0, size)
    where = content.rindex(place)
    path.write_bytes(content[:where] + struct.pack("<ii", 0, 2**30) + content[where + len(place) :])
    with pytest.raises(InvalidInput, match="cannot read the column image"):
        open_dataset(folder)
