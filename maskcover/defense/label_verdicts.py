"""The verdict on one image with several labels: its classes with and without the defence, and their certificates."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.labels import UNSEEN
from maskcover.covering.containment import Containment
from maskcover.defense.class_tables import ClassCertificates, class_certificates
from maskcover.defense.multilabel import MultiLabel, SeveralLabels
from maskcover.defense.procedure import first_look
from maskcover.defense.table import Decide, Pending, PredictionTable
from maskcover.errors import InvalidInput


@dataclass(frozen=True, slots=True, eq=False)
class MultiLabelVerdict:
    """The result of a certification for one image with several labels.

    Args:
        truth: Whether each class is present in truth, bool (classes,).
        undefended: The labels of the bare classifier, int64 (classes,): 1, 0, or −1 where scores were not finite.
        defended: The answer of the defence to the clean image.
        certificates: The certificates about `truth`; of an image with an error there are none.
        evaluations: Number of masked predictions for this image.
        error: The reason why the image can have no certificate: non-finite scores (threats.md, 26); else None.
        table: All masked predictions with the scores of all classes, where they were kept; else None.
    """

    truth: BoolArray
    undefended: IntArray
    defended: SeveralLabels
    certificates: ClassCertificates
    evaluations: int
    error: str | None = None
    table: PredictionTable | None = None

    @property
    def certified(self) -> BoolArray:
        """Whether no attack changes the answer for the class from the truth, bool (classes,)."""
        return self.certificates.certified

    @property
    def present(self) -> int:
        """The number of classes that are present in truth."""
        return int(self.truth.sum())


def certifying_labels(
    procedure: MultiLabel, truths: BoolArray, covers: Containment, *, keep: bool = False
) -> Decide[MultiLabelVerdict]:
    """The verdicts of a defence for several labels, for the engine.

    Args:
        procedure: The defence.
        truths: bool (images, classes).
        covers: The masks and the regions.
        keep: Make every masked prediction, and keep the table in the verdict.
    """

    def decide(number: int, table: PredictionTable) -> MultiLabelVerdict | Pending:
        if look := first_look(table):
            return look
        expect_classes(table, truths.shape[1], number)
        missing = np.flatnonzero(table.labels == UNSEEN)
        if keep and len(missing):
            return Pending(table.pairs(missing))
        decision = verdict_of(procedure, table, truths[number], covers)
        return replace(decision, table=table) if keep and isinstance(decision, MultiLabelVerdict) else decision

    return decide


def verdict_of(
    procedure: MultiLabel, table: PredictionTable, truth: BoolArray, covers: Containment
) -> MultiLabelVerdict | Pending:
    """The verdict of a table, or the predictions that it lacks; with non-finite scores there is no certificate."""
    certificates = class_certificates(table, truth, procedure.threshold_array, covers)
    if isinstance(certificates, Pending):
        return certificates
    answer = procedure.answer(table)
    if isinstance(answer, Pending):
        return answer
    broken = table.broken
    if broken:
        certificates = _none(certificates)
    expect_kept(certificates, truth, answer)
    error = f"non-finite scores under {len(broken)} views, first with the masks {broken[0]}" if broken else None
    return MultiLabelVerdict(truth, procedure.undefended(table), answer, certificates, table.evaluations, error)


def expect_classes(table: PredictionTable, classes: int, number: int) -> None:
    """Raise `InvalidInput` unless the classifier scores this many classes."""
    if table.classes is not None and table.classes != classes:
        raise InvalidInput(
            f"image {number} has labels for {classes} classes, but the classifier scores {table.classes}; labels are "
            "of shape (images, classes), in the order of the scores"
        )


def _none(certificates: ClassCertificates) -> ClassCertificates:
    """No certificate for any class: all of them may be answered wrongly at once."""
    return ClassCertificates(
        np.zeros_like(certificates.certified),
        np.zeros_like(certificates.certifying),
        np.ones_like(certificates.threatened[:1]),
    )


def expect_kept(certificates: ClassCertificates, truth: BoolArray, answer: SeveralLabels) -> None:
    """Raise `InvalidInput` if the clean image, which is one of the attacked ones, breaks a certificate."""
    wrong = (answer.present != truth) | ~answer.decided
    if not certificates.threatened[:, wrong].all() or (certificates.certified & wrong).any():
        raise InvalidInput(
            "a certificate of several labels is broken by the clean image itself; this is a fault of maskcover: please "
            "report it"
        )
