"""What tests of faults share: a data set, an undisturbed run, processes that are ended, and a cluster of Ray."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from tests.runs.faults.patient import write_data

ROOT = Path(__file__).parents[3]
COUNT, SHARD_SIZE = 160, 4
SHARDS = COUNT // SHARD_SIZE
LONG = os.environ.get("MASKCOVER_FAULTS") == "long"
"""Whether faults are tried more often, which takes a quarter of an hour."""
STORE = 80_000_000
"""Bytes for the objects of a node."""
LONGEST = 180.0
"""Seconds after which a process has failed."""
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_worker_register_timeout_seconds": "120", "RAY_worker_niceness": "0", "PYTHONUNBUFFERED": "1",
}  # fmt: skip


def until(condition: Callable[[], Any], meanwhile: Callable[[], object] = lambda: None) -> Any:
    """Wait for a condition, and return what it is; something is done again and again meanwhile."""
    begin = time.monotonic()
    while not (value := condition()):
        assert time.monotonic() - begin < LONGEST, "nothing happened for too long"
        meanwhile()
        time.sleep(0.02)
    return value


@dataclass
class Site:
    """A place for runs: the data, the run that was left alone, and the processes of a test.

    Args:
        folder: For everything.
        environment: Variables for processes.
        tend: Done again and again while a process is waited for.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    tend: Callable[[], object] = lambda: None

    @property
    def data(self) -> Path:
        return self.folder / "data.npz"

    @property
    def alone(self) -> Path:
        return self.folder / "alone"

    def start(self, out: Path, **settings: Any) -> subprocess.Popen[str]:
        """Start a process that makes a run, or goes on with it."""
        log = out.with_name(f"{out.name}.{len(self.processes)}.log")
        with log.open("w") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.runs.faults.certify", str(self.data), str(out), json.dumps(settings)],
                cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT, text=True,
                env=os.environ | ENVIRONMENT | self.environment | {"LOG": str(log)},
            )  # fmt: skip
        self.processes.append(process)
        return process

    def finish(self, out: Path, code: int = 0, **settings: Any) -> str:
        """Run such a process to its end, which must be this exit code; what it said."""
        return self.end(self.start(out, **settings), out, code)

    def end(self, process: subprocess.Popen[str], out: Path, code: int = 0) -> str:
        """Wait for the end of a process; what it said."""
        until(lambda: process.poll() is not None, self.tend)
        text = out.with_name(f"{out.name}.{self.processes.index(process)}.log").read_text()
        assert process.returncode == code, text
        return text

    def said(self, process: subprocess.Popen[str], out: Path) -> str:
        """What a process has said until now."""
        return out.with_name(f"{out.name}.{self.processes.index(process)}.log").read_text()

    def expect_undisturbed(self, out: Path) -> None:
        """The run has the rows of the one that was left alone, each once, and nothing else lies in its folder."""
        assert (out / "run.json").read_bytes() == (self.alone / "run.json").read_bytes()
        names = [str(path.relative_to(self.alone)) for path in sorted(self.alone.rglob("*")) if path.is_file()]
        assert [str(path.relative_to(out)) for path in sorted(out.rglob("*")) if path.is_file()] == names
        ids: list[str] = []
        for name in names:
            if name.endswith(".parquet"):
                mine, theirs = content(out / name), content(self.alone / name)
                assert mine == theirs, name
                ids += [row["id"] for row in mine[1]]
        assert ids == [f"row/{number:06}" for number in range(COUNT)]

    def close(self) -> None:
        """End all processes."""
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()


def content(path: Path) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """What the file of a shard says, except for the seconds that it took."""
    table = pyarrow.parquet.ParquetFile(path).read()
    metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    return {key: value for key, value in metadata.items() if key != "seconds"}, table.to_pylist()


def shards(out: Path) -> int:
    """The number of shards that are there."""
    return len(list(out.glob("shards/[0-9]*.parquet")))


@pytest.fixture(scope="session", name="prepared")
def prepare(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The data, and the run that was left alone."""
    site = Site(tmp_path_factory.mktemp("faults"))
    write_data(site.data, COUNT)
    site.finish(site.alone)
    assert shards(site.alone) == SHARDS
    return site


@pytest.fixture(name="site")
def make_site(prepared: Site, tmp_path: Path) -> Iterator[Site]:
    """A site with the prepared data, where batches take a moment and processes leave notes of their numbers."""
    notes = tmp_path / "notes"
    notes.mkdir()
    site = Site(prepared.folder, {"PATIENT_SECONDS": "0.02", "PATIENT_NOTES": str(notes)})
    yield site
    site.close()


@dataclass
class RayCluster:
    """A cluster of one head, which makes nothing, and nodes with workers."""

    cluster: Any
    nodes: dict[int, Any] = field(default_factory=dict)
    options: dict[int, dict[str, Any]] = field(default_factory=dict)
    count: int = 0

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def add(self, variables: Mapping[str, str], workers: int = 2) -> int:
        """A node more, with variables of the environment; its number for `remove`."""
        self.count += 1
        self.options[self.count] = {"num_cpus": workers, "object_store_memory": STORE, "env_vars": dict(variables)}
        self._start(self.count)
        return self.count

    def remove(self, number: int) -> None:
        """Kill the processes of a node."""
        del self.options[number]
        self.cluster.remove_node(self.nodes.pop(number), allow_graceful=False)

    def mend(self) -> None:
        """Start nodes again that ended by themselves, as those of Ray do when they start on a very busy machine."""
        for number, node in list(self.nodes.items()):
            if node.dead_processes():
                self.cluster.remove_node(node, allow_graceful=False)
                self._start(number)

    def _start(self, number: int) -> None:
        self.nodes[number] = patiently(lambda: self.cluster.add_node(**self.options[number]))


def patiently(start: Callable[[], Any]) -> Any:
    """Start something of Ray, which gives up after half a minute on a busy machine; then once more, and once more."""
    for _ in range(2):
        with suppress(Exception):
            return start()
    return start()


@pytest.fixture(scope="session", name="head")
def start_head() -> Iterator[RayCluster]:
    """A cluster without a worker."""
    pytest.importorskip("ray")
    folder = tempfile.mkdtemp(prefix="mc", dir="/tmp")
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        for name, value in (ENVIRONMENT | {"RAY_TMPDIR": folder, "PYTHONPATH": path}).items():
            patch.setenv(name, value)
        from ray.cluster_utils import Cluster

        options = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
        cluster = patiently(lambda: Cluster(initialize_head=True, head_node_args=options))
        try:
            yield RayCluster(cluster)
        finally:
            cluster.shutdown()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(name="ray_cluster")
def empty_cluster(head: RayCluster, site: Site) -> Iterator[RayCluster]:
    """The cluster, whose nodes are removed after the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        site.tend = head.mend
        yield head
        for node in list(head.nodes):
            head.remove(node)
