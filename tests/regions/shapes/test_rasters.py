"""Rasters of shapes against clipping in fractions, against random offsets, and against what is known by hand."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise, product
from math import inf, nan

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon, box
from shapely.affinity import rotate
from shapely.geometry.base import BaseGeometry

from maskcover.errors import InvalidInput
from maskcover.regions.shapes.outlines import BoolArray, array_of, width_of
from maskcover.regions.shapes.rasters import disc, maximal_rasters, touched, touched_on, wholly_inside
from maskcover.regions.shapes.subpixel import subpixel, witnesses
from maskcover.regions.shapes.subpixel_discs import subpixel_disc
from maskcover.regions.shapes.turned import rotated
from tests.laws import examples

Corner = tuple[Fraction, Fraction]
Ring = list[Corner]

TRIANGLE = Polygon([(0, 0), (3, 0), (0, 3)])
HOLED = Polygon([(0, 0), (9, 1), (8, 9), (1, 8)], [[(2, 2), (7, 3), (6.5, 6.5), (2.25, 6)]])
TWO = MultiPolygon([box(0, 0, 1.5, 1), box(2.5, 1, 4, 3)])
TURNED = rotate(box(0, 0, 5, 3), 20)


# The oracle: areas of polygons clipped to a pixel, in fractions.


def rings_of(shape: Polygon | MultiPolygon, dx: Fraction, dy: Fraction) -> list[Ring]:
    """All rings, moved, outer ones counterclockwise and holes clockwise, so that their areas add up."""
    rings = []
    for part in shapely.get_parts(shape):
        for number, ring in enumerate(shapely.get_rings(part)):
            corners = [(Fraction(x) + dx, Fraction(y) + dy) for x, y in shapely.get_coordinates(ring).tolist()]
            turned_right = (area(corners) > 0) == (number == 0)
            rings.append(corners if turned_right else corners[::-1])
    return rings


def area(ring: Ring) -> Fraction:
    closed = [*ring, *ring[:1]]
    return sum(((x * v - y * u) for (x, y), (u, v) in pairwise(closed)), Fraction(0)) / 2


def clip(ring: Ring, axis: int, bound: int, side: int) -> Ring:
    """Sutherland and Hodgman's step: the part of a ring on one side of an axis-parallel line."""
    kept: Ring = []
    for start, end in pairwise([*ring, *ring[:1]]):
        a, b = (start[axis] - bound) * side, (end[axis] - bound) * side
        if a >= 0:
            kept.append(start)
        if a * b < 0:
            part = a / (a - b)
            kept.append((start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])))
    return kept


def between(rings: list[Ring], axis: int, low: int) -> list[Ring]:
    """The parts of rings between two neighbouring lattice lines."""
    clipped = (clip(clip(ring, axis, low, 1), axis, low + 1, -1) for ring in rings)
    return [ring for ring in clipped if ring]


def fractions_in(rings: list[Ring], rows: range, columns: range) -> list[list[Fraction]]:
    """The covered fraction of each pixel."""
    strips = [between(rings, 1, row) for row in rows]
    return [[sum(map(area, between(strip, 0, column)), Fraction(0)) for column in columns] for strip in strips]


def raster_of(rings: list[Ring]) -> BoolArray:
    xs, ys = ([corner[axis] for ring in rings for corner in ring] for axis in (0, 1))
    columns, rows = (range(min(values).__floor__(), max(values).__ceil__()) for values in (xs, ys))
    return np.array([[fraction > 0 for fraction in row] for row in fractions_in(rings, rows, columns)])


def raster_at(shape: Polygon | MultiPolygon, dx: Fraction, dy: Fraction) -> BoolArray:
    return raster_of(rings_of(shape, dx, dy))


def key(raster: BoolArray) -> tuple[tuple[int, ...], bytes]:
    return raster.shape, raster.tobytes()


# Shapes: coordinates on coarse lattices, so that degenerate ones abound, or any floats.

coarse = st.integers(-12, 20).map(lambda value: value / 4)
rough = st.floats(-3, 5, allow_nan=False, width=64)


