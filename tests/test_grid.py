"""Boxes and grids: half-open, rows first, any number of dimensions, and strict about what they are given."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import Box, Grid, InvalidInput
from tests import oracles
from tests.geometry_strategies import SIDES


@given(SIDES, st.data())
def test_a_box_selects_as_many_cells_as_its_volume(sides: oracles.Shape, data: st.DataObject) -> None:
    start = tuple(data.draw(st.integers(0, side - 1)) for side in sides)
    stop = tuple(data.draw(st.integers(low + 1, side)) for low, side in zip(start, sides, strict=True))
    box, cells = Box(start, stop), np.zeros(sides, dtype=np.bool_)
    cells[box.slices] = True
    assert cells.sum() == box.volume
    assert Box.at(start, box.extents) == box
    assert Grid(sides).whole.contains(box)


def test_containment_is_inclusion_of_cells_for_all_boxes_of_a_small_grid() -> None:
    spans = [(a, b) for a in range(4) for b in range(a + 1, 5)]
    boxes = [Box((a, c), (b, d)) for (a, b), (c, d) in product(spans, repeat=2)]
    cells = {box: {(i, j) for i in range(*_axis(box, 0)) for j in range(*_axis(box, 1))} for box in boxes}
    assert all(outer.contains(inner) == (cells[inner] <= cells[outer]) for outer in boxes for inner in boxes)


def _axis(box: Box, axis: int) -> tuple[int, int]:
    return box.start[axis], box.stop[axis]


@pytest.mark.parametrize("size", [224, (224, 224), [224, 224], np.array([224, 224]), Grid((224, 224)), np.int32(224)])
def test_an_image_size_reads_in_every_form(size: int) -> None:
    assert Grid.of(size) == Grid((224, 224))


@given(SIDES, st.data())
def test_placements_are_counted_as_they_are_listed(sides: oracles.Shape, data: st.DataObject) -> None:
    shape = tuple(data.draw(st.integers(1, side + 1)) for side in sides)
    assert Grid(sides).placements(shape) == len(oracles.placements(shape, sides))
    assert Grid(sides).fits(shape) == bool(oracles.placements(shape, sides))


def test_a_shape_of_other_dimensions_does_not_fit() -> None:
    assert not Grid((4, 4)).fits((2,))
    assert Grid((4, 4)).placements((2, 2, 2)) == 0


def test_grid_figures() -> None:
    grid = Grid((480, 640))
    assert (grid.ndim, grid.size, grid.whole, str(grid)) == (2, 307_200, Box((0, 0), (480, 640)), "480×640")


@pytest.mark.parametrize(
    ("box", "text"),
    [
        (Box((3,), (5,)), "2 at cells 3–4"),
        (Box((0, 4), (2, 9)), "2×5 at rows 0–1, columns 4–8"),
        (Box((1, 0, 4), (2, 2, 9)), "1×2×5 at planes 1–1, rows 0–1, columns 4–8"),
        (Box((0, 0, 0, 0), (1, 1, 1, 2)), "1×1×1×2 at (0–0, 0–0, 0–0, 0–1)"),
    ],
)
def test_a_box_is_told_by_its_first_and_last_cells(box: Box, text: str) -> None:
    assert str(box) == text


def test_boxes_and_grids_are_values() -> None:
    assert {Box((0,), (2,)), Box(np.array([0]), np.array([2]))} == {Box((0,), (2,))}  # type: ignore[arg-type]  # arrays read too
    assert Box((0, 0), (1, 1)) < Box((0, 1), (1, 2))
    with pytest.raises(AttributeError):
        Box((0,), (2,)).start = (1,)  # type: ignore[misc]  # the point of the test


BAD: list[tuple[Callable[[], object], str]] = [
    (lambda: Box((0,), (0,)), "0 <= start < stop"),
    (lambda: Box((2,), (1,)), "0 <= start < stop"),
    (lambda: Box((-1, 0), (1, 1)), "0 <= start < stop"),
    (lambda: Box((), ()), "at least one"),
    (lambda: Box((0,), (1, 1)), "as many starts as stops"),
    (lambda: Box((0.0,), (1,)), "start must be whole numbers"),  # type: ignore[arg-type]  # refused
    (lambda: Box((0,), (True,)), "stop must be whole numbers"),
    (lambda: Box.at((0, 0), (1,)), "as many starts|axes"),
    (lambda: Box.at((0,), (0,)), "0 <= start < stop"),
    (lambda: Box.at((0,), (1.5,)), "extents must be whole numbers"),  # type: ignore[arg-type]  # refused
    (lambda: Box((0,), (1,)).contains(Box((0, 0), (1, 1))), "axes"),
    (lambda: Grid(()), "one or more sides"),
    (lambda: Grid((0, 4)), "at least 1 pixel"),
    (lambda: Grid((-4,)), "at least 1 pixel"),
    (lambda: Grid.of(0), "at least 1 pixel"),
    (lambda: Grid.of("224"), "image_size must be whole numbers"),  # type: ignore[arg-type]  # refused
    (lambda: Grid.of(224.0), "image_size must be whole numbers"),  # type: ignore[arg-type]  # refused
    (lambda: Grid.of(True), "image_size must be whole numbers"),
    (lambda: Grid.of((224, None)), "image_size must be whole numbers"),  # type: ignore[arg-type]  # refused
    (lambda: Grid.of([[4, 4]]), "image_size must be whole numbers"),  # type: ignore[list-item]  # refused
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_what_is_no_box_or_grid_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make()
