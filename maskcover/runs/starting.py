"""Runs from their descriptions: the work on them in a folder, workers without one, and launchers that spread them."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Protocol, overload, runtime_checkable

from maskcover.classifiers.evaluation import names_of
from maskcover.data import for_model
from maskcover.data.several import sets_for_model
from maskcover.errors import InvalidInput, RunStopped
from maskcover.regions import parse_regions
from maskcover.runs import opened as finished
from maskcover.runs.columns import pyarrow
from maskcover.runs.loading import (
    Remarks,
    expect_subject,
    framed,
    labels_of,
    masks_for,
    new_masks,
    opened,
    pixel_masks,
    source_regions,
)
from maskcover.runs.making import make_shards
from maskcover.runs.opened_labels import is_labels_run, open_labels
from maskcover.runs.orders import Order
from maskcover.runs.plans import Plan
from maskcover.runs.source_sizes import SourceSizes
from maskcover.runs.spec import RunSpec
from maskcover.runs.statuses import status
from maskcover.runs.stores import place
from maskcover.runs.summaries import summary
from maskcover.runs.summary import Summary
from maskcover.runs.tasks import Subject
from maskcover.runs.working import Work, Worker, checked_part, work_in


@runtime_checkable
class Launcher(Protocol):
    """Protocol: starts processes that make the shards of a run, such as `maskcover.Ray`."""

    def launch(self, spec: RunSpec, out: Path, progress: bool) -> None:
        """Make all shards that are missing in a folder; returns when none is missing, or raises an error.

        Args:
            spec: The run.
            out: The folder, new or of this run.
            progress: Show a progress bar on stderr.
        """
        ...


@overload
def open_run(run: str | PathLike[str]) -> Any: ...
@overload
def open_run(run: RunSpec, out: str | PathLike[str], *, shard: tuple[int, int] = (0, 1)) -> Work: ...
def open_run(
    run: str | PathLike[str] | RunSpec, out: str | PathLike[str] | None = None, *, shard: tuple[int, int] = (0, 1)
) -> Any:
    """Open the folder of a run, to ask it again without the model; or the work on a run, to make its shards.

    Args:
        run: The folder of `run` or `run_source`, or of `maskcover certify --out`; it need not be finished. Or the
            description of a run that is started or continued.
        out: With a description, the folder.
        shard: With a description, the part (i, n): every n-th shard from the i-th on, from 0.

    Returns:
        For a folder an `OpenedRun`, which answers questions, or an `OpenedLabels` if the run is of several labels. For
        a description a `Work`: its `missing()` are the
        shards to make, `make(key)` makes one, and `write(key, shard)` puts it in place.

    Raises:
        InvalidInput: the folder holds no run, or its files are damaged; or it holds another run than the one described.

    >>> import tempfile
    >>> import numpy as np
    >>> import maskcover as mc
    >>> def brightness(images):
    ...     mean = images.mean(axis=(1, 2))
    ...     return np.stack([0.5 - mean, mean - 0.5], axis=1)
    >>> masks = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
    >>> with tempfile.TemporaryDirectory() as out:
    ...     summary = mc.run(brightness, np.ones((2, 12, 12)), [1, 0], masks, out, batch_size=4, fill=0.5)
    ...     run = mc.open_run(out)
    >>> run.certified("squares(size=2)"), run.summary(rule="all-pairs").certified
    (array([ True, False]), 1)
    """
    if isinstance(run, RunSpec):
        if out is None:
            raise InvalidInput("name the folder of the run as well, such as open_run(spec, 'RUN')")
        part = checked_part(shard, run.shard_size)
        work = work_in(out, worker(run, where=str(place(out))), part)
        work.expect_same(list(work.plan.sizes)[:1])
        return work
    if out is not None:
        raise InvalidInput("a folder is opened as it is, open_run('RUN'); only a RunSpec takes a second folder")
    return open_labels(run) if is_labels_run(run) else finished.open_run(run)


def worker(
    spec: RunSpec,
    *,
    plan: Mapping[str, Any] | None = None,
    where: str = "the order",
    progress: bool = False,
    remarks: Remarks | None = None,
) -> Worker:
    """What makes the shards of a run in this process, which need not see the folder of the run.

    Args:
        spec: The run. The model and the images are loaded.
        plan: The plan of the run, as JSON, where somebody has started it; what is loaded must have the same images.
        where: The name of the run for messages.
        progress: Show a progress bar on stderr while the model is probed.
        remarks: How loading tells its progress.

    Raises:
        InvalidInput: the model or the images cannot be loaded, or the plan is about others.
    """
    pyarrow()  # raises the error of a missing package before anything is computed
    checked_part((0, 1), spec.shard_size)
    in_frame = _in_source if spec.frame == "source" else _in_input
    own = in_frame(spec, where, progress=progress, remarks=remarks)
    return own if plan is None else own.with_plan(Plan.of(plan))


def run_spec(
    spec: RunSpec,
    out: str | PathLike[str],
    *,
    shard: tuple[int, int] = (0, 1),
    launcher: Launcher | None = None,
    progress: bool = False,
    own: Worker | None = None,
) -> Summary:
    """Run what a description says into a folder; the same call continues a run that was stopped.

    Args:
        spec: The run.
        out: The folder.
        shard: (i, n): make every n-th shard from the i-th on, from 0, and no others.
        launcher: Starts other processes that make the shards; None makes them in this process.
        progress: Show a progress bar on stderr.
        own: What makes the shards in this process; by default it is loaded.

    Raises:
        InvalidInput: as for `run`.
        RunStopped: the launcher ended before all shards were there.
    """
    part = checked_part(shard, spec.shard_size)
    if launcher is None:
        own = worker(spec, where=str(place(out)), progress=progress) if own is None else own
        make_shards(work_in(out, own, part), progress=progress)
    elif not isinstance(launcher, Launcher):
        raise InvalidInput(f"launcher is an object such as mc.Ray(workers=2), or None; got {launcher!r}")
    elif part != (0, 1):
        raise InvalidInput("a launcher hands out all shards; leave shard (--shard) out")
    else:
        launcher.launch(spec, Path(out), progress)
        look = status(out)
        if not look.complete:
            raise RunStopped(
                f"the launcher ended with {look.images_done:,} of {look.images:,} images in {look.out}; workers that "
                "take leases must see the same folder. The same command goes on"
            )
    return summary(out)


def _in_input(spec: RunSpec, where: str, *, progress: bool, remarks: Remarks | None) -> Worker:
    """The worker of a run in the frame of the model's input."""
    expect_subject(spec.masks, spec.regions)
    classifier, dataset, preprocessing = opened(spec, spec.masks, remarks=remarks)
    several = spec.task == "multilabel"
    dataset = sets_for_model(dataset, names_of(classifier)) if several else dataset
    images: Any = dataset.prepared(preprocessing)
    labels: Any = dataset.true_label_sets if several else labels_of(dataset, classifier)
    own = masks_for(spec.masks, spec.procedure, preprocessing, classifier)
    regions = framed(classifier, spec.regions, preprocessing)

    def subject(_: str, order: Order | None) -> Subject:
        masks = own if own is not None or order is None else order.masks
        masks = new_masks(classifier, spec.regions, preprocessing) if masks is None else masks
        return Subject(classifier, images, labels, dataset.ids, masks, regions, spec.reuse)

    plan = Plan({"": len(images)}, spec.shard_size)
    return Worker(plan, subject, spec.defence(progress=progress), where)


def _in_source(spec: RunSpec, where: str, *, progress: bool, remarks: Remarks | None) -> Worker:
    """The worker of a run in the frame of the source images."""
    if spec.task == "multilabel":
        raise InvalidInput("several labels are certified in the frame of the model's input; leave --frame source out")
    regions = parse_regions(source_regions(spec.regions))
    classifier, dataset, preprocessing = opened(spec, spec.masks, remarks=remarks)
    masks = pixel_masks(spec.masks, spec.procedure, preprocessing, classifier)
    dataset = for_model(dataset, names_of(classifier))
    sizes = SourceSizes(classifier, dataset, regions, preprocessing, masks, reuse=spec.reuse)
    return sizes.worker(spec.defence(progress=progress), where)