def _areal(shape: BaseGeometry) -> Polygon | MultiPolygon:
    """What GEOS calls any geometry, known to be a polygon."""
    assert isinstance(shape, Polygon | MultiPolygon)
    return shape


@st.composite
def polygons(draw: st.DrawFn, *, corners: int = 6) -> Polygon | MultiPolygon:
    values = draw(st.sampled_from([coarse, rough]))
    points = draw(st.lists(st.tuples(values, values), min_size=3, max_size=corners, unique=True))
    drawn = Polygon(points)
    shape = drawn if drawn.is_valid else shapely.convex_hull(drawn)
    assume(shape.is_valid and shape.area > 0)
    return _areal(shape)


offsets = st.one_of(
    st.integers(0, 8).map(lambda value: Fraction(value, 8)), st.floats(0, 1, exclude_max=True).map(Fraction)
)


@given(polygons())
def test_touched_pixels_are_those_with_a_positive_fraction(shape: Polygon) -> None:
    assert np.array_equal(touched(shape), raster_at(shape, Fraction(0), Fraction(0)))


@pytest.mark.parametrize("shape", [HOLED, TWO, TRIANGLE, TURNED, HOLED.buffer(1), Point(2, 3).buffer(4)])
def test_touched_pixels_of_shapes_with_holes_parts_and_curves(shape: Polygon | MultiPolygon) -> None:
    assert np.array_equal(touched(shape), raster_at(shape, Fraction(0), Fraction(0)))
    assert touched_on(shape, (20, 20)).sum() <= touched(shape).sum()


@given(polygons(), st.integers(1, 6), st.integers(1, 6), st.integers(-2, 4))
def test_areas_of_interest_are_decided_pixel_by_pixel(shape: Polygon, height: int, width: int, shift: int) -> None:
    rings = rings_of(shape, Fraction(shift), Fraction(0))
    moved = shapely.transform(shape, lambda points: points + np.array([shift, 0]))
    assume(rings == rings_of(moved, Fraction(0), Fraction(0)))
    exact = fractions_in(rings, range(height), range(width))
    assert touched_on(moved, (height, width)).tolist() == [[fraction > 0 for fraction in row] for row in exact]
    assert wholly_inside(moved, (height, width)).tolist() == [[fraction == 1 for fraction in row] for row in exact]


def test_slivers_that_rasterisers_drop_are_kept() -> None:
    sliver = Polygon([(0.5, 0), (1 + 2.0**-52, 1), (0.5, 1)])
    assert touched(sliver).tolist() == [[True, True]]
    assert touched(box(-(2.0**-300), -(2.0**-300), 1, 1)).shape == (2, 2)
    assert touched(box(0, 0, 1, 1)).shape == (1, 1)
    assert touched(box(2**30 + 0.5, 2**30, 2**30 + 1.5, 2**30 + 1)).shape == (1, 2)


def test_a_hole_of_a_whole_pixel_is_not_touched() -> None:
    ring_of_pixels = _areal(box(0, 0, 3, 3).difference(box(1, 1, 2, 2)))
    assert touched(ring_of_pixels).tolist() == [[True] * 3, [True, False, True], [True] * 3]
    assert np.array_equal(wholly_inside(ring_of_pixels, (3, 3)), touched(ring_of_pixels))


@given(st.fractions(Fraction(1, 9), 12, max_denominator=9))
def test_disc_pixels_hold_a_point_nearer_than_the_radius(diameter: Fraction) -> None:
    side, radius = diameter.__ceil__(), diameter / 2
    nearest = [min(max(radius, Fraction(cell)), Fraction(cell + 1)) for cell in range(side)]
    expected = [[(x - radius) ** 2 + (y - radius) ** 2 < radius**2 for x in nearest] for y in nearest]
    assert disc(diameter).tolist() == expected


def test_the_disc_of_two_pixels_fills_its_square_and_that_of_seven_does_not() -> None:
    assert disc(2).all()
    assert disc(8).sum() == 60
    assert disc(4096).shape == (4096, 4096)


