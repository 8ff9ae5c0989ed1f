"""The commands about classifiers: certify, predict."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskcover.cli.geometry import Json
from maskcover.cli.output import HOLDS, REFUTED, UNDECIDED, answer, note
from maskcover.cli.reading import read_shard, read_size
from maskcover.errors import InvalidInput

if TYPE_CHECKING:
    from maskcover.cli.sources import Source
    from maskcover.data import Chosen, Dataset
    from maskcover.defense import CertificationResult, Verdict
    from maskcover.masks import MaskSet
    from maskcover.runs import Summary

Model = Annotated[str, typer.Option(help="package.module:callable: a model, or a function that returns one.")]
Data = Annotated[
    str,
    typer.Option(
        help="Pictures: a folder (for labels with a subfolder for each class), a .csv or .npz file, a folder of CIFAR, "
        "MNIST, of Hugging Face's save_to_disk, tar shards; or FORMAT:PATH, with folder, csv, npz, cifar10, cifar100, "
        "idx, hf or wds."
    ),
]
Split = Annotated[str | None, typer.Option(help="Which part: train, val, test; what --data has.")]
Classes = Annotated[
    str | None, typer.Option(help="The model's classes: how many, or a file with their names or wnids in order.")
]
Sample = Annotated[int | None, typer.Option(min=1, help="Only so many images, chosen by --seed.")]
Seed = Annotated[int, typer.Option(min=0, help="Of --sample.")]
Masks = Annotated[Path | None, typer.Option(help="A mask-set file; by default masks are made for --regions.")]
Regions = Annotated[str | None, typer.Option(help="What the attacker may overwrite; by default what the masks claim.")]
InputSize = Annotated[str | None, typer.Option(help="The model's input: 224 or 480x640; by default the masks' size.")]
Mean = Annotated[str, typer.Option(help="Subtracted from values in [0, 1]: one number, or one a channel.")]
Std = Annotated[str, typer.Option(help="Divided by after that: one number, or one a channel.")]
Fill = Annotated[float | None, typer.Option(help="What hidden pixels become, after normalisation; 0 by default.")]
BatchSize = Annotated[int | None, typer.Option(min=1, help="Images a forward pass; by default found by a short probe.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first so many images.")]
Method = Annotated[str, typer.Option(help='"double" masking, "challenger" masking, or "detect" at a --threshold.')]
Threshold = Annotated[float | None, typer.Option(help="Confidence from which a mask that disagrees raises an alert.")]
Dtype = Annotated[str | None, typer.Option(help="float32, bfloat16 or float16; by default that of the model.")]
MemoryFormat = Annotated[str | None, typer.Option(help="contiguous or channels_last; by default that of the model.")]
Tf32 = Annotated[bool, typer.Option("--tf32", help="A GPU may compute float32 with 10 bits.")]
Compiled = Annotated[bool, typer.Option("--compile", help="Let the framework compile the model.")]


def certify(
    model: Model,
    data: Data,
    masks: Masks = None,
    regions: Regions = None,
    labels: Annotated[Path | None, typer.Option(help="A CSV file with the columns path and label.")] = None,
    input_size: InputSize = None,
    mean: Mean = "0",
    std: Std = "1",
    fill: Fill = None,
    batch_size: BatchSize = None,
    dtype: Dtype = None,
    memory_format: MemoryFormat = None,
    tf32: Tf32 = False,
    compiled: Compiled = False,
    method: Method = "double",
    threshold: Threshold = None,
    rule: Annotated[str, typer.Option(help='"rows", or "all-pairs" for the paper\'s Algorithm 2.')] = "rows",
    margin: Annotated[
        float | None, typer.Option(help="A right prediction must lead by more than this share; by default bits decide.")
    ] = None,
    at_least: Annotated[float, typer.Option(min=0.0, max=1.0, help="The claim: this share of images certifies.")] = 1.0,
    limit: Limit = None,
    split: Split = None,
    classes: Classes = None,
    sample: Sample = None,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Keep the run in this folder; the same command resumes it.")] = None,
    shard: Annotated[
        str | None, typer.Option(help="With --out: i/n, the part of the i-th of n processes, from 0/n on.")
    ] = None,
    shard_size: Annotated[int, typer.Option(min=1, help="With --out: images written at a time.")] = 64,
    as_json: Json = False,
) -> None:
    """Certify labelled images; exit 1 if fewer than --at-least of them certify (by default: if any does not)."""
    from maskcover.cli.sources import Source

    masks_used = masks_of(masks, regions, input_size)
    table = None if labels is None else str(labels)
    source = Source(
        model, data, table, mean, std, fill, batch_size, dtype, memory_format, tf32, compiled, limit, split, classes,
        sample, seed,
    )  # fmt: skip
    dataset = source.dataset()
    asked: dict[str, Any] = {
        "regions": regions, "method": method, "threshold": threshold, "rule": rule, "margin": margin,
    }  # fmt: skip
    if out is None:
        raise typer.Exit(_exit_code(_at_once(source, dataset, masks_used, asked, as_json=as_json), at_least))

    from maskcover.runs import run

    summary = run(
        source.load_model(), source.images(dataset, masks_used.grid), dataset.true_labels, masks_used, out,
        ids=dataset.ids, shard=read_shard(shard), shard_size=shard_size, source=source.document(),
        progress=watched(as_json=as_json), **asked, **source.options(),
    )  # fmt: skip
    answer(summary.document(), [str(summary)], as_json=as_json)
    raise typer.Exit(claimed(summary, at_least))


def _at_once(
    source: Source, dataset: Dataset, masks: MaskSet, asked: dict[str, Any], *, as_json: bool
) -> CertificationResult:
    """Certify without a folder, and print what comes out."""
    from maskcover.defense import certify

    result = certify(
        source.load_model(), source.images(dataset, masks.grid), dataset.true_labels, masks,
        progress=watched(as_json=as_json), **asked, **source.options(),
    )  # fmt: skip
    rows = [_row(name, verdict) for name, verdict in zip(dataset.ids, result.verdicts, strict=True)]
    document = _document(result) | {"data": dataset.source, "sample": _sample(dataset.chosen), "images": rows}
    answer(document, [*map(_line, rows), *_told(dataset.chosen), str(result), _frame(result)], as_json=as_json)
    return result


def predict(
    model: Model,
    data: Data,
    masks: Masks = None,
    regions: Regions = None,
    input_size: InputSize = None,
    mean: Mean = "0",
    std: Std = "1",
    fill: Fill = None,
    batch_size: BatchSize = None,
    method: Method = "double",
    threshold: Threshold = None,
    limit: Limit = None,
    split: Split = None,
    classes: Classes = None,
    sample: Sample = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Predict labels with the defence on; exit 3 if the model gave some image no label."""
    from maskcover.cli.sources import Source
    from maskcover.defense import predict as run

    masks_used = masks_of(masks, regions, input_size)
    source = Source(
        model, data, None, mean, std, fill, batch_size, limit=limit, split=split,
        classes=classes, sample=sample, seed=seed
    )  # fmt: skip
    dataset = source.dataset()
    images = source.images(dataset, masks_used.grid)
    asked: dict[str, Any] = {"method": method, "threshold": threshold, "progress": watched(as_json=as_json)}
    found = run(source.load_model(), images, masks_used, **asked, **source.options())
    rows = [
        {"id": name, "label": one.label, "case": one.case.value, "mask": one.mask}
        for name, one in zip(dataset.ids, found, strict=True)
    ]
    lines = [f"{name}: {one}" for name, one in zip(dataset.ids, found, strict=True)]
    answer({"images": rows, "masks": len(masks_used), "digest": masks_used.digest}, lines, as_json=as_json)
    if any(one.label < 0 for one in found):
        note("label -1: non-finite or tied scores where the defence needed a label")
        raise typer.Exit(UNDECIDED)


