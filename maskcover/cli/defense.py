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
    from maskcover.defense import CertificationResult, Verdict
    from maskcover.masks import MaskSet
    from maskcover.runs import Summary
    from maskcover.runs.images import Sample

Model = Annotated[str, typer.Option(help="package.module:callable: a model, or a function that returns one.")]
Data = Annotated[Path, typer.Option(help="A folder of images.")]
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
    data: Annotated[Path, typer.Option(help="A folder with one subfolder of images for each class.")],
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
    out: Annotated[Path | None, typer.Option(help="Keep the run in this folder; the same command resumes it.")] = None,
    shard: Annotated[
        str | None, typer.Option(help="With --out: i/n, the part of the i-th of n processes, from 0/n on.")
    ] = None,
    shard_size: Annotated[int, typer.Option(min=1, help="With --out: images written at a time.")] = 64,
    as_json: Json = False,
) -> None:
    """Certify labelled images; exit 1 if fewer than --at-least of them certify (by default: if any does not)."""
    from maskcover.cli.sources import Source, true_labels

    masks_used = masks_of(masks, regions, input_size)
    table = None if labels is None else str(labels)
    source = Source(
        model, str(data), table, mean, std, fill, batch_size, dtype, memory_format, tf32, compiled, limit
    )  # fmt: skip
    samples = source.samples()
    asked: dict[str, Any] = {
        "regions": regions,
        "method": method,
        "threshold": threshold,
        "rule": rule,
        "margin": margin,
    }
    if out is None:
        from maskcover.defense import certify as run

        result = run(
            source.load_model(), source.images(samples, masks_used.grid), true_labels(samples), masks_used,
            progress=watched(as_json=as_json), **asked, **source.options(),
        )  # fmt: skip
        rows = [_row(sample, verdict) for sample, verdict in zip(samples, result.verdicts, strict=True)]
        answer(_document(result) | {"images": rows}, [*map(_line, rows), str(result), _frame(result)], as_json=as_json)
        raise typer.Exit(_exit_code(result, at_least))

    from maskcover.runs import run as resumable

    summary = resumable(
        source.load_model(), source.images(samples, masks_used.grid), true_labels(samples), masks_used, out,
        ids=source.ids(samples), shard=read_shard(shard), shard_size=shard_size, source=source.document(),
        progress=watched(as_json=as_json), **asked, **source.options(),
    )  # fmt: skip
    answer(summary.document(), [str(summary)], as_json=as_json)
    raise typer.Exit(claimed(summary, at_least))


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
    as_json: Json = False,
) -> None:
    """Predict labels with the defence on; exit 3 if the model gave some image no label."""
    from maskcover.cli.sources import Source, image_files
    from maskcover.defense import predict as run
    from maskcover.runs.images import unlabelled_folder

    masks_used = masks_of(masks, regions, input_size)
    source = Source(model, str(data), None, mean, std, fill, batch_size)
    samples = unlabelled_folder(data)[:limit]
    images = image_files(samples, masks_used.grid, mean, std)
    asked: dict[str, Any] = {"method": method, "threshold": threshold, "progress": watched(as_json=as_json)}
    found = run(source.load_model(), images, masks_used, **asked, **source.options())
    rows = [
        {"path": str(sample.path), "label": one.label, "case": one.case.value, "mask": one.mask}
        for sample, one in zip(samples, found, strict=True)
    ]
    lines = [f"{sample.path}: {one}" for sample, one in zip(samples, found, strict=True)]
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


def _row(sample: Sample, verdict: Verdict) -> dict[str, Any]:
    return {
        "path": str(sample.path),
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
        f"{row['path']}: label {row['label']}, undefended {row['undefended']}, "
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