# All rasters at all offsets.


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        (box(0, 0, 2, 2), {(2, 2), (2, 3), (3, 2), (3, 3)}),
        (box(0.3, 0.7, 2.8, 3.2), {(3, 3), (3, 4), (4, 3), (4, 4)}),
        (box(0, 0, 2.5, 2.5), {(3, 3), (3, 4), (4, 3), (4, 4)}),
        (box(0, 0, 32, 32), {(32, 32), (32, 33), (33, 32), (33, 33)}),
        (box(0, 0, 0.5, 3), {(3, 1), (4, 1), (3, 2), (4, 2)}),
    ],
)
def test_rasters_of_upright_boxes_are_the_known_boxes(shape: Polygon, sizes: set[tuple[int, int]]) -> None:
    rasters = subpixel(shape)
    assert all(raster.all() for raster in rasters)
    assert [raster.shape for raster in rasters] == sorted(sizes)


@given(polygons(corners=5), st.lists(st.tuples(offsets, offsets), min_size=1, max_size=8))
def test_every_offset_gives_one_of_the_listed_rasters(shape: Polygon, places: list[Corner]) -> None:
    listed = {key(raster) for raster in subpixel(shape)}
    assert {key(raster_at(shape, dx, dy)) for dx, dy in places} <= listed


@given(polygons(corners=4))
@examples(12)
def test_lattice_aligned_offsets_give_one_of_the_listed_rasters(shape: Polygon) -> None:
    """The special offsets: those that bring two corners onto lattice lines, and points of edges between them."""
    listed = {key(raster) for raster in subpixel(shape)}
    corners = [(Fraction(x), Fraction(y)) for x, y in shapely.get_coordinates(shape).tolist()]
    aligned = [(-x % 1, -y % 1) for (x, _), (_, y) in product(corners, repeat=2)]
    thirds = [((2 * a + c) / 3, (2 * b + d) / 3) for (a, b), (c, d) in pairwise(aligned)]
    assert {key(raster_at(shape, dx, dy)) for dx, dy in aligned + thirds} <= listed


