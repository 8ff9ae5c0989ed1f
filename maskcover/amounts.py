"""Amounts of pixels: whole pixels (`int`) or an exact fraction of the image (`Fraction`); never a float.

Every size and budget of the library is read here, so that all of them accept the same texts.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from numbers import Rational
from typing import Any, SupportsIndex

import numpy as np

from maskcover.errors import InvalidInput
from maskcover.grid import MOST_CELLS, as_integer

Amount = int | Fraction
# What users may write: whole numbers of any kind; numbers and texts of pixels; fractions of the image.
WholeNumber = SupportsIndex | Decimal
Length = WholeNumber | str
AnyAmount = WholeNumber | float | Fraction | np.floating[Any] | str

_PIXELS = re.compile(r"(\d{1,12})(?:px)?")
_DECIMAL = re.compile(r"\d{0,40}\.?\d{1,40}(?:[eE]-?\d{1,2})?|\d{1,40}\.")
_RATIO = re.compile(r"(\d{1,41})/(\d{1,41})")
_PERCENT = re.compile(r"(\d{0,38}\.?\d{1,38})\s?%")
_FINEST = 10**40


def parse_amount(value: object, name: str) -> Amount:
    """Read a size or a budget.

    An `int`, ``"4902"`` or ``"4902px"`` is pixels and stays an `int`; a `float`, a `Fraction` or a text such as
    ``"0.01"``, ``"1%"`` or ``"1/3"`` is a fraction of the image strictly between 0 and 1 and becomes the exact
    `Fraction` of its decimal text. numpy's numbers are read as Python's, and a `Decimal` as its text. `name` is the
    argument that the error message names.

    Raises:
        InvalidInput: anything else.

    >>> parse_amount("4902px", "max_mask_area"), parse_amount(0.01, "area")
    (4902, Fraction(1, 100))
    """
    if isinstance(value, str):
        return _parse_text(value.strip(), name)
    if isinstance(value, float | np.floating):
        # A float prints the shortest text that reads back as it: what the user typed.
        return _parse_text(str(value), name, is_fraction=True)
    if isinstance(value, Decimal):
        return _parse_text(str(value), name)
    try:
        return _positive(as_integer(value), name)
    except TypeError as error:
        if type(value) is not bool and isinstance(value, Rational):
            return _checked_fraction(Fraction(value), name)
        raise InvalidInput(
            f"{name} must be pixels (an int or '32px') or a fraction below 1 such as 0.01; got {value!r}"
        ) from error


def parse_length(value: object, name: str) -> int:
    """Read a length in pixels: a positive `int`, ``"32"`` or ``"32px"``; a fraction is refused.

    >>> parse_length("32px", "size")
    32
    """
    amount = parse_amount(value, name)
    if isinstance(amount, Fraction):
        raise InvalidInput(f"{name} is a length in whole pixels; got the fraction {value!r} (fractions go with area=)")
    return amount


def parse_count(value: object, name: str) -> int:
    """Read a count, such as a number of masks: a whole number of any kind, at least 1.

    >>> parse_count(np.int64(3), "masks")
    3
    """
    try:
        count = as_integer(value)
    except TypeError:
        count = 0
    if count < 1:
        raise InvalidInput(f"{name} must be a whole number of at least 1; got {value!r:.80}")
    return count


def amount_text(amount: Amount) -> str:
    """Write an amount as the shortest text that reads back as the same amount in a region text.

    >>> amount_text(Fraction(1, 100)), amount_text(Fraction(1, 3)), amount_text(502)
    ('0.01', '"1/3"', '502')
    """
    if isinstance(amount, int):
        return str(amount)
    return _decimal_text(amount) or f'"{amount.numerator}/{amount.denominator}"'


def cells_up(amount: Amount, total: int) -> int:
    """Number of cells, of `total`, of an amount; a fraction is rounded up, in favour of the attacker."""
    return amount if isinstance(amount, int) else ceil(amount * total)


def cells_down(amount: Amount, total: int) -> int:
    """Number of cells, of `total`, of an amount; a fraction is rounded down, so that no budget is exceeded."""
    return amount if isinstance(amount, int) else floor(amount * total)


def _parse_text(text: str, name: str, *, is_fraction: bool = False) -> Amount:
    pixels = _PIXELS.fullmatch(text)
    if pixels and not is_fraction:
        return _positive(int(pixels[1]), name)
    if ratio := _RATIO.fullmatch(text):
        if int(ratio[2]) == 0:
            raise InvalidInput(f"{name}={text!r} divides by zero; write a fraction such as 1/100")
        return _checked_fraction(Fraction(int(ratio[1]), int(ratio[2])), name)
    if percent := _PERCENT.fullmatch(text):
        return _checked_fraction(Fraction(percent[1]) / 100, name)
    if _DECIMAL.fullmatch(text):
        return _checked_fraction(Fraction(text), name)
    raise InvalidInput(
        f"{name} must be pixels ('32px') or a fraction below 1 ('0.01', '1%', '1/100'); got {text!r:.80}"
    )


def _positive(pixels: int, name: str) -> int:
    if pixels > MOST_CELLS:
        raise InvalidInput(f"{name} must be at most {MOST_CELLS:,} pixels; got more")
    if pixels < 1:
        raise InvalidInput(f"{name} must be at least 1 pixel; got {pixels}")
    return pixels


def _checked_fraction(fraction: Fraction, name: str) -> Fraction:
    if not 0 < fraction < 1:
        number = f"{float(fraction):g}" if abs(fraction) < 10**9 else "one far outside"
        raise InvalidInput(
            f"{name} as a fraction must lie strictly between 0 and 1; got {number} "
            "(pixels are whole numbers: write 502 or '502px')"
        )
    if fraction.denominator > _FINEST:
        raise InvalidInput(f"{name} as a fraction may have 40 decimals or a denominator up to 10^40; got a finer one")
    return fraction


def _decimal_text(fraction: Fraction) -> str | None:
    """The finite decimal expansion, or None if there is none of at most 40 digits."""
    for digits in range(1, 41):
        scaled = fraction * 10**digits
        if scaled.denominator == 1:
            return f"0.{scaled.numerator:0{digits}d}"
    return None
