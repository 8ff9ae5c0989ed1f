"""Bitmaps of pairs of masks: drawn at once or when asked for, they are the same."""

from __future__ import annotations

import numpy as np
import pytest

from maskcover import MaskSet
from maskcover.masks import Drawing, drawing

MASKS = MaskSet.from_boxes([(0, 0, 2, 3), (1, 2, 3, 2), [(0, 0, 1, 1), (3, 3, 1, 1)]], image_size=4)
PAIRS = np.array([[first, second] for first in range(-1, 3) for second in range(-1, 3)])


@pytest.mark.parametrize("most", [0, drawing.MOST_CELLS_DRAWN])
def test_a_pair_hides_what_either_mask_hides_and_minus_one_hides_nothing(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "MOST_CELLS_DRAWN", most)
    hidden = Drawing(MASKS).hidden(PAIRS)
    single = [*np.asarray(MASKS), np.zeros((4, 4), np.bool_)]
    assert hidden.dtype == np.bool_
    for row, (first, second) in zip(hidden, PAIRS.tolist(), strict=True):
        assert np.array_equal(row, single[first] | single[second])
