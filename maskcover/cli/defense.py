"""The commands about classifiers: certify, predict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskcover.cli import options as o
from maskcover.cli import several
from maskcover.cli.certifying import Certification, first_labels, masks_in, watched
from maskcover.cli.geometry import Json
from maskcover.cli.output import UNDECIDED, answer, note, printable
from maskcover.cli.reading import read_claim, read_shard
from maskcover.errors import InvalidInput

if TYPE_CHECKING:
    from maskcover.defense import Answer


@o.options_of_groups
def certify(
    model: o.ModelOptions,
    data: o.DataOptions,
    numeric: o.NumericOptions,
    defence: o.DefenceOptions,
    launching: o.LauncherOptions,
    masks: o.Masks = None,
    regions: o.Regions = None,
    frame: o.Frame = "input",
    labels: o.Labels = None,
    task: o.Task = None,
    thresholds: o.Thresholds = None,
    keep_scores: o.KeepScores = False,
    rule: Annotated[
        str | None,
        typer.Option(help='With --method: "rows" by default, or "all-pairs" for the paper\'s Algorithm 2.'),
    ] = None,
    min_margin: o.MinMargin = None,
    margin: o.OldMargin = None,
    numerics: o.Numerics = None,
    at_least: o.AtLeast = None,
    outside: o.Outside = False,
    seed: o.Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Keep the run in this folder; the same command resumes it.")] = None,
    shard: Annotated[
        str | None,
        typer.Option(help="With --out: i/n is the part of process number i of n, counted from 0; such as 0/4."),
    ] = None,
    shard_size: Annotated[int, typer.Option(min=1, help="With --out: the number of images in each file.")] = 64,
    keep_tables: Annotated[
        bool,
        typer.Option(
            "--keep-tables",
            help="With --out: keep every masked prediction, so that `report` answers for other procedures too.",
        ),
    ] = False,
    reuse: Annotated[
        Path | None,
        typer.Option(
            help="With --out: an earlier run of the same model and masks; its predictions are not made again."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Certify labelled images; exit 0 when that is done, or 1 if fewer than --at-least of them are certified."""
    from maskcover.runs import RunSpec

    if out is None and (keep_tables or reuse is not None):
        raise InvalidInput("--keep-tables and --reuse are for runs; add --out RUN")
    spec = RunSpec(
        **model.source(), **data.source(), **numeric.source(), labels=None if labels is None else str(labels),
        outside=outside, seed=seed, task=task, masks=masks_in(masks, model.input_size), regions=regions, frame=frame,
        procedure=several.procedure(task, defence.text(rule), thresholds, keep_scores=keep_scores),
        min_margin=o.least_margin(min_margin, margin), numerics=numerics, shard_size=shard_size,
        keep_tables=keep_tables or keep_scores, reuse=None if reuse is None else str(reuse),
    )  # fmt: skip
    launcher = launching.chosen()
    if launcher is not None and out is None:
        raise InvalidInput("--launcher is for runs; add --out RUN")
    progress = watched(as_json=as_json)
    job = Certification(spec, read_claim(at_least), out, read_shard(shard), progress, launcher)
    outcome = job.outcome()
    answer(outcome.document, outcome.lines, as_json=as_json)
    raise typer.Exit(outcome.code)


@o.options_of_groups
def predict(
    model: o.ModelOptions,
    data: o.DataOptions,
    defence: o.DefenceOptions,
    run: Annotated[
        Path | None,
        typer.Option(help="A folder of `certify --out`: use its masks and defence, and refuse another model."),
    ] = None,
    task: o.Task = None,
    masks: o.Masks = None,
    regions: o.Regions = None,
    batch_size: o.BatchSize = None,
    outside: o.Outside = False,
    seed: o.Seed = 0,
    as_json: Json = False,
) -> None:
    """Predict labels with the defence on, as a --run certified it; exit 3 if the model gave some image no label."""
    from maskcover.cli.serving import bound, unbound
    from maskcover.runs.sources import Source

    if run is None and task == "multilabel":
        raise InvalidInput("predict several labels as a run certified them: add --run RUN, and leave --task out")
    source = Source(**model.source(), **data.source(), batch_size=batch_size, outside=outside, seed=seed, task=task)
    source = source.used_by(defence.procedure)
    progress = watched(as_json=as_json)
    if run is None:
        given = masks_in(masks, model.input_size)
        predicted = unbound(source, given, regions, defence.named(), progress=progress)
    elif masks is None and regions is None:
        predicted = bound(source, run, defence.named(), progress=progress)
    else:
        raise InvalidInput("the masks are those of --run; leave --masks and --regions out")
    named = list(zip(predicted.dataset.ids, predicted.answers, strict=True))
    rows = [
        {"id": name, "label": _shown(result), **first_labels(result), "case": result.case.value}
        | {"mask": getattr(result, "mask", None)}
        for name, result in named
    ]
    masks_used = {"masks": len(predicted.masks), "digest": predicted.masks.digest}
    document = {"images": rows} | masks_used | {"bound_to": predicted.bound_to}
    answer(document, [f"{printable(name)}: {result}" for name, result in named], as_json=as_json)
    if any(result.label < 0 for result in predicted.answers):
        note("label -1: non-finite or tied scores where the defence needed a label")
        raise typer.Exit(UNDECIDED)


def _shown(result: Answer) -> int | str | None:
    """The label of an answer; of a function of answers the text of the answer, None for an alert."""
    from maskcover.classifiers.answer_texts import answer_text

    if not hasattr(result, "value"):
        return int(result.label)
    value = result.value
    return value if isinstance(value, str | None) else answer_text(value)