def masks_of(path: Path | None, regions: str | None, input_size: str | None) -> MaskSet:
    """The masks of a file, or those made for the regions."""
    from maskcover.covering import cover
    from maskcover.grid import Grid
    from maskcover.masks import MaskSet

    if path is None:
        if regions is None:
            raise InvalidInput('name the masks with --masks FILE, or the regions, such as --regions "squares(size=32)"')
        return cover(regions, read_size(input_size or "224"))
    masks = MaskSet.load(path)
    if input_size is not None and Grid.of(read_size(input_size)) != masks.grid:
        raise InvalidInput(f"{path} holds masks for {masks.grid}, but --input-size is {input_size}; they must agree")
    return masks


def _sample(chosen: Chosen | None) -> dict[str, Any] | None:
    return None if chosen is None else chosen.document()


def _told(chosen: Chosen | None) -> list[str]:
    return [] if chosen is None else [f"Only {chosen} images:"]


def _row(name: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "id": name,
        "label": verdict.label,
        "certified": verdict.certificate.certified,
        "error": verdict.error,
        "undefended": verdict.undefended,
        "defended": verdict.answer,
        "case": verdict.defended.case.value,
        "failing_pair": verdict.certificate.failing,
        "lead": verdict.lead,
        "evaluations": verdict.evaluations,
    }


def _line(row: dict[str, Any]) -> str:
    outcome = "certified" if row["certified"] else row["error"] or f"not certified (masks {row['failing_pair']} fail)"
    return (
        f"{row['id']}: label {row['label']}, undefended {row['undefended']}, "
        f"defended {row['defended']} ({row['case']}), {outcome}"
    )


def _document(result: CertificationResult) -> dict[str, Any]:
    return {
        "claim": str(result),
        "frame": "input",
        "regions": str(result.regions),
        "image_size": list(result.masks.grid.shape),
        "masks": len(result.masks),
        "digest": result.masks.digest,
        "method": result.procedure.method,
        "threshold": result.procedure.threshold,
        "rule": result.rule,
        "numerics": result.numerics,
        "margin": result.margin,
        "probes_skipped": list(result.start.probes.skipped),
        "fingerprint": dict(result.fingerprint.entries),
        "certified": int(result.certified.sum()),
        "total": len(result),
    }


def _frame(result: CertificationResult) -> str:
    return f"Frame: the model's input of {result.masks.grid} pixels, after resizing and cropping."


def _exit_code(result: CertificationResult, at_least: float) -> int:
    undecided = int(((result.undefended < 0) | (result.defended < 0)).sum())
    return claim(int(result.certified.sum()), undecided, len(result), at_least)


def watched(*, as_json: bool) -> bool:
    """Whether somebody looks at a progress bar: a terminal, and nobody who asked for JSON."""
    return sys.stderr.isatty() and not as_json


def claimed(summary: Summary, at_least: float) -> int:
    """The exit code of a run; what is not done yet, and errors, are undecided."""
    undecided = summary.errors + summary.total - summary.rows
    return claim(summary.certified, undecided, summary.total, at_least)


def claim(certified: int, undecided: int, total: int, at_least: float) -> int:
    """Refuted only if even the images that could not be decided would not save the claim."""
    if certified >= at_least * total:
        return HOLDS
    return REFUTED if certified + undecided < at_least * total else UNDECIDED
