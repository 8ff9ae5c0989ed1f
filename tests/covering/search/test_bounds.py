"""Lower bounds against brute force over every admissible box, and witnesses that must be refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product
from math import prod
from operator import add
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from maskcover import Box, Grid, InvalidInput, rectangles
from maskcover.covering.axis import AxisMasks
from maskcover.covering.search import duals
from maskcover.covering.search.bounds import Dual, check_dual, check_independent, independent_placements
from maskcover.covering.search.boxes import Admissible, coverage, maximal_extents
from maskcover.covering.search.duals import rational_dual
from maskcover.grid import Extents
from tests.laws import examples

CASES: list[tuple[Extents, list[Extents], Admissible]] = [
    ((9,), [(2,)], 4),
    ((11,), [(2,), (3,)], (4,)),
    ((7, 7), [(1, 4), (2, 2), (4, 1)], 8),
    ((6, 8), [(1, 5), (2, 3)], 9),
    ((7, 6), [(2, 2)], (3, 4)),
    ((3, 3, 3), [(1, 1, 2), (1, 2, 1), (2, 1, 1)], 6),
    ((3, 4, 5), [(1, 2, 2)], (2, 3, 3)),
    ((5, 5), [(1, 2), (2, 1)], 25),
]


def every_box(sides: Extents) -> list[Box]:
    """All boxes of a grid."""
    lines = [[(a, b) for a in range(side) for b in range(a + 1, side + 1)] for side in sides]
    return [Box(tuple(a for a, _ in spans), tuple(b for _, b in spans)) for spans in product(*lines)]


def admissible_boxes(sides: Extents, admissible: Admissible) -> list[Box]:
    """All boxes that are allowed."""
    if isinstance(admissible, int):
        return [box for box in every_box(sides) if box.volume <= admissible]
    return [box for box in every_box(sides) if all(e <= m for e, m in zip(box.extents, admissible, strict=True))]


def placements(sides: Extents, shapes: list[Extents]) -> list[Box]:
    """All placements of all shapes."""
    lines = [[range(n - a + 1) for n, a in zip(sides, shape, strict=True)] for shape in shapes]
    return [Box.at(at, shape) for shape, line in zip(shapes, lines, strict=True) for at in product(*line)]


def optimum(sides: Extents, shapes: list[Extents], admissible: Admissible) -> int:
    """The fewest masks, by an exact set cover over all admissible boxes."""
    boxes, wanted = admissible_boxes(sides, admissible), placements(sides, shapes)
    held = np.array([[box.contains(placement) for box in boxes] for placement in wanted], float)
    held = held[:, held.any(axis=0)]
    ones = np.ones(held.shape[1], np.int64)
    solution = milp(ones, constraints=LinearConstraint(held, lb=1), integrality=ones, bounds=Bounds(0, 1))
    assert solution.status == 0
    return round(float(solution.fun))


@pytest.mark.parametrize(("sides", "shapes", "admissible"), CASES)
def test_bounds_are_ordered_and_below_the_optimum(
    sides: Extents, shapes: list[Extents], admissible: Admissible
) -> None:
    grid = Grid(sides)
    alone = independent_placements(grid, shapes, admissible, time_limit=0.2)
    dual = rational_dual(grid, shapes, admissible, time_limit=0.3)
    assert check_independent(grid, shapes, admissible, alone)
    assert check_dual(grid, shapes, admissible, dual)
    assert 1 <= len(alone) <= dual.masks <= optimum(sides, shapes, admissible)


@pytest.mark.parametrize(("sides", "shapes", "admissible"), CASES)
def test_a_dual_holds_for_every_admissible_box(sides: Extents, shapes: list[Extents], admissible: Admissible) -> None:
    dual = rational_dual(Grid(sides), shapes, admissible, time_limit=0.3)
    for box in admissible_boxes(sides, admissible):
        inside = (w for p, w in zip(dual.placements, dual.weights, strict=True) if box.contains(p))
        assert sum(inside) <= dual.denominator


@given(st.data())
@examples(40)
def test_the_checks_agree_with_brute_force(data: st.DataObject) -> None:
    sides, shapes, admissible = data.draw(st.sampled_from(CASES))
    wanted = placements(sides, shapes)
    some = data.draw(st.lists(st.sampled_from(wanted), min_size=1, max_size=5, unique=True))
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(some), max_size=len(some)))
    boxes = admissible_boxes(sides, admissible)
    heaviest = max(
        sum(w for p, w in zip(some, weights, strict=True) if box.contains(p)) for box in boxes if box.volume > 0
    )
    dual = Dual(tuple(some), tuple(weights), 3)
    assert check_dual(Grid(sides), shapes, admissible, dual) == (heaviest <= 3)
    apart = not any(box.contains(p) and box.contains(q) for p, q in combinations(some, 2) for box in boxes)
    assert check_independent(Grid(sides), shapes, admissible, some) == apart


@given(st.data())
@examples(60)
def test_the_check_of_blocks_agrees_with_brute_force(data: st.DataObject) -> None:
    sides, shapes, admissible = data.draw(st.sampled_from(CASES))
    firsts = data.draw(st.lists(st.sampled_from(placements(sides, shapes)), min_size=1, max_size=4))
    rooms = [[n - b for n, b in zip(sides, first.stop, strict=True)] for first in firsts]
    spans = [tuple(data.draw(st.integers(1, room + 1)) for room in rest) for rest in rooms]
    if data.draw(st.booleans()):  # all placements of a shape, which has a short cut
        firsts = [Box.at((0,) * len(sides), shape) for shape in shapes]
        spans = [tuple(n - a + 1 for n, a in zip(sides, shape, strict=True)) for shape in shapes]
    weights = tuple(data.draw(st.integers(0, 5)) for _ in firsts)
    every = [
        (Box.at(map(add, first.start, move), first.extents), weight)
        for first, span, weight in zip(firsts, spans, weights, strict=True)
        for move in product(*map(range, span))
    ]
    heaviest = max(
        sum(weight for box, weight in every if mask.contains(box)) for mask in admissible_boxes(sides, admissible)
    )
    dual = Dual(tuple(firsts), weights, max(heaviest, 1), tuple(spans))
    assert dual.value == Fraction(sum(weight for _, weight in every), max(heaviest, 1))
    assert check_dual(Grid(sides), shapes, admissible, dual)
    assert heaviest < 2 or not check_dual(Grid(sides), shapes, admissible, replace(dual, denominator=heaviest - 1))
    beyond = tuple(n - b + 2 for n, b in zip(sides, firsts[0].stop, strict=True))
    light = replace(dual, denominator=1 << 40, spans=(beyond, *spans[1:]))
    assert not check_dual(Grid(sides), shapes, admissible, light)


@given(st.data())
@examples(25)
def test_one_shape_and_extents_prove_the_product_grid_minimal(data: st.DataObject) -> None:
    sides = tuple(data.draw(st.lists(st.integers(2, 14), min_size=1, max_size=3)))
    shape = tuple(data.draw(st.integers(1, side)) for side in sides)
    extents = tuple(data.draw(st.integers(a, side)) for a, side in zip(shape, sides, strict=True))
    count = prod(AxisMasks(n, e, e - a + 1).count for n, a, e in zip(sides, shape, extents, strict=True))
    assert len(independent_placements(Grid(sides), [shape], extents, time_limit=0.02)) == count


def test_the_heaviest_box_may_end_with_a_block() -> None:
    """Weight 1 at starts 0–4 and 2 at 5–6: a box of 4 starts is heaviest at start 3, where no block begins."""
    blocks = Dual((Box((0,), (2,)), Box((5,), (7,))), (1, 2), 6, spans=((5,), (2,)))
    assert check_dual(Grid((9,)), [(2,)], 5, blocks)
    assert not check_dual(Grid((9,)), [(2,)], 5, replace(blocks, denominator=5))


GOOD = Dual((Box((0,), (2,)), Box((3,), (5,)), Box((6,), (8,))), (1, 1, 1), 1)


@pytest.mark.parametrize(
    "bad",
    [
        replace(GOOD, weights=(2, 1, 1)),
        replace(GOOD, weights=(2, -1, 1)),
        replace(GOOD, weights=(1, 1)),
        replace(GOOD, denominator=0),
        replace(GOOD, placements=(Box((0,), (2,)), Box((2,), (4,)), Box((6,), (8,)))),
        replace(GOOD, placements=(Box((0,), (2,)), Box((3,), (5,)), Box((8,), (10,)))),
        replace(GOOD, placements=(Box((0,), (3,)), Box((3,), (5,)), Box((6,), (8,)))),
        replace(GOOD, placements=(Box((0,), (2,)), Box((0,), (2,)), Box((6,), (8,)))),
    ],
)
def test_a_false_dual_is_refused(bad: Dual) -> None:
    assert check_dual(Grid((9,)), [(2,)], 4, GOOD)
    assert not check_dual(Grid((9,)), [(2,)], 4, bad)


@pytest.mark.parametrize("second", [Box((2,), (4,)), Box((0,), (2,)), Box((8,), (10,)), Box((5,), (8,))])
def test_a_false_independent_set_is_refused(second: Box) -> None:
    assert not check_independent(Grid((9,)), [(2,)], 4, [Box((0,), (2,)), second])


def _raise(*_args: object, **_options: object) -> None:
    raise ValueError("a solver that breaks")


def _answer(value: float, length: int | None = None) -> Callable[..., object]:
    def solver(costs: np.ndarray, rows: np.ndarray, *_rest: object, **_options: object) -> object:
        size = len(costs) if length is None else length
        return SimpleNamespace(
            x=np.full(size, value), ineqlin=SimpleNamespace(marginals=np.full(rows.shape[0], -value))
        )

    return solver


@pytest.mark.parametrize(
    "solver",
    [
        _raise,
        lambda *_args, **_options: SimpleNamespace(x=None, ineqlin=SimpleNamespace(marginals=None)),
        lambda *_args, **_options: None,
        _answer(0.9999),
        _answer(1e9),
        _answer(-1.0),
        _answer(float("nan")),
        _answer(0.5, length=1),
    ],
)
def test_a_bad_solver_never_makes_a_false_bound(monkeypatch: pytest.MonkeyPatch, solver: Callable[..., object]) -> None:
    monkeypatch.setattr(duals, "linprog", solver)
    sides, shapes, admissible = CASES[2]
    dual = rational_dual(Grid(sides), shapes, admissible, time_limit=0.2)
    assert check_dual(Grid(sides), shapes, admissible, dual)
    assert dual.masks >= 10
    assert dual.masks <= optimum(sides, shapes, admissible)


@pytest.mark.parametrize(("shapes", "admissible"), [([(3, 3)], 8), ([(3, 3)], (2, 9)), ([(9, 9)], 99), ([], 9)])
def test_what_has_no_cover_has_no_bound(shapes: list[Extents], admissible: Admissible) -> None:
    with pytest.raises(InvalidInput):
        rational_dual(Grid((8, 8)), shapes, admissible, time_limit=0.1)


@pytest.mark.parametrize("admissible", [0, (0, 3), (3,)])
def test_admissible_boxes_must_exist(admissible: Admissible) -> None:
    with pytest.raises(InvalidInput):
        maximal_extents(Grid((8, 8)), admissible)


@pytest.mark.parametrize(("sides", "shapes", "admissible"), CASES)
def test_maximal_extents_are_the_maximal_of_all(sides: Extents, shapes: list[Extents], admissible: Admissible) -> None:
    every = {box.extents for box in admissible_boxes(sides, admissible)}
    maximal = {e for e in every if not any(e != f and all(a <= b for a, b in zip(e, f, strict=True)) for f in every)}
    assert set(maximal_extents(Grid(sides), admissible)) == maximal
    del shapes


@given(st.data())
@examples(30)
def test_coverage_counts_the_boxes_that_hold_a_placement(data: st.DataObject) -> None:
    sides, shapes, _ = data.draw(st.sampled_from(CASES))
    boxes = data.draw(st.lists(st.sampled_from(every_box(sides)), max_size=4))
    starts = np.array([box.start for box in boxes], np.int64).reshape(-1, len(sides))
    stops = np.array([box.stop for box in boxes], np.int64).reshape(-1, len(sides))
    for shape in shapes:
        held = coverage(Grid(sides), shape, starts, stops)
        for placement in placements(sides, [shape]):
            assert held[placement.start] == sum(box.contains(placement) for box in boxes)


def test_known_figure_on_224() -> None:
    grid, shapes = Grid.of(224), rectangles(area=0.01).terms(Grid.of(224))[0].shapes
    dual = rational_dual(grid, shapes, 12_000, time_limit=2)
    assert check_dual(grid, shapes, 12_000, dual)
    assert dual.masks >= 8
