"""Replaying a run: some of its rows evaluated again, here and now, and compared (threats.md, 29 and 30)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from maskcover.canonical import digest
from maskcover.certification.answers import expect_reader
from maskcover.classifiers.evaluation import Images
from maskcover.classifiers.fingerprint import Fingerprint
from maskcover.classifiers.registry import as_classifier
from maskcover.classifiers.vocabulary import not_named
from maskcover.engine.preparation import prepare_run
from maskcover.errors import InvalidInput
from maskcover.runs.binding import NOT_KEPT, changed_scores
from maskcover.runs.config import Config
from maskcover.runs.folder import Folder, shards
from maskcover.runs.resuming import some
from maskcover.runs.rows import Row
from maskcover.runs.stores import place
from maskcover.runs.tasks import task_of
from maskcover.terminal import counted, printable

_COMPARED = ("label", "undefended", "defended", "verdict")
_OF_CLASSES = {"label": "truth", "undefended": "undefended", "defended": "defended"}


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row whose label or verdict changed."""

    before: Row
    now: Row

    def __str__(self) -> str:
        changed = [name for name in _COMPARED if _said(self.before, name) != _said(self.now, name)]
        changes = (f"{name} {_said(self.before, name)} then, {_said(self.now, name)} now" for name in changed)
        return printable(
            f"{self.before.id}: {', '.join(changes)}" + (f" ({self.now.reason})" if self.now.reason else "")
        )


@dataclass(frozen=True, slots=True)
class Replay:
    """The report of replaying a run.

    Args:
        rows: Number of rows that were evaluated again.
        flips: The rows whose label or verdict changed.
        drift: The largest change of a row's smallest margin.
        differences: The differences to the certified model: another device, library, weights; or, if the fingerprint
            is the same, other scores of the reference batch.
        changed: Ids of rows whose images have other pixels now.
        uncompared: Number of rows without a digest of pixels, or whose images have none now.
        notes: Parts that could not be compared.
    """

    rows: int
    flips: tuple[ChangedRow, ...]
    drift: float
    differences: tuple[str, ...]
    changed: tuple[str, ...] = ()
    uncompared: int = 0
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.flips

    def __str__(self) -> str:
        flips = counted(len(self.flips), "flip")
        lines = [
            f"{counted(self.rows, 'row')} evaluated again, {flips}, margins changed by at most {self.drift:.1e}",
            *(f"  flip: {flip}" for flip in self.flips),
            *(f"  not as it was certified: {text}" for text in self.differences),
            *(f"  note: {text}" for text in self.notes),
        ]
        if self.changed:
            images = counted(len(self.changed), "image")
            lines.append(f"  not as it was certified: pixels of {images}: {some(self.changed)}")
        if self.uncompared:
            rows = counted(self.uncompared, "row")
            lines.append(f"  pixels of {rows} were not compared: no digest was kept, or there is none now")
        return "\n".join(lines)


def replay(
    out: str | PathLike[str],
    model: object,
    images: Images,
    labels: Any,
    *,
    ids: Sequence[str] | None = None,
    sample: int = 20,
    seed: int = 0,
    **options: Any,
) -> Replay:
    """Evaluate some rows of a run again, with this model on this machine, and report what changed.

    Args:
        out: The run's folder.
        model, images, labels, ids, options: As for the run.
        sample: Number of rows, drawn with `seed` among all in the folder.
        seed: The random seed for the sample.

    A replay is true if nothing flipped. Differences from the certified fingerprint are reported, not refused: a replay
    is there to compare devices, for example. Images whose pixels changed are reported too.

    >>> import tempfile
    >>> import numpy as np
    >>> import maskcover as mc
    >>> def brightness(images):
    ...     mean = images.mean(axis=(1, 2))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> images = np.stack([np.zeros((12, 12)), np.ones((12, 12))])
    >>> masks = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     summary = mc.run(brightness, images, [0, 1], masks, folder, batch_size=4, fill=0.5)
    ...     again = mc.replay(folder, brightness, images, [0, 1], batch_size=4, fill=0.5)
    >>> bool(again), again.rows
    (True, 2)
    """
    if type(sample) is not int or sample < 1:
        raise InvalidInput(f"sample must be a whole number of at least 1; got {sample!r}")
    folder = Folder(place(out))
    config = folder.existing()
    masks = folder.masks(config)
    classifier = as_classifier(model, options)
    expect_reader(config.task, classifier)
    task = task_of(images, labels, ids, masks, config.regions, config.procedure, classifier)
    numbers = {name: number for number, name in enumerate(task.ids)}
    before = _chosen(folder, config, sample, seed)
    strange = [row.id for row in before if row.id not in numbers]
    if strange:
        raise InvalidInput(
            f"the run has samples that are not among these images, such as {strange[0]}; give replay the "
            "images of the run"
        )
    # Without a margin predictions must repeat to the bit: a probe that fails here names what is different here.
    min_margin = config.min_margin or (None if config.document["numerics"] == "bitwise" else 0.0)
    start = prepare_run(classifier, images, masks, min_margin=min_margin, earlier=config.earlier)
    now = {row.id: row for row in task.rows(start, [numbers[row.id] for row in before])}
    flips = tuple(ChangedRow(row, now[row.id]) for row in before if _differ(row, now[row.id]))
    drift = max((abs(row.margin - now[row.id].margin) for row in before), default=0.0)
    pairs = [(row, now[row.id]) for row in before]
    comparable = [(row, other) for row, other in pairs if row.pixels and other.pixels]
    changed = tuple(row.id for row, other in comparable if row.pixels != other.pixels)
    entries = dict(start.fingerprint.entries)
    unnamed = not_named(entries, dict(config.fingerprint.entries)) if config.claim is None else {}
    now_named = Fingerprint.of({name: text for name, text in entries.items() if name not in unnamed})
    differences = now_named.differences(config.fingerprint)
    same_images = digest(task.ids) == config.document["samples"]["ids"] and not changed
    scored = () if differences else changed_scores(config, start, same_images=same_images)
    notes = (NOT_KEPT,) if config.reference is None else ()
    return Replay(len(before), flips, drift, differences + scored, changed, len(before) - len(comparable), notes)


def _chosen(folder: Folder, config: Config, sample: int, seed: int) -> list[Row]:
    """`sample` rows of those in the folder, in order, each as likely as the others (reservoir sampling)."""
    chance = np.random.default_rng(seed)
    reservoir: list[tuple[int, Row]] = []
    place = 0
    for shard in shards(folder, config):
        for row in shard.rows:
            if place < sample:
                reservoir.append((place, row))
            elif (slot := int(chance.integers(place + 1))) < sample:
                reservoir[slot] = (place, row)
            place += 1
    return [row for _, row in sorted(reservoir, key=lambda pair: pair[0])]


def _differ(row: Row, other: Row) -> bool:
    return any(_said(row, name) != _said(other, name) for name in _COMPARED)


def _said(row: Row, name: str) -> int | str:
    """A label of a row, of a run of answers the text of the answer; or its verdict."""
    if row.classes is not None and name in _OF_CLASSES:
        return str(getattr(row.classes, _OF_CLASSES[name]))
    return row.verdict if name == "verdict" else row.answer(name)
