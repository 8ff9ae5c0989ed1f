"""The launcher `maskcover.Slurm`: jobs of SLURM, each a plain process that takes shards by lease, through submitit."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import submitit
from tqdm.auto import tqdm

from maskcover.errors import RunStopped
from maskcover.runs.launchers import Slurm
from maskcover.runs.spec import RunSpec
from maskcover.runs.starting import run_spec
from maskcover.runs.stores import Place, place

__all__ = ["Job", "launch"]

LOG = logging.getLogger("maskcover.launcher")
_WAIT = 2.0
"""Seconds between two looks at the jobs."""
_RETRIES = 1000  # times that a job is started again after a time limit or a preemption


@dataclass(frozen=True, slots=True)
class Job:
    """The work of one job: make shards of a run, together with all other processes, until none is missing.

    Args:
        spec: The run, as JSON.
        out: Its folder.
        folder: The current folder of the process that launched it.
    """

    spec: Mapping[str, Any]
    out: str
    folder: str

    def __call__(self) -> None:
        """Make shards."""
        os.chdir(self.folder)
        run_spec(RunSpec.of(self.spec), self.out)

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """The same job again: submitit asks for it when SLURM preempts the job or its time is up."""
        return submitit.helpers.DelayedSubmission(self)


def launch(settings: Slurm, spec: RunSpec, out: str | PathLike[str], progress: bool) -> None:
    """Start jobs that make the missing shards of a run, and wait until all are there; see `maskcover.Slurm`.

    Raises:
        RunStopped: all jobs ended, and shards are missing; names the reason of the last one.
    """
    out = _absolute(place(out))
    logs = Path(settings.logs) if settings.logs else logs_of(out)
    executor = submitit.AutoExecutor(folder=logs, cluster=settings.cluster, slurm_max_num_timeout=_RETRIES)
    executor.update_parameters(
        name=f"maskcover {out.name}",
        timeout_min=max(1, round(settings.hours * 60)),
        gpus_per_node=settings.gpus_per_worker,
        cpus_per_task=settings.cpus_per_worker,
        tasks_per_node=1,
        **settings.options,
    )
    job = Job(spec.document(), str(out), str(Path.cwd()))
    with executor.batch():
        jobs = [executor.submit(job) for _ in range(settings.workers)]
    LOG.info("%d jobs with logs in %s", len(jobs), logs)
    try:
        _wait(jobs, progress)
    except BaseException:
        for started in jobs:
            started.cancel()
        raise


def logs_of(out: Place) -> Path:
    """The folder for the logs: beside the run, or in the current folder if that is in an object store.

    >>> print(logs_of(Path("/runs/first")))
    /runs/first.slurm
    """
    beside = out.parent if isinstance(out, Path) else Path.cwd()
    return beside / f"{out.name}.slurm"


def _absolute(out: Place) -> Place:
    return out.absolute() if isinstance(out, Path) else out


def _wait(jobs: Sequence[submitit.Job[None]], progress: bool) -> None:
    """Wait until one job saw the last shard done; the others end by themselves."""
    with tqdm(total=len(jobs), desc="jobs done", unit="job", disable=not progress) as bar:
        reasons: dict[str, str] = {}
        while True:
            done = [job for job in jobs if job.done()]
            bar.update(len(done) - bar.n)
            for job in done:
                if job.job_id not in reasons:
                    reasons[job.job_id] = _reason(job)
                    if reasons[job.job_id]:
                        LOG.warning("job %s ended: %s", job.job_id, reasons[job.job_id])
            if "" in reasons.values():
                for job in jobs:
                    if job.state == "PENDING":
                        job.cancel()
                return
            if len(done) == len(jobs):
                raise RunStopped(
                    f"all {len(jobs)} jobs ended before the run was finished; the last one: {[*reasons.values()][-1]}. "
                    f"Its log is {jobs[-1].paths.stderr}; the same command goes on"
                )
            time.sleep(_WAIT)


def _reason(job: submitit.Job[None]) -> str:
    """Why a job ended early; empty if it did not."""
    error = job.exception()
    if error is None:
        return ""
    lines = [line for line in str(error).splitlines() if line.strip()]
    ends = [number for number, line in enumerate(lines) if line.startswith("---")]  # of the traceback within
    return lines[ends[-1] - 1] if len(ends) > 1 else " ".join(lines[:1])
