"""Runs of outputs of axes in order, against each axis asked index by index and the patterns of any axis."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover.regions.preprocessing.supports import AxisSupport, touched_runs
from maskcover.regions.transformed import _patterns_of_any, _patterns_of_runs
from tests.laws import examples


@st.composite
def ordered_axes(draw: st.DrawFn) -> AxisSupport:
    """What a resize, a crop, a border and a flip leave of an axis."""
    length, outputs = draw(st.integers(1, 9)), draw(st.integers(1, 8))
    first = sorted(draw(st.lists(st.integers(0, length - 1), min_size=outputs, max_size=outputs)))
    stop = sorted(min(low + draw(st.integers(1, 4)), length) for low in first)
    before, behind = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    low = [0] * before + first + [0] * behind
    high = [0] * before + stop + [0] * behind
    step = draw(st.sampled_from([1, -1]))
    return AxisSupport(length, low[::step], high[::step])


@examples(200)
@given(ordered_axes())
def test_runs_are_the_touched_outputs(axis: AxisSupport) -> None:
    spans = [(low, high) for low in range(axis.length) for high in range(low + 1, axis.length + 1)]
    low, high = np.array(spans).T
    touched = touched_runs(axis, low, high)
    assert touched is not None
    for span, (begin, end) in zip(spans, touched.tolist(), strict=True):
        assert np.flatnonzero(axis.touched(*span)).tolist() == list(range(begin, end))
        assert begin < end or (begin, end) == (0, 0)


def test_axes_without_order_have_no_runs() -> None:
    low, high = np.array([0]), np.array([1])
    mirrored, split = AxisSupport.copies(3, [1, 0, 1, 2]), AxisSupport.copies(3, [0, -1, 1])
    nothing = AxisSupport(3, [0, 0], [0, 0])
    for axis in (mirrored, split, nothing):
        assert touched_runs(axis, low, high) is None
    assert touched_runs(AxisSupport.identity(3), low, high) is not None


@examples(300)
@given(ordered_axes(), st.data())
def test_patterns_of_runs_are_those_of_any_axis(axis: AxisSupport, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, axis.length))
    cuts = st.lists(st.integers(0, size), min_size=2, max_size=2, unique=True).map(sorted)
    spans = np.array(sorted({(0, size), *map(tuple, data.draw(st.lists(cuts, max_size=2)))}))
    first = data.draw(st.integers(0, axis.length - size))
    places = np.arange(first, data.draw(st.integers(first, axis.length - size)) + 1)[:, None]
    low, high = places + spans[:, 0], places + spans[:, 1]
    touched = touched_runs(axis, low, high)
    assert touched is not None
    runs = {(pattern.spans, pattern.starts) for pattern in _patterns_of_runs(touched, axis.outputs)}
    assert runs == {(pattern.spans, pattern.starts) for pattern in _patterns_of_any(axis, low, high)}


@pytest.mark.parametrize("count", [1, 2])
def test_a_patch_that_touches_nothing_has_no_patterns(count: int) -> None:
    axis = AxisSupport(6, [0, 1], [1, 2])
    low = np.full((2, count), 4)
    touched = touched_runs(axis, low, low + 1)
    assert touched is not None
    assert _patterns_of_runs(touched, 2) == []
