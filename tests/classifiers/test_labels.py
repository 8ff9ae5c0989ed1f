"""Labels are unique tops of finite scores, and nothing else is a label."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import InvalidInput
from maskcover.classifiers import UNDECIDED, UNSEEN, top_labels
from tests.laws import examples

NAN, INF = float("nan"), float("inf")

ROWS: dict[str, tuple[list[float], int]] = {
    "a unique top": ([0.1, 0.7, 0.2], 1),
    "the first may be the top": ([3.0, 2.0, 1.0], 0),
    "the last may be the top": ([-3.0, -2.0, -1.0], 2),
    "a tie at the top": ([0.5, 0.5, 0.0], UNDECIDED),
    "a tie of the last two": ([0.0, 0.5, 0.5], UNDECIDED),
    "all equal": ([0.0, 0.0, 0.0], UNDECIDED),
    "zeros of both signs tie": ([-0.0, 0.0, -1.0], UNDECIDED),
    "a tie below the top": ([0.2, 0.9, 0.2], 1),
    "the least margin there is": ([1.0, float(np.nextafter(1.0, 2.0)), 0.0], 1),
    "NaN at the top place": ([NAN, 0.0, 0.0], UNDECIDED),
    "NaN elsewhere": ([1.0, 0.0, NAN], UNDECIDED),
    "NaN throughout": ([NAN, NAN, NAN], UNDECIDED),
    "infinity on top": ([0.0, INF, 0.0], UNDECIDED),
    "minus infinity below": ([1.0, 0.0, -INF], UNDECIDED),
}


@pytest.mark.parametrize(("row", "label"), ROWS.values(), ids=ROWS)
def test_a_row_has_a_label_only_if_its_scores_are_finite_and_its_top_is_unique(row: list[float], label: int) -> None:
    assert top_labels([row]).tolist() == [label]
    # Neighbours change nothing.
    assert top_labels([[9.0, 0.0, 0.0], row, [NAN, 1.0, 1.0]]).tolist() == [0, label, UNDECIDED]


@examples(200)
@given(st.lists(st.lists(st.sampled_from([0.0, 1.0, 2.0, NAN, INF, -INF]), min_size=3, max_size=3), max_size=5))
def test_labels_agree_with_counting_the_top(rows: list[list[float]]) -> None:
    labels = top_labels(np.array(rows, dtype=np.float64).reshape(-1, 3))
    assert labels.dtype == np.int64
    for row, label in zip(rows, labels.tolist(), strict=True):
        finite = all(np.isfinite(row))
        assert label == (row.index(max(row)) if finite and row.count(max(row)) == 1 else UNDECIDED)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble", "int8", "int64", "uint8", "uint64"])
def test_every_real_dtype_is_read(dtype: str) -> None:
    assert top_labels(np.array([[1, 2], [2, 1], [1, 1]], dtype=dtype)).tolist() == [1, 0, UNDECIDED]


def test_integers_are_compared_as_integers() -> None:
    assert top_labels(np.array([[2**53, 2**53 + 1]])).tolist() == [1]


def test_no_rows_have_no_labels() -> None:
    assert top_labels(np.empty((0, 3))).shape == (0,)


def test_no_label_and_not_asked_are_different_and_never_true_labels() -> None:
    assert UNDECIDED != UNSEEN
    assert max(UNDECIDED, UNSEEN) < 0


BAD: dict[str, npt.ArrayLike] = {
    "a scalar": 1.0,
    "one row without a batch": [0.0, 1.0],
    "three axes": np.zeros((2, 2, 2)),
    "a single class": np.zeros((4, 1)),
    "no class": np.zeros((4, 0)),
    "booleans": np.zeros((4, 2), dtype=np.bool_),
    "complex numbers": np.zeros((4, 2), dtype=np.complex128),
    "objects": np.full((4, 2), None),
    "texts": [["0.1", "0.9"]],
    "dates": np.zeros((4, 2), dtype="datetime64[s]"),
}


@pytest.mark.parametrize("scores", BAD.values(), ids=BAD)
def test_anything_but_real_scores_of_two_classes_is_refused(scores: npt.ArrayLike) -> None:
    with pytest.raises(InvalidInput, match="expected real scores"):
        top_labels(scores)
