"""Traps of threats.md, 2 to 6, for every family: borders, odd areas, and rows mistaken for columns."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from maskcover import (
    Box,
    Grid,
    ImpossibleCover,
    InvalidInput,
    Mask,
    MaskSet,
    RegionSet,
    cover,
    parse_regions,
    rectangles,
    squares,
    union,
    verify,
)
from maskcover.regions import (
    avoiding,
    bitmap,
    boxes,
    disc,
    patches,
    polygon,
    slabs,
    stripes,
    tubes,
    within,
)
from tests.geometry_strategies import plain_set, quiet_cover


def _spans(sides: int, *spans: tuple[int, int]) -> MaskSet:
    return MaskSet(Grid((sides,)), tuple(Mask([Box((a,), (b,))], ndim=1) for a, b in spans if a < b))


@pytest.mark.parametrize("length", range(1, 13))
def test_no_cell_at_the_border_of_an_area_is_lost(length: int) -> None:
    """The tight mask covers, and without its first or last cell it does not: all intervals and areas of an axis."""
    for low, patch in product(range(length), range(1, length + 1)):
        for high in range(low + 1, length + 1):
            area = (low, high - low)
            allowed = {
                within(squares(patch), area): [u for u in range(length - patch + 1) if low <= u <= high - patch],
                within(squares(patch), area, touching=True): [
                    u for u in range(length - patch + 1) if u < high and low < u + patch
                ],
            }
            for regions, places in allowed.items():
                if places:
                    first, last = places[0], places[-1] + patch
                    assert verify(_spans(length, (first, last)), regions)
                    assert not verify(_spans(length, (first + 1, last)), regions)
                    assert not verify(_spans(length, (first, last - 1)), regions)
                else:
                    with pytest.raises(InvalidInput, match="holds no region"):
                        verify(_spans(length), regions)


@pytest.mark.parametrize("length", range(2, 13))
def test_no_stripe_and_no_half_at_the_border_is_lost(length: int) -> None:
    for sides, axis in (((length, 3), 0), ((3, length), 1)):
        for width in range(1, length + 1):
            masks = quiet_cover(stripes(width, axis=axis), sides, grid=(2, 2))
            assert verify(masks, stripes(width, axis=axis))
            hidden = np.asarray(masks)
            for edge in (0, -1):
                bare = hidden.copy()
                bare[(slice(None),) * (axis + 1) + (edge,)] = False
                assert not verify(plain_set(bare), stripes(width, axis=axis))
    for depth in range(1, length):
        first, last = (0, depth), (length - depth, length)
        halves = slabs.sides(f"{depth}/{length}")
        assert verify(_spans(length, first, last), halves)
        for spans in ((first, (last[0] + 1, length)), ((0, depth - 1), last), (first,), (last,)):
            assert not verify(_spans(length, *spans), halves)


def test_a_stripe_too_wide_for_one_of_the_axes_is_refused_and_not_left_out() -> None:
    with pytest.raises(InvalidInput, match="no place"):
        verify(plain_set(np.ones((1, 3, 9), dtype=np.bool_)), stripes(4))
    assert verify(plain_set(np.ones((1, 3, 9), dtype=np.bool_)), stripes(4, axis=1))


ISLAND = np.array([[1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1]], dtype=np.bool_)


def test_a_small_rectangle_in_a_narrow_corner_is_not_pruned_away() -> None:
    """Every maximal rectangle fits the large part alone; in the corner only two pixels in a row do."""
    regions = within(rectangles(4), ISLAND)
    large = plain_set(np.array([np.pad(np.ones((3, 3), dtype=np.bool_), [(0, 1), (0, 3)])]))
    report = verify(large, regions)
    assert [patch.span for patch in report.witness or ()] == [Box((3, 4), (4, 6))]
    corner = MaskSet.from_boxes([(3, 4, 1, 2)], (4, 6))
    assert verify(MaskSet(large.grid, large.masks + corner.masks), regions)
    shown = MaskSet.from_boxes([(3, 4, 1, 1), (3, 5, 1, 1)], (4, 6))
    assert not verify(MaskSet(large.grid, large.masks + shown.masks), regions)
    assert verify(cover(regions, (4, 6), max_mask_area=9), regions)


@pytest.mark.parametrize("area", ["111/110/100", "111/101/111", "0110/1111/0110", "10101/01010/10101"])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 6])
def test_every_rectangle_inside_an_odd_area_is_listed(area: str, limit: int) -> None:
    """Masks of single regions, one left out: each of them that lies in no other is missed."""
    cells = np.array([[cell == "1" for cell in row] for row in area.split("/")])
    spans = [[(a, b) for a in range(side) for b in range(a + 1, side + 1)] for side in cells.shape]
    boxes = [Box((t, a), (b, c)) for (t, b), (a, c) in product(*spans)]
    every = [box for box in boxes if box.volume <= limit and cells[box.slices].all()]
    largest = [box for box in every if not any(box != other and other.contains(box) for other in every)]
    grid = Grid(cells.shape)
    for regions in (within(rectangles(limit), cells), avoiding(rectangles(limit), ~cells)):
        assert verify(MaskSet(grid, tuple(Mask([box]) for box in largest)), regions)
        for missing in largest:
            rest = MaskSet(grid, tuple(Mask([box]) for box in largest if box != missing))
            assert [patch.span for patch in verify(rest, regions).witness or ()] == [missing]


WIDE: list[tuple[RegionSet, tuple[int, ...], tuple[int, ...]]] = [
    (bitmap("1111/1000"), (2, 4), (4, 2)),
    (polygon([(0, 0), (4, 0), (4, 1)]), (1, 4), (4, 1)),
    (polygon([(0.5, 0), (3.5, 0), (3.5, 0.75)], subpixel=True), (2, 5), (5, 2)),
    (within(bitmap("111/"), (0, 0, 1, 4)), (1, 4), (4, 1)),
    (stripes(2, axis=0), (2, 1), (1, 2)),
    (stripes(2, axis=1), (1, 2), (2, 1)),
    (tubes(bitmap("11/"), frames=2), (2, 1, 2), (1, 2, 2)),
    (tubes(bitmap("11/"), frames=1), (1, 1, 2), (1, 2, 1)),
    (patches([bitmap("11/"), bitmap("1111/")]), (1, 4), (4, 1)),
]


@pytest.mark.parametrize(("regions", "fits", "turned"), WIDE, ids=str)
def test_heights_come_before_widths(regions: RegionSet, fits: tuple[int, ...], turned: tuple[int, ...]) -> None:
    assert regions.describe(fits).placements >= 1
    with pytest.raises(InvalidInput):
        regions.terms(Grid(turned))


def test_areas_are_rows_first() -> None:
    """One pixel of a lying image, in each way of naming it; x of a polygon is the column."""
    cells = np.zeros((2, 5), dtype=np.bool_)
    cells[1, 3] = True
    areas = ((1, 3, 1, 1), cells, "00000/00010", "POLYGON ((3 1, 4 1, 4 2, 3 2, 3 1))")
    for area, confine in product(areas, (within, lambda regions, area: within(regions, area, touching=True))):
        (term,) = confine(squares(1), area).terms(Grid((2, 5)))
        assert [stencil.places.boxes for stencil in term.slots[0]] == [(Box((1, 3), (2, 4)),)]
    for area in areas:
        assert avoiding(squares(1), area).describe((2, 5)).placements == 9


def test_a_half_of_a_lying_image_is_a_half_of_each_axis() -> None:
    halves = slabs.sides("1/2")
    assert verify(MaskSet.from_boxes([(0, 0, 1, 8), (1, 0, 1, 8), (0, 0, 2, 4), (0, 4, 2, 4)], (2, 8)), halves)
    assert not verify(MaskSet.from_boxes([(0, 0, 1, 8), (1, 0, 1, 8), (0, 0, 2, 4)], (2, 8)), halves)


ONE_ROW: list[tuple[RegionSet, tuple[int, ...]]] = [
    (bitmap(np.ones((1, 3), dtype=np.bool_)), (4, 5)),
    (bitmap(np.array([[[True, False, True]]])), (2, 2, 4)),
    (bitmap(np.ones((1, 2, 2), dtype=np.bool_)), (2, 2, 4)),
    (bitmap(np.ones((2, 1, 2), dtype=np.bool_)), (2, 2, 4)),
    (within(squares(1), np.array([[True, False, True]])), (1, 3)),
    (union(bitmap("101/"), disc(2)), (4, 4)),
]


@pytest.mark.parametrize(("regions", "sides"), ONE_ROW, ids=str)
def test_a_bitmap_of_one_row_reads_back_with_all_its_axes(regions: RegionSet, sides: tuple[int, ...]) -> None:
    assert parse_regions(str(regions)) == regions
    assert verify(quiet_cover(regions, sides, max_mask_area=4), str(regions))


def test_masks_that_cannot_be_had_twice_are_impossible() -> None:
    with pytest.raises(ImpossibleCover, match=r"1 masks cover .*, but not 2 times"):
        quiet_cover(squares(1), 9, masks=1, multiplicity=2)
    assert verify(cover(squares(2), 9, max_mask_area=27, multiplicity=3), multiplicity=3)


def test_too_many_rectangles_in_an_odd_area_are_refused_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes, "_MOST_WORK", 100)
    with pytest.raises(InvalidInput, match=r"inside an area of 24 px has 192 placements to try, more than 100"):
        within(rectangles(4), ISLAND).terms(Grid((4, 6)))