@given(polygons(corners=4))
@examples(15)
def test_every_listed_raster_occurs_at_its_witness(shape: Polygon) -> None:
    offsets = witnesses(shape)
    for rows, (dx, dy) in list(offsets.items())[:: max(1, len(offsets) // 16)]:
        assert 0 <= min(dx, dy) <= max(dx, dy) < 1
        assert np.array_equal(array_of(rows, width_of(rows)), raster_at(shape, dx, dy))


DIAMOND = Polygon([(0, 1.5), (1.5, 0), (3, 1.5), (1.5, 3)])
FLAT = Polygon([(0, 0), (4, 2), (0, 2)])
SLIT = MultiPolygon([box(0, 0, 1, 2), box(2, 0, 2.5, 2)])
FRAME = box(0, 0, 3, 3).difference(box(1, 1, 2, 2))


@pytest.mark.parametrize("shape", [TRIANGLE, TWO, DIAMOND, FLAT, SLIT, FRAME])
def test_a_net_through_all_vertices_edges_and_faces_finds_the_listed_rasters(shape: Polygon | MultiPolygon) -> None:
    """Corners on halves and slopes of 1/2, 1 and infinity: all vertices lie on quarters, so a net of 1/16 is enough.

    The slit and the border show a pixel untouched at one line or point of offsets only.
    """
    net = [Fraction(step, 16) for step in range(16)]
    rasters = {key(raster_at(shape, dx, dy)) for dx, dy in product(net, net)}
    assert {key(raster) for raster in subpixel(shape)} == rasters


def test_each_raster_is_listed_once_in_a_fixed_order() -> None:
    rasters = subpixel(TURNED)
    assert len({key(raster) for raster in rasters}) == len(rasters)
    assert [raster.shape for raster in rasters] == sorted(raster.shape for raster in rasters)
    again = subpixel(shapely.reverse(TURNED))
    assert list(map(key, again)) == list(map(key, rasters))


@given(polygons(corners=4))
@examples(15)
def test_the_rasters_of_a_mirrored_shape_are_mirrored(shape: Polygon) -> None:
    mirrored = shapely.transform(shape, lambda points: points * np.array([-1, 1]))
    swapped = shapely.transform(shape, lambda points: points[:, ::-1])
    listed = subpixel(shape)
    assert {key(raster) for raster in subpixel(mirrored)} == {key(np.fliplr(raster)) for raster in listed}
    assert {key(raster) for raster in subpixel(swapped)} == {key(np.ascontiguousarray(raster.T)) for raster in listed}


@given(polygons(corners=4))
@examples(15)
def test_the_maximal_rasters_are_those_of_all(shape: Polygon) -> None:
    maximal = subpixel(shape, maximal=True)
    assert {key(raster) for raster in maximal} == {key(raster) for raster in maximal_rasters(subpixel(shape))}


rasters_2d = st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=3, max_size=3).map(np.array)


def cut(array: BoolArray) -> BoolArray:
    rows, columns = np.flatnonzero(array.any(axis=1)), np.flatnonzero(array.any(axis=0))
    return array[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def lies_in(small: BoolArray, large: BoolArray) -> bool:
    (h, w), (height, width) = small.shape, large.shape
    return any(
        not (small & ~large[i : i + h, j : j + w]).any()
        for i, j in product(range(height - h + 1), range(width - w + 1))
    )


@given(st.lists(rasters_2d.filter(np.any).map(cut), max_size=8))
def test_maximal_rasters_hold_all_and_none_holds_another(rasters: list[BoolArray]) -> None:
    maximal = maximal_rasters(rasters)
    assert all(any(lies_in(raster, larger) for larger in maximal) for raster in rasters)
    assert not any(lies_in(raster, other) for raster in maximal for other in maximal if raster is not other)
    assert {key(raster) for raster in maximal} <= {key(raster) for raster in rasters}


# Discs at all centres.


def disc_at(diameter: Fraction, x: Fraction, y: Fraction) -> BoolArray:
    radius = diameter / 2
    cells = range(-diameter.__ceil__() - 2, diameter.__ceil__() + 3)
    across, down = ([max(cell - at, at - cell - 1, Fraction(0)) for cell in cells] for at in (x % 1, y % 1))
    return cut(np.array([[dx * dx + dy * dy < radius * radius for dx in across] for dy in down]))


def vertices_of_discs(diameter: Fraction) -> Iterator[tuple[Decimal, Decimal]]:
    """Common points of two circles around lattice points, in [0, 1)², to fifty digits."""
    reach, radius = range(-diameter.__ceil__() - 1, diameter.__ceil__() + 2), Decimal(diameter.numerator) / 2
    radius /= diameter.denominator
    for (a, b), (c, d) in product(product(reach, repeat=2), repeat=2):
        square = Decimal((c - a) ** 2 + (d - b) ** 2)
        if 0 < square <= 4 * radius * radius:
            height = (radius * radius / square - Decimal(1) / 4).sqrt()
            x, y = Decimal(a + c) / 2 - height * (d - b), Decimal(b + d) / 2 + height * (c - a)
            if 0 <= x < 1 and 0 <= y < 1:
                yield x, y


def disc_near(diameter: Fraction, x: Decimal, y: Decimal) -> BoolArray:
    """The pixels nearer than the radius; what differs from it by less than the digits tell is at the radius."""
    radius = Decimal(diameter.numerator) / diameter.denominator / 2
    cells = range(-diameter.__ceil__() - 1, diameter.__ceil__() + 2)
    across, down = ([max(cell - at, at - cell - 1, Decimal(0)) for cell in cells] for at in (x, y))
    bound = radius * radius - Decimal("1e-30")
    return cut(np.array([[dx * dx + dy * dy < bound for dx in across] for dy in down]))


diameters = st.one_of(st.integers(1, 9).map(Fraction), st.fractions(Fraction(1, 5), 7, max_denominator=5))


@given(diameters, st.lists(st.tuples(offsets, offsets), min_size=1, max_size=30))
def test_every_centre_gives_one_of_the_listed_discs(diameter: Fraction, centres: list[Corner]) -> None:
    listed = {key(raster) for raster in subpixel_disc(diameter)}
    assert {key(disc_at(diameter, x, y)) for x, y in centres} <= listed


@given(diameters, st.lists(st.fractions(-3, 3, max_denominator=40), min_size=1, max_size=30))
def test_centres_at_the_radius_from_a_lattice_point_give_listed_discs(diameter: Fraction, at: list[Fraction]) -> None:
    """On a circle there is a rational point for each t: these are on open edges, often where they are tangent."""
    listed = {key(raster) for raster in subpixel_disc(diameter)}
    circle = [
        (diameter / 2 * (1 - t * t) / (1 + t * t), diameter * t / (1 + t * t)) for t in [*at, *map(Fraction, (0, 1))]
    ]
    assert {key(disc_at(diameter, x, y)) for x, y in circle} <= listed


@pytest.mark.parametrize(
    "diameter", [Fraction(1), Fraction(2), Fraction(5, 2), Fraction(7, 3), Fraction(3), Fraction(5)]
)
def test_the_listed_discs_are_those_of_vertices_edges_and_faces(diameter: Fraction) -> None:
    """Both ways: nothing that occurs is missing, and all that is listed occurs somewhere on a fine net of centres."""
    with localcontext(prec=60):
        rasters = {key(disc_near(diameter, x, y)) for x, y in vertices_of_discs(diameter)}
    net = [Fraction(step, 24) for step in range(24)]
    rasters |= {key(disc_at(diameter, x, y)) for x, y in product(net, net)}
    turns = [Fraction(step, 60) for step in range(-60, 61)]
    for t in turns:
        x, y = diameter / 2 * (1 - t * t) / (1 + t * t), diameter * t / (1 + t * t)
        rasters |= {key(disc_at(diameter, *place)) for place in ((x, y), (-x, y), (y, x), (y, -x))}
    for x, y in product({diameter / 2, -diameter / 2}, net):
        rasters |= {key(disc_at(diameter, *place)) for place in ((x, y), (y, x))}
    assert rasters == {key(raster) for raster in subpixel_disc(diameter)}


@given(diameters)
@examples(10)
def test_the_maximal_discs_are_those_of_all(diameter: Fraction) -> None:
    maximal = subpixel_disc(diameter, maximal=True)
    assert {key(raster) for raster in maximal} == {key(raster) for raster in maximal_rasters(subpixel_disc(diameter))}
    assert any(lies_in(disc(diameter), raster) for raster in maximal)


# Turned shapes.


def turned_bounds(shape: Polygon | MultiPolygon, low: float, high: float) -> tuple[Polygon | MultiPolygon, ...]:
    """The bounds of a shape that GEOS can enlarge; some with edges of 1e-180 px it cannot."""
    try:
        return rotated(shape, low, high)
    except InvalidInput as error:
        assume("too intricate" not in str(error))
        raise


@given(polygons(), st.floats(-180, 180), st.floats(0, 30), st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_a_turned_shape_lies_in_one_of_the_bounds(shape: Polygon, low: float, span: float, at: list[float]) -> None:
    bounds = turned_bounds(shape, low, low + span)
    for angle in {low, low + span, *(low + part * span for part in at)}:
        turned = rotate(shape, angle, origin=shape.centroid)
        assert any(bound.buffer(1e-9).contains(turned) for bound in bounds)


@given(polygons(), st.floats(-180, 180))
@examples(20)
def test_every_touched_pixel_of_a_turned_shape_is_touched_by_a_bound(shape: Polygon, angle: float) -> None:
    # Moved into the image, a side of 1e-108 is none any more.
    assume(moved(rotate(shape, angle, origin=shape.centroid)).is_valid)
    turned = raster_on(rotate(shape, angle, origin=shape.centroid))
    assert any(not (turned & ~raster_on(bound)).any() for bound in turned_bounds(shape, angle - 20, angle + 20))


def raster_on(shape: Polygon | MultiPolygon) -> BoolArray:
    return touched_on(moved(shape), (48, 48))


def moved(shape: Polygon | MultiPolygon) -> Polygon | MultiPolygon:
    return shapely.transform(shape, lambda points: points + 20)


def test_bounds_of_turned_shapes_are_tight_and_their_number_follows_the_size_of_parts() -> None:
    square = box(0, 0, 30, 30)
    assert rotated(square, 0, 0) == (square,)
    assert len(rotated(square, 0, 90, part_size=1)) == 90
    assert len(rotated(square, 0, 90, part_size=90)) == 1
    assert len(rotated(square, 0, 360)) == len(rotated(square, 5, 2000)) == 267
    assert all(square.area < bound.area < square.area + 120 * 0.3 for bound in rotated(square, 0, 360))
    (quarter,) = rotated(square, 90, 90)
    assert square.buffer(1e-6).contains(quarter)
    holed = rotated(HOLED, 0, 1)
    assert all(isinstance(bound, Polygon) and len(bound.interiors) == 1 for bound in holed)


def test_angles_turn_from_x_to_y() -> None:
    arm = _areal(box(0, 0, 10, 1).union(box(8, 0, 10, 5)))
    (turned,) = rotated(arm, 30, 30)
    assert turned.symmetric_difference(rotate(arm, 30, origin=arm.centroid)).area < 1e-4


@pytest.mark.parametrize(
    ("low", "high", "part_size"),
    [(5, 4, None), (0, nan, None), (0, inf, None), (0, 9, 0), (0, 9, -1), (0, 9, nan), (0, 90, 1e-3), (0, 9999, None)],
)
def test_angles_are_finite_and_in_order(low: float, high: float, part_size: float | None) -> None:
    with pytest.raises(InvalidInput, match=r"angle|part"):
        rotated(TRIANGLE, low, high, part_size=part_size)


def test_a_shape_far_from_the_origin_is_not_turned() -> None:
    with pytest.raises(InvalidInput, match="origin"):
        rotated(box(1e7, 0, 1e7 + 1, 1), 0, 9)


# What is refused.


def triangle_to(value: float) -> Polygon:
    with np.errstate(invalid="ignore"):
        return Polygon([(0, 0), (1, 0), (value, 1)])


BOW = Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (LineString([(0, 0), (3, 3)]), "widen a line"),
        ("POLYGON", "got str"),
        (Point(0, 0), "got Point"),
        (Polygon(), "empty"),
        (BOW, "Self-intersection"),
        (triangle_to(nan), "finite"),
        (triangle_to(inf), "finite"),
        (box(0, 0, 1, 200_000), "at most"),
        (Polygon([(0, 0), (1, 1), (2, 2)]), "valid|above 0"),
    ],
)
def test_shapes_without_pixels_are_refused(shape: Polygon, message: str) -> None:
    for call in (
        touched,
        subpixel,
        lambda given: touched_on(given, (9, 9)),
        lambda given: wholly_inside(given, (9, 9)),
    ):
        with pytest.raises(InvalidInput, match=message):
            call(shape)


@pytest.mark.parametrize(
    "shape", [box(0, 0, 300, 3), Point(0, 0).buffer(100, quad_segs=64), rotate(box(0, 0, 200, 200), 7)]
)
def test_shapes_too_large_to_enumerate_are_refused(shape: Polygon) -> None:
    with pytest.raises(InvalidInput, match=r"at most|coarser polygon"):
        subpixel(shape)


@pytest.mark.parametrize("diameter", [0, -1, 5000, True, 2.5, "3"])
def test_diameters_are_exact_and_positive(diameter: int) -> None:
    for call in (disc, subpixel_disc):
        with pytest.raises(InvalidInput, match="diameter"):
            call(diameter)


@pytest.mark.parametrize("sides", [(9,), (9, 9, 9), (0, 9), (9, 2.5), (1 << 15, 9)])
def test_sides_are_a_height_and_a_width(sides: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput):
        touched_on(TRIANGLE, sides)


@pytest.mark.parametrize(
    "raster", [np.zeros((2, 2), np.bool_), np.ones((2, 2)), np.ones(3, np.bool_), np.eye(3, 4) > 0]
)
def test_rasters_must_be_cropped_bool_arrays(raster: BoolArray) -> None:
    with pytest.raises(InvalidInput, match="raster"):
        maximal_rasters([raster])
