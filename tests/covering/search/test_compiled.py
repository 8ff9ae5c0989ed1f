"""The compiled search: its counts are those of NumPy and of brute force after any moves; same seed, same boxes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import Box, Grid
from maskcover.covering.search import fewer as module
from maskcover.covering.search.annealing import Sample
from maskcover.covering.search.boxes import Ints, coverage, maximal_extents
from maskcover.covering.search.fewer import fewer, uncovered
from maskcover.covering.search.planes import Group, Lattice, counts_of, empty_planes, lattice_of, uncovered_of
from maskcover.grid import Extents
from tests.covering.search.test_fewer import by_classes, covers, every_placement
from tests.laws import examples

pytest.importorskip("numba")

from maskcover.covering.search import restarts, weighting
from maskcover.covering.search.compiled import bits_in, list_uncovered, put
from maskcover.covering.search.moves import Watched, anneal, nothing_watched
from maskcover.covering.search.restarts import Attempt, Problem, copies_of_all, covers_of, search
from maskcover.covering.search.weighting import weighted

NO_SYMMETRY, HALF_TURNS = restarts._NO_SYMMETRY, restarts._HALF_TURNS
SQUARE_GROUPS = (restarts._QUARTER_TURNS, restarts._DIAGONALS, HALF_TURNS, NO_SYMMETRY)
CASES: list[tuple[Extents, list[Extents], int]] = [
    ((9, 9), [(1, 4), (2, 2), (4, 1)], 8),
    ((8, 8), [(3, 3)], 16),
    ((6, 70), [(1, 5), (2, 3)], 12),  # rows of two words
    ((130, 3), [(2, 1)], 9),
    ((12, 12), [(2, 5), (3, 3), (5, 2)], 20),
]


def problem_of(case: tuple[Extents, list[Extents], int]) -> Problem:
    sides, shapes, largest = case
    return Problem(sides, np.array(shapes, np.int64), np.array(maximal_extents(Grid(sides), largest), np.int64))


def boxes_of(rows: Ints) -> tuple[Box, ...]:
    return tuple(Box.at(row[:2], row[2:]) for row in rows.tolist())


def uncovered_by_numpy(problem: Problem, rows: Ints) -> int:
    """What the fallback counts on its lattice of all placements."""
    sample = Sample(problem.sides, problem.shapes, 1)
    for row in rows:
        sample.put(row[:2], row[:2] + row[2:], 1)
    return sample.uncovered


def from_scratch(problem: Problem, shape: Ints, rows: Ints) -> Ints:
    return coverage(Grid(problem.sides), (int(shape[0]), int(shape[1])), rows[:, :2], rows[:, :2] + rows[:, 2:])


@st.composite
def positions(draw: st.DrawFn) -> tuple[Problem, Group, Ints, int]:
    """A problem, a symmetry that it has, some boxes, and a seed."""
    problem = problem_of(draw(st.sampled_from(CASES)))
    group = draw(st.sampled_from(problem.groups))
    seed = draw(st.integers(0, 999))
    sizes, boxes = restarts._scattered(problem, draw(st.integers(1, 9)), np.random.default_rng(seed))
    assert (problem.table[sizes] == boxes[:, 2:]).all()
    return problem, group, boxes, seed


@given(st.integers(0, 2**64 - 1))
@examples(40)
def test_bits_are_counted(word: int) -> None:
    assert bits_in(np.uint64(word)) == word.bit_count()


@given(positions())
@examples(60)
def test_counts_after_moves_are_those_of_the_boxes_from_scratch(position: tuple[Problem, Group, Ints, int]) -> None:
    problem, group, boxes, seed = position
    lattice = lattice_of(problem.sides, problem.shapes, group)
    rows, columns = empty_planes(lattice, len(boxes))
    missing = lattice.size - sum(put(lattice, rows, columns, tuple(box), True) for box in boxes.tolist())
    assert missing == uncovered_of(rows)
    places = np.zeros((5, 3), np.int64)
    listed = list_uncovered(lattice, rows, places, 3)
    assert listed == min(5, missing)
    temperatures = np.full(200, 4.0)
    sizes = restarts._nearest_sizes(problem.table, boxes)
    rng = np.random.default_rng(seed)
    missing = anneal(
        lattice,
        rows,
        columns,
        problem.table,
        boxes,
        sizes,
        missing,
        temperatures,
        0.3,
        rng,
        places[:listed],
        nothing_watched(),
    )
    assert (problem.table[sizes] == boxes[:, 2:]).all()
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= problem.sides).all()
    assert missing == uncovered_of(rows) == uncovered_of(columns)
    turned = lattice._replace(heights=lattice.widths, widths=lattice.heights)
    # Copies that coincide count twice.
    copies = np.concatenate(
        [
            copies_of_all(lattice._replace(copies=lattice.copies[:1] * 0 + copy), boxes_each[None])
            for boxes_each in boxes
            for copy in lattice.copies
        ]
    )
    for number, shape in enumerate(lattice.shapes):
        counts = counts_of(rows, lattice, number)
        height, width = counts.shape
        assert (counts == from_scratch(problem, shape, copies)[:height, :width]).all()
        assert (counts == counts_of(columns, turned, number).T).all()
    if len(group) == 1:
        assert missing == uncovered_by_numpy(problem, boxes)


@given(positions())
@examples(60)
def test_counted_placements_decide_for_all(position: tuple[Problem, Group, Ints, int]) -> None:
    """A symmetric set covers if and only if it covers the placements that are counted."""
    problem, group, boxes, _ = position
    lattice = lattice_of(problem.sides, problem.shapes, group)
    rows, columns = empty_planes(lattice, len(boxes))
    left = lattice.size - sum(put(lattice, rows, columns, tuple(box), True) for box in boxes.tolist())
    full = copies_of_all(lattice, boxes)
    assert (left == 0) == (uncovered_by_numpy(problem, full) == 0)
    for box in boxes.tolist():
        left += put(lattice, rows, columns, tuple(box), False)
    assert left == lattice.size == uncovered_of(columns)
    assert not rows.digits.any()
    assert not columns.digits.any()


def holders(lattice: Lattice, boxes: Ints, places: Ints) -> list[int]:
    """How many copies of boxes hold each of some placements, by the coordinates alone."""
    copies = [
        copies_of_all(lattice._replace(copies=lattice.copies[copy : copy + 1]), box[None])[0]
        for box in boxes
        for copy in range(len(lattice.copies))
    ]
    return [
        sum((box[:2] <= place[:2]).all() and (place[:2] + place[2:] <= box[:2] + box[2:]).all() for box in copies)
        for place in places
    ]


@given(positions())
@examples(25)
def test_watched_placements_are_counted_and_the_best_boxes_are_returned(
    position: tuple[Problem, Group, Ints, int],
) -> None:
    problem, group, boxes, seed = position
    lattice = lattice_of(problem.sides, problem.shapes, group)
    planes = empty_planes(lattice, len(boxes))
    missing = lattice.size - sum(put(lattice, *planes, tuple(box), True) for box in boxes.tolist())
    sizes = restarts._nearest_sizes(problem.table, boxes)
    lengths = list[int]()

    def checked(*arguments: Any) -> int:
        watched: Watched = arguments[-1]
        left: int = anneal(*arguments)
        assert holders(lattice, arguments[4], watched.places) == watched.counts.tolist()
        assert left == uncovered_of(planes[0]) == uncovered_of(planes[1])
        lengths.append(len(watched.places))
        return left

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weighting, "_LOOKS", 10)
        patch.setattr(weighting, "_CLEARING", 3)
        patch.setattr(weighting, "anneal", checked)
        best, least = weighted(
            lattice, planes, problem.table, boxes.copy(), sizes, missing, 400, np.random.default_rng(seed), bool
        )
    assert least <= missing
    assert len(lengths) == 10 or least == 0
    rows, columns = empty_planes(lattice, len(best))
    assert least == lattice.size - sum(put(lattice, rows, columns, tuple(box), True) for box in best.tolist())


def test_weights_grow_while_a_placement_is_uncovered_and_fade_while_it_is_not() -> None:
    places = np.array([[0, 0, 1, 1], [1, 0, 1, 1], [2, 0, 1, 1]], np.int64)
    before = Watched(places, np.array([0, 2, 1], np.int64), np.array([1.0, 1.0, 0.05]))
    new = np.array([[0, 0, 1, 1], [3, 0, 1, 1]], np.int64)
    kept = weighting._watched(before, new, is_full=False)
    assert kept.places.tolist() == [*places.tolist(), [3, 0, 1, 1]]
    assert kept.counts.tolist() == [0, 2, 1, 0]
    assert kept.weights.tolist() == pytest.approx([1.97, 0.97, 0.0485, 1.0])
    cleared = weighting._watched(before, new, is_full=True)
    assert cleared.places.tolist() == [[0, 0, 1, 1], [1, 0, 1, 1], [3, 0, 1, 1]]
    assert cleared.counts.tolist() == [0, 2, 0]


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_weights_are_used_where_annealing_leaves_little(fraction: float) -> None:
    problem = problem_of(CASES[4])
    calls: list[int] = []

    def counted(*arguments: Any) -> tuple[Ints, int]:
        calls.append(arguments[5])
        return weighted(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restarts, "_STUBBORN", fraction)
        patch.setattr(restarts, "weighted", counted)
        outcome = search(problem, Attempt(NO_SYMMETRY, 20, 3_000, (1,)), 20, bool)
    assert len(calls) == fraction
    assert outcome.uncovered == uncovered_by_numpy(problem, outcome.boxes)
    assert all(outcome.uncovered <= left for left in calls)


def test_symmetries_are_those_of_the_problem() -> None:
    assert problem_of(CASES[0]).groups == SQUARE_GROUPS
    assert problem_of(CASES[2]).groups == (HALF_TURNS, NO_SYMMETRY)
    assert problem_of(((9, 9), [(1, 4), (2, 2)], 8)).groups == (HALF_TURNS, NO_SYMMETRY)


@pytest.mark.parametrize("group", SQUARE_GROUPS)
def test_an_attempt_gives_the_same_boxes_again_and_says_what_they_miss(group: Group) -> None:
    problem = problem_of(CASES[4])
    attempt = Attempt(group, 40, 9_000, (5,))
    first, again = (search(problem, attempt, 43, lambda: False) for _ in range(2))
    assert (first.boxes == again.boxes).all()
    assert first.uncovered == again.uncovered
    assert (first.uncovered == 0) == (uncovered_by_numpy(problem, first.boxes) == 0)
    assert len(first.boxes) <= 43
    assert len(search(problem, Attempt(group, 40, 9_000, (5,)), 43, lambda: True).boxes) <= 43


def test_an_attempt_from_a_cover_has_one_box_fewer() -> None:
    problem = problem_of(CASES[4])
    start = np.array([[*box.start, *box.extents] for box in every_placement(*CASES[4][:2])], np.int64)
    outcome = search(problem, Attempt(NO_SYMMETRY, len(start) - 1, 100, (1,), start), 0, lambda: False)
    assert len(outcome.boxes) == len(start) - 1


@pytest.mark.parametrize("workers", [1, 2])
def test_covers_become_smaller_and_are_judged(workers: int) -> None:
    problem = problem_of(CASES[4])
    start = np.array([[*box.start, *box.extents] for box in every_placement(*CASES[4][:2])], np.int64)
    judgements: list[Ints] = []

    def judged(boxes: Ints) -> Ints | None:
        judgements.append(boxes)
        return boxes if len(judgements) < 4 else None

    looks = iter(range(10_000))
    found = list(covers_of(problem, start, judged, lambda: next(looks) > 300, seed=1, workers=workers, least=3))
    assert [len(boxes) for boxes in found] == sorted({len(boxes) for boxes in found}, reverse=True)
    assert len(found) == 3
    assert all(uncovered_by_numpy(problem, boxes) == 0 for boxes in judgements)


@pytest.mark.parametrize("case", [CASES[0], CASES[1], CASES[4]])
def test_fewer_boxes_by_the_compiled_search(
    monkeypatch: pytest.MonkeyPatch, case: tuple[Extents, list[Extents], int]
) -> None:
    sides, shapes, largest = case
    monkeypatch.setattr(module, "_COMPILED_FROM", 0.0)
    monkeypatch.setattr(restarts, "_ROUNDS", 1)
    start = every_placement(sides, shapes)
    results = {fewer(Grid(sides), shapes, start, largest, time_limit=600, workers=workers) for workers in (2, 2)}
    (boxes,) = results
    assert covers(sides, shapes, boxes)
    assert all(box.volume <= largest for box in boxes)
    assert len(boxes) < len(start)
    again = fewer(Grid(sides), shapes, boxes, largest, time_limit=600, seed=7)
    assert covers(sides, shapes, again)
    assert len(again) <= len(boxes)


def test_tokens_are_searched_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_COMPILED_FROM", 0.0)
    monkeypatch.setattr(restarts, "_ROUNDS", 1)
    start = tuple(Box.at((4 * y, 4 * x), (8, 8)) for y in range(7) for x in range(7))
    boxes = fewer(Grid.of(32), [(5, 5), (3, 4)], start, 144, align=4, time_limit=600)
    assert uncovered(Grid.of(32), [(5, 5), (3, 4)], boxes) is None
    assert all(edge % 4 == 0 for box in boxes for edge in (*box.start, *box.stop))
    assert len(boxes) < 40


def test_an_interrupt_returns_the_best_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    grid, shapes, start = by_classes(16, 0.06, 60)
    better = start[:1] + start[1:]

    def interrupted(*_args: object) -> object:
        yield better
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_compiled_covers", interrupted)
    monkeypatch.setattr(module, "_numpy_covers", interrupted)
    assert fewer(grid, shapes, start, 60, time_limit=20) == better


def test_without_numba_the_search_is_numpys(monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.is_compiled(Grid((9, 9)), 10)
    assert not module.is_compiled(Grid((9, 9)), 9)
    assert not module.is_compiled(Grid((9, 9, 9)), 10)
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    assert not module.is_compiled(Grid((9, 9)), 10)


def test_halves_are_enough() -> None:
    for sides, shapes, _ in CASES:
        whole = sum(prod(n - a + 1 for n, a in zip(sides, shape, strict=True)) for shape in shapes)
        array = np.array(shapes, np.int64)
        assert lattice_of(sides, array, NO_SYMMETRY).size == whole
        assert whole / 2 <= lattice_of(sides, array, HALF_TURNS).size < 0.8 * whole


def test_only_a_cover_ends_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = problem_of(CASES[4])
    start = np.array([[*box.start, *box.extents] for box in every_placement(*CASES[4][:2])], np.int64)
    attempts: list[Attempt] = []

    def pretended(_problem: Problem, attempt: Attempt, *_rest: object) -> restarts.Outcome:
        attempts.append(attempt)
        return restarts.Outcome(start[: len(attempts)], uncovered=3 - len(attempts))

    monkeypatch.setattr(restarts, "search", pretended)
    judgements = iter([True, False])
    (boxes,) = covers_of(
        problem,
        start,
        lambda boxes: boxes if next(judgements) else None,
        lambda: len(attempts) > 3,
        seed=1,
        workers=1,
        least=1,
    )
    assert (boxes == start[:3]).all()
