"""The command about one image: explain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from maskcover.cli import options as o
from maskcover.cli import several
from maskcover.cli.certifying import first_labels, masks_in, texts_of, watched
from maskcover.cli.geometry import Json
from maskcover.cli.output import HOLDS, REFUTED, answer, note, printable, working
from maskcover.errors import InvalidInput

if TYPE_CHECKING:
    from maskcover.certification import Explanation
    from maskcover.data import ImageArray, Preprocessing


@o.options_of_groups
def explain(
    image: Annotated[Path, typer.Argument(help="An image file.")],
    model: o.ModelOptions,
    masks: o.Masks = None,
    regions: o.Regions = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="The true label: a class number, the text of an answer, or with --task multilabel the names of the "
            "classes that are present, such as cat,dog. By default what the defence says."
        ),
    ] = None,
    task: o.Task = None,
    thresholds: o.Thresholds = None,
    procedure: o.Procedure = None,
    batch_size: o.BatchSize = None,
    classes: o.Classes = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write four drawings to this PNG.")] = None,
    as_json: Json = False,
) -> None:
    """Show why an image is certified, or why not: every masked prediction of the defence; exit 1 if it is not."""
    from maskcover.certification import explain as explained
    from maskcover.covering import cover
    from maskcover.data import Dataset, read_image
    from maskcover.runs.loading import masks_for
    from maskcover.runs.sources import Source

    procedure = several.procedure(task, procedure, thresholds, keep_scores=False)
    if task == "multilabel" and output is not None:
        raise InvalidInput("there is no drawing of several labels; leave --output out")
    given = masks_in(masks, model.input_size)
    if given is None and regions is None:
        raise InvalidInput('name the masks with --masks FILE, or the regions, such as --regions "squares(size=32)"')
    array = read_image(image, str(image))
    source = Source(**model.source(), data=str(image), batch_size=batch_size, task=task).used_by(procedure)
    with working(f"loading {model.model}", shown=watched(as_json=as_json)):
        classifier = source.classifier(given, note)
    names = _names(classes, classifier)
    preprocessing = source.preprocessing(classifier, given)
    used = masks_for(given, procedure, preprocessing)
    if used is None:
        used = cover(regions or "", preprocessing.size or 224)
    images = Dataset(str(image), (str(image),), None, [array].__getitem__).prepared(preprocessing)
    with working("asking for every masked prediction", shown=watched(as_json=as_json)):
        if task == "multilabel":
            result = several.explained(classifier, images, used, regions, procedure, label, names)
            document, lines = several.explanation(result, str(image))
            answer(document, lines, as_json=as_json)
            raise typer.Exit(HOLDS if result.certified.all() else REFUTED)
        true_label = _true_label(label, classifier)
        explanation = explained(classifier, images, used, label=true_label, regions=regions, procedure=procedure)
    names = names or {number: repr(each) for number, each in explanation.answers.items()}
    lines = [f"{printable(str(image))}: {explanation.text(names)}"]
    if output is not None:
        _draw(output, array, preprocessing, explanation, names)
        lines.append(f"  written to {output}")
    answer(_document(explanation), lines, as_json=as_json)
    raise typer.Exit(HOLDS if explanation.certified else REFUTED)


def _true_label(text: str | None, classifier: object) -> int | str | None:
    """The true label that is typed: a class number, or of a function of answers the text as it is."""
    from maskcover.classifiers import MaskedAnswers

    if text is None or isinstance(classifier, MaskedAnswers):
        return text
    if not (text.isascii() and text.isdecimal()):
        raise InvalidInput(
            f"--label is a class number from 0, or with --task answers the text of the true answer; got {text!r:.80}"
        )
    return int(text)


def _names(classes: str | None, classifier: object) -> dict[int, str]:
    """The names of the classes: those of a file if one is given, else those that the model knows."""
    from maskcover.classifiers import MaskedAnswers
    from maskcover.classifiers.evaluation import names_of
    from maskcover.data.classes import known_classes

    if isinstance(classifier, MaskedAnswers) and classes is not None:
        raise InvalidInput("--classes names class numbers; answers are shown as they are, so leave it out")
    listed = known_classes(classes, names_of(classifier))
    return {} if listed is None else dict(enumerate(listed.own))


def _draw(
    output: Path, array: ImageArray, preprocessing: Preprocessing, explanation: Explanation, names: dict[int, str]
) -> None:
    from maskcover.plot import save_explanation

    # What the model sees, in colour and before it is normalised.
    shown = replace(preprocessing, mean=(0.0,), std=(1.0,), channels=3, layout="hwc")
    save_explanation(output, shown(array), explanation, names)


def _document(explanation: Explanation) -> dict[str, Any]:
    """The explanation as a JSON document; labels are class numbers, or the texts of answers."""
    shown: Callable[[int], int | str | None] = texts_of(explanation.answers) if explanation.answers else int
    return {
        "label": shown(explanation.label),
        "label_given": explanation.given,
        "certified": explanation.certified,
        "regions": str(explanation.regions),
        "undefended": shown(explanation.undefended),
        "defended": shown(explanation.answer.label),
        **first_labels(explanation.answer),
        "case": explanation.answer.case.value,
        "one_mask": [shown(number) for number in explanation.one_mask.tolist()],
        "failing": [
            [first, second, shown(_label(explanation, first, second))] for first, second in explanation.failing
        ],
        "good": list(explanation.certificate.certifying),
        "share": float(explanation.certified_fraction),
        "broken": [list(pair) for pair in explanation.broken],
        "masks": len(explanation.masks),
        "digest": explanation.masks.digest,
    }


def _label(explanation: Explanation, first: int, second: int) -> int:
    """The masked prediction under two masks, or under the first of a defence that asks for single masks only."""
    return int(
        explanation.predictions[first] if explanation.predictions.ndim == 1 else explanation.table[first, second]
    )
