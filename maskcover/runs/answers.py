"""Answers about regions, procedures and margins from the evidence of rows, without the model.

An image is certified for other regions exactly when the certificate of the procedure, a function of the prediction
table, says so; for double masking, when the certifying masks cover them. The table is made again from what the row
keeps. Where a decision needs a prediction that is not kept there is no answer, and never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.labels import UNDECIDED
from maskcover.classifiers.observations import TopLabel
from maskcover.covering.containment import Containment
from maskcover.defense.answers import counted_label
from maskcover.defense.procedure import Procedure
from maskcover.defense.procedures import ChallengerMasking, DoubleMasking
from maskcover.defense.table import Pending, PredictionTable
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover.runs.tables import KeptTables

YES, NO, UNKNOWN = 1, 0, -1
"""Whether an image is certified, or that what its row keeps cannot tell."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The answers of a run's rows to one question, in the order of the rows.

    Args:
        regions: The text of the regions that were asked about.
        procedure: The defence that was asked about.
        min_margin: The margin that every prediction behind a certificate exceeds.
        certified: Whether the image is certified, bool (images,); False also where there is no answer.
        answered: Whether the rows can tell, bool (images,).
        defended: The labels by the defence on the clean images, int64 (images,); −1 for no label or an alert. Of
            several first labels the true one if it is among them, else the first.
        defended_answered: Whether the rows can tell these labels, bool (images,).
    """

    regions: str
    procedure: Procedure
    min_margin: float
    certified: BoolArray
    answered: BoolArray
    defended: IntArray
    defended_answered: BoolArray

    @property
    def complete(self) -> bool:
        """Whether there is an answer for each image."""
        return bool(self.answered.all())


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """The images of a run with the procedure and the margin that they are asked about, for any regions.

    Args:
        tables: The evidence.
        masks: The masks.
        procedure: The procedure.
        min_margin: The margin that a prediction must exceed to count.
        errors: Images with an error, which are certified for nothing; bool (images,).
    """

    tables: KeptTables
    masks: MaskSet
    procedure: Procedure
    min_margin: float
    errors: BoolArray

    @classmethod
    def of(
        cls, tables: KeptTables, masks: MaskSet, procedure: Procedure, min_margin: float, errors: BoolArray
    ) -> Question:
        """A question whose procedure can be asked about.

        Raises:
            InvalidInput: the procedure observes more than rows keep, or needs bits and has a margin.
        """
        if procedure.observation != TopLabel():
            raise InvalidInput(f"{procedure} observes more than the labels that rows keep; certify again to ask for it")
        if procedure.requires_bits and min_margin:
            raise InvalidInput(f"{procedure.words} has no margin of scores; leave min_margin out")
        if any(field.name == "exhaustive" for field in fields(procedure)):  # type: ignore[arg-type]  # a dataclass
            procedure = replace(procedure, exhaustive=False)  # type: ignore[type-var]
        return cls(tables, masks, procedure, min_margin, errors)

    def patterns(self) -> Patterns:
        """The different tables among the images."""
        index = np.full(len(self.tables), UNKNOWN, dtype=np.int64)
        numbers: dict[bytes, int] = {}
        tables: list[tuple[int, PredictionTable]] = []
        for number, key, table in self._decisions():
            place = numbers.setdefault(key, len(numbers))
            if place == len(tables):
                tables.append((int(self.tables.labels[number]), table()))
            index[number] = place
        return Patterns(self.procedure, self.min_margin, index, tuple(tables), self.errors)

    def _decisions(self) -> Iterator[tuple[int, bytes, Callable[[], PredictionTable]]]:
        """Each image with evidence: its number, bytes that are equal for images with equal answers, and its table."""
        bits = self.procedure.requires_bits
        usable = self.tables.has_evidence & ~self.errors
        for filled in self.tables.filled(self.masks, self.procedure.views, exact=bits):
            trusted = filled.labels if bits else filled.trusted(self.min_margin)
            for place in np.flatnonzero(usable[filled.images]).tolist():
                number = filled.images.start + place
                key = str(number).encode() if bits else self.tables.labels[number].tobytes() + trusted[place].tobytes()
                labels = None if bits else trusted[place]
                yield number, key, partial(filled.table, place, labels)

    def defended(self) -> tuple[IntArray, BoolArray]:
        """The labels that the procedure gives the clean images, and whether the rows can tell them."""
        labels = np.full(len(self.tables), UNDECIDED, dtype=np.int64)
        answered = self.errors.copy()
        bits = self.procedure.requires_bits
        for filled in self.tables.filled(self.masks, self.procedure.views, exact=bits):
            for place in np.flatnonzero((self.tables.has_evidence & ~self.errors)[filled.images]).tolist():
                answer = self.procedure.answer(filled.table(place))
                if isinstance(answer, Pending):
                    continue
                number = filled.images.start + place
                labels[number] = counted_label(answer, int(self.tables.labels[number]))
                answered[number] = True
        return labels, answered


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """The different tables of some images, each to be decided once for any regions.

    Args:
        index: For each image the number of its table, `UNKNOWN` where no evidence is kept; int64 (images,).
        tables: The true label and the table, as far as it is kept.
        errors: Images with an error; bool (images,).
    """

    procedure: Procedure
    min_margin: float
    index: IntArray
    tables: tuple[tuple[int, PredictionTable], ...]
    errors: BoolArray

    def decided(self, number: int, covers: Containment) -> int:
        """Whether the images with a table are certified for the regions: `YES`, `NO` or `UNKNOWN`."""
        label, table = self.tables[number]
        certificate = self.procedure.certificate(table, label, covers, self.min_margin)
        if isinstance(certificate, Pending):
            return UNKNOWN
        return YES if certificate.certified else NO

    def spread(self, values: IntArray, *, missing: int = UNKNOWN, error: int = NO) -> IntArray:
        """A value for each image from one for each table; others for images without evidence, and for errors."""
        padded = np.append(values, missing)  # the last one is what UNKNOWN, −1, names
        return np.where(self.errors, error, padded[self.index])

    def certified(self, covers: Containment) -> IntArray:
        """Whether each image is certified for the regions: `YES`, `NO` or `UNKNOWN`; int64 (images,)."""
        return self.spread(
            np.array([self.decided(number, covers) for number in range(len(self.tables))], dtype=np.int64)
        )


def answers_alike(procedure: Procedure, other: Procedure) -> bool:
    """Whether two procedures give every image the same label, whatever they certify.

    >>> answers_alike(DoubleMasking(), DoubleMasking(rule="all-pairs"))
    True
    >>> answers_alike(DoubleMasking(), ChallengerMasking())
    False
    >>> answers_alike(DoubleMasking(), DoubleMasking(first_round="pairs"))
    False
    """
    if isinstance(procedure, DoubleMasking | ChallengerMasking) and isinstance(
        other, DoubleMasking | ChallengerMasking
    ):
        return type(procedure) is type(other) and procedure.first_round == other.first_round
    return procedure == other


def why_unknown(count: int, total: int, *, whole_tables: bool, any_evidence: bool) -> str:
    """The reason why rows cannot tell, and what to type so that the next run can."""
    if not any_evidence:
        return (
            f"the rows of {count:,} of {total:,} images keep no predictions: they were made by an earlier version, or "
            "with more than 1,024 masks; certify again, with keep_tables=True (--keep-tables)"
        )
    remedy = (
        'procedure=DoubleMasking(exhaustive=True) (--procedure "double_masking(exhaustive=True)")'
        if whole_tables
        else "keep_tables=True and DoubleMasking(exhaustive=True) (--keep-tables --procedure "
        '"double_masking(exhaustive=True)")'
    )
    return (
        f"the rows of {count:,} of {total:,} images cannot tell: the run stopped asking when its own question was "
        f"answered. Certify again with {remedy}, and reuse= (--reuse) this run: only what is missing is asked for"
    )


def tri_state(values: IntArray) -> tuple[BoolArray, BoolArray]:
    """Which images are certified, and for which there is an answer."""
    return values == YES, values != UNKNOWN


def as_numbers(values: Any) -> IntArray:
    """An Arrow column of whole numbers as int64."""
    return np.asarray(values, dtype=np.int64)
