"""Areas are exact: a fraction is the one that its digits say, rounded in the attacker's favour (threats.md, 1)."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import ceil, floor, isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import Grid, cover, rectangles, squares
from maskcover.amounts import Amount, cells_down, cells_up, parse_amount
from tests import oracles

SIDES = (28, 32, 64, 96, 100, 112, 128, 160, 192, 224, 256, 299, 384, 512)
AREAS = tuple(f"{thousandth / 1000:.3f}" for thousandth in range(1, 500))
COMMON = tuple(product(AREAS, SIDES))


def _floor_in_floats(area: str, side: int) -> int:
    return int(float(area) * side * side)


def test_every_common_fraction_is_rounded_exactly() -> None:
    for area, side in COMMON:
        thousandths, cells = round(1000 * float(area)), side * side
        for amount in (parse_amount(area, "area"), parse_amount(float(area), "area")):
            assert amount == Fraction(thousandths, 1000)
            assert cells_down(amount, cells) == thousandths * cells // 1000
            assert cells_up(amount, cells) == -(-thousandths * cells // 1000)


def test_floats_would_have_been_wrong() -> None:
    """The figure that shows the threat to be real, for this table of 6,986 areas and sizes."""
    exact = [(area, side, floor(Fraction(area) * side * side)) for area, side in COMMON]
    assert (len(exact), sum(_floor_in_floats(area, side) != cells for area, side, cells in exact)) == (6986, 59)
    assert (_floor_in_floats("0.009", 100), cells_down(_amount(0.009), 100 * 100)) == (89, 90)


def test_floats_would_have_been_wrong_upwards_too() -> None:
    assert ceil(0.07 * 100 * 100) == 701
    assert cells_up(_amount(0.07), 100 * 100) == 700


def _amount(value: object) -> Amount:
    return parse_amount(value, "area")


@pytest.mark.parametrize(("area", "side"), [("0.01", 23), ("0.02", 32), ("0.03", 39)])
@pytest.mark.parametrize("read", [str, float, Fraction])
def test_golden_squares_on_224(area: str, side: int, read: type) -> None:
    assert squares(area=read(area)).terms(Grid.of(224))[0].shapes == ((side, side),)


@pytest.mark.parametrize("area", [0.01, "0.01", "1e-2", "1/100", Fraction(1, 100), "502px", 502])
def test_golden_rectangles_on_224_are_of_at_most_502_pixels(area: float | str) -> None:
    assert cells_up(_amount(area), 224 * 224) == 502
    (term,) = rectangles(area).terms(Grid.of(224))
    assert set(term.shapes) == oracles.maximal_of((a, min(502 // a, 224)) for a in range(2, 225))


def test_golden_budgets_on_224_round_down() -> None:
    assert cells_down(_amount(0.1), 224 * 224) == 5017
    assert cover(rectangles(0.01), max_mask_area=0.1).largest_hidden_area <= 5017


@given(st.integers(1, 9999), st.integers(1, 400), st.integers(1, 400))
def test_the_side_of_a_square_is_the_least_that_reaches_the_area(numerator: int, height: int, width: int) -> None:
    area = Fraction(numerator, 10_000) * min(height, width) ** 2 / (height * width)
    ((side, other),) = squares(area=area).terms(Grid((height, width)))[0].shapes
    assert side == other
    assert (side - 1) ** 2 < area * height * width <= side**2
    assert side == isqrt(ceil(area * height * width) - 1) + 1


@given(st.integers(1, 10**6), st.integers(1, 40), st.integers(1, 40))
def test_the_attacker_never_gets_less_than_the_fraction(numerator: int, height: int, width: int) -> None:
    area = Fraction(numerator, 10**6 + 1)
    (term,) = rectangles(area).terms(Grid((height, width)))
    every = oracles.rectangles(oracles.fraction_up(area, (height, width)), (height, width))
    assert set(term.shapes) == oracles.maximal_of(every)


@pytest.mark.parametrize("side", [1, 2, 3, 10, 100, 224, 10**6])
@pytest.mark.filterwarnings("ignore:.*was a fraction meant")
def test_perfect_squares_are_not_rounded_past(side: int) -> None:
    big = Grid((2**20, 2**20))
    assert squares(area=side**2).terms(big)[0].shapes == ((side, side),)
    assert squares(area=side**2 + 1).terms(big)[0].shapes == ((side + 1, side + 1),)
