"""Data sets of images that are lookups of labels, for runs: made on demand from a seed, cheap, and with faults."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.defense import Verdict
from maskcover.masks import MaskSet
from maskcover.runs import Folder, Row, shards
from tests.defense.naive import BoolArray, Looked, Looker, image_of, singles, symmetric

MASKS = singles(3)
OTHER_MASKS = MaskSet.from_array(np.eye(3, dtype=np.bool_)[::-1], regions="squares(size=1)")
CLASSES = 3
OPAQUE = "ignore:.* rows were not compared with the images:maskcover.MaskcoverWarning"
"""For pytest's `filterwarnings`: whoever goes on with a run of lookups, which are no arrays, is told so."""


class Image(dict[bytes, int]):
    """A lookup that knows its number, and can be watched."""

    number: int = -1


@dataclass
class Shelf:
    """So many images, made when they are fetched; what is fetched, and how many are alive at once, is counted."""

    count: int
    seed: int = 0
    broken: Mapping[int, Any] = field(default_factory=dict)  # what comes in place of an image: raised, or returned
    fetched: list[int] = field(default_factory=list)
    alive: int = 0
    most_alive: int = 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int, /) -> Any:
        self.fetched.append(number)
        if number in self.broken:
            if isinstance(self.broken[number], Exception):
                raise self.broken[number]
            return self.broken[number]
        image = Image(image_of(self.table(number), MASKS, bare=self.label(number)))
        image.number = number
        self.alive += 1
        weakref.finalize(image, self._let_go)
        self.most_alive = max(self.most_alive, self.alive)
        return image

    def _let_go(self) -> None:
        self.alive -= 1

    def label(self, number: int) -> int:
        """The true label of an image."""
        return int(self._chance(number).integers(CLASSES))

    @property
    def labels(self) -> list[int]:
        """All true labels."""
        return [self.label(number) for number in range(self.count)]

    def table(self, number: int) -> npt.NDArray[np.int64]:
        """An image's table: right throughout for many, with one or more wrong entries (ties too) for the others."""
        chance = self._chance(number)
        entries = np.full(6, chance.integers(CLASSES))
        for wrong in chance.integers(6, size=chance.integers(4)):
            entries[wrong] = chance.integers(-1, CLASSES)
        return symmetric(3, entries.tolist())

    def _chance(self, number: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, number))


@dataclass
class Model(Looker):
    """A `Looker` with weights by name, which fails when asked for some images, or at one call."""

    weights: str = "a"
    failing: Mapping[int, BaseException] = field(default_factory=dict)  # by the number of an image
    scored: Mapping[int, float] = field(default_factory=dict)  # images whose scores are all this
    stop_at: int | None = None  # the call that is interrupted
    lead: float = 1.0
    calls: int = 0

    @property
    def identity(self) -> dict[str, str]:
        """For the fingerprint."""
        return {"weights": self.weights}

    def scores(self, images: Sequence[Looked], hidden: BoolArray) -> npt.NDArray[np.float64]:
        """Scores that lead by `lead`, or the failure that was asked for."""
        self.calls += 1
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        numbers = [getattr(image, "number", -1) for image in images]
        for number in numbers:
            if number in self.failing:
                raise self.failing[number]
        scores = 1 - self.lead * (1 - super().scores(images, hidden))
        for row, number in enumerate(numbers):
            scores[row] = self.scored.get(number, scores[row])
        self.batches.clear()
        return scores


def rows(out: Path) -> list[Row]:
    """All rows of a run, in order."""
    folder = Folder(out)
    return [row for shard in shards(folder, folder.existing()) for row in shard.rows]


def listing(out: Path) -> dict[str, bytes]:
    """All files below a folder and what they hold."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def shard_path(out: Path, number: int) -> Path:
    """Where a shard lies."""
    return out / "shards" / f"{number:05}.parquet"


def told(verdict: Verdict) -> tuple[object, ...]:
    """What a row must say of a verdict, its fraction and its evidence aside."""
    return (
        verdict.label,
        verdict.undefended,
        verdict.answer,
        verdict.defended.case.value,
        verdict.name,
        verdict.error or "",
        verdict.margin,
        verdict.certificate.failing,
        verdict.evaluations,
        "",  # lookups have no pixels
        verdict.certificate.certifying,
    )
