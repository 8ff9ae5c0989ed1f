"""Safe texts for terminals: names of files and classes come from elsewhere, and may hold control characters."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""A text on one line, with every character escaped that cannot be seen: newlines, ESC, marks of direction.

    >>> printable("a\nb\x1b[2J")
    'a\\nb\\x1b[2J'
    """
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def printable_lines(text: str) -> str:
    """`printable` for each line of a text."""
    return "\n".join(map(printable, text.split("\n")))
