"""Product grids: the masks they list, and the fewest below an area against all mask sizes."""

from __future__ import annotations

from itertools import product
from math import prod

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from maskcover import Box, Grid, InvalidInput
from maskcover.covering.axis import AxisMasks
from maskcover.covering.products import ProductGrid, fewest, product_grid
from tests import oracles
from tests.geometry_strategies import SIDES


def test_masks_are_listed_in_reading_order() -> None:
    grid = ProductGrid((AxisMasks(6, 3, 2), AxisMasks(5, 2, 3)))
    assert list(grid.boxes()) == [Box.at(start, (3, 2)) for start in product((0, 2, 3), (0, 3))]
    assert (grid.count, grid.mask_area) == (6, 6)


@given(SIDES, st.data())
def test_a_product_grid_covers_its_shape_within_its_budgets(sides: oracles.Shape, data: st.DataObject) -> None:
    shape = tuple(data.draw(st.integers(1, side)) for side in sides)
    budgets = tuple(data.draw(st.integers(1, side + 1)) for side in sides)
    grid = product_grid(Grid(sides), shape, budgets)
    masks = oracles.hidden(grid.boxes(), sides)
    assert len(masks) == grid.count <= prod(budgets)
    assert {int(mask.sum()) for mask in masks} == {grid.mask_area}
    assert not oracles.uncovered(masks, [oracles.Attack(frozenset({shape}))])


@given(SIDES, st.data())
def test_fewest_is_the_best_of_all_products(sides: oracles.Shape, data: st.DataObject) -> None:
    shape = tuple(data.draw(st.integers(1, side)) for side in sides)
    largest = data.draw(st.integers(1, prod(sides) + 2))
    grid = fewest(Grid(sides), shape, largest)
    assert (grid and (grid.count, grid.mask_area)) == oracles.fewest_product(sides, shape, largest)
    assume(grid is not None)
    if grid is not None:
        assert not oracles.uncovered(oracles.hidden(grid.boxes(), sides), [oracles.Attack(frozenset({shape}))])


@pytest.mark.parametrize(
    ("shape", "largest", "count"), [((23, 23), 3136, 36), ((32, 32), 4096, 36), ((23, 23), 528, None)]
)
def test_golden_fewest_on_224(shape: tuple[int, int], largest: int, count: int | None) -> None:
    grid = fewest(Grid.of(224), shape, largest)
    assert (grid and grid.count) == count


def test_heights_and_widths_are_not_swapped() -> None:
    grid = product_grid(Grid((30, 80)), (3, 20), (2, 5))
    assert [
        (axis.length, axis.covers >= patch, axis.count) for axis, patch in zip(grid.axes, (3, 20), strict=True)
    ] == [
        (30, True, 2),
        (80, True, 5),
    ]


def test_each_axis_needs_a_budget() -> None:
    with pytest.raises(InvalidInput, match="one number of masks for each of the 2 axes"):
        product_grid(Grid((9, 9)), (3, 3), (2,))
