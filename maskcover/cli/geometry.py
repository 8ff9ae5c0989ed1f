"""The commands about mask sets: cover, prove, verify, show."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskcover.cli.output import REFUTED, answer
from maskcover.errors import InvalidInput
from maskcover.typed import read_sides, read_size

if TYPE_CHECKING:
    from maskcover.certificate import CoverCertificate
    from maskcover.covering import CoverReport, LowerBound
    from maskcover.masks import MaskSet

Regions = Annotated[str | None, typer.Option(help="Check these regions instead of those that the file claims.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
MaskFile = Annotated[Path, typer.Argument(help="A mask-set file, as written by `maskcover cover -o`.")]


def cover(
    regions: Annotated[str, typer.Argument(help='What the attacker may overwrite, such as "rectangles(area=0.01)".')],
    image_size: Annotated[str, typer.Option(help="Image size in pixels: 224, or 480x640 for height x width.")] = "224",
    masks: Annotated[int | None, typer.Option(help="Budget: at most this many masks.")] = None,
    evaluations: Annotated[int | None, typer.Option(help="Budget: at most this many two-mask evaluations.")] = None,
    max_mask_area: Annotated[
        str | None, typer.Option(help="Budget: no mask hides more than this, such as 4902px or 0.1 (of the image).")
    ] = None,
    grid: Annotated[str | None, typer.Option(help="The paper's set: masks along each axis, such as 6x6.")] = None,
    align: Annotated[int, typer.Option(min=1, help="Put the edges of masks at multiples of N pixels.")] = 1,
    multiplicity: Annotated[int, typer.Option(min=1, help="Require every region to lie inside at least N masks.")] = 1,
    time_limit: Annotated[
        float, typer.Option(min=0, help="Seconds to search for fewer masks, and for a proof that fewer cannot do.")
    ] = 0.0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads of the search, with numba; by default one for each core.")
    ] = None,
    start: Annotated[
        Path | None, typer.Option(help="Begin the search with the masks of this file, which must cover.")
    ] = None,
    shipped: Annotated[
        bool, typer.Option("--shipped/--no-shipped", help="Take a set that comes with maskcover if it is better.")
    ] = True,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the masks to this file.")] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="Write the masks with the evidence that they cover: NAME.cover.json.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make the cheapest mask set known to cover a region set; it is verified before it is shown."""
    from maskcover.covering import cover as make

    made = make(
        regions,
        read_size(image_size),
        masks=masks,
        evaluations=evaluations,
        max_mask_area=max_mask_area,
        grid=None if grid is None else read_sides(grid),
        align=align,
        multiplicity=multiplicity,
        time_limit=time_limit,
        workers=workers,
        start=start,
        shipped=shipped,
        progress=sys.stderr.isatty(),
    )
    if output:
        made.save(output)
    if certificate:
        _prove(made, certificate)
    count = "1 mask covers" if len(made) == 1 else f"{len(made)} masks cover"
    lines = [f"{count} {made.regions} on {made.grid}, verified", *figures(made)]
    written = [f"  written to             {path}" for path in (output, certificate) if path]
    answer(document(made), lines + written, as_json=as_json)


def prove(
    masks: MaskFile,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="Write the certificate to NAME.cover.json, or as a theorem for Coq to NAME.v."
        ),
    ],
    regions: Regions = None,
    as_json: Json = False,
) -> None:
    """Write a certificate that masks cover, which anyone can check without maskcover; exit 1 if they do not."""
    report = _report(masks, regions)
    checked = {"covers": report.covers, "witness": witness(report), **document(report.masks)}
    if not report:
        answer(checked | {"regions": str(report.regions)}, [str(report)], as_json=as_json)
        raise typer.Exit(REFUTED)
    proved = _prove(report.masks, output, str(report.regions))
    lines = [str(proved), f"  written to             {output}"]
    answer(checked | {"regions": proved.regions, "tiles": proved.tiles}, lines, as_json=as_json)


