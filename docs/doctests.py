"""An extension for the reference: examples in docstrings become blocks of code."""

from __future__ import annotations

import re
from typing import Any

import griffe

# A prompt, and everything up to the next empty line: more code, and what it prints.
_EXAMPLE = re.compile(r"^>>> .*\n(?:.+\n?)*", re.MULTILINE)


class Doctests(griffe.Extension):
    """Fences the doctests of every docstring."""

    def on_object(self, *, obj: griffe.Object, loader: Any, **_: Any) -> None:  # noqa: ARG002  # griffe's
        """Fence the doctests of one object."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """A docstring with its examples fenced.

    >>> fenced("Doubles.\\n\\n>>> 2 * 2\\n4").splitlines()
    ['Doubles.', '', '```pycon', '>>> 2 * 2', '4', '```']
    """
    return _EXAMPLE.sub(lambda example: f"```pycon\n{example[0].rstrip()}\n```\n", text).rstrip()
