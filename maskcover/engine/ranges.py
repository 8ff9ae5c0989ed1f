"""Checks that images without a declared preprocessing have values in the range of the model's (threats.md, 58)."""

from __future__ import annotations

import warnings
from typing import Any

from maskcover.classifiers.evaluation import Images
from maskcover.data import Preprocessing
from maskcover.errors import InvalidInput, MaskcoverWarning

_LOOKED_AT = 8
# Of the width of the range. Bicubic and Lanczos kernels overshoot: on floats by up to 0.45 beyond black and white.
_IMPOSSIBLE = 0.5
_ODD = 0.15
_CENTRED = 0.25  # below 0 in a range: an image that was centred has values there


def expect_in_range(images: Images, declared: Preprocessing) -> None:
    """Check the values of a few images, spread over all, that are given as the model takes them.

    Values far from black and white, as the model's mean and standard deviation make them, are refused. Values within
    the range that look as if they were scaled otherwise draw a `MaskcoverWarning`.

    Raises:
        InvalidInput: an image has values that the declared preprocessing cannot give.

    >>> import numpy as np
    >>> expect_in_range([np.full((3, 2, 2), 0.5)], Preprocessing())
    """
    count = min(len(images), _LOOKED_AT)
    numbers = [place * len(images) // count for place in range(count)]
    ranges = [(number, extremes) for number in numbers if (extremes := _extremes(images, number))]
    black, white = min(declared.range[0]), max(declared.range[1])
    for number, (low, high) in ranges:
        if low < black - _IMPOSSIBLE * (white - black) or high > white + _IMPOSSIBLE * (white - black):
            raise InvalidInput(
                f"image {number} has values from {low:g} to {high:g}, but the model takes {_in_words(declared)}: "
                f"{_remedy(declared)}"
            )
    if ranges and (
        doubt := _doubt(min(low for _, (low, _) in ranges), max(high for _, (_, high) in ranges), black, white)
    ):
        warnings.warn(
            f"{doubt}, but the model takes {_in_words(declared)}: are they prepared as it declares? If not, "
            f"{_remedy(declared)}",
            MaskcoverWarning,
            stacklevel=4,
        )


def _extremes(images: Images, number: int) -> tuple[float, float] | None:
    """The least and the greatest value of an image; None where it has none, or cannot be fetched."""
    try:
        image: Any = images[number]
        low, high = float(image.min()), float(image.max())
    except Exception:  # files that cannot be read are dealt with later, and images may be of any kind
        return None
    return (low, high) if low <= high else None  # not of NaN


def _doubt(low: float, high: float, black: float, white: float) -> str:
    """The reason to doubt that the images were scaled to [black, white], in words; empty if there is none."""
    width = white - black
    if low < black - _ODD * width or high > white + _ODD * width:
        return f"images have values from {low:g} to {high:g}"
    if black < -_CENTRED and low >= 0 and high <= 1 and high > low:
        return "all values of the images lie in [0, 1]"
    if (low, high) == (-1.0, 1.0) and (black, white) != (-1.0, 1.0):
        return "all values of the images lie in [-1, 1] and reach both"
    return ""


def _in_words(declared: Preprocessing) -> str:
    return f"{min(declared.range[0]):.4g} (black) to {max(declared.range[1]):.4g} (white)"


def _remedy(declared: Preprocessing) -> str:
    return (
        f"prepare images by the model's preprocessing ({declared}), as open_dataset(…).prepared(…) does, or name "
        "another one with preprocessing="
    )
