"""Digests of content: equal for equal content, in every process, and different for different content."""

from __future__ import annotations

import functools
import pickle
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays, scalar_dtypes
from scipy import sparse

import maskcover as mc
from maskcover import FingerprintMismatch
from maskcover.classifiers.content import content_digest, function_identity

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@given(PLAIN | arrays(scalar_dtypes(), (2, 3)))
def test_a_copy_has_the_same_digest(value: Any) -> None:
    copy = pickle.loads(pickle.dumps(value))  # noqa: S301  # our own
    assert content_digest(copy) == content_digest(value)
    assert content_digest(copy, whole=True) == content_digest(value, whole=True)


@given(PLAIN, PLAIN)
def test_digests_are_equal_exactly_when_what_is_written_is(one: Any, other: Any) -> None:
    assert (content_digest(one) == content_digest(other)) == (repr(one) == repr(other))


RECORDS = np.zeros(3, np.dtype([("small", "u1"), ("large", "f8")], align=True))


def padded(filling: int) -> Any:
    """The same records with something else between their fields."""
    found = np.frombuffer(bytes([filling]) * RECORDS.nbytes, RECORDS.dtype).copy()
    found["small"], found["large"] = 1, 2.0
    return found


def cycle(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name}
    found["self"] = [found]
    return found


def coo(order: list[int]) -> Any:
    data, row, column = np.array([1.0, 2.0, 3.0]), np.array([0, 1, 1]), np.array([1, 0, 1])
    return sparse.coo_array((data[order], (row[order], column[order])), shape=(2, 2))


EQUAL: dict[str, tuple[Any, Any]] = {
    "bytes between fields": (padded(0), padded(255)),
    "rows and columns first": (np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3))),
    "sets": ({"a", "b", "c"}, {"c", "b", "a"}),
    "a cycle": (cycle("a"), cycle("a")),
    "entries in another order": (coo([0, 1, 2]), coo([2, 0, 1])),
    "locks": ([threading.Lock()], [threading.Lock()]),
    "the order of bytes": (np.arange(3, dtype=">i4"), np.arange(3, dtype="<i4")),
    "equal texts, shared or not": (["ab", "ab"], ["ab", "".join(["a", "b"])]),
}
DIFFERENT: dict[str, tuple[Any, Any]] = {
    "a field": (padded(0), RECORDS),
    "dtypes": (np.zeros(2, np.float32), np.zeros(2)),
    "shapes": (np.zeros((2, 3)), np.zeros((3, 2))),
    "a list and a tuple": ([1], (1,)),
    "one, true and a float": (1, True),
    "a number and its text": (1, "1"),
    "a cycle": (cycle("a"), cycle("b")),
    "an entry": (coo([0, 1, 2]), coo([0, 1, 2]) * 2),
    "an object in an array": (np.array([None, "a"], object), np.array([None, "b"], object)),
    "what is missing": (np.ma.masked_array([1, 2], [False, True]), np.ma.masked_array([1, 2], [True, False])),
    "the order of entries": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "the kind of a mapping": ({"a": 1}, OrderedDict(a=1)),
    "functions": (np.tanh, np.sinh),
    "dtypes by themselves": (np.dtype("f4"), np.dtype("f8")),
    "an argument": (functools.partial(np.clip, a_min=0), functools.partial(np.clip, a_min=1)),
}


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("one", "other"), EQUAL.values(), ids=EQUAL)
def test_what_does_not_count(one: Any, other: Any, whole: bool) -> None:
    assert content_digest(one, whole=whole) == content_digest(other, whole=whole)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_what_counts(one: Any, other: Any, whole: bool) -> None:
    assert content_digest(one, whole=whole) != content_digest(other, whole=whole)


SCALE, WEIGHTS = 2.0, np.array([1.0, 2.0])


def helped(images: Any) -> Any:
    return np.stack([images.mean(axis=(1, 2)), 1 - images.mean(axis=(1, 2))], axis=1)


def scores(images: Any, shift: float = 0.0) -> Any:
    return helped(images) * SCALE * WEIGHTS + shift


def closing(scale: float) -> Callable[[Any], Any]:
    return lambda images: helped(images) * scale


class Scorer:
    """An object that can be called, with weights of its own."""

    bias = 0.5

    def __init__(self, weights: Any) -> None:
        self.weights = weights

    def __call__(self, images: Any) -> Any:
        return helped(images) * self.weights + self.bias

    def method(self, images: Any) -> Any:
        return self(images)


