"""Readers of what is typed on the command line alone: claims, fills, parts. Nothing heavy is imported at the top."""

from __future__ import annotations

import os
import re

from maskcover.errors import InvalidInput


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


def read_fill(text: str) -> float | str:
    """What takes the place of hidden pixels: a number; any other text is for the adapter to read.

    >>> read_fill("0.5"), read_fill("drop_tokens(16)")
    (0.5, 'drop_tokens(16)')
    """
    try:
        return float(text)
    except ValueError:
        return text


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
