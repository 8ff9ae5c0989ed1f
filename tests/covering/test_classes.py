"""Classes of shapes: the dynamic programme against every partition into consecutive classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import Grid
from maskcover.covering.classes import fewest_by_classes
from tests import oracles
from tests.oracles import Shape

CASES = st.sampled_from([(5, 7), (9, 6), (12, 12), (10,), (4, 3, 5)]).flatmap(
    lambda sides: st.tuples(st.just(sides), st.integers(1, 14), st.integers(1, 40))
)


def _partitions(shapes: Sequence[Shape]) -> Iterator[list[Sequence[Shape]]]:
    """Every cut of a sequence into consecutive classes."""
    if not shapes:
        yield []
    for end in range(1, len(shapes) + 1):
        for rest in _partitions(shapes[end:]):
            yield [shapes[:end], *rest]


def _cost(sides: Shape, classes: list[Sequence[Shape]], largest: int) -> int | None:
    boxes = [tuple(map(max, *members)) if len(members) > 1 else members[0] for members in classes]
    costs = [oracles.fewest_product(sides, box, largest) for box in boxes]
    return None if None in costs else sum(cost[0] for cost in costs if cost)


@given(CASES)
def test_no_partition_into_consecutive_classes_needs_fewer_masks(case: tuple[Shape, int, int]) -> None:
    sides, limit, largest = case
    shapes = sorted(oracles.maximal_of(oracles.rectangles(limit, sides)))[:7]
    costs = [_cost(sides, classes, largest) for classes in _partitions(shapes)]
    grids = fewest_by_classes(Grid(sides), shapes, largest)
    assert (grids and sum(grid.count for grid in grids)) == min((cost for cost in costs if cost), default=None)


@given(CASES)
def test_the_classes_cover_every_shape_below_the_area(case: tuple[Shape, int, int]) -> None:
    sides, limit, largest = case
    every = oracles.rectangles(limit, sides)
    grids = fewest_by_classes(Grid(sides), tuple(oracles.maximal_of(every)), largest)
    if grids is None:
        assert any(oracles.fewest_product(sides, shape, largest) is None for shape in every)
        return
    assert all(grid.mask_area <= largest for grid in grids)
    masks = oracles.hidden((box for grid in grids for box in grid.boxes()), sides)
    assert not oracles.uncovered(masks, [oracles.Attack(every)])


@pytest.mark.parametrize("shapes", [[(2, 6), (6, 2)], [(6, 2), (2, 6)]])
def test_the_order_in_which_shapes_are_given_does_not_matter(shapes: list[Shape]) -> None:
    grids = fewest_by_classes(Grid((9, 12)), shapes, 20)
    assert grids == fewest_by_classes(Grid((9, 12)), shapes[::-1], 20)


def test_one_large_mask_serves_all_shapes_where_it_may() -> None:
    grids = fewest_by_classes(Grid((9, 12)), [(2, 6), (6, 2)], 9 * 12)
    assert [grid.count for grid in grids or ()] == [1]
