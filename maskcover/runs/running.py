"""Resumable runs: a data set cut into shards, each certified and written once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import index
from os import PathLike
from pathlib import Path
from typing import Any

import numpy.typing as npt

from maskcover.canonical import digest
from maskcover.cells import IntArray
from maskcover.certification.certifying import bits_for, bound, checked_labels, count_of, require_bits
from maskcover.classifiers.evaluation import Images, expect_regions, names_of
from maskcover.classifiers.options import renamed
from maskcover.classifiers.registry import as_classifier
from maskcover.covering.containment import Containment
from maskcover.data.labels import expect_matching
from maskcover.defense.procedure import Procedure, certifying, equip
from maskcover.defense.procedures import Method, Rule
from maskcover.defense.table import Decide, Pending, PredictionTable
from maskcover.defense.texts import procedure_of
from maskcover.defense.verdicts import Verdict
from maskcover.engine.preparation import Earlier, PreparedRun, RequiredNumerics, prepare_run
from maskcover.engine.queue import Failed, run_queries
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover.runs.binding import expect_scored, reference_entry
from maskcover.runs.columns import pyarrow
from maskcover.runs.evidence import Evidence
from maskcover.runs.folder import LARGEST_SHARD, SCHEMA, Config, Folder
from maskcover.runs.pixels import Watched
from maskcover.runs.resuming import expect_same, note_unnamed, settled_in
from maskcover.runs.reusing import EarlierPredictions
from maskcover.runs.rows import Row, row_of
from maskcover.runs.shards import Work, make_shards
from maskcover.runs.summary import Summary


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """The task of a run, whatever the classifier: images and labels, masks and regions, and the defence.

    `keep_tables` says whether rows keep all predictions; `earlier` are predictions that need not be made again.
    """

    images: Images
    labels: IntArray
    ids: tuple[str, ...]
    masks: MaskSet
    regions: RegionSet
    covers: Containment
    procedure: Procedure
    keep_tables: bool = False
    earlier: EarlierPredictions | None = None

    def rows(self, start: PreparedRun, members: Sequence[int]) -> Iterator[Row]:
        """The rows of some samples, in the order in which they are decided.

        Raises:
            RunStopped: the classifier fails, and these samples are not the cause.
        """
        labels = self.labels[list(members)]
        decide = self._keeping(require_bits(self.procedure, start), labels, start.min_margin)
        equip(start.evaluator, self.procedure)
        part = Watched(_Part(self.images, members))

        def fill(place: int, table: PredictionTable) -> None:
            if self.earlier is not None:
                self.earlier.restore(part.digests[place], table)

        for place, outcome in run_queries(
            start.evaluator, part, decide, isolate=True, views=self.procedure.views, fill=fill
        ):
            number, pixels = members[place], part.digests.pop(place, "")
            if isinstance(outcome, Failed) and outcome.evaluating:
                start.expect_working(outcome)
            yield row_of(self.ids[number], int(self.labels[number]), outcome, self.masks, self.regions, pixels)
        start.expect_unchanged()

    def _keeping(
        self, procedure: Procedure, labels: IntArray, min_margin: float
    ) -> Decide[tuple[Verdict, Evidence | None]]:
        """The verdicts of the defence, each with the evidence for its row."""
        decide = certifying(procedure, labels, self.covers, min_margin)
        first_rounds = procedure.first_rounds(self.masks)

        def keep(number: int, table: PredictionTable) -> tuple[Verdict, Evidence | None] | Pending:
            verdict = decide(number, table)
            if isinstance(verdict, Pending):
                return verdict
            return verdict, Evidence.of(
                table, verdict.label, min_margin, first_rounds=first_rounds, whole_table=self.keep_tables
            )

        return keep


def task_of(
    images: Images,
    labels: npt.ArrayLike,
    ids: Sequence[str] | None,
    masks: MaskSet,
    regions: RegionSet | str | None,
    procedure: Procedure,
    *,
    keep_tables: bool = False,
    earlier: EarlierPredictions | None = None,
) -> Task:
    """Make a task; raise an error if its parts do not fit together."""
    defence, covers = bound(procedure, masks, regions)
    true, names = checked_labels(labels, count_of(images)), _ids(ids, len(images))
    return Task(images, true, names, covers.masks, covers.regions, covers, defence, keep_tables, earlier)


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
    keep_tables: bool = False,
    reuse: str | PathLike[str] | None = None,
    source: dict[str, Any] | None = None,
    progress: bool = False,
    frame: tuple[str, str] | None = None,
    **options: Any,
) -> Summary:
    """Certify a data set into a folder, shard by shard; the same call continues a run that was stopped.

    Any number of processes may make the same call at once, on one machine or on many that share the folder: each takes
    the shards that nobody works on, and takes over those of processes that are lost (`maskcover.runs.leases`).

    Args:
        model, images, labels, masks, regions, options: As for `certify`.
        procedure, method, threshold, rule, exhaustive, min_margin, numerics: As for `certify`.
        out: The folder; it holds one run. A run with another configuration is refused with the differences.
        ids: The samples' ids, all different; by default their numbers.
        shard: (i, n): make every n-th shard from the i-th on, from 0, and no others.
        shard_size: Samples in a shard. A process that is killed loses at most this many.
        keep_tables: Keep every prediction that was made, so that the run can be asked about other procedures, rules
            and margins too; by default only those that decide (see `maskcover.open_run`).
        reuse: The folder of an earlier run of the same model with the same masks: predictions that it kept are not
            made again. Images are recognised by their pixels.
        source: Where model and data came from, as JSON; kept for `replay` and not compared.
        progress: Show a progress bar on stderr.
        frame: Only for `run_source`: the digest of its frame.json, and the size of these images.

    Returns:
        The summary of all rows in the folder.

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
    pyarrow()  # raises the error of a missing package before anything is computed
    min_margin = renamed(options, "margin", "min_margin", min_margin)
    defence = procedure_of(procedure, method, threshold, rule, exhaustive)
    classifier, folder = as_classifier(model, options), Folder(Path(out))
    defence, masks = settled_in(folder, defence, classifier, images, masks, regions)
    before = None if reuse is None else EarlierPredictions.of(reuse, masks, defence)
    task = task_of(images, labels, ids, masks, regions, defence, keep_tables=keep_tables, earlier=before)
    _expect_json(source)
    mine = _own(shard, shard_size, len(task.ids))

    def prepare(earlier: Earlier | None) -> tuple[PreparedRun, Config]:
        images_read = Watched(images)
        required, margin = bits_for(defence, numerics, min_margin), min_margin
        if earlier is None and before is not None:
            earlier, margin = before.config.earlier, before.least_margin(min_margin)
        start = prepare_run(
            classifier, images_read, task.masks, min_margin=margin, numerics=required, earlier=earlier,
            progress=progress,
        )  # fmt: skip
        require_bits(defence, start)
        expect_regions(classifier, task.covers.regions, start.example)
        if before is not None:
            before.expect_same(start)
        expect_matching(images, task.labels, start.evaluator.classes, names_of(classifier))
        _expect_classes(task, start.evaluator.classes)
        about_images = {"source": source or {}} | _chosen(images) | _example(task, images_read) | _framed(frame)
        return start, _config(task, start, shard_size, about_images)

    start, config = _agreed(folder, prepare)
    folder.keep(task.masks)
    work = Work(task.ids, task.images, partial(task.rows, start))
    make_shards(folder, config, work, mine, progress=progress)
    return summary(out)


