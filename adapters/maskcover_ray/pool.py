"""Workers that are tasks of Ray: attempts are started, heard of and ended; nodes that cannot take part are left out."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import ray
from ray.exceptions import RayError, RayTaskError, TaskCancelledError

from maskcover.errors import InvalidInput
from maskcover.runs.driving import LOG, Begun, Erred, Lost, Made, News, Refused
from maskcover.runs.launching import ShardError, Work, refuses
from maskcover.runs.leases import Holder
from maskcover.system import end_process

Key = TypeVar("Key")
_NODE = "ray.io/node-id"  # the label that Ray gives each node
_GRACE = 30.0
"""Seconds for which a cluster may have no node but refused ones, since another one may be about to join."""
_MOST_ERRORS = 3
"""Errors on a node one after the other, without a shard that it made, after which it gets no more attempts."""
_MAX_CALLS = 256
"""Attempts after which a worker process ends, so that what a framework leaks is given back."""


@dataclass(frozen=True, slots=True)
class Worker:
    """The process that makes an attempt: its node by id and address, its number, and its name for leases."""

    node: str
    address: str
    number: int
    holder: Holder

    def __str__(self) -> str:
        return f"node {self.address} ({self.node[:8]}), process {self.number}"

    def kill(self) -> None:
        """End the process, from its node, if it is known to be still the same.

        In a container of its own its number is that of another process here.
        """
        if self.holder.is_here and not self.holder.lost:
            end_process(self.number)


@dataclass(frozen=True, slots=True)
class Needs:
    """The resources of one worker.

    Args:
        cpus: CPU cores.
        gpus: GPUs; fractions share one.
    """

    cpus: float
    gpus: float

    def nodes(self) -> dict[str, str]:
        """The nodes of the cluster that are alive and large enough, by their ids, with their addresses."""
        return {
            node["NodeID"]: node["NodeManagerAddress"]
            for node in ray.nodes()
            if node["Alive"]
            and node["Resources"].get("CPU", 0) >= self.cpus
            and node["Resources"].get("GPU", 0) >= self.gpus
        }

    def room(self) -> int:
        """The number of workers that the cluster has room for now; at least 1."""
        resources, needs = ray.cluster_resources(), {"CPU": self.cpus, "GPU": self.gpus}
        return max(1, min(int(resources.get(name, 0) // need) for name, need in needs.items() if need))

    def __str__(self) -> str:
        return f"{self.cpus:g} CPU and {self.gpus:g} GPU"


@dataclass(frozen=True, slots=True)
class Problem:
    """An error that a worker raised.

    Args:
        reason: Its class and text.
        refuses: Whether the worker cannot take part in the run; see `maskcover.runs.launching.refuses`.
    """

    reason: str
    refuses: bool


@dataclass(slots=True)
class _Started:
    """An attempt: its stream of items, first the worker and then what it made, and the worker once it is known."""

    stream: Any
    worker: Worker | None = None


@dataclass(slots=True, eq=False)
class RayPool(Generic[Key]):
    """Tasks of a cluster to which this process is connected; see `maskcover.runs.driving.Pool`.

    Args:
        work: Makes the results for some keys, one after the other; it travels to the workers.
        needs: The resources of a worker.
        folder: The current folder of the workers where it exists there; None to leave it.
        refused: The nodes that get no more attempts, by their ids, with the reasons.
    """

    work: Work
    needs: Needs
    folder: str | None
    refused: dict[str, str] = field(default_factory=dict)
    _shared: Any = None
    _started: dict[int, _Started] = field(default_factory=dict)
    _count: int = 0
    _none_since: float | None = None
    _errors: Counter[str] = field(default_factory=Counter)  # by node, since it last made a shard

    def start(self, keys: Sequence[Key]) -> int:
        """Give some shards to the next worker that is free; the number of this attempt.

        Where none is left that may take part, `news` raises `InvalidInput` after a while.
        """
        if self._shared is None:
            self._shared = ray.put(self.work)
        options: dict[str, Any] = {"num_cpus": self.needs.cpus, "num_gpus": self.needs.gpus}
        if self.refused:
            options["label_selector"] = {_NODE: f"!in({','.join(self.refused)})"}
        self._count += 1
        self._started[self._count] = _Started(_ATTEMPT.options(**options).remote(self._shared, list(keys), self.folder))
        return self._count

    def news(self, seconds: float) -> Iterator[News]:
        """What became of attempts; waits for something for some seconds."""
        numbers = {started.stream: number for number, started in self._started.items()}
        if not numbers:
            time.sleep(seconds)  # other processes have all the shards that are left
            return
        ready, waiting = ray.wait(list(numbers), num_returns=1, timeout=seconds, fetch_local=False)
        if not ready and self.refused:
            self._expect_nodes()
        if ready and waiting:
            ready += ray.wait(waiting, num_returns=len(waiting), timeout=0, fetch_local=False)[0]
        for stream in ready:
            if numbers[stream] in self._started:
                yield self._news_of(numbers[stream])

    def stop(self, attempt: int) -> None:
        """End an attempt; a worker that does not even listen any more is killed by a task on its node."""
        started = self._started.pop(attempt, None)
        if started is None:
            return
        ray.cancel(started.stream, force=True)
        if started.worker is not None:
            on_its_node = {_NODE: started.worker.node}
            _KILL.options(label_selector=on_its_node).remote(started.worker)

    def _news_of(self, number: int) -> News:
        started = self._started[number]
        try:
            item = ray.get(next(started.stream))
        except RayTaskError as error:
            raise InvalidInput(
                f"the workers of Ray cannot run maskcover ({_short(error)}); install the same version of it and of the "
                "model's framework on every node"
            ) from error
        except (RayError, StopIteration) as error:
            del self._started[number]
            return Lost(number, _short(error))
        if isinstance(item, Worker):
            started.worker = item
            return Begun(number, str(item))
        if isinstance(item, Problem):
            del self._started[number]
            return self._error(number, started.worker, item)
        if started.worker is not None:
            del self._errors[started.worker.node]
        return Made(number, *item)

    def _error(self, number: int, worker: Worker | None, problem: Problem) -> News:
        """The news of an error: its node is left out if it cannot take part, or if nothing but errors come from it."""
        if worker is None:
            return Lost(number, problem.reason)
        self._errors[worker.node] += 1
        if problem.refuses or self._errors[worker.node] >= _MOST_ERRORS:
            self.refused.setdefault(worker.node, problem.reason)
            return Refused(number, str(worker), problem.reason)
        return Erred(number, str(worker), problem.reason)

    def _expect_nodes(self) -> None:
        """Raise `InvalidInput` if for some time there was no node but those that were refused."""
        now, left = time.monotonic(), self.needs.nodes().keys() - self.refused.keys()
        if left:
            self._none_since = None
        elif self._none_since is None:
            self._none_since = now
        elif now - self._none_since >= _GRACE:
            reasons = "; ".join(dict.fromkeys(self.refused.values()))
            raise InvalidInput(
                f"no node of the Ray cluster is left that may take part in this run; {len(self.refused)} refused: "
                f"{reasons}"
            )


def expect_room(needs: Needs, *, own: bool) -> None:
    """Raise an error where no node is large enough for a worker; in a cluster that may grow, log that it is waited for.

    Args:
        needs: The resources of a worker.
        own: Whether the cluster is this machine alone, started by this process.
    """
    if needs.nodes():
        return
    if own:
        raise InvalidInput(f"a worker needs {needs}, and this machine has less; ask for less, or name a cluster")
    LOG.warning("no node of the Ray cluster has %s now; waiting for one", needs)


def _attempt(work: Work, keys: Sequence[Any], folder: str | None) -> Iterator[Any]:
    """Give the `Worker` that this process is; then keys with their results, or a `Problem`."""
    context = ray.get_runtime_context()
    yield Worker(context.get_node_id(), ray.util.get_node_ip_address(), os.getpid(), Holder.this())
    if folder is not None and os.path.isdir(folder):  # noqa: PTH112 (a path of another machine)
        os.chdir(folder)
    try:
        yield from work(keys)
    except Exception as error:
        reason = str(error) if isinstance(error, ShardError) else f"{type(error).__name__}: {error}"
        yield Problem(reason, refuses(error))


_ATTEMPT = ray.remote(max_calls=_MAX_CALLS, max_retries=0, num_returns="streaming")(_attempt)
_KILL = ray.remote(num_cpus=0, max_retries=0)(Worker.kill)


def _short(error: BaseException) -> str:
    """The first line of an error of Ray; its texts go on for pages."""
    if isinstance(error, TaskCancelledError):
        return "the task was cancelled"
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"
