"""Every small case of three steps in which laws over drawn examples may miss a fault: nothing is left to chance."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from maskcover import Mask, MaskSet, bitmap, patches, squares, verify
from maskcover.cells import BoolArray, Cells
from maskcover.grid import Grid
from maskcover.regions import Crop, Stencil, through
from maskcover.regions.bitmaps import drop_contained

Region = frozenset[tuple[int, ...]]


def shapes_of(sides: tuple[int, int]) -> list[Cells]:
    """All shapes whose bounding box has these sides."""
    every = (np.array(bits).reshape(sides) for bits in product((False, True), repeat=sides[0] * sides[1]))
    return [
        Cells.from_array(array)
        for array in every
        if array[0].any() and array[-1].any() and array[:, 0].any() and array[:, -1].any()
    ]


def cells_of(cells: Cells) -> Region:
    return frozenset(place for box in cells.boxes for place in product(*map(range, box.start, box.stop)))


def regions_of(stencils: tuple[Stencil, ...]) -> set[Region]:
    return {cells_of(stencil.at(place)) for stencil in stencils for place in cells_of(stencil.places)}


SHAPES = [shape for sides in ((2, 2), (1, 2), (2, 1), (1, 1)) for shape in shapes_of(sides)]


@pytest.mark.parametrize("allowed", ["1111/1111/1111", "1100/1110/0110", "0110/1111/1001"])
def test_of_every_two_or_three_shapes_those_that_are_left_out_lie_inside_others(allowed: str) -> None:
    area = np.array([[cell == "1" for cell in row] for row in allowed.split("/")])
    grid = Grid((3, 4))
    for count in (2, 3):
        for chosen in combinations(SHAPES, count):
            slot = tuple(Stencil(cells, places) for cells in chosen if (places := places_in(cells, area, grid)))
            before, kept = regions_of(slot), regions_of(drop_contained(slot))
            assert kept <= before
            assert all(any(region <= other for other in kept) for region in before), chosen


def places_in(cells: Cells, area: BoolArray, grid: Grid) -> Cells:
    """Where a shape lies wholly inside an area."""
    allowed = {tuple(place) for place in np.argwhere(area).tolist()}
    starts = product(*(range(side) for side in grid.shape))
    array = np.zeros(grid.shape, np.bool_)
    for start in starts:
        array[start] = {tuple(np.add(start, cell).tolist()) for cell in cells_of(cells)} <= allowed
    return Cells.from_array(array)


@pytest.mark.parametrize("window", [(1, 1, 2, 2), (0, 1, 2, 3), (1, 0, 3, 2)])
def test_what_a_crop_leaves_of_every_shape_lies_where_it_lay(window: tuple[int, int, int, int]) -> None:
    top, left, height, width = window
    for cells in shapes_of((2, 3)) + shapes_of((2, 2)):
        text = "/".join("".join("01"[bit] for bit in row) for row in cells.to_array(Grid(cells.span.stop)).astype(int))
        behind = through(bitmap(text), Crop(top, left, height, width), source=4)
        found = {region for term in behind.terms(Grid((height, width))) for region in regions_of(term.slots[0])}
        seen = set()
        for start in product(range(5 - cells.span.stop[0]), range(5 - cells.span.stop[1])):
            moved = {(row + start[0] - top, column + start[1] - left) for row, column in cells_of(cells)}
            seen.add(frozenset((row, column) for row, column in moved if 0 <= row < height and 0 <= column < width))
        largest = {region for region in seen if not any(region < other for other in seen)}
        assert {region for region in found if not any(region < other for other in found)} == largest, text


def test_two_patches_inside_two_masks_each_are_judged_by_the_scarcest_pair() -> None:
    random = np.random.default_rng(0)
    regions = patches(squares(size=1), k=2)
    answers = []
    for _ in range(400):
        hidden = random.random((random.integers(3, 7), 4)) < 0.75
        distinct = np.unique(hidden[hidden.any(axis=1)], axis=0)
        if not len(distinct):
            continue
        masks = MaskSet(Grid((1, 4)), tuple(Mask.from_array(row[None]) for row in distinct))
        enough = all(
            (distinct[:, first] & distinct[:, second]).sum() >= 2 for first, second in product(range(4), repeat=2)
        )
        assert bool(verify(masks, regions, multiplicity=2)) == enough
        answers.append(enough)
    assert 20 < sum(answers) < len(answers) - 20
