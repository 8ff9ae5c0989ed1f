"""Names from elsewhere, made fit for a terminal: what cannot be seen is escaped, what can be seen stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover.terminal import printable, printable_lines


@given(st.text(st.characters()))
def test_nothing_that_cannot_be_seen_is_left_and_one_line_is_one_line(text: str) -> None:
    assert printable(text).isprintable()
    assert printable_lines(text).count("\n") == text.count("\n")
    assert printable_lines(text).encode().decode() == printable_lines(text)


@pytest.mark.parametrize("text", ["photos/café 1.png", "a\\b", "写真/猫.jpg", "–×…"])
def test_what_can_be_seen_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;x\x07", r"\x1b]0;x\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("\u202egnp", r"\u202egnp"),
        ("caf\udce9", r"caf\udce9"),
    ],
)
def test_what_moves_a_cursor_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
