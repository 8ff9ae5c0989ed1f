"""The built-in defences that mask, as values: double masking, challenger masking and detection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from maskcover.cells import IntArray
from maskcover.classifiers.observations import FirstClasses, Observation, TopLabel
from maskcover.covering.containment import Containment
from maskcover.covering.placements import PlacementMap
from maskcover.defense.answers import Answer, checked_top
from maskcover.defense.certificates import Certificate, all_pairs, row_certificate
from maskcover.defense.challenger import challenger_masking
from maskcover.defense.detection import checked_threshold, detect, detection_certificate
from maskcover.defense.double import double_masking
from maskcover.defense.first_detection import FloatArray, detect_first, first_detection_certificate, split_observed
from maskcover.defense.first_rounds import (
    FirstRound,
    after_first_round,
    bound_first_round,
    expect_covering_levels,
    level_certificate,
    level_map,
    named_rounds,
    right_in_levels,
    rounds_in,
    rounds_of,
    unseen_in_levels,
    uses_levels,
    with_first_round,
    without_levels,
)
from maskcover.defense.procedure import Procedure, first_look
from maskcover.defense.stages import Stage, masking_stages, single_stage
from maskcover.defense.table import Pending, PredictionTable
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet, Views
from maskcover.regions import RegionSet

Method = Literal["double", "challenger", "detect"]
Rule = Literal["rows", "all-pairs"]


@dataclass(frozen=True)
class TwoRounds(Procedure):
    """What double masking and challenger masking have in common: certificates by rows, and first rounds.

    Args:
        rule, exhaustive, first_round: See `DoubleMasking`.
    """

    rule: Rule = "rows"
    exhaustive: bool = False
    first_round: FirstRound | None = None

    views: ClassVar[Views] = Views.PAIRS
    needs_bits: ClassVar[bool] = False
    takes_answers = True

    def __post_init__(self) -> None:
        if self.rule not in get_args(Rule) or (self.exhaustive and self.rule != "rows"):
            raise InvalidInput(f"rule must be one of {get_args(Rule)}, and 'rows' with exhaustive; got {self.rule!r}")
        rounds_of(self.first_round)

    @property
    def words(self) -> str:
        """The defence in words."""
        rounds = [part if isinstance(part, str) else f"{len(part)} masks" for part in rounds_of(self.first_round)]
        first = f", first round by {' and '.join(rounds)}" if rounds else ""
        return f"{self.name.replace('_', ' ')}, rule {self.rule}{first}"

    @property
    def maps_itself(self) -> bool:
        """Whether it has levels: then not all placements inside a certifying mask are certified."""
        return uses_levels(self.first_round)

    @property
    def without_levels(self) -> Procedure:
        """The same procedure with no more than a first round by pairs."""
        return replace(self, first_round=without_levels(self.first_round))

    def masks_with_levels(self, masks: MaskSet, regions: RegionSet) -> MaskSet:
        """The masks with the levels of the first round."""
        return with_first_round(self.first_round, masks, regions)

    def against(self, regions: RegionSet) -> Procedure:  # noqa: ARG002  # see `Procedure`
        """The same procedure for masks that have its levels, see `masks_with_levels`."""
        return replace(self, first_round=bound_first_round(self.first_round))

    def first_rounds(self, masks: MaskSet) -> tuple[IntArray, ...]:
        """The predictions under masks of levels, level by level, and those under unions of pairs."""
        return tuple(pairs for _, pairs in rounds_in(self.first_round, masks))

    def expect_use(self, covers: Containment) -> None:
        """Raise `NotCovering` if the masks of some level do not cover the regions."""
        if self.maps_itself:
            expect_covering_levels(covers)

    def first_views(self, table: PredictionTable) -> Pending | None:
        """The predictions with nothing hidden, under each mask, and under each mask of a level."""
        return first_look(table) or (unseen_in_levels(table) if self.maps_itself else None)

    def certificate(
        self, table: PredictionTable, label: int, covers: Containment, min_margin: float
    ) -> Certificate | Pending:
        """See `row_certificate`, `all_pairs` and `level_certificate`."""
        trusted = table.trusted(min_margin)[table.views.ids]
        if self.rule == "rows":
            certificate = row_certificate(trusted, label, covers, exhaustive=self.exhaustive)
        else:
            certificate = all_pairs(trusted, label, covering=covers(np.ones(len(trusted), dtype=np.bool_)))
        if isinstance(certificate, Pending) or not self.maps_itself:
            return certificate
        return unseen_in_levels(table) or level_certificate(certificate, table, label, covers, min_margin)

    def certified_map(
        self, table: PredictionTable, label: int, covers: Containment, min_margin: float
    ) -> PlacementMap | None:
        """With levels the placements inside a certifying mask and, in each level, inside one with the label."""
        if not self.maps_itself:
            return None
        rows = (table.trusted(min_margin)[table.views.ids] == label).all(axis=1)
        return level_map(rows, right_in_levels(table, label, min_margin), covers)


@dataclass(frozen=True)
class DoubleMasking(TwoRounds):
    """Double masking, Algorithm 1 of the paper (section 3.2).

    Args:
        rule: "rows" for the row certificate (docs/theory.md, The defence), "all-pairs" for the paper's Algorithm 2
            (section 3.3), which certifies less.
        exhaustive: Decide every row, also of images that fail, for the whole map of certified placements.
        first_round: A first round of fewer predictions, which answers an image whose views agree; None for none. See
            `maskcover.defense.first_rounds` for the theorems. It is one of these, or several of them in a tuple:

            - "pairs": the unions of ⌈n/2⌉ pairs of the n masks, an odd one alone. The same images are certified.
            - a mask set, or a text such as "grid(2, 2)" that makes one: a level of coarser masks, and in a tuple levels
              from coarse to fine. A certificate needs the masks of each level with the true label to cover the regions.
            - "levels": the levels that the masks have already, see `MaskSet.with_levels`.
            - "auto": levels that a few images choose, see `maskcover.choose_first_round`.

    >>> DoubleMasking(), str(DoubleMasking(rule="all-pairs"))
    (DoubleMasking(rule='rows', exhaustive=False, first_round=None), "double_masking(rule='all-pairs')")
    >>> str(DoubleMasking(first_round=("grid(2, 2)", "pairs")))
    "double_masking(first_round=('grid(2, 2)', 'pairs'))"
    """

    name: ClassVar[str] = "double_masking"
    method: ClassVar[str | None] = "double"

    def stages(self, masks: MaskSet) -> tuple[Stage, ...]:
        """First rounds, one mask, two masks; see `masking_stages`."""
        return masking_stages(masks, named_rounds(self.first_round, masks), None)

    def answer(self, table: PredictionTable) -> Answer | Pending:
        """See `double_masking`, and `after_first_round`."""
        return after_first_round(table, self.first_round, double_masking)


@dataclass(frozen=True)
class ChallengerMasking(TwoRounds):
    """Challenger masking (paper, appendix C): fewer masked predictions when the first round disagrees.

    Args:
        rule, exhaustive, first_round: As for `DoubleMasking`: the same images are certified.

    >>> str(ChallengerMasking())
    'challenger_masking()'
    """

    name: ClassVar[str] = "challenger_masking"
    method: ClassVar[str | None] = "challenger"

    def stages(self, masks: MaskSet) -> tuple[Stage, ...]:
        """First rounds, one mask, games of two masks; see `masking_stages`."""
        return masking_stages(masks, named_rounds(self.first_round, masks), len(masks) - 1)

    def answer(self, table: PredictionTable) -> Answer | Pending:
        """See `challenger_masking`, and `after_first_round`."""
        return after_first_round(table, self.first_round, challenger_masking)


@dataclass(frozen=True)
class Detection(Procedure):
    """Detection in the manner of Minority Reports: the label of the image as it is, or an alert.

    Args:
        threshold: The least confidence, from 0 to 1, at which a mask that disagrees raises an alert.
        alert_below: A confidence, from 0 to 1: a mask whose own is smaller raises an alert, whatever its label. By
            default there are no such alerts. ``Detection(0.0, alert_below=0.8)`` is the rule of HiCert: any mask that
            disagrees raises an alert, and so does any whose confidence is below 0.8.
        top: The number k of first labels that make the answer, fewer than there are classes. With 2 or more the answer
            is a `FirstLabels`; a mask disagrees where one of its own first k labels, at a confidence of at least
            `threshold`, is not among them. See `maskcover.defense.first_detection`.

    >>> str(Detection(0.5)), Detection(0.5).words
    ('detection(threshold=0.5)', 'detection at 0.5')
    >>> str(Detection(0.9, alert_below=0.3)), Detection(0.9, 0.3).words
    ('detection(threshold=0.9, alert_below=0.3)', 'detection at 0.9, with an alert below 0.3')
    """

    threshold: float
    alert_below: float | None = None
    top: int = 1

    name: ClassVar[str] = "detection"
    method: ClassVar[str | None] = "detect"
    may_alert: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "threshold", checked_threshold(self.threshold))
        if self.alert_below is not None:
            # No confidence is below 0, so that 0 is the same as None.
            object.__setattr__(self, "alert_below", checked_threshold(self.alert_below, "alert_below") or None)
        checked_top(self.top)

    @property
    def observation(self) -> Observation:  # type: ignore[override]  # it depends on the arguments
        """The first labels of each view; of one label the top label is enough."""
        return TopLabel() if self.top == 1 else FirstClasses(self.top)

    @property
    def words(self) -> str:
        """The defence in words."""
        low = "" if self.alert_below is None else f", with an alert below {self.alert_below:g}"
        return f"detection at {self.threshold:g}{low}" + ("" if self.top == 1 else f", the first {self.top} labels")

    @property
    def takes_answers(self) -> bool:  # type: ignore[override]  # it depends on the arguments
        """Whether no confidence matters: with a threshold of 0 any mask with another label raises an alert."""
        return self.threshold == 0 and self.alert_below is None and self.top == 1

    def stages(self, masks: MaskSet) -> tuple[Stage, ...]:
        """Nothing hidden, and each mask: always all of them."""
        return single_stage("nothing hidden, one mask", len(masks.singles) + 1)

    def answer(self, table: PredictionTable) -> Answer | Pending:
        """See `detect`, and `maskcover.defense.first_detection.detect_first`."""
        if look := first_look(table):
            return look
        if self.top == 1:
            return detect(table.undefended, table.one_mask, confidences(table), self.threshold, self.alert_below)
        bare, labels, sureness = self._first(table)
        return detect_first(bare, table.one_mask >= 0, labels, sureness, self.threshold, self.alert_below or 0.0)

    def certificate(
        self, table: PredictionTable, label: int, covers: Containment, min_margin: float
    ) -> Certificate | Pending:
        """See `detection_certificate`, and `maskcover.defense.first_detection.first_detection_certificate`."""
        one_mask = table.trusted(min_margin)[table.views.singles]
        if self.top > 1:
            _, labels, sureness = self._first(table)
            return first_detection_certificate(
                one_mask >= 0, labels, sureness, label, self.threshold, self.alert_below or 0.0, covers
            )
        return detection_certificate(one_mask, confidences(table), label, self.threshold, covers, self.alert_below)

    def _first(self, table: PredictionTable) -> tuple[IntArray, IntArray, FloatArray]:
        """See `split_observed`."""
        if table.observed is None:
            raise InvalidInput(f"{self} needs the first {self.top} labels of each view, which were not observed")
        entries = np.append(table.views.singles, -1)
        return split_observed(table.observed[entries], table.labels[entries], self.top)


def confidences(table: PredictionTable) -> Any:
    """The confidences of the one-mask predictions, float64 (masks,); 0 where the scores were not finite."""
    return np.nan_to_num(table.confidences[table.views.singles])


DOUBLE_MASKING = DoubleMasking()
