"""The command choose: the mask set, procedure and fill that certify most of some images within a budget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from maskcover.cli import options as o
from maskcover.cli.certifying import opened, watched
from maskcover.cli.geometry import Json
from maskcover.cli.output import answer, note, working
from maskcover.cli.reading import read_fill
from maskcover.errors import InvalidInput

if TYPE_CHECKING:
    from maskcover.certification import CertificationResult
    from maskcover.choosing import Budget, Choice
    from maskcover.classifiers import MaskedClassifier
    from maskcover.data import Dataset, Preprocessing
    from maskcover.masks import MaskSet
    from maskcover.runs.sources import Source

_HOUR = 3_600_000  # milliseconds


@dataclass(frozen=True)
class BudgetOptions:
    """The budget, of which one part at most is named."""

    panel: ClassVar[str] = "Budget (at most one; without one all candidates are ranked)"

    serving: Annotated[float | None, typer.Option(help="Masked predictions an image when serving.")] = None
    milliseconds: Annotated[
        float | None, typer.Option(help="Milliseconds an image when serving one image at a time, on this machine.")
    ] = None
    certifying: Annotated[float | None, typer.Option(help="Masked predictions an image when certifying.")] = None
    hours: Annotated[
        float | None, typer.Option(help="Hours on this machine to certify the images of --then-certify.")
    ] = None
    over: Annotated[
        str, typer.Option(help='The budget holds for the "mean" of the images, or for the image that costs "most".')
    ] = "mean"


@dataclass(frozen=True)
class CandidateOptions:
    """The candidates."""

    panel: ClassVar[str] = "Candidates"

    candidate: Annotated[
        list[str] | None,
        typer.Option(
            help='A mask set to try: "grid(4, 4)", "masks(20)", "max_mask_area(0.1)", "masks(36, multiplicity=2)", or '
            'a mask-set file that ends in .json; can be repeated. "defaults" stands for those tried without this '
            "option."
        ),
    ] = None
    procedure: Annotated[
        list[str] | None,
        typer.Option(
            help='A procedure to try, such as "detection(threshold=0.9)"; can be repeated. By default double masking '
            "and challenger masking."
        ),
    ] = None
    try_fill: Annotated[
        list[str] | None,
        typer.Option(help="A --fill to try, such as 0 or drop_tokens(16), instead of --fill; can be repeated."),
    ] = None


@dataclass(frozen=True)
class OtherImages:
    """The images on which the winner is certified."""

    panel: ClassVar[str] = "Certify the winner"

    then_certify: Annotated[
        str | None, typer.Option(help="Certify the winner on these images, of which none may have chosen; as --data.")
    ] = None
    then_split: Annotated[str | None, typer.Option(help="The part of --then-certify to use; as --split.")] = None
    then_sample: Annotated[
        int | None, typer.Option(min=1, help="Use N images of --then-certify, drawn at random with --seed.")
    ] = None


@o.options_of_groups
def choose(
    model: o.ModelOptions,
    data: o.DataOptions,
    numeric: o.NumericOptions,
    regions: Annotated[str, typer.Option(help='What the attacker may overwrite, such as "squares(size=32)".')],
    budget: BudgetOptions,
    tried: CandidateOptions,
    others: OtherImages,
    labels: o.Labels = None,
    min_margin: o.MinMargin = None,
    numerics: o.Numerics = None,
    outside: o.Outside = False,
    seed: Annotated[int, typer.Option(min=0, help="Random seed for --sample, and for the order of the images.")] = 0,
    save_masks: Annotated[Path | None, typer.Option(help="Write the winner's masks to this file.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Draw the Pareto front to this PNG.")] = None,
    as_json: Json = False,
) -> None:
    """Choose the masks, procedure and fill that certify most of some labelled images within a budget."""
    from maskcover.choosing import choose_among
    from maskcover.runs.sources import Source

    source = Source(
        **model.source(), **data.source(), **numeric.source(), labels=None if labels is None else str(labels),
        outside=outside, seed=seed,
    )  # fmt: skip
    _expect_writable(save_masks, output)
    shown, mask_sets = watched(as_json=as_json), _mask_sets(tried.candidate)
    classifiers, dataset, preprocessing = _opened(source, tried.try_fill, progress=shown)
    images, further = dataset.prepared(preprocessing), _others(source, others, next(iter(classifiers.values())))
    if further is not None:
        with working("comparing the images of --data and of --then-certify", shown=shown):
            _expect_apart(dataset, further, preprocessing)
    numbers: dict[str, Any] = {"min_margin": min_margin, "numerics": numerics, "progress": shown}
    procedures: dict[str, Any] = {} if tried.procedure is None else {"procedures": tried.procedure}
    choice = choose_among(
        classifiers, images, dataset.true_labels, regions, budget=_budget(budget, further), candidates=mask_sets,
        image_size=preprocessing.size or 224, seed=seed, source=dataset.source, **numbers, **procedures,
    )  # fmt: skip
    lines, document = str(choice).split("\n"), choice.document()
    if further is not None:
        result = choice.certify(
            classifiers[choice.fill], further.prepared(preprocessing), further.true_labels, **numbers
        )
        lines += [f"on {further.source}, which had no part in the choice: {result}"]
        document |= {"then_certified": _certified(result, further)}
    lines += _files(choice, save_masks, output)
    answer(document, lines, as_json=as_json)


def _expect_writable(save_masks: Path | None, drawing: Path | None) -> None:
    """Raise `InvalidInput` before anything is computed if a file could not be written in the end."""
    for path in (save_masks, drawing):
        if path is not None and not path.absolute().parent.is_dir():
            raise InvalidInput(f"cannot write {path}: there is no folder {path.parent}; make it, or name another file")
    if drawing is not None and drawing.suffix.lower() != ".png":
        raise InvalidInput(f"drawings are written as PNG: expected a name ending in .png; got {drawing.name!r}")


def _mask_sets(texts: list[str] | None) -> list[MaskSet | str] | None:
    """The candidates: files are loaded, all other texts are left to the library."""
    from maskcover.masks import MaskSet

    if texts is None:
        return None
    return [MaskSet.load(text) if text.endswith(".json") else text for text in texts]


def _opened(
    source: Source, fills: list[str] | None, *, progress: bool
) -> tuple[dict[float | str | None, MaskedClassifier], Dataset, Preprocessing]:
    """The model with each fill, the images, and their preprocessing."""
    if fills and source.fill is not None:
        raise InvalidInput("name the values of hidden pixels once: with --fill, or several with --try-fill")
    every: list[float | str | None] = [*map(read_fill, fills)] if fills else [None]
    first, *more = dict.fromkeys(every)
    classifier, dataset, preprocessing = opened(
        source if first is None else replace(source, fill=first), None, progress=progress
    )
    return (
        {first: classifier} | {fill: replace(source, fill=fill).classifier(note=note) for fill in more},
        dataset,
        preprocessing,
    )


def _others(source: Source, others: OtherImages, classifier: MaskedClassifier) -> Dataset | None:
    """The images of --then-certify; None if there are none."""
    from maskcover.classifiers.evaluation import names_of

    if others.then_certify is None:
        if others.then_split is not None or others.then_sample is not None:
            raise InvalidInput("--then-split and --then-sample choose among the images of --then-certify; name those")
        return None
    further = replace(
        source, data=others.then_certify, split=others.then_split, sample=others.then_sample, labels=None, limit=None
    )
    dataset = further.dataset(names_of(classifier))
    if dataset.skipped is not None:
        note(f"{others.then_certify}: {dataset.skipped}")
    return dataset


def _expect_apart(dataset: Dataset, further: Dataset, preprocessing: Preprocessing) -> None:
    """Raise `InvalidInput` if an image is in both, before any prediction is made."""
    from maskcover.choosing import ChoosingImages

    ChoosingImages.of(dataset.prepared(preprocessing)).expect_others(further.prepared(preprocessing))


def _budget(typed: BudgetOptions, further: Dataset | None) -> Budget | None:
    """The budget; hours are divided among the images that are to be certified."""
    from maskcover.choosing.budget import budget_of

    if typed.hours is None:
        return budget_of(typed.serving, typed.milliseconds, typed.certifying, typed.over)  # type: ignore[arg-type]  # checked there
    if further is None or not len(further):
        raise InvalidInput("--hours are those of certifying the images of --then-certify; name these")
    each = typed.hours * _HOUR / len(further)
    return budget_of(typed.serving, typed.milliseconds, typed.certifying, typed.over, certifying_milliseconds=each)  # type: ignore[arg-type]  # checked there


def _certified(result: CertificationResult, further: Dataset) -> dict[str, Any]:
    """The certification of the winner as JSON."""
    from maskcover.certification import exact_interval

    certified = int(result.certified.sum())
    return {
        "claim": str(result),
        "data": further.source,
        "sample": None if further.chosen is None else further.chosen.document(),
        "certified": certified,
        "certified_interval": list(exact_interval(certified, len(result))),
        "right": int((result.defended == result.labels).sum()),
        "total": len(result),
        "evaluations": result.evaluations,
        "fingerprint": dict(result.fingerprint.entries),
    }


def _files(choice: Choice, masks: Path | None, drawing: Path | None) -> list[str]:
    """Write the files that were asked for; a line for each."""
    lines = []
    if masks is not None:
        choice.masks.save(masks)
        lines.append(f'masks written to {masks}; use them with --masks {masks} --procedure "{choice.procedure}"')
    if drawing is not None:
        from maskcover.plot import draw_choice, save_drawing

        save_drawing(drawing, lambda ax: draw_choice(choice, ax))
        lines.append(f"front drawn to {drawing}")
    return lines
