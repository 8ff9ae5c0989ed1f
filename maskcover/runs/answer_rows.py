"""Rows of answers of any kind: files keep the answers as texts, and memory has their numbers.

In a file a label is the place of an answer in the row's own list of texts. So no row depends on how a process numbers
answers, and two processes cannot take two answers for the same one. In memory labels are numbers of `AnswerNumbers`:
procedures such as voting know by them that they are no class numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from maskcover.classifiers.answer_texts import answer_text, read_answer
from maskcover.classifiers.interned import AnswerNumbers, AnyAnswer
from maskcover.errors import InvalidInput
from maskcover.runs.evidence import Predictions
from maskcover.runs.rows import Row

_PLAIN = ("label", "undefended", "defended")
_LISTS = ("one_mask_labels", "union_labels")


def with_answers(row: Row, answer_of: Callable[[int], AnyAnswer]) -> Row:
    """The row with the texts of its answers, and their places in place of numbers; negative labels stay.

    Args:
        row: A row whose labels are numbers of answers.
        answer_of: From a number to the answer.
    """
    kept = () if row.evidence is None else (row.evidence.one_mask.labels, row.evidence.unions.labels)
    every = [row.label, row.undefended, row.defended, *(number for labels in kept for number in labels)]
    numbers = [number for number in dict.fromkeys(every) if number >= 0]
    places = {number: place for place, number in enumerate(numbers)}

    def place(number: int) -> int:
        return number if number < 0 else places[number]

    def placed(predictions: Predictions) -> Predictions:
        return replace(predictions, labels=tuple(map(place, predictions.labels)))

    evidence = row.evidence
    if evidence is not None:
        evidence = replace(evidence, one_mask=placed(evidence.one_mask), unions=placed(evidence.unions))
    return replace(
        row, label=place(row.label), undefended=place(row.undefended), defended=place(row.defended), evidence=evidence,
        answers=tuple(answer_text(answer_of(number)) for number in numbers),
    )  # fmt: skip


def numbered(table: Any, numbers: AnswerNumbers, where: object) -> Any:
    """A table of rows with the numbers of the answers in place of their places in `answers`.

    Args:
        table: A `pyarrow.Table` of rows with the column `answers`.
        numbers: The numbers of answers in this process; all answers get one.
        where: The name of the run for messages.

    Raises:
        InvalidInput: a text is no answer or stands twice in a row, or a place has no text.
    """
    import pyarrow

    if "answers" not in table.column_names:
        raise InvalidInput(f"the rows of {where} keep no answers, although run.json says that the run is about answers")
    number_of: dict[str, int] = {}
    rows = [_numbers_of(texts, numbers, number_of, where) for texts in table.column("answers").to_pylist()]
    for name in _PLAIN:
        values = [_number(place, row, where) for place, row in zip(table.column(name).to_pylist(), rows, strict=True)]
        table = _replaced(table, name, pyarrow.array(values, pyarrow.int64()))
    for name in _LISTS:
        lists = [
            None if places is None else [_number(place, row, where) for place in places]
            for places, row in zip(table.column(name).to_pylist(), rows, strict=True)
        ]
        table = _replaced(table, name, pyarrow.array(lists, pyarrow.list_(pyarrow.int64())))
    return table


def readable(table: Any, numbers: AnswerNumbers) -> Any:
    """A table of `numbered` rows for users: labels are the texts of answers, null where there is none."""
    import pyarrow

    for name in _PLAIN:
        texts = [None if value < 0 else answer_text(numbers.answer(value)) for value in table.column(name).to_pylist()]
        table = _replaced(table, name, pyarrow.array(texts, pyarrow.string()))
    return table.drop_columns(["answers", *_LISTS])


def answers_digestible(labels: Iterable[int], answer_of: Callable[[int], AnyAnswer]) -> list[str]:
    """The texts of true answers, which are the same in every process, for a digest."""
    return [answer_text(answer_of(int(number))) for number in labels]


def _numbers_of(
    texts: Sequence[str] | None, numbers: AnswerNumbers, number_of: dict[str, int], where: object
) -> list[int]:
    """The numbers of the answers of one row."""
    listed = list(texts or ())
    if len(set(listed)) != len(listed):
        raise InvalidInput(f"{where} is damaged: a row names the same answer twice; delete the shard")
    for text in listed:
        if text not in number_of:
            number_of[text] = numbers.number(read_answer(text))
    return [number_of[text] for text in listed]


def _number(place: int, row: Sequence[int], where: object) -> int:
    if place >= len(row):
        raise InvalidInput(f"{where} is damaged: a row has {len(row)} answers, and names number {place}")
    return place if place < 0 else row[place]


def _replaced(table: Any, name: str, values: Any) -> Any:
    return table.set_column(table.column_names.index(name), name, values)


def same_answers(ours: Sequence[AnyAnswer], theirs: Sequence[AnyAnswer]) -> Any:
    """Whether answers of two runs are the same, place by place, in type and value; bool (n,)."""
    pairs = zip(map(answer_text, ours), map(answer_text, theirs), strict=True)
    return np.array([first == second for first, second in pairs], dtype=np.bool_)
