"""What a region set amounts to on an image: exact figures, for people and for programs."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given

from maskcover import MaskcoverWarning, RegionSet, parse_regions, patches, rectangles, squares, union
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


ROTATED = "rotations(squares(size=3), degrees=(0.0, 9.0))"


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "within({}, (0, 0, 9, 9))",
        "avoiding({}, (0, 0, 9, 9))",
        "patches({}, k=2)",
        "patches([squares(size=2), {}])",
        "union(squares(size=2), {})",
        "tubes({}, frames=1)",
        "within(union(tubes(squares(size=2)), tubes({})), (0, 0, 0, 3, 9, 9))",
        'through({}, Flip("vertical"), source=(9, 9))',
    ],
)
def test_a_set_is_an_outer_bound_exactly_if_a_part_of_it_is(text: str) -> None:
    assert parse_regions(text.format(ROTATED)).is_outer_bound
    assert not parse_regions(text.format("squares(size=3)")).is_outer_bound


@pytest.mark.parametrize("text", ["{}", "within({}, (0, 0, 9, 9))", "union(squares(size=2), {})"])
def test_a_set_has_patches_exactly_if_a_part_of_it_has(text: str) -> None:
    for several in ("patches(squares(size=3), k=2)", "patches([squares(size=3), squares(size=4)])"):
        assert parse_regions(text.format(several)).has_patches
    assert not parse_regions(text.format(ROTATED)).has_patches


def test_the_old_name_of_a_fraction_still_works() -> None:
    description = squares(32).describe(224)
    with pytest.warns(MaskcoverWarning, match=r"Description\.share is now Description\.fraction"):
        assert description.share == description.fraction
