"""The commands about classifiers: certify, predict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskcover.cli.geometry import Json
from maskcover.cli.output import HOLDS, REFUTED, UNDECIDED, answer, note
from maskcover.cli.reading import read_model, read_numbers, read_size
from maskcover.errors import InvalidInput

if TYPE_CHECKING:
    from maskcover.defense import CertificationResult, Verdict
    from maskcover.grid import Grid
    from maskcover.masks import MaskSet
    from maskcover.runs.images import ImageFiles, Sample

Model = Annotated[str, typer.Option(help="package.module:callable: a model, or a function that returns one.")]
Data = Annotated[Path, typer.Option(help="A folder of images.")]
Masks = Annotated[Path | None, typer.Option(help="A mask-set file; by default masks are made for --regions.")]
Regions = Annotated[str | None, typer.Option(help="What the attacker may overwrite; by default what the masks claim.")]
InputSize = Annotated[str | None, typer.Option(help="The model's input: 224 or 480x640; by default the masks' size.")]
Mean = Annotated[str, typer.Option(help="Subtracted from values in [0, 1]: one number, or one a channel.")]
Std = Annotated[str, typer.Option(help="Divided by after that: one number, or one a channel.")]
Fill = Annotated[float, typer.Option(help="What hidden pixels become, after normalisation.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Images a forward pass.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first so many images.")]


def certify(
    model: Model,
    data: Annotated[Path, typer.Option(help="A folder with one subfolder of images for each class.")],
    masks: Masks = None,
    regions: Regions = None,
    labels: Annotated[Path | None, typer.Option(help="A CSV file with the columns path and label.")] = None,
    input_size: InputSize = None,
    mean: Mean = "0",
    std: Std = "1",
    fill: Fill = 0.0,
    batch_size: BatchSize = 16,
    rule: Annotated[str, typer.Option(help='"rows", or "all-pairs" for the paper\'s Algorithm 2.')] = "rows",
    margin: Annotated[float | None, typer.Option(help="A right prediction must lead by more than this share.")] = None,
    at_least: Annotated[float, typer.Option(min=0.0, max=1.0, help="The claim: this share of images certifies.")] = 1.0,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Certify labelled images; exit 1 if fewer than --at-least of them certify (by default: if any does not)."""
    import numpy as np

    from maskcover.defense import certify as run
    from maskcover.runs.images import labelled_csv, labelled_folder

    masks_used = _masks(masks, regions, input_size)
    samples = (labelled_csv(labels, data) if labels else labelled_folder(data))[:limit]
    result = run(
        read_model(model),
        _images(samples, masks_used.grid, mean, std),
        np.array([sample.label for sample in samples]),
        masks_used,
        regions=regions,
        margin=margin,
        rule=rule,  # type: ignore[arg-type]  # checked by certify, which names the rules
        progress=not as_json,
        fill=fill,
        batch_size=batch_size,
    )
    rows = [_row(sample, verdict) for sample, verdict in zip(samples, result.verdicts, strict=True)]
    answer(_document(result) | {"images": rows}, [*map(_line, rows), str(result), _frame(result)], as_json=as_json)
    raise typer.Exit(_exit_code(result, at_least))


def predict(
    model: Model,
    data: Data,
    masks: Masks = None,
    regions: Regions = None,
    input_size: InputSize = None,
    mean: Mean = "0",
    std: Std = "1",
    fill: Fill = 0.0,
    batch_size: BatchSize = 16,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Predict labels with the defence on (Algorithm 1); exit 3 if the model gave some image no label."""
    from maskcover.defense import predict as run
    from maskcover.runs.images import unlabelled_folder

    masks_used = _masks(masks, regions, input_size)
    samples = unlabelled_folder(data)[:limit]
    images = _images(samples, masks_used.grid, mean, std)
    found = run(read_model(model), images, masks_used, progress=not as_json, fill=fill, batch_size=batch_size)
    rows = [
        {"path": str(sample.path), "label": one.label, "case": one.case.value, "mask": one.mask}
        for sample, one in zip(samples, found, strict=True)
    ]
    lines = [f"{sample.path}: {one}" for sample, one in zip(samples, found, strict=True)]
    answer({"images": rows, "masks": len(masks_used), "digest": masks_used.digest}, lines, as_json=as_json)
    if any(one.label < 0 for one in found):
        note("label -1: non-finite or tied scores where the defence needed a label")
        raise typer.Exit(UNDECIDED)


def _masks(path: Path | None, regions: str | None, input_size: str | None) -> MaskSet:
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


def _images(samples: tuple[Sample, ...], grid: Grid, mean: str, std: str) -> ImageFiles:
    from maskcover.runs.images import ImageFiles, Preprocessing

    if grid.ndim != 2:
        raise InvalidInput(f"image files have two dimensions; the masks are for {grid}")
    size = grid.shape[0], grid.shape[1]
    preprocessing = Preprocessing(size, read_numbers(mean, "--mean"), read_numbers(std, "--std"))
    return ImageFiles(tuple(sample.path for sample in samples), preprocessing)


def _row(sample: Sample, verdict: Verdict) -> dict[str, Any]:
    return {
        "path": str(sample.path),
        "label": verdict.label,
        "certified": verdict.certificate.certified,
        "undefended": verdict.undefended,
        "defended": verdict.defended.label,
        "case": verdict.defended.case.value,
        "failing_pair": verdict.certificate.failing,
        "lead": verdict.lead,
        "evaluations": verdict.evaluations,
    }


def _line(row: dict[str, Any]) -> str:
    outcome = "certified" if row["certified"] else f"not certified (masks {row['failing_pair']} fail)"
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
        "rule": result.rule,
        "margin": result.margin,
        "certified": int(result.certified.sum()),
        "total": len(result),
    }


def _frame(result: CertificationResult) -> str:
    return f"Frame: the model's input of {result.masks.grid} pixels, after resizing and cropping."


def _exit_code(result: CertificationResult, at_least: float) -> int:
    """Refuted only if even the images that the classifier could not decide would not save the claim."""
    certified = int(result.certified.sum())
    undecided = int(((result.undefended < 0) | (result.defended < 0)).sum())
    if certified >= at_least * len(result):
        return HOLDS
    return REFUTED if certified + undecided < at_least * len(result) else UNDECIDED
