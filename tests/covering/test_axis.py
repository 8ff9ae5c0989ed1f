"""One axis: Eq. 1–3, Lemma 4 and its converse, exhaustively on short axes and by chance on long ones."""

from __future__ import annotations

from itertools import combinations, pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover.covering.axis import AxisMasks, axis_masks, axis_options
from maskcover.errors import ImpossibleCover, InvalidInput
from tests import oracles

SHORT = range(1, 13)
LONG = st.integers(1, 400).flatmap(
    lambda length: st.tuples(st.just(length), st.integers(1, length), st.integers(1, length + 3))
)


@pytest.mark.parametrize("length", SHORT)
def test_starts_and_count_are_eq_1_and_2(length: int) -> None:
    for size, stride in product(range(1, length + 1), range(1, length + 3)):
        axis = AxisMasks(length, size, stride)
        assert list(axis.starts) == oracles.eq1_starts(length, size, stride)
        assert axis.count == len(axis.starts)


@pytest.mark.parametrize("length", SHORT)
def test_lemma_4_every_patch_of_at_most_m_minus_s_plus_1_is_covered(length: int) -> None:
    for size, stride in product(range(1, length + 1), range(1, length + 3)):
        axis = AxisMasks(length, size, stride)
        assert axis.covers >= size - stride + 1
        assert all(oracles.axis_covered(axis.starts, size, length, patch) for patch in range(1, axis.covers + 1))


@pytest.mark.parametrize("length", SHORT)
def test_the_converse_of_lemma_4_a_longer_patch_is_not_covered(length: int) -> None:
    """Wherever two masks stand a whole stride apart; a stride that never fits says nothing."""
    for size, stride in product(range(1, length + 1), range(1, length + 3)):
        axis = AxisMasks(length, size, stride)
        if stride <= length - size:
            longer = range(axis.covers + 1, length + 1)
            assert not any(oracles.axis_covered(axis.starts, size, length, patch) for patch in longer)


@pytest.mark.parametrize("length", SHORT)
def test_covers_is_the_longest_patch_that_is_covered_where_the_stride_fits(length: int) -> None:
    for size in range(1, length + 1):
        assert AxisMasks(length, length, size).covers == length
        assert size == length or AxisMasks(length, size, size + 1).covers == 0


