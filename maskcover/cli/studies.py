"""The command about the paper's tables and figures: study."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskcover.cli import options as o
from maskcover.cli.certifying import opened, watched
from maskcover.cli.geometry import Json
from maskcover.cli.output import answer, printable
from maskcover.errors import InvalidInput
from maskcover.typed import read_sides

if TYPE_CHECKING:
    from maskcover.data import Dataset
    from maskcover.studies import Study, Subject


@dataclass(frozen=True)
class StudiedModels(o.ModelOptions):
    """The models of a study, and how their images are prepared."""

    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A model, as for certify, with its name in tables before an equals sign if you like: "
            "cutout=timm:NAME. Type it once for each model that is compared."
        ),
    ] = None  # type: ignore[assignment]  # several, where other commands have one
    weights: Annotated[
        list[str] | None,
        typer.Option(help="Weights, as for certify: typed once for all models, or once for each."),
    ] = None  # type: ignore[assignment]  # several, where other commands have one

    def each(self) -> list[tuple[str, dict[str, Any]]]:
        """For each model its name and its arguments of `maskcover.runs.sources.Source`."""
        models: list[str] = self.model or []
        weights: list[str | None] = [*self.weights] if self.weights else [None]
        if not models:
            raise InvalidInput("name the model with --model; `maskcover study --list` lists the studies")
        if len(weights) not in (1, len(models)):
            raise InvalidInput(f"--weights is typed once, or once for each of {len(models)} models; got {len(weights)}")
        of_each = [weights[0]] * len(models) if len(weights) == 1 else weights
        shared = {name: value for name, value in self.source().items() if name not in ("model", "weights")}
        named = [_named(text) for text in models]
        twice = len({name for name, _ in named}) < len(named)
        return [
            (f"{name}, {path}" if twice and path else name, shared | {"model": text, "weights": path})
            for (name, text), path in zip(named, of_each, strict=True)
        ]


@dataclass(frozen=True)
class StudiedData(o.DataOptions):
    """The images of a study."""

    data: Annotated[str | None, typer.Option(help="The images, as for certify.")] = None  # type: ignore[assignment]  # --list needs none


@dataclass(frozen=True)
class Varied:
    """What a study varies; each study takes some of these."""

    panel = "What is varied"

    regions: Annotated[
        list[str] | None,
        typer.Option(help="What the attacker may overwrite; repeated for the study accuracy."),
    ] = None
    grid: Annotated[str | None, typer.Option(help="Masks along each axis, 6x6 by default.")] = None
    grids: Annotated[
        str | None, typer.Option(help="For masks and procedures: masks along each axis, such as 2,3,4.")
    ] = None
    sides: Annotated[str | None, typer.Option(help="For sizes: sides of the squares in pixels, such as 32,64,96.")] = (
        None
    )
    fixed: Annotated[
        int | None, typer.Option(help="For sizes: the side whose masks are kept while the patch gets smaller.")
    ] = None
    patch: Annotated[int | None, typer.Option(help="For overestimate: the side of the patch in pixels.")] = None
    ratios: Annotated[
        str | None, typer.Option(help="For overestimate: areas as multiples of the patch's, such as 1,2,4.")
    ] = None
    area: Annotated[str | None, typer.Option(help='For shapes: the area as a fraction of the image, "0.01".')] = None
    pairs_grid: Annotated[
        str | None, typer.Option(help="For shapes: masks along each axis whose pairs hide two patches; 5x5 by default.")
    ] = None
    rectangle_masks: Annotated[
        int | None, typer.Option(help="For shapes: at most this many masks for any rectangle.")
    ] = None
    timed: Annotated[
        int | None, typer.Option(min=0, help="For masks and procedures: the number of images to time, 5 by default.")
    ] = None
    alert_below: Annotated[
        float | None,
        typer.Option(help="For detection: show it also with alerts on a confidence below this, from 0 to 1."),
    ] = None
    boxes: Annotated[
        Path | None,
        typer.Option(help="For objects: a CSV file with the columns id,x0,y0,x1,y1, or a folder of ImageNet's XML."),
    ] = None
    bins: Annotated[
        int | None, typer.Option(min=1, help="For objects: the number of classes of object sizes, 10 by default.")
    ] = None

    def typed(self) -> dict[str, Any]:
        """The arguments of a study's function that were typed, by their names; `boxes` and `regions` as typed."""
        read = {
            "regions": self.regions, "grid": _sides(self.grid), "grids": _wholes(self.grids, "--grids"),
            "sides": _wholes(self.sides, "--sides"), "fixed": self.fixed, "patch": self.patch,
            "ratios": _numbers(self.ratios), "area": self.area, "pairs_grid": _sides(self.pairs_grid),
            "rectangle_masks": self.rectangle_masks, "timed": self.timed, "boxes": self.boxes, "bins": self.bins,
            "alert_below": self.alert_below,
        }  # fmt: skip
        return {name: value for name, value in read.items() if value is not None}


