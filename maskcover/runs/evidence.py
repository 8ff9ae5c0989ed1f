"""The predictions of an image that a row keeps, so that a run can be asked again without the model.

Every prediction that is kept is exact: its label, margin and confidence. Kept are those under single masks; those of
the first rounds of the procedure, under masks of levels and unions of pairs; and of the second round, for each mask,
the union that decides its row: one that refutes it, or the one of the smallest margin if the whole row has the true
label. With all predictions of a table that is everything that was seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.labels import UNSEEN
from maskcover.defense.table import PredictionTable

FloatArray = npt.NDArray[np.float64]
NOT_WHOLE = -1.0
"""In `Evidence.row_margins`: the row of this mask has another label somewhere, or was not seen as a whole."""
MOST_MASKS = 1024
"""Up to this number of masks every row keeps evidence; with more masks only a run that keeps its tables does."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """Some predictions of one image; four tuples of one length.

    Args:
        numbers: Numbers of the predictions: see `maskcover.masks.Unions`.
        labels: Their labels, −1 where there is none.
        margins: Their margins, see `maskcover.classifiers.margins`.
        confidences: Their confidences, see `maskcover.classifiers.confidences`.
    """

    numbers: tuple[int, ...] = ()
    labels: tuple[int, ...] = ()
    margins: tuple[float, ...] = ()
    confidences: tuple[float, ...] = ()

    @classmethod
    def of(cls, table: PredictionTable, numbers: IntArray) -> Predictions:
        """Those of a table with these numbers."""
        return cls(
            tuple(numbers.tolist()),
            tuple(table.labels[numbers].tolist()),
            tuple(table.margins[numbers].tolist()),
            tuple(table.confidences[numbers].tolist()),
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """The predictions of one image that its row keeps, for n masks.

    Args:
        one_mask: The n predictions under single masks, and last the one with nothing hidden; without numbers.
        row_margins: For each mask the smallest margin of its row in the table, if all of the row has the true label;
            else `NOT_WHOLE`. Empty if the procedure asks for single masks only.
        unions: Predictions under unions of two masks and under masks of levels.
    """

    one_mask: Predictions
    row_margins: tuple[float, ...]
    unions: Predictions

    @classmethod
    def of(
        cls,
        table: PredictionTable,
        label: int,
        min_margin: float,
        *,
        first_rounds: tuple[IntArray, ...] = (),
        whole_table: bool = False,
    ) -> Evidence | None:
        """The evidence in a table about the true label; None if there are too many masks, see `MOST_MASKS`.

        Args:
            table: A table with all predictions under single masks.
            label: The true label.
            min_margin: The margin that a prediction had to exceed to count.
            first_rounds: The predictions of first rounds, see `Procedure.first_rounds`.
            whole_table: Keep everything that was seen.
        """
        if table.masks > MOST_MASKS and not whole_table:
            return None
        singles = np.append(table.views.singles, len(table.views))
        one_mask = Predictions((), *_three(Predictions.of(table, singles)))
        if table.views.ids.ndim == 1:
            return cls(one_mask, (), Predictions())
        entries = table.margins[table.views.ids]
        whole = (table.matrix == label).all(axis=1)
        row_margins = np.where(whole, entries.min(axis=1), NOT_WHOLE)
        numbers = _seen(table) if whole_table else _deciding(table, label, min_margin, whole)
        early = [table.numbers(pairs) for pairs in first_rounds]
        kept = np.intersect1d(np.concatenate([numbers, *early]), _seen(table))
        unions = Predictions.of(table, np.setdiff1d(kept, singles))
        return cls(one_mask, tuple(row_margins.tolist()), unions)


def _three(predictions: Predictions) -> tuple[tuple[int, ...], tuple[float, ...], tuple[float, ...]]:
    return predictions.labels, predictions.margins, predictions.confidences


def _seen(table: PredictionTable) -> IntArray:
    return np.flatnonzero(table.labels != UNSEEN)


def _deciding(table: PredictionTable, label: int, min_margin: float, whole: BoolArray) -> IntArray:
    """For each mask the number of a prediction that decides its row, where there is one."""
    matrix, ids = table.matrix, table.views.ids
    margins = np.where(matrix == UNSEEN, np.inf, table.margins[ids])
    # A row is refuted by another label first, whatever its margin, and else by the label with too small a margin.
    wrong = (matrix != label) & (matrix != UNSEEN)
    rank = np.where(wrong, -1.0, margins)
    places = rank.argmin(axis=1)
    rows = np.arange(len(ids))
    decided = whole | wrong.any(axis=1) | (rank[rows, places] <= min_margin)
    numbers: IntArray = ids[rows, places][decided]
    return np.unique(numbers)
