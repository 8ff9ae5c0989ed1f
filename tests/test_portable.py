"""Calls that only some operating systems offer stand in one module, `maskcover.system`; here the sources are read."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from maskcover.system import available_cores, end_process, locked

ROOT = Path(__file__).parent.parent
HOME = ROOT / "maskcover/system.py"
SOURCES = sorted(path for top in ("maskcover", "adapters") for path in (ROOT / top).rglob("*.py"))
MODULES = {"fcntl", "grp", "msvcrt", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty", "winreg"}
OF_OS = {
    "fork", "forkpty", "getgid", "getloadavg", "getpgid", "getuid", "kill", "killpg", "mkfifo", "nice", "open",
    "posix_spawn", "sched_getaffinity", "sched_setaffinity", "setpgid", "setsid", "sync", "sysconf", "umask", "uname",
    "wait", "waitpid",
}  # fmt: skip
OF_SIGNAL = {"SIGALRM", "SIGHUP", "SIGKILL", "SIGQUIT", "SIGSTOP", "SIGUSR1", "SIGUSR2", "alarm", "setitimer"}


def offences(source: str) -> Iterator[str]:
    """What a source uses that some operating systems lack."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name in MODULES)
            case ast.ImportFrom(module=str(module), names=names):
                wrong = {"os": OF_OS, "signal": OF_SIGNAL}.get(module, set())
                yield from ([module] if module in MODULES else [])
                yield from (f"{module}.{name.name}" for name in names if name.name in wrong)
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in OF_OS or name.startswith("O_"):
                yield f"os.{name}"
            case ast.Attribute(value=ast.Name(id="signal"), attr=name) if name in OF_SIGNAL:
                yield f"signal.{name}"
            case _:
                pass


@pytest.mark.parametrize(
    ("source", "offence"),
    [
        ("import os\nos.fork()", "os.fork"),
        ("import os\nos.open('.', os.O_RDONLY)", "os.O_RDONLY"),
        ("def late():\n    import fcntl", "fcntl"),
        ("from signal import SIGKILL", "signal.SIGKILL"),
        ("from resource import getrusage", "resource"),
        ("import signal\nsignal.alarm(3)", "signal.alarm"),
    ],
)
def test_an_offence_is_seen(source: str, offence: str) -> None:
    assert offence in set(offences(source))


def test_only_one_module_calls_what_some_systems_lack() -> None:
    assert HOME in SOURCES
    assert {"fcntl", "os.kill"} <= set(offences(HOME.read_text(encoding="utf-8")))
    others = {path: set(offences(path.read_text(encoding="utf-8"))) for path in SOURCES if path != HOME}
    assert {path: names for path, names in others.items() if names} == {}


def test_where_there_are_no_locks_the_block_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)  # as on Windows: its import fails
    entered = False
    with locked(tmp_path):
        entered = True
    assert entered


def test_the_cores_are_counted_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 7)
    assert available_cores() == 7
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert available_cores() == 1


def test_a_process_is_ended_at_once() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    end_process(process.pid)
    assert process.wait(timeout=60) != 0
    assert process.stdin is not None
    process.stdin.close()
