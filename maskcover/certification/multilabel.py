"""Certification of images with several labels: `certify(…, task="multilabel")` and its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.certification.answering import in_order
from maskcover.certification.requirements import bits_for, bound, count_of
from maskcover.certification.results import Certification
from maskcover.classifiers.evaluation import Images, expect_regions, names_of
from maskcover.classifiers.masked_answers import MaskedAnswers
from maskcover.classifiers.registry import as_classifier, entry_of, is_classifier, load
from maskcover.covering.containment import Containment
from maskcover.covering.placements import PlacementMap, covered_fraction, placement_map
from maskcover.data import Chosen
from maskcover.defense.label_bounds import (
    Figures,
    interpolated_area,
    losses,
    macro,
    macro_recall_bound,
    micro_bound,
)
from maskcover.defense.label_verdicts import MultiLabelVerdict, certifying_labels, verdict_of
from maskcover.defense.multilabel import MultiLabel
from maskcover.defense.procedure import Procedure, equip
from maskcover.defense.table import Pending
from maskcover.engine.preparation import RequiredNumerics, prepare_run
from maskcover.engine.queue import run_queries
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover.terminal import counted

Average = Literal["micro", "macro"]
SEVERAL = "several_labels"
"""The option, and the attribute, of adapters that tell models of one label from models of several."""


@dataclass(frozen=True)
class MultiLabelResult(Certification):
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

    def __len__(self) -> int:
        return len(self.verdicts)

    @property
    def labels(self) -> BoolArray:
        """Whether each class is present in truth, bool (images, classes)."""
        return _rows([verdict.truth for verdict in self.verdicts])

    @property
    def defended(self) -> BoolArray:
        """Whether the defence says that each class is present in the clean image, bool (images, classes)."""
        return _rows([verdict.defended.present for verdict in self.verdicts])

    @property
    def undefended(self) -> BoolArray:
        """Whether the bare classifier says that each class is present, bool (images, classes)."""
        return _rows([verdict.undefended == 1 for verdict in self.verdicts])

    @property
    def certified(self) -> BoolArray:
        """Whether no attack changes the answer for the class from the truth, bool (images, classes)."""
        return _rows([verdict.certified for verdict in self.verdicts])

    @property
    def true_positives(self) -> IntArray:
        """The true positives that each image keeps whatever region is attacked, int64 (images,)."""
        return np.array([verdict.present for verdict in self.verdicts], np.int64) - self.false_negatives

    @property
    def false_negatives(self) -> IntArray:
        """The most false negatives that an attack inside one region makes of each image, int64 (images,)."""
        return np.array([choices[:, 0].max() for choices in self._losses()], dtype=np.int64)

    @property
    def false_positives(self) -> IntArray:
        """The most false positives that an attack inside one region makes of each image, int64 (images,)."""
        return np.array([choices[:, 1].max() for choices in self._losses()], dtype=np.int64)

    @property
    def class_counts(self) -> IntArray:
        """For each class the certified true positives, and the most false positives and false negatives.

        Returns:
            int64 (classes, 3). Each class for itself, each image at the worst region for that class.
        """
        return _counts(self.labels, np.where(self.certified, self.labels, ~self.labels))

    def clean_figures(self, average: Average = "micro", *, defended: bool = True) -> Figures:
        """Precision, recall and F1 on the clean images, with or without the defence."""
        counts = _counts(self.labels, self.defended if defended else self.undefended)
        return _averaged(counts, average)

    def certified_figures(self, average: Average = "micro", *, joint: bool = True) -> Figures:
        """The least precision, recall and F1 under attack, each for itself, when every image is attacked in one region.

        Args:
            average: "micro" counts all classes together; "macro" is the mean over the classes that some image has.
            joint: Use that an attack overwrites one region; else class by class. For "macro" only recall gains by it:
                precision and F1 are then those class by class.
        """
        if not joint:
            return _averaged(self.class_counts, average)
        if average == "micro":
            return micro_bound([verdict.present for verdict in self.verdicts], self._losses())
        by_class = _averaged(self.class_counts, average)
        return replace(by_class, recall=macro_recall_bound(self.labels, self._threatened()))

    def at(self, thresholds: float | Sequence[float]) -> MultiLabelResult:
        """The result with other thresholds, from the predictions that were kept.

        Raises:
            InvalidInput: `certify` was called without ``keep_scores=True``.
        """
        procedure = replace(self._defence, thresholds=thresholds)  # type: ignore[arg-type]  # it checks them
        return replace(self, procedure=procedure, verdicts=tuple(self._again(procedure, one) for one in self.verdicts))

    def average_precision(
        self, thresholds: Sequence[float] | None = None, *, certified: bool = True, joint: bool = True
    ) -> float:
        """The interpolated average precision over thresholds that count for all classes; micro.

        Args:
            thresholds: The thresholds; by default 50 that part the scores of the clean images evenly.
            certified: The least under attack, also of attacks that differ from threshold to threshold. If not, that of
                the clean images with the defence.
            joint: As for `certified_figures`.

        Raises:
            InvalidInput: `certify` was called without ``keep_scores=True``.
        """
        points = []
        for threshold in self._spread() if thresholds is None else thresholds:
            result = self.at(float(threshold))
            figures = result.certified_figures(joint=joint) if certified else result.clean_figures()
            points.append((figures.recall, figures.precision))
        return float(interpolated_area(points))

    def names(self, number: int) -> list[str]:
        """The names of the classes, such as "class 3" where they have none, that the defence finds in an image."""
        return [self._name(place) for place in np.flatnonzero(self.verdicts[number].defended.present).tolist()]

    def map(self, number: int, label: int) -> PlacementMap:
        """The placements at which the answer for a class of an image is certified (one patch): inside certifying masks.

        Of a class that is certified everywhere the map may lack placements: rows that were not needed are missing.
        """
        return placement_map(self._certifying(number, label), self.regions)

    def certified_fraction(self, number: int, label: int) -> Fraction:
        """The fraction of the attacker's regions at which the answer for a class of an image is certified."""
        if self.verdicts[number].certified[label]:
            return Fraction(1)
        return covered_fraction(self._certifying(number, label), self.regions)

    def explain(self, number: int) -> str:
        """The classes of an image as text: their answers, the fractions that are certified, and what falls together.

        Classes that are absent, are answered so and are certified are left out.
        """
        verdict = self.verdicts[number]
        says, truth = verdict.defended.present, verdict.truth
        lines = [
            f"{self._name(label)}: {'present' if truth[label] else 'absent'}, defended "
            f"{'present' if says[label] else 'absent'}, {float(self.certified_fraction(number, label)):.2%} of the "
            "placements certified"
            for label in np.flatnonzero(truth | says | ~verdict.certified).tolist()
        ]
        together = [
            ", ".join(self._name(label) for label in np.flatnonzero(row).tolist()) or "none"
            for row in verdict.certificates.threatened
        ]
        lines.append("one region threatens at most: " + "; or ".join(together))
        return "\n".join(lines if verdict.error is None else [f"an error: {verdict.error}", *lines])

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

    @property
    def _defence(self) -> MultiLabel:
        if not isinstance(self.procedure, MultiLabel):
            raise InvalidInput(f"expected the procedure of several labels; got {self.procedure}")
        return self.procedure

    def _name(self, label: int) -> str:
        return f"class {label}" if self.class_names is None else self.class_names[label]

    def _certifying(self, number: int, label: int) -> MaskSet:
        flags = self.verdicts[number].certificates.certifying[:, label]
        return MaskSet(self.masks.grid, tuple(self.masks[mask] for mask in np.flatnonzero(flags).tolist()))

    def _losses(self) -> list[IntArray]:
        return [losses(verdict.truth, verdict.certificates.threatened) for verdict in self.verdicts]

    def _threatened(self) -> list[BoolArray]:
        return [verdict.certificates.threatened for verdict in self.verdicts]

    def _again(self, procedure: MultiLabel, verdict: MultiLabelVerdict) -> MultiLabelVerdict:
        if verdict.table is None or self.covers is None:
            raise InvalidInput("other thresholds need all scores; certify with keep_scores=True")
        again = verdict_of(procedure, verdict.table, verdict.truth, self.covers)
        if isinstance(again, Pending):
            raise InvalidInput("the scores that were kept are not all that the defence needs")
        return replace(again, table=verdict.table)

    def _spread(self) -> list[float]:
        """Thresholds that part the scores of the clean images evenly, the smallest and the largest score included."""
        tables = [verdict.table for verdict in self.verdicts]
        scores = [table.observed[-1] for table in tables if table is not None and table.observed is not None]
        if not scores:
            raise InvalidInput("average precision needs all scores; certify at least one image, with keep_scores=True")
        quantiles = np.quantile(np.concatenate(scores), np.linspace(0, 1, 50), method="lower")
        return [float(threshold) for threshold in np.unique(quantiles)]


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
    options = _options_for_labels(model, options)
    classifier = as_classifier(model, options)
    if isinstance(classifier, MaskedAnswers):
        raise InvalidInput("several labels need scores, one for each class, and a MaskedAnswers gives none")
    defence, covers = bound(_for_labels(procedure, thresholds), masks, regions)
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