def summary(out: str | PathLike[str]) -> Summary:
    """The summary of the rows in a run's folder."""
    folder = Folder(Path(out))
    config = folder.existing()
    return Summary.of(folder.all_columns(config), config.count, config.chosen)


def _agreed(
    folder: Folder, prepare: Callable[[Earlier | None], tuple[PreparedRun, Config]]
) -> tuple[PreparedRun, Config]:
    """The prepared run and the configuration of the folder, which this process writes if it is the first.

    The batch size, memory format and number of threads found by timing, and a margin that replaced bits, are part of
    the configuration: they are fixed by the first process to write run.json.
    """
    kept = folder.config()
    start, config = prepare(kept.earlier if kept else None)
    if kept is None:
        kept = folder.start(config)
        if kept.digest != config.digest:
            start, config = prepare(kept.earlier)
    expect_same(folder.path, config.like(kept), kept)
    note_unnamed(folder.path, config.unnamed(kept))
    expect_scored(folder.path, kept, start)
    return start, kept


def _config(task: Task, start: PreparedRun, shard_size: int, about_images: dict[str, Any]) -> Config:
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
        | about_images
        | ({"keep_tables": True} if task.keep_tables else {})
        | ({"reused": task.earlier.config.claim or task.earlier.config.digest} if task.earlier else {})
        | reference_entry(start)
        | ({"scale": repr(start.evaluator.least_scale)} if start.min_margin else {})
    )


def _chosen(images: Images) -> dict[str, Any]:
    """How a data set declares that its images were chosen among more, and which were left out; empty if it does not."""
    choices = {"sample": getattr(images, "chosen", None), "skipped": getattr(images, "skipped", None)}
    return {name: choice.document() for name, choice in choices.items() if choice is not None}


def _example(task: Task, images_read: Watched) -> dict[str, Any]:
    """The first image that could be read, by its id and the digest of its pixels; empty if it has no digest."""
    number, pixels = next(iter(images_read.digests.items()), (0, ""))
    return {"example": {"id": task.ids[number], "pixels": pixels}} if pixels else {}


def _framed(frame: tuple[str, str] | None) -> dict[str, Any]:
    """The frame.json of the run, and its size group; empty for a run in the frame of the input."""
    return {} if frame is None else {"frame": {"digest": frame[0], "size": frame[1]}}


@dataclass(frozen=True, slots=True)
class _Part:
    """Some of the images, each fetched when it is needed."""

    images: Images
    members: Sequence[int]

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, number: int, /) -> Any:
        return self.images[self.members[number]]


def _ids(ids: Sequence[str] | None, count: int) -> tuple[str, ...]:
    names = tuple(map(str, range(count) if ids is None else ids))
    if len(names) != count or len(set(names)) != count:
        raise InvalidInput(
            f"expected {count} ids, all different; got {len(names)}, {len(set(names))} of them different"
        )
    odd = next((name for name in names if name.encode(errors="ignore").decode() != name), None)
    if odd is not None:
        raise InvalidInput(f"ids must be texts that UTF-8 can encode; got {odd!r}: rename the file, or give ids=")
    return names


def _expect_json(source: object) -> None:
    try:
        digest(source)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"source must be JSON: {error}") from error


def _expect_classes(task: Task, classes: int | None) -> None:
    """Raise `InvalidInput` for a label that the classifier does not have, before anything is computed."""
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
    """The part (i, n) of a run; raise `InvalidInput` if there is no such part."""
    try:
        first, step = map(index, shard)
        if 0 <= first < step:
            return first, step
    except (TypeError, ValueError):
        pass
    raise InvalidInput(f"shard must be (i, n) with 0 <= i < n, for the i-th of n processes; got {shard!r}")
