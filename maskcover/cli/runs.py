"""The commands about runs: report, replay, attack."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskcover.cli import options as o
from maskcover.cli.asking import OtherMargin, OtherProcedure, OtherRegions, OtherRule, Sizes, answer_again, sizes_of
from maskcover.cli.certifying import by_masks, claimed, opened
from maskcover.cli.geometry import Json
from maskcover.cli.output import HOLDS, REFUTED, answer, printable
from maskcover.cli.reading import read_claim
from maskcover.cli.reporting import ClassNames, Html, Images, Markdown, written_reports
from maskcover.cli.several import claimed_answers, other_figures
from maskcover.errors import InvalidInput
from maskcover.terminal import counted

if TYPE_CHECKING:
    from maskcover.runs import Config
    from maskcover.runs.sources import Source

Run = Annotated[Path, typer.Argument(help="The folder of a run, made by `maskcover certify --out`.")]
Model = Annotated[
    str | None,
    typer.Option(
        help="A model as for certify, instead of the run's own; needed if that is package.module:name, which is code."
    ),
]
Again = Annotated[
    str | None,
    typer.Option(help="The run's own model; has to be typed again if it is package.module:name, which is code."),
]
_SHOWN, _LISTED = 10, 1000  # errors that a report names, for people and in JSON
Seed = Annotated[int, typer.Option(min=0, help="Random seed for what is drawn.")]
Device = Annotated[
    str | None, typer.Option(help="Where to compute, as for certify; by default where the run computed.")
]

Data = Annotated[
    str | None, typer.Option(help="Where the images of the run lie on this machine; by default where the run had them.")
]
Labels = Annotated[str | None, typer.Option(help="Likewise, the table of labels, if the run has one.")]
Weights = Annotated[str | None, typer.Option(help="Likewise, the checkpoint of a model by name.")]


def report(
    run: Run,
    at_least: o.AtLeast = None,
    regions: OtherRegions = None,
    procedure: OtherProcedure = None,
    rule: OtherRule = None,
    min_margin: OtherMargin = None,
    sizes: Sizes = None,
    patches: Annotated[int, typer.Option(min=1, help="With --sizes: patches of that size at once.")] = 1,
    html: Html = None,
    markdown: Markdown = None,
    images: Images = None,
    classes: ClassNames = None,
    as_json: Json = False,
) -> None:
    """Summarise a run from its rows, ask it about other regions, defences or margins, or write a report."""
    from maskcover.runs import Folder, error_rows, is_source_run, open_run, source_document, summary

    claimed_fraction = read_claim(at_least)
    if patches > 1 and sizes is None:
        raise InvalidInput("--patches goes with --sizes: add --sizes squares, or leave it out")
    overview, again, notes = summary(run), dict[str, Any](), list[str]()
    several, figures = other_figures(run, regions, (procedure, rule, min_margin, sizes))
    if not several and (regions, procedure, rule, min_margin, sizes) != (None,) * 5:
        opened_run = open_run(run)
        overview, again, notes = answer_again(opened_run, regions, procedure, rule, min_margin)
        curve, curve_lines = sizes_of(opened_run, sizes, patches)
        again, notes = again | curve, [*notes, *curve_lines]
    broken = list(islice(error_rows(run), _LISTED)) if overview.errors else []
    if is_source_run(run):
        document = source_document(run)
        sizes = f"{len(document['sizes'])} sizes: {', '.join(str(run / name) for name in document['sizes'])}"
        lines = [
            f"  {_itself(notes)}against {document['regions']} on the source images, seen through "
            f"{document['preprocessing']}",
            f"  of {sizes}",
            *_skipped(Folder(run / name).config() for name in document["sizes"]),
        ]
    else:
        config = Folder(run).existing()
        document = dict(config.document)
        lines = [
            f"  {_itself(notes)}against {config.regions}, by {config.procedure.words}; {_numerics(config)}",
            f"  drawn on the model's input, after {dict(config.fingerprint.entries).get('preprocessing')}",
            f"  fingerprint {config.fingerprint.digest}",
            *([] if config.claim is None else [f"  digest of the run {config.claim}"]),
            *_skipped([config]),
        ]
    lines += [f"  error: {printable(row.id)}: {printable(row.reason)}" for row in broken[:_SHOWN]]
    if overview.errors > _SHOWN:
        lines.append(f"  and {counted(overview.errors - _SHOWN, 'error')} more: the rows name them, and so does --json")
    alone, alone_lines = ({}, []) if again else by_masks(run)
    rows = [{"id": row.id, "reason": row.reason} for row in broken]
    with_facts = as_json and overview.rows > 0
    facts, files = written_reports(
        run,
        html,
        markdown,
        images,
        classes,
        as_json=with_facts,
        other_question=bool(again) or (bool(several) and regions is not None),
    )
    answer(
        overview.document() | several | alone | again | {"error_rows": rows, "config": document} | facts,
        [str(overview), *figures, *alone_lines, *notes, *lines, *files],
        as_json=as_json,
    )
    raise typer.Exit(claimed(overview, claimed_fraction))


def replay(
    run: Run,
    sample: Annotated[int, typer.Option(min=1, help="Number of rows to evaluate again.")] = 20,
    seed: Seed = 0,
    model: Model = None,
    data: Data = None,
    labels: Labels = None,
    weights: Weights = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Evaluate some rows of a run again on this machine, and report labels that changed; exit 1 if any did."""
    from maskcover.runs import Folder
    from maskcover.runs import replay as again
    from maskcover.runs.loading import labels_of

    source, config = _source(run, model, "replay")
    source = _here(source, device, data, labels, weights)
    classifier, dataset, preprocessing = opened(source, Folder(run).masks(config))
    images = dataset.prepared(preprocessing)
    result = again(run, classifier, images, labels_of(dataset, classifier), ids=dataset.ids, sample=sample, seed=seed)
    document = {
        "rows": result.rows,
        "flips": list(map(str, result.flips)),
        "drift": result.drift,
        "differences": list(result.differences),
        "notes": list(result.notes),
        "changed_pixels": list(result.changed),
        "uncompared_pixels": result.uncompared,
    }
    answer(document, [str(result)], as_json=as_json)
    raise typer.Exit(HOLDS if result else REFUTED)


