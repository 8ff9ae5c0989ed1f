"""Answers of any kind as texts and back, for files: equal texts stand for answers of one type and value.

Numbers of answers are made anew in each process. So a run keeps answers themselves, and numbers them when it is read.
"""

from __future__ import annotations

import json
from typing import Any

from maskcover.classifiers.interned import AnyAnswer, plain_answer
from maskcover.errors import InvalidInput

_SHORT = 10**15
"""Whole numbers below this are written with decimal digits, larger ones in hexadecimal, which any length can have."""


def answer_text(answer: object) -> str:
    """The text of an answer: JSON of ASCII characters, one text for each answer.

    >>> print(answer_text("stop"), answer_text(1), answer_text(True), answer_text(1.0), answer_text(("a", None)))
    "stop" 1 true {"float":"0x1.0000000000000p+0"} ["a",null]
    """
    return json.dumps(_written(plain_answer(answer)), separators=(",", ":"), ensure_ascii=True)


def read_answer(text: str) -> AnyAnswer:
    """The answer of a text of `answer_text`.

    Raises:
        InvalidInput: it is the text of no answer, or another text than `answer_text` writes for it.

    >>> read_answer('["a",{"bytes":"00ff"}]'), read_answer(answer_text(frozenset({1, "b"}))) == {1, "b"}
    (('a', b'\\x00\\xff'), True)
    """
    try:
        answer = _read(json.loads(text))
        if answer_text(answer) == text:
            return answer
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError, InvalidInput) as error:
        raise InvalidInput(f"{text!r:.80} is the text of no answer ({error})") from error
    raise InvalidInput(f"{text!r:.80} is not how an answer is written: {answer_text(answer):.80}")


def _written(answer: AnyAnswer) -> Any:
    """The JSON of a plain answer."""
    if isinstance(answer, bytes):
        return {"bytes": answer.hex()}
    if isinstance(answer, float):
        return {"float": answer.hex()}
    if isinstance(answer, tuple):
        return list(map(_written, answer))
    if isinstance(answer, frozenset):
        return {"set": sorted(map(_written, answer), key=json.dumps)}
    if isinstance(answer, int) and not isinstance(answer, bool) and abs(answer) >= _SHORT:
        return {"int": f"{answer:x}"}
    return answer


def _read(document: Any) -> AnyAnswer:
    """The answer of the JSON of `_written`."""
    if isinstance(document, list):
        return tuple(map(_read, document))
    if not isinstance(document, dict):
        if isinstance(document, float):
            raise InvalidInput("a number with digits behind the point is written in hexadecimal")
        return document  # type: ignore[no-any-return]  # text, whole number, truth value or None
    ((kind, value),) = document.items()
    if kind == "set":
        return frozenset(map(_read, value))
    readers: dict[str, Any] = {"bytes": bytes.fromhex, "float": float.fromhex, "int": lambda digits: int(digits, 16)}
    return readers[kind](value)  # type: ignore[no-any-return]  # bytes, float or int
