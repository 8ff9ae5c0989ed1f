"""Resumable runs: a data set cut into shards, each certified and written once."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy.typing as npt

from maskcover.certification.certifying import Task, checked_task, classifier_for
from maskcover.certification.multilabel import for_task
from maskcover.classifiers.evaluation import Images
from maskcover.classifiers.options import renamed
from maskcover.defense.procedure import Procedure
from maskcover.defense.procedures import Method, Rule
from maskcover.defense.texts import procedure_of
from maskcover.engine.preparation import RequiredNumerics
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover.runs.columns import pyarrow
from maskcover.runs.making import make_shards
from maskcover.runs.plans import Plan
from maskcover.runs.spec import described
from maskcover.runs.starting import Launcher, run_spec
from maskcover.runs.summaries import summary
from maskcover.runs.summary import Summary
from maskcover.runs.tasks import Defence, Subject
from maskcover.runs.working import Worker, checked_part, expect_json, work_in


def run(
    model: object,
    images: Images | str,
    labels: npt.ArrayLike | None,
    masks: MaskSet | None,
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
    launcher: Launcher | None = None,
    progress: bool = False,
    task: Task | None = None,
    thresholds: float | Sequence[float] | None = None,
    keep_scores: bool = False,
    **options: Any,
) -> Summary:
    """Certify a data set into a folder, shard by shard; the same call continues a run that was stopped.

    Any number of processes may make the same call at once, on one machine or on many that share the folder: each takes
    the shards that nobody works on, and takes over those of processes that are lost (`maskcover.runs.leases`).

    Args:
        model, images, labels, masks, regions, options: As for `certify`. Or texts: `model` as `load_classifier` reads
            it, `images` as `open_dataset` does, `labels` the path of a table or None, and `masks` may be None;
            `options` are then fields of `RunSpec`, or options of the model's adapter.
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
        launcher: Starts other processes that make the shards, such as ``mc.Ray(workers=8)``; needs the texts of model
            and images. None makes them in this process.
        progress: Show a progress bar on stderr.
        task: "labels", "answers" or "multilabel", as for `certify`; by default labels or answers, as the model is.
        thresholds, keep_scores: Only for "multilabel", as for `certify`; keep_scores is the same as keep_tables there.

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
    named = for_task(task, procedure_of(procedure, method, threshold, rule, exhaustive), thresholds, keep_scores)
    keep_tables |= keep_scores
    if launcher is not None or isinstance(model, str) or isinstance(images, str):
        spec = described(
            model, images, labels, ids=ids, source=source, masks=masks, regions=regions, procedure=named,
            min_margin=min_margin, numerics=numerics, shard_size=shard_size, keep_tables=keep_tables, reuse=reuse,
            task=task, options=options,
        )  # fmt: skip
        return run_spec(spec, out, shard=shard, launcher=launcher, progress=progress)
    if masks is None or labels is None:
        raise InvalidInput("images need labels=, and masks= such as cover(squares(size=32)); got None")
    defence = Defence(
        named, min_margin, numerics, keep_tables, shard_size, expect_json(source), progress, checked_task(task),
    )  # fmt: skip
    part = checked_part(shard, shard_size)
    subject = Subject(classifier_for(defence.task, model, options), images, labels, ids, masks, regions, reuse)
    plan = Plan({"": len(images)}, shard_size)
    make_shards(work_in(out, Worker(plan, lambda *_: subject, defence, str(out)), part), progress=progress)
    return summary(out)
