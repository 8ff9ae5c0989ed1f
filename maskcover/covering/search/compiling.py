"""Has the fast search compiled by another process, so that time limits hold the first time on a machine too.

Numba cannot be interrupted while it compiles, which takes 10 seconds or, on a busy machine, far longer; but it keeps
what it compiled on disk, where this process finds it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache

_PROGRAM = "from maskcover.covering.search.restarts import warm_up; warm_up()"
_BETWEEN_LOOKS = 0.02  # seconds


def is_compiled_in_time(is_over: Callable[[], bool]) -> bool:
    """Wait until the fast search is on disk; False if time is over before, or if it cannot be compiled.

    What was begun goes on, for the next search.
    """
    process = _compiling()
    while process is not None and process.poll() is None:
        if is_over():
            return False
        time.sleep(_BETWEEN_LOOKS)
    return process is not None and process.returncode == 0


@cache
def _compiling() -> subprocess.Popen[bytes] | None:
    """The process that compiles, once for this one; None where no process can be started."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    silent = subprocess.DEVNULL
    try:
        return subprocess.Popen(  # noqa: S603  # this Python, with a text from above
            [sys.executable, "-c", _PROGRAM], env=environment, stdin=silent, stdout=silent, stderr=silent
        )
    except OSError:
        return None
