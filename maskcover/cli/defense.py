"""The commands about classifiers: certify, predict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskcover.cli import options as o
from maskcover.cli.certifying import Asked, masks_in, watched
from maskcover.cli.geometry import Json
from maskcover.cli.output import UNDECIDED, answer, note, printable
from maskcover.cli.reading import read_claim, read_shard
from maskcover.errors import InvalidInput


def certify(
    model: o.Model,
    data: o.Data,
    masks: o.Masks = None,
    regions: o.Regions = None,
    frame: o.Frame = "input",
    labels: o.Labels = None,
    weights: o.Weights = None,
    option: o.Options = None,
    device: o.Device = None,
    input_size: o.InputSize = None,
    mean: o.Mean = None,
    std: o.Std = None,
    channels: o.Channels = None,
    override: o.Override = False,
    fill: o.Fill = None,
    batch_size: o.BatchSize = None,
    dtype: o.Dtype = None,
    memory_format: o.MemoryFormat = None,
    tf32: o.Tf32 = False,
    compiled: o.Compiled = False,
    method: o.Method = "double",
    threshold: o.Threshold = None,
    rule: Annotated[str, typer.Option(help='"rows", or "all-pairs" for the paper\'s Algorithm 2.')] = "rows",
    min_margin: o.MinMargin = None,
    numerics: o.Numerics = None,
    at_least: Annotated[
        str | None, typer.Option(help="A claim: at least this fraction of the images is certified; 0.6 or 60%.")
    ] = None,
    limit: o.Limit = None,
    split: o.Split = None,
    classes: o.Classes = None,
    outside: o.Outside = False,
    sample: o.Sample = None,
    seed: o.Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Keep the run in this folder; the same command resumes it.")] = None,
    shard: Annotated[
        str | None, typer.Option(help="With --out: i/n, the part of the i-th of n processes, from 0/n on.")
    ] = None,
    shard_size: Annotated[int, typer.Option(min=1, help="With --out: images written at a time.")] = 64,
    as_json: Json = False,
) -> None:
    """Certify labelled images; exit 0 when that is done, or 1 if fewer than --at-least of them are certified."""
    from maskcover.cli.sources import Source

    source = Source(
        model, data, None if labels is None else str(labels), mean, std, fill, batch_size, dtype, memory_format, tf32,
        compiled, limit, split, classes, sample, seed, weights, tuple(option or ()), input_size, channels, override,
        outside, device=device,
    )  # fmt: skip
    certified = {
        "method": method, "threshold": threshold, "rule": rule, "min_margin": min_margin, "numerics": numerics,
        "progress": watched(as_json=as_json),
    }  # fmt: skip
    kept = {"shard": read_shard(shard), "shard_size": shard_size}
    asked = Asked(source, masks_in(masks, input_size), regions, read_claim(at_least), certified, out, kept)
    found = asked.outcome(frame)
    answer(found.document, found.lines, as_json=as_json)
    raise typer.Exit(found.code)


def predict(
    model: o.Model,
    data: o.Data,
    run: Annotated[
        Path | None,
        typer.Option(help="A folder of `certify --out`: its masks and defence are taken, and its model is compared."),
    ] = None,
    masks: o.Masks = None,
    regions: o.Regions = None,
    weights: o.Weights = None,
    option: o.Options = None,
    device: o.Device = None,
    input_size: o.InputSize = None,
    mean: o.Mean = None,
    std: o.Std = None,
    channels: o.Channels = None,
    override: o.Override = False,
    fill: o.Fill = None,
    batch_size: o.BatchSize = None,
    method: Annotated[
        str | None,
        typer.Option(help='"double" masking by default, "challenger" or "detect"; with --run its own.'),
    ] = None,
    threshold: o.Threshold = None,
    limit: o.Limit = None,
    split: o.Split = None,
    classes: o.Classes = None,
    outside: o.Outside = False,
    sample: o.Sample = None,
    seed: o.Seed = 0,
    as_json: Json = False,
) -> None:
    """Predict labels with the defence on, as a --run certified it; exit 3 if the model gave some image no label."""
    from maskcover.cli.serving import bound, unbound
    from maskcover.cli.sources import Source

    source = Source(
        model, data, None, mean, std, fill, batch_size, limit=limit, split=split, classes=classes, sample=sample,
        seed=seed, weights=weights, options=tuple(option or ()), input_size=input_size, channels=channels,
        override=override, outside=outside, device=device,
    )  # fmt: skip
    progress = watched(as_json=as_json)
    if run is None:
        found = unbound(source, masks_in(masks, input_size), regions, method, threshold, progress=progress)
    elif masks is None and regions is None:
        found = bound(source, run, {"method": method, "threshold": threshold}, progress=progress)
    else:
        raise InvalidInput("the masks are those of --run; leave --masks and --regions out")
    named = list(zip(found.dataset.ids, found.answers, strict=True))
    rows = [
        {"id": name, "label": one.label, "case": one.case.value, "mask": getattr(one, "mask", None)}
        for name, one in named
    ]
    document = {"images": rows, "masks": len(found.masks), "digest": found.masks.digest, "bound_to": found.bound_to}
    answer(document, [f"{printable(name)}: {one}" for name, one in named], as_json=as_json)
    if any(one.label < 0 for one in found.answers):
        note("label -1: non-finite or tied scores where the defence needed a label")
        raise typer.Exit(UNDECIDED)
