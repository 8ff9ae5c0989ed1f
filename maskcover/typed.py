"""Readers of typed values: sizes, numbers, options. Nothing heavy is imported."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from maskcover.errors import InvalidInput

_SIZE = re.compile(r"\d{1,6}(?:x\d{1,6})*")


def read_size(text: str) -> int | tuple[int, ...]:
    """An image size: "224" for a square image, "480x640" for height x width.

    "1000x" is a signal with one axis, "16x224x224" a clip.

    >>> read_size("480x640"), read_size("1000x")
    ((480, 640), (1000,))
    """
    if text.endswith("x") and text.count("x") == 1:
        return read_sides(text[:-1])
    sides = read_sides(text)
    return sides[0] if len(sides) == 1 else sides


def read_sides(text: str) -> tuple[int, ...]:
    """Whole numbers with an x between them, one for each axis.

    >>> read_sides("6x6")
    (6, 6)
    """
    if not _SIZE.fullmatch(text):
        raise InvalidInput(f"expected whole numbers such as 224 or 480x640 (height x width); got {text!r}")
    return tuple(map(int, text.split("x")))


def read_numbers(text: str, name: str) -> tuple[float, ...]:
    """One number, or one for each channel, separated by commas.

    >>> read_numbers("0.485,0.456,0.406", "--mean")
    (0.485, 0.456, 0.406)
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidInput(
            f"{name} expects a number, or one for each channel such as 0.5,0.5,0.5; got {text!r}"
        ) from error


def read_options(texts: Iterable[str]) -> dict[str, Any]:
    """NAME=VALUE texts as arguments: a value that is JSON is read as such, any other is a text.

    >>> read_options(["num_classes=10", "prompts=cats.txt"])
    {'num_classes': 10, 'prompts': 'cats.txt'}
    """
    options: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise InvalidInput(f"--option expects NAME=VALUE, such as num_classes=10; got {text!r}")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    return options
