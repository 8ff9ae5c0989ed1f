"""Valid texts and documents, spoilt a little: what fuzz targets feed to readers."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

Document = dict[str, Any]
FUZZ = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "25")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    deadline=None,
)
"""How long to look: `FUZZ_EXAMPLES` for each target, few by default."""

ODD_WORDS = (
    *(
        "0",
        "-0",
        "-1",
        "00",
        "1e9",
        "1e-9",
        "1e99999999",
        "0.5",
        "0.1e1",
        "1_0",
        "0x2",
        "9" * 20,
        "2%",
        "1/3",
        "nan",
        "inf",
    ),
    *(
        '"1/3"',
        '"1/0"',
        '""',
        '"11/11"',
        '"11//11"',
        "True",
        "None",
        "()",
        "[]",
        "(1, 1)",
        "*",
        "**",
        "#",
        "\\",
        "lambda: 0",
    ),
    *("\n", " ", "\0", "é", "'", '"', "(", ")", "[", "]", ",", ", ", "=", "k=", "touching=True"),
    *("squares(size=2)", "union(", "patches(", "within(", "disc(diameter=3)"),
)
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3, 99, 2**39, 2**40, 2**41, 2**63, 2**80, 0.5, "", "0", "input", [], {}, [[]], [0],
    [0, 0, 1, 1], [[0, 0, 1, 1]], [[[0, 0, 1, 1]]], {"shape": []}, float("nan"),
)  # fmt: skip
_PARTS = re.compile(r"[A-Za-z_]+|[0-9.]+|\"[^\"]*\"|\s+|.", re.DOTALL)


@st.composite
def spoilt_texts(draw: st.DrawFn, texts: Sequence[str]) -> str:
    """A text with some of its words left out, doubled, swapped, or replaced by odd ones and by those of other texts."""
    parts = _PARTS.findall(draw(st.sampled_from(texts)))
    others = _PARTS.findall(draw(st.sampled_from(texts)))
    for _ in range(draw(st.integers(1, 4))):
        first, last = sorted((draw(st.integers(0, len(parts))), draw(st.integers(0, len(parts)))))
        new = draw(
            st.sampled_from(ODD_WORDS).map(lambda word: [word])
            | st.just([])
            | st.just(parts[first:last] * 2)
            | st.text(max_size=3).map(lambda word: [word])
            | st.integers(0, len(others)).map(lambda start: others[start : start + 6])
        )
        parts[first : draw(st.sampled_from((first, min(first + 1, len(parts)), last)))] = new
    return "".join(parts)


@st.composite
def spoilt_documents(draw: st.DrawFn, documents: Sequence[Document], digested: Callable[[Document], Document]) -> bytes:
    """A document with some of its values left out, doubled, swapped or replaced; mostly with a right digest."""
    document = copy.deepcopy(draw(st.sampled_from(documents)))
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(list(_places(document)) or [(document, "schema")]))
        change = draw(st.sampled_from(("replace", "replace", "nudge", "drop", "double", "other")))
        _change(draw, holder, key, change, document)
    text = json.dumps(digested(document) if draw(st.integers(0, 9)) else document)
    return _torn(draw, text.encode()) if draw(st.integers(0, 4)) == 0 else text.encode()


def _change(draw: st.DrawFn, holder: Any, key: Any, change: str, document: Document) -> None:
    value = holder[key]
    if change == "drop":
        del holder[key]
    elif change == "double" and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(value))
    elif change == "nudge" and type(value) is int:
        holder[key] = value + draw(st.sampled_from((-1, 1, 2)))
    elif change == "other":
        elsewhere, there = draw(st.sampled_from(list(_places(document))))
        holder[key] = copy.deepcopy(elsewhere[there])
    else:
        holder[key] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every value inside another one, by what holds it and where."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in list(items) for place in ((value, key), *_places(item))]


def _torn(draw: st.DrawFn, content: bytes) -> bytes:
    """Bytes with a stretch of them replaced."""
    first = draw(st.integers(0, len(content)))
    return content[:first] + draw(st.binary(max_size=4)) + content[first + draw(st.integers(0, 9)) :]
