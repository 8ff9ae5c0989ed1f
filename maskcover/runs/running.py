"""Resumable runs: a data set cut into shards, each certified and written once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import index
from os import PathLike
from pathlib import Path
from typing import Any

import numpy.typing as npt
from tqdm import tqdm

from maskcover.canonical import digest
from maskcover.cells import IntArray
from maskcover.certification.certifying import bits_for, checked_labels, containment_for, counted, require_bits
from maskcover.classifiers.evaluation import Images, names_of, observe
from maskcover.classifiers.options import renamed
from maskcover.classifiers.registry import as_classifier
from maskcover.covering.containment import Containment
from maskcover.data.labels import expect_matching
from maskcover.defense.procedure import Procedure, certifying
from maskcover.defense.procedures import Method, Rule
from maskcover.defense.texts import procedure_of
from maskcover.engine.preparation import Earlier, PreparedRun, RequiredNumerics, prepare_run
from maskcover.engine.queue import Failed, run_queries
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover.runs.binding import expect_scored, reference_told
from maskcover.runs.folder import LARGEST_SHARD, SCHEMA, Config, Folder, Shard, shards
from maskcover.runs.pixels import Watched
from maskcover.runs.resuming import compared, expect_same, note_unnamed
from maskcover.runs.rows import Row, pyarrow, row_of
from maskcover.runs.summary import Summary


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is certified, whatever the classifier: images and labels, masks and regions, and the rule."""

    images: Images
    labels: IntArray
    ids: tuple[str, ...]
    masks: MaskSet
    regions: RegionSet
    covers: Containment
    procedure: Procedure

    def rows(self, start: PreparedRun, members: Sequence[int]) -> Iterator[Row]:
        """The rows of some samples, as they fall.

        Raises:
            RunStopped: the classifier fails, and not because of these samples.
        """
        labels = self.labels[list(members)]
        decide = certifying(require_bits(self.procedure, start), labels, self.covers, start.min_margin)
        observe(start.evaluator, self.procedure.observation)
        part = Watched(_Part(self.images, members))
        for place, found in run_queries(start.evaluator, part, decide, isolate=True, views=self.procedure.views):
            number, pixels = members[place], part.digests.pop(place, "")
            if isinstance(found, Failed) and found.evaluating:
                start.expect_working(found)
            yield row_of(self.ids[number], int(self.labels[number]), found, self.masks, self.regions, pixels)
        start.expect_unchanged()


def task_of(
    images: Images,
    labels: npt.ArrayLike,
    ids: Sequence[str] | None,
    masks: MaskSet,
    regions: RegionSet | str | None,
    procedure: Procedure,
) -> Task:
    """A task, if everything fits together."""
    covers = containment_for(procedure, masks, regions)
    true, names = checked_labels(labels, counted(images)), _ids(ids, len(images))
    return Task(images, true, names, masks, covers.regions, covers, procedure)


