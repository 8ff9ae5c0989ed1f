"""One side of the image, and half-planes of lines across it: by their definitions, and under their earlier name."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import maskcover as mc
from maskcover.errors import InvalidInput, MaskcoverWarning
from maskcover.grid import Grid
from tests.geometry_strategies import plain_set

Lines = tuple[int, ...]


def halves(rows: Lines, columns: Lines, shape: tuple[int, int]) -> list[np.ndarray[Any, np.dtype[np.bool_]]]:
    """All half-planes of some lines, bool arrays of the shape."""
    row, column = np.indices(shape)
    each = [side for line in rows for side in (row < line, row >= line)]
    return each + [side for line in columns for side in (column < line, column >= line)]


@pytest.mark.parametrize(("rows", "columns"), [((2,), ()), ((1, 3), ()), ((), (2,)), ((2,), (1, 4)), ((1, 2, 3), (3,))])
def test_masks_cover_half_planes_exactly_if_each_lies_inside_one(rows: Lines, columns: Lines) -> None:
    """All mask sets made of up to three of some boxes, against the definition."""
    shape, regions = (4, 5), mc.half_planes(rows=rows, columns=columns)
    row, column = np.indices(shape)
    boxes = [row < 3, row >= 1, column < 4, column >= 1, row >= 2, column >= 2]
    outcomes = set()
    for chosen in product(range(len(boxes)), repeat=3):
        masks = [boxes[number] for number in set(chosen)]
        expected = all(any((mask | ~half).all() for mask in masks) for half in halves(rows, columns, shape))
        report = mc.verify(plain_set(np.array(masks)), regions)
        assert bool(report) == expected
        outcomes.add(expected)
    assert False in outcomes


def test_the_half_planes_that_others_contain_need_no_check() -> None:
    (term,) = mc.half_planes(rows=(1, 3), columns=(2, 4)).terms(Grid((4, 5)))
    # Of four lines the first and the last: two half-planes have three rows of five, and `shapes` names that once.
    assert term.shapes == ((3, 5), (4, 3), (4, 4))
    assert mc.half_planes(rows=(1, 3), columns=(2, 4)).describe((4, 5)).placements == 4


def test_within_an_area_any_part_of_a_half_plane_counts() -> None:
    area = np.zeros((4, 4), dtype=np.bool_)
    area[1:3, 1:3] = True
    regions = mc.within(mc.half_planes(rows=2), area)
    # The area has one row on each side of the line.
    assert mc.verify(mc.MaskSet.from_boxes([(1, 1, 1, 2), (2, 1, 1, 2)], (4, 4)), regions)
    assert not mc.verify(mc.MaskSet.from_boxes([(1, 1, 1, 2), (2, 1, 1, 1)], (4, 4)), regions)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": 0}, "rows are lines"),
        ({"columns": -3}, "columns are lines"),
        ({"rows": (2, True)}, "rows are lines"),
        ({"columns": 2.0}, "columns are lines"),
        ({"rows": "2"}, "rows are lines"),
        ({"share": 0.5, "rows": 2}, "not both"),
    ],
)
def test_lines_that_are_none_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        mc.half_planes(**arguments)


def test_lines_outside_the_image_are_refused_when_they_are_used() -> None:
    masks = mc.half_plane_masks(rows=2, image_size=(4, 6))
    assert not mc.verify(masks, mc.half_planes(rows=3, columns=5))
    for regions, message in [(mc.half_planes(rows=4), "rows=4"), (mc.half_planes(rows=1, columns=(2, 6)), "columns=6")]:
        with pytest.raises(InvalidInput, match=message):
            mc.verify(masks, regions)
    with pytest.raises(InvalidInput, match="two dimensions"):
        mc.half_planes(rows=1).terms(Grid((4, 4, 4)))


def test_lines_are_kept_in_order_and_once() -> None:
    assert mc.half_planes(rows=[3, 1, 3], columns=np.int64(2)) == mc.half_planes(rows=(1, 3), columns=(2,))
    assert mc.half_planes(rows=range(1, 4)) == mc.parse_regions("half_planes(rows=(1, 2, 3))")
    assert mc.parse_regions("half_planes(rows=2, columns=[3, 1])") == mc.half_planes(rows=2, columns=(1, 3))


@pytest.mark.parametrize(("arguments", "fraction"), [((), 0.5), ((0.25,), 0.25), (("1/3",), "1/3"), (("50%",), 0.5)])
def test_the_earlier_half_planes_are_sides_with_a_warning(arguments: tuple[Any, ...], fraction: Any) -> None:
    with pytest.warns(MaskcoverWarning, match=r"is now called sides: write sides\(fraction="):
        earlier = mc.half_planes(*arguments)
    assert earlier == mc.sides(fraction)


def test_the_earlier_text_is_read_without_a_warning_and_written_anew() -> None:
    """Files with it load for ever."""
    for text in ("half_planes(share=0.5)", "half_planes(0.5)", "half_planes()"):
        assert mc.parse_regions(text) == mc.sides(0.5)
    assert str(mc.parse_regions("half_planes(share=0.5)")) == "sides(fraction=0.5)"


@pytest.mark.parametrize("fraction", [2, "100%", 0, 1.0, None])
def test_sides_are_a_fraction(fraction: Any) -> None:
    with pytest.raises(InvalidInput, match="fraction"):
        mc.sides(fraction)
