"""`MultiLabel`: double masking or challenger masking for images with several labels, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.labels import UNDECIDED, UNSEEN
from maskcover.classifiers.observations import ClassScores, Observation
from maskcover.covering.containment import Containment
from maskcover.defense.answers import Answer, Case
from maskcover.defense.certificates import Certificate
from maskcover.defense.class_tables import FloatArray, class_labels, class_table, different_classes, merged
from maskcover.defense.procedure import Procedure
from maskcover.defense.procedures import ChallengerMasking, DoubleMasking, TwoRounds
from maskcover.defense.stages import Stage
from maskcover.defense.table import Pending, PredictionTable
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet, Views

_SCORES = ClassScores()
Masking = Literal["double", "challenger"]
_KINDS: dict[Masking, type[TwoRounds]] = {"double": DoubleMasking, "challenger": ChallengerMasking}


@dataclass(frozen=True, slots=True)
class SeveralLabels:
    """The answer of a defence to one image with several labels.

    Args:
        answers: The answer for each class: label 1 if it is present, 0 if not, −1 if the scores were not finite.

    >>> from maskcover.defense import Defended
    >>> print(SeveralLabels((Defended(1, Case.AGREED), Defended(0, Case.AGREED), Defended(1, Case.DISAGREER, 3))))
    classes 0, 2 of 3
    """

    answers: tuple[Answer, ...]

    @property
    def present(self) -> BoolArray:
        """Whether each class is present, bool (classes,); False where the class has no answer."""
        return np.array([answer.label == 1 for answer in self.answers], dtype=np.bool_)

    @property
    def decided(self) -> BoolArray:
        """Whether each class has an answer, bool (classes,)."""
        return np.array([answer.label != UNDECIDED for answer in self.answers], dtype=np.bool_)

    @property
    def label(self) -> int:
        """−1 if some class has no answer, else 0: there is no single label, see `present`."""
        return 0 if self.decided.all() else UNDECIDED

    @property
    def alert(self) -> bool:
        """False: there are no alerts."""
        return False

    @property
    def case(self) -> Case:
        """How the answers were reached, if all in the same way; else `Case.SEVERAL`."""
        cases = {answer.case for answer in self.answers}
        case = next(iter(cases)) if len(cases) == 1 else Case.SEVERAL
        return case if isinstance(case, Case) else Case.SEVERAL

    def __str__(self) -> str:
        numbers = np.flatnonzero(self.present).tolist()
        return f"classes {', '.join(map(str, numbers)) or 'none'} of {len(self.answers)}"


@dataclass(frozen=True)
class MultiLabel(Procedure):
    """Several labels at once: a procedure of two rounds runs for each class, all on the same predictions.

    Args:
        thresholds: A class is present where its score is at least this number: one for all classes, or a tuple with
            one for each. In the units of the scores: 0 for logits is a probability of one half.
        masking: The algorithm for each class: "double" masking or "challenger" masking.
        first_round: "pairs" for a first round by pairs (`maskcover.defense.first_rounds`), class by class; or None.

    The idea is PatchDEMUX's (CVPR 2025). Certificates are made by `certify` with ``task="multilabel"``.

    >>> str(MultiLabel(0.5)), str(MultiLabel((0.0, 1.5), masking="challenger"))
    ('multi_label(thresholds=0.5)', "multi_label(thresholds=(0.0, 1.5), masking='challenger')")
    """

    thresholds: float | tuple[float, ...] = 0.0
    masking: Masking = "double"
    first_round: Literal["pairs"] | None = None

    name: ClassVar[str] = "multi_label"
    views: ClassVar[Views] = Views.PAIRS
    observation: ClassVar[Observation] = _SCORES  # type: ignore[misc]  # the same for all

    def __post_init__(self) -> None:
        object.__setattr__(self, "thresholds", checked_thresholds(self.thresholds))
        if self.masking not in get_args(Masking) or self.first_round not in (None, "pairs"):
            raise InvalidInput(
                'masking is "double" or "challenger", and first_round is "pairs" or None; got '
                f"{self.masking!r} and {self.first_round!r}"
            )

    @classmethod
    def of(cls, procedure: Procedure, thresholds: object) -> MultiLabel:
        """The same defence for several labels.

        Raises:
            InvalidInput: the procedure is none of two rounds, or it has levels, or certifies by another rule than rows.

        >>> from maskcover.defense import ChallengerMasking
        >>> str(MultiLabel.of(ChallengerMasking(first_round="pairs"), 0.5))
        "multi_label(thresholds=0.5, masking='challenger', first_round='pairs')"
        """
        name = next((name for name, kind in _KINDS.items() if type(procedure) is kind), None)
        plain = isinstance(procedure, TwoRounds) and procedure.rule == "rows"
        first_round: Any = getattr(procedure, "first_round", None)
        if name is None or not plain or first_round not in (None, "pairs"):
            raise InvalidInput(
                "several labels need double_masking() or challenger_masking(), with rule='rows' and no levels, such as "
                f"double_masking(first_round='pairs'); got {procedure}"
            )
        return cls(checked_thresholds(thresholds), name, first_round)

    @property
    def base(self) -> TwoRounds:
        """The procedure for each class."""
        return _KINDS[self.masking](first_round=self.first_round)

    @property
    def words(self) -> str:
        """The defence in words."""
        thresholds = self.thresholds
        each = f"{thresholds:g}" if isinstance(thresholds, float) else f"{len(thresholds)} thresholds"
        return f"{self.base.words}, for each class at {each}"

    @property
    def threshold_array(self) -> FloatArray:
        """The thresholds, float64 (classes,), or (1,) for one that counts for all."""
        return np.atleast_1d(np.array(self.thresholds, dtype=np.float64))

    def first_rounds(self, masks: MaskSet) -> tuple[IntArray, ...]:
        """Those of the procedure for each class."""
        return self.base.first_rounds(masks)

    def stages(self, masks: MaskSet) -> tuple[Stage, ...]:
        """Those of one class, but that the last stage may need more, since each class may ask for other predictions."""
        *first, last = self.base.stages(masks)
        rest = len(masks.unions) - sum(stage.at_most for stage in first)
        return (*first, Stage(last.name, last.at_least, max(rest, 0), last.agreeing))

    def answer(self, table: PredictionTable) -> SeveralLabels | Pending:
        """The answer for each class by its own table, or all predictions that some class waits for."""
        base = self.base
        if table.observed is None:
            pending = base.answer(PredictionTable(table.views, 2, table.mask_set))
            if not isinstance(pending, Pending):
                raise InvalidInput(f"{base} answers without any prediction")
            return pending
        labels = class_labels(table, self.threshold_array)
        firsts, groups = different_classes(labels)
        answers = [base.answer(class_table(table, labels[:, first])) for first in firsts.tolist()]
        pendings = [answer for answer in answers if isinstance(answer, Pending)]
        if pendings:
            return merged(pendings)
        decided = [answer for answer in answers if not isinstance(answer, Pending)]
        return SeveralLabels(tuple(decided[group] for group in groups.tolist()))

    def undefended(self, table: PredictionTable) -> IntArray:
        """The labels of the image as it is, int64 (classes,): 1, 0, or −1 where scores were not finite."""
        if table.undefended == UNSEEN:
            raise InvalidInput("the image has not been predicted as it is")
        bare: IntArray = class_labels(table, self.threshold_array)[-1]
        return bare

    def certificate(
        self,
        table: PredictionTable,  # noqa: ARG002  # the arguments are the base's
        label: int,  # noqa: ARG002
        covers: Containment,  # noqa: ARG002
        min_margin: float,  # noqa: ARG002
    ) -> Certificate | Pending:
        """Refused: a certificate of several labels is about all of them, see `certify` with task="multilabel"."""
        raise InvalidInput(f'{self} is about several labels; type task="multilabel", with labels of (images, classes)')


def checked_thresholds(thresholds: object) -> float | tuple[float, ...]:
    """Thresholds as a float, or as a tuple of floats; raise `InvalidInput` unless all are finite numbers.

    >>> checked_thresholds(1), checked_thresholds(np.array([0.5, 1.0]))
    (1.0, (0.5, 1.0))
    """
    values: Any = thresholds.tolist() if isinstance(thresholds, np.ndarray | np.generic) else thresholds
    several = isinstance(values, Sequence) and not isinstance(values, str)
    numbers = list(values) if several else [values]
    plain = [isinstance(number, int | float) and not isinstance(number, bool) for number in numbers]
    if not numbers or not all(plain) or not all(map(isfinite, numbers)):
        raise InvalidInput(f"thresholds are one finite number, or one for each class; got {thresholds!r:.80}")
    return tuple(map(float, numbers)) if several else float(numbers[0])
