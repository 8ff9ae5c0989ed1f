"""Rows of a run: one for each image, made of its verdict and of the predictions that led to it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from maskcover.cells import BoolArray
from maskcover.classifiers import UNDECIDED
from maskcover.covering.placements import covered_fraction
from maskcover.defense import Verdict
from maskcover.defense.label_verdicts import MultiLabelVerdict
from maskcover.engine import Failed
from maskcover.errors import MaskcoverWarning
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover.runs.evidence import Evidence
from maskcover.runs.label_rows import LabelEvidence


@dataclass(frozen=True, slots=True)
class Row:
    """The result for one image, as a run keeps it.

    Args:
        id: The sample's id.
        label: The true label.
        undefended, defended: Labels of the bare classifier and of the defence; −1 for no label, or for an alert. Where
            the defence gives several first labels, `defended` is the true one if it is among them, else the first.
        case: The case of the defence that led to its label; empty for an error.
        verdict: "certified", "not_certified" or "error".
        reason: The reason for an error; else empty.
        fraction: The fraction of the attacker's placements that is certified; 0 for an error, and where a defence that
            certifies without single masks does not certify the image and works out no map, as for several patches.
        margin: The smallest margin of the predictions behind the certificate (see `maskcover.classifiers.margins`).
        failing: Two masks under which the image did not get its label; none if it certifies.
        evaluations: Number of masked predictions that were made.
        pixels: The digest of the image as the classifier got it (see `pixel_digest`); empty if there is none: the
            image could not be read or is no array, or the row is of a run from before there were digests.
        certifying: Numbers of the certifying masks; without ``exhaustive=True`` some may be missing, see
            `Certificate.complete`.
        evidence: The predictions that are kept; None for an error, or in a row of an earlier version.
        answers: Of a run of answers their texts (`maskcover.classifiers.answer_texts`). Labels in the row, those of the
            evidence included, are places in this tuple. Empty in a row of `open_run`, where labels are the numbers that
            `OpenedRun.answer_of` knows; and in a run of labels.
        classes: For an image with several labels the answers for all classes; else None. Such a row has the label 0,
            and as `undefended` and `defended` the number of classes that are answered wrongly; it is certified if no
            attack changes the answer for any class.
    """

    id: str
    label: int
    undefended: int
    defended: int
    case: str
    verdict: Literal["certified", "not_certified", "error"]
    reason: str
    fraction: float
    margin: float
    failing: tuple[int, int] | None
    evaluations: int
    pixels: str = ""
    certifying: tuple[int, ...] = ()
    evidence: Evidence | None = None
    answers: tuple[str, ...] = ()
    classes: LabelEvidence | None = None

    def answer(self, name: str) -> int | str:
        """The label with a name, such as "undefended": in a run of answers the text of the answer.

        >>> Row("a", 0, 0, -1, "", "error", "broken", 0.0, 0.0, None, 0, answers=('"stop"',)).answer("undefended")
        '"stop"'
        """
        label = int(getattr(self, name))
        return self.answers[label] if self.answers and label >= 0 else label

    @property
    def certified(self) -> bool:
        """Whether no attack within the regions changes the defended label, which is the true one."""
        return self.verdict == "certified"

    @property
    def wrong(self) -> bool:
        """Whether it does not certify and has another label than the true one without the defence as well."""
        return self.verdict == "not_certified" and self.undefended != self.label

    @property
    def share(self) -> float:
        """The name of `fraction` up to version 0.1."""
        warnings.warn("Row.share is now Row.fraction", MaskcoverWarning, stacklevel=2)
        return self.fraction

    @property
    def lead(self) -> float:
        """The name of `margin` up to version 0.1."""
        warnings.warn("Row.lead is now Row.margin", MaskcoverWarning, stacklevel=2)
        return self.margin


def row_of(
    sample: str,
    label: int,
    outcome: tuple[Verdict, Evidence | None] | Failed,
    masks: MaskSet,
    regions: RegionSet,
    pixels: str = "",
) -> Row:
    """The row of a verdict with its evidence, or of an image that could not be decided."""
    if isinstance(outcome, Failed):
        return Row(sample, label, UNDECIDED, UNDECIDED, "", "error", _text(outcome), 0.0, 0.0, None, 0, pixels)
    verdict, evidence = outcome
    certificate = verdict.certificate
    return Row(
        sample,
        label,
        verdict.undefended,
        verdict.answer,
        verdict.defended.case.value,
        verdict.name,
        verdict.error or "",
        0.0 if verdict.error else _certified_fraction(verdict, masks, regions),
        verdict.margin,
        certificate.failing,
        verdict.evaluations,
        pixels,
        certificate.certifying,
        None if verdict.error else evidence,
    )


def labels_row(
    sample: str,
    truth: BoolArray,
    outcome: MultiLabelVerdict | Failed,
    masks: MaskSet,
    regions: RegionSet,
    pixels: str = "",
) -> Row:
    """The row of an image with several labels."""
    if isinstance(outcome, Failed):
        classes = LabelEvidence.undecided(truth)
        failed = row_of(sample, 0, outcome, masks, regions, pixels)
        return replace(failed, classes=classes)
    classes = LabelEvidence.of(outcome)
    certifying = tuple(np.flatnonzero(outcome.certificates.certifying.all(axis=1)).tolist())
    verdict: Literal["certified", "not_certified", "error"] = "error"
    if outcome.error is None:
        verdict = "certified" if outcome.certified.all() else "not_certified"
    together = MaskSet(masks.grid, tuple(masks[number] for number in certifying))
    return Row(
        sample,
        0,
        UNDECIDED if outcome.error else classes.mistakes(classes.undefended),
        UNDECIDED if outcome.error else classes.mistakes(classes.defended),
        "" if outcome.error else outcome.defended.case.value,
        verdict,
        outcome.error or "",
        float(covered_fraction(together, regions)) if certifying and not outcome.error else 0.0,
        0.0,
        None,
        outcome.evaluations,
        pixels,
        certifying,
        classes=classes,
    )


def _text(failure: Failed) -> str:
    """The reason in characters that UTF-8 can encode: the name of a file may hold half a character."""
    return str(failure).encode("utf-8", "backslashreplace").decode()


def _certified_fraction(verdict: Verdict, masks: MaskSet, regions: RegionSet) -> float:
    if verdict.certificate.certified:
        return 1.0
    if verdict.fraction is not None:
        return float(verdict.fraction)
    certifying = tuple(masks[number] for number in verdict.certificate.certifying)
    return float(covered_fraction(MaskSet(masks.grid, certifying), regions)) if certifying else 0.0
