"""Families of boxes and the sets made of them: shapes against the definition, equality, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given

import maskcover as mc
from maskcover import Grid, InvalidInput, RegionSet, patches, rectangle, rectangles, squares, union
from maskcover.regions import Term
from maskcover.regions.base import everywhere, maximal
from tests import oracles
from tests.geometry_strategies import World, worlds


def _free(*shapes: tuple[int, ...], sides: tuple[int, ...], k: int = 1) -> Term:
    """k patches of any of these box shapes, anywhere."""
    return Term((tuple(everywhere(shape, Grid(sides)) for shape in shapes),) * k)


@given(worlds(most_patches=1))
def test_the_shapes_are_the_maximal_ones_of_the_definition(world: World) -> None:
    every = frozenset().union(*(attack.shapes for attack in world.attacks))
    (term,) = world.regions.terms(Grid(world.sides))
    assert set(term.shapes) == oracles.maximal_of(every)
    assert list(term.shapes) == sorted(set(term.shapes))


@given(worlds())
def test_the_terms_have_the_numbers_of_patches_of_the_members(world: World) -> None:
    terms = world.regions.terms(Grid(world.sides))
    assert {term.patches for term in terms} == {attack.patches for attack in world.attacks}
    assert all(oracles.maximal_of(term.shapes) == set(term.shapes) for term in terms)


def test_any_rectangle_of_one_per_cent_is_41_shapes_of_at_most_502_pixels() -> None:
    for area in (0.01, 502, 501):
        (term,) = rectangles(area=area).terms(Grid.of(224))
        assert len(term.shapes) == 41
        assert {(2, 224), (3, 167), (4, 125), (5, 100), (6, 83), (224, 2)} <= set(term.shapes)
    assert len(rectangles(area=500).terms(Grid.of(224))[0].shapes) == 41


@pytest.mark.parametrize(("area", "side"), [(0.01, 23), ("0.02", 32), (Fraction(3, 100), 39)])
def test_golden_sides_of_squares_by_area(area: float | str | Fraction, side: int) -> None:
    assert squares(area=area).terms(Grid.of(224)) == (_free((side, side), sides=(224, 224)),)


def test_the_square_of_one_per_cent_is_not_among_its_rectangles() -> None:
    (square,) = squares(area=0.01).terms(Grid.of(224))[0].shapes
    assert not any(a >= square[0] and b >= square[1] for a, b in rectangles(area=0.01).terms(Grid.of(224))[0].shapes)


def test_squares_are_intervals_and_cubes_in_other_dimensions() -> None:
    assert squares(3).terms(Grid((9,))) == (_free((3,), sides=(9,)),)
    assert squares(area=9).terms(Grid((5, 6, 7))) == (_free((3, 3, 3), sides=(5, 6, 7)),)


def test_heights_come_before_widths() -> None:
    assert rectangle(2, 7).terms(Grid((2, 7))) == (_free((2, 7), sides=(2, 7)),)
    with pytest.raises(InvalidInput, match="2×7 and has no place on 7×2"):
        rectangle(2, 7).terms(Grid((7, 2)))


EQUAL: list[tuple[RegionSet, RegionSet]] = [
    (squares(32), squares("32px")),
    (squares(area=0.01), squares(area="1/100")),
    (rectangle(5, 7), rectangle(height="5", width="7px")),
    (rectangles(9), rectangles("9px", min_side=1)),
    (rectangles(9, max_aspect=1.5), rectangles(9, max_aspect="3/2")),
    (rectangles(9, max_aspect=2), rectangles(9, max_aspect=2.0)),
    (union(squares(8), rectangle(1, 2)), union(rectangle(1, 2), squares(8))),
    (union(squares(8), squares(8)), squares(8)),
    (union(squares(1), union(squares(2), squares(3))), union(squares(1), squares(2), squares(3))),
    (patches(squares(8), 1), squares(8)),
    (patches(union(squares(1), squares(2)), 2), patches(union(squares(2), squares(1)), 2)),
]


@pytest.mark.parametrize(("first", "second"), EQUAL)
def test_sets_that_say_the_same_are_equal_values(first: RegionSet, second: RegionSet) -> None:
    assert first == second
    assert hash(first) == hash(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (squares(8), squares(9)),
        (squares(8), squares(area=8)),
        (rectangle(2, 3), rectangle(3, 2)),
        (rectangles(9), rectangles(9, min_side=2)),
        (patches(squares(8), 2), patches(squares(8), 3)),
        (union(squares(8), squares(9)), union(squares(8), squares(7))),
        (union(squares(8), squares(9)), squares(8)),
    ],
)
def test_sets_that_differ_are_unequal(first: RegionSet, second: RegionSet) -> None:
    assert first != second


@pytest.mark.parametrize("regions", [pair[0] for pair in EQUAL])
def test_a_region_set_cannot_be_changed(regions: RegionSet) -> None:
    slots: tuple[str, ...] = type(regions).__slots__
    for name in slots:
        with pytest.raises(AttributeError):
            setattr(regions, name, 1)
    assert slots


def test_patches_of_a_union_may_be_of_different_members() -> None:
    assert patches(union(rectangle(1, 3), rectangle(3, 1)), 2).terms(Grid((8, 8))) == (
        _free((1, 3), (3, 1), sides=(8, 8), k=2),
    )


def test_a_union_of_patches_does_not_mix_the_members() -> None:
    """{two lying bars} ∪ {two standing bars} holds no pair of one lying and one standing bar."""
    apart = union(patches(rectangle(1, 3), 2), patches(rectangle(3, 1), 2))
    assert set(apart.terms(Grid((8, 8)))) == {_free(shape, sides=(8, 8), k=2) for shape in ((1, 3), (3, 1))}


def test_maximal_keeps_an_antichain() -> None:
    assert maximal({(1, 9), (2, 4), (1, 8), (2, 3), (3, 3)}) == ((1, 9), (2, 4), (3, 3))
    assert maximal({(2, 2, 2), (1, 2, 3), (2, 1, 3), (1, 1, 3)}) == ((1, 2, 3), (2, 1, 3), (2, 2, 2))
    assert maximal(set()) == ()


NO_PLACE: list[tuple[RegionSet, tuple[int, ...], str]] = [
    (squares(5), (4, 9), r"squares\(size=5\) is 5×5 and has no place on 4×9; use a smaller shape or a larger image"),
    (squares(area=0.5), (10, 1000), "71×71 and has no place on 10×1000"),
    (rectangle(4, 10), (9, 9), "4×10 and has no place on 9×9"),
    (rectangle(4, 4), (9,), "a shape of two dimensions; the grid 9 has 1"),
    (rectangle(4, 4), (9, 9, 9), "a shape of two dimensions; the grid 9×9×9 has 3"),
    (rectangles(8, min_side=3), (9, 9), "holds no rectangle on 9×9: at most 8 px; lower min_side or raise area"),
    (rectangles(80, min_side=6), (5, 9), "holds no rectangle on 5×9"),
    (union(squares(2), squares(12)), (9, 9), "12×12 and has no place on 9×9"),
    (patches(squares(10), 2), (9, 9), "10×10 and has no place on 9×9"),
]


@pytest.mark.parametrize(("regions", "sides", "message"), NO_PLACE)
def test_a_shape_without_a_place_is_an_error_and_not_an_empty_set(
    regions: RegionSet, sides: tuple[int, ...], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        regions.terms(Grid(sides))
    with pytest.raises(InvalidInput, match=message):
        mc.verify(mc.MaskSet(Grid(sides), ()), regions)


BAD: list[tuple[Callable[[], RegionSet], str]] = [
    (lambda: squares(), "either size=32 .* or area=0.02"),
    (lambda: squares(3, area=9), "either size=32 .* or area=0.02"),
    (lambda: squares(0), "size must be at least 1 pixel"),
    (lambda: squares("0.5"), "size is a length in whole pixels"),
    (lambda: squares(10**5000), "size"),
    (lambda: squares(area=1.5), "area as a fraction must lie strictly between 0 and 1"),
    (lambda: rectangle(-1, 3), "height must be at least 1 pixel"),
    (lambda: rectangle(3, 0), "width must be at least 1 pixel"),
    (lambda: rectangles(0), "area must be at least 1 pixel"),
    (lambda: rectangles(9, min_side=0), "min_side must be at least 1 pixel"),
    (lambda: rectangles(9, max_aspect=0.5), "max_aspect is long side over short side, at least 1"),
    (lambda: rectangles(9, max_aspect="1/0"), "max_aspect is long side over short side"),
    (lambda: rectangles(9, max_aspect=float("nan")), "max_aspect is long side over short side"),
    (lambda: rectangles(9, max_aspect=True), "max_aspect is long side over short side"),
    (lambda: union(), "union needs at least one region set"),
    (lambda: union(squares(3), "squares(3)"), "expected a region set"),  # type: ignore[arg-type]  # refused
    (lambda: patches("squares(3)", 2), "expected a region set"),  # type: ignore[arg-type]  # refused
    (lambda: patches(squares(3), 0), "a whole number from 1 to 16; got 0"),
    (lambda: patches(squares(3), 17), "a whole number from 1 to 16; got 17"),
    (lambda: patches(squares(3), True), "a whole number from 1 to 16; got True"),
    (lambda: patches(squares(3), 2.0), "a whole number from 1 to 16; got 2.0"),  # type: ignore[arg-type]  # refused
    (lambda: patches(patches(squares(3), 2), 2), "patches of patches"),
    (lambda: patches(union(squares(1), patches(squares(3), 2)), 2), "patches of patches"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_what_is_no_region_set_is_refused(make: Callable[[], RegionSet], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make()
