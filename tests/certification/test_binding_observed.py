"""Serving compares what a procedure observes of the known rows too, to the bit."""

from __future__ import annotations

import numpy as np

from maskcover.certification.binding import ReferenceRows
from maskcover.classifiers import Answers

ROWS = Answers(np.array([1, 2]), np.array([0.5, np.nan]), np.array([0.9, np.nan]), np.array([[1.0, 0.0], [0.0, 1.0]]))


def same(labels: list[int], margins: list[float], observed: list[list[float]] | None) -> bool:
    known = ReferenceRows([], np.empty((0, 2), np.int64), ROWS)
    answers = Answers(np.array(labels), np.array(margins), ROWS.confidences[: len(labels)], None)
    if observed is not None:
        answers = Answers(*answers.rows(slice(None))[:3], np.array(observed))
    return known.same(answers)


def test_every_number_of_the_first_rows_has_to_be_the_same() -> None:
    assert same([1, 2], [0.5, np.nan], [[1, 0], [0, 1]])
    assert same([1], [0.5], [[1, 0]])
    assert not same([1, 1], [0.5, np.nan], [[1, 0], [0, 1]])
    assert not same([1, 2], [0.6, np.nan], [[1, 0], [0, 1]])
    assert not same([1, 2], [0.5, np.nan], [[1, 0], [1, 1]])
    assert not same([1, 2], [0.5, np.nan], None)
