"""Launchers: where the shards of a run are made, as values. Each is found through the group `maskcover.launchers`.

`Ray` hands shards to workers of a Ray cluster, `Slurm` starts jobs that take shards by lease. A launcher of another
distribution is an entry point of the group that names a class with the method `launch`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from maskcover.errors import InvalidInput, MissingExtra, install_hint
from maskcover.installed import entry_points
from maskcover.runs.spec import RunSpec
from maskcover.runs.starting import Launcher

GROUP = "maskcover.launchers"
LARGEST_COUNT = 10**6
"""The largest number of workers."""


@dataclass(frozen=True, slots=True)
class Ray:
    """Makes the shards of a run by tasks of Ray, and writes the rows in this process; needs the extra ``ray``.

    Workers load the model by its text and the images by theirs, so both must be there on every node; the folder of the
    run need not be. A worker with another fingerprint, such as another version of torch, is refused: its node gets no
    more shards, and the log has both fingerprints. Any other error costs a shard one of five attempts, and after three
    in a row a node gets no more shards. A worker that is lost costs the shards that it worked on, which others make.
    The folder is the same as without Ray: any process goes on with the run, and several launchers and plain processes
    may share it.

    Args:
        workers: The largest number of shards in work; by default what the cluster has room for at the start.
        gpus_per_worker: GPUs of each worker; 0.5 lets two workers share one.
        cpus_per_worker: CPU cores of each worker.
        address: The cluster: "auto" for the one on this machine, which ``ray start --head`` starts, or
            "ray-head:6379". By default that of the variable RAY_ADDRESS, else this machine alone.
        patience: Seconds after which a shard that did not come back is given to a second worker too; the first rows
            count. A worker that has not answered for three times as long is ended.
        runtime_env: Passed to `ray.init`, such as ``{"working_dir": "."}`` to send code to the workers.

    >>> Ray(workers=8, gpus_per_worker=1, address="auto").workers
    8
    """

    workers: int | None = None
    gpus_per_worker: float = 0
    cpus_per_worker: float = 1
    address: str | None = None
    patience: float = 1800.0
    runtime_env: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        _expect_workers(self.workers)
        _expect_numbers(
            gpus_per_worker=self.gpus_per_worker, cpus_per_worker=self.cpus_per_worker, patience=self.patience
        )
        if self.patience <= 0:
            raise InvalidInput(f"patience is a number of seconds above 0; got {self.patience!r}")

    def launch(self, spec: RunSpec, out: Path, progress: bool) -> None:
        """See `Launcher.launch`.

        Raises:
            MissingExtra: Ray is not installed.
            InvalidInput: there is no such cluster; or no node is left that may take part.
        """
        _adapter("ray").launch(self, spec, out, progress)


@dataclass(frozen=True, slots=True)
class Slurm:
    """Makes the shards of a run by jobs of SLURM, which take them by lease; needs the extra ``slurm`` (submitit).

    The folder of the run must lie where all nodes see it. Jobs that are preempted or reach their time limit are started
    again. This process waits for them, and Ctrl-C cancels them; the same call goes on with the run.

    Args:
        workers: The number of jobs.
        gpus_per_worker: GPUs of each job.
        cpus_per_worker: CPU cores of each job.
        hours: The time limit of a job.
        options: More options of submitit, such as ``{"slurm_partition": "gpu", "slurm_account": "lab"}``.
        cluster: "slurm", or "local" for processes of this machine, to try things out; by default what there is.
        logs: The folder for the logs of jobs; by default beside the run, with ".slurm" after its name.

    >>> Slurm(workers=16, gpus_per_worker=1, options={"slurm_partition": "gpu"}).hours
    24.0
    """

    workers: int = 1
    gpus_per_worker: int = 0
    cpus_per_worker: int = 1
    hours: float = 24.0
    options: Mapping[str, Any] = field(default_factory=dict)
    cluster: str | None = None
    logs: str | None = None

    def __post_init__(self) -> None:
        _expect_workers(self.workers)
        _expect_numbers(gpus_per_worker=self.gpus_per_worker, cpus_per_worker=self.cpus_per_worker, hours=self.hours)

    def launch(self, spec: RunSpec, out: Path, progress: bool) -> None:
        """See `Launcher.launch`.

        Raises:
            MissingExtra: submitit is not installed.
            RunStopped: all jobs ended, and shards are missing.
        """
        _adapter("slurm").launch(self, spec, out, progress)


KINDS: Mapping[str, type[Ray] | type[Slurm]] = {"ray": Ray, "slurm": Slurm}
"""The launchers of maskcover, by the names that `--launcher` takes."""


def launcher_of(name: str, options: Mapping[str, Any]) -> Launcher:
    """The launcher of a name, as `--launcher` takes it, with its options.

    Args:
        name: "ray", "slurm", or the name of an entry point of the group `maskcover.launchers`.
        options: Arguments of its class.

    Raises:
        InvalidInput: there is no such launcher, or it has no such option.

    >>> launcher_of("ray", {"workers": 2}).workers
    2
    >>> launcher_of("rey", {})
    Traceback (most recent call last):
    maskcover.errors.InvalidInput: there is no launcher rey; expected one of: ray, slurm
    """
    kind: Any = KINDS.get(name)
    if kind is None:
        entries = {entry.name: entry for entry in entry_points(group=GROUP)}
        if name not in entries:
            names = ", ".join(sorted({*KINDS, *entries}))
            raise InvalidInput(f"there is no launcher {name}; expected one of: {names}")
        kind = entries[name].load()
    try:
        launcher: Launcher = kind(**options)
    except TypeError as error:
        raise InvalidInput(f"--launcher {name}: {error}") from error
    return launcher


def _adapter(name: str) -> Any:
    """The module behind one of the launchers of maskcover."""
    entry: EntryPoint | None = next((entry for entry in entry_points(group=GROUP) if entry.name == name), None)
    if entry is None:
        raise MissingExtra(f"the launcher {name} is not installed; {install_hint(name)}")
    try:
        return entry.load()
    except ImportError as error:
        raise MissingExtra(f"the launcher {name} cannot be imported ({error}); {install_hint(name)}") from error


def _expect_workers(workers: object) -> None:
    if workers is not None and (type(workers) is not int or not 1 <= workers <= LARGEST_COUNT):
        raise InvalidInput(f"workers is a whole number from 1 to {LARGEST_COUNT:,}; got {workers!r}")


def _expect_numbers(**numbers: object) -> None:
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < float("inf"):
            raise InvalidInput(f"{name} is a number from 0 on; got {number!r}")
