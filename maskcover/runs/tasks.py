"""The task of a run and its parts: images and a defence, prepared with a classifier, from which shards are made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

import numpy as np

from maskcover.canonical import digest
from maskcover.cells import BoolArray, IntArray
from maskcover.certification.certifying import Task as Output
from maskcover.certification.certifying import (
    bits_for,
    bound,
    count_of,
    require_bits,
    true_labels,
)
from maskcover.certification.multilabel import label_matrix
from maskcover.classifiers.evaluation import Images, MaskedClassifier, expect_regions, names_of
from maskcover.classifiers.masked_answers import MaskedAnswers
from maskcover.covering.containment import Containment
from maskcover.data.labels import expect_matching
from maskcover.data.several import dataset_classes, expect_label_classes
from maskcover.defense.label_verdicts import certifying_labels
from maskcover.defense.multilabel import MultiLabel
from maskcover.defense.procedure import Procedure, certifying, equip
from maskcover.defense.table import Decide, Pending, PredictionTable
from maskcover.defense.verdicts import Verdict
from maskcover.engine.preparation import Earlier, PreparedRun, RequiredNumerics, prepare_run
from maskcover.engine.queue import Failed, run_queries
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover.runs.answer_rows import answers_digestible, with_answers
from maskcover.runs.binding import expect_scored, reference_entry
from maskcover.runs.config import SCHEMA, Config, Shard
from maskcover.runs.entries import choice_entries, example_entry, frame_entry, task_entry
from maskcover.runs.evidence import Evidence
from maskcover.runs.orders import Order
from maskcover.runs.pixels import Watched
from maskcover.runs.resuming import expect_same, note_unnamed, settled_in
from maskcover.runs.reusing import EarlierPredictions
from maskcover.runs.rows import Row, labels_row, row_of
from maskcover.runs.samples import SomeImages, checked_ids


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """The task of a run, whatever the classifier: images and labels, masks and regions, and the defence.

    `keep_tables` says whether rows keep all predictions; `earlier` are predictions that need not be made again. With a
    `reader` labels are the numbers of its answers; with a procedure for several labels they are bool (images, classes).
    """

    images: Images
    labels: IntArray | BoolArray
    ids: tuple[str, ...]
    masks: MaskSet
    regions: RegionSet
    covers: Containment
    procedure: Procedure
    keep_tables: bool = False
    earlier: EarlierPredictions | None = None
    reader: MaskedAnswers | None = None

    def rows(self, start: PreparedRun, members: Sequence[int]) -> Iterator[Row]:
        """The rows of some samples, in the order in which they are decided.

        Raises:
            RunStopped: the classifier fails, and these samples are not the cause.
        """
        labels = self.labels[list(members)]
        decide = self._deciding(require_bits(self.procedure, start), labels, start.min_margin)
        equip(start.evaluator, self.procedure)
        part = Watched(SomeImages(self.images, members))

        def fill(place: int, table: PredictionTable) -> None:
            if self.earlier is not None:
                self.earlier.restore(part.digests[place], table)

        for place, outcome in run_queries(
            start.evaluator, part, decide, isolate=True, views=self.procedure.views, fill=fill
        ):
            number, pixels = members[place], part.digests.pop(place, "")
            if isinstance(outcome, Failed) and outcome.evaluating:
                start.expect_working(outcome)
            yield self._row(number, outcome, pixels)
        start.expect_unchanged()

    def _deciding(self, procedure: Procedure, labels: IntArray | BoolArray, min_margin: float) -> Decide[Any]:
        if isinstance(procedure, MultiLabel):
            return certifying_labels(procedure, labels.astype(np.bool_), self.covers, keep=self.keep_tables)
        return self._keeping(procedure, labels.astype(np.int64), min_margin)

    def _row(self, number: int, outcome: Any, pixels: str) -> Row:
        """The row of a sample; of an image with several labels that of all its classes."""
        truth, name = self.labels[number], self.ids[number]
        if isinstance(self.procedure, MultiLabel):
            return labels_row(name, np.asarray(truth, dtype=np.bool_), outcome, self.masks, self.regions, pixels)
        row = row_of(name, int(truth), outcome, self.masks, self.regions, pixels)
        return row if self.reader is None else with_answers(row, self.reader.answer_of)

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
    labels: Any,
    ids: Sequence[str] | None,
    masks: MaskSet,
    regions: RegionSet | str | None,
    procedure: Procedure,
    classifier: MaskedClassifier,
    *,
    keep_tables: bool = False,
    earlier: EarlierPredictions | None = None,
) -> Task:
    """Make a task; raise an error if its parts do not fit together."""
    defence, covers = bound(procedure, masks, regions)
    count = count_of(images)
    several = isinstance(defence, MultiLabel)
    true: Any = label_matrix(labels, count, names_of(classifier)) if several else true_labels(labels, count, classifier)
    reader = classifier if isinstance(classifier, MaskedAnswers) else None
    if several and (reader is not None or earlier is not None):
        raise InvalidInput("several labels need scores of each class, made for this run; leave reuse (--reuse) out")
    if reader is not None and earlier is not None:
        raise InvalidInput("predictions of a run of answers cannot be reused; leave reuse (--reuse) out")
    own = checked_ids(ids, count)
    return Task(images, true, own, covers.masks, covers.regions, covers, defence, keep_tables, earlier, reader)


@dataclass(frozen=True, slots=True)
class Defence:
    """The arguments of a run that all sizes of image have in common.

    Args:
        procedure, min_margin, numerics, keep_tables, shard_size, progress: As for `run`.
        source: Where model and data came from, as JSON.
        task: What is certified; None is as the classifier is.
    """

    procedure: Procedure
    min_margin: float | None = None
    numerics: RequiredNumerics | None = None
    keep_tables: bool = False
    shard_size: int = 64
    source: Mapping[str, Any] | None = None
    progress: bool = False
    task: Output | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """The images of a part of a run, their masks, and the classifier.

    Args:
        classifier, images, labels, ids, masks, regions: As for `run`.
        reuse: The folder of an earlier run, if its predictions are used again.
        frame: In the frame of the source, the digest of frame.json and the size of the images.
    """

    classifier: MaskedClassifier
    images: Images
    labels: Any
    ids: Sequence[str] | None
    masks: MaskSet
    regions: RegionSet | str | None
    reuse: str | PathLike[str] | None = None
    frame: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part of a run that is ready: its shards can be made, and nothing is written.

    Args:
        task: Images and defence.
        start: The classifier with the masks, probed.
        config: The configuration, that of the order if there was one.
    """

    task: Task
    start: PreparedRun
    config: Config

    @classmethod
    def of(cls, subject: Subject, defence: Defence, order: Order | None, where: str) -> Part:
        """Prepare a part; with an order everything must be as it says.

        The batch size, memory format and number of threads found by timing, and a margin that replaced bits, are part
        of the configuration: they are those of the order, which the first process of a run makes.

        Args:
            subject, defence: What is certified, and how.
            order: The order of the run; None for a run that this process starts.
            where: The name of the run for messages.

        Raises:
            InvalidInput: model, masks, images, labels or options are not those of the order; the message names the
                differences, and both fingerprints if these differ.
        """
        task = _task(subject, defence, order)
        part = cls(task, *_prepared(task, subject, defence, None if order is None else order.config.earlier))
        return part if order is None else part.agreed(order.config, where)

    def agreed(self, kept: Config, where: str) -> Part:
        """The same part under the configuration of a run that was started elsewhere.

        Raises:
            InvalidInput: that is another configuration.
        """
        expect_same(where, self.config.like(kept), kept)
        note_unnamed(where, self.config.unnamed(kept))
        expect_scored(where, kept, self.start)
        return replace(self, config=kept)

    @property
    def order(self) -> Order:
        """The order for other processes that make shards of this part."""
        return Order(self.config, self.task.masks)

    def make(self, number: int, watch: Callable[[Row], object] | None = None) -> Shard:
        """The rows of a shard.

        Args:
            number: The number of the shard.
            watch: Called with each row as soon as it is decided.

        Raises:
            RunStopped: the classifier fails, and these samples are not the cause.
            ProbeFailed: the classifier changed meanwhile.
        """
        return dict(self.make_all([number], watch))[number]

    def make_all(
        self, numbers: Sequence[int], watch: Callable[[Row], object] | None = None
    ) -> Iterator[tuple[int, Shard]]:
        """The rows of several shards, each shard with its number as soon as its last row is decided.

        Batches are filled from all of them, so only the last ones are not full.

        Args:
            numbers: The numbers of the shards.
            watch: Called with each row as soon as it is decided.

        Raises:
            RunStopped, ProbeFailed: as for `make`; shards that were given before are sound.
        """
        odd = [number for number in numbers if not 0 <= number < self.config.shards]
        if odd:
            raise InvalidInput(f"the run has the shards 0 to {self.config.shards - 1}; got {odd[0]}")
        begin, rows, waiting = time.perf_counter(), dict[str, Row](), list(numbers)
        names = {number: [self.task.ids[member] for member in self.config.members(number)] for number in numbers}
        for row in self.task.rows(self.start, [member for number in numbers for member in self.config.members(number)]):
            rows[row.id] = row
            if watch is not None:
                watch(row)
            whole = [number for number in waiting if rows.keys() >= set(names[number])] if len(waiting) > 1 else []
            for number in whole:
                self.start.expect_unchanged()
                waiting.remove(number)
                yield number, self._shard(number, [rows.pop(name) for name in names[number]], begin)
                begin = time.perf_counter()
        for number in waiting:
            yield number, self._shard(number, [rows.pop(name) for name in names[number]], begin)

    def _shard(self, number: int, rows: Sequence[Row], begin: float) -> Shard:
        seconds = time.perf_counter() - begin
        return Shard(tuple(rows), seconds, (number, self.config.claim or self.config.digest))


