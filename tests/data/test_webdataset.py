"""Tar shards: keys, labels, patterns, and shards that were cut off."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from maskcover.data import open_dataset
from maskcover.errors import InvalidInput
from tests.data.files import noise, png


def shard(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]  # any mode of the module
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@contextmanager
def appended(path: Path) -> Iterator[tarfile.TarFile]:
    """The shard, to write more members into, also of names that are there."""
    with tarfile.open(path, "a") as archive:
        yield archive


def member(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    one = tarfile.TarInfo(name)
    one.size = len(content)
    archive.addfile(one, io.BytesIO(content))


def link(archive: tarfile.TarFile, name: str, target: str) -> None:
    one = tarfile.TarInfo(name)
    one.type, one.linkname = tarfile.SYMTYPE, target
    archive.addfile(one)


def samples(*numbers: int) -> dict[str, bytes]:
    return {
        name: content
        for number in numbers
        for name, content in {f"{number:03}.png": png(noise(number)), f"{number:03}.cls": b"%d\n" % number}.items()
    }


def test_members_of_one_key_are_a_sample(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", samples(0, 1) | {"deep/2.seg.PNG": png(noise(2)), "deep/2.json": b'{"label": 7}'})
    for source in (path, f"wds:{path}"):
        data = open_dataset(source)
        assert data.ids == ("a.tar/000", "a.tar/001", "a.tar/deep/2")
        assert data.true_labels.tolist() == [0, 1, 7]
        assert all(np.array_equal(data[number], noise(number)) for number in range(3))
        assert data.size(2) == (4, 5)


def test_shards_are_a_folder_a_range_or_a_pattern(tmp_path: Path) -> None:
    for number in range(12):
        shard(tmp_path / f"part-{number:02}.tar", samples(number))
    names = [f"part-{number:02}.tar/{number:03}" for number in range(12)]
    assert open_dataset(tmp_path).ids == tuple(names)
    assert open_dataset(f"{tmp_path}/part-{{00..11}}.tar").true_labels.tolist() == list(range(12))
    assert open_dataset(f"wds:{tmp_path}/part-{{08..10}}.tar").ids == tuple(names[8:11])
    assert open_dataset(f"{tmp_path}/part-0[1-2].tar").ids == tuple(names[1:3])
    assert np.array_equal(open_dataset(tmp_path)[11], noise(11))
    with pytest.raises(InvalidInput, match="found no tar files"):
        open_dataset(f"{tmp_path}/part-2?.tar")
    with pytest.raises(InvalidInput, match=r"cannot read the shard .*part-12\.tar"):
        open_dataset(f"{tmp_path}/part-{{11..12}}.tar")


def test_parts_are_subfolders(tmp_path: Path) -> None:
    for part in ("train", "val"):
        shard(tmp_path / part / f"{part}.tar", samples(3))
    assert open_dataset(f"wds:{tmp_path}", split="val").ids == ("val.tar/003",)
    with pytest.raises(InvalidInput, match="has the parts train, val"):
        open_dataset(f"wds:{tmp_path}")
    with pytest.raises(InvalidInput, match="shards have no parts"):
        open_dataset(tmp_path / "val/val.tar", split="val")


def test_labels_may_be_names_of_the_models_classes(tmp_path: Path) -> None:
    members = {
        "a.png": png(noise(0)),
        "a.cls": b"dog",
        "b.png": png(noise(1)),
        "b.json": json.dumps({"cls": 0}).encode(),
    }
    path = shard(tmp_path / "a.tar", members)
    assert open_dataset(path, classes=["cat", "dog"]).true_labels.tolist() == [1, 0]
    with pytest.raises(InvalidInput, match=r"a\.tar/a has the label 'dog'; expected a class number"):
        open_dataset(path)


def test_what_is_no_sample_is_left_out(tmp_path: Path) -> None:
    path = shard(
        tmp_path / "a.tar", samples(0) | {"readme.txt": b"hello", "9.cls": b"3", "._x.png": b"?", "n.json": b"{}"}
    )
    assert open_dataset(path).ids == ("a.tar/000",)
    unlabelled = shard(tmp_path / "b.tar", {"x.png": png(noise(0)), "x.json": b'{"caption": "a dog"}'})
    assert open_dataset(unlabelled).labels is None


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"x.cls": b"1"}, "found no images"),
        (samples(0) | {"y.png": png(noise(0))}, "y has no label; expected"),
        ({"x.png": b"", "x.left.png": b""}, r"x has several images \(x\.png, x\.left\.png\)"),
        ({"x.png": b"", "x.json": b"{"}, r"x\.json: cannot read the label"),
        ({"x.png": b"", "x.cls": b"\xff"}, r"x\.cls: cannot read the label"),
        ({"x.png": b"", "x.cls": b"-1"}, "has the label '-1'"),
        ({"x.png": b"", "x.cls": b""}, "has the label ''"),
    ],
)
def test_samples_that_could_be_read_in_several_ways_are_refused(
    tmp_path: Path, members: dict[str, bytes], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        open_dataset(shard(tmp_path / "a.tar", members))


def test_a_damaged_picture_is_an_error_of_its_own(tmp_path: Path) -> None:
    data = open_dataset(shard(tmp_path / "a.tar", samples(0) | {"1.png": b"no picture", "1.cls": b"0"}))
    assert np.array_equal(data[0], noise(0))
    with pytest.raises(InvalidInput, match=r"a\.tar/1"):
        data[1]


def test_a_shard_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", samples(0, 1))
    whole = path.read_bytes()
    end = len(whole.rstrip(b"\0")) // 512 * 512 + 512
    for cut in range(0, end + 1, 256):
        path.write_bytes(whole[:cut])
        with pytest.raises(InvalidInput, match=r"a\.tar"):
            open_dataset(path)
    path.write_bytes(whole[: end + 1024])
    assert len(open_dataset(path)) == 2


def test_compressed_shards_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not compressed"):
        open_dataset(shard(tmp_path / "a.tar", samples(0), "w:gz"))


def test_shards_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        shard(tmp_path / folder / "x.tar", samples(0))
    with pytest.raises(InvalidInput, match=r"x\.tar/000 is there twice"):
        open_dataset(f"{tmp_path}/*/x.tar")


def test_names_with_dots_keep_their_labels(tmp_path: Path) -> None:
    picture = png(noise(0))
    whole = {"a.v1.png": picture, "a.v1.cls": b"4", "b.2.jpg": picture, "b.cls": b"5", "c.x.png": picture}
    data = open_dataset(shard(tmp_path / "a.tar", whole | {"c.y.json": b'{"cls": 6}'}))
    assert (data.ids, data.true_labels.tolist()) == (("a.tar/a", "a.tar/b", "a.tar/c"), [4, 5, 6])
    several = {f"img_1.{number}.png": png(noise(number)) for number in (5, 7)}
    labels = {"img_1.5.cls": b"2", "img_1.7.json": b'{"label": 3}'}
    data = open_dataset(shard(tmp_path / "b.tar", several | labels))
    assert (data.ids, data.true_labels.tolist()) == (("b.tar/img_1.5", "b.tar/img_1.7"), [2, 3])
    assert np.array_equal(data[1], noise(7))
    with pytest.raises(InvalidInput, match=r"img_1 has several images \(img_1\.5\.png, img_1\.7\.png\)"):
        open_dataset(shard(tmp_path / "c.tar", several | {"img_1.5.cls": b"2", "img_1.cls": b"3"}))


def test_two_labels_of_one_image_are_refused(tmp_path: Path) -> None:
    for name in ("000.cls", "000.left.cls"):
        path = shard(tmp_path / f"{name}.tar", samples(0, 1))
        with appended(path) as archive:
            member(archive, name, b"7")
        with pytest.raises(InvalidInput, match=rf"000 has several labels \(000\.cls, {name.replace('.', '.')}\)"):
            open_dataset(path)
    both = shard(tmp_path / "both.tar", samples(0) | {"000.json": b'{"label": "a word"}'})
    assert open_dataset(both).true_labels.tolist() == [0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wds:{0..99999999999}.tar", "stands for more than 100,000 shards"),
        ("wds:{0..400}/{0..400}.tar", "stands for more than 100,000 shards"),
        ("wds:{0..999}.tar", r"cannot read the shard 0\.tar"),
        ("wds:{9..0}.tar", "found no tar files"),
        ("wds:{0.." + "9" * 5000 + "}.tar", "there is no file or folder"),
        ("wds:" + "a" * 5000 + ".tar", "there is no file or folder"),
        ("wds:" + "*" * 5000 + ".tar", "found no tar files"),
    ],
)
def test_a_pattern_of_more_shards_than_there_can_be_ends_at_once(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match=message):
        open_dataset(text)


def test_ranges_may_be_several(tmp_path: Path) -> None:
    for first in range(2):
        for second in (8, 9, 10):
            shard(tmp_path / f"{first}/part-{second:02}.tar", samples(10 * first + second))
    data = open_dataset(f"{tmp_path}/{{0..1}}/part-{{08..10}}.tar")
    assert data.true_labels.tolist() == [8, 9, 10, 18, 19, 20]


def claiming(path: Path, size: int) -> Path:
    """A shard with one member that claims so many bytes, in the way of GNU for large ones."""
    one = tarfile.TarInfo("x.png")
    one.size = size
    path.write_bytes(one.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    return path


@pytest.mark.parametrize("size", [2**63 - 1, 2**62, 2**40, 5000])
def test_a_member_that_claims_more_than_the_shard_is_refused(tmp_path: Path, size: int) -> None:
    with pytest.raises(InvalidInput, match=r"a\.tar"):
        open_dataset(claiming(tmp_path / "a.tar", size))


@pytest.mark.parametrize(
    "members",
    [
        {"x.png": b"", "x.json": b"[" * 200_000},
        {"x.png": b"", "x.json": b'{"label": ' + b"9" * 5000 + b"}"},
        {"x.png": b"", "x.json": b'{"label": {"a": [1, 2]}}'},
        {"x.png": b"", "x.json": b'{"label": 1e999}'},
        {"x.png": b"", "x.cls": b"9" * 21},
        {"x.png": b"", "x.cls": b"9" * 5000},
    ],
)
def test_labels_that_are_no_labels_are_refused_by_name(tmp_path: Path, members: dict[str, bytes]) -> None:
    with pytest.raises(InvalidInput, match=r"a\.tar/x"):
        open_dataset(shard(tmp_path / "a.tar", members))


def test_a_shard_that_is_gone_is_an_error_of_its_images(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", samples(0))
    data = open_dataset(path)
    path.unlink()
    for read in (data.__getitem__, data.size):
        with pytest.raises(InvalidInput, match=r"cannot read a.tar/000"):
            read(0)
