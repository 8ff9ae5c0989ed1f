"""Reading WebDataset shards: tar files in which the members of a sample share a key; images are read by offset.

Since version 1.0 the package `webdataset` cannot return an image by its number. Its earlier module ``wids`` could, but
it accepted a shard that is cut off, cut long names, dropped members with equal names, and unpickled an index beside the
shard. So shards are indexed here, by Python's own ``tarfile``.
"""

from __future__ import annotations

import glob
import io
import itertools
import json
import math
import os
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from maskcover.data.classes import ClassList
from maskcover.data.dataset import Dataset, IntArray, Skipped
from maskcover.data.folders import files_in, part_of
from maskcover.data.images import SUFFIXES, ImageArray, read_image, read_size
from maskcover.data.labels import Request, class_number, named_by
from maskcover.errors import InvalidInput

_BLOCK = 512
_LONGEST = 1 << 20  # bytes of a label
_MOST = 100_000  # shards of a pattern
_RANGE = re.compile(r"\{(\d{1,18})\.\.(\d{1,18})\}")


class _Image(NamedTuple):
    """The place of an image in its shard; for a member ``a.left.png`` the name is ``a.left``."""

    name: str
    member: str
    offset: int
    size: int


class _Label(NamedTuple):
    """A label as a text; for a member ``a.left.cls`` the name is ``a.left``, and the kind ``cls``."""

    name: str
    kind: str
    text: str


@dataclass(slots=True)
class _Sample:
    """The members that share a key, which is the part of their names before the first dot."""

    shard: Path
    key: str
    images: list[_Image] = field(default_factory=list)
    labels: list[_Label] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"{self.shard.name}/{self.key}"

    @property
    def label(self) -> str | None:
        """The label of the sample: a member cls goes before a member json.

        Raises:
            InvalidInput: several of one kind.
        """
        for kind in ("cls", "json"):
            labels = [label for label in self.labels if label.kind == kind]
            if len(labels) > 1:
                names = ", ".join(f"{label.name}.{kind}" for label in labels)
                raise InvalidInput(f"{self.id} has several labels ({names}); expected one, so that it is clear which")
            if labels:
                return labels[0].text
        return None

    def split(self) -> list[_Sample]:
        """This sample; or a sample for each image, if each has a name and a label of its own.

        Raises:
            InvalidInput: several images, and it is not clear whether they are one sample or several.
        """
        names, labelled = [image.name for image in self.images], {label.name for label in self.labels}
        if len(names) <= 1:
            return [self]
        if len(set(names)) < len(names) or not set(names) <= labelled:
            raise InvalidInput(
                f"{self.id} has several images ({', '.join(image.member for image in self.images)}), and not each a "
                "label of its own name; expected one image for what stands before the first dot"
            )
        return [
            _Sample(self.shard, image.name, [image], [label for label in self.labels if label.name == image.name])
            for image in self.images
        ]


def open_webdataset(path: Path, request: Request) -> Dataset:
    """Open a shard, all shards of a folder, or the shards of a pattern such as ``train-{000..009}.tar``.

    A sample has one image, and its label in a member ``cls`` (a class number, or a name of the model's classes), or in
    a member ``json`` under label or cls; if no sample has a label there are none.
    """
    other: list[str] = []
    samples = [sample for shard in _shards(path, request.split) for sample in _index(shard, other)]
    if not samples:
        raise InvalidInput(f"found no images in {path}; expected members such as 000.jpg and 000.cls")

    # Only ids and the places of images stay in memory, even for a million samples.
    ids, files = tuple(sample.id for sample in samples), tuple(sample.shard for sample in samples)
    places = np.array([sample.images[0][2:] for sample in samples], np.int64)

    def content(number: int) -> io.BytesIO:
        offset, size = places[number].tolist()
        try:
            with files[number].open("rb") as stream:
                stream.seek(offset)
                return io.BytesIO(stream.read(size))
        except OSError as error:
            raise InvalidInput(f"cannot read {ids[number]} in {files[number]}: {error.strerror}") from error

    def image_at(number: int) -> ImageArray:
        return read_image(content(number), ids[number])

    def size_of(number: int) -> tuple[int, int]:
        return read_size(content(number), ids[number])

    dataset = Dataset(str(path), ids, _labels(samples, request.classes), image_at, size_of, skipped=Skipped.of(other))
    return named_by(dataset, request)


def is_webdataset(folder: Path) -> bool:
    """Whether shards lie in a folder."""
    return any(name.endswith(".tar") for name in files_in(folder))


def is_pattern(path: Path) -> bool:
    """Whether a path stands for several shards."""
    several = _RANGE.search(str(path)) is not None or glob.has_magic(str(path))
    return path.suffix == ".tar" and several and not os.path.exists(path)  # noqa: PTH110  # False for too long a name


