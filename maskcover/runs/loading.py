"""Loading the model and the images that a `Source` names, and the masks and regions that fit them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from maskcover.classifiers import MaskedAnswers, MaskedClassifier
from maskcover.classifiers.evaluation import HidesCells, names_of
from maskcover.covering import cover
from maskcover.data import Dataset, Preprocessing
from maskcover.data.several import sets_for_model
from maskcover.defense import parse_procedure
from maskcover.errors import InvalidInput
from maskcover.grid import Grid
from maskcover.masks import MaskSet, Views
from maskcover.runs.sources import Source


@dataclass(frozen=True, slots=True)
class Remarks:
    """How loading tells its progress: by default not at all.

    Args:
        note: Called with a remark for the user.
        step: Called with the name of a step that takes long; the step runs inside the context that it returns.
    """

    note: Callable[[str], object] = lambda _: None
    step: Callable[[str], AbstractContextManager[object]] = lambda _: nullcontext()


def opened(
    source: Source, masks: MaskSet | None, *, labelled: bool = True, remarks: Remarks | None = None
) -> tuple[MaskedClassifier, Dataset, Preprocessing]:
    """The model, the images, and their preprocessing.

    Where labels count, class names are matched with those of the model, if it has names and none are typed.
    """
    remarks = Remarks() if remarks is None else remarks
    with remarks.step(f"loading {source.model}"):
        classifier = source.classifier(masks, remarks.note)
    with remarks.step(f"opening {source.data}"):
        answers = isinstance(classifier, MaskedAnswers)
        dataset = source.dataset(names_of(classifier) if labelled else None, answers=answers, labelled=labelled)
    if dataset.skipped is not None:
        remarks.note(f"{source.data}: {dataset.skipped}")
    preprocessing = source.preprocessing(classifier, masks)
    if getattr(classifier, "preprocessing", None) is None and (source.mean, source.std) == (None, None):
        remarks.note(
            f"the model does not say how images are prepared; using {preprocessing}. To change that, type --mean, "
            "--std and --input-size"
        )
    return classifier, dataset, preprocessing


def prepared(
    source: Source,
    masks: MaskSet | None,
    regions: str | None,
    procedure: str | None = None,
    *,
    labelled: bool = True,
    remarks: Remarks | None = None,
) -> tuple[MaskedClassifier, Dataset, Preprocessing, MaskSet]:
    """The model, the images, their preprocessing, and the masks: those given or named by the procedure, or new ones."""
    expect_subject(masks, regions)
    classifier, dataset, preprocessing = opened(source, masks, labelled=labelled, remarks=remarks)
    chosen = masks_for(masks, procedure, preprocessing, classifier)
    return classifier, dataset, preprocessing, chosen or new_masks(classifier, regions, preprocessing)


def labels_of(dataset: Dataset, classifier: object) -> Any:
    """The true labels of a data set as a classifier gives them: class numbers, or answers."""
    if dataset.label_sets is not None:
        return sets_for_model(dataset, names_of(classifier)).true_label_sets
    return list(dataset.true_answers) if isinstance(classifier, MaskedAnswers) else dataset.true_labels


def expect_subject(masks: MaskSet | None, regions: str | None) -> None:
    """Raise `InvalidInput` if neither masks nor regions are named."""
    if masks is None and regions is None:
        raise InvalidInput('name the masks with --masks FILE, or the regions, such as --regions "squares(size=32)"')


def source_regions(regions: str | None) -> str:
    """The regions on the source images, which masks do not claim; raises `InvalidInput` if they are not named."""
    if regions is None:
        raise InvalidInput('--frame source needs the regions on the source, such as --regions "squares(size=32)"')
    return regions


def new_masks(classifier: object, regions: str | None, preprocessing: Preprocessing) -> MaskSet:
    """Masks that cover the regions on the model's input, or on the cells that the classifier hides."""
    size = preprocessing.size or (224, 224)
    grid = classifier.cells(size) if isinstance(classifier, HidesCells) else size
    return cover(framed(classifier, regions, preprocessing) or "", grid)


def masks_for(
    masks: MaskSet | None, procedure: str | None, preprocessing: Preprocessing, classifier: object = None
) -> MaskSet | None:
    """The masks given, else those that the procedure names, else those that the classifier has; None if there are none.

    ``voting(bands(width=4))`` names masks, and a local classifier has those of its cells.
    """
    if masks is not None:
        return masks
    grid = Grid.of(preprocessing.size or 224)
    if hasattr(classifier, "own_masks") and (procedure is None or parse_procedure(procedure).views is Views.PAIRS):
        raise InvalidInput(
            "cells of a local network have no labels under two masks; name a defence that asks single views with "
            '--procedure, such as "voting()", "bagcert()" or "robust_masking()"'
        )
    named = None if procedure is None else parse_procedure(procedure).own_masks(grid)
    own: Callable[[Grid], MaskSet | None] | None = getattr(classifier, "own_masks", None)
    return own(grid) if named is None and own is not None else named


def framed(classifier: object, regions: str | None, preprocessing: Preprocessing) -> str | None:
    """Regions in the frame of the masks: for a classifier that hides cells, the cells that regions of pixels change."""
    if regions is None or "ReceptiveField(" in regions or not isinstance(classifier, HidesCells):
        return regions
    return str(classifier.regions(regions, preprocessing.size or (224, 224)))


def pixel_masks(
    masks: MaskSet | None, procedure: str | None, preprocessing: Preprocessing, classifier: object
) -> MaskSet | None:
    """The masks for a run in the frame of the source; refuses a classifier whose masks hide cells."""
    if isinstance(classifier, HidesCells):
        raise InvalidInput("--split-at hides cells and needs --frame input; name regions on the model's input")
    return masks_for(masks, procedure, preprocessing, classifier)
