"""What people see: numbers with nouns, names that may hold what moves a cursor, bars of progress."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

V = TypeVar("V")
_SHOWN_AFTER = 3.0  # seconds


def printable(text: str) -> str:
    r"""A text on one line, with every character escaped that cannot be seen: newlines, ESC, marks of direction.

    >>> printable("a\nb\x1b[2J")
    'a\\nb\\x1b[2J'
    """
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def counted(count: int, noun: str) -> str:
    """A number with its noun, which gets an s unless there is one of it.

    >>> counted(1, "image"), counted(1200, "image")
    ('1 image', '1,200 images')
    """
    return f"{count:,} {noun}{'s' * (count != 1)}"


def printable_lines(text: str) -> str:
    """`printable` for each line of a text."""
    return "\n".join(map(printable, text.split("\n")))


def bar(values: Sequence[V], task: str, unit: str) -> Iterable[V]:
    """The values, one by one, with a bar of progress if they take long and a person may be looking at a terminal.

    >>> list(bar([1, 2], "verifying", "shape"))
    [1, 2]
    """
    # Not at the top: what is over at once starts without tqdm.
    from tqdm.auto import tqdm

    return (
        tqdm(values, desc=task, unit=unit, leave=False, delay=_SHOWN_AFTER, disable=None) if len(values) > 1 else values
    )
