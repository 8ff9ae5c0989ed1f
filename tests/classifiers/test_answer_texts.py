"""Answers as texts: one text for each answer, and every text reads back as the answer of its type and value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import InvalidInput
from maskcover.classifiers.answer_texts import answer_text, read_answer
from maskcover.classifiers.interned import AnswerNumbers, AnyAnswer

LEAVES = (
    st.text(st.characters()) | st.binary() | st.booleans() | st.integers() | st.integers(10**14, 10**4400)
    | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
ANSWERS = st.recursive(
    LEAVES, lambda parts: st.lists(st.none() | parts).map(tuple) | st.frozensets(parts, max_size=4), max_leaves=8
)


@given(ANSWERS, ANSWERS)
def test_texts_are_equal_exactly_where_numbers_are(first: AnyAnswer, second: AnyAnswer) -> None:
    numbers = AnswerNumbers()
    again = read_answer(answer_text(first))
    assert numbers.number(again) == numbers.number(first)
    assert (answer_text(first) == answer_text(second)) == (numbers.number(first) == numbers.number(second))


def test_answers_that_look_alike_have_different_texts() -> None:
    alike: list[AnyAnswer] = [1, True, 1.0, "1", b"1", (1,), ((1,),), frozenset({1}), "true", "null", (None,), 10**15]
    alike += ["[1]", '{"int":"1"}', "", (), frozenset(), -1, 0.5, "\ud800", f"{10**15:x}"]
    assert len({answer_text(answer) for answer in alike}) == len(alike)


OTHERS = (
    "", "stop", '"a" ', "1.0", "01", '{"int":"1"}', '{"float":"nan"}', '{"float":"0x1p99999"}', '{"bytes":"0G"}', "{}",
    '{"set":[2,1]}', '{"set":[1,1]}', '{"word":1}', "NaN", '["a", 1]', "[" * 100_000, '{"int":5}', '"\u00e9"',
)  # fmt: skip


@pytest.mark.parametrize("text", OTHERS)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"text of no answer|not how an answer is written"):
        read_answer(text)