def attack(
    run: Run,
    limit: Annotated[int, typer.Option(min=1, help="Attack at most N certified images, and N others.")] = 100,
    placements: Annotated[int, typer.Option(min=1, help="Placements to try on each image.")] = 8,
    restarts: Annotated[int, typer.Option(min=1, help="Attempts at each placement.")] = 1,
    steps: Annotated[int, typer.Option(min=1, help="Gradient steps in each attempt.")] = 40,
    seed: Seed = 0,
    model: Again = None,
    data: Data = None,
    labels: Labels = None,
    weights: Weights = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Attack the defended model of a run with full knowledge of it; exit 1 if a certified image breaks (a bug)."""
    from maskcover.certification import attack as attacked
    from maskcover.classifiers.evaluation import as_certified
    from maskcover.runs import Folder, shards
    from maskcover.runs.loading import labels_of
    from maskcover.runs.resuming import expect_pixels

    source, config = _source(run, model, "attack")
    if source.model != config.document["source"]["model"]:
        raise InvalidInput(f"attack is for the model that was certified, {config.document['source']['model']}")
    if config.task == "answers":
        raise InvalidInput(
            f"attack follows gradients of scores, and {run} is a run of {config.task}, which has none; change images "
            "yourself, and give them to maskcover.defend with the certification of the run"
        )
    source = _here(source, device, data, labels, weights)
    masks = Folder(run).masks(config)
    classifier, dataset, preprocessing = opened(source, masks)
    classifier = as_certified(classifier, config.earlier.entries)
    places = {name: number for number, name in enumerate(dataset.ids)}
    rows = [row for shard in shards(Folder(run), config) for row in shard.rows if row.verdict != "error"]
    chosen = [row for verdict in (True, False) for row in [row for row in rows if row.certified is verdict][:limit]]
    unknown = [row.id for row in chosen if row.id not in places]
    if unknown:
        raise InvalidInput(f"the run has samples that are not among the images of {source.data}, such as {unknown[0]}")
    images, truth = dataset.prepared(preprocessing), labels_of(dataset, classifier)
    numbers = [places[row.id] for row in chosen]
    expect_pixels(run, chosen, [images[number] for number in numbers])
    low, high = preprocessing.range
    result = attacked(
        classifier,
        [images[number] for number in numbers],
        [truth[number] for number in numbers],
        masks,
        regions=config.regions,
        certified=claimed_answers(run, chosen),
        batch_size=config.batch_size, procedure=config.procedure,
        placements=placements, restarts=restarts, steps=steps, seed=seed, low=low, high=high,
    )  # fmt: skip
    refuted = [chosen[number].id for number in result.refutations]
    document = {"report": str(result), "attempts": result.attempts, "refuted": refuted}
    answer(
        document, [str(result), *(f"  certified, and broken: {printable(name)}" for name in refuted)], as_json=as_json
    )
    raise typer.Exit(REFUTED if refuted else HOLDS)


def _itself(notes: list[str]) -> str:
    """How the claim of the run itself begins where another question was asked as well."""
    return "the run itself: " if notes else ""


def _skipped(configs: Iterable[Config | None]) -> list[str]:
    """A line about images that were left out of the data; it is the same for the runs of all sizes."""
    skipped = next((config.skipped for config in configs if config is not None and config.skipped is not None), None)
    return [] if skipped is None else [f"  {skipped}"]


def _numerics(config: Config) -> str:
    """What the predictions of a run rest on, in words."""
    words = {"bitwise": "predictions repeat to the bit", "not probed": "numerics not probed"}
    margin = f"predictions count from a margin of {config.min_margin:g}"
    return words.get(config.document["numerics"], margin)


def _source(run: Path, model: str | None, command: str) -> tuple[Source, Config]:
    """Where model and data come from, and the configuration of a run."""
    from maskcover.runs import Folder
    from maskcover.runs.frames import expect_input_frame
    from maskcover.runs.sources import Source
    from maskcover.runs.stores import place

    expect_input_frame(run)
    config = Folder(run).existing()
    source = Source.of(config.document.get("source"), run)
    return source.typed_again(model, f"maskcover {command} {shlex.quote(str(place(run)))}"), config


def _here(source: Source, device: str | None, data: str | None, labels: str | None, weights: str | None) -> Source:
    """The source as it is found on this machine; says what to type if the images are not where the run had them."""
    from maskcover.data.opening import is_here

    source = source.on(device).relocated(data=data, labels=labels, weights=weights)
    if data is None and not is_here(source.data):
        raise InvalidInput(
            f"the images of the run are not at {source.data}, where the run had them; say where they lie on this "
            "machine: --data PATH"
        )
    return source
