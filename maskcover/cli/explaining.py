"""The command about one image: explain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskcover.cli import options as o
from maskcover.cli.certifying import masks_in, watched
from maskcover.cli.geometry import Json
from maskcover.cli.output import HOLDS, REFUTED, answer, printable, working
from maskcover.errors import InvalidInput

if TYPE_CHECKING:
    from maskcover.certification import Explanation
    from maskcover.data import ImageArray, Preprocessing


def explain(
    image: Annotated[Path, typer.Argument(help="An image file.")],
    model: o.Model,
    masks: o.Masks = None,
    regions: o.Regions = None,
    label: Annotated[int | None, typer.Option(min=0, help="The true label; by default the defended one.")] = None,
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
    classes: o.Classes = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the four pictures to this PNG.")] = None,
    as_json: Json = False,
) -> None:
    """Why an image is certified: labels under one mask, failing pairs, certified placements; exit 1 if it is not."""
    from maskcover.certification import explain as explained
    from maskcover.cli.sources import Source
    from maskcover.covering import cover
    from maskcover.data import Dataset, read_image

    given = masks_in(masks, input_size)
    if given is None and regions is None:
        raise InvalidInput('name the masks with --masks FILE, or the regions, such as --regions "squares(size=32)"')
    picture = read_image(image, str(image))
    source = Source(
        model, str(image), None, mean, std, fill, batch_size, weights=weights, options=tuple(option or ()),
        input_size=input_size, channels=channels, override=override, device=device,
    )  # fmt: skip
    with working(f"loading {model}", shown=watched(as_json=as_json)):
        classifier = source.classifier(given)
    names = _names(classes, classifier)
    preprocessing = source.preprocessing(classifier, given)
    used = given if given is not None else cover(regions or "", preprocessing.size or 224)
    images = Dataset(str(image), (str(image),), None, [picture].__getitem__).prepared(preprocessing)
    with working("looking through every pair of masks", shown=watched(as_json=as_json)):
        found = explained(classifier, images, used, label=label, regions=regions)
    lines = [f"{printable(str(image))}: {found.text(names)}"]
    if output is not None:
        _draw(output, picture, preprocessing, found, names)
        lines.append(f"  written to {output}")
    answer(_document(found), lines, as_json=as_json)
    raise typer.Exit(HOLDS if found.certified else REFUTED)


def _names(classes: str | None, classifier: object) -> dict[int, str]:
    """The names of the classes: those of a file if one is given, else those that the model knows."""
    from maskcover.classifiers.evaluation import names_of
    from maskcover.data.classes import known_classes

    found = known_classes(classes, names_of(classifier))
    return {} if found is None else dict(enumerate(found.own))


def _draw(
    output: Path, picture: ImageArray, preprocessing: Preprocessing, found: Explanation, names: dict[int, str]
) -> None:
    from maskcover.plot import save_explanation

    # What the model sees, in colour and before it is normalised.
    shown = replace(preprocessing, mean=(0.0,), std=(1.0,), channels=3, layout="hwc")
    save_explanation(output, shown(picture), found, names)


def _document(found: Explanation) -> dict[str, Any]:
    return {
        "label": found.label,
        "label_given": found.given,
        "certified": found.certified,
        "regions": str(found.regions),
        "undefended": found.undefended,
        "defended": found.answer.label,
        "case": found.answer.case.value,
        "one_mask": found.one_mask.tolist(),
        "failing": [[first, second, int(found.table[first, second])] for first, second in found.failing],
        "good": list(found.certificate.certifying),
        "share": float(found.certified_fraction),
        "broken": [list(pair) for pair in found.broken],
        "masks": len(found.masks),
        "digest": found.masks.digest,
    }
