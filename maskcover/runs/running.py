"""Resumable runs: a data set cut into shards, each certified and written once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import index
from os import PathLike
from pathlib import Path
from typing import Any

import numpy.typing as npt

from maskcover.canonical import digest
from maskcover.classifiers.evaluation import Images
from maskcover.classifiers.options import renamed
from maskcover.classifiers.registry import as_classifier
from maskcover.defense.procedure import Procedure
from maskcover.defense.procedures import Method, Rule
from maskcover.defense.texts import procedure_of
from maskcover.engine.preparation import RequiredNumerics
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover.runs.columns import pyarrow
from maskcover.runs.config import LARGEST_SHARD
from maskcover.runs.folder import Folder
from maskcover.runs.ledger import Ledger
from maskcover.runs.making import make_shards
from maskcover.runs.plans import Plan
from maskcover.runs.summary import Summary
from maskcover.runs.tasks import Defence, Subject
from maskcover.runs.working import Work, Worker


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
    defence = Defence(
        procedure_of(procedure, method, threshold, rule, exhaustive), min_margin, numerics, keep_tables, shard_size,
        expect_json(source), progress,
    )  # fmt: skip
    part = checked_part(shard, shard_size)
    subject = Subject(as_classifier(model, options), images, labels, ids, masks, regions, reuse)
    plan = Plan({"": len(images)}, shard_size)
    make_shards(work_in(out, Worker(plan, lambda *_: subject, defence, str(out)), part), progress=progress)
    return summary(out)


def summary(out: str | PathLike[str]) -> Summary:
    """The summary of the rows in a run's folder."""
    folder = Folder(Path(out))
    config = folder.existing()
    return Summary.of(folder.all_columns(config), config.count, config.chosen)


def work_in(out: str | PathLike[str], worker: Worker, part: tuple[int, int] = (0, 1)) -> Work:
    """The work on a run in a folder.

    Args:
        out: The folder, new or of this run.
        worker: Makes the shards.
        part: (i, n): the work on every n-th shard from the i-th on.

    Raises:
        InvalidInput: the folder holds something else, or a run of other images or regions.
    """
    ledger = Ledger.start(out, worker.plan)
    return Work(replace(worker, plan=ledger.plan), ledger, ledger.plan.keys(part))


def expect_json(source: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The source; raise `InvalidInput` if JSON cannot hold it."""
    try:
        digest(source)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"source must be JSON: {error}") from error
    return source


def checked_part(shard: tuple[int, int], shard_size: int) -> tuple[int, int]:
    """The part (i, n) of a run; raise `InvalidInput` if there is no such part, or no such size of shards."""
    try:
        first, step = map(index, shard)
    except (TypeError, ValueError):
        first, step = 0, 0
    if not 0 <= first < step:
        raise InvalidInput(f"shard must be (i, n) with 0 <= i < n, for the i-th of n processes; got {shard!r}")
    if type(shard_size) is not int or not 1 <= shard_size <= LARGEST_SHARD:
        raise InvalidInput(f"shard_size must be a whole number from 1 to {LARGEST_SHARD:,}; got {shard_size!r}")
    return first, step
