"""Going on with a run: what comes must be what the folder holds, its configuration and its images alike."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from maskcover.classifiers.evaluation import Images
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.runs.folder import Config, Folder, Shard
from maskcover.runs.pixels import pixel_digest
from maskcover.runs.rows import Row
from maskcover.terminal import printable

_NAMED = 5  # images that a message names
_WORDS = {  # in the order in which they are named
    "fingerprint.weights": "the model's weights",
    "fingerprint.architecture": "the model",
    "fingerprint.classifier": "the classifier",
    "samples.count": "the number of images",
    "samples.ids": "the ids of the images",
    "samples.labels": "the labels",
    "fingerprint.preprocessing": "what the images go through",
    "fingerprint.masks": "the masks",
    "masks": "the masks",
    "regions": "what the attacker may overwrite",
    "fingerprint.device": "the device",
    "fingerprint.batch_size": "the batch size",
    "batch_size": "the batch size",
}


def expect_same(path: Path, config: Config, known: Config) -> None:
    """Raise `InvalidInput` unless a configuration is that of the folder: first in words, then entry by entry."""
    if config.digest != known.digest:
        found = config.differences(known)
        raise InvalidInput(
            f"{path} holds a run of another configuration: {_in_words(found)} changed. Name another folder, or go on "
            f"with the old configuration ({'; '.join(found)})"
        )
    if config.frame and known.frame and config.frame != known.frame:
        raise InvalidInput(f"{path} belongs to another run in the frame of the source; name another folder")
    if config.example and known.example and config.example[0] == known.example[0] and config.example != known.example:
        raise _other_pixels(path, [config.example[0]])


def note_unnamed(path: Path, unnamed: Mapping[str, str]) -> None:
    """Warn of a run that goes on though its fingerprint, of an earlier version, named less than that of now."""
    if unnamed:
        warnings.warn(
            f"{path} was started by an earlier version, and of the model there could not be compared: "
            f"{', '.join(sorted(set(unnamed.values())))}. Make sure that it is the same",
            MaskcoverWarning,
            stacklevel=4,
        )


def compared(folder: Folder, config: Config, numbers: Sequence[int], images: Images) -> list[Shard | None]:
    """The shards of these numbers, None where there is none yet, each compared with the images of now.

    Of each shard that is there the first and the last image are fetched (of those with a digest). Images that changed
    in between are found by `replay`.

    Raises:
        InvalidInput: images have other pixels than when their rows were made; names them.
    """
    seen = _Comparison(images)
    found = [seen.look(folder.shard(number, config), config.members(number)) for number in numbers]
    if seen.changed:
        raise _other_pixels(folder.path, seen.changed)
    if seen.unknown:
        warnings.warn(
            f"{folder.path}: {seen.unknown} rows were not compared with the images of now, since they keep no "
            "digest of pixels (made by an earlier version, or images that are no arrays) or cannot be read now: make "
            "sure that the images are the same",
            MaskcoverWarning,
            stacklevel=4,
        )
    return found


def expect_pixels(path: Path, rows: Sequence[Row], images: Sequence[object]) -> None:
    """Raise `InvalidInput` if images have other pixels than when their rows were made; rows without digest pass."""
    now = zip(rows, map(pixel_digest, images), strict=True)
    changed = [row.id for row, told in now if row.pixels and told and row.pixels != told]
    if changed:
        raise _other_pixels(path, changed)


def some(names: Sequence[str]) -> str:
    """The first few of some names, and how many there are."""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(map(printable, names[:_NAMED])) + more


@dataclass(slots=True)
class _Comparison:
    """Ids of images whose pixels changed, and how many rows could not be compared."""

    images: Images
    changed: list[str] = field(default_factory=list)
    unknown: int = 0

    def look(self, shard: Shard | None, members: Sequence[int]) -> Shard | None:
        """Compare a shard with the images of its numbers; an error row may have no digest."""
        if shard is None:
            return None
        known = [(number, row) for number, row in zip(members, shard.rows, strict=True) if row.pixels]
        self.unknown += sum(not row.pixels and row.verdict != "error" for row in shard.rows)
        for number, row in dict([*known[:1], *known[-1:]]).items():
            now = self._digest(number)
            self.unknown += not now
            if now and now != row.pixels:
                self.changed.append(row.id)
        return shard

    def _digest(self, number: int) -> str:
        try:
            return pixel_digest(self.images[number])
        except Exception:  # a file system may fail for a moment; the run goes on
            return ""


def _other_pixels(path: Path, names: Sequence[str]) -> InvalidInput:
    return InvalidInput(
        f"{path} holds a run of other images: the pixels of {some(names)} changed, under the same ids and labels. Name "
        "another folder, or go on with the old images"
    )


def _in_words(differences: Sequence[str]) -> str:
    """What is different, for a reader: what stands in no table by its name."""
    order = {name: place for place, name in enumerate(_WORDS)}
    names = sorted((text.partition(": ")[0] for text in differences), key=lambda name: order.get(name, len(order)))
    return ", ".join(dict.fromkeys(_words(name) for name in names))


def _words(name: str) -> str:
    kind, _, entry = name.partition(".")
    if name in _WORDS:
        return _WORDS[name]
    return f"{entry} of the fingerprint" if kind == "fingerprint" else f"the option {name}"
