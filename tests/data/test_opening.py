"""Which format it is, what is chosen of it, and that the same data are the same samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import maskcover as mc
import maskcover.data
from maskcover.canonical import digest
from maskcover.data import Dataset, open_dataset
from maskcover.errors import InvalidInput, MaskcoverWarning
from tests.data import test_cifar, test_huggingface, test_idx, test_webdataset
from tests.data.files import gradient, noise, save, tree


def folder(path: Path) -> Path:
    for number in range(3):
        save(path / f"{number}/x.png", gradient(4, 5 + number))
    return path


def table(path: Path) -> Path:
    folder(path)
    (path / "t.csv").write_text("path,label\n0/x.png,0\n1/x.png,1\n2/x.png,1\n")
    return path / "t.csv"


def npz(path: Path) -> Path:
    np.savez(path / "a.npz", images=np.stack([noise(seed) for seed in range(3)]), labels=np.arange(3))
    return path / "a.npz"


def idx(path: Path) -> Path:
    test_idx.mnist(path)
    return path


def hf(path: Path) -> Path:
    return test_huggingface.write(path / "data")


def wds(path: Path) -> Path:
    return test_webdataset.shard(path / "a.tar", test_webdataset.samples(0, 1, 2))


def cifar100(path: Path) -> Path:
    pixels, labels = test_cifar.batch(0)
    (path / "test").write_bytes(test_cifar.python2({"data": pixels, "fine_labels": labels}))
    return path


FORMATS: dict[str, Callable[[Path], Path]] = {
    "folder": folder, "csv": table, "npz": npz, "idx": idx, "hf": hf, "wds": wds, "cifar10": test_cifar.pickled10,
    "cifar100": cifar100,
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_recognised_and_can_be_named(tmp_path: Path, name: str) -> None:
    path = FORMATS[name](tmp_path)
    found, named = mc.open_dataset(path), mc.open_dataset(f"{name}:{path}")
    assert len(found) >= 3
    assert found.ids == named.ids
    assert found.true_labels.tolist() == named.true_labels.tolist()
    assert str(tmp_path) in found.source


@pytest.mark.parametrize("name", FORMATS)
def test_threat_16_data_opened_twice_are_the_same(tmp_path: Path, name: str) -> None:
    path = FORMATS[name](tmp_path)

    def told() -> str:
        data = open_dataset(path)
        pictures = [data[number].tobytes().hex() for number in range(len(data))] * 2
        return digest([list(data.ids), data.true_labels.tolist(), pictures])

    assert told() == told()


@pytest.mark.parametrize("name", FORMATS)
def test_sizes_are_those_of_the_pictures(tmp_path: Path, name: str) -> None:
    data = open_dataset(FORMATS[name](tmp_path))
    assert [data.size(number) for number in range(3)] == [data[number].shape[:2] for number in range(3)]


def test_what_could_be_two_things_is_to_be_named(tmp_path: Path) -> None:
    idx(tmp_path)
    test_cifar.binary10(tmp_path)
    with pytest.raises(InvalidInput, match=r"more than one format; name the format, as in cifar10:.*idx: the"):
        open_dataset(tmp_path)
    assert len(open_dataset(f"idx:{tmp_path}")) == 3


def test_shards_among_classes_are_ambiguous_too(tmp_path: Path) -> None:
    wds(folder(tmp_path))
    with pytest.raises(InvalidInput, match=r"more than one format.* folder: a folder of images.*wds: tar shards"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("name", ["notes.txt", "empty"])
def test_what_is_unknown_is_refused_with_all_formats(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.touch() if path.suffix else path.mkdir()
    with pytest.raises(
        InvalidInput, match=r"no known format.*folder:.*csv:.*cifar10:.*cifar100:.*idx:.*npz:.*hf:.*wds:"
    ):
        open_dataset(path)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("nowhere", {}, "there is no file or folder nowhere; nothing is downloaded"),
        ("https://example.org/a.npz", {}, "nothing is downloaded"),
        ("cifar10:nowhere", {}, "no file or folder nowhere"),
        ("wds:nowhere/{0..9}.tar", {}, r"cannot read the shard nowhere/0\.tar"),
        ("hf:README.md", {}, "is not a folder"),
        ("cifar10:README.md", {}, "not a folder of CIFAR-10"),
        ("folder:README.md", {}, "cannot read the folder"),
        ("npz:README.md", {}, r"cannot read README\.md"),
        ("csv:README.md", {}, r"README\.md"),
        ("wds:README.md", {}, r"cannot read the shard README\.md"),
        ("idx:README.md", {}, "expected an IDX file"),
        ("folder:", {}, "expected a path after folder:"),
        (7, {}, "got int"),
        ({"train": [], "test": []}, {}, r"got dict of train, test: choose one, such as data\[.train.\]"),
        ([], {"split": "train"}, "split and labels are for paths"),
        ([], {"labels": "x.csv"}, "split and labels are for paths"),
        ([], {"limit": 1, "sample": 1}, "limit or sample, not both"),
        ([], {"limit": 0}, "limit must be a whole number of at least 1; got 0"),
        ([], {"sample": 1.5}, "sample must be a whole number"),
    ],
)
def test_bad_sources(
    source: Any, options: dict[str, Any], message: str, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pytestconfig.rootpath)
    with pytest.raises(InvalidInput, match=message):
        open_dataset(source, **options)


def numbers(count: int) -> Dataset:
    return Dataset(
        "numbers",
        tuple(map(str, range(count))),
        np.arange(count),
        lambda number: np.full((2, 2), number, np.uint8),
    )


@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 2**32))
def test_a_sample_is_chosen_by_its_seed_and_keeps_ids_labels_and_pictures(count: int, wanted: int, seed: int) -> None:
    data = open_dataset(numbers(count), sample=wanted, seed=seed)
    assert len(data) == min(count, wanted)
    assert len(set(data.ids)) == len(data)
    assert list(map(int, data.ids)) == sorted(map(int, data.ids)) == data.true_labels.tolist()
    assert [int(data[number].max()) for number in range(len(data))] == data.true_labels.tolist()
    again = open_dataset(numbers(count), sample=wanted, seed=seed)
    assert again.ids == data.ids
    assert (data.chosen is None) == (wanted >= count)
    if data.chosen is not None:
        assert data.chosen.document() == {"count": wanted, "of": count, "seed": seed}


def test_every_picture_is_as_likely_to_be_chosen() -> None:
    seen = np.zeros(10)
    for seed in range(600):
        seen[open_dataset(numbers(10), sample=3, seed=seed).true_labels] += 1
    assert seen.sum() == 1800
    assert abs(seen - 180).max() < 5 * np.sqrt(600 * 0.3 * 0.7)


def test_the_first_ones_are_chosen_by_limit() -> None:
    data = open_dataset(numbers(5), limit=2)
    assert data.ids == ("0", "1")
    assert str(data.chosen) == "the first 2 of 5"
    assert open_dataset(numbers(5), limit=5).chosen is None
    assert str(data.sampled(1, seed=3).chosen) == "a sample of 1 of 5 (seed 3)"


def test_ids_stay_the_same_when_more_is_added(tmp_path: Path) -> None:
    before = open_dataset(folder(tmp_path)).ids
    tree(tmp_path, "0/a.png", "3/y.png")
    assert set(before) <= set(open_dataset(tmp_path).ids)


def test_two_pictures_of_one_id_and_labels_of_another_number_are_refused() -> None:
    with pytest.raises(InvalidInput, match="a is there twice"):
        Dataset("data", ("b", "a", "a"), None, lambda _: noise(0))
    with pytest.raises(InvalidInput, match="2 images, but labels"):
        Dataset("data", ("b", "a"), np.array([0]), lambda _: noise(0))


@pytest.mark.parametrize("name", ["Picture", "Prepared", "picture_of", "read_picture"])
def test_names_of_before_work_for_one_release_with_a_warning(name: str) -> None:
    with pytest.warns(MaskcoverWarning, match=f"maskcover.data.{name} is called .* now"):
        assert getattr(maskcover.data, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'Pictures'"):
        maskcover.data.Pictures  # noqa: B018
