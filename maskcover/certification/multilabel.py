"""Certification of images with several labels: `certify(…, task="multilabel")` and its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from maskcover.cells import BoolArray
from maskcover.certification.answering import in_order
from maskcover.certification.label_figures import LabelFigures
from maskcover.certification.requirements import bits_for, bound, count_of
from maskcover.certification.results import Certification
from maskcover.classifiers.evaluation import Images, expect_regions, names_of
from maskcover.classifiers.masked_answers import MaskedAnswers
from maskcover.classifiers.registry import as_classifier, options_for_labels
from maskcover.covering.containment import Containment
from maskcover.data import Chosen
from maskcover.defense.label_verdicts import MultiLabelVerdict, certifying_labels
from maskcover.defense.multilabel import MultiLabel
from maskcover.defense.procedure import Procedure, equip
from maskcover.engine.preparation import RequiredNumerics, prepare_run
from maskcover.engine.queue import run_queries
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover.terminal import counted


@dataclass(frozen=True)
class MultiLabelResult(LabelFigures, Certification):
    """The verdicts of a certification of images with several labels, and the figures that no attack pushes lower.

    Bounds come in two kinds. Joint ones (`joint=True`) use that one attack on an image overwrites one region, so that
    it loses at most the classes which that region threatens. The others add up, class by class, what each class can
    lose at its own worst region; they are never better.

    >>> import maskcover as mc
    >>> def halves(images):                      # class 0: something bright on the left; class 1: on the right
    ...     return np.stack([images[:, :, :6].max(axis=(1, 2)), images[:, :, 6:].max(axis=(1, 2))], axis=1)
    >>> images = np.zeros((1, 12, 12))
    >>> images[0, [1, 10, 1, 10], [1, 1, 10, 10]] = 1                              # one bright pixel in each corner
    >>> masks = mc.cover(mc.squares(size=2), image_size=12, grid=(3, 3))
    >>> result = mc.certify(halves, images, [[True, True]], masks, task="multilabel", thresholds=0.5)
    >>> result.certified.tolist(), result.true_positives.tolist()    # masks hide two corners, of one class or of both
    ([[False, False]], [1])
    >>> print(result.certified_figures())
    precision 100.0%, recall 50.0%, F1 66.7%
    >>> print(result.certified_figures(joint=False))
    precision 0.0%, recall 0.0%, F1 0.0%
    >>> print(result.explain(0))
    class 0: present, defended present, 76.86% of the placements certified
    class 1: present, defended present, 82.64% of the placements certified
    one region threatens at most: class 1; or class 0
    """

    verdicts: tuple[MultiLabelVerdict, ...]
    class_names: tuple[str, ...] | None = None
    """The names of the classes in the order of the scores, if they are known."""
    chosen: Chosen | None = None
    """How the images were chosen among more, as their data set declares it."""
    covers: Containment | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        """The claim, made from the region set itself; it says no more than was checked."""
        errors = sum(verdict.error is not None for verdict in self.verdicts)
        return (
            f"{counted(len(self), 'image')}, {counted(int(self.labels.sum()), 'label')}: certified against "
            f"{self.regions} on {self.masks.grid}, one region an image: {self.certified_figures()} at least (class by "
            f"class {self.certified_figures(joint=False)}); clean: defended {self.clean_figures()}, undefended "
            f"{self.clean_figures(defended=False)}"
            + (f", {counted(errors, 'error')} (non-finite scores)" if errors else "")
            + f". {len(self.masks)} masks, {self.procedure.words}, {self.start.stands_on}; "
            f"{counted(sum(verdict.evaluations for verdict in self.verdicts), 'masked prediction')}"
        )


def certify_labels(
    model: object,
    images: Images,
    labels: Any,
    masks: MaskSet,
    procedure: Procedure,
    *,
    thresholds: Any = None,
    regions: RegionSet | str | None = None,
    min_margin: float | None = None,
    numerics: RequiredNumerics | None = None,
    probes: bool = True,
    progress: bool = False,
    keep_scores: bool = False,
    options: Mapping[str, Any],
) -> MultiLabelResult:
    """Certify images with several labels; see `certify`."""
    options = options_for_labels(model, options)
    classifier = as_classifier(model, options)
    if isinstance(classifier, MaskedAnswers):
        raise InvalidInput("several labels need scores, one for each class, and a MaskedAnswers gives none")
    defence, covers = bound(for_labels(procedure, thresholds), masks, regions)
    truths = label_matrix(labels, count_of(images), names_of(classifier))
    start = prepare_run(
        classifier, images, covers.masks, min_margin=min_margin,
        numerics=bits_for(defence, numerics, min_margin or None), probes=probes, progress=progress,
    )  # fmt: skip
    if start.min_margin:
        raise InvalidInput("scores are compared with thresholds, bit by bit; leave min_margin out")
    expect_regions(classifier, covers.regions, start.example)
    equip(start.evaluator, defence)
    decide = certifying_labels(_of_labels(defence), truths, covers, keep=keep_scores)
    decisions = run_queries(start.evaluator, images, decide, views=defence.views)
    verdicts = in_order(decisions, len(truths), progress, "certifying")
    start.expect_unchanged()
    return MultiLabelResult(
        covers.masks, covers.regions, defence, start, None if classifier is model else dict(options),
        tuple(verdicts), names_of(classifier), getattr(images, "chosen", None), covers,
    )  # fmt: skip


def label_matrix(labels: Any, count: int, names: Sequence[str] | None) -> BoolArray:
    """The true labels of all images as a table, bool (images, classes).

    Args:
        labels: A bool array (images, classes), also of 0 and 1; or for each image a list of names of classes.
        count: The number of images.
        names: The names of the classes in the order of the scores; only needed for names.

    Raises:
        InvalidInput: not one row for each image, other numbers, or a name that is none of the classes.

    >>> label_matrix([["dog"], []], 2, ("cat", "dog")).tolist()
    [[False, True], [False, False]]
    """
    rows = list(labels)
    if len(rows) != count:
        raise InvalidInput(f"expected the labels of {count} images; got {len(rows)} rows")
    if rows and all(map(_is_named, rows)):
        return _by_names(rows, names)
    try:
        table = np.asarray(labels)
    except ValueError:  # rows of different lengths
        table = np.empty(count)
    if table.ndim != 2 or table.dtype.kind not in "biu" or not np.isin(table, (0, 1)).all():
        raise InvalidInput(
            "several labels are a bool array of shape (images, classes), or a list of names for each image; got "
            f"{table.dtype} of shape {table.shape}"
        )
    return table.astype(np.bool_)


def _is_named(row: object) -> bool:
    """Whether the labels of an image are names; no labels at all may be."""
    return isinstance(row, str | list | tuple | set | frozenset) and all(isinstance(name, str) for name in row)


def _by_names(rows: Sequence[Any], names: Sequence[str] | None) -> BoolArray:
    if names is None:
        raise InvalidInput(
            "labels are names, and the classifier does not know the names of its classes; give a bool array of shape "
            "(images, classes), in the order of the scores"
        )
    numbers = {name: place for place, name in enumerate(names)}
    table = np.zeros((len(rows), len(names)), dtype=np.bool_)
    for place, row in enumerate(rows):
        unknown = [row] if isinstance(row, str) else [name for name in row if name not in numbers]
        if unknown:
            raise InvalidInput(
                f"image {place}: expected a list of names of the model's {len(names)} classes; got {unknown[0]!r}"
            )
        table[place, [numbers[name] for name in row]] = True
    return table


def for_task(task: str | None, procedure: Procedure, thresholds: Any, keep_scores: bool) -> Procedure:
    """The procedure for a task: that for several labels with its thresholds, else the same.

    Raises:
        InvalidInput: thresholds or scores to keep, and another task.
    """
    if task == "multilabel":
        return for_labels(procedure, thresholds)
    if thresholds is not None or keep_scores:
        raise InvalidInput('thresholds and keep_scores are for several labels; type task="multilabel" with them')
    return procedure


def for_labels(procedure: Procedure, thresholds: Any) -> MultiLabel:
    """The procedure for several labels, with the thresholds."""
    if isinstance(procedure, MultiLabel):
        return procedure if thresholds is None else replace(procedure, thresholds=thresholds)
    return MultiLabel.of(procedure, 0.0 if thresholds is None else thresholds)


def _of_labels(procedure: Procedure) -> MultiLabel:
    if not isinstance(procedure, MultiLabel):
        raise InvalidInput(f"expected a procedure for several labels; got {procedure}")
    return procedure
