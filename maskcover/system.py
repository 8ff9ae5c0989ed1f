"""Calls that only some operating systems offer: locks on folders, ending a process, cores of this process.

Every other module is written with what Python offers everywhere; tests/test_portable.py reads the sources for it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process or thread at a time run the block for a folder; where there are no such locks, all of them.

    The lock is on the folder itself, and goes with the process that holds it.
    """
    try:
        import fcntl
    except ImportError:
        yield  # on Windows
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file server without such locks
            fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def sync_folder(folder: Path) -> None:
    """Make the name of a new file last, where the system can; on Windows a folder cannot be opened."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def discard_stdout() -> None:
    """Discard the rest of stdout: nobody reads it, and Python would fail again when it flushes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def available_cores() -> int:
    """The number of CPU cores that this process may use; all of the machine where the system does not tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def end_process(number: int) -> None:
    """End a process of this machine at once, without a chance to clean up.

    Args:
        number: The process id.

    Raises:
        OSError: There is no such process, or it belongs to somebody else.
    """
    # Windows has no SIGKILL; there SIGTERM ends a process in the same way.
    os.kill(number, getattr(signal, "SIGKILL", signal.SIGTERM))