@pytest.mark.parametrize("length", SHORT)
def test_eq_3_covers_the_patch_within_the_budget(length: int) -> None:
    for patch, budget in product(range(1, length + 1), range(1, length + 3)):
        axis = axis_masks(length, patch, budget)
        assert 1 <= axis.count == len(axis.starts) <= budget
        assert oracles.axis_covered(axis.starts, axis.size, length, patch)
        assert (axis.stride, axis.size) == (-(-(length - patch + 1) // budget), patch + axis.stride - 1)


@pytest.mark.parametrize("length", range(1, 10))
def test_eq_3_is_the_smallest_mask_of_any_cover_of_as_many_intervals(length: int) -> None:
    for patch, budget in product(range(1, length + 1), range(1, length + 1)):
        size = axis_masks(length, patch, budget).size
        assert size == patch or not oracles.axis_cover_exists(length, size - 1, patch, budget)


@pytest.mark.parametrize("length", SHORT)
def test_no_mask_of_eq_3_can_be_dropped(length: int) -> None:
    for patch, budget in product(range(1, length + 1), range(1, length + 3)):
        axis = axis_masks(length, patch, budget)
        for dropped in axis.starts:
            rest = [start for start in axis.starts if start != dropped]
            assert not oracles.axis_covered(rest, axis.size, length, patch)


@given(LONG)
def test_eq_3_on_long_axes(case: tuple[int, int, int]) -> None:
    length, patch, budget = case
    axis = axis_masks(length, patch, budget)
    assert list(axis.starts) == oracles.eq1_starts(length, axis.size, axis.stride)
    assert axis.count == len(axis.starts) <= budget
    assert axis.starts[0] == 0
    assert axis.starts[-1] + axis.size == length
    assert all(after - before <= axis.size - patch + 1 for before, after in pairwise(axis.starts))
    assert axis.covers >= patch


@pytest.mark.parametrize(
    ("patch", "stride", "size", "starts"),
    [
        (23, 34, 56, (0, 34, 68, 102, 136, 168)),
        (32, 33, 64, (0, 33, 66, 99, 132, 160)),
        (39, 31, 69, (0, 31, 62, 93, 124, 155)),
    ],
)
def test_golden_six_masks_on_224(patch: int, stride: int, size: int, starts: tuple[int, ...]) -> None:
    axis = axis_masks(224, patch, 6)
    assert (axis.stride, axis.size, axis.starts) == (stride, size, starts)


@pytest.mark.parametrize(
    ("patch", "budget", "count"), [(32, 16, 15), (32, 19, 18), (23, 18, 17), (39, 18, 17), (23, 20, 19), (39, 20, 19)]
)
def test_golden_budgets_left_in_part(patch: int, budget: int, count: int) -> None:
    assert axis_masks(224, patch, budget).count == count


def test_golden_figure_3_and_token_aligned_masks() -> None:
    assert AxisMasks(6, 2, 1).starts == (0, 1, 2, 3, 4)
    assert AxisMasks(6, 3, 2).starts == (0, 2, 3)
    assert AxisMasks(6, 2, 1).covers == AxisMasks(6, 3, 2).covers == 2
    aligned = AxisMasks(224, 64, 32)
    assert (aligned.starts, aligned.covers) == ((0, 32, 64, 96, 128, 160), 33)


@pytest.mark.parametrize(
    ("length", "patch", "budget", "starts", "size"),
    [(32, 30, 6, (0, 1, 2), 30), (7, 7, 3, (0,), 7), (9, 2, 1, (0,), 9), (1, 1, 1, (0,), 1), (5, 1, 99, range(5), 1)],
)
def test_golden_extremes(length: int, patch: int, budget: int, starts: tuple[int, ...], size: int) -> None:
    axis = axis_masks(length, patch, budget)
    assert (axis.starts, axis.size) == (tuple(starts), size)


def test_a_patch_longer_than_the_axis_has_no_cover() -> None:
    with pytest.raises(ImpossibleCover, match="a patch of 8 px does not fit an axis of 7 px; at most 7 px is possible"):
        axis_masks(7, 8, 3)


@pytest.mark.parametrize(("patch", "budget"), [(0, 3), (3, 0), (-1, 1), (1, -1)])
def test_patches_and_budgets_start_at_one(patch: int, budget: int) -> None:
    with pytest.raises(InvalidInput, match="must be at least 1"):
        axis_masks(7, patch, budget)


@pytest.mark.parametrize(("length", "size", "stride"), [(7, 8, 1), (7, 0, 1), (7, 3, 0), (0, 0, 1), (7, 3, -2)])
def test_masks_that_leave_the_axis_are_refused(length: int, size: int, stride: int) -> None:
    with pytest.raises(InvalidInput, match="expected 1 <= size <= length, stride >= 1 and multiplicity >= 1"):
        AxisMasks(length, size, stride)


@pytest.mark.parametrize("length", SHORT)
def test_an_axis_of_a_multiplicity_covers_every_patch_so_many_times(length: int) -> None:
    """And with an alignment all edges are multiples of it, for each way to cover the axis that is offered."""
    steps = [step for step in range(1, length + 1) if length % step == 0]
    for patch, align, multiplicity in product(range(1, length + 1), steps, (1, 2, 3)):
        options = axis_options(length, patch, align, multiplicity)
        assert [axis.count for axis in options] == sorted({axis.count for axis in options})
        assert [axis.size for axis in options] == sorted({axis.size for axis in options}, reverse=True)
        assert multiplicity > 1 or options
        for axis in options:
            assert len(axis.intervals) == axis.count == len(set(axis.intervals))
            assert all(0 <= a < b <= length and a % align == b % align == 0 for a, b in axis.intervals)
            assert axis.covers >= patch
            for place in range(length - patch + 1):
                assert sum(a <= place and place + patch <= b for a, b in axis.intervals) >= multiplicity


@pytest.mark.parametrize("length", range(1, 11))
def test_no_option_could_have_smaller_masks(length: int) -> None:
    """Of equally many aligned masks of one size, wherever they start."""
    for patch, align in product(range(1, length + 1), [step for step in (1, 2, 3) if length % step == 0]):
        for axis in axis_options(length, patch, align):
            size, starts = axis.size - align, range(0, length - axis.size + align + 1, align)
            if size >= patch:
                choices = combinations(starts, min(axis.count, len(starts)))
                assert not any(oracles.axis_covered(chosen, size, length, patch) for chosen in choices)


@pytest.mark.parametrize("length", range(1, 13))
def test_an_aligned_axis_keeps_its_budget(length: int) -> None:
    for patch, budget in product(range(1, length + 1), range(1, length + 1)):
        for align in (step for step in range(2, length + 1) if length % step == 0):
            axis = axis_masks(length, patch, budget, align)
            assert axis.count <= budget
            assert all(a % align == b % align == 0 for a, b in axis.intervals)
            assert oracles.axis_covered(axis.starts, axis.size, length, patch)
