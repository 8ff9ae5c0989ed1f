"""One mask: equal sets of cells are equal objects, however they were given, and none can be changed."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import Box, Grid, InvalidInput, Mask
from tests import oracles
from tests.geometry_strategies import SIDES, bitmaps, box_masks
from tests.oracles import BoolArray, Shape

ARRAYS = SIDES.flatmap(lambda sides: bitmaps(sides))


@st.composite
def box_lists(draw: st.DrawFn) -> tuple[Shape, list[Box]]:
    sides = draw(SIDES)
    arrays = draw(st.lists(box_masks(sides), max_size=5))
    corners = [np.argwhere(array) for array in arrays]
    return sides, [Box(tuple(cells.min(axis=0)), tuple(cells.max(axis=0) + 1)) for cells in corners]


@given(ARRAYS)
def test_a_mask_holds_the_cells_of_its_bitmap(array: BoolArray) -> None:
    mask = Mask.from_array(array)
    assert (mask.to_array(Grid(array.shape)) == array).all()
    assert mask.area == array.sum()


@given(box_lists())
def test_a_mask_of_boxes_is_the_mask_of_their_bitmap(given_boxes: tuple[Shape, list[Box]]) -> None:
    sides, boxes = given_boxes
    union = np.zeros(sides, dtype=np.bool_)
    for box in boxes:
        union[box.slices] = True
    made = Mask(boxes, ndim=len(sides))
    assert (made.to_array(Grid(sides)) == union).all()
    assert (made, hash(made)) == (Mask.from_array(union), hash(Mask.from_array(union)))


@given(box_lists(), st.randoms(use_true_random=False))
def test_the_order_and_repetition_of_boxes_do_not_matter(given_boxes: tuple[Shape, list[Box]], random: Random) -> None:
    sides, boxes = given_boxes
    shuffled = [*boxes, *boxes[:2]]
    random.shuffle(shuffled)
    assert Mask(shuffled, ndim=len(sides)) == Mask(boxes, ndim=len(sides))


@given(ARRAYS)
def test_cells_one_by_one_make_the_same_mask(array: BoolArray) -> None:
    cells = [Box(tuple(cell), tuple(cell + 1)) for cell in np.argwhere(array)]
    assert Mask(cells, ndim=array.ndim) == Mask.from_array(array)


@given(SIDES.flatmap(lambda sides: st.tuples(bitmaps(sides), bitmaps(sides))))
def test_masks_are_equal_exactly_when_their_cells_are(arrays: tuple[BoolArray, BoolArray]) -> None:
    first, second = arrays
    assert (Mask.from_array(first) == Mask.from_array(second)) == bool((first == second).all())


@given(ARRAYS)
def test_the_canonical_boxes_are_disjoint_and_sorted_and_give_the_mask_back(array: BoolArray) -> None:
    mask = Mask.from_array(array)
    boxes = mask.boxes
    assert sum(box.volume for box in boxes) == array.sum()
    assert list(boxes) == sorted(boxes)
    assert Mask(reversed(boxes), ndim=array.ndim) == mask
    assert [[list(box.start), list(box.stop)] for box in boxes] == mask.bounds.tolist()


@given(st.data())
def test_a_union_of_masks_is_the_union_of_cells(data: st.DataObject) -> None:
    sides = data.draw(SIDES)
    arrays = data.draw(st.lists(bitmaps(sides), min_size=1, max_size=4))
    first, *others = map(Mask.from_array, arrays)
    assert first.union(*others) == Mask.from_array(np.logical_or.reduce(arrays))
    assert first.union() == first == first.union(first)


@given(ARRAYS)
def test_copies_and_pickles_are_equal(array: BoolArray) -> None:
    mask = Mask.from_array(array)
    for twin in (copy.deepcopy(mask), pickle.loads(pickle.dumps(mask))):  # noqa: S301 (our own bytes)
        assert (twin, hash(twin), twin.ndim) == (mask, hash(mask), mask.ndim)


def test_a_mask_cannot_be_changed() -> None:
    array = np.eye(3, dtype=np.bool_)
    mask = Mask.from_array(array)
    array[:] = True
    with pytest.raises(ValueError, match="read-only"):
        mask.bounds[0] = 0
    with pytest.raises(AttributeError, match="immutable"):
        mask.extra = 1
    with pytest.raises(AttributeError, match="immutable"):
        mask._bounds = np.empty((0, 2, 2), np.int64)
    assert mask.area == 3


def test_two_boxes_with_a_common_edge_are_one_box() -> None:
    assert Mask([Box((0, 0), (4, 2)), Box((0, 2), (4, 5))]).boxes == (Box((0, 0), (4, 5)),)
    assert Mask([Box((0, 0), (2, 5)), Box((2, 0), (4, 5))]).boxes == (Box((0, 0), (4, 5)),)


def test_a_hole_makes_four_boxes() -> None:
    array = np.ones((3, 3), dtype=np.bool_)
    array[1, 1] = False
    assert list(map(str, Mask.from_array(array).boxes)) == [
        "1×3 at rows 0–0, columns 0–2",
        "1×1 at rows 1–1, columns 0–0",
        "1×1 at rows 1–1, columns 2–2",
        "1×3 at rows 2–2, columns 0–2",
    ]


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_a_mask_that_hides_nothing_has_its_dimensions(ndim: int) -> None:
    empty = Mask([], ndim=ndim)
    assert (empty.ndim, empty.area, empty.boxes, repr(empty)) == (ndim, 0, (), "Mask(none)")
    assert empty == Mask.from_array(np.zeros((4,) * ndim, dtype=np.bool_))
    assert empty.fits(Grid((1,) * ndim))
    assert not empty.fits(Grid((1,) * (ndim + 1)))


@pytest.mark.parametrize(("side", "fits"), [(4, False), (5, True), (6, True)])
def test_a_mask_fits_where_all_of_its_cells_lie(side: int, fits: bool) -> None:
    assert Mask([Box((0, 1), (2, 5))]).fits(Grid((2, side))) is fits
    assert Mask([Box((1, 0), (5, 2))]).fits(Grid((side, 2))) is fits


def test_a_mask_is_equal_to_no_other_thing() -> None:
    assert Mask([Box((0, 0), (1, 1))]) != "Mask(1×1 at rows 0–0, columns 0–0)"


BAD: list[tuple[Callable[[], object], str]] = [
    (lambda: Mask([Box((0,), (1,)), Box((0, 0), (1, 1))]), "same number of axes"),
    (lambda: Mask(["x"]), "Box|boxes"),  # type: ignore[list-item]  # refused
    (lambda: Mask(None), "Box|boxes"),  # type: ignore[arg-type]  # refused
    (lambda: Mask([(0, 0, 1, 1)]), "Box|boxes"),  # type: ignore[list-item]  # refused
    (lambda: Mask([Box((2**70,), (2**70 + 1,))]), "box|cells|large"),
    (lambda: Mask.from_array(np.ones((2, 2))), "bool"),  # type: ignore[arg-type]  # refused
    (lambda: Mask.from_array(np.array(True)), "axes|axis|dimension|shape"),
    (lambda: Mask.from_array(np.ones((0, 3), dtype=np.bool_)), "axes|axis|side|shape"),
    (lambda: Mask([Box((0,), (1,))]).union(Mask([Box((0, 0), (1, 1))])), "axes"),
    (lambda: Mask([Box((0, 0), (9, 9))]).to_array(Grid((3, 3))), "3×3"),
    (lambda: Mask([Box((0,), (9,))]).to_array(Grid((9, 9))), "9×9"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_what_is_no_mask_of_this_grid_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make()


@given(box_lists())
def test_boxes_of_a_mask_paint_as_the_oracle_paints(given_boxes: tuple[Shape, list[Box]]) -> None:
    sides, boxes = given_boxes
    mask = Mask(boxes, ndim=len(sides))
    assert (oracles.hidden([mask], sides)[0] == mask.to_array(Grid(sides))).all()
