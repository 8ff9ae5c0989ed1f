"""Needless masks: what is left still covers, cannot be thinned, and a solver's word is not taken."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st

import maskcover as mc
from maskcover.covering.axis import AxisMasks
from maskcover.covering.products import ProductGrid
from tests import oracles
from tests.geometry_strategies import World, near_covers, plain_set, worlds

PAPER = ((5, 224), (12, 83), (23, 38), (39, 20), (84, 12), (224, 5))


def paper_masks() -> mc.MaskSet:
    """The six shapes of the paper's appendix B at stride 32."""
    grids = [ProductGrid(tuple(AxisMasks(224, min(side + 31, 224), 32) for side in shape)) for shape in PAPER]
    masks = tuple(mc.Mask([box]) for grid in grids for box in grid.boxes())
    return mc.MaskSet(mc.Grid.of(224), masks, "rectangles(area=0.01)")


def test_the_paper_s_168_masks_can_be_thinned() -> None:
    masks = paper_masks()
    greedy, fewest = mc.without_redundant(masks), mc.without_redundant(masks, time_limit=60)
    assert len(masks) == 168
    assert 136 == len(fewest) <= len(greedy) < 168
    assert mc.verify(greedy)
    assert mc.verify(fewest)
    assert set(fewest) <= set(masks)
    assert not any(
        mc.verify(mc.MaskSet(masks.grid, tuple(greedy[:i]) + tuple(greedy[i + 1 :])), masks.regions)
        for i in (0, 50, 99)
    )


@given(worlds(most_members=2), st.data(), st.sampled_from([0.0, 1.0]))
def test_what_is_left_covers_by_brute_force_and_no_mask_of_it_is_needless(
    world: World, data: st.DataObject, seconds: float
) -> None:
    arrays = data.draw(near_covers(world))
    masks = plain_set(np.concatenate([arrays, arrays[:1], np.ones((1, *world.sides), dtype=bool)]))
    left = mc.without_redundant(masks, world.regions, time_limit=seconds)
    hidden = oracles.hidden(left, world.sides)
    assert not oracles.uncovered(hidden, world.attacks)
    assert all(
        oracles.uncovered(np.delete(hidden, i, axis=0), world.attacks) for i in range(len(hidden)) if len(hidden) > 1
    )


def lying(x: Any) -> Any:
    return lambda *_, **__: SimpleNamespace(x=x)


def raising(*_: Any, **__: Any) -> Any:
    raise ValueError("out of its depth")


SOLVERS = {
    "nothing": lying(np.zeros(168)),
    "nearly": lying(np.full(168, 0.49999)),
    "one": lying(np.eye(168)[0]),
    "no answer": lying(None),
    "not numbers": lying(np.full(168, np.nan)),
    "too many": lying(np.ones(500)),
    "raises": raising,
}


@pytest.mark.parametrize("name", SOLVERS)
def test_a_lying_solver_costs_masks_and_never_the_cover(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scipy.optimize, "milp", SOLVERS[name])
    masks = mc.without_redundant(paper_masks(), time_limit=5)
    assert mc.verify(masks)
    assert masks == mc.without_redundant(paper_masks())


def test_only_a_cover_is_thinned() -> None:
    masks = mc.cover(mc.squares(32))
    assert mc.without_redundant(masks) == masks
    with pytest.raises(mc.NotCovering, match=r"no mask contains 32×32 at rows 0–31, columns 0–31"):
        mc.without_redundant(masks[1:])


def test_masks_for_what_is_left_of_an_image_are_thinned_by_cover() -> None:
    regions = mc.avoiding(mc.rectangles(area=0.01), (50, 50, 100, 100))
    masks = mc.cover(regions, shipped=False)
    assert len(masks) <= 55
    assert mc.without_redundant(masks, regions) == masks
