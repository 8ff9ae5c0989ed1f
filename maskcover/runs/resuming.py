"""Continuing a run: the configuration and the images must be those of the folder."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from maskcover.certification.choosing_first_rounds import settled
from maskcover.classifiers import Fingerprint
from maskcover.classifiers.evaluation import Images, MaskedClassifier
from maskcover.defense.first_rounds import AUTO
from maskcover.defense.procedure import Procedure
from maskcover.defense.procedures import TwoRounds
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover.runs.config import Config, Shard
from maskcover.runs.folder import Folder
from maskcover.runs.orders import Order
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
    "fingerprint.preprocessing": "the preprocessing of the images",
    "fingerprint.masks": "the masks",
    "masks": "the masks",
    "regions": "the regions that the attacker may overwrite",
    "fingerprint.device": "the device",
    "fingerprint.batch_size": "the batch size",
    "batch_size": "the batch size",
}


def expect_same(path: object, config: Config, kept: Config) -> None:
    """Raise `InvalidInput` unless a configuration is that of the run at a path, naming the differences."""
    if config.digest != kept.digest:
        differences = [*config.differences(kept), *_fingerprints(config.fingerprint, kept.fingerprint)]
        raise InvalidInput(
            f"{path} holds a run of another configuration: {_in_words(config.differences(kept))} changed. "
            f"Name another folder, or continue with the old configuration ({'; '.join(differences)})"
        )
    if config.frame and kept.frame and config.frame != kept.frame:
        raise InvalidInput(f"{path} belongs to another run in the frame of the source; name another folder")
    if config.example and kept.example and config.example[0] == kept.example[0] and config.example != kept.example:
        raise _other_pixels(path, [config.example[0]])


def _fingerprints(now: Fingerprint, before: Fingerprint) -> list[str]:
    """The digests of two fingerprints in words, if they differ."""
    return [] if now == before else [f"the whole fingerprint: {before.digest} before, {now.digest} now"]


def note_unnamed(path: object, unnamed: Mapping[str, str]) -> None:
    """Warn that a run of an earlier version is continued, whose fingerprint had fewer entries than now."""
    if unnamed:
        warnings.warn(
            f"{path} was started by an earlier version, so these parts of the model could not be compared: "
            f"{', '.join(sorted(set(unnamed.values())))}. Make sure that they are the same",
            MaskcoverWarning,
            stacklevel=4,
        )


def compared(folder: Folder, config: Config, numbers: Sequence[int], images: Images) -> list[Shard | None]:
    """The shards of these numbers, None for those not yet written, each compared with the images of now.

    The first and the last image of each shard are fetched (among those with a digest). `replay` finds images that
    changed in between.

    Raises:
        InvalidInput: images have other pixels than when their rows were made; the message names them.
    """
    comparison = _Comparison(images)
    shards = [comparison.look(folder.shard(number, config), config.members(number)) for number in numbers]
    if comparison.changed:
        raise _other_pixels(folder.path, comparison.changed)
    if comparison.unknown:
        warnings.warn(
            f"{folder.path}: {comparison.unknown} rows were not compared with the images of this call, since they keep "
            "no digest of pixels (made by an earlier version, or images that are no arrays) or cannot be read now: "
            "make sure that the images are the same",
            MaskcoverWarning,
            stacklevel=4,
        )
    return shards


def expect_pixels(path: Path, rows: Sequence[Row], images: Sequence[object]) -> None:
    """Raise `InvalidInput` if images have other pixels than when their rows were made; rows without digest pass."""
    now = zip(rows, map(pixel_digest, images), strict=True)
    changed = [row.id for row, pixels in now if row.pixels and pixels and row.pixels != pixels]
    if changed:
        raise _other_pixels(path, changed)


def some(names: Sequence[str]) -> str:
    """The first few of many names, and the number of the others."""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(map(printable, names[:_NAMED])) + more


@dataclass(slots=True)
class _Comparison:
    """The ids of images whose pixels changed, and the number of rows that could not be compared."""

    images: Images
    changed: list[str] = field(default_factory=list)
    unknown: int = 0

    def look(self, shard: Shard | None, members: Sequence[int]) -> Shard | None:
        """Compare a shard with the images of its numbers; an error row may have no digest."""
        if shard is None:
            return None
        with_pixels = [(number, row) for number, row in zip(members, shard.rows, strict=True) if row.pixels]
        self.unknown += sum(not row.pixels and row.verdict != "error" for row in shard.rows)
        for number, row in dict([*with_pixels[:1], *with_pixels[-1:]]).items():
            now = self._digest(number)
            self.unknown += not now
            if now and now != row.pixels:
                self.changed.append(row.id)
        return shard

    def _digest(self, number: int) -> str:
        try:
            return pixel_digest(self.images[number])
        except Exception:  # a file system may fail for a moment; the run continues
            return ""


def _other_pixels(path: object, names: Sequence[str]) -> InvalidInput:
    return InvalidInput(
        f"{path} holds a run of other images: the pixels of {some(names)} changed, under the same ids and labels. Name "
        "another folder, or continue with the old images"
    )


def _in_words(differences: Sequence[str]) -> str:
    """The differences in words; entries without words of their own by their names."""
    order = {name: place for place, name in enumerate(_WORDS)}
    names = sorted((text.partition(": ")[0] for text in differences), key=lambda name: order.get(name, len(order)))
    return ", ".join(dict.fromkeys(_words(name) for name in names))


def _words(name: str) -> str:
    kind, _, entry = name.partition(".")
    if name in _WORDS:
        return _WORDS[name]
    return f"{entry} of the fingerprint" if kind == "fingerprint" else f"the option {name}"


def settled_in(
    order: Order | None,
    procedure: Procedure,
    classifier: MaskedClassifier,
    images: Images,
    masks: MaskSet,
    regions: RegionSet | str | None,
) -> tuple[Procedure, MaskSet]:
    """The procedure and the masks of a run; for a first round "auto" that of the order, else what images choose."""
    if not isinstance(procedure, TwoRounds) or procedure.first_round != AUTO or not len(images):
        return procedure, masks
    if order is not None and order.masks is not None and order.masks.with_levels() == masks.with_levels():
        return replace(procedure, first_round=getattr(order.config.procedure, "first_round", None)), order.masks
    return settled(procedure, classifier, images, masks, regions)
