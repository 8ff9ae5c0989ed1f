"""Every public name has an example in its docstring; the doctests of pytest run them."""

from __future__ import annotations

import doctest
from typing import Any

import pytest

import maskcover


def has_example(value: Any) -> bool:
    """Whether the docstring of a class or function has an example."""
    return bool(doctest.DocTestParser().get_examples(value.__doc__ or ""))


@pytest.mark.parametrize("name", maskcover.__all__)
def test_every_public_name_has_an_example(name: str) -> None:
    assert has_example(getattr(maskcover, name))


def test_a_name_without_an_example_is_noticed() -> None:
    class Bare:
        """Says nothing."""

    assert not has_example(Bare)
