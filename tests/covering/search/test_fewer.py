"""Fewer boxes than a given cover: always a cover, never more, and what a search says is not believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import Box, Grid, InvalidInput, rectangles
from maskcover.covering.classes import fewest_by_classes
from maskcover.covering.search import fewer as module
from maskcover.covering.search.fewer import fewer, uncovered, without_redundant
from maskcover.grid import Extents
from tests.covering.search.test_bounds import every_box, optimum, placements
from tests.laws import examples

CASES: list[tuple[Extents, list[Extents], int]] = [
    ((9,), [(2,)], 4),
    ((12,), [(2,), (3,)], 5),
    ((7, 7), [(1, 4), (2, 2), (4, 1)], 8),
    ((6, 8), [(1, 5), (2, 3)], 9),
    ((3, 3, 3), [(1, 1, 2), (1, 2, 1), (2, 1, 1)], 6),
]


LONG = 600.0
"""Seconds that are never reached: searches end after their rounds, however busy the machine is."""


@pytest.fixture
def _few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let NumPy's search end after three rounds of growing length."""
    monkeypatch.setattr(module, "_ROUNDS", 3)
    monkeypatch.setattr(module, "is_compiled", lambda *_: False)


def every_placement(sides: Extents, shapes: list[Extents]) -> tuple[Box, ...]:
    """The most wasteful cover: a box for each placement."""
    return tuple(placements(sides, shapes))


def by_classes(side: int, area: float, largest: int) -> tuple[Grid, tuple[Extents, ...], tuple[Box, ...]]:
    """What the library makes today."""
    grid = Grid.of(side)
    shapes = rectangles(area=area).terms(grid)[0].shapes
    products = fewest_by_classes(grid, shapes, largest)
    assert products is not None
    return grid, shapes, tuple(box for grid_of_class in products for box in grid_of_class.boxes())


def covers(sides: Extents, shapes: list[Extents], boxes: tuple[Box, ...]) -> bool:
    """By brute force."""
    return all(any(box.contains(placement) for box in boxes) for placement in placements(sides, shapes))


@pytest.mark.usefixtures("_few_rounds")
@pytest.mark.parametrize(("sides", "shapes", "largest"), CASES)
def test_small_covers_come_near_the_optimum(sides: Extents, shapes: list[Extents], largest: int) -> None:
    boxes = fewer(Grid(sides), shapes, every_placement(sides, shapes), largest, time_limit=LONG)
    best = optimum(sides, shapes, largest)
    assert covers(sides, shapes, boxes)
    assert all(box.volume <= largest for box in boxes)
    assert best <= len(boxes) <= 1.15 * best


@given(st.data())
@examples(40)
def test_uncovered_and_redundancy_against_brute_force(data: st.DataObject) -> None:
    sides, shapes, _ = data.draw(st.sampled_from(CASES))
    boxes = tuple(data.draw(st.lists(st.sampled_from(every_box(sides)), max_size=12)))
    missed = uncovered(Grid(sides), shapes, boxes)
    assert (missed is None) == covers(sides, shapes, boxes)
    if missed is not None:
        assert missed in placements(sides, shapes)
        assert not any(box.contains(missed) for box in boxes)
        return
    left = without_redundant(Grid(sides), shapes, boxes)
    assert covers(sides, shapes, left)
    assert not any(covers(sides, shapes, left[:i] + left[i + 1 :]) for i in range(len(left)))


@given(st.data())
@examples(8)
def test_aligned_edges(data: st.DataObject) -> None:
    sides = tuple(data.draw(st.lists(st.integers(3, 9), min_size=1, max_size=2)))
    align = data.draw(st.integers(2, 4))
    shapes = [tuple(data.draw(st.integers(1, side)) for side in sides)]
    rows = range(0, sides[0], align)
    start = tuple(Box((row, *(0,) * (len(sides) - 1)), sides) for row in rows)
    boxes = fewer(Grid(sides), shapes, start, Grid(sides).size, align=align, time_limit=0.2)
    assert covers(sides, shapes, boxes)
    assert len(boxes) == 1


@pytest.mark.usefixtures("_few_rounds")
def test_aligned_boxes_of_several_tokens() -> None:
    start = tuple(Box.at((4 * y, 4 * x), (8, 8)) for y in range(7) for x in range(7))
    boxes = fewer(Grid.of(32), [(5, 5), (3, 4)], start, 144, align=4, time_limit=LONG)
    assert covers((32, 32), [(5, 5), (3, 4)], boxes)
    assert all(edge % 4 == 0 for box in boxes for edge in (*box.start, *box.stop))
    assert max(box.volume for box in boxes) <= 144
    assert len(boxes) < 40


BAD_SEARCHES = [
    (),
    (Box((0, 0), (7, 7)),),
    (Box((0, 0), (2, 4)),),
    (Box((0, 0), (4, 2)),) * 200,
    (Box((5, 5), (9, 9)),),
    every_placement(*CASES[2][:2]),
    None,
]


@pytest.mark.parametrize("answer", BAD_SEARCHES)
def test_a_bad_search_leaves_the_start(monkeypatch: pytest.MonkeyPatch, answer: tuple[Box, ...] | None) -> None:
    sides, shapes, largest = CASES[2]
    start = without_redundant(Grid(sides), shapes, every_placement(sides, shapes))
    monkeypatch.setattr(module, "_search", lambda *_args: answer)
    assert fewer(Grid(sides), shapes, start, largest, time_limit=0.5) == start


def test_no_time_leaves_redundancy_removal() -> None:
    sides, shapes, largest = CASES[2]
    start = every_placement(sides, shapes)
    assert fewer(Grid(sides), shapes, (start[0], *start), largest, time_limit=0) == start


@pytest.mark.usefixtures("_few_rounds")
def test_the_same_seed_gives_the_same_boxes() -> None:
    grid, shapes, start = by_classes(16, 0.06, 60)
    runs = {fewer(grid, shapes, start, 60, time_limit=LONG, seed=3) for _ in range(2)}
    assert len(runs) == 1


@pytest.mark.usefixtures("_few_rounds")
def test_fewer_where_masks_may_be_larger() -> None:
    grid, shapes, start = by_classes(32, 0.03, 120)
    boxes = fewer(grid, shapes, start, 150, time_limit=LONG)
    assert uncovered(grid, shapes, boxes) is None
    assert max(box.volume for box in boxes) <= 150
    assert len(boxes) < len(start)


@pytest.mark.parametrize(
    ("start", "align", "message"),
    [
        ((Box((0,), (4,)), Box((5,), (9,))), 1, "no box holds"),
        ((Box((0,), (5,)), Box((4,), (9,))), 1, "more than 4"),
        ((Box((0,), (4,)), Box((6,), (10,))), 1, "not on the grid"),
        ((Box((0, 0), (4, 1)),), 1, "not on the grid"),
        ((Box((0,), (4,)), Box((3,), (7,)), Box((5,), (9,))), 2, "multiple of 2"),
        ((Box((0,), (4,)),), 0, "align"),
    ],
)
def test_a_bad_start_is_refused(start: tuple[Box, ...], align: int, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        fewer(Grid((9,)), [(2,)], start, 4, align=align, time_limit=1)


@pytest.mark.parametrize("shapes", [[], [(10,)]])
def test_shapes_must_fit(shapes: list[Extents]) -> None:
    with pytest.raises(InvalidInput, match="shapes"):
        fewer(Grid((9,)), shapes, (Box((0,), (9,)),), 9, time_limit=1)
