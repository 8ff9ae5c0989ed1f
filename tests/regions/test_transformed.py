"""Regions pulled through a preprocessing: what is cropped away, and steps one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import InvalidInput, RegionSet, patches, rectangle, squares, union, verify, within
from maskcover.regions import CenterCrop, Crop, Flip, Pad, Resize, through
from maskcover.regions.preprocessing.steps import Step
from tests import definitions
from tests.definitions import Attack
from tests.geometry_strategies import any_masks, plain_set

CORNER = within(squares(1), (0, 0, 1, 1))


def test_a_patch_that_is_cropped_away_leaves_the_others_dangerous() -> None:
    """A corner that the crop removes, and a square anywhere: what remains is the square."""
    both = through(patches([CORNER, squares(2)]), Crop(1, 1, 4, 4), source=6)
    cells = plain_set(np.eye(16, dtype=np.bool_).reshape(16, 4, 4))
    assert verify(cells, squares(1))
    assert not verify(cells, union(both, squares(1)))
    assert not verify(cells, union(squares(1), both))
    assert verify(plain_set(np.ones((1, 4, 4), dtype=np.bool_)), both)
    assert not verify(cells, both)


def test_what_is_cropped_away_entirely_is_no_region_set() -> None:
    for regions in (CORNER, patches(CORNER, 2), patches([CORNER, within(squares(1), (5, 5, 1, 1))])):
        with pytest.raises(InvalidInput, match="holds no region on 4×4"):
            through(regions, CenterCrop((4, 4)), source=6).terms(plain_set(np.ones((1, 4, 4), dtype=np.bool_)).grid)


STEPS: list[tuple[Step, ...]] = [
    (Crop(1, 0, 4, 5), Flip("horizontal")),
    (Flip("vertical"), CenterCrop((3, 5))),
    (Pad(1, 0, 2, 1), Crop(0, 1, 5, 5)),
    (Resize((4, 3), "bilinear"), Flip("horizontal")),
    (CenterCrop((4, 4)), Resize((6, 5), "bicubic")),
    (Pad(0, 1, 1, 0, mode="edge"), Resize((3, 4), "area")),
]


@given(st.sampled_from(STEPS), st.data())
def test_steps_one_by_one_are_the_steps_at_once(steps: tuple[Step, ...], data: st.DataObject) -> None:
    """The image between is the output of the first step; its size has to fit."""
    first, second = steps
    source, k = (5, 6), data.draw(st.integers(1, 2))
    shape = rectangle(data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4)))
    regions = patches(data.draw(st.sampled_from([shape, within(shape, (1, 2, 4, 4)), union(shape, squares(2))])), k)
    middle = first.output(source)
    sides = second.output(middle)
    at_once = through(regions, first, second, source=source)
    one_by_one = through(through(regions, first, source=source), second, source=middle)
    masks = plain_set(np.stack(data.draw(st.lists(any_masks(sides), min_size=1, max_size=4))))
    assert bool(verify(masks, at_once)) == bool(verify(masks, one_by_one))
    wrong = through(through(regions, first, source=source), second, source=(middle[0] + 1, middle[1]))
    with pytest.raises(InvalidInput):
        verify(masks, wrong)


@given(st.data())
def test_a_flip_turns_the_masks_about(data: st.DataObject) -> None:
    sides = data.draw(st.tuples(st.integers(2, 5), st.integers(2, 6)))
    regions = within(squares(data.draw(st.integers(1, min(sides)))), (0, 0, sides[0], sides[1] // 2 + 1), touching=True)
    masks = np.stack(data.draw(st.lists(any_masks(sides), min_size=1, max_size=4)))
    for axis, name in ((1, "vertical"), (2, "horizontal")):
        flipped = plain_set(np.flip(masks, axis))
        assert bool(verify(flipped, through(regions, Flip(name), source=sides))) == bool(
            verify(plain_set(masks), regions)
        )


@pytest.mark.parametrize(("source", "output"), [((4, 8), (4, 8)), ((8, 4), (4, 8)), ((3, 7), (6, 5))])
def test_rows_come_first_behind_a_resize(source: tuple[int, int], output: tuple[int, int]) -> None:
    """A lying bar of the source on images that are not square."""
    bar, step = rectangle(1, 3), Resize(output, "bilinear")
    bars = definitions.through(definitions.boxes([(1, 3)], source), step.axes(source))
    masks = [definitions.array_of(image, output) for image in sorted(definitions.maximal(bars))]
    regions: Any = through(bar, step, source=source)
    assert verify(plain_set(np.stack(masks)), regions)
    for dropped in range(len(masks)):
        attacks: list[Attack] = [(bars,)]
        rest = masks[:dropped] + masks[dropped + 1 :]
        assert definitions.scarce(map(definitions.bits, rest), attacks)
        assert not rest or not verify(plain_set(np.stack(rest)), regions)


ANY: Any = through


@pytest.mark.parametrize(
    "make",
    [
        lambda: through(squares(2), source=5),
        lambda: through(squares(2), Flip("vertical"), source=(5,)),
        lambda: ANY(squares(2), squares(3), source=5),
        lambda: ANY("squares(2)", Flip("vertical"), source=5),
        lambda: through(squares(2), Crop(3, 3, 4, 4), source=5),
    ],
)
def test_a_region_set_behind_no_step_or_of_no_image_is_refused(make: Callable[[], RegionSet]) -> None:
    with pytest.raises(InvalidInput):
        make()
