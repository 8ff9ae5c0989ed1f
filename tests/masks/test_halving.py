"""Masks of half-planes: what each hides, what they claim, and which patches they cover, by brute force."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import maskcover as mc
from maskcover.errors import InvalidInput


def test_each_line_has_two_masks_that_share_the_image() -> None:
    masks = mc.half_plane_masks(rows=(3, 1), columns=2, image_size=(4, 5))
    hidden = np.asarray(masks)
    row, column = np.indices((4, 5))
    expected = [row < 1, row >= 1, row < 3, row >= 3, column < 2, column >= 2]
    assert np.array_equal(hidden, np.array(expected))


def test_they_claim_the_half_planes_of_their_lines_which_they_cover() -> None:
    for arguments in ({"rows": (1, 3)}, {"columns": 4}, {"rows": 2, "columns": (1, 2)}, {"lines": 3}):
        masks = mc.half_plane_masks(**arguments, image_size=(5, 6))
        assert masks.regions == str(mc.parse_regions(str(masks.regions)))
        assert mc.verify(masks)
    masks = mc.half_plane_masks(rows=(1, 4), image_size=(5, 6))
    # The masks of the outer half-planes are needed, the others lie inside them.
    outcomes = []
    for left_out in range(4):
        others = mc.MaskSet(masks.grid, tuple(mask for number, mask in enumerate(masks) if number != left_out))
        outcomes.append(bool(mc.verify(others, str(masks.regions))))
    assert outcomes == [True, False, False, True]


@pytest.mark.parametrize("rows", [(), (2,), (1, 3), (2, 5), (1, 3, 4)])
@pytest.mark.parametrize("columns", [(), (3,), (1, 4)])
def test_a_patch_is_covered_exactly_if_some_line_does_not_cut_it(rows: Any, columns: Any) -> None:
    if not rows and not columns:
        return
    shape = (6, 5)
    masks = mc.half_plane_masks(rows=rows, columns=columns, image_size=shape)
    for height, width in product(range(1, 7), range(1, 6)):
        expected = all(
            any(not top < line < top + height for line in rows)
            or any(not left < line < left + width for line in columns)
            for top in range(shape[0] - height + 1)
            for left in range(shape[1] - width + 1)
        )
        assert bool(mc.verify(masks, mc.rectangle(height, width))) == expected, (height, width)
        far = any(max(lines) - min(lines) >= side - 1 for lines, side in ((rows, height), (columns, width)) if lines)
        assert expected or not far


def test_evenly_spaced_lines_cut_each_axis_into_equal_parts() -> None:
    masks = mc.half_plane_masks(3, image_size=(8, 11))
    assert masks.regions == "half_planes(rows=(2, 4, 6), columns=(2, 5, 8))"
    assert mc.half_plane_masks(7, image_size=8).regions == (
        "half_planes(rows=(1, 2, 3, 4, 5, 6, 7), columns=(1, 2, 3, 4, 5, 6, 7))"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs a line"),
        ({"rows": ()}, "needs a line"),
        ({"lines": 0}, "number of lines"),
        ({"lines": 8}, "number of lines"),
        ({"lines": True}, "number of lines"),
        ({"lines": 2, "rows": 3}, "got both"),
        ({"rows": 8}, "rows are lines"),
        ({"columns": (0, 3)}, "columns are lines"),
        ({"columns": 1.5}, "columns are lines"),
        ({"rows": "34"}, "rows are lines"),
        ({"rows": 1, "image_size": (3, 3, 3)}, "two dimensions"),
    ],
)
def test_lines_that_are_none_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        mc.half_plane_masks(**{"image_size": 8} | arguments)
