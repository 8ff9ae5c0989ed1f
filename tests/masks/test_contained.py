"""Masks inside others, against all pairs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from maskcover.masks.unions import without_contained
from tests.geometry_strategies import any_masks, plain_set
from tests.laws import examples
from tests.oracles import BoolArray

SETS = st.tuples(st.integers(1, 4), st.integers(1, 12)).flatmap(
    lambda sides: st.lists(any_masks(sides), min_size=1, max_size=12).map(np.stack)
)


@examples(200)
@given(SETS)
def test_masks_inside_others_are_dropped(arrays: BoolArray) -> None:
    masks = plain_set(arrays)
    remaining = without_contained(masks.masks, masks.grid)
    different = list(dict.fromkeys(masks))
    assert list(remaining) == [a for a in different if not any(a != b and b.contains(a) for b in different)]


def test_masks_that_share_their_rarest_cells_are_compared_in_full() -> None:
    """More cells than are looked up: the second mask lies inside the third one, the first does not."""
    arrays = np.ones((3, 1, 64), dtype=np.bool_)
    arrays[0, 0, 40::2] = arrays[1, 0, 41::2] = False
    arrays[2, 0, 63] = False
    masks = plain_set(arrays)
    assert list(without_contained(masks.masks, masks.grid)) == [masks[0], masks[2]]
