"""`LabelFigures`: the figures of images with several labels, worked out from their verdicts and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal, Self

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.covering.containment import Containment
from maskcover.covering.placements import PlacementMap, covered_fraction, placement_map
from maskcover.defense.label_bounds import (
    Figures,
    interpolated_area,
    losses,
    macro,
    macro_recall_bound,
    micro_bound,
)
from maskcover.defense.label_verdicts import MultiLabelVerdict, verdict_of
from maskcover.defense.multilabel import MultiLabel
from maskcover.defense.procedure import Procedure
from maskcover.defense.table import Pending
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover.terminal import counted

Average = Literal["micro", "macro"]
_APART = "certified_class_by_class"
AVERAGES: tuple[Average, ...] = ("micro", "macro")


class LabelFigures:
    """Mixin: answers, certificates and bounds of images with several labels, derived from `verdicts`."""

    verdicts: tuple[MultiLabelVerdict, ...]
    masks: MaskSet
    regions: RegionSet
    procedure: Procedure
    class_names: tuple[str, ...] | None
    covers: Containment | None

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

    def at(self, thresholds: float | Sequence[float]) -> Self:
        """The result with other thresholds, from the predictions that were kept.

        Raises:
            InvalidInput: `certify` was called without ``keep_scores=True``.
        """
        procedure = replace(self._defence, thresholds=thresholds)  # type: ignore[arg-type]  # it checks them
        verdicts = tuple(self._again(procedure, verdict) for verdict in self.verdicts)
        return replace(self, procedure=procedure, verdicts=verdicts)  # type: ignore[type-var]  # a dataclass mixes it in

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
        return [self.name_of(place) for place in np.flatnonzero(self.verdicts[number].defended.present).tolist()]

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
            f"{self.name_of(label)}: {'present' if truth[label] else 'absent'}, defended "
            f"{'present' if says[label] else 'absent'}, {float(self.certified_fraction(number, label)):.2%} of the "
            "placements certified"
            for label in np.flatnonzero(truth | says | ~verdict.certified).tolist()
        ]
        together = [
            ", ".join(self.name_of(label) for label in np.flatnonzero(row).tolist()) or "none"
            for row in verdict.certificates.threatened
        ]
        lines.append("one region threatens at most: " + "; or ".join(together))
        return "\n".join(lines if verdict.error is None else [f"an error: {verdict.error}", *lines])

    def figures_document(self) -> dict[str, Any]:
        """All figures as JSON: clean and certified, micro and macro, joint and class by class."""
        figures = {
            average: {
                "undefended": _document(self.clean_figures(average, defended=False)),
                "defended": _document(self.clean_figures(average)),
                "certified": _document(self.certified_figures(average)),
                _APART: _document(self.certified_figures(average, joint=False)),
            }
            for average in AVERAGES
        }
        classes = [
            {
                "class": self.name_of(label),
                "present": present,
                "certified": hits,
                "false_positives": false,
                "lost": lost,
            }
            for label, (present, (hits, false, lost)) in enumerate(
                zip(self.labels.sum(axis=0).tolist(), self.class_counts.tolist(), strict=True)
            )
        ]
        precision = {"average_precision": self._average_precision()} if self.has_scores else {}
        thresholds = self._defence.thresholds
        return {"task": "multilabel", "thresholds": thresholds, "figures": figures, "classes": classes} | precision

    def figure_lines(self) -> list[str]:
        """The figures as lines of text."""
        rows = [
            ("clean, undefended", self.clean_figures(defended=False)),
            ("clean, defended", self.clean_figures()),
            ("certified", self.certified_figures()),
            ("class by class", self.certified_figures(joint=False)),
            ("certified, macro", self.certified_figures("macro")),
        ]
        lines = [f"  {words:<18} {figures}" for words, figures in rows]
        if self.has_scores:
            average = self._average_precision()
            lines.append(f"  average precision  clean {average['defended']:.1%}, certified {average['certified']:.1%}")
        labels = counted(int(self.labels.sum()), "label")
        return [f"  {labels} of {self.labels.shape[1]} classes, one attacked region an image:", *lines]

    @property
    def has_scores(self) -> bool:
        """Whether rows keep all scores, for other thresholds (`at`) and for average precision."""
        return (
            bool(self.verdicts)
            and all(verdict.table is not None or verdict.error is not None for verdict in self.verdicts)
            and any(verdict.table is not None for verdict in self.verdicts)
        )

    @property
    def _defence(self) -> MultiLabel:
        if not isinstance(self.procedure, MultiLabel):
            raise InvalidInput(f"expected the procedure of several labels; got {self.procedure}")
        return self.procedure

    def name_of(self, label: int) -> str:
        """The name of a class, such as "class 3" where classes have none."""
        return f"class {label}" if self.class_names is None else self.class_names[label]

    def _certifying(self, number: int, label: int) -> MaskSet:
        flags = self.verdicts[number].certificates.certifying[:, label]
        return MaskSet(self.masks.grid, tuple(self.masks[mask] for mask in np.flatnonzero(flags).tolist()))

    def _losses(self) -> list[IntArray]:
        return [losses(verdict.truth, verdict.certificates.threatened) for verdict in self.verdicts]

    def _threatened(self) -> list[BoolArray]:
        return [verdict.certificates.threatened for verdict in self.verdicts]

    def _again(self, procedure: MultiLabel, verdict: MultiLabelVerdict) -> MultiLabelVerdict:
        if verdict.error is not None and verdict.table is None:
            return verdict  # an image that could not be read: no certificate at any threshold
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

    def _average_precision(self) -> dict[str, float]:
        """Clean and certified average precision over the same thresholds; each threshold is decided once."""
        points: dict[str, list[tuple[Fraction, Fraction]]] = {"defended": [], "certified": [], _APART: []}
        for threshold in self._spread():
            result = self.at(threshold)
            each = (result.clean_figures(), result.certified_figures(), result.certified_figures(joint=False))
            for name, figures in zip(points, each, strict=True):
                points[name].append((figures.recall, figures.precision))
        return {name: float(interpolated_area(some)) for name, some in points.items()}


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


def _document(figures: Figures) -> dict[str, float]:
    fractions: dict[str, Fraction] = {
        "precision": figures.precision, "recall": figures.recall, "f1": figures.f1
    }  # fmt: skip
    return {name: float(value) for name, value in fractions.items()}
