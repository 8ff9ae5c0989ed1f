"""Answers of any kind as numbers: one form for equal answers, and numbers that name them in prediction tables.

A defence only compares answers. So that it can do that in tables of whole numbers, each answer gets one. Two different
answers never share a number in one process. The number is a digest of the answer, so that it is the same in every
process and whatever answers came before it; only if two digests are equal does the second answer get another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.errors import InvalidInput

AnyAnswer = None | str | bytes | bool | int | float | tuple[Any, ...] | frozenset[Any]
"""An answer in its plain form: text, bytes, a number, a tuple or a frozenset of these; None for no answer."""
FIRST_NUMBER = 1 << 61
"""The least number of an answer: no class number of a classifier with scores is as large."""
_BITS = 256
CODE_LENGTH = 2 * _BITS
"""Numbers in the code of an answer."""


def plain_answer(answer: object) -> AnyAnswer:
    """An answer in its plain form: numpy's numbers and subclasses become Python's own; NaN and infinities, no answer.

    Args:
        answer: Text, bytes, a truth value, a number, None for no answer, or a tuple or frozenset of these.

    Raises:
        InvalidInput: an answer of another type, such as a list.

    >>> plain_answer((np.int64(3), np.str_("left"), None)), plain_answer(float("nan")) is None
    ((3, 'left', None), True)
    """
    return None if _is_broken(answer) else _plain(answer)


def answer_code(answer: AnyAnswer) -> npt.NDArray[np.float64]:
    """The code of an answer, float64 (512,): equal for equal answers only, and the same in every process.

    It holds the 256 bits of a digest, each beside its complement, so that no entry is the single largest one: whoever
    takes a code for scores gets no label. The code of no answer is all 0. Two different codes differ by 1 somewhere.

    >>> answer_code("stop").sum(), answer_code(None).sum(), bool((answer_code("stop") == answer_code("Stop")).all())
    (np.float64(256.0), np.float64(0.0), False)
    """
    if answer is None:
        return np.zeros(CODE_LENGTH)
    digest = hashlib.sha256(b"code of an answer " + _encoded(answer)).digest()
    bits = np.unpackbits(np.frombuffer(digest, np.uint8)).astype(np.float64)
    return np.concatenate([bits, 1.0 - bits])


class AnswerNumbers:
    """The numbers of answers: from answers to whole numbers and back.

    A number is taken from a digest of the answer. If another answer has it already, the next digest is tried: numbers
    of different answers differ always, not only very probably. All answers are kept, about 200 bytes for each.

    >>> numbers = AnswerNumbers()
    >>> number = numbers.number("stop")
    >>> number == AnswerNumbers().number("stop"), number == numbers.number("Stop"), numbers.answer(number)
    (True, False, 'stop')
    """

    def __init__(self) -> None:
        self._answers: dict[int, tuple[bytes, AnyAnswer]] = {}

    def number(self, answer: object) -> int:
        """The number of an answer, at least `FIRST_NUMBER` and below 2**62.

        Raises:
            InvalidInput: it is no answer (None, NaN), or of a type that cannot be one.
        """
        plain = plain_answer(answer)
        if plain is None:
            raise InvalidInput(f"{answer!r} stands for no answer; expected text, a whole number or a tuple of them")
        content, turn = _encoded(plain), 0
        while True:
            number = _number(content, turn)
            # setdefault is one step, so that threads cannot give a number to two answers.
            if self._answers.setdefault(number, (content, plain))[0] == content:
                return number
            turn += 1

    def answer(self, number: int) -> AnyAnswer:
        """The answer that has a number; None for negative numbers, which stand for no answer.

        Raises:
            InvalidInput: no answer had this number in this process.
        """
        if number < 0:
            return None
        if number not in self._answers:
            raise InvalidInput(f"no answer of this classifier has the number {number}")
        return self._answers[number][1]

    def array(self, numbers: Iterable[int]) -> npt.NDArray[np.object_]:
        """The answers that have these numbers, an array of objects of shape (n,); None for negative numbers."""
        answers = [self.answer(int(number)) for number in numbers]
        result = np.empty(len(answers), dtype=np.object_)
        # Entry by entry: numpy would make a second axis of tuples.
        for place, answer in enumerate(answers):
            result[place] = answer
        return result


def _number(content: bytes, turn: int) -> int:
    """A whole number from `FIRST_NUMBER` on, below 2**62; another one for each turn."""
    digest = hashlib.sha256(b"number of an answer %d " % turn + content).digest()
    return FIRST_NUMBER + int.from_bytes(digest[:8], "big") % FIRST_NUMBER


def _is_broken(answer: object) -> bool:
    """Whether an answer is None, or holds a number that equals nothing or has no end."""
    if isinstance(answer, tuple | frozenset):
        return any(part is not None and _is_broken(part) for part in answer)
    return answer is None or (isinstance(answer, float | np.floating) and not isfinite(answer))


def _plain(answer: object) -> AnyAnswer:
    value = answer.item() if isinstance(answer, np.generic) else answer
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) + 0.0  # a zero has two signs, and they are equal
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if isinstance(value, frozenset):
        return frozenset(map(_plain, value))
    raise InvalidInput(
        f"an answer is text, bytes, a number, or a tuple or frozenset of these; got {type(answer).__name__}: make a "
        "tuple or a text of it in the function"
    )


def _encoded(answer: AnyAnswer) -> bytes:
    """The bytes of a plain answer: different for any two that differ, in type or in value."""
    if answer is None:
        return b"none"
    if isinstance(answer, str):
        return b"text:" + answer.encode("utf-8", "surrogatepass")
    if isinstance(answer, bytes):
        return b"bytes:" + answer
    if isinstance(answer, tuple):
        return b"tuple:" + _joined([_encoded(part) for part in answer])
    if isinstance(answer, frozenset):
        return b"set:" + _joined(sorted(_encoded(part) for part in answer))
    if isinstance(answer, float):
        return b"float:" + answer.hex().encode()
    # True is not 1 here, so the type comes first.
    return f"{type(answer).__name__}:{answer:x}".encode()


def _joined(parts: list[bytes]) -> bytes:
    """Parts joined so that they can be told apart, each after its length."""
    return b"".join(b"%d:" % len(part) + part for part in parts)
