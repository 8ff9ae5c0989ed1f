"""What is asked of each image: which defence answers, and by which rule it is certified. For the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from maskcover.cells import IntArray
from maskcover.classifiers.labels import UNSEEN
from maskcover.defense.certificates import Certificate, Covers, all_pairs, row_certificate
from maskcover.defense.challenger import challenger_masking
from maskcover.defense.detection import Detected, detect, detection_certificate
from maskcover.defense.double import Defended, double_masking
from maskcover.defense.table import NO_MASK, Decide, Pending, PredictionTable
from maskcover.defense.verdicts import Verdict, verdict
from maskcover.defense.waves import next_wave
from maskcover.errors import InvalidInput

Method = Literal["double", "challenger", "detect"]
Rule = Literal["rows", "all-pairs"]
Answer = Defended | Detected


@dataclass(frozen=True, slots=True)
class Procedure:
    """A defence and the rule that certifies it.

    Args:
        method: "double" for double masking (Algorithm 1), "challenger" for challenger masking (appendix C), "detect"
            for the bare label or an alert, in the manner of Minority Reports.
        threshold: Of "detect": the confidence from which on a mask that disagrees raises an alert.
        rule: "rows" for the row certificate (design §7), "all-pairs" for the paper's Algorithm 2. The same for both
            kinds of masking; detection has a certificate of its own, which needs one-mask predictions only.
        exhaustive: Decide every row, for the whole map of certified placements, also of images that fail.

    >>> str(Procedure()), str(Procedure("detect", threshold=0.5))
    ('double masking, rule rows', 'detection at 0.5')
    """

    method: Method = "double"
    threshold: float | None = None
    rule: Rule = "rows"
    exhaustive: bool = False

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise InvalidInput(f"method must be one of {', '.join(get_args(Method))}; got {self.method!r}")
        if self.rule not in get_args(Rule) or (self.exhaustive and self.rule != "rows"):
            raise InvalidInput(f"rule must be one of {get_args(Rule)}, and 'rows' with exhaustive; got {self.rule!r}")
        if (self.threshold is None) == (self.method == "detect"):
            raise InvalidInput(
                f'a threshold belongs to method="detect" and to no other; got {self.method!r} and {self.threshold!r}'
            )
        if self.threshold is not None:
            detect(0, np.zeros(1, np.int64), [0.0], self.threshold)  # refuses what is no threshold

    def __str__(self) -> str:
        if self.method == "detect":
            return f"detection at {self.threshold:g}"
        return f"{self.method} masking, rule {self.rule}"

    def answer(self, table: PredictionTable) -> Answer | Pending:
        """The defended prediction from a table, or what it must see first."""
        if self.threshold is not None:
            return first_look(table) or _detected(table, self.threshold)
        found = (challenger_masking if self.method == "challenger" else double_masking)(table.matrix)
        return next_wave(table, found) if isinstance(found, Pending) else found

    def certificate(self, table: PredictionTable, label: int, covers: Covers, margin: float) -> Certificate | Pending:
        """The certificate from a table that was looked at, or what it must see first."""
        firm = table.firm(margin)
        if self.threshold is not None:
            return detection_certificate(firm.diagonal(), confidences(table), label, self.threshold, covers)
        if self.rule == "rows":
            found = row_certificate(firm, label, covers, exhaustive=self.exhaustive)
        else:
            found = all_pairs(firm, label, covering=covers(np.ones(len(firm), dtype=np.bool_)))
        return next_wave(table, found) if isinstance(found, Pending) else found

    def answering(self) -> Decide[Answer]:
        """The defence for the engine."""
        return lambda _, table: self.answer(table)

    def certifying(self, labels: IntArray, covers: Covers, margin: float) -> Decide[Verdict]:
        """The certification for the engine; labels int64, one for each image."""

        def decide(number: int, table: PredictionTable) -> Verdict | Pending:
            label = checked_against(int(labels[number]), table, number)
            if look := first_look(table):
                return look
            certificate = self.certificate(table, label, covers, margin)
            if isinstance(certificate, Pending):
                return certificate
            answer = self.answer(table)
            return answer if isinstance(answer, Pending) else verdict(table, label, certificate, answer)

        return decide


DOUBLE_MASKING = Procedure()


def alerted(answer: Answer) -> bool:
    """Whether the answer is an alert."""
    return isinstance(answer, Detected) and answer.alert


def first_look(table: PredictionTable) -> Pending | None:
    """The image as it is and under each mask, which come first and in one go; None once that was seen."""
    if table.undefended != UNSEEN:
        return None
    return Pending(np.repeat(np.arange(NO_MASK, len(table.unions.ids)), 2).reshape(-1, 2))


def confidences(table: PredictionTable) -> Any:
    """Of the one-mask labels, float64 (n,); 0 where there is none."""
    return np.nan_to_num(table.confidences[table.unions.ids.diagonal()])


def checked_against(label: int, table: PredictionTable, number: int) -> int:
    """The true label of an image, if the classifier has such a class."""
    if table.classes is not None and label >= table.classes:
        raise InvalidInput(f"image {number} has the label {label}, but the classifier has {table.classes} classes")
    return label


def _detected(table: PredictionTable, threshold: float) -> Detected:
    return detect(table.undefended, table.matrix.diagonal(), confidences(table), threshold)
