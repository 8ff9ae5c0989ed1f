"""The commands about runs: report, replay, attack."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskcover.cli.certifying import claimed, opened
from maskcover.cli.geometry import Json
from maskcover.cli.output import HOLDS, REFUTED, answer, printable
from maskcover.cli.reading import read_claim
from maskcover.errors import InvalidInput

if TYPE_CHECKING:
    from maskcover.cli.sources import Source
    from maskcover.runs import Config

Run = Annotated[Path, typer.Argument(help="A folder of `maskcover certify --out`.")]
Model = Annotated[
    str | None,
    typer.Option(
        help="A model as for certify: another than the run's, or its own again if that is package.module:name."
    ),
]
Again = Annotated[str | None, typer.Option(help="The run's own model, typed again if it is package.module:name.")]
_SHOWN, _LISTED = 10, 1000  # errors that a report names, for people and in JSON
Seed = Annotated[int, typer.Option(min=0, help="Of what is chosen.")]
Device = Annotated[
    str | None, typer.Option(help="Where to compute, as for certify; by default as the run was told to.")
]


def report(
    run: Run,
    at_least: Annotated[
        str | None, typer.Option(help="A claim: at least this fraction of the images is certified; 0.6 or 60%.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What a run amounts to, worked out from its rows: accuracies with exact intervals, cost, errors."""
    from maskcover.runs import Folder, error_rows, is_source_run, source_document, summary

    found = summary(run)
    broken = list(islice(error_rows(run), _LISTED)) if found.errors else []
    if is_source_run(run):
        document = source_document(run)
        sizes = f"{len(document['sizes'])} sizes: {', '.join(str(run / name) for name in document['sizes'])}"
        lines = [
            f"  against {document['regions']} on the source images, seen through {document['preprocessing']}",
            f"  of {sizes}",
            *_skipped(Folder(run / name).config() for name in document["sizes"]),
        ]
    else:
        config = Folder(run).existing()
        document = dict(config.document)
        lines = [
            f"  against {config.regions}, by {config.procedure.words}, numerics {config.document['numerics']}",
            f"  drawn on the model's input, after {dict(config.fingerprint.entries).get('preprocessing')}",
            f"  fingerprint {config.fingerprint.digest}",
            *_skipped([config]),
        ]
    lines += [f"  error: {printable(row.id)}: {printable(row.reason)}" for row in broken[:_SHOWN]]
    if found.errors > _SHOWN:
        lines.append(f"  and {found.errors - _SHOWN:,} errors more: the rows say which, as --json does")
    rows = [{"id": row.id, "reason": row.reason} for row in broken]
    answer(found.document() | {"error_rows": rows, "config": document}, [str(found), *lines], as_json=as_json)
    raise typer.Exit(claimed(found, read_claim(at_least)))


def replay(
    run: Run,
    sample: Annotated[int, typer.Option(min=1, help="How many rows to evaluate again.")] = 20,
    seed: Seed = 0,
    model: Model = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Evaluate some rows of a run again, on this machine, and report flips; exit 1 if there are any."""
    from maskcover.runs import Folder
    from maskcover.runs import replay as again

    source, config = _source(run, model, "replay")
    source = source.on(device)
    classifier, dataset, preprocessing = opened(source, Folder(run).masks(config))
    images = dataset.prepared(preprocessing)
    found = again(run, classifier, images, dataset.true_labels, ids=dataset.ids, sample=sample, seed=seed)
    document = {
        "rows": found.rows,
        "flips": list(map(str, found.flips)),
        "drift": found.drift,
        "differences": list(found.differences),
        "notes": list(found.notes),
        "changed_pixels": list(found.changed),
        "uncompared_pixels": found.uncompared,
    }
    answer(document, [str(found)], as_json=as_json)
    raise typer.Exit(HOLDS if found else REFUTED)


def attack(
    run: Run,
    limit: Annotated[int, typer.Option(min=1, help="At most so many images of each verdict.")] = 100,
    placements: Annotated[int, typer.Option(min=1, help="Placements tried on each image.")] = 8,
    restarts: Annotated[int, typer.Option(min=1, help="Attempts at each placement.")] = 1,
    steps: Annotated[int, typer.Option(min=1, help="Gradient steps of an attempt.")] = 40,
    seed: Seed = 0,
    model: Again = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Attack the defended model of a run, knowing all of it; exit 1 if a certified image breaks, which it must not."""
    import numpy as np

    from maskcover.certification import attack as attacked
    from maskcover.classifiers.evaluation import as_certified
    from maskcover.runs import Folder, shards
    from maskcover.runs.resuming import expect_pixels

    source, config = _source(run, model, "attack")
    if source.model != config.document["source"]["model"]:
        raise InvalidInput(f"attack is for the model that was certified, {config.document['source']['model']}")
    source = source.on(device)
    masks = Folder(run).masks(config)
    classifier, dataset, preprocessing = opened(source, masks)
    classifier = as_certified(classifier, config.earlier.entries)
    places = {name: number for number, name in enumerate(dataset.ids)}
    rows = [row for shard in shards(Folder(run), config) for row in shard.rows if row.verdict != "error"]
    chosen = [row for verdict in (True, False) for row in [one for one in rows if one.certified is verdict][:limit]]
    strange = [row.id for row in chosen if row.id not in places]
    if strange:
        raise InvalidInput(f"the run has samples that are not among the images of {source.data}, such as {strange[0]}")
    images, labels = dataset.prepared(preprocessing), dataset.true_labels
    numbers = [places[row.id] for row in chosen]
    expect_pixels(run, chosen, [images[number] for number in numbers])
    low, high = preprocessing.range
    found = attacked(
        classifier,
        [images[number] for number in numbers],
        labels[numbers],
        masks,
        regions=config.regions,
        certified=np.array([row.certified for row in chosen]),
        batch_size=config.batch_size, procedure=config.procedure,
        placements=placements, restarts=restarts, steps=steps, seed=seed, low=low, high=high,
    )  # fmt: skip
    refuted = [chosen[number].id for number in found.refutations]
    document = {"report": str(found), "attempts": found.attempts, "refuted": refuted}
    answer(
        document, [str(found), *(f"  certified, and broken: {printable(name)}" for name in refuted)], as_json=as_json
    )
    raise typer.Exit(REFUTED if refuted else HOLDS)


def _skipped(configs: Iterable[Config | None]) -> list[str]:
    """What was left out of the data, in a line; of the runs of several sizes it is the same."""
    found = next((one.skipped for one in configs if one is not None and one.skipped is not None), None)
    return [] if found is None else [f"  {found}"]


def _source(run: Path, model: str | None, command: str) -> tuple[Source, Config]:
    """Where model and data come from, and the configuration of a run."""
    from maskcover.cli.sources import Source
    from maskcover.runs import Folder, is_source_run, source_document

    if is_source_run(run):
        names = ", ".join(str(run / name) for name in source_document(run)["sizes"])
        raise InvalidInput(f"{run} holds one run for each size of picture; name one of them: {names}")
    config = Folder(run).existing()
    source = Source.of(config.document.get("source"), run)
    return source.typed_again(model, f"maskcover {command} {shlex.quote(str(run))}"), config
