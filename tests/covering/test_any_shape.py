"""Bounds for masks of any form, against every mask of tiny grids, and witnesses that must be refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from itertools import product
from math import isqrt, prod
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

import maskcover as mc
from maskcover.covering.any_shape import AnyShapeBound
from maskcover.covering.search.diagrams import (
    heaviest_diagram,
    heaviest_weight,
    most_held,
    placements_in,
    transposed,
)
from maskcover.grid import Extents
from tests import oracles
from tests.geometry_strategies import quiet_cover
from tests.laws import examples

BoolArray = npt.NDArray[np.bool_]
SIDES: list[Extents] = [(1, 7), (3, 4), (2, 6), (4, 4)]


@lru_cache
def every_mask(sides: Extents) -> BoolArray:
    """All masks of a grid, bool (masks, cells)."""
    numbers = np.arange(1 << prod(sides))
    return (numbers[:, None] >> np.arange(prod(sides)) & 1).astype(bool)


def regions_of(slot: tuple[mc.regions.base.Stencil, ...], sides: Extents) -> BoolArray:
    """All regions of a slot, bool (regions, cells)."""
    grid = mc.Grid(sides)
    cells = [s.at(tuple(place)).to_array(grid) for s in slot for place in np.argwhere(s.places.to_array(grid))]
    return np.array(cells).reshape(len(cells), -1)


def held(masks: BoolArray, regions: BoolArray) -> BoolArray:
    """Whether a mask holds a region, bool (masks, regions)."""
    return ~((~masks).astype(np.int64) @ regions.T.astype(np.int64)).astype(bool)


def boxes(sides: Extents, shape: Extents) -> BoolArray:
    """All placements of a box, bool (placements, cells)."""
    return regions_of(mc.bitmap(np.ones(shape, bool)).terms(mc.Grid(sides))[0].slots[0], sides)


def fewest(sides: Extents, regions: mc.RegionSet, largest: int) -> int:
    """The fewest masks of any form that cover, exactly: k patches are held where each of them is."""
    masks = every_mask(sides)
    masks = masks[masks.sum(axis=1) <= largest]
    needs = []
    for term in regions.terms(mc.Grid(sides)):
        each = [held(masks, regions_of(slot, sides)) for slot in term.slots]
        needs += [np.logical_and.reduce(choice) for choice in product(*(part.T for part in each))]
    matrix = np.unique(np.array(needs).T, axis=0)
    matrix = matrix[[not any((row <= other).all() and (row != other).any() for other in matrix) for row in matrix]]
    ones = np.ones(len(matrix), np.int64)
    solution = milp(
        ones, constraints=LinearConstraint(matrix.T.astype(float), lb=1), integrality=ones, bounds=Bounds(0, 1)
    )
    assert solution.status == 0
    return round(float(solution.fun))


@pytest.mark.parametrize("sides", SIDES)
def test_no_mask_of_a_tiny_grid_holds_more_placements_of_a_box(sides: Extents) -> None:
    """Every mask, every box: the bound holds and is met, and so does the inequality of Brunn and Minkowski."""
    masks = every_mask(sides)
    areas = masks.sum(axis=1)
    for shape in product(range(1, sides[0] + 1), range(1, sides[1] + 1)):
        counts = held(masks, boxes(sides, shape)).sum(axis=1)
        for area in range(1, prod(sides) + 1):
            assert counts[areas <= area].max() == most_held(sides, shape, area)
        some = counts > 0
        product_of_rest = (shape[0] - 1) * (shape[1] - 1)
        spare = areas[some] - counts[some] - product_of_rest
        assert (spare >= 0).all()
        assert (spare**2 >= 4 * counts[some] * product_of_rest).all()


@given(st.data())
@examples(60)
def test_no_mask_of_a_tiny_grid_weighs_more_than_the_heaviest_diagram(data: st.DataObject) -> None:
    sides = data.draw(st.sampled_from(SIDES[:3]))
    every = list(product(range(1, sides[0] + 1), range(1, sides[1] + 1)))
    shapes = data.draw(st.lists(st.sampled_from(every), min_size=1, max_size=4, unique=True))
    weights = tuple((shape, data.draw(st.integers(0, 9))) for shape in shapes)
    masks = every_mask(sides)
    totals = sum(weight * held(masks, boxes(sides, shape)).sum(axis=1) for shape, weight in weights)
    area = data.draw(st.integers(1, prod(sides)))
    heaviest = heaviest_weight(sides, area, weights)
    assert heaviest == np.asarray(totals)[masks.sum(axis=1) <= area].max()
    diagram = heaviest_diagram(sides, area, weights)
    assert sum(diagram) <= area
    assert list(diagram) == sorted(diagram, reverse=True)
    assert sum(w * n for (_, w), n in zip(weights, placements_in(diagram, shapes), strict=True)) == heaviest
    assert transposed(transposed(diagram)) == tuple(height for height in diagram if height)


@given(st.data())
@examples(200)
def test_the_closed_form_is_the_dynamic_programme_of_a_single_shape(data: st.DataObject) -> None:
    sides = (data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12)))
    shape = (data.draw(st.integers(1, sides[0])), data.draw(st.integers(1, sides[1])))
    area = data.draw(st.integers(1, prod(sides)))
    assert most_held(sides, shape, area) == heaviest_weight(sides, area, ((shape, 1),))


ELL = np.array([[1, 0], [1, 1]], bool)
PLUS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)
GAPS = np.array([[1, 0, 1]], bool)
CASES: list[tuple[str, Extents, mc.RegionSet, list[int]]] = [
    ("squares", (3, 4), mc.squares(2), [4, 5, 6, 8]),
    ("an axis", (9,), mc.squares(3), [3, 4, 6]),
    ("rectangles", (3, 4), mc.rectangles(area="3px"), [3, 4, 5, 6]),
    ("bars", (4, 3), mc.union(mc.rectangle(4, 1), mc.rectangle(1, 3)), [4, 5, 6]),
    ("an L", (3, 4), mc.bitmap(ELL), [3, 4, 6]),
    ("a plus", (4, 3), mc.bitmap(PLUS), [5, 6, 8]),
    ("gaps", (2, 6), mc.bitmap(GAPS), [2, 3, 4]),
    ("a part of the image", (3, 4), mc.within(mc.squares(2), (0, 0, 3, 3)), [4, 6]),
    ("avoiding", (3, 4), mc.avoiding(mc.squares(1), (1, 1, 2, 2)), [2, 3]),
    ("two patches", (2, 3), mc.patches(mc.squares(1), 2), [2, 3, 4]),
    ("three patches", (1, 6), mc.patches(mc.squares(1), 3), [3, 4]),
    ("two bars", (3, 3), mc.patches(mc.union(mc.rectangle(2, 1), mc.rectangle(1, 3)), 2), [6, 7]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sides", "regions", "areas"), CASES, ids=[case[0] for case in CASES])
def test_no_cover_of_a_tiny_grid_has_fewer_masks(
    name: str, sides: Extents, regions: mc.RegionSet, areas: list[int]
) -> None:
    del name
    for area in areas:
        bound = mc.lower_bound(regions, sides, max_mask_area=area, any_shape=True, time_limit=0.2)
        assert bound.check()
        assert 1 <= bound.masks <= fewest(sides, regions, area)


def test_golden_bounds_on_224() -> None:
    squares = mc.lower_bound("squares(size=32)", max_mask_area=4096, any_shape=True)
    assert (squares.masks, squares.values) == (35, (Fraction(193**2, 33**2),))
    several = mc.lower_bound("rectangles(area=0.01)", max_mask_area=4902, any_shape=True, time_limit=0)
    assert several.check()
    assert 37 <= several.masks <= 42
    assert several.masks <= mc.lower_bound("rectangles(area=0.01)", max_mask_area=4902, time_limit=0).masks


def test_a_single_shape_is_bounded_at_least_as_well_as_by_the_inequality() -> None:
    for a, b, area in [(32, 32, 4096), (5, 100, 6000), (1, 224, 3000), (60, 10, 900)]:
        rest = (a - 1) * (b - 1)
        most = next(
            e for e in range(area - rest, -1, -1) if isqrt(4 * e * rest - 1 if e * rest else 0) < area - e - rest + 1
        )
        most = max(e for e in range(1, most + 1) if (area - e - rest) ** 2 >= 4 * e * rest)
        assert most_held((224, 224), (a, b), area) <= most


def test_a_cover_says_how_few_masks_of_any_form_are_possible() -> None:
    assert str(mc.cover(mc.squares(32)).optimality) == (
        "36 masks, proven minimal for masks in boxes of at most 64×64; "
        "at least 35 for masks of any form of at most 4,096 px"
    )
    cube = quiet_cover(mc.squares(2), (4, 4, 4)).optimality
    assert cube is not None
    assert cube.any_shape == 0
    assert "any form" not in str(cube)


SPOILT: dict[str, Callable[[AnyShapeBound], dict[str, Any]]] = {
    "a better value": lambda bound: {"values": (bound.values[0] + Fraction(1, 1000),)},
    "a negative value": lambda _: {"values": (Fraction(-1),)},
    "smaller masks": lambda bound: {"largest": bound.largest + 200},
    "another shape": lambda _: {"weights": ((((9, 9), 1),),)},
    "a shape twice": lambda bound: {"weights": (bound.weights[0] * 2,)},
    "a weight below 0": lambda bound: {
        "weights": ((*bound.weights[0][1:], (bound.weights[0][0][0], -1)),),
        "values": (Fraction(1, 10**6),),
    },
    "no weights": lambda _: {"weights": ((),)},
    "two slots": lambda bound: {"values": bound.values * 2},
    "another term": lambda _: {"term": 1},
    "fewer places": lambda bound: {"regions": mc.within(bound.regions, (0, 0, 30, 40))},
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_witness_is_refused(name: str) -> None:
    bound = mc.lower_bound(mc.rectangles(area="12px"), 40, max_mask_area=90, any_shape=True, time_limit=0)
    assert len(bound.weights[0]) > 1
    assert bound.check()
    assert not replace(bound, **SPOILT[name](bound)).check()


BAD = [
    ("squares(size=8)", 32, {"max_mask_shape": (9, 9)}, "masks of any form are bounded by their area"),
    ("squares(size=8)", 32, {"max_mask_area": 60}, "no mask of at most 60 px holds a region"),
    ("squares(size=2)", (4, 4, 4), {"max_mask_area": 20}, "proven for one or two axes"),
]


@pytest.mark.parametrize(("regions", "size", "keywords", "message"), BAD)
def test_what_is_no_question_is_refused(regions: str, size: Any, keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(mc.InvalidInput, match=message):
        mc.lower_bound(regions, size, any_shape=True, **keywords)


def test_boxes_are_masks_of_some_form() -> None:
    """A bound for masks of any form never exceeds what is needed for boxes of that area."""
    for sides, shape, area in [((6, 7), (2, 3), 12), ((5, 5), (2, 2), 9), ((8, 4), (1, 4), 8)]:
        masks = quiet_cover(mc.rectangle(*shape), sides, max_mask_area=area)
        bound = mc.lower_bound(mc.rectangle(*shape), sides, max_mask_area=area, any_shape=True, time_limit=0)
        assert bound.masks <= len(masks)
        assert not oracles.uncovered(
            oracles.hidden(masks, sides), [oracles.Attack(frozenset(product(range(shape[0]), range(shape[1]))), 1)]
        )
