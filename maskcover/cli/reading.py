"""Readers of typed values: sizes, numbers, options. Nothing heavy is imported at the top."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from typing import Any

from maskcover.errors import InvalidInput

_SIZE = re.compile(r"\d{1,6}(?:x\d{1,6})*")


def read_claim(text: str | None) -> float | None:
    """The fraction of images of --at-least, from 0 to 1: "0.6" or "60%"; None if it was not typed.

    >>> read_claim("60%"), read_claim("1"), read_claim(None)
    (0.6, 1.0, None)
    """
    if text is None:
        return None
    number = re.fullmatch(r"(\d{1,3}(?:\.\d{1,17})?)(%?)", text.strip())
    fraction = 2.0 if number is None else float(number[1]) / (100 if number[2] else 1)
    if fraction > 1:
        raise InvalidInput(f"--at-least must be a fraction of the images, such as 0.6 or 60%; got {text!r:.40}")
    return fraction


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


def read_fill(text: str) -> float | str:
    """What takes the place of hidden pixels: a number; any other text is for the adapter to read.

    >>> read_fill("0.5"), read_fill("drop_tokens(16)")
    (0.5, 'drop_tokens(16)')
    """
    try:
        return float(text)
    except ValueError:
        return text


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


def read_shard(text: str | None) -> tuple[int, int]:
    """The part of a run that this process does: "0/4" is the first of four; by default its rank in torchrun, or all.

    >>> read_shard("1/4")
    (1, 4)
    """
    if text is None:
        text = (
            f"{os.environ['RANK']}/{os.environ['WORLD_SIZE']}" if {"RANK", "WORLD_SIZE"} <= os.environ.keys() else "0/1"
        )
    first, _, count = text.partition("/")
    if not (first.isdecimal() and count.isdecimal() and int(first) < int(count)):
        raise InvalidInput(f"--shard expects I/N with I from 0 to N-1, such as 0/4; got {text!r}")
    return int(first), int(count)


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
