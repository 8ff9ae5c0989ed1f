"""IDX files: round trips, parts, and every damage refused."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from maskcover.data import open_dataset
from maskcover.data.idx import read_idx
from maskcover.errors import InvalidInput

FILES = {"train": "train-{}-idx{}-ubyte", "test": "t10k-{}-idx{}-ubyte"}


def idx(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write(folder: Path, part: str, images: np.ndarray, labels: np.ndarray, *, packed: bool = False) -> None:
    for kind, array, dimensions in (("images", images, 3), ("labels", labels, 1)):
        path = folder / (FILES[part].format(kind, dimensions) + (".gz" if packed else ""))
        path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))


def mnist(folder: Path, *, packed: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Writes both parts; returns the test images and labels."""
    chance = np.random.default_rng(0)
    for part, count in (("train", 5), ("test", 3)):
        images = chance.integers(0, 256, (count, 6, 4), np.uint8)
        labels = chance.integers(0, 10, count).astype(np.uint8)
        write(folder, part, images, labels, packed=packed)
    return images, labels


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("prefix", ["", "idx:"])
def test_the_test_images_are_the_default(tmp_path: Path, packed: bool, prefix: str) -> None:
    images, labels = mnist(tmp_path, packed=packed)
    data = open_dataset(f"{prefix}{tmp_path}")
    assert data.ids == ("test/000000", "test/000001", "test/000002")
    assert data.true_labels.tolist() == labels.tolist()
    assert np.array_equal(np.stack([data[number] for number in range(3)]), images)
    assert data.size(0) == (6, 4)
    assert open_dataset(tmp_path, split="test").ids == open_dataset(tmp_path, split="t10k").ids == data.ids
    assert open_dataset(tmp_path, split="train").ids[-1] == "train/000004"
    assert open_dataset(next(tmp_path.glob("train-images*"))).ids[0] == "train/000000"


@given(
    arrays.arrays(np.uint8, arrays.array_shapes(min_dims=3, max_dims=3, max_side=5)),
    st.booleans(),
)
def test_what_is_written_is_read(images: np.ndarray, packed: bool) -> None:
    with TemporaryDirectory() as folder:
        write(Path(folder), "test", images, np.arange(len(images), dtype=np.uint8), packed=packed)
        data = open_dataset(folder)
        assert np.array_equal(np.stack([data[number] for number in range(len(data))]), images)
        assert data.true_labels.tolist() == list(range(len(images)))


@given(st.data(), st.booleans())
def test_a_file_cut_anywhere_or_with_more_at_its_end_is_refused(data: st.DataObject, packed: bool) -> None:
    whole = idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
    content = data.draw(st.one_of(st.integers(0, len(whole) - 1).map(lambda end: whole[:end]), st.just(whole + b"0")))
    with TemporaryDirectory() as folder:
        path = Path(folder) / ("x.gz" if packed else "x")
        path.write_bytes(gzip.compress(content) if packed else content)
        with pytest.raises(InvalidInput):
            read_idx(path, 3)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"\x00\x00\x0d\x03" + bytes(12), "x", "unsigned bytes in 3 dimensions"),
        (b"\x00\x00\x08\x01" + bytes(12), "x", "begins with 00000803; got 00000801"),
        (b"\x00\x00\x08\x03" + b"\xff" * 12, "x", "fewer: is it truncated"),
        (gzip.compress(b"\x00\x00\x08\x03" + b"\xff" * 12, mtime=0), "x.gz", r"cannot read .*x\.gz"),
        (gzip.compress(idx(np.zeros((2, 2, 2), np.uint8)), mtime=0)[:-9], "x.gz", r"cannot read .*x\.gz"),
        (b"no gzip", "x.gz", r"cannot read .*x\.gz"),
    ],
)
def test_another_head_is_refused(tmp_path: Path, content: bytes, name: str, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=message):
        read_idx(tmp_path / name, 3)


def test_labels_must_be_as_many_as_images(tmp_path: Path) -> None:
    write(tmp_path, "test", np.zeros((2, 3, 3), np.uint8), np.zeros(3, np.uint8))
    with pytest.raises(InvalidInput, match="label of each of 2 images"):
        open_dataset(tmp_path)


def test_files_that_are_missing(tmp_path: Path) -> None:
    mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    assert open_dataset(tmp_path).labels is None
    with pytest.raises(InvalidInput, match=r"val-images-idx3-ubyte, or \.gz; found none among t10k-images"):
        open_dataset(tmp_path, split="val")
    with pytest.raises(InvalidInput, match="leave split out"):
        open_dataset(tmp_path / "t10k-images-idx3-ubyte", split="test")


def test_a_packed_file_that_unpacks_to_very_much_more_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maskcover.data.arrays._PLENTY", 100_000)
    write(tmp_path, "test", np.zeros((1000, 32, 32), np.uint8), np.zeros(1000, np.uint8), packed=True)
    with pytest.raises(InvalidInput, match=r"unpack to 1,024,000; .* store the images unpacked"):
        open_dataset(tmp_path)
