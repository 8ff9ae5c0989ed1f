"""The process that faults happen to: make a run, or go on with it, here or by a launcher.

    python -m tests.runs.faults.certify DATA OUT '{"launcher": "ray", "workers": 2}'

With "full": N the disk is full from the N-th file on that is written to it. With "patience": S and no launcher, leases
are taken over after S seconds.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

from maskcover import open_run
from maskcover.runs import run_spec
from maskcover.runs.launchers import launcher_of
from maskcover.runs.leases import Leases
from maskcover.runs.making import make_shards
from tests.runs.faults.patient import spec_of


def fill_disk(files: int) -> None:
    """Let the disk be full from some file on."""
    original, count = os.fsync, 0

    def fsync(fd: Any) -> None:
        nonlocal count
        count += 1
        if count > files:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        original(fd)

    os.fsync = fsync


def main(data: str, out: str, settings: dict[str, Any]) -> None:
    """Make the run."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    fill_disk(settings.pop("full", sys.maxsize))
    name, spec = settings.pop("launcher", None), spec_of(Path(data))
    if name is None and "patience" in settings:
        make_shards(open_run(spec, out), progress=False, leases=Leases(Path(out) / "shards", settings["patience"]))
    launcher = None if name is None else launcher_of(name, settings)
    print(run_spec(spec, out, launcher=launcher), flush=True)


if __name__ == "__main__":
    # Started in the background of a shell, a process ignores Ctrl-C, and so do those that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
