"""Mask sets by short texts: what a text names, and that it is made once."""

from __future__ import annotations

import pytest

from maskcover import InvalidInput, cover, squares, verify
from maskcover.covering.texts import masks_of
from maskcover.grid import Grid

GRID = Grid.of(28)


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("grid(3, 3)", {"grid": (3, 3)}),
        (" masks(16)", {"masks": 16}),
        ("max_mask_area('120px')", {"max_mask_area": "120px"}),
    ],
)
def test_a_text_names_what_cover_makes(text: str, budget: dict[str, object]) -> None:
    regions = squares(size=4)
    assert masks_of(text, regions, GRID) == cover(regions, GRID, **budget)  # type: ignore[arg-type]  # one of several


def test_the_levels_of_each_certification_are_made_once_and_for_these_regions() -> None:
    first = masks_of("grid(2, 2)", squares(size=4), GRID)
    assert masks_of("grid(2, 2)", squares(size=4), GRID) is first
    larger = masks_of("grid(2, 2)", squares(size=6), GRID)
    assert verify(larger, squares(size=6))
    assert not verify(first, squares(size=6))
    assert masks_of("grid(2, 2)", squares(size=4), Grid.of(30)).grid == Grid.of(30)


@pytest.mark.parametrize(
    "text", ["grid()", "grid(3, 3", "cover(3)", "masks(1, 2)", "masks(3, time_limit=5)", "__import__('os')"]
)
def test_what_is_no_text_of_masks_is_refused_each_time(text: str) -> None:
    for _ in range(2):
        with pytest.raises(InvalidInput, match="expected a text that makes masks"):
            masks_of(text, squares(size=4), GRID)
