"""Answers of a defence to one image: a label with the case that led to it, several labels in order, or an alert."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol, runtime_checkable

from maskcover.classifiers.labels import UNDECIDED
from maskcover.errors import InvalidInput


class Case(Enum):
    """How a built-in defence reached its answer."""

    AGREED = "agreed"
    LEVEL_AGREED = "level agreed"
    PAIRS_AGREED = "pairs agreed"
    DISAGREER = "disagreer"
    CHALLENGER = "challenger"
    ALERT = "alert"
    NO_ALERT = "no alert"
    MAJORITY = "majority"
    VOTES = "votes"
    NO_VOTES = "no votes"
    FIRST_BY_VOTES = "first by votes"
    MASKED_EVIDENCE = "masked evidence"
    UNDEFENDED = "undefended"
    SEVERAL = "several"


@runtime_checkable
class Answer(Protocol):
    """The answer of a defence to one image, as `predict` returns it."""

    @property
    def label(self) -> int:
        """The defended label; −1 if the classifier gave no label where the defence needed one."""
        ...

    @property
    def alert(self) -> bool:
        """Whether the defence raised an alert; the label must then not be used."""
        ...

    @property
    def case(self) -> Enum:
        """How the answer was reached; its value is the text in rows and reports."""
        ...


@dataclass(frozen=True, slots=True)
class NamedAnswer:
    """The answer of a defence around a function that gives answers without scores (`maskcover.MaskedAnswers`).

    Args:
        value: The answer itself, such as a text; None if there is none, or an alert.
        decision: The same with the number of the answer as label, its case, and the mask that decided, if one did.

    >>> print(NamedAnswer("stop", Defended(2**61, Case.AGREED)))
    'stop' (agreed)
    """

    value: object
    decision: Answer

    @property
    def label(self) -> int:
        """The number of the answer; −1 if there is none."""
        return self.decision.label

    @property
    def alert(self) -> bool:
        """Whether the defence raised an alert."""
        return self.decision.alert

    @property
    def case(self) -> Enum:
        """How the answer was reached."""
        return self.decision.case

    def __str__(self) -> str:
        mask = getattr(self.decision, "mask", None)
        return f"{self.value!r} ({self.case.value}{'' if mask is None else f', mask {mask}'})"


@dataclass(frozen=True, slots=True)
class Defended:
    """A defended label, its case, and the mask that decided: the disagreer of case II, or the last champion.

    >>> print(Defended(3, Case.DISAGREER, mask=7))
    3 (disagreer, mask 7)
    """

    label: int
    case: Enum
    mask: int | None = None

    @property
    def alert(self) -> bool:
        """False: this answer is a label."""
        return False

    def __str__(self) -> str:
        return f"{self.label} ({self.case.value}{'' if self.mask is None else f', mask {self.mask}'})"


@dataclass(frozen=True, slots=True)
class FirstLabels:
    """The first labels of a defence, the best one first, or an alert.

    Args:
        labels: The labels in order; none where the classifier gave no label.
        case: How the answer was reached.
        alert: Whether the defence raised an alert; the labels must then not be used.
        mask: The first mask that raises the alert, if one does.

    >>> answer = FirstLabels((3, 7), Case.FIRST_BY_VOTES)
    >>> print(answer, answer.label)
    3, 7 (first by votes) 3
    """

    labels: tuple[int, ...]
    case: Enum
    alert: bool = False
    mask: int | None = None

    @property
    def label(self) -> int:
        """The first of the labels; −1 if there is none."""
        return self.labels[0] if self.labels else UNDECIDED

    def __str__(self) -> str:
        labels = ", ".join(map(str, self.labels)) or str(UNDECIDED)
        return f"{labels} ({self.case.value}{'' if self.mask is None else f', mask {self.mask}'})"


def includes(answer: Answer, label: int) -> bool:
    """Whether a label is the answer, or one of its labels if it has several; an alert includes none.

    >>> includes(FirstLabels((3, 7), Case.FIRST_BY_VOTES), 7), includes(Defended(3, Case.AGREED), 7)
    (True, False)
    """
    return not answer.alert and label in getattr(answer, "labels", (answer.label,))


def labels_of(answer: Answer) -> tuple[int, ...]:
    """The labels of an answer, the first one first: of most defences a single label, (−1,) if there is none.

    >>> labels_of(FirstLabels((3, 7), Case.FIRST_BY_VOTES)), labels_of(Defended(3, Case.AGREED))
    ((3, 7), (3,))
    """
    return tuple(getattr(answer, "labels", ())) or (answer.label,)


def counted_label(answer: Answer, label: int) -> int:
    """The label as which an answer counts in rows and rates: the true one if it is among the first labels.

    Args:
        answer: The answer.
        label: The true label.

    Returns:
        The true label if the answer includes it; else the first label of the answer; −1 for none, or for an alert.

    >>> answer = FirstLabels((3, 7), Case.FIRST_BY_VOTES)
    >>> counted_label(answer, 7), counted_label(answer, 5)
    (7, 3)
    """
    if answer.alert:
        return UNDECIDED
    return label if includes(answer, label) else answer.label


def checked_top(top: int, classes: int | None = None) -> int:
    """Return the number k of first labels; raise `InvalidInput` unless it is from 1 to one less than the classes."""
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        raise InvalidInput(f"top is the number of first labels, a whole number from 1; got {top!r}")
    if classes is not None and top >= classes:
        raise InvalidInput(f"the first {top} of {classes} classes are all of them; choose a smaller top")
    return top
