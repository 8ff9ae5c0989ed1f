"""Fractions of placements: the old names still work, with a warning. What they count is in `test_trimming`."""

from __future__ import annotations

from fractions import Fraction

import pytest

from maskcover import MaskcoverWarning, cover, squares
from maskcover.covering import placements, shares

OLD_NAMES = {"covered_share": "covered_fraction", "placement_map": "placement_map", "PlacementMap": "PlacementMap"}


@pytest.mark.parametrize("name", OLD_NAMES)
def test_old_names_are_the_new_ones_with_a_warning(name: str) -> None:
    with pytest.warns(MaskcoverWarning, match=rf"covering\.shares\.{name} is now .*placements\.{OLD_NAMES[name]}"):
        assert getattr(shares, name) is getattr(placements, OLD_NAMES[name])


def test_other_names_are_unknown() -> None:
    with pytest.raises(AttributeError, match="no attribute 'covered'"):
        shares.covered  # noqa: B018


def test_the_share_of_a_map_is_its_fraction() -> None:
    masks = cover(squares(size=2), image_size=6, grid=(2, 2))
    placed = placements.placement_map(masks[:2], squares(size=2))
    with pytest.warns(MaskcoverWarning, match=r"PlacementMap\.share is now PlacementMap\.fraction"):
        assert placed.share == placed.fraction == Fraction(3, 5)
