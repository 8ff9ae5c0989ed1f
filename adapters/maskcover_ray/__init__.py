"""The launcher `maskcover.Ray`: shards are made by tasks of Ray, and this process writes their rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import ray

from maskcover.errors import InvalidInput
from maskcover.runs.driving import LOG
from maskcover.runs.launchers import Ray
from maskcover.runs.launching import Terms, Work, launch_on
from maskcover.runs.spec import RunSpec
from maskcover_ray.pool import Needs, RayPool, expect_room

__all__ = ["Needs", "RayPool", "launch"]

_VARIABLES = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
"""Of the environment, for a cluster that this process starts: workers are as important as a plain process would be."""
_STORE = 100_000_000
"""Bytes for the objects of a cluster that this process starts: the rows of a few shards."""


def launch(settings: Ray, spec: RunSpec, out: str | PathLike[str], progress: bool) -> None:
    """Make the missing shards of a run by tasks of Ray; see `maskcover.Ray`.

    Raises:
        InvalidInput: there is no such cluster, it has no room for a worker, or no node is left that may take part.
    """
    needs = Needs(settings.cpus_per_worker, settings.gpus_per_worker)
    with _connected(settings) as own:
        expect_room(needs, own=own)
        workers = settings.workers or needs.room()
        LOG.info("up to %d shards in work at once on %d nodes of Ray", workers, len(needs.nodes()))
        refused: dict[str, str] = {}
        folder = None if "working_dir" in (settings.runtime_env or {}) else str(Path.cwd())

        def open_pool(work: Work) -> RayPool[Any]:
            return RayPool(work, needs, folder, refused)

        launch_on(spec, out, open_pool, Terms(workers, settings.patience, progress))


@contextmanager
def _connected(settings: Ray) -> Iterator[bool]:
    """Be connected to a cluster while the block runs; whether it is one that this process started."""
    if ray.is_initialized():
        yield False
        return
    for name, value in _VARIABLES.items():
        os.environ.setdefault(name, value)
    address = settings.address or os.environ.get("RAY_ADDRESS")
    options: dict[str, Any] = {"runtime_env": dict(settings.runtime_env)} if settings.runtime_env else {}
    if address is None:
        options |= {"include_dashboard": False, "object_store_memory": _STORE}
        if settings.workers is not None:
            options["num_cpus"] = max(1, -int(-settings.workers * settings.cpus_per_worker // 1))
    else:
        options["address"] = address
    try:
        ray.init(logging_level="WARNING", **options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InvalidInput(
            f"cannot connect to Ray at {address or 'this machine'} ({error}); start it with: ray start --head"
        ) from error
    try:
        yield address is None
    finally:
        ray.shutdown()
