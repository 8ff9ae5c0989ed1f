"""Amounts of pixels: what is read, exactly how, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover.amounts import amount_text, cells_down, cells_up, parse_amount, parse_length
from maskcover.errors import InvalidInput

READ: list[tuple[object, int | Fraction]] = [
    (32, 32),
    (np.int16(32), 32),
    ("32", 32),
    ("32px", 32),
    (" 4902px ", 4902),
    (0.01, Fraction(1, 100)),
    (0.1, Fraction(1, 10)),
    (1e-05, Fraction(1, 100_000)),
    (np.float64(0.02), Fraction(1, 50)),
    (np.float32(0.01), Fraction(1, 100)),
    ("0.01", Fraction(1, 100)),
    (".5", Fraction(1, 2)),
    ("1e-2", Fraction(1, 100)),
    ("1/3", Fraction(1, 3)),
    ("2%", Fraction(1, 50)),
    ("0.5 %", Fraction(1, 200)),
    (Decimal("0.01"), Fraction(1, 100)),
    (Decimal("1e-5"), Fraction(1, 100_000)),
    (Decimal(32), 32),
    (np.uint8(32), 32),
    (np.array(32), 32),
    (np.float16(0.5), Fraction(1, 2)),
    (Fraction(2, 6), Fraction(1, 3)),
    ("0.1234567890123456789", Fraction(1234567890123456789, 10**19)),
]

REFUSED: list[tuple[object, str]] = [
    (0, "at least 1 pixel; got 0"),
    (-3, "at least 1 pixel; got -3"),
    ("0px", "at least 1 pixel; got 0"),
    (0.0, "strictly between 0 and 1; got 0"),
    (1.0, "strictly between 0 and 1; got 1"),
    (502.0, "write 502 or '502px'"),
    (1e22, "a fraction below 1"),
    (-0.01, "got '-0.01'"),
    (float("nan"), "got 'nan'"),
    (float("inf"), "got 'inf'"),
    (Fraction(3, 2), "strictly between 0 and 1"),
    (Fraction(10**400), "strictly between 0 and 1"),
    ("1/0", "divides by zero"),
    ("3/2", "strictly between 0 and 1"),
    ("", "got ''"),
    ("px", "got 'px'"),
    ("32 px", "got '32 px'"),
    ("-1", "got '-1'"),
    ("1_000", "got '1_000'"),
    ("0x10", "got '0x10'"),
    ("0%", "strictly between 0 and 1; got 0"),
    ("100%", "strictly between 0 and 1; got 1"),
    ("%", "got '%'"),
    ("1%%", "got '1%%'"),
    (Decimal("1e99999999"), "must be pixels"),
    (Decimal("NaN"), "got 'NaN'"),
    (Decimal("1.5"), "strictly between 0 and 1"),
    (np.array([32]), "got array"),
    ("9" * 5000, "must be pixels"),
    ("0." + "1" * 5000, "must be pixels"),
    ("1e-999999999", "must be pixels"),
    (True, "got True"),
    (None, "got None"),
    (1j, "got 1j"),
    (b"32", "got b'32'"),
    ([32], r"got \[32\]"),
]


@pytest.mark.parametrize(("value", "meant"), READ)
def test_an_amount_is_read_exactly(value: object, meant: int | Fraction) -> None:
    amount = parse_amount(value, "area")
    assert (amount, type(amount)) == (meant, type(meant))


@pytest.mark.parametrize(("value", "message"), REFUSED)
def test_what_is_no_amount_is_refused_by_name(value: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as refusal:
        parse_amount(value, "some_argument")
    assert "some_argument" in str(refusal.value)


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_the_text_of_an_amount_reads_back_as_it(first: int, second: int) -> None:
    for amount in (first, Fraction(first, first + second)):
        assert parse_amount(amount_text(amount).strip('"'), "area") == amount


@given(st.floats(1e-9, 0.999))
def test_a_float_means_the_decimal_it_prints(value: float) -> None:
    assert parse_amount(value, "area") == Fraction(repr(value)) == parse_amount(repr(value), "area")


@given(st.integers(1, 999), st.integers(1, 10**6))
def test_up_and_down_are_the_nearest_cells_on_either_side(thousandths: int, total: int) -> None:
    fraction = Fraction(thousandths, 1000)
    up, down = cells_up(fraction, total), cells_down(fraction, total)
    assert up - 1 < fraction * total <= up
    assert down <= fraction * total < down + 1


def test_whole_pixels_are_not_scaled() -> None:
    assert (cells_up(502, 9), cells_down(502, 9)) == (502, 502)


@pytest.mark.parametrize("value", [32, "32", "32px", np.int64(32)])
def test_a_length_is_whole_pixels(value: object) -> None:
    assert parse_length(value, "size") == 32


@pytest.mark.parametrize("value", [0.5, "0.5", "1/2", Fraction(1, 2)])
def test_a_length_is_never_a_share(value: object) -> None:
    with pytest.raises(InvalidInput, match="size is a length in whole pixels"):
        parse_length(value, "size")