def _task(subject: Subject, defence: Defence, order: Order | None) -> Task:
    """The task of a part, with the first round of the order if the procedure leaves it open."""
    procedure, masks = settled_in(
        order, defence.procedure, subject.classifier, subject.images, subject.masks, subject.regions
    )
    before = None if subject.reuse is None else EarlierPredictions.of(subject.reuse, masks, procedure)
    return task_of(
        subject.images, subject.labels, subject.ids, masks, subject.regions, procedure, subject.classifier,
        keep_tables=defence.keep_tables, earlier=before,
    )  # fmt: skip


def _prepared(task: Task, subject: Subject, defence: Defence, earlier: Earlier | None) -> tuple[PreparedRun, Config]:
    """The probed classifier and the configuration, in the settings of an earlier process if there was one."""
    images_read, before, margin = Watched(task.images), task.earlier, defence.min_margin
    required = bits_for(task.procedure, defence.numerics, margin)
    if earlier is None and before is not None:
        earlier, margin = before.config.earlier, before.least_margin(margin)
    start = prepare_run(
        subject.classifier, images_read, task.masks, min_margin=margin, numerics=required, earlier=earlier,
        progress=defence.progress,
    )  # fmt: skip
    require_bits(task.procedure, start)
    expect_regions(subject.classifier, task.covers.regions, start.example)
    if before is not None:
        before.expect_same(start)
    _expect_classes(task, start, names_of(subject.classifier))
    size = {} if subject.frame is None else {"size": subject.frame[1]}
    about = {"source": dict(defence.source or {}) | size} | choice_entries(task.images)
    about |= example_entry(task.ids, images_read) | task_entry(defence.task, subject.classifier)
    about |= _class_names(task, subject.classifier) | frame_entry(subject.frame)
    return start, _config(task, start, defence.shard_size, about)


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
            "samples": {"count": len(task.ids), "ids": digest(task.ids), "labels": digest(_plain_labels(task))},
            "shard_size": shard_size,
        }
        | about_images
        | ({"keep_tables": True} if task.keep_tables else {})
        | ({"reused": task.earlier.config.claim or task.earlier.config.digest} if task.earlier else {})
        | reference_entry(start)
        | ({"scale": repr(start.evaluator.least_scale)} if start.min_margin else {})
    )