@o.options_of_groups
def study(
    models: StudiedModels,
    data: StudiedData,
    numeric: o.NumericOptions,
    varied: Varied,
    name: Annotated[str | None, typer.Argument(help="The study; --list names them all.")] = None,
    out: Annotated[
        Path, typer.Option(help="The folder of the study; other studies in the same folder share its runs.")
    ] = Path("study"),
    labels: o.Labels = None,
    min_margin: o.MinMargin = None,
    numerics: o.Numerics = None,
    outside: o.Outside = False,
    seed: o.Seed = 0,
    list_them: Annotated[bool, typer.Option("--list", help="List the studies, and where the paper has them.")] = False,
    as_json: Json = False,
) -> None:
    """Make a table or a figure of the paper anew, for your model and your images; the same command continues it."""
    from maskcover.studies import STUDIES, write
    from maskcover.studies.writing import cells

    if list_them:
        entries = [{"name": entry.name, "paper": entry.source, "varied": entry.words} for entry in STUDIES.values()]
        lines = [f"{entry['name']:<13} {entry['paper']:<26} {entry['varied']}" for entry in entries]
        answer({"studies": entries}, lines, as_json=as_json)
        return
    if name is None or name not in STUDIES:
        raise InvalidInput(f"name a study: {', '.join(STUDIES)}; got {name!r}")
    typed = _arguments(name, STUDIES[name].make, varied.typed())
    shared = numeric.source() | data.source() | {
        "labels": None if labels is None else str(labels), "outside": outside, "seed": seed,
    }  # fmt: skip
    of_run = {"min_margin": min_margin, "numerics": numerics, "progress": watched(as_json=as_json)}
    subjects, dataset = _subjects(models, shared, of_run)
    if name == "objects":
        typed = _for_objects(typed, dataset)
    result: Study = STUDIES[name].make(subjects, out, **typed)
    paths = write(result, out)
    rows = [result.columns, *map(cells, result.table)]
    files = [str(path) for path in paths]
    answer(
        result.document() | {"files": files},
        [result.title, *_aligned(rows), *(f"note: {note}" for note in result.notes), *map(printable, files)],
        as_json=as_json,
    )


def _named(text: str) -> tuple[str, str]:
    """The name of a model and its text, of NAME=TEXT or of a text alone.

    >>> _named("cutout=timm:vit"), _named("timm:vit"), _named("nets:make")
    (('cutout', 'timm:vit'), ('timm:vit', 'timm:vit'), ('nets:make', 'nets:make'))
    """
    name, equals, rest = text.partition("=")
    return (name, rest) if equals and name and rest and not set(":/\\") & set(name) else (text, text)


def _subjects(
    models: StudiedModels, shared: Mapping[str, Any], of_run: Mapping[str, Any]
) -> tuple[list[Subject], Dataset]:
    """The models with their images, and the images of the first as they are."""
    from maskcover.runs.sources import Source
    from maskcover.studies import Subject

    if shared["data"] is None:
        raise InvalidInput("name the images with --data")
    subjects, datasets = [], []
    for name, arguments in models.each():
        source = Source(**arguments, **shared)
        classifier, dataset, preprocessing = opened(source, None, progress=of_run["progress"])
        images, size = dataset.prepared(preprocessing), preprocessing.size or (224, 224)
        subjects.append(
            Subject(name, classifier, images, dataset.true_labels, size, dataset.ids, of_run, source.document())
        )
        datasets.append(dataset)
    return subjects, datasets[0]


def _arguments(name: str, make: Any, typed: dict[str, Any]) -> dict[str, Any]:
    """The typed arguments, if the study takes them; its one region set instead of a list."""
    parameters = set(inspect.signature(make).parameters) | ({"boxes"} if name == "objects" else set())
    odd = [f"--{option.replace('_', '-')}" for option in typed if option not in parameters]
    if odd:
        raise InvalidInput(f"the study {name} does not take {', '.join(odd)}; leave it out")
    if name != "accuracy" and "regions" in typed:
        if len(typed["regions"]) != 1:
            raise InvalidInput(f"the study {name} takes one --regions; got {len(typed['regions'])}")
        typed["regions"] = typed["regions"][0]
    return typed


def _for_objects(typed: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    """The arguments of the study objects: sizes of objects instead of boxes, and the names of the classes."""
    from maskcover.studies import object_sizes, read_boxes

    boxes = typed.pop("boxes", None)
    sizes = {} if boxes is None else {"object_sizes": object_sizes(dataset, read_boxes(boxes))}
    return typed | sizes | {"class_names": dataset.classes}


def _sides(text: str | None) -> tuple[int, ...] | None:
    return None if text is None else read_sides(text)


def _wholes(text: str | None, name: str) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise InvalidInput(f"{name} expects whole numbers such as 2,3,4; got {text!r}")
    return tuple(map(int, parts))


def _numbers(text: str | None) -> tuple[float, ...] | None:
    from maskcover.typed import read_numbers

    try:
        return None if text is None else read_numbers(text, "--ratios")
    except InvalidInput as error:
        raise InvalidInput(f"--ratios expects numbers such as 1,2,4; got {text!r}") from error


def _aligned(rows: Iterable[Iterable[str]]) -> list[str]:
    """Rows of texts in columns of equal width, two spaces between them.

    >>> _aligned([["a", "long"], ["longer", "b"]])
    ['a       long', 'longer  b']
    """
    shown = [[printable(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in shown]
