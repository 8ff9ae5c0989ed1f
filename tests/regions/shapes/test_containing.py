"""Shifts at which a raster lies in another, and widths, against the definition."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from maskcover.cells import Cells
from maskcover.grid import Grid
from maskcover.regions.shapes.containing import Raster, Rasters
from tests.geometry_strategies import any_masks
from tests.laws import examples
from tests.oracles import BoolArray


def cropped(array: BoolArray) -> BoolArray:
    cells = Cells.from_array(array)
    moved = cells.shifted([-start for start in cells.span.start])
    return moved.to_array(Grid(moved.span.stop))


RASTERS = st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(any_masks).filter(np.any).map(cropped)


def shifts(smaller: BoolArray, larger: BoolArray) -> list[tuple[int, int]]:
    height, width = smaller.shape
    room = [range(b - a + 1) for a, b in zip(smaller.shape, larger.shape, strict=True)]
    return [(i, j) for i, j in product(*room) if (larger[i : i + height, j : j + width] >= smaller).all()]


@examples(400)
@given(RASTERS, RASTERS)
def test_shifts_are_those_of_the_definition(smaller: BoolArray, larger: BoolArray) -> None:
    assert list(Raster.of(smaller).shifts_in(Raster.of(larger))) == shifts(smaller, larger)


@examples(200)
@given(RASTERS, RASTERS)
def test_whatever_lies_inside_is_no_wider(smaller: BoolArray, larger: BoolArray) -> None:
    rasters = Rasters.of([smaller, larger])
    if shifts(smaller, larger):
        assert rasters.perhaps_in(rasters.widths[1]).all()
        assert rasters.perhaps_around(rasters.widths[0]).all()


def test_widths_tell_turned_shapes_apart() -> None:
    """Of a bar and a diagonal of the same bounding box neither is compared with the other."""
    bar, diagonal = np.zeros((9, 9), np.bool_), np.eye(9, dtype=np.bool_)
    bar[:, 4] = bar[4] = True
    rasters = Rasters.of([bar, diagonal])
    assert rasters.perhaps_in(rasters.widths[0]).tolist() == [True, False]
    assert rasters.perhaps_in(rasters.widths[1]).tolist() == [False, True]


@examples(150)
@given(st.lists(RASTERS, max_size=6))
def test_maximal_rasters_lie_in_no_other(arrays: list[BoolArray]) -> None:
    maximal = Rasters.of(arrays).maximal()
    different = {array.tobytes() + bytes(array.shape): array for array in arrays}.values()
    largest = [a for a in different if not any(a is not b and shifts(a, b) for b in different)]
    assert [(arrays[i].shape, arrays[i].tobytes()) for i in maximal] == [(a.shape, a.tobytes()) for a in largest]
