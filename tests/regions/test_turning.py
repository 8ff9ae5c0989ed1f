"""Turned shapes: whatever raster a turned shape has, wherever it fits on the image, lies in a listed stencil."""

from typing import cast

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely import MultiPoint, Polygon
from shapely.affinity import rotate, translate

import maskcover as mc
from maskcover.cells import BoolArray, Cells
from maskcover.grid import Box, Grid
from maskcover.regions.shapes.rasters import touched
from tests.laws import examples

SIDES = st.integers(4, 10)
COORDINATES = st.floats(0, 7, allow_subnormal=False)
ANGLES = st.floats(-60, 60)
OFFSETS = st.floats(0, 1, exclude_max=True)


@st.composite
def outlines(draw: st.DrawFn) -> Polygon:
    points = draw(st.lists(st.tuples(COORDINATES, COORDINATES), min_size=3, max_size=5))
    hull = MultiPoint(points).convex_hull
    assume(isinstance(hull, Polygon) and hull.area > 0.1)
    return cast("Polygon", hull)


def bounds_on(regions: mc.RegionSet, grid: Grid) -> BoolArray:
    """Every placement of every stencil, bool (placements, height, width); none if the set has no place there."""
    try:
        slot = regions.terms(grid)[0].slots[0]
    except mc.InvalidInput as refusal:
        assert "no place" in str(refusal) or "no region" in str(refusal)  # noqa: PT017 (either answer is right)
        return np.zeros((0, *grid.shape), np.bool_)
    placed = [
        stencil.cells.shifted([int(at) for at in place]).to_array(grid)
        for stencil in slot
        for place in np.argwhere(stencil.places.to_array(grid))
    ]
    return np.array(placed)


def true_regions(raster: BoolArray, allowed: BoolArray) -> list[BoolArray]:
    height, width = raster.shape
    turned_regions = []
    for row in range(allowed.shape[0] - height + 1):
        for column in range(allowed.shape[1] - width + 1):
            region = np.zeros_like(allowed)
            region[row : row + height, column : column + width] = raster
            if not (region & ~allowed).any():
                turned_regions.append(region)
    return turned_regions


@examples(150)
@given(outlines(), st.tuples(SIDES, SIDES), st.tuples(ANGLES, ANGLES), st.booleans(), st.data())
def test_whatever_a_turned_shape_touches_lies_in_a_listed_stencil_up_to_the_border(
    shape: Polygon, sides: tuple[int, int], ends: tuple[float, float], subpixel: bool, data: st.DataObject
) -> None:
    grid, (low, high) = Grid(sides), sorted(ends)
    regions = mc.rotations(shape, degrees=(low, high), subpixel=subpixel)
    allowed = np.ones(sides, np.bool_)
    if data.draw(st.booleans(), "kept to a box"):
        top, left = data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
        regions = mc.within(regions, (top, left, sides[0] - top, sides[1] - left))
        allowed[:top] = allowed[:, :left] = False
    bounds = bounds_on(regions, grid)
    angle = low + (high - low) * data.draw(st.floats(0, 1), "part of the range")
    turned = rotate(shape, angle, origin=shape.centroid)
    if subpixel:
        turned = translate(turned, data.draw(OFFSETS), data.draw(OFFSETS))
    for region in true_regions(touched(turned), allowed):
        assert (~(region & ~bounds).any(axis=(1, 2))).any(), region.astype(int)


@pytest.mark.parametrize("subpixel", [False, True])
def test_a_shape_as_wide_as_the_image_has_its_places_although_its_bound_is_wider(subpixel: bool) -> None:
    regions = mc.rotations(mc.rectangle(2, 8), degrees=(-1, 1), subpixel=subpixel)
    # At no angle but 0 does the bar fit: but at 0 it does, on every row.
    rows = [Cells([Box((row, 0), (row + 2, 8))]).to_array(Grid((6, 8))) for row in range(5)]
    bounds = bounds_on(regions, Grid((6, 8)))
    assert all((~(row & ~bounds).any(axis=(1, 2))).any() for row in rows)
    with pytest.raises(mc.InvalidInput, match=r"no region|no place"):
        regions.terms(Grid((6, 6)))


def test_a_speck_has_no_place_outside_of_the_image() -> None:
    speck = Polygon([(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)])
    regions = mc.rotations(speck, degrees=(-5, 5))
    bounds = bounds_on(regions, Grid((4, 5)))
    assert sorted(map(tuple, np.argwhere(bounds.sum(axis=0)).tolist())) == [(i, j) for i in range(4) for j in range(5)]
    assert bounds.any(axis=(1, 2)).all()


def test_no_rounding_moves_a_shape_that_is_not_turned() -> None:
    """A vertex at -1e-300 lies in the column before; moved to another origin in floats it would lie on the line."""
    sliver = Polygon([(-1e-300, 0), (2, 0), (2, 2)])
    whole = mc.polygon(sliver).describe(9)
    assert mc.rotations(sliver, degrees=(0, 0)).describe(9).pixels >= whole.pixels