def run(
    model: object,
    images: Images,
    labels: npt.ArrayLike,
    masks: MaskSet,
    out: str | PathLike[str],
    *,
    ids: Sequence[str] | None = None,
    regions: RegionSet | str | None = None,
    procedure: Procedure | str | None = None,
    method: Method | None = None,
    threshold: float | None = None,
    rule: Rule | None = None,
    exhaustive: bool = False,
    min_margin: float | None = None,
    numerics: RequiredNumerics | None = None,
    shard: tuple[int, int] = (0, 1),
    shard_size: int = 64,
    source: dict[str, Any] | None = None,
    progress: bool = False,
    frame: tuple[str, str] | None = None,
    **options: Any,
) -> Summary:
    """Certify a data set into a folder, shard by shard; the same call goes on where it was stopped.

    Args:
        model, images, labels, masks, regions, procedure, method, threshold, rule, exhaustive, margin, numerics,
            options: As for `certify`.
        out: The folder; it holds one run. A run with another configuration is refused with the differences.
        ids: The samples' ids, all different; by default their numbers.
        shard: (i, n): do every n-th shard from the i-th on, from 0; n processes share a run.
        shard_size: Samples a shard: what is lost when a process is killed.
        source: Where model and data came from, as JSON; kept for `replay` and not compared.
        progress: Show a progress bar on stderr.
        frame: By `run_source` alone: the digest of its frame.json, and the size of these pictures.

    Returns:
        The summary of all rows that the folder now holds.

    An image that cannot be read or evaluated, or has non-finite scores, becomes a row with the verdict "error" and its
    reason; the others go on. Every row depends on its image alone, not on its neighbours.

    Raises:
        InvalidInput: another configuration, labels that do not fit, a folder that cannot be written.
        ProbeFailed, NotCovering: as for `certify`.
        RunStopped: the classifier failed on an image, and then on the first image as well, which it could score before.

    >>> import tempfile
    >>> import numpy as np
    >>> import maskcover as mc
    >>> class Dark:                                    # calls an image 1 when most of what it sees is dark
    ...     batch_size = 4
    ...     def scores(self, images, hidden):
    ...         dark = np.array([(image < 0.5)[~hide].mean() for image, hide in zip(images, hidden)])
    ...         return np.stack([1 - dark, dark], axis=1)
    >>> masks = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
    >>> with tempfile.TemporaryDirectory() as out:
    ...     run(Dark(), np.zeros((5, 12, 12)), [1] * 5, masks, out).certified
    5
    """
    pyarrow()  # a missing package is told before anything is computed
    min_margin = renamed(options, "margin", "min_margin", min_margin)
    defence = procedure_of(procedure, method, threshold, rule, exhaustive)
    task = task_of(images, labels, ids, masks, regions, defence)
    _expect_json(source)
    mine = _own(shard, shard_size, len(task.ids))
    classifier, folder = as_classifier(model, options), Folder(Path(out))

    def prepare(earlier: Earlier | None) -> tuple[PreparedRun, Config]:
        seen = Watched(images)
        wish = bits_for(defence, numerics, min_margin)
        start = prepare_run(
            classifier, seen, masks, min_margin=min_margin, numerics=wish, earlier=earlier, progress=progress
        )
        require_bits(defence, start)
        expect_matching(images, task.labels, start.evaluator.classes, names_of(classifier))
        _expect_classes(task, start.evaluator.classes)
        told = {"source": source or {}} | _chosen(images) | _example(task, seen) | _framed(frame)
        return start, _config(task, start, shard_size, told)

    start, config = _agreed(folder, prepare)
    folder.keep(masks)
    _work(folder, config, task, start, mine, progress=progress)
    return summary(out)


def summary(out: str | PathLike[str]) -> Summary:
    """The summary of the rows that a run's folder holds."""
    folder = Folder(Path(out))
    config = folder.existing()
    return Summary.of(shards(folder, config), config.count, config.chosen)


def _agreed(
    folder: Folder, prepare: Callable[[Earlier | None], tuple[PreparedRun, Config]]
) -> tuple[PreparedRun, Config]:
    """The evaluator and the configuration, which is the folder's own, or becomes it.

    A batch size, memory format and number of threads that were found by timing are part of the configuration, and so
    is a margin that took over: the process that was first decides.
    """
    known = folder.config()
    start, config = prepare(known.earlier if known else None)
    if known is None:
        known = folder.start(config)
        if known.digest != config.digest:
            start, config = prepare(known.earlier)
    expect_same(folder.path, config.like(known), known)
    note_unnamed(folder.path, config.unnamed(known))
    expect_scored(folder.path, known, start)
    return start, known


def _config(task: Task, start: PreparedRun, shard_size: int, told: dict[str, Any]) -> Config:
    return Config(
        {
            "schema": SCHEMA,
            "regions": str(task.regions),
            **task.procedure.document(),
            "numerics": start.numerics,
            "margin": repr(start.min_margin),
            "masks": task.masks.digest,
            "batch_size": start.evaluator.batch_size,
            "fingerprint": dict(start.fingerprint.entries),
            "samples": {"count": len(task.ids), "ids": digest(task.ids), "labels": digest(task.labels.tolist())},
            "shard_size": shard_size,
        }
        | told
        | reference_told(start)
        | ({"scale": repr(start.evaluator.least_scale)} if start.min_margin else {})
    )


