"""CIFAR in both of its layouts, and pickles that are not CIFAR."""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover.data import open_dataset
from maskcover.data.unpickling import read_pickle
from maskcover.errors import InvalidInput

NAMES = tuple(f"class{number:02}" for number in range(100))


def batch(seed: int, count: int = 3) -> tuple[np.ndarray, list[int]]:
    chance = np.random.default_rng(seed)
    return chance.integers(0, 256, (count, 3072), np.uint8), chance.integers(0, 10, count).tolist()


def python2(document: dict[str, Any]) -> bytes:
    """A pickle as Python 2 wrote those of CIFAR: texts of bytes, and arrays through numpy.core.multiarray."""
    stream = io.BytesIO()
    stream.write(b"\x80\x02}")
    for key, value in document.items():
        stream.write(_text(key.encode()) + _value(value) + b"s")
    return stream.getvalue() + b"."


def _text(content: bytes) -> bytes:
    short = len(content) < 256
    return (b"U" + struct.pack("<B", len(content)) if short else b"T" + struct.pack("<i", len(content))) + content


def _value(value: Any) -> bytes:
    if isinstance(value, np.ndarray):
        made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        kind = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        shape = b"".join(b"J" + struct.pack("<i", side) for side in value.shape) + b"\x86"
        return made + b"(K\x01" + shape + kind + b"\x89" + _text(value.tobytes()) + b"tb"
    parts = (_text(one.encode()) if isinstance(one, str) else b"K" + bytes([one]) for one in value)
    return b"](" + b"".join(parts) + b"e"


def modern(document: dict[str, Any]) -> bytes:
    return pickle.dumps(document, protocol=4)


def python3(document: dict[str, Any]) -> bytes:
    return pickle.dumps({key.encode(): value for key, value in document.items()}, protocol=2)


WRITERS: list[Callable[[dict[str, Any]], bytes]] = [python2, python3, modern]


def pickled10(folder: Path, write: Callable[[dict[str, Any]], bytes] = python2) -> Path:
    for number, name in enumerate(["test_batch", *(f"data_batch_{number}" for number in range(1, 6))]):
        pixels, labels = batch(number)
        (folder / name).write_bytes(write({"data": pixels, "labels": labels, "batch_label": [name]}))
    (folder / "batches.meta").write_bytes(write({"label_names": list(NAMES[:10])}))
    return folder


def binary10(folder: Path) -> Path:
    for number, name in enumerate(["test_batch.bin", *(f"data_batch_{number}.bin" for number in range(1, 6))]):
        pixels, labels = batch(number)
        (folder / name).write_bytes(np.concatenate([np.array(labels, np.uint8)[:, None], pixels], axis=1).tobytes())
    (folder / "batches.meta.txt").write_text("\n".join(NAMES[:10]) + "\n\n")
    return folder


def expected(seed: int, number: int) -> np.ndarray:
    red, green, blue = batch(seed)[0][number].reshape(3, 32, 32)
    return np.dstack([red, green, blue])


