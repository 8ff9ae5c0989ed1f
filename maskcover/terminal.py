"""Texts for people: numbers with nouns, and names of files and classes, which may hold what moves a cursor."""

from __future__ import annotations


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