def _shards(path: Path, split: str | None) -> list[Path]:
    """The tar files, in order."""
    if os.path.isdir(path):  # noqa: PTH112  # says no to a pattern that is longer than a name may be
        folder = part_of(path, split)
        return _expect_some(path, [folder / name for name in files_in(folder) if name.endswith(".tar")])
    if split is not None:
        raise InvalidInput(f"{path}: shards have no parts; leave split out, or name those of {split!r}")
    if os.path.exists(path):  # noqa: PTH110
        return [path]
    return _expect_some(path, [Path(name) for text in _expanded(str(path)) for name in _globbed(text)])


def _expanded(text: str) -> Iterator[str]:
    """The texts of a pattern with ranges in braces; "{00..10}" keeps its width.

    Raises:
        InvalidInput: more texts than there can be shards.
    """
    ranges = [range(int(first), int(last) + 1) for first, last in _RANGE.findall(text)]
    if math.prod(map(_length, ranges)) > _MOST:
        raise InvalidInput(f"{text:.200} stands for more than {_MOST:,} shards; name fewer at a time")
    plain, widths = _RANGE.split(text)[::3], [len(first) for first, _ in _RANGE.findall(text)]
    for numbers in itertools.product(*ranges):
        digits = [f"{number:0{width}}" for number, width in zip(numbers, widths, strict=True)]
        yield "".join(itertools.chain.from_iterable(zip(plain, [*digits, ""], strict=True)))


def _length(numbers: range) -> int:
    return max(0, numbers.stop - numbers.start)


def _globbed(text: str) -> list[str]:
    """Paths matching a glob; a plain path is returned as it is, so that a missing shard is an error."""
    return sorted(glob.glob(text)) if glob.has_magic(text) else [text]  # noqa: PTH207


def _expect_some(path: Path, shards: list[Path]) -> list[Path]:
    if not shards:
        raise InvalidInput(f"found no tar files at {path}; expected a shard, a folder of shards or a pattern of them")
    return shards


def _index(shard: Path, other: list[str]) -> list[_Sample]:
    """The samples of a shard that have an image, in the order of their first members; names of others go to `other`."""
    samples: dict[str, _Sample] = {}
    try:
        size = shard.stat().st_size
        with tarfile.open(shard, "r:") as archive:
            end = 0
            for member in archive:
                end = archive.offset  # where the next one begins
                if end - _BLOCK >= size:
                    raise InvalidInput(f"{shard}: {member.name:.200} claims more than the {size:,} bytes of the shard")
                if member.isfile() and not member.issparse():
                    _note(samples, shard, archive, member)
                elif not member.isdir():
                    other.append(f"{shard.name}/{member.name}")
            _expect_end(shard, end)
    except InvalidInput:
        raise
    except Exception as error:  # a damaged head may fail in any way
        raise InvalidInput(
            f"cannot read the shard {shard}: {error}; expected a whole tar file that is not compressed"
        ) from error
    other += [sample.id for sample in samples.values() if not sample.images]
    return [part for sample in samples.values() if sample.images for part in sample.split()]


def _note(samples: dict[str, _Sample], shard: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    """Add a member to its sample; its key is the part of its name before the first dot."""
    folder, slash, name = member.name.removeprefix("./").rpartition("/")
    stem = name.partition(".")[0]
    if not stem:
        return
    sample = samples.setdefault(f"{folder}{slash}{stem}", _Sample(shard, f"{folder}{slash}{stem}"))
    whole, _, kind = name.rpartition(".")
    whole, kind = f"{folder}{slash}{whole}", kind.lower()
    if f".{kind}" in SUFFIXES:
        sample.images.append(_Image(whole, name, member.offset_data, member.size))
    elif kind in ("cls", "json"):
        label = _label(kind, _content(archive, member), f"{shard.name}/{member.name}")
        if label is not None:
            sample.labels.append(_Label(whole, kind, label))


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    return b"" if stream is None else stream.read(_LONGEST)


def _label(kind: str, content: bytes, name: str) -> str | None:
    """The label in a member, as a text."""
    try:
        if kind == "cls":
            return content.decode().strip()
        document: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{name}: cannot read the label: {error}") from error
    there = [key for key in ("label", "cls") if isinstance(document, dict) and document.get(key) is not None]
    return str(document[there[0]]) if there else None


def _labels(samples: list[_Sample], classes: ClassList | None) -> IntArray | None:
    """Class numbers, of all samples or of none."""
    labels = [sample.label for sample in samples]
    if all(label is None for label in labels):
        return None
    numbers = [None if label is None else class_number(label, classes) for label in labels]
    if None in numbers:
        wrong, label = samples[numbers.index(None)], labels[numbers.index(None)]
        problem = "no label" if label is None else f"the label {label!r:.40}"
        raise InvalidInput(
            f"{wrong.id} has {problem}; expected a class number from 0, or a name of the model's classes, in a member "
            ".cls or under label in a member .json"
        )
    return np.array(numbers, np.int64)


def _expect_end(shard: Path, end: int) -> None:
    """Refuse a shard without an end: one that is cut off between two members looks like a shorter one."""
    with shard.open("rb") as stream:
        stream.seek(end)
        if stream.read(_BLOCK) != bytes(_BLOCK):
            raise InvalidInput(f"{shard} has no end; is it truncated?")
