"""NPZ files: the names that are looked for, and no objects, ever."""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from maskcover.data import arrays, open_dataset
from maskcover.errors import InvalidInput
from tests.data.files import noise

IMAGES = np.stack([noise(seed) for seed in range(3)])
LABELS = np.array([2, 0, 1])


@pytest.mark.parametrize(
    ("names", "split", "first"),
    [
        (("x_test", "y_test"), None, "test/000000"),
        (("x_test", "y_test"), "test", "test/000000"),
        (("x_train", "y_train"), "train", "train/000000"),
        (("val_images", "val_labels"), "val", "val/000000"),
        (("test_images", "test_labels"), None, "test/000000"),
        (("images", "labels"), None, "row/000000"),
        (("x", "y"), None, "row/000000"),
        (("arr_0", "arr_1"), None, "row/000000"),
    ],
)
def test_arrays_are_found_by_their_names(tmp_path: Path, names: tuple[str, str], split: str | None, first: str) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **dict(zip(names, (IMAGES, LABELS), strict=True)))  # type: ignore[arg-type]  # names of arrays
    data = open_dataset(path, split=split)
    assert data.ids[0] == first
    assert data.true_labels.tolist() == [2, 0, 1]
    assert np.array_equal(np.stack([data[number] for number in range(3)]), IMAGES)
    assert data.size(1) == (4, 5)


def test_the_split_chooses_among_arrays(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:1], y_test=LABELS[:1, None])
    assert len(open_dataset(path)) == 1
    assert open_dataset(path).true_labels.tolist() == [2]
    assert len(open_dataset(f"npz:{path}", split="train")) == 3
    with pytest.raises(InvalidInput, match="holds x_test, x_train, y_test, y_train; expected images named x_val"):
        open_dataset(path, split="val")


def test_pictures_may_be_grey_and_without_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    for images in (IMAGES[..., 0], IMAGES[..., :1]):
        np.savez(path, images=images)
        data = open_dataset(path)
        assert data.labels is None
        assert np.array_equal(data[1], IMAGES[1, :, :, 0])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": IMAGES / 255}, "values from 0 to 255.*got float64"),
        ({"images": IMAGES.astype(np.int64)}, "got int64"),
        ({"images": IMAGES.transpose(0, 3, 1, 2)}, r"got uint8 \(3, 3, 4, 5\)"),
        ({"images": IMAGES[0, 0]}, r"got uint8 \(5, 3\)"),
        ({"images": IMAGES[:0]}, "expected images"),
        ({"images": IMAGES, "labels": LABELS / 2}, "got float64"),
        ({"images": IMAGES, "labels": LABELS[:2]}, r"each of 3 images; got int64 \(2,\)"),
        ({"pictures": IMAGES}, "holds pictures; expected images named x_test"),
        ({"images": np.array([{}, []], object)}, "cannot read"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, allow_pickle=True, **arrays)
    with pytest.raises(InvalidInput, match=message):
        open_dataset(path)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, images=IMAGES)
    whole = path.read_bytes()
    for content in (b"", b"no archive", whole[:-30], whole[: len(whole) // 2], whole.replace(whole[60:90], bytes(30))):
        path.write_bytes(content)
        with pytest.raises(InvalidInput, match=r"a\.npz"):
            open_dataset(path)
    with path.open("wb") as stream:
        np.save(stream, IMAGES)
    with pytest.raises(InvalidInput, match="got one array"):
        open_dataset(path)


def claiming(path: Path, shape: tuple[int, ...]) -> Path:
    """An NPZ file whose array says that it is of this shape, and holds ten bytes."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", head.getvalue() + bytes(10))
    return path


@pytest.mark.parametrize("shape", [(6, 2**30), (2**62, 2**62), (3,), (-1, 10), (0, 2**70)])
def test_an_array_that_claims_other_bytes_than_it_holds_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match=r"a\.npz: images claims -?[\d,]+ bytes, and holds 10: is it truncated"):
        open_dataset(claiming(tmp_path / "a.npz", shape))


def test_an_array_that_unpacks_to_very_much_more_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "_PLENTY", 100_000)
    path = tmp_path / "a.npz"
    black = np.zeros((1000, 32, 32), np.uint8)
    np.savez_compressed(path, images=black)
    with pytest.raises(InvalidInput, match=r"images\): .* bytes unpack to 1,024,1\d\d; .* store the images"):
        open_dataset(path)
    np.savez(path, images=black)
    assert len(open_dataset(path)) == 1000


def test_two_arrays_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, images=IMAGES, labels=LABELS)
    content = io.BytesIO()
    np.save(content, LABELS[::-1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the name that is there twice
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("labels.npy", content.getvalue())
    with pytest.raises(InvalidInput, match="holds labels twice"):
        open_dataset(path)


@pytest.mark.parametrize("label", [2**63, 2**64 - 1, 10**18])
def test_labels_that_no_number_of_a_class_reaches_are_refused(tmp_path: Path, label: int) -> None:
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=np.array([0, 1, label], np.uint64))
    with pytest.raises(InvalidInput, match=r"expected whole numbers below 10\^18 as labels"):
        open_dataset(tmp_path / "a.npz")
