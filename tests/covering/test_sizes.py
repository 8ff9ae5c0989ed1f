"""Verification by sizes of masks, and signatures of masks that share boxes, against placements one by one."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from maskcover import Mask, MaskSet, cover, rectangles, verify
from maskcover.cells import Cells
from maskcover.covering.blocks import MasksByForm, cut_blocks, erosions, pack_masks
from maskcover.covering.sizes import BoxesBySize
from maskcover.grid import Box, Grid
from maskcover.regions import Stencil
from maskcover.regions.base import everywhere
from tests.geometry_strategies import any_masks, box_masks, plain_set
from tests.laws import examples
from tests.oracles import BoolArray

SIDES = st.tuples(st.integers(1, 5), st.integers(1, 6))
SETS = SIDES.flatmap(
    lambda sides: st.tuples(
        st.lists(box_masks(sides) | any_masks(sides), min_size=1, max_size=12).map(np.stack),
        st.tuples(*(st.integers(1, side) for side in sides)),
        any_masks(sides),
    )
)


def contained(masks: BoolArray, stencil: Stencil) -> bool:
    """Definition 1, word for word, for one stencil."""
    sides = Grid(masks.shape[1:])
    places = [place for box in stencil.places.boxes for place in product(*map(range, box.start, box.stop))]
    return all(any((mask >= stencil.at(place).to_array(sides)).all() for mask in masks) for place in places)


@examples(150)
@given(SETS)
def test_what_sizes_show_is_true(case: tuple[BoolArray, tuple[int, ...], BoolArray]) -> None:
    arrays, shape, drawn = case
    masks = MasksByForm.of(plain_set(arrays))
    corner = drawn[: shape[0], : shape[1]].copy()
    corner[0, 0] = corner[-1, -1] = True
    bent = Stencil(Cells.from_array(corner), everywhere(corner.shape, Grid(arrays.shape[1:])).places)
    for stencil in (everywhere(shape, Grid(arrays.shape[1:])), bent):
        if BoxesBySize.of_masks(masks, stencil.is_box).contain(stencil):
            assert contained(arrays, stencil)


def test_a_product_grid_is_shown_to_cover_its_shape_and_without_a_mask_it_is_not() -> None:
    masks, stencil = cover("squares(size=5)", 20, grid=(3, 4)), everywhere((5, 5), Grid.of(20))
    assert BoxesBySize.of_masks(MasksByForm.of(masks), True).contain(stencil)
    for number in range(len(masks)):
        fewer = masks[:number] + masks[number + 1 :]
        assert not BoxesBySize.of_masks(MasksByForm.of(fewer), True).contain(stencil)


def test_many_grids_are_verified_as_one_mask_after_the_other_is() -> None:
    """The witness is that of all masks together; a cover without a mask that it needs is refuted."""
    regions = rectangles(area=0.02)
    masks = cover(regions, 64, grid=(3, 3))
    assert verify(masks, regions)
    for number in range(0, len(masks), 5):
        arrays = np.delete(np.asarray(masks), number, axis=0)
        terms = regions.terms(masks.grid)
        first = next((stencil for stencil in terms[0].slots[0] if _missed(arrays, stencil)), None)
        report = verify(masks[:number] + masks[number + 1 :], regions)
        assert bool(report) == (first is None)
        assert first is None or (report.witness and report.witness[0].span.extents == first.extents)


def _missed(arrays: BoolArray, stencil: Stencil) -> bool:
    height, width = stencil.extents
    windows = np.lib.stride_tricks.sliding_window_view(arrays, (height, width), axis=(1, 2))
    return not windows.all(axis=(3, 4)).any(axis=0).all()


def test_one_size_does_not_count_for_several_masks() -> None:
    masks = cover("squares(size=5)", 20, grid=(3, 4))
    assert verify(masks)
    assert not verify(masks, multiplicity=2)


@examples(100)
@given(SETS, st.data())
def test_signatures_of_unions_are_those_of_each_mask(
    case: tuple[BoolArray, tuple[int, ...], BoolArray], data: st.DataObject
) -> None:
    """Unions of the masks of a base have fewer boxes than there are masks."""
    base, shape, _ = case
    pairs = data.draw(st.lists(st.tuples(*[st.integers(0, len(base) - 1)] * 2), min_size=1, max_size=30))
    arrays = np.concatenate([base, *(base[[a]] | base[[b]] for a, b in pairs)])
    grouped, stencil = MasksByForm.of(plain_set(arrays)), everywhere(shape, Grid(arrays.shape[1:]))
    inside = erosions(grouped, stencil)
    places = cut_blocks(stencil, inside)
    packed = pack_masks(inside, places, len(arrays))
    bits = np.unpackbits(packed, axis=0, bitorder="little", count=len(arrays)).astype(np.bool_)
    firsts = {array.tobytes(): number for number, array in reversed(list(enumerate(arrays)))}
    for block in range(places.allowed.size):
        region = stencil.at(places.place(block)).to_array(Grid(arrays.shape[1:]))
        around = [firsts[array.tobytes()] == number and (array >= region).all() for number, array in enumerate(arrays)]
        assert bits[:, block].tolist() == around


def test_masks_that_share_boxes_are_packed_box_by_box() -> None:
    boxes = [Box((0, start), (1, start + 3)) for start in range(0, 12, 2)]
    unions = [Mask([a, b]) for a, b in product(boxes, boxes) if a < b]
    grouped, stencil = MasksByForm.of(MaskSet(Grid((1, 20)), tuple(unions))), everywhere((1, 2), Grid((1, 20)))
    inside = erosions(grouped, stencil)
    assert len(np.unique(inside.bounds, axis=0)) < len(np.unique(inside.owners)) > 8
    places = cut_blocks(stencil, inside)
    bits = np.unpackbits(pack_masks(inside, places, len(unions)), axis=0, bitorder="little", count=len(unions))
    for block in range(places.allowed.size):
        region = stencil.at(places.place(block))
        assert bits[:, block].tolist() == [int(mask.contains(region)) for mask in unions]
