"""The built-in defences that mask, as values: double masking, challenger masking and detection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from maskcover.covering.containment import Containment
from maskcover.defense.answers import Answer
from maskcover.defense.certificates import Certificate, all_pairs, row_certificate
from maskcover.defense.challenger import challenger_masking
from maskcover.defense.detection import checked_threshold, detect, detection_certificate
from maskcover.defense.double import double_masking
from maskcover.defense.first_rounds import FirstRound, after_first_round, checked_first_round, rounds_of
from maskcover.defense.procedure import Procedure, first_look
from maskcover.defense.stages import Stage, masking_stages, single_stage
from maskcover.defense.table import Pending, PredictionTable
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet, Views

Method = Literal["double", "challenger", "detect"]
Rule = Literal["rows", "all-pairs"]


@dataclass(frozen=True)
class DoubleMasking(Procedure):
    """Double masking, Algorithm 1 of the paper (section 3.2).

    Args:
        rule: "rows" for the row certificate (docs/theory.md, The defence), "all-pairs" for the paper's Algorithm 2
            (section 3.3), which certifies less.
        exhaustive: Decide every row, also of images that fail, for the whole map of certified placements.
        first_round: "pairs" to ask first for the unions of ⌈n/2⌉ pairs of the n masks, an odd one alone: if these have
            one label, it is the answer. The same images are certified, and an image whose views agree is served with
            half of the predictions; see `maskcover.defense.first_rounds` for the theorem. None for no first round.

    >>> DoubleMasking(), str(DoubleMasking(rule="all-pairs"))
    (DoubleMasking(rule='rows', exhaustive=False, first_round=None), "double_masking(rule='all-pairs')")
    >>> str(DoubleMasking(first_round="pairs"))
    "double_masking(first_round='pairs')"
    """

    rule: Rule = "rows"
    exhaustive: bool = False
    first_round: FirstRound | None = None

    name: ClassVar[str] = "double_masking"
    method: ClassVar[str | None] = "double"
    views: ClassVar[Views] = Views.PAIRS
    needs_bits: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _expect_rule(self.rule, exhaustive=self.exhaustive)
        checked_first_round(self.first_round)

    @property
    def words(self) -> str:
        """The defence in words."""
        return f"double masking, rule {self.rule}{_first(self.first_round)}"

    def stages(self, masks: MaskSet) -> tuple[Stage, ...]:
        """First rounds, one mask, two masks; see `masking_stages`."""
        return masking_stages(masks, rounds_of(masks, self.first_round), None)

    def answer(self, table: PredictionTable) -> Answer | Pending:
        """See `double_masking`, and `pairs_agreed` for a first round."""
        return after_first_round(table, self.first_round, double_masking)

    def certificate(
        self, table: PredictionTable, label: int, covers: Containment, min_margin: float
    ) -> Certificate | Pending:
        """See `row_certificate` and `all_pairs`."""
        return _masking_certificate(table, label, covers, min_margin, self.rule, exhaustive=self.exhaustive)


@dataclass(frozen=True)
class ChallengerMasking(Procedure):
    """Challenger masking (paper, appendix C): fewer masked predictions when the first round disagrees.

    Args:
        rule, exhaustive, first_round: As for `DoubleMasking`: the same images are certified.

    >>> str(ChallengerMasking())
    'challenger_masking()'
    """

    rule: Rule = "rows"
    exhaustive: bool = False
    first_round: FirstRound | None = None

    name: ClassVar[str] = "challenger_masking"
    method: ClassVar[str | None] = "challenger"
    views: ClassVar[Views] = Views.PAIRS
    needs_bits: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _expect_rule(self.rule, exhaustive=self.exhaustive)
        checked_first_round(self.first_round)

    @property
    def words(self) -> str:
        """The defence in words."""
        return f"challenger masking, rule {self.rule}{_first(self.first_round)}"

    def stages(self, masks: MaskSet) -> tuple[Stage, ...]:
        """First rounds, one mask, two masks; see `masking_stages`."""
        return masking_stages(masks, rounds_of(masks, self.first_round), len(masks) - 1)

    def answer(self, table: PredictionTable) -> Answer | Pending:
        """See `challenger_masking`, and `pairs_agreed` for a first round."""
        return after_first_round(table, self.first_round, challenger_masking)

    def certificate(
        self, table: PredictionTable, label: int, covers: Containment, min_margin: float
    ) -> Certificate | Pending:
        """See `row_certificate` and `all_pairs`."""
        return _masking_certificate(table, label, covers, min_margin, self.rule, exhaustive=self.exhaustive)


@dataclass(frozen=True)
class Detection(Procedure):
    """Detection in the manner of Minority Reports: the label of the image as it is, or an alert.

    Args:
        threshold: The least confidence, from 0 to 1, at which a mask that disagrees raises an alert.
        alert_below: A confidence, from 0 to 1: a mask whose own is smaller raises an alert, whatever its label. By
            default there are no such alerts. ``Detection(0.0, alert_below=0.8)`` is the rule of HiCert: any mask that
            disagrees raises an alert, and so does any whose confidence is below 0.8.

    >>> str(Detection(0.5)), Detection(0.5).words
    ('detection(threshold=0.5)', 'detection at 0.5')
    >>> str(Detection(0.9, alert_below=0.3)), Detection(0.9, 0.3).words
    ('detection(threshold=0.9, alert_below=0.3)', 'detection at 0.9, with an alert below 0.3')
    """

    threshold: float
    alert_below: float | None = None

    name: ClassVar[str] = "detection"
    method: ClassVar[str | None] = "detect"
    may_alert: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "threshold", checked_threshold(self.threshold))
        if self.alert_below is not None:
            # No confidence is below 0, so that 0 is the same as None.
            object.__setattr__(self, "alert_below", checked_threshold(self.alert_below, "alert_below") or None)

    @property
    def words(self) -> str:
        """The defence in words."""
        low = "" if self.alert_below is None else f", with an alert below {self.alert_below:g}"
        return f"detection at {self.threshold:g}{low}"

    def stages(self, masks: MaskSet) -> tuple[Stage, ...]:
        """Nothing hidden, and each mask: always all of them."""
        return single_stage("nothing hidden, one mask", len(masks.singles) + 1)

    def answer(self, table: PredictionTable) -> Answer | Pending:
        """See `detect`."""
        return first_look(table) or detect(
            table.undefended, table.one_mask, confidences(table), self.threshold, self.alert_below
        )

    def certificate(
        self, table: PredictionTable, label: int, covers: Containment, min_margin: float
    ) -> Certificate | Pending:
        """See `detection_certificate`."""
        one_mask = table.trusted(min_margin)[table.views.singles]
        return detection_certificate(one_mask, confidences(table), label, self.threshold, covers, self.alert_below)


def confidences(table: PredictionTable) -> Any:
    """The confidences of the one-mask predictions, float64 (masks,); 0 where the scores were not finite."""
    return np.nan_to_num(table.confidences[table.views.singles])


def _masking_certificate(
    table: PredictionTable, label: int, covers: Containment, min_margin: float, rule: Rule, *, exhaustive: bool
) -> Certificate | Pending:
    trusted = table.trusted(min_margin)[table.views.ids]
    if rule == "rows":
        return row_certificate(trusted, label, covers, exhaustive=exhaustive)
    return all_pairs(trusted, label, covering=covers(np.ones(len(trusted), dtype=np.bool_)))


def _first(first_round: FirstRound | None) -> str:
    """A first round in words, to follow those of the defence."""
    return "" if first_round is None else f", first round by {first_round}"


def _expect_rule(rule: object, *, exhaustive: bool) -> None:
    if rule not in get_args(Rule) or (exhaustive and rule != "rows"):
        raise InvalidInput(f"rule must be one of {get_args(Rule)}, and 'rows' with exhaustive; got {rule!r}")


DOUBLE_MASKING = DoubleMasking()
