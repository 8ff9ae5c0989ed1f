"""Trimmed masks: of each box what regions inside it touch; and fractions of placements against brute force."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from maskcover import Box, Grid, InvalidInput, squares, union
from maskcover.cells import Cells
from maskcover.covering.placements import covered_fraction, placement_map
from maskcover.covering.trimming import room_of, trimmed
from maskcover.regions import Slot, Term, bitmap
from tests import definitions
from tests.definitions import Bits
from tests.family_strategies import Family, families, families_and_masks, masks_of
from tests.geometry_strategies import box_masks, plain_set
from tests.laws import examples
from tests.oracles import BoolArray, Shape

Case = tuple[Family, BoolArray]


def _terms(family: Family) -> tuple[Term, ...]:
    try:
        return family.regions.terms(Grid(family.sides))
    except InvalidInput:
        assume(condition=False)
        raise


def _listed(slot: Slot, sides: Shape) -> list[Bits]:
    """Every stencil at every of its places."""
    return [
        definitions.bits_of(stencil.at(tuple(place)), sides)
        for stencil in slot
        for place in np.argwhere(stencil.places.to_array(Grid(sides)))
    ]


def _joined(regions: list[Bits]) -> Bits:
    union = 0
    for region in regions:
        union |= region
    return union


@examples(120)
@given(families(most_patches=1), st.data())
def test_a_trimmed_mask_holds_the_regions_of_its_box_and_little_else(family: Family, data: st.DataObject) -> None:
    (term,) = _terms(family)
    slot = term.slots[0]
    room = room_of(slot)
    array = data.draw(box_masks(family.sides))
    where = np.argwhere(array)
    box = Box(tuple(where.min(0)), tuple(where.max(0) + 1))
    # Boxes of a plan lie in the room of its regions.
    (inner,) = Cells([box]).common(Cells([room])).boxes or (room,)
    around = definitions.bits_of(Cells([inner]), family.sides)
    inside = [region for region in _listed(slot, family.sides) if region & around == region]
    masks = trimmed([inner], slot, room)
    assert len(masks) == bool(inside)
    for mask in masks:
        cells = definitions.bits_of(mask, family.sides)
        assert _joined(inside) & ~cells == 0
        assert Cells([inner]).contains(mask)
        # What fills nearly all of its bounding box may be that box.
        assert mask.area == _joined(inside).bit_count() or mask.area == mask.span.volume
        assert mask.area * 19 <= _joined(inside).bit_count() * 20


def test_a_mask_of_one_shape_hides_that_shape_whatever_else_moves_freely() -> None:
    """Two dots fit a box that no square fits."""
    (term,) = union(squares(3), bitmap("1001/")).terms(Grid((6, 6)))
    room = room_of(term.slots[0])
    (dots,) = trimmed([Box((2, 1), (3, 5))], term.slots[0], room)
    assert dots.boxes == (Box((2, 1), (3, 2)), Box((2, 4), (3, 5)))
    assert trimmed([Box((2, 1), (5, 4))], term.slots[0], room) == (Cells([Box((2, 1), (5, 4))]),)
    assert trimmed([Box((2, 1), (4, 3))], term.slots[0], room) == ()


@given(families(most_patches=1))
def test_the_room_is_the_bounding_box_of_all_regions(family: Family) -> None:
    (term,) = _terms(family)
    union = Cells.from_array(definitions.array_of(_joined(list(family.single)), family.sides))
    assert room_of(term.slots[0]) == union.span


@given(families_and_masks())
def test_the_covered_fraction_counts_tuples_of_placements(case: Case) -> None:
    family, arrays = case
    masks = masks_of(arrays)
    every = [
        _joined(list(patches))
        for term in _terms(family)
        for patches in product(*(_listed(slot, family.sides) for slot in term.slots))
    ]
    inside = sum(any(region & mask == region for mask in masks) for region in every)
    assert covered_fraction(plain_set(arrays), family.regions) == Fraction(inside, len(every))


@given(families_and_masks(most_patches=1))
def test_the_map_and_the_exposure_are_those_of_brute_force(case: Case) -> None:
    family, arrays = case
    terms, masks = _terms(family), masks_of(arrays)
    map_ = placement_map(plain_set(arrays), family.regions)
    touching, bare = (np.zeros(family.sides, dtype=int) for _ in range(2))
    for (stencil, allowed, covered), listed in zip(map_.placements(), terms[0].slots[0], strict=True):
        assert stencil == listed
        for place in np.argwhere(allowed):
            region = definitions.bits_of(stencil.at(tuple(place)), family.sides)
            held = any(region & mask == region for mask in masks)
            assert covered[tuple(place)] == held
            cells = definitions.array_of(region, family.sides)
            touching += cells
            bare += cells & (not held)
        assert not (covered & ~allowed).any()
    assert np.array_equal(map_.exposure(), bare / np.maximum(touching, 1))
