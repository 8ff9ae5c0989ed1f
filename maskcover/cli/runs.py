"""The commands about runs: report, replay, attack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskcover.cli.certifying import claimed, opened
from maskcover.cli.geometry import Json
from maskcover.cli.output import HOLDS, REFUTED, answer
from maskcover.errors import InvalidInput

if TYPE_CHECKING:
    from maskcover.cli.sources import Source
    from maskcover.runs import Config

Run = Annotated[Path, typer.Argument(help="A folder of `maskcover certify --out`.")]
Model = Annotated[str | None, typer.Option(help="Another model than the run's, as for certify.")]
Seed = Annotated[int, typer.Option(min=0, help="Of what is chosen.")]


def report(
    run: Run,
    at_least: Annotated[float, typer.Option(min=0.0, max=1.0, help="The claim: this share of images certifies.")] = 0.0,
    as_json: Json = False,
) -> None:
    """What a run amounts to, worked out from its rows: accuracies with exact intervals, cost, errors."""
    from maskcover.runs import Folder, is_source_run, source_document, summary

    found = summary(run)
    if is_source_run(run):
        document = source_document(run)
        sizes = f"{len(document['sizes'])} sizes: {', '.join(str(run / name) for name in document['sizes'])}"
        lines = [
            f"  against {document['regions']} on the source images, seen through {document['preprocessing']}",
            f"  of {sizes}",
        ]
    else:
        config = Folder(run).existing()
        document = dict(config.document)
        lines = [
            f"  against {config.document['regions']}, by {config.procedure}, numerics {config.document['numerics']}",
            f"  drawn on the model's input, after {dict(config.fingerprint.entries)['preprocessing']}",
            f"  fingerprint {config.fingerprint.digest}",
        ]
    answer(found.document() | {"config": document}, [str(found), *lines], as_json=as_json)
    raise typer.Exit(claimed(found, at_least))


def replay(
    run: Run,
    sample: Annotated[int, typer.Option(min=1, help="How many rows to evaluate again.")] = 20,
    seed: Seed = 0,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Evaluate some rows of a run again, on this machine, and report flips; exit 1 if there are any."""
    from maskcover.runs import Folder
    from maskcover.runs import replay as again

    source, config = _source(run, model)
    classifier, dataset, preprocessing = opened(source, Folder(run).masks(config))
    images = dataset.prepared(preprocessing)
    found = again(run, classifier, images, dataset.true_labels, ids=dataset.ids, sample=sample, seed=seed)
    document = {
        "rows": found.rows,
        "flips": list(map(str, found.flips)),
        "drift": found.drift,
        "differences": list(found.differences),
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
    as_json: Json = False,
) -> None:
    """Attack the defended model of a run, knowing all of it; exit 1 if a certified image breaks, which it must not."""
    import numpy as np

    from maskcover.defense import attack as attacked
    from maskcover.defense.evaluation import as_certified
    from maskcover.runs import Folder, shards

    source, config = _source(run, None)
    masks = Folder(run).masks(config)
    classifier, dataset, preprocessing = opened(source, masks)
    classifier = as_certified(classifier, config.earlier.entries)
    places = {name: number for number, name in enumerate(dataset.ids)}
    rows = [row for shard in shards(Folder(run), config) for row in shard.rows if row.verdict != "error"]
    chosen = [row for verdict in (True, False) for row in [one for one in rows if one.certified is verdict][:limit]]
    images, labels = dataset.prepared(preprocessing), dataset.true_labels
    numbers = [places[row.id] for row in chosen]
    low, high = preprocessing.range
    found = attacked(
        classifier,
        [images[number] for number in numbers],
        labels[numbers],
        masks,
        regions=config.regions,
        certified=np.array([row.certified for row in chosen]),
        batch_size=config.batch_size, method=config.procedure.method,
        placements=placements, restarts=restarts, steps=steps, seed=seed, low=low, high=high,
    )  # fmt: skip
    refuted = [chosen[number].id for number in found.refutations]
    document = {"report": str(found), "attempts": found.attempts, "refuted": refuted}
    answer(document, [str(found), *(f"  certified, and broken: {name}" for name in refuted)], as_json=as_json)
    raise typer.Exit(REFUTED if refuted else HOLDS)


def _source(run: Path, model: str | None) -> tuple[Source, Config]:
    """Where model and data come from, and the configuration of a run."""
    from dataclasses import replace

    from maskcover.cli.sources import Source
    from maskcover.runs import Folder, is_source_run, source_document

    if is_source_run(run):
        names = ", ".join(str(run / name) for name in source_document(run)["sizes"])
        raise InvalidInput(f"{run} holds one run for each size of picture; name one of them: {names}")
    config = Folder(run).existing()
    kept: dict[str, Any] = config.document["source"]
    source = Source.of(kept, run)
    return (source if model is None else replace(source, model=model, weights=None, options=())), config
