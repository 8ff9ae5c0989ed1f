"""Compiling in another process: the search waits for it no longer than its time, and does without it if it fails."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from maskcover.covering.search import compiling
from maskcover.covering.search import fewer as module
from maskcover.covering.search.compiling import is_compiled_in_time
from maskcover.covering.search.fewer import fewer
from tests.covering.search.test_fewer import by_classes


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """Each test begins a process of its own."""
    compiling._compiling.cache_clear()
    yield
    compiling._compiling.cache_clear()


def begun(monkeypatch: pytest.MonkeyPatch, codes: list[int | None]) -> list[list[str]]:
    """Pretend processes that say these codes when they are looked at, None while they run; their command lines."""
    commands = list[list[str]]()

    def start(command: list[str], **_options: object) -> SimpleNamespace:
        commands.append(command)
        process = SimpleNamespace(returncode=None)

        def poll() -> int | None:
            code = process.returncode = codes.pop(0)
            return code

        process.poll = poll
        return process

    monkeypatch.setattr(compiling, "subprocess", SimpleNamespace(Popen=start, DEVNULL=subprocess.DEVNULL))
    monkeypatch.setattr(compiling, "_BETWEEN_LOOKS", 0)
    return commands


def test_it_is_waited_for_and_begun_once(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = begun(monkeypatch, [None, None, 0, 0])
    assert is_compiled_in_time(lambda: False)
    assert is_compiled_in_time(lambda: True)
    assert [command[0] for command in commands] == [sys.executable]


def test_time_ends_the_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    begun(monkeypatch, [None] * 9)
    looks = iter([False, False, True])
    assert not is_compiled_in_time(lambda: next(looks))
    assert next(looks, "none left") == "none left"


def test_a_failure_is_no_compiled_search(monkeypatch: pytest.MonkeyPatch) -> None:
    begun(monkeypatch, [None, 1])
    assert not is_compiled_in_time(lambda: False)


def test_where_no_process_starts_nothing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_command: object, **_options: object) -> object:
        raise OSError("not here")

    monkeypatch.setattr(compiling, "subprocess", SimpleNamespace(Popen=refuse, DEVNULL=subprocess.DEVNULL))
    assert not is_compiled_in_time(lambda: False)


def test_the_process_compiles() -> None:
    pytest.importorskip("numba")
    assert is_compiled_in_time(lambda: False)


def test_without_it_numpys_search_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    grid, shapes, start = by_classes(16, 0.06, 60)
    better = start[:-1]
    monkeypatch.setattr(module, "is_compiled", lambda *_: True)
    monkeypatch.setattr(module, "is_compiled_in_time", lambda is_over: is_over() or False)
    monkeypatch.setattr(module, "_compiled_covers", lambda *_: pytest.fail("it is not compiled"))
    monkeypatch.setattr(module, "_numpy_covers", lambda *_: iter([better]))
    assert fewer(grid, shapes, start, 60, time_limit=20) == better


def test_half_of_the_time_is_for_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = SimpleNamespace(now=10.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: seconds.now))
    clock = module._Clock(10.0, 30.0, SimpleNamespace(update=lambda _: None, n=0))  # type: ignore[arg-type]  # a bar
    halves = []
    for seconds.now in (10.0, 19.5, 20.0, 29.0, 31.0):
        halves.append((clock.is_half_over(), clock.is_over()))
    assert halves == [(False, False), (False, False), (True, False), (True, False), (True, True)]