@pytest.mark.parametrize("make", [binary10, *(lambda folder, one=one: pickled10(folder, one) for one in WRITERS)])
def test_both_layouts_hold_the_same(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    data = open_dataset(make(tmp_path))
    assert data.ids == ("test/000000", "test/000001", "test/000002")
    assert data.true_labels.tolist() == batch(0)[1]
    assert all(np.array_equal(data[number], expected(0, number)) for number in range(3))
    assert (data.size(0), data.classes) == ((32, 32), NAMES[:10])
    train = open_dataset(f"cifar10:{tmp_path}", split="train")
    assert len(train) == 15
    assert train.ids[-1] == "train/000014"
    assert train.true_labels.tolist() == [label for seed in range(1, 6) for label in batch(seed)[1]]
    assert all(np.array_equal(train[number], expected(1 + number // 3, number % 3)) for number in range(15))


@pytest.mark.parametrize("binary", [True, False])
def test_cifar100_has_its_fine_labels(tmp_path: Path, binary: bool) -> None:
    folder = tmp_path / ("cifar-100-binary" if binary else "cifar-100-python")
    folder.mkdir()
    for seed, part in enumerate(("test", "train")):
        pixels, coarse = batch(seed)
        fine = [90 + label for label in coarse]
        records = np.concatenate([np.array([coarse, fine], np.uint8).T, pixels], axis=1).tobytes()
        document = {"data": pixels, "coarse_labels": coarse, "fine_labels": fine}
        (folder / (f"{part}.bin" if binary else part)).write_bytes(records if binary else python2(document))
    if binary:
        (folder / "fine_label_names.txt").write_text("\n".join(NAMES))
    else:
        (folder / "meta").write_bytes(python2({"fine_label_names": list(NAMES)}))
    # Named by the folder in which the archive was unpacked, as torchvision does.
    data = open_dataset(tmp_path, split="train")
    assert data.true_labels.tolist() == [90 + label for label in batch(1)[1]]
    assert np.array_equal(data[2], expected(1, 2))
    assert data.classes == NAMES
    assert open_dataset(f"cifar100:{folder}").true_labels.tolist() == [90 + label for label in batch(0)[1]]


@given(st.integers(0, 99), st.integers(1, 4), st.sampled_from([python2, python3, modern]))
def test_what_is_pickled_is_read(seed: int, count: int, write: Callable[[dict[str, Any]], bytes]) -> None:
    pixels, labels = batch(seed, count)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(write({"data": pixels, "labels": labels}))
        found = read_pickle(path)
        assert np.array_equal(found["data"], pixels)
        assert found["labels"] == labels


def test_the_models_names_are_what_counts(tmp_path: Path) -> None:
    data = open_dataset(binary10(tmp_path), classes=list(reversed(NAMES[:10])))
    assert data.true_labels.tolist() == [9 - label for label in batch(0)[1]]
    with pytest.raises(InvalidInput, match=r"10 classes .* and the model 1000"):
        open_dataset(tmp_path, classes=1000)


class Malicious:
    """Calls something when it is unpickled."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call, self.arguments


@pytest.mark.parametrize("protocol", range(5))
@pytest.mark.parametrize("key", ["data", "filenames"])
def test_a_pickle_that_calls_anything_is_refused_and_nothing_is_called(tmp_path: Path, protocol: int, key: str) -> None:
    pickled10(tmp_path)
    trace = tmp_path / "trace"
    for call in (
        Malicious(os.system, f"touch {trace}"),
        Malicious(eval, f"open({str(trace)!r}, 'w')"),
        Malicious(open, str(trace), "w"),
    ):
        (tmp_path / "test_batch").write_bytes(pickle.dumps({key: call, "labels": []}, protocol))
        with pytest.raises(InvalidInput, match=r"it names \w+\.\w+, .*; nothing of it was executed"):
            open_dataset(tmp_path)
        assert not trace.exists()
    # Where it is trusted such a pickle does what it threatens: that nothing happened means something.
    pickle.loads(pickle.dumps(Malicious(os.system, f"touch {trace}"), protocol))  # noqa: S301
    assert trace.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x02",
        b"no pickle",
        pickle.dumps([1, 2]),
        pickle.dumps({"data": np.zeros((2, 2), object)}),
        pickle.dumps({"data": np.zeros((2, 2), np.float32)}, protocol=4),
        pickle.dumps({"data": np.asfortranarray(np.zeros((2, 3), np.uint8))}, protocol=4),
        pickle.dumps({"data": np.dtype("u1")}),
        b"\x80\x02}U\x04data" + b"cnumpy.core.multiarray\n_reconstruct\n" + b"s.",  # the stand-in itself
        b"\x80\x02}U\x04data" + b"cnumpy.core.multiarray\n_reconstruct\n)R" + b"s.",  # an array without a word
    ],
)
def test_other_pickles_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match="cannot read the pickle"):
        read_pickle(path)


def test_a_pickle_changes_no_stand_in(tmp_path: Path) -> None:
    """Building on a stand-in's class would change it for all that is read later."""
    path = tmp_path / "x"
    path.write_bytes(b"\x80\x02cnumpy\ndtype\n(N}U\x05shapeK\x01stb.")
    with pytest.raises(InvalidInput, match="cannot read the pickle"):
        read_pickle(path)
    assert not hasattr(sys.modules["maskcover.data.unpickling"]._Dtype, "shape")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"data": np.zeros((2, 3071), np.uint8), "labels": [0, 1]}, "expected data of 3072 bytes"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [0]}, "a label from 0 to 9 for each of 2"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [0, 10]}, "a label from 0 to 9"),
        ({"labels": [0, 10]}, "expected data"),
    ],
)
def test_pickles_of_other_things_are_refused(tmp_path: Path, document: dict[str, Any], message: str) -> None:
    (pickled10(tmp_path) / "test_batch").write_bytes(python2(document))
    with pytest.raises(InvalidInput, match=message):
        open_dataset(tmp_path)


