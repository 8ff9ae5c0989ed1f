"""Numbers of answers: equal answers share one, others never do, and every process gives the same."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import InvalidInput
from maskcover.classifiers import interned, top_labels
from maskcover.classifiers.interned import FIRST_NUMBER, AnswerNumbers, answer_code, plain_answer

ATOMS: st.SearchStrategy[Any] = st.one_of(
    st.text(max_size=4),
    st.binary(max_size=4),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["True", "1", "1.0", b"1", 1, 1.0, True, "int:1", "", b"", (), frozenset(), "none", ("a", "b"), "ab"]
    ),
)
ANSWERS = st.recursive(
    ATOMS,
    lambda parts: st.one_of(st.lists(parts | st.none(), max_size=3).map(tuple), st.frozensets(parts, max_size=3)),
    max_leaves=6,
)


def typed(answer: Any) -> Any:
    """An answer with its types, so that Python itself tells 1, 1.0 and True apart."""
    if isinstance(answer, tuple):
        return (tuple, *map(typed, answer))
    if isinstance(answer, frozenset):
        return (frozenset, frozenset(map(typed, answer)))
    return type(answer), answer


@given(st.lists(ANSWERS, min_size=2, max_size=8))
def test_two_answers_share_a_number_exactly_if_type_and_value_are_equal(answers: list[Any]) -> None:
    numbers = AnswerNumbers()
    for first in answers:
        for second in answers:
            same = typed(first) == typed(second)
            assert (numbers.number(first) == numbers.number(second)) == same
            assert np.array_equal(answer_code(first), answer_code(second)) == same
    assert all(typed(numbers.answer(numbers.number(answer))) == typed(answer) for answer in answers)


ALIKE = [
    (1, True), (1, 1.0), (1, "1"), ("1", b"1"), ((), frozenset()), (("ab", "c"), ("a", "bc")), ("", ("",)), (0, False),
    (("a",), "a"), ((None,), ("none",)), ((("a",), "b"), (("a", "b"),)), ("int:1", 1), (frozenset("a"), ("a",)),
]  # fmt: skip


@pytest.mark.parametrize("pair", ALIKE, ids=repr)
def test_answers_that_look_alike_have_two_numbers_and_two_codes(pair: tuple[Any, Any]) -> None:
    numbers = AnswerNumbers()
    assert numbers.number(pair[0]) != numbers.number(pair[1])
    assert not np.array_equal(answer_code(pair[0]), answer_code(pair[1]))


@given(ANSWERS)
def test_numbers_are_beyond_all_class_numbers_and_within_int64(answer: Any) -> None:
    number = AnswerNumbers().number(answer)
    assert FIRST_NUMBER <= number < 2 * FIRST_NUMBER
    assert int(np.int64(number)) == number


def test_numbers_do_not_depend_on_the_process_or_on_what_came_before() -> None:
    code = (
        "from maskcover.classifiers.interned import AnswerNumbers as N; n = N(); n.number('first'); print(n.number({}))"
    )
    for answer in ("stop", ("left", 3), frozenset({"a", "b", "c"})):
        command = [sys.executable, "-c", code.format(repr(answer))]
        other = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert int(other) == AnswerNumbers().number(answer)


def test_an_answer_whose_digest_is_taken_gets_another_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interned, "_number", lambda _, turn: FIRST_NUMBER + turn)
    numbers = AnswerNumbers()
    assert [numbers.number(word) - FIRST_NUMBER for word in ("a", "b", "a", "c", "b")] == [0, 1, 0, 2, 1]
    assert [numbers.answer(FIRST_NUMBER + place) for place in range(3)] == ["a", "b", "c"]


@given(ANSWERS | st.none())
def test_whoever_takes_a_code_for_scores_gets_no_label(answer: Any) -> None:
    assert top_labels(answer_code(answer)[None]).tolist() == [-1]


def test_no_answer_has_the_code_of_an_answer_and_codes_differ_by_one() -> None:
    codes = [answer_code(answer) for answer in (None, "", "a", "b")]
    for number, code in enumerate(codes):
        for other in codes[:number]:
            assert np.abs(code - other).max() == 1.0


def test_the_forms_of_numpy_become_plain() -> None:
    assert typed(plain_answer(np.float32(0.5))) == (float, 0.5)
    assert typed(plain_answer((np.str_("a"), np.bool_(True)))) == (tuple, (str, "a"), (bool, True))
    assert typed(plain_answer(-0.0)) == (float, 0.0)
    assert str(plain_answer(-0.0)) == "0.0"


@pytest.mark.parametrize("broken", [None, float("nan"), np.float64("inf"), ("a", float("nan"))])
def test_what_equals_nothing_is_no_answer(broken: object) -> None:
    assert plain_answer(broken) is None
    with pytest.raises(InvalidInput, match="no answer"):
        AnswerNumbers().number(broken)


@pytest.mark.parametrize("strange", [["a"], {"a"}, {"a": 1}, np.zeros(2), object(), ("a", ["b"])])
def test_other_types_are_refused_with_their_name(strange: object) -> None:
    with pytest.raises(InvalidInput, match=r"got (list|set|dict|ndarray|object)"):
        plain_answer(strange)


def test_an_unknown_number_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no answer of this classifier has the number 7"):
        AnswerNumbers().answer(7)
    assert AnswerNumbers().answer(-1) is None
