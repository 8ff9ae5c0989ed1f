"""`Containment` answers as `verify` does for every selection of masks, by signatures and without."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import (
    Box,
    InvalidInput,
    Mask,
    MaskSet,
    NotCovering,
    RegionSet,
    cover,
    patches,
    rectangles,
    squares,
    union,
    verify,
    within,
)
from maskcover.covering import signatures
from maskcover.covering.containment import Containment
from maskcover.grid import Grid

SIDE = 6
MASKS = cover(squares(size=2), image_size=SIDE, grid=(2, 2))
MANY = 9
REGIONS = [
    squares(size=1),
    squares(size=2),
    rectangles(area=3),
    union(squares(size=1), rectangles(area=4)),
    patches(squares(size=1), k=2),
    union(patches(squares(size=1), k=2), squares(size=2)),
    within(squares(size=2), (0, 0, 4, 5)),
]


def covers_alone(masks: MaskSet, selected: tuple[bool, ...], regions: RegionSet) -> bool:
    kept = tuple(mask for mask, keep in zip(masks, selected, strict=True) if keep)
    return bool(verify(MaskSet(masks.grid, kept), regions))


@pytest.mark.parametrize("few", [True, False], ids=["signatures", "verified"])
@pytest.mark.parametrize("regions", REGIONS, ids=str)
def test_every_selection_is_judged_as_verify_judges_it(
    regions: RegionSet, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not few:
        monkeypatch.setattr(signatures, "_MOST_SIGNATURES", 0)
    # Equal masks, one that lies inside another, and an empty one.
    masks = MASKS + MASKS[1:2] + MaskSet(MASKS.grid, (Mask([Box((0, 0), (2, 2))]), Mask((), ndim=2)))
    covers = Containment(masks, regions)
    assert (covers.signatures is not None) == few
    for selected in product((False, True), repeat=len(masks)):
        assert covers(np.array(selected)) == covers_alone(masks, selected, regions)


def spanned(first: tuple[int, int], second: tuple[int, int]) -> Box:
    """The box with these two cells in opposite corners."""
    return Box(tuple(map(min, first, second)), tuple(max(pair) + 1 for pair in zip(first, second, strict=True)))


@st.composite
def mask_sets(draw: st.DrawFn) -> MaskSet:
    corner = st.tuples(st.integers(0, SIDE - 1), st.integers(0, SIDE - 1))
    boxes = st.builds(spanned, corner, corner)
    masks = draw(st.lists(st.lists(boxes, min_size=1, max_size=2), min_size=1, max_size=MANY))
    return MaskSet(Grid.of(SIDE), tuple(map(Mask, masks)))


@given(mask_sets(), st.sampled_from(REGIONS), st.integers(0, 2**MANY - 1))
def test_any_masks_are_judged_as_verify_judges_them(masks: MaskSet, regions: RegionSet, chosen: int) -> None:
    selected = tuple(bool(chosen >> number & 1) for number in range(len(masks)))
    assert Containment(masks, regions)(np.array(selected)) == covers_alone(masks, selected, regions)


@pytest.mark.parametrize("limit", ["_MOST_JOINED", "_MOST_BYTES"])
def test_other_limits_end_the_listing_too(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signatures, limit, 0)
    assert Containment(MASKS, patches(squares(size=1), k=2)).signatures is None


@pytest.mark.parametrize("few", [True, False], ids=["signatures", "verified"])
@pytest.mark.parametrize("selected", [[0, 1, 2, 3], [1, 1, 1, 1], [True] * 3, [[True] * 4], [1.0] * 4])
def test_only_flags_select(selected: list[Any], few: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of masks, or flags as numbers, would be taken for other masks."""
    monkeypatch.setattr(signatures, "_MOST_SIGNATURES", 2_000 if few else 0)
    with pytest.raises(InvalidInput, match=r"a selection is a bool array of shape \(4,\)"):
        Containment(MASKS, squares(size=2))(np.array(selected))


def test_masks_that_do_not_cover_are_refused_with_a_region_that_they_miss() -> None:
    assert Containment.covering(MASKS).regions == squares(size=2)
    with pytest.raises(NotCovering, match="nothing can be certified with these masks: does not cover"):
        Containment.covering(MASKS[1:])
