"""Mask sets: sequences of masks of one image size, equal by their cells, and warnings of what is rarely meant."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given

from maskcover import Box, Grid, InvalidInput, Mask, MaskcoverWarning, MaskSet, cover, squares
from tests import oracles
from tests.geometry_strategies import SIDES, plain_set, stacks
from tests.oracles import BoolArray

STACKS = SIDES.flatmap(lambda sides: stacks(sides))
THREE = MaskSet.from_boxes([(0, 0, 4, 9), (5, 0, 4, 9), (0, 3, 2, 2)], image_size=9, regions="squares(size=2)")


@given(STACKS)
def test_an_array_comes_back_as_it_was_given(array: BoolArray) -> None:
    masks = plain_set(array)
    back = np.asarray(masks)
    assert (back.dtype.name, back.shape) == ("bool", array.shape)
    assert (back == array).all()
    assert (oracles.hidden(masks, array.shape[1:]) == array).all()
    assert masks.largest_hidden_area == array.reshape(len(array), -1).sum(axis=1).max()


@given(STACKS)
def test_equal_sets_have_equal_hashes_and_digests(array: BoolArray) -> None:
    masks = plain_set(array)
    rebuilt = MaskSet(masks.grid, tuple(Mask(reversed(mask.boxes), ndim=mask.ndim) for mask in masks))
    assert (rebuilt, hash(rebuilt), rebuilt.digest) == (masks, hash(masks), masks.digest)
    assert pickle.loads(pickle.dumps(masks)) == masks  # noqa: S301 (our own bytes)


@given(STACKS)
def test_order_and_number_of_masks_are_part_of_the_set(array: BoolArray) -> None:
    masks, turned = plain_set(array), plain_set(array[::-1])
    palindrome = bool((array == array[::-1]).all())
    assert (masks == turned) == palindrome == (masks.digest == turned.digest)
    assert masks + masks != masks


def test_boxes_are_top_left_height_width() -> None:
    array = np.zeros((2, 6, 8), dtype=np.bool_)
    array[0, 1:3, 4:8] = True
    array[1, 0:6, 0:1] = True
    assert MaskSet.from_boxes([(1, 4, 2, 4), (0, 0, 6, 1)], image_size=(6, 8)) == MaskSet.from_array(array)


def test_a_list_of_boxes_is_one_mask() -> None:
    array = np.zeros((1, 6, 8), dtype=np.bool_)
    array[0, :2, :2] = array[0, 4:, 7:] = True
    assert MaskSet.from_boxes([[(0, 0, 2, 2), (4, 7, 2, 1)]], image_size=(6, 8)) == MaskSet.from_array(array)


@pytest.mark.parametrize("boxes", [np.array([[0, 0, 2, 2], [1, 1, 2, 2]]), [(0, 0, 2, 2), [1, 1, 2, 2]]])
def test_rows_of_boxes_may_be_arrays_or_lists(boxes: list[tuple[int, ...]]) -> None:
    assert MaskSet.from_boxes(boxes, image_size=6) == MaskSet.from_boxes(iter([(0, 0, 2, 2), (1, 1, 2, 2)]), 6)


def test_one_and_three_dimensions() -> None:
    assert np.asarray(MaskSet.from_boxes([(1, 2)], image_size=(5,))).tolist() == [[False, True, True, False, False]]
    cube = MaskSet.from_boxes([(0, 1, 2, 1, 1, 1)], image_size=(2, 3, 4))
    assert np.argwhere(np.asarray(cube)).tolist() == [[0, 0, 1, 2]]


def test_it_slices_and_joins_like_a_tuple_and_keeps_its_claim() -> None:
    first, *rest = THREE
    assert (len(THREE), THREE[0], list(THREE[1:])) == (3, first, rest)
    assert THREE[:1] + THREE[1:] == THREE
    assert (THREE[1:].regions, (THREE[:1] + THREE[1:]).regions) == ("squares(size=2)",) * 2
    assert first in THREE
    assert THREE.index(rest[1]) == 2
    assert THREE[-1] == rest[-1]


def test_the_claim_is_no_part_of_equality() -> None:
    unclaimed = MaskSet(THREE.grid, THREE.masks)
    assert (unclaimed, hash(unclaimed), unclaimed.digest) == (THREE, hash(THREE), THREE.digest)


def test_the_grid_is_part_of_equality() -> None:
    small, large = (MaskSet.from_boxes([(0, 0, 2, 2)], image_size=size) for size in (9, 10))
    assert small != large
    assert small.digest != large.digest


def test_an_array_is_always_a_copy() -> None:
    np.asarray(THREE)[:] = True
    assert THREE[0].area == 36
    assert np.asarray(THREE, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="always copies"):
        np.asarray(THREE, copy=False)


def test_a_set_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        THREE.masks = ()  # type: ignore[misc]  # the point of the test


def test_its_repr_says_what_it_is() -> None:
    assert repr(THREE) == "<MaskSet of 3 on 9×9, largest 36 px, regions='squares(size=2)'>"


def test_a_set_of_no_masks_is_a_set() -> None:
    empty = MaskSet.from_boxes([], image_size=9)
    assert (len(empty), empty.largest_hidden_area, np.asarray(empty).shape) == (0, 0, (0, 9, 9))
    assert empty == MaskSet.from_array(np.zeros((0, 9, 9), dtype=np.bool_))
    assert empty.evaluations == 0


def _inverted() -> MaskSet:
    return MaskSet.from_array(~np.asarray(cover(squares(size=2), 16)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_inverted, "mask 0 hides more than half of the image; True means hidden"),
        (lambda: MaskSet.from_boxes([(0, 0, 3, 3), (0, 0, 5, 9)], 9), "mask 1 hides more than half"),
        (lambda: MaskSet.from_boxes([(0, 0, 3, 3), []], 9), "mask 1 hides nothing"),
        (lambda: MaskSet.from_array(np.zeros((1, 4, 4), dtype=np.bool_)), "mask 0 hides nothing"),
        (lambda: cover(squares(size=2), 16, masks=1), "mask 0 hides more than half"),
    ],
)
def test_masks_that_are_rarely_meant_draw_a_warning(make: Callable[[], MaskSet], message: str) -> None:
    with pytest.warns(MaskcoverWarning, match=message):
        assert isinstance(make(), MaskSet)


def test_half_of_the_image_draws_no_warning() -> None:
    assert MaskSet.from_boxes([(0, 0, 4, 8)], image_size=8).largest_hidden_area == 32


BAD: list[tuple[Callable[[], object], str]] = [
    (lambda: MaskSet.from_boxes([(0, 0, 3)], 9), r"a box on 9×9 is 4 numbers, starts then extents; got \(0, 0, 3\)"),
    (lambda: MaskSet.from_boxes([(0, 0, 3, 3, 3)], 9), "a box on 9×9 is 4 numbers"),
    (lambda: MaskSet.from_boxes([(0, 0, 3, 3)], (9,)), "a box on 9 is 2 numbers"),
    (lambda: MaskSet.from_boxes([(-1, 0, 3, 3)], 9), "0 <= start < stop"),
    (lambda: MaskSet.from_boxes([(0, 0, 0, 3)], 9), "0 <= start < stop"),
    (lambda: MaskSet.from_boxes([(7, 0, 3, 3)], 9), "mask 0 does not lie on the 9×9 grid"),
    (lambda: MaskSet.from_boxes([(0, 0, 1, 1), (0, 7, 3, 3)], 9), "mask 1 does not lie on the 9×9 grid"),
    (lambda: MaskSet.from_boxes([(0, 0, 3, 7)], (8, 6)), "mask 0 does not lie on the 8×6 grid"),
    (lambda: MaskSet.from_boxes([(0, 0, 2**70, 3)], 9), "9×9|box|cells|large"),
    (lambda: MaskSet.from_boxes([(0.0, 0, 3, 3)], 9), "start must be whole numbers"),  # type: ignore[list-item]  # refused
    (lambda: MaskSet.from_boxes([(0, 0, "3", 3)], 9), "whole numbers"),  # type: ignore[list-item]  # refused
    (lambda: MaskSet.from_boxes([[(0, 0, 1, 1), 3]], 9), "expected boxes"),  # type: ignore[list-item]  # refused
    (lambda: MaskSet.from_boxes([3], 9), "expected boxes"),  # type: ignore[list-item]  # refused
    (lambda: MaskSet.from_boxes(None, 9), "expected boxes"),  # type: ignore[arg-type]  # refused
    (lambda: MaskSet.from_boxes("abcd", 9), "numbers"),  # type: ignore[arg-type]  # refused
    (lambda: MaskSet.from_boxes([(0, 0, 3, 3)], 0), "image_size must be one or more sides"),
    (lambda: MaskSet.from_boxes([(0, 0, 3, 3)], "9"), "image_size must be whole numbers"),  # type: ignore[arg-type]  # refused
    (lambda: MaskSet.from_array(np.zeros((2, 9, 9))), r"expected a bool array .* got float64 \(2, 9, 9\)"),
    (lambda: MaskSet.from_array(np.zeros((2, 9, 9), dtype=np.uint8)), "expected a bool array"),
    (lambda: MaskSet.from_array(np.zeros(9, dtype=np.bool_)), "expected a bool array"),
    (lambda: MaskSet.from_array(np.zeros((2, 0, 9), dtype=np.bool_)), "image_size must be one or more sides"),
    (lambda: MaskSet.from_array(None), "expected a bool array"),  # type: ignore[arg-type]  # refused
    (lambda: MaskSet(Grid((4, 4)), (Mask([Box((0, 0), (5, 1))]),)), "mask 0 does not lie on the 4×4 grid"),
    (lambda: MaskSet(Grid((4, 4)), (Mask([Box((0,), (1,))]),)), "mask 0 does not lie on the 4×4 grid"),
    (lambda: THREE + MaskSet.from_boxes([], 10), "cannot join masks for 9×9 and for 10×10"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_what_is_no_mask_set_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make()
