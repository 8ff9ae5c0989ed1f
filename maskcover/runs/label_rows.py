"""The answers for all classes of an image with several labels, as a row of a run keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskcover.cells import BoolArray
from maskcover.classifiers.labels import UNDECIDED
from maskcover.covering.containment import Containment
from maskcover.defense.answers import Case, Defended
from maskcover.defense.class_tables import ClassCertificates, certificates_of
from maskcover.defense.label_verdicts import MultiLabelVerdict, expect_kept
from maskcover.defense.multilabel import MultiLabel, SeveralLabels
from maskcover.defense.table import PredictionTable
from maskcover.errors import InvalidInput

_CASES = tuple(Case)
_NUMBERS = {case: number for number, case in enumerate(_CASES)}


@dataclass(frozen=True, slots=True)
class LabelEvidence:
    """The answers for all classes of one image, and the masks that certify them.

    Args:
        truth: For each class 1 if it is present in truth, else 0.
        undefended: The labels of the bare classifier: 1, 0, or −1 where scores were not finite.
        defended: The labels by the defence on the clean image, in the same way.
        cases: The case of the defence for each class, as its place in `maskcover.defense.Case`.
        certifying: The certifying masks of the classes: mask · classes + class for each pair, ascending. What one
            region threatens follows from them.
        scores: Where the run keeps tables, the scores of all masked predictions, (predictions · classes), the bare
            image last; NaN where they were not finite. Else None.
    """

    truth: tuple[int, ...]
    undefended: tuple[int, ...]
    defended: tuple[int, ...]
    cases: tuple[int, ...]
    certifying: tuple[int, ...] = ()
    scores: tuple[float, ...] | None = None

    @classmethod
    def of(cls, verdict: MultiLabelVerdict) -> LabelEvidence:
        """That of a verdict."""
        answers = verdict.defended.answers
        return cls(
            tuple(verdict.truth.astype(np.int64).tolist()),
            tuple(verdict.undefended.tolist()),
            tuple(answer.label for answer in answers),
            tuple(_NUMBERS[Case(answer.case.value)] for answer in answers),
            tuple(np.flatnonzero(verdict.certificates.certifying).tolist()),
            None if verdict.table is None else _scores(verdict.table),
        )

    @classmethod
    def undecided(cls, truth: BoolArray) -> LabelEvidence:
        """That of an image which could not be decided: no class has an answer."""
        none = (UNDECIDED,) * len(truth)
        return cls(tuple(truth.astype(np.int64).tolist()), none, none, (_NUMBERS[Case.UNDEFENDED],) * len(truth))

    def mistakes(self, labels: Sequence[int]) -> int:
        """The number of classes whose label is not the true one."""
        return sum(label != true for label, true in zip(labels, self.truth, strict=True))

    def verdict(
        self, procedure: MultiLabel, covers: Containment, *, evaluations: int, error: str | None
    ) -> MultiLabelVerdict:
        """The verdict that the row tells of, with its certificates worked out again for some regions.

        Args:
            procedure: The defence of the run.
            covers: The masks and the regions.
            evaluations: The number of masked predictions that were made.
            error: The reason why the image has no certificate, or None.

        Raises:
            InvalidInput: the row does not fit the masks, or contradicts itself.
        """
        self._expect_sound(len(covers.masks))
        classes, masks = len(self.truth), len(covers.masks)
        flags = np.zeros(masks * classes, dtype=np.bool_)
        flags[list(self.certifying)] = True
        certificates = certificates_of(flags.reshape(masks, classes), covers)
        if error is not None:
            certificates = ClassCertificates(
                np.zeros(classes, np.bool_), np.zeros((masks, classes), np.bool_), np.ones((1, classes), np.bool_)
            )
        answers = SeveralLabels(
            tuple(Defended(label, _CASES[case]) for label, case in zip(self.defended, self.cases, strict=True))
        )
        truth = np.array(self.truth, dtype=np.int64).astype(np.bool_)
        expect_kept(certificates, truth, answers)
        table = None if self.scores is None else self._table(procedure, covers)
        undefended = np.array(self.undefended, dtype=np.int64)
        return MultiLabelVerdict(truth, undefended, answers, certificates, evaluations, error, table)

    def _expect_sound(self, masks: int) -> None:
        """Raise `InvalidInput` unless all lists have one entry a class, of the numbers that they may hold."""
        classes = len(self.truth)
        lengths = {len(self.undefended), len(self.defended), len(self.cases)}
        sound = (
            lengths == {classes}
            and set(self.truth) <= {0, 1}
            and {*self.undefended, *self.defended} <= {UNDECIDED, 0, 1}
            and all(0 <= case < len(_CASES) for case in self.cases)
            and all(0 <= number < masks * classes for number in self.certifying)
        )
        if not sound:
            raise InvalidInput("the rows do not fit the classes and the masks of the run; they were edited")

    def _table(self, procedure: MultiLabel, covers: Containment) -> PredictionTable:
        """The table of all masked predictions that were kept."""
        table = PredictionTable(covers.masks.views(procedure.views), len(self.truth), covers.masks)
        scores = np.array(self.scores, dtype=np.float64)
        if scores.size != len(table.labels) * len(self.truth):
            raise InvalidInput("the rows do not fit the masks of the run: they keep another number of scores")
        rows = scores.reshape(len(table.labels), len(self.truth))
        broken = np.asarray(np.isnan(rows).any(axis=1))
        table.labels[:] = np.where(broken, UNDECIDED, 0)
        table.confidences[:] = np.where(broken, np.nan, 0.0)
        table.observed = np.where(broken[:, None], 0.0, rows)
        return table


def _scores(table: PredictionTable) -> tuple[float, ...] | None:
    """All scores of a table in which nothing is missing."""
    if table.observed is None:
        return None
    rows = np.where(np.isnan(table.confidences)[:, None], np.nan, table.observed)
    return tuple(rows.ravel().tolist())
