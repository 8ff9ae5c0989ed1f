"""Laws of region sets: moves of the image, areas, unions, patches, growth; and fuzzed texts."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely import Polygon, box
from shapely.affinity import rotate

import maskcover as mc
from maskcover import InvalidInput, MaskSet, RegionSet, avoiding, parse_regions, patches, union, verify, within
from tests import definitions
from tests.family_strategies import (
    IMAGES,
    MOVES,
    Family,
    Move,
    areas,
    families,
    families_and_masks,
    masks_of,
    moved,
    singles,
)
from tests.geometry_strategies import any_masks, plain_set, stacks
from tests.laws import examples
from tests.oracles import BoolArray
from tests.regions.shapes.test_rasters import raster_at

Case = tuple[Family, BoolArray]


def answers(masks: MaskSet, regions: RegionSet, multiplicity: int = 1) -> bool:
    """Whether the masks cover; draws without any region are thrown away."""
    try:
        return bool(verify(masks, regions, multiplicity=multiplicity))
    except InvalidInput:
        assume(condition=False)
        raise


@examples(120)
@given(families_and_masks(preprocessing=False), st.sampled_from(MOVES[1:]))
def test_moving_the_image_moves_masks_and_regions_alike(case: Case, move: Move) -> None:
    family, masks = case
    turned = np.stack([moved(mask, move) for mask in masks])
    assert answers(plain_set(masks), family.regions) == answers(plain_set(turned), family.make(move))


@given(families_and_masks(), st.data())
def test_a_union_is_covered_exactly_when_its_members_are(case: Case, data: st.DataObject) -> None:
    family, masks = case
    other = data.draw(singles(family.sides))
    both = union(family.regions, other.regions)
    parts = [answers(plain_set(masks), regions) for regions in (family.regions, other.regions)]
    assert answers(plain_set(masks), both) == all(parts)


@given(families_and_masks(), st.data(), st.integers(1, 3))
def test_more_masks_larger_masks_and_fewer_times_are_never_harder(
    case: Case, data: st.DataObject, multiplicity: int
) -> None:
    family, masks = case
    extra = data.draw(any_masks(family.sides))
    before = answers(plain_set(masks), family.regions, multiplicity)
    assert answers(plain_set(np.concatenate([masks, extra[None]])), family.regions, multiplicity) >= before
    assert answers(plain_set(masks | extra), family.regions) >= answers(plain_set(masks), family.regions)
    assert answers(plain_set(masks), family.regions) >= before


@given(IMAGES, st.data())
def test_patches_of_one_and_the_same_set_are_so_many_of_it(sides: tuple[int, int], data: st.DataObject) -> None:
    regions = data.draw(singles(sides, 1)).regions
    for k in (1, 2, 3):
        assert patches([regions] * k) == patches(regions, k)
        assert hash(patches([regions] * k)) == hash(patches(regions, k))


@given(IMAGES, st.data())
def test_the_order_of_different_patches_changes_nothing(sides: tuple[int, int], data: st.DataObject) -> None:
    members = [data.draw(singles(sides, 1)) for _ in range(3)]
    assume(definitions.tuples(tuple(member.single for member in members)) <= 3000)
    first, second = (patches([member.regions for member in order]) for order in (members, members[::-1]))
    assert (first, hash(first)) == (second, hash(second))
    masks = plain_set(data.draw(stacks(sides)))
    assert answers(masks, first) == answers(masks, second)
    fewer = patches([member.regions for member in members[:2]])
    assert answers(masks, fewer) >= answers(masks, first)


@examples(60)
@given(families_and_masks(preprocessing=False))
def test_the_whole_image_confines_nothing(case: Case) -> None:
    family, arrays = case
    masks, regions = plain_set(arrays), family.regions
    everything = (*(0,) * len(family.sides), *family.sides)
    expected = answers(masks, regions)
    assert answers(masks, within(regions, everything)) == expected
    assert answers(masks, within(regions, everything, touching=True)) == expected
    assert answers(masks, within(regions, np.ones(family.sides, dtype=np.bool_))) == expected
    with pytest.raises(InvalidInput, match=r"holds no region|no place where"):
        verify(masks, avoiding(regions, everything))
    if len(family.sides) == 2:
        assert answers(masks, within(regions, box(0, 0, *family.sides[::-1]))) == expected


@examples(80)
@given(families_and_masks(most_patches=1, preprocessing=False), st.data())
def test_avoiding_an_area_is_staying_within_the_rest(case: Case, data: st.DataObject) -> None:
    family, arrays = case
    area = data.draw(areas(family.sides))
    rest = ~definitions.array_of(area.strict, family.sides)
    assume(rest.any())
    masks, regions = plain_set(arrays), family.regions
    apart = avoiding(regions, area.make("same"))
    assert answers(masks, apart) == answers(masks, within(regions, rest))
    # What lies inside an area touches it, and what touches it is some region.
    inside, touching = (within(regions, area.make("same"), touching=also) for also in (False, True))
    assert answers(masks, inside) >= answers(masks, touching) >= answers(masks, regions)
    assert answers(masks, union(inside, touching)) == answers(masks, touching)


@examples(60)
@given(families_and_masks(preprocessing=False), st.data())
def test_areas_one_after_the_other_are_their_common_part(case: Case, data: st.DataObject) -> None:
    family, arrays = case
    first, second = data.draw(areas(family.sides)), data.draw(areas(family.sides))
    both = first.generous & second.generous
    assume(both)
    regions = family.regions
    nested = within(within(regions, first.make("same")), second.make("same"))
    at_once = within(regions, definitions.array_of(both, family.sides))
    assert answers(plain_set(arrays), nested) == answers(plain_set(arrays), at_once)


EIGHTHS = [(Fraction(a, 8), Fraction(b, 8)) for a, b in product(range(8), repeat=2)]
TRIANGLE = Polygon([(0, 0), (2.5, 0.5), (1.25, 2.25)])
TURNED = [rotate(TRIANGLE, degrees) for degrees in range(-20, 21, 5)]


@pytest.mark.parametrize(
    ("regions", "outlines", "offsets"),
    [
        (mc.polygon(TRIANGLE, subpixel=True), [TRIANGLE], EIGHTHS),
        (mc.rotations(TRIANGLE, degrees=(-20, 20)), TURNED, EIGHTHS[:1]),
        (mc.rotations(TRIANGLE, degrees=(-20, 20), subpixel=True), TURNED, EIGHTHS[::5]),
    ],
    ids=["polygon", "rotations", "both"],
)
def test_rasters_at_any_offset_and_angle_lie_in_listed_ones(
    regions: RegionSet, outlines: list[Polygon], offsets: list[tuple[Fraction, Fraction]]
) -> None:
    """Clipped exactly, at a net of offsets and of angles."""
    slot = regions.terms(mc.Grid((7, 7)))[0].slots[0]
    listed = [stencil.cells.to_array(mc.Grid(stencil.extents)) for stencil in slot]
    for outline, (dx, dy) in product(outlines, offsets):
        assert any(_fits_inside(raster_at(outline, dx, dy), other) for other in listed), (outline, dx, dy)


def _fits_inside(small: BoolArray, large: BoolArray) -> bool:
    spare = [b - a + 1 for a, b in zip(small.shape, large.shape, strict=True)]
    return min(spare) > 0 and any(
        not (small & ~large[i : i + small.shape[0], j : j + small.shape[1]]).any()
        for i in range(spare[0])
        for j in range(spare[1])
    )


# Texts.

NAMES = [
    "squares",
    "rectangle",
    "rectangles",
    "half_planes",
    "sides",
    "stripes",
    "disc",
    "polygon",
    "bitmap",
    "rotations",
    "within",
    "avoiding",
    "union",
    "patches",
    "tubes",
    "through",
    "Resize",
    "Crop",
    "Pad",
    "ReceptiveField",
    "Flip",
    "CenterCrop",
    "Fit",
    "Jpeg",
]
JUNK = st.sampled_from(
    [*NAMES, *"()[],=-.'\"/01 5", "size", "k=2", "source=(5, 5)", "1e999", "None", "True", "0/1", "\x00", "é"]
)


@examples(150)
@given(families(), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6), JUNK), min_size=1, max_size=3))
def test_a_text_with_errors_is_refused_or_is_a_region_set(family: Family, edits: list[tuple[float, int, str]]) -> None:
    text = str(family.regions)
    for where, length, new in edits:
        at = int(where * len(text))
        text = text[:at] + new + text[at + length :]
    try:
        regions = parse_regions(text)
    except InvalidInput as refusal:
        assert str(refusal)  # noqa: PT017 (either answer is right)
        return
    assert isinstance(regions, RegionSet)
    assert parse_regions(str(regions)) == regions


@given(families_and_masks())
def test_the_text_of_a_region_set_is_judged_like_the_set(case: Case) -> None:
    family, masks = case
    assume(not family.is_void)
    report, of_text = verify(plain_set(masks), family.regions), verify(plain_set(masks), str(family.regions))
    assert (report.witness, report.regions) == (of_text.witness, of_text.regions)
    assert bool(report) == (not definitions.scarce(masks_of(masks), family.attacks))
