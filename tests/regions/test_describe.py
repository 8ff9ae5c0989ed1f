"""What a region set amounts to on an image: exact figures, for people and for programs."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given

from maskcover import RegionSet, patches, rectangles, squares, union
from tests import oracles
from tests.geometry_strategies import World, worlds


@pytest.mark.parametrize(
    ("regions", "pixels", "shapes", "placements"),
    [
        (squares(area=0.01), 529, 1, 202**2),
        (squares(area=0.02), 1024, 1, 193**2),
        (rectangles(area=0.01), 501, 41, 1_401_915),
        (patches(squares(area=0.01), 2), 1058, 1, 202**4),
        (union(squares(2), patches(squares(1), 2)), 4, 2, 223**2 + 224**4),
        (patches(squares(200), 2), 224 * 224, 1, 25**4),
    ],
    ids=str,
)
def test_golden_figures_on_224(regions: RegionSet, pixels: int, shapes: int, placements: int) -> None:
    description = regions.describe()
    assert (description.pixels, description.shapes, description.placements) == (pixels, shapes, placements)
    assert description.fraction == Fraction(pixels, 224 * 224)


@given(worlds(most_members=1, most_patches=1))
def test_the_figures_are_those_of_the_definition(world: World) -> None:
    maximal = oracles.Attack(frozenset(oracles.maximal_of(world.attacks[0].shapes)))
    every = oracles.regions([maximal], world.sides)
    description = world.regions.describe(world.sides)
    assert description.placements == len(every)
    assert description.pixels == max(int(oracles.painted(region, world.sides).sum()) for region in every)


def test_the_text_prints_pixels_and_per_cent() -> None:
    text = str(patches(squares(area=0.01), 2).describe((224, 320)))
    assert text.splitlines() == [
        "patches(squares(area=0.01), k=2) on 224×320",
        "  largest region  1,458 px (2.034 %)",
        "  maximal shapes  1: 27×27",
        f"  placements      {(198 * 294) ** 2:,} (ordered tuples of 2 patches)",
    ]


def test_equal_sets_have_equal_descriptions() -> None:
    assert squares(32).describe(224) == squares("32px").describe((224, 224))