def show(
    masks: MaskFile,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Draw to this PNG; by default next to the mask file.")
    ] = None,
    regions: Regions = None,
    bound: Annotated[
        bool, typer.Option("--bound", help="Also draw the placements that prove how many masks are needed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Draw a mask set or certificate as a PNG; if it does not cover, with a region that it misses, and exit 1."""
    from maskcover.covering import verify as check
    from maskcover.plot import save

    loaded, certificate = _loaded(masks)
    report = check(loaded, regions) if regions or loaded.regions else None
    drawing = output or masks.with_suffix(".png")
    # For a certificate the stencil with most tiles is drawn.
    tiled = max(certificate.stencils, key=lambda stencil: len(stencil.tiles)) if certificate and not regions else None
    save(drawing, loaded, report, tiled, _least(loaded, report) if bound else None)
    shown = {"picture": str(drawing), "covers": None if report is None else report.covers, **document(loaded)}
    verdict = [] if report is None else [str(report)]
    answer(shown, [f"{len(loaded)} masks on {loaded.grid} drawn to {drawing}", *verdict], as_json=as_json)
    if report is not None and not report:
        raise typer.Exit(REFUTED)


def document(masks: MaskSet) -> dict[str, Any]:
    """A mask set in figures, for JSON."""
    return {
        "regions": masks.regions,
        "image_size": list(masks.grid.shape),
        "masks": len(masks),
        "evaluations": _evaluations(masks),
        "largest_hidden_area": masks.largest_hidden_area,
        "at_least": masks.optimality and masks.optimality.at_least,
        "origin": masks.optimality and masks.optimality.origin,
        "digest": masks.digest,
    }


def figures(masks: MaskSet) -> list[str]:
    """A mask set in figures, for people."""
    share = masks.largest_hidden_area / masks.grid.size
    lines = [f"  largest hidden area    {masks.largest_hidden_area:,} px ({share:.2%})"]
    if (evaluations := _evaluations(masks)) is not None:
        lines.append(f"  two-mask evaluations   {evaluations:,}")
    return lines + ([f"  optimality             {masks.optimality}"] if masks.optimality else [])


def _evaluations(masks: MaskSet) -> int | None:
    """The two-mask evaluations, unless there are too many masks to list their unions."""
    try:
        return masks.evaluations
    except InvalidInput:
        return None


def _prove(masks: MaskSet, path: Path, regions: str | None = None) -> CoverCertificate:
    from maskcover.certificate import prove as certified

    proved = certified(masks, regions)
    if path.suffix == ".v":
        from maskcover.certificate.coq import write_coq

        write_coq(path, proved)
    else:
        proved.save(path)
    return proved


def _least(masks: MaskSet, report: CoverReport | None) -> LowerBound:
    """A lower bound for masks in boxes no larger than these."""
    from maskcover.covering import lower_bound

    if report is None or not len(masks):
        raise InvalidInput("a bound needs a region set, and these masks claim none; name one with --regions")
    largest = max(mask.span.volume for mask in masks if mask)
    return lower_bound(report.regions, masks.grid, max_mask_area=largest, time_limit=0)


def _loaded(path: Path) -> tuple[MaskSet, CoverCertificate | None]:
    """A mask-set file, or the masks of a certificate."""
    from maskcover.certificate import SUFFIX, CoverCertificate
    from maskcover.masks import MaskSet

    if not path.name.endswith(SUFFIX):
        return MaskSet.load(path), None
    certificate = CoverCertificate.load(path)
    return certificate.masks, certificate


def _report(path: Path, regions: str | None) -> CoverReport:
    from maskcover.covering import verify as check

    return check(_loaded(path)[0], regions)


def witness(report: CoverReport) -> list[list[list[int]]] | None:
    """The patches of the witness, each as boxes: starts, then extents."""
    if report.witness is None:
        return None
    return [[[*box.start, *box.extents] for box in patch.boxes] for patch in report.witness]