def test_files_that_are_missing_or_cut(tmp_path: Path) -> None:
    binary10(tmp_path)
    (tmp_path / "data_batch_3.bin").unlink()
    with pytest.raises(InvalidInput, match=r"data_batch_3\.bin: expected a file of records of 3,?073 bytes; it has 0"):
        open_dataset(tmp_path, split="train")
    content = (tmp_path / "test_batch.bin").read_bytes()
    (tmp_path / "test_batch.bin").write_bytes(content[:-1])
    with pytest.raises(InvalidInput, match="is it truncated"):
        open_dataset(tmp_path)
    with pytest.raises(InvalidInput, match="has the parts train and test; got 'val'"):
        open_dataset(tmp_path, split="val")
    with pytest.raises(InvalidInput, match="not a folder of CIFAR-100; expected the files test"):
        open_dataset(f"cifar100:{tmp_path}")
    (tmp_path / "batches.meta.txt").write_text("cat dog")
    (tmp_path / "test_batch.bin").write_bytes(content)
    with pytest.raises(InvalidInput, match="names of 10 classes"):
        open_dataset(tmp_path)
    (tmp_path / "batches.meta.txt").unlink()
    assert open_dataset(tmp_path).classes is None


def test_a_pickle_takes_no_more_memory_than_its_file_is_long(tmp_path: Path) -> None:
    path = tmp_path / "x"
    laughs = b"\x80\x02]q\x00" + b"".join(
        b"]q" + bytes([number]) + b"(" + b"h" + bytes([number - 1]) + (b"h" + bytes([number - 1])) * 9 + b"e"
        for number in range(1, 30)
    )
    for content, message in (
        (b"\x80\x02}r\xff\xff\xff\x1f.", "numbers what it keeps as 536870911 after 2 steps"),
        (b"}p999999999\n.", "numbers what it keeps as 999999999"),
        (b"\x80\x05\x96\xff\xff\xff\xff\x00\x00\x00\x00.", "cannot read the pickle"),
        (b"\x80\x05\x96\x01\x00\x00\x00\x00\x00\x00\x00a.", "bytearray"),
        (b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.", "cannot read the pickle"),
        (laughs + b"}U\x04datah\x1ds.", "expected texts, numbers, lists of these"),
        (pickle.dumps(dict.fromkeys(range(40), 0)), "at most 32 entries"),
    ):
        path.write_bytes(content)
        with pytest.raises(InvalidInput, match=message):
            read_pickle(path)


def test_one_text_many_times_over_is_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "x"
    name = b"n" * 200_000
    path.write_bytes(
        b"\x80\x03}U\x04data](B" + struct.pack("<i", len(name)) + name + b"q\x01" + b"h\x01" * 99_999 + b"es."
    )
    found = read_pickle(path)["data"]
    assert len(found) == 100_000
    assert len({id(one) for one in found}) == 1
