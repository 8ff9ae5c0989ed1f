"""Texts for terminals: names of files and classes come from elsewhere, and may hold what moves a cursor."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""A text on one line, in which whatever cannot be seen is escaped: newlines, ESC, marks that turn the direction.

    >>> printable("a\nb\x1b[2J")
    'a\\nb\\x1b[2J'
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def printable_lines(text: str) -> str:
    """The same for a text of several lines, which stay lines."""
    return "\n".join(map(printable, text.split("\n")))