def _plain_labels(task: Task) -> list[int] | list[str]:
    """The true labels for a digest: class numbers, or the texts of answers, which are the same in every process."""
    return task.labels.tolist() if task.reader is None else answers_digestible(task.labels, task.reader.answer_of)


def _class_names(task: Task, classifier: MaskedClassifier) -> dict[str, Any]:
    """The entry with the names of the classes of several labels, as the model has them, else as the data."""
    if not isinstance(task.procedure, MultiLabel):
        return {}
    names = names_of(classifier) or dataset_classes(task.images)
    return {} if names is None else {"classes": list(names)}


def _expect_classes(task: Task, start: PreparedRun, names: Sequence[str] | None) -> None:
    """Raise `InvalidInput` for labels that the classifier does not have, before anything is computed."""
    classes, labels = start.evaluator.classes, task.labels
    if isinstance(task.procedure, MultiLabel):
        expect_label_classes(task.images, labels.astype(np.bool_), classes, names)
        return
    expect_matching(task.images, labels.astype(np.int64), classes, names)
    if classes is not None and len(labels) and labels.max() >= classes:
        worst = int(labels.argmax())
        raise InvalidInput(
            f"the sample {task.ids[worst]} has the label {labels[worst]}, but the classifier has {classes} classes"
        )
