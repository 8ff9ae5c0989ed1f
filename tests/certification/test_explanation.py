"""Explanations show every view, and say what certify says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import InvalidInput, MaskSet, UndecidedPrediction, certify, explain
from maskcover.classifiers import UNDECIDED
from tests.defense.naive import Looker, image_of, singles

MASKS = singles(3)
TABLES = st.lists(st.integers(0, 1), min_size=6, max_size=6)


def table_of(cells: list[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """A symmetric table of three masks."""
    table = np.zeros((3, 3), dtype=np.int64)
    table[np.triu_indices(3)] = cells
    return np.maximum(table, table.T)


@given(TABLES)
def test_the_whole_table_is_there_and_the_verdict_is_that_of_certify(cells: list[int]) -> None:
    table = table_of(cells)
    image = image_of(table, MASKS)
    found = explain(Looker(4), [image], MASKS, label=1, probes=False)
    assert np.array_equal(found.table, table)
    assert found.one_mask.tolist() == table.diagonal().tolist()
    result = certify(Looker(4), [image], [1], MASKS, exhaustive=True, probes=False)
    assert found.certified == bool(result.certified[0])
    assert found.answer == result.verdicts[0].defended
    assert found.undefended == result.undefended[0]
    assert found.certified_fraction == result.certified_fraction(0)
    expected = [(one, two) for one in range(3) for two in range(one, 3) if table[one, two] != 1]
    assert list(found.failing) == expected


def test_the_label_is_the_defended_one_unless_another_is_asked_about() -> None:
    image = image_of(table_of([1] * 6), MASKS)
    found = explain(Looker(4), [image], MASKS, probes=False)
    assert (found.label, found.given) == (1, False)
    assert "no true label was given" in str(found)
    other = explain(Looker(4), [image], MASKS, label=0, probes=False)
    assert (other.label, other.certified, len(other.failing)) == (0, False, 6)
    assert other.given
    assert "no true label" not in str(other)


def test_no_label_at_all_is_told() -> None:
    image = image_of(table_of([-1] * 6), MASKS)
    with pytest.raises(UndecidedPrediction, match="give the label to explain"):
        explain(Looker(4), [image], MASKS, probes=False)
    assert explain(Looker(4), [image], MASKS, label=1, probes=False).one_mask.tolist() == [UNDECIDED] * 3


class Broken:
    """NaN where one pixel is hidden and no more, and class 1 elsewhere."""

    batch_size = 2

    def scores(self, _: object, hidden: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> object:
        scores = np.tile([0.0, 1.0], (len(hidden), 1))
        scores[hidden.reshape(len(hidden), -1).sum(axis=1) == 1] = np.nan
        return scores


def test_scores_that_are_not_finite_certify_nothing_even_where_the_other_rows_would() -> None:
    masks = MaskSet.from_boxes([(0, 0, 1, 3), (0, 3, 1, 3), (0, 1, 1, 1)], image_size=(1, 6))
    image = np.zeros((1, 6))
    found = explain(Broken(), [image], masks, label=1, regions="squares(size=1)", probes=False)
    assert found.broken == ((2, 2),)
    assert found.certificate.certified
    assert not found.certified
    assert found.certified_fraction == 0
    assert "an error" in str(found)
    assert not certify(Broken(), [image], [1], masks, regions="squares(size=1)", probes=False).certified.any()


def test_the_text_names_classes_and_counts() -> None:
    image = image_of(table_of([1, 1, 0, 1, 1, 0]), MASKS)
    told = explain(Looker(4), [image], MASKS, label=1, probes=False).text({0: "cat", 1: "dog"})
    assert "label 1 dog: not certified" in told
    assert "under one mask: 1 dog (2 masks), 0 cat (1 mask)" in told
    assert "masks 0 and 2: 0 cat" in told


@pytest.mark.parametrize("label", [-1, True, "cat", 0.5])
def test_a_label_that_is_no_class_number_is_refused(label: object) -> None:
    with pytest.raises(InvalidInput, match="class number"):
        explain(Looker(4), [image_of(table_of([1] * 6), MASKS)], MASKS, label=label)


def test_one_of_several_images_is_looked_at() -> None:
    images = [image_of(table_of(cells), MASKS) for cells in ([0] * 6, [1] * 6)]
    assert [explain(Looker(4), images, MASKS, number=number, probes=False).label for number in (0, 1)] == [0, 1]