def _options_for_labels(model: object, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options of the adapter, with ``several_labels`` for one that takes it (`Adapter.several_labels`)."""
    entry = None if is_classifier(model) else entry_of(model)
    takes = entry is not None and getattr(load(entry), SEVERAL, False)
    return {**options, SEVERAL: True} if takes else options


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


def _for_labels(procedure: Procedure, thresholds: Any) -> MultiLabel:
    """The procedure for several labels, with the thresholds."""
    if isinstance(procedure, MultiLabel):
        return procedure if thresholds is None else replace(procedure, thresholds=thresholds)
    return MultiLabel.of(procedure, 0.0 if thresholds is None else thresholds)


def _of_labels(procedure: Procedure) -> MultiLabel:
    if not isinstance(procedure, MultiLabel):
        raise InvalidInput(f"expected a procedure for several labels; got {procedure}")
    return procedure


def _rows(rows: Sequence[BoolArray]) -> BoolArray:
    return np.stack(rows) if rows else np.zeros((0, 0), dtype=np.bool_)


def _counts(truth: BoolArray, says: BoolArray) -> IntArray:
    """True positives, false positives and false negatives of each class, int64 (classes, 3)."""
    return np.stack([(truth & says).sum(axis=0), (~truth & says).sum(axis=0), (truth & ~says).sum(axis=0)], axis=1)


def _averaged(counts: IntArray, average: str) -> Figures:
    if average == "macro":
        return macro(counts)
    if average != "micro":
        raise InvalidInput(f'average is "micro" or "macro"; got {average!r}')
    return Figures.of(*(int(number) for number in counts.sum(axis=0)))
