"""Sets of cells: algebra, erosion and maximal boxes against bool arrays and brute force."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import Box, Grid, InvalidInput, Mask
from maskcover.cells import Cells, decomposed, eroded, maximal_boxes, painted
from maskcover.cells.cells import _slabs
from tests.geometry_strategies import SIDES, any_masks, bitmaps
from tests.laws import examples
from tests.oracles import BoolArray

PAIRS = SIDES.flatmap(lambda sides: st.tuples(any_masks(sides), any_masks(sides)))


@given(PAIRS)
def test_set_algebra_is_that_of_bool_arrays(arrays: tuple[BoolArray, BoolArray]) -> None:
    first, second = arrays
    a, b = Cells.from_array(first), Cells.from_array(second)
    assert a.union(b) == Cells.from_array(first | second)
    assert a.common(b) == b.common(a) == Cells.from_array(first & second)
    assert a.minus(b) == Cells.from_array(first & ~second)
    assert a.contains(b) == (not (second & ~first).any())
    assert bool(a) == bool(first.any())
    assert a.minus(b).union(a.common(b)) == a


@given(PAIRS, st.data())
def test_shifted_cells_are_shifted(arrays: tuple[BoolArray, BoolArray], data: st.DataObject) -> None:
    array = arrays[0]
    offset = [data.draw(st.integers(0, 3)) for _ in array.shape]
    moved = Cells.from_array(array).shifted(offset)
    assert moved == Cells.from_array(np.pad(array, [(steps, 0) for steps in offset]))
    assert moved.shifted([-steps for steps in offset]) == Cells.from_array(array)


@given(PAIRS)
def test_the_span_is_the_smallest_box(arrays: tuple[BoolArray, BoolArray]) -> None:
    array = arrays[0]
    if array.any():
        where = np.argwhere(array)
        assert Cells.from_array(array).span == Box(tuple(where.min(0)), tuple(where.max(0) + 1))


def test_cells_before_zero_and_spans_of_nothing_are_refused() -> None:
    cells = Cells([Box((1, 2), (3, 4))])
    for offset in ((-2, 0), (0, -3)):
        with pytest.raises(InvalidInput, match="leave the grid"):
            cells.shifted(offset)
    with pytest.raises(InvalidInput, match="no bounding box"):
        _ = Cells([]).span
    for use in (cells.minus, cells.common, cells.union, cells.contains):
        with pytest.raises(InvalidInput, match="axes"):
            use(Cells([Box((1,), (3,))]))


def test_a_mask_is_equal_to_the_same_cells() -> None:
    assert Mask([Box((0, 0), (2, 2))]) == Cells([Box((0, 0), (2, 2))])
    assert str(Cells([])) == "no cells"
    assert str(Cells([Box((0, 0), (2, 2)), Box((0, 2), (1, 3))])) == "5 px within 2×3 at rows 0–1, columns 0–2"


STENCILS = SIDES.flatmap(
    lambda sides: st.tuples(
        any_masks(sides),
        st.tuples(*(st.integers(1, side) for side in sides)).flatmap(any_masks).filter(lambda cells: bool(cells.any())),
    )
)


def _eroded(cells: BoolArray, stencil: BoolArray) -> set[tuple[int, ...]]:
    """The definition: every shift by no less than 0 that leaves all of the stencil's cells inside."""
    inside, needed = set(map(tuple, np.argwhere(cells).tolist())), np.argwhere(stencil)
    return {
        shift
        for shift in product(*map(range, cells.shape))
        if {tuple(cell) for cell in (needed + shift).tolist()} <= inside
    }


@examples(250)
@given(STENCILS)
def test_the_erosion_is_that_of_its_definition(case: tuple[BoolArray, BoolArray]) -> None:
    cells, stencil = case
    erosion = eroded(Cells.from_array(cells), Cells.from_array(stencil))
    assert {tuple(place) for place in np.argwhere(erosion.to_array(Grid(cells.shape))).tolist()} == _eroded(
        cells, stencil
    )


def test_all_erosions_on_a_short_axis() -> None:
    """Every set of at most seven cells by every stencil of at most four."""
    arrays = {length: [np.array(cells) for cells in product((False, True), repeat=length)] for length in range(1, 8)}
    for length, size in product(range(1, 8), range(1, 5)):
        for cells, stencil in product(arrays[length], arrays[size]):
            if stencil[0] and cells.any():
                erosion = eroded(Cells.from_array(cells), Cells.from_array(stencil))
                places = {place for box in erosion.boxes for place in range(box.start[0], box.stop[0])}
                assert places == {place for (place,) in _eroded(cells, stencil)}


@given(SIDES.flatmap(lambda sides: bitmaps(sides) | any_masks(sides)))
def test_maximal_boxes_are_those_of_their_definition(array: BoolArray) -> None:
    maximal = maximal_boxes(Cells.from_array(array))
    assert maximal is not None
    spans = [[(a, b) for a in range(side) for b in range(a + 1, side + 1)] for side in array.shape]
    inside = {box for box in product(*spans) if array[tuple(slice(a, b) for a, b in box)].all()}
    held = {
        box
        for box in inside
        if any(
            box != other and all(c <= a and b <= d for (a, b), (c, d) in zip(box, other, strict=True))
            for other in inside
        )
    }
    assert sorted(tuple(zip(start, stop, strict=True)) for start, stop in maximal.tolist()) == sorted(inside - held)


def test_sets_too_intricate_to_list_give_none() -> None:
    board = np.indices((40, 40)).sum(axis=0) % 2 == 0
    assert maximal_boxes(Cells.from_array(board)) is None


@given(st.tuples(st.integers(1, 6), st.integers(1, 7)).flatmap(any_masks))
def test_runs_of_all_slabs_at_once_are_those_of_each_slab(array: BoolArray) -> None:
    slabs = [[[list(ends) for ends in zip(*spans, strict=True)]][0] for spans in _slabs(array)]
    assert decomposed(array).tolist() == slabs
    many = np.kron(array, np.indices((8, 8)).sum(axis=0) % 2 == 0)  # more boxes than are drawn one by one
    assert (painted(decomposed(many), [np.arange(side + 1) for side in many.shape]) == many).all()
