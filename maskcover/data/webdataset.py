"""WebDataset shards: tar files in which the members of a sample share a key, read by offset."""

from __future__ import annotations

import glob
import io
import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from maskcover.data.classes import ClassList, class_number
from maskcover.data.dataset import Dataset, IntArray
from maskcover.data.folders import files_in, part_of
from maskcover.data.pictures import SUFFIXES, Picture, picture_size, read_picture
from maskcover.errors import InvalidInput

_BLOCK = 512
_LONGEST = 1 << 20  # bytes of a label
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")


@dataclass(slots=True)
class _Sample:
    """Where the image of a key lies, and what its label says."""

    shard: Path
    key: str
    images: list[tuple[str, int, int]] = field(default_factory=list)
    label: str | None = None

    @property
    def id(self) -> str:
        return f"{self.shard.name}/{self.key}"


def open_webdataset(path: Path, split: str | None, classes: ClassList | None) -> Dataset:
    """The samples of a shard, of all shards of a folder, or of those of a pattern such as ``train-{000..009}.tar``.

    A sample has one image, and its label in a member ``cls`` (a class number, or a name of the model's classes), or in
    a member ``json`` under label or cls; if no sample has a label there are none.
    """
    samples = [sample for shard in _shards(path, split) for sample in _indexed(shard)]
    if not samples:
        raise InvalidInput(f"found no images in {path}; expected members such as 000.jpg and 000.cls")

    # Of a million samples this is all that stays: ids, and where pictures lie.
    ids, files = tuple(one.id for one in samples), tuple(one.shard for one in samples)
    places = np.array([one.images[0][1:] for one in samples], np.int64)

    def content(number: int) -> io.BytesIO:
        offset, size = places[number].tolist()
        with files[number].open("rb") as stream:
            stream.seek(offset)
            return io.BytesIO(stream.read(size))

    def read(number: int) -> Picture:
        return read_picture(content(number), ids[number])

    def measure(number: int) -> tuple[int, int]:
        return picture_size(content(number), ids[number])

    return Dataset(str(path), ids, _labels(samples, classes), read, measure)


def is_webdataset(folder: Path) -> bool:
    """Whether shards lie in a folder."""
    return any(name.endswith(".tar") for name in files_in(folder))


def is_pattern(path: Path) -> bool:
    """Whether a path stands for several shards."""
    return (
        path.suffix == ".tar"
        and not path.exists()
        and (_RANGE.search(str(path)) or glob.has_magic(str(path))) is not None
    )


def _shards(path: Path, split: str | None) -> list[Path]:
    """The tar files, in order."""
    if path.is_dir():
        folder = part_of(path, split)
        return _some(path, [folder / name for name in files_in(folder) if name.endswith(".tar")])
    if split is not None:
        raise InvalidInput(f"{path}: shards have no parts; leave split out, or name those of {split!r}")
    if path.exists():
        return [path]
    return _some(path, [Path(one) for text in _expanded(str(path)) for one in _globbed(text)])


def _expanded(text: str) -> Iterator[str]:
    """The texts of a pattern with ranges in braces; "{00..10}" keeps its width."""
    match = _RANGE.search(text)
    if match is None:
        yield text
        return
    for number in range(int(match[1]), int(match[2]) + 1):
        yield from _expanded(f"{text[: match.start()]}{number:0{len(match[1])}}{text[match.end() :]}")


def _globbed(text: str) -> list[str]:
    """What fits a pattern; a text that is none must be there, so that a shard that is missing is noticed."""
    return sorted(glob.glob(text)) if glob.has_magic(text) else [text]  # noqa: PTH207


def _some(path: Path, shards: list[Path]) -> list[Path]:
    if not shards:
        raise InvalidInput(f"found no tar files at {path}; expected a shard, a folder of shards or a pattern of them")
    return shards


def _indexed(shard: Path) -> list[_Sample]:
    """The samples of a shard that have an image, in the order of their keys' first members."""
    samples: dict[str, _Sample] = {}
    try:
        with tarfile.open(shard, "r:") as archive:
            end = 0
            for member in archive:
                end = max(end, member.offset_data + -(-member.size // _BLOCK) * _BLOCK)
                if member.isfile() and not member.issparse():
                    _noted(samples, shard, archive, member)
            _expect_end(shard, end)
    except (OSError, tarfile.TarError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"cannot read the shard {shard}: {error}; expected a whole tar file that is not compressed"
        ) from error
    found = [one for one in samples.values() if one.images]
    several = next((one for one in found if len(one.images) > 1), None)
    if several is not None:
        raise InvalidInput(f"{several.id} has several images ({', '.join(name for name, _, _ in several.images)})")
    return found


def _noted(samples: dict[str, _Sample], shard: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    """Note what a member is to its sample; its key is what comes before the first dot of its name."""
    folder, slash, name = member.name.removeprefix("./").rpartition("/")
    stem, _, extension = name.partition(".")
    if not stem:
        return
    sample = samples.setdefault(f"{folder}{slash}{stem}", _Sample(shard, f"{folder}{slash}{stem}"))
    kind = extension.lower()
    if f".{kind.rpartition('.')[2]}" in SUFFIXES:
        sample.images.append((name, member.offset_data, member.size))
    elif kind == "cls" or (kind == "json" and sample.label is None):
        label = _label(kind, _content(archive, member), f"{shard.name}/{member.name}")
        sample.label = sample.label if label is None else label


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    return b"" if stream is None else stream.read(_LONGEST)


def _label(kind: str, content: bytes, name: str) -> str | None:
    """The label in a member, as a text."""
    try:
        if kind == "cls":
            return content.decode().strip()
        document: Any = json.loads(content)
    except ValueError as error:
        raise InvalidInput(f"{name}: cannot read the label: {error}") from error
    found = next((document[key] for key in ("label", "cls") if isinstance(document, dict) and key in document), None)
    return None if found is None else str(found)


def _labels(samples: list[_Sample], classes: ClassList | None) -> IntArray | None:
    """Class numbers, of all samples or of none."""
    if all(one.label is None for one in samples):
        return None
    numbers = [None if one.label is None else class_number(one.label, classes) for one in samples]
    if None in numbers:
        wrong = samples[numbers.index(None)]
        told = "no label" if wrong.label is None else f"the label {wrong.label!r:.40}"
        raise InvalidInput(
            f"{wrong.id} has {told}; expected a class number from 0, or a name of the model's classes, in a member "
            ".cls or under label in a member .json"
        )
    return np.array(numbers, np.int64)


def _expect_end(shard: Path, end: int) -> None:
    """A shard cut off between two members would otherwise be a shorter one."""
    with shard.open("rb") as stream:
        stream.seek(end)
        if stream.read(_BLOCK) != bytes(_BLOCK):
            raise InvalidInput(f"{shard} has no end; is it truncated?")
