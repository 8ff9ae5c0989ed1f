"""Amounts of pixels: whole pixels (`int`) or an exact share of the image (`Fraction`); never a float.

Every size and budget of the library is read here, so that they all read the same.
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
from maskcover.grid import MOST_CELLS, as_whole

Amount = int | Fraction
# What users may write: whole numbers of any kind, and numbers or texts of pixels or shares.
Whole = SupportsIndex | Decimal
Length = Whole | str
AnyAmount = Whole | float | Fraction | np.floating[Any] | str

_PIXELS = re.compile(r"(\d{1,12})(?:px)?")
_DECIMAL = re.compile(r"\d{0,40}\.?\d{1,40}(?:[eE]-?\d{1,2})?|\d{1,40}\.")
_RATIO = re.compile(r"(\d{1,41})/(\d{1,41})")
_PERCENT = re.compile(r"(\d{0,38}\.?\d{1,38})\s?%")
_FINEST = 10**40


def parse_amount(value: object, name: str) -> Amount:
    """Read a size or a budget.

    An `int`, ``"4902"`` or ``"4902px"`` is pixels and stays an `int`; a `float`, a `Fraction` or a text such as
    ``"0.01"``, ``"1%"`` or ``"1/3"`` is a share of the image strictly between 0 and 1 and becomes the exact `Fraction`
    of its decimal text (design §4). numpy's numbers are read as Python's, and a `Decimal` as its text. `name` is the
    argument that the error message speaks of.

    >>> parse_amount("4902px", "max_mask_area"), parse_amount(0.01, "area")
    (4902, Fraction(1, 100))
    """
    if isinstance(value, str):
        return _parse_text(value.strip(), name)
    if isinstance(value, float | np.floating):
        # A float prints the shortest text that reads back as it: what the user typed.
        return _parse_text(str(value), name, share=True)
    if isinstance(value, Decimal):
        return _parse_text(str(value), name)
    try:
        return _positive(as_whole(value), name)
    except TypeError as error:
        if type(value) is not bool and isinstance(value, Rational):
            return _share(Fraction(value), name)
        raise InvalidInput(
            f"{name} must be pixels (an int or '32px') or a share below 1 such as 0.01; got {value!r}"
        ) from error


def parse_length(value: object, name: str) -> int:
    """Read a length in pixels: a positive `int`, ``"32"`` or ``"32px"``; a share is refused.

    >>> parse_length("32px", "size")
    32
    """
    amount = parse_amount(value, name)
    if isinstance(amount, Fraction):
        raise InvalidInput(f"{name} is a length in whole pixels; got the share {value!r} (shares go with area=)")
    return amount


def at_least_one(value: object, name: str) -> int:
    """Read a number of things, such as masks: a whole number of any kind, at least 1.

    >>> at_least_one(np.int64(3), "masks")
    3
    """
    try:
        found = as_whole(value)
    except TypeError:
        found = 0
    if found < 1:
        raise InvalidInput(f"{name} must be a whole number of at least 1; got {value!r:.80}")
    return found


def amount_text(amount: Amount) -> str:
    """The shortest text that reads back as this amount in a region text.

    >>> amount_text(Fraction(1, 100)), amount_text(Fraction(1, 3)), amount_text(502)
    ('0.01', '"1/3"', '502')
    """
    if isinstance(amount, int):
        return str(amount)
    return _decimal_text(amount) or f'"{amount.numerator}/{amount.denominator}"'


def cells_up(amount: Amount, total: int) -> int:
    """Cells meant by an amount, a share rounded up: the attacker's favour (design §4)."""
    return amount if isinstance(amount, int) else ceil(amount * total)


def cells_down(amount: Amount, total: int) -> int:
    """Cells meant by an amount, a share rounded down: a budget is never exceeded."""
    return amount if isinstance(amount, int) else floor(amount * total)


def _parse_text(text: str, name: str, *, share: bool = False) -> Amount:
    pixels = _PIXELS.fullmatch(text)
    if pixels and not share:
        return _positive(int(pixels[1]), name)
    if ratio := _RATIO.fullmatch(text):
        if int(ratio[2]) == 0:
            raise InvalidInput(f"{name}={text!r} divides by zero; write a share such as 1/100")
        return _share(Fraction(int(ratio[1]), int(ratio[2])), name)
    if percent := _PERCENT.fullmatch(text):
        return _share(Fraction(percent[1]) / 100, name)
    if _DECIMAL.fullmatch(text):
        return _share(Fraction(text), name)
    raise InvalidInput(f"{name} must be pixels ('32px') or a share below 1 ('0.01', '1%', '1/100'); got {text!r:.80}")


def _positive(pixels: int, name: str) -> int:
    if pixels > MOST_CELLS:
        raise InvalidInput(f"{name} must be at most {MOST_CELLS:,} pixels; got more")
    if pixels < 1:
        raise InvalidInput(f"{name} must be at least 1 pixel; got {pixels}")
    return pixels


def _share(share: Fraction, name: str) -> Fraction:
    if not 0 < share < 1:
        found = f"{float(share):g}" if abs(share) < 10**9 else "one far outside"
        raise InvalidInput(
            f"{name} as a share must lie strictly between 0 and 1; got {found} "
            "(pixels are whole numbers: write 502 or '502px')"
        )
    if share.denominator > _FINEST:
        raise InvalidInput(f"{name} as a share may have 40 decimals or a denominator up to 10^40; got a finer one")
    return share


def _decimal_text(share: Fraction) -> str | None:
    """The finite decimal expansion, or None if there is none of at most 40 digits."""
    for digits in range(1, 41):
        scaled = share * 10**digits
        if scaled.denominator == 1:
            return f"0.{scaled.numerator:0{digits}d}"
    return None
