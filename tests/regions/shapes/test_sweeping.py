"""Rasters at many offsets at once, against one offset after the other in whole numbers."""

from __future__ import annotations

from itertools import product

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, box
from shapely.affinity import rotate

from maskcover.regions.shapes import sweeping
from maskcover.regions.shapes.outlines import Rows, cropped, outline, overlapped
from maskcover.regions.shapes.subpixel import _arrangement, _offsets, _segments
from maskcover.regions.shapes.sweeping import Offset, drawn
from tests.laws import examples
from tests.regions.shapes.test_rasters import HOLED, SLIT, TRIANGLE, TURNED, TWO, polygons

Shape = Polygon | MultiPolygon

LEVEL = Polygon([(0, 0), (5, 1e-15), (5, 2)])
"""An edge that crosses columns within a tiny part of a row."""
FLATTER = Polygon([(0, 0), (5, 5e-324), (3, 2)])
"""An edge whose slope is no float."""
DIAMOND = Polygon([(2, 0), (4, 2), (2, 4), (0, 2)])
BENT = Polygon([(0, 0), (4, 0), (4, 4), (2, 1), (0, 4)])


def one_by_one(shape: Shape, offsets: list[Offset]) -> dict[Rows, Offset]:
    """The different rasters, each with its first offset."""
    contour, first = outline(shape, 256), dict[Rows, Offset]()
    for x, y, scale in offsets:
        moved = ((a * scale + x, b * scale + y, c * scale + x, d * scale + y) for a, b, c, d in contour.edges)
        first.setdefault(cropped(overlapped(moved, contour.unit * scale, contour.height + 1)), (x, y, scale))
    return first


def at_once(shape: Shape, offsets: list[Offset]) -> dict[Rows, Offset]:
    first = dict[Rows, Offset]()
    for rows, offset in drawn(outline(shape, 256), offsets):
        first.setdefault(rows, offset)
    return first


def special(shape: Shape) -> list[Offset]:
    """The offsets that bring corners and edges onto the lattice, and others right beside them."""
    contour = outline(shape, 256)
    return list(_offsets(contour, _arrangement(_segments(contour), contour.unit), faces_only=False))


@examples(60)
@given(polygons(corners=5), st.lists(st.tuples(st.integers(0, 96), st.integers(0, 96)), min_size=1, max_size=6))
def test_rasters_at_once_are_those_one_by_one(shape: Shape, places: list[tuple[int, int]]) -> None:
    unit = outline(shape, 256).unit
    offsets = [(x * unit, y * unit, 97) for x, y in places] + [(x * unit // 97, y * unit // 97, 1) for x, y in places]
    offsets += special(shape)[:: max(1, len(special(shape)) // 300)]
    assert at_once(shape, offsets) == one_by_one(shape, offsets)


SHAPES: dict[str, Shape] = {
    "triangle": TRIANGLE,
    "turned": TURNED,
    "diamond": DIAMOND,
    "box": box(0, 0, 2, 3),
    "circle": shapely.Point(0, 0).buffer(2, 3),
    "hole": Polygon([(0, 0), (3, 0), (3, 3), (0, 3)], [[(1, 1), (2, 1), (2, 2), (1, 2)]]),
    "slit": SLIT,
    "parts": TWO,
    "holed": HOLED,
    "bent": BENT,
    "level": LEVEL,
    "flatter": FLATTER,
}


@pytest.mark.parametrize("name", SHAPES)
def test_at_every_special_offset(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = SHAPES[name]
    offsets = special(shape) if name != "flatter" else list(product((0, 1, 1 << 1000), (0, 1 << 1073), (1,)))
    offsets = offsets[:: max(1, len(offsets) // 4000)]
    expected = one_by_one(shape, offsets)
    assert at_once(shape, offsets) == expected
    monkeypatch.setattr(sweeping, "_MOST_AT_ONCE", 7)
    assert at_once(shape, offsets) == expected


def test_which_shapes_are_convex() -> None:
    convex = {name for name, shape in SHAPES.items() if sweeping._is_convex(outline(shape, 256))}
    assert convex == {"triangle", "turned", "diamond", "box", "circle", "level", "flatter"}


@given(polygons(corners=5))
def test_convex_shapes_are_those_that_fill_their_hull(shape: Shape) -> None:
    assert sweeping._is_convex(outline(shape, 256)) == shape.equals(shape.convex_hull)


def test_crossings_are_computed_exactly_where_floats_are_too_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an error that no float can keep, every crossing is computed in whole numbers: the same rasters."""
    shape = rotate(box(0, 0, 4, 2), 30)
    offsets = special(shape)[::5]
    expected = at_once(shape, offsets)
    monkeypatch.setattr(sweeping, "_ERROR", 1.0)
    assert at_once(shape, offsets) == expected == one_by_one(shape, offsets)
