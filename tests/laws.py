"""How many examples a law is tried on."""

from __future__ import annotations

from hypothesis import settings

CI = 40
"""The examples of a law that names no number, in CI."""


def examples(count: int) -> settings:
    """So many in CI, and in proportion elsewhere: fewer, or up to ten times as many, as the profile has for other laws.

    >>> few, many = examples(20).max_examples, examples(60).max_examples
    >>> few <= many
    True
    """
    fraction = min(settings().max_examples / CI, 10.0)
    return settings(max_examples=max(min(count, 5), int(count * fraction)))