def _chosen(images: Images) -> dict[str, Any]:
    """How the images were chosen among more, and what was left out, as a data set says it; nothing if it does not."""
    told = {"sample": getattr(images, "chosen", None), "skipped": getattr(images, "skipped", None)}
    return {name: one.document() for name, one in told.items() if one is not None}


def _example(task: Task, seen: Watched) -> dict[str, Any]:
    """The first image that could be read, by its id and the digest of its pixels; nothing if it is opaque."""
    number, pixels = next(iter(seen.digests.items()), (0, ""))
    return {"example": {"id": task.ids[number], "pixels": pixels}} if pixels else {}


def _framed(frame: tuple[str, str] | None) -> dict[str, Any]:
    """The frame.json that the run belongs to, and its part in it; nothing of a run in the frame of the input."""
    return {} if frame is None else {"frame": {"digest": frame[0], "size": frame[1]}}


def _work(
    folder: Folder, config: Config, task: Task, start: PreparedRun, numbers: Sequence[int], *, progress: bool
) -> None:
    """Make the shards that are missing."""
    parts = [config.members(number) for number in numbers]
    done = [part is not None for part in compared(folder, config, numbers, task.images)]
    ready_made = sum(len(part) for part, there in zip(parts, done, strict=True) if there)
    total = sum(map(len, parts))
    with tqdm(total=total, initial=ready_made, desc="certifying", unit="image", disable=not progress) as bar:
        certified = evaluations = 0
        for number, members, there in zip(numbers, parts, done, strict=True):
            if there:
                continue
            begin, rows = time.perf_counter(), {}
            for row in task.rows(start, members):
                rows[row.id] = row
                certified, evaluations = certified + row.certified, evaluations + row.evaluations
                rate = evaluations / (bar.format_dict["elapsed"] or 1)
                bar.set_postfix_str(f"{certified} certified, {rate:.0f} forwards/s")
                bar.update()
            in_order = tuple(rows[task.ids[number]] for number in members)
            folder.write(number, config, Shard(in_order, time.perf_counter() - begin))
    if all(folder.has(number) for number in range(config.shards)):
        folder.tidy()


@dataclass(frozen=True, slots=True)
class _Part:
    """Some of the images, each fetched when it is asked for."""

    images: Images
    members: Sequence[int]

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, number: int, /) -> Any:
        return self.images[self.members[number]]


def _ids(ids: Sequence[str] | None, count: int) -> tuple[str, ...]:
    found = tuple(map(str, range(count) if ids is None else ids))
    if len(found) != count or len(set(found)) != count:
        raise InvalidInput(
            f"expected {count} ids, all different; got {len(found)}, {len(set(found))} of them different"
        )
    odd = next((one for one in found if one.encode(errors="ignore").decode() != one), None)
    if odd is not None:
        raise InvalidInput(f"ids are texts that UTF-8 can hold; got {odd!r}: rename the file, or give ids")
    return found


def _expect_json(source: object) -> None:
    try:
        digest(source)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"source must be JSON: {error}") from error


def _expect_classes(task: Task, classes: int | None) -> None:
    """A label that the classifier does not have is told before anything is computed, not after days."""
    if classes is not None and len(task.labels) and task.labels.max() >= classes:
        worst = int(task.labels.argmax())
        raise InvalidInput(
            f"the sample {task.ids[worst]} has the label {task.labels[worst]}, but the classifier has {classes} classes"
        )


def _own(shard: tuple[int, int], shard_size: int, count: int) -> range:
    """The numbers of the shards that this process makes."""
    first, step = checked_shard(shard)
    if type(shard_size) is not int or not 1 <= shard_size <= LARGEST_SHARD:
        raise InvalidInput(f"shard_size must be a whole number from 1 to {LARGEST_SHARD:,}; got {shard_size!r}")
    return range(first, -(-count // shard_size), step)


def checked_shard(shard: tuple[int, int]) -> tuple[int, int]:
    """The part (i, n) of a run, if there is such a one."""
    try:
        first, step = map(index, shard)
        if 0 <= first < step:
            return first, step
    except (TypeError, ValueError):
        pass
    raise InvalidInput(f"shard is (i, n) with 0 <= i < n, for the i-th of n processes; got {shard!r}")