class Doubled(Scorer):
    def __call__(self, images: Any) -> Any:
        return 2 * helped(images) * self.weights + self.bias


def edited(function: Any, old: Any, new: Any) -> Any:
    """The function with another constant, as if its text had been edited."""
    code = function.__code__
    constants = tuple(new if one == old and type(one) is type(old) else one for one in code.co_consts)
    assert constants != code.co_consts
    return FunctionType(code.replace(co_consts=constants), function.__globals__, function.__name__)


def shifted(shift: float) -> Any:
    """`scores` with another default."""
    return FunctionType(scores.__code__, globals(), "scores", (shift,))


FUNCTIONS: dict[str, tuple[Any, Any, str]] = {
    "its code": (helped, edited(helped, 1, 3), "function code"),
    "a default": (scores, shifted(1.0), "function shift: 1.0, not 0.0"),
    "what it closes over": (closing(1.0), closing(2.0), "function scale: 2.0, not 1.0"),
    "an argument by name": (
        functools.partial(scores, shift=1.0), functools.partial(scores, shift=2.0), "function shift: 2.0, not 1.0",
    ),
    "an argument by place": (
        functools.partial(lambda scale, images: helped(images) * scale, 1.0),
        functools.partial(lambda scale, images: helped(images) * scale, 2.0), "function argument 0: 2.0, not 1.0",
    ),
    "weights of an object": (Scorer(WEIGHTS), Scorer(-WEIGHTS), "function weights: sha256"),
    "the object of a method": (Scorer(WEIGHTS).method, Scorer(-WEIGHTS).method, "function self: sha256"),
    "the class of an object": (Scorer(WEIGHTS), Doubled(WEIGHTS), "function code"),
    "a cached function": (
        functools.lru_cache(closing(1.0)), functools.lru_cache(closing(2.0)), "function scale: 2.0, not 1.0",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("one", "other", "named"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_what_a_function_carries_is_named(one: Any, other: Any, named: str) -> None:
    assert function_identity(one) == function_identity(one)
    mine, theirs = function_identity(one), function_identity(other)
    differences = [
        f"{name}: {theirs.get(name)}, not {mine.get(name)}" for name in mine if mine[name] != theirs.get(name)
    ]
    assert any(text.startswith(named) for text in differences), differences


def test_constants_and_functions_of_the_module_count(monkeypatch: pytest.MonkeyPatch) -> None:
    before = function_identity(scores)
    assert before["function SCALE"] == "2.0"
    monkeypatch.setitem(globals(), "SCALE", 3.0)
    assert function_identity(scores)["function SCALE"] == "3.0"
    monkeypatch.setitem(globals(), "helped", edited(helped, 1, 3))
    assert function_identity(scores)["function helped"] != before["function helped"]
    WEIGHTS[0] = 5.0
    try:
        assert function_identity(scores)["function WEIGHTS"] != before["function WEIGHTS"]
    finally:
        WEIGHTS[0] = 1.0


def test_a_function_that_was_changed_is_not_served() -> None:
    masks, images = mc.cover(mc.squares(size=1), 4, grid=(2, 2)), np.random.default_rng(0).random((2, 4, 4))
    result = mc.certify(closing(1.0), images, [0, 1], masks)
    assert mc.defend(closing(1.0), result)(list(images)) == result.defended.tolist()
    with pytest.raises(FingerprintMismatch, match=r"function scale: -1\.0, not 1\.0"):
        mc.defend(closing(-1.0), result)


def test_names_and_places_of_functions_do_not_count() -> None:
    moved = FunctionType(helped.__code__.replace(co_filename="elsewhere.py", co_firstlineno=7), globals(), "helped")
    assert function_identity(moved) == function_identity(helped)


PROGRAM = """
import functools, sys
import numpy as np
from maskcover.classifiers.content import content_digest, function_identity

class Scorer:
    names = frozenset({"a", "b", "c"})
    def __init__(self): self.weights = {"one": np.arange(3.0), "set": {"x", "y", "z"}}
    def __call__(self, images): return images in {"p", "q", "r"}

def closing(scale): return lambda images: images * scale if scale in {"s", "t", "u"} else Scorer()

print(function_identity(Scorer()), function_identity(closing("s")))
print(content_digest([Scorer(), functools.partial(max, 1)]))
"""


def test_other_processes_say_the_same() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(found) == 1
    assert "sha256" in found.pop()
