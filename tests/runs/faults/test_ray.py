"""Runs under Ray, disturbed: workers, drivers and nodes that die, hang, differ or are slow."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.runs.faults.conftest import LONG, SHARDS, RayCluster, Site, shards, until

pytest.importorskip("ray")
pytestmark = pytest.mark.faults


def workers(site: Site) -> list[int]:
    """The numbers of the processes that have loaded the model, and are still there; drivers load none."""
    numbers = [int(name) for name in os.listdir(site.environment["PATIENT_NOTES"])]  # noqa: PTH208 (names only)
    return [number for number in numbers if Path(f"/proc/{number}/stat").exists()]


def in_work(site: Site, out: Path, least: int) -> bool:
    """Whether some shards are there, and some worker."""
    return shards(out) >= least and bool(workers(site))


def settings(ray_cluster: RayCluster, **more: Any) -> dict[str, Any]:
    """Those of a process that launches on the cluster."""
    return {"launcher": "ray", "workers": 2, "address": ray_cluster.address} | more


def send(number: int, name: signal.Signals) -> None:
    """Send a signal to a process, which may be gone by now."""
    with suppress(ProcessLookupError):
        os.kill(number, name)


def test_workers_and_drivers_that_are_killed_at_random_moments(
    site: Site, ray_cluster: RayCluster, tmp_path: Path
) -> None:
    out, chance = tmp_path / "out", random.Random(0)  # noqa: S311 (moments, not secrets)
    ray_cluster.add(site.environment)
    moments = sorted(chance.choices(range(SHARDS - 4), k=30))
    with_driver = set(range(30)) if LONG else {9, 21}
    driver = site.start(out, **settings(ray_cluster))
    for number, moment in enumerate(moments):
        until(partial(in_work, site, out, moment), site.tend)
        time.sleep(chance.uniform(0, 0.2))
        send(chance.choice(until(lambda: workers(site), site.tend)), signal.SIGKILL)
        if number in with_driver:
            assert driver.poll() is None, site.end(driver, out)
            driver.kill()
            driver.wait()
            driver = site.start(out, **settings(ray_cluster))
    said = site.end(driver, out)
    assert "was lost with shard" in said
    site.expect_undisturbed(out)


def test_a_node_that_is_killed_and_started_again(site: Site, ray_cluster: RayCluster, tmp_path: Path) -> None:
    out = tmp_path / "out"
    node = ray_cluster.add(site.environment)
    driver = site.start(out, **settings(ray_cluster))
    for least in (5, 15):
        until(partial(in_work, site, out, least), site.tend)
        ray_cluster.remove(node)
        node = ray_cluster.add(site.environment)
    assert "was lost with shard" in site.end(driver, out)
    site.expect_undisturbed(out)


def test_a_worker_that_hangs_is_left_behind_and_ended(site: Site, ray_cluster: RayCluster, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ray_cluster.add(site.environment)
    driver = site.start(out, **settings(ray_cluster, patience=20))
    until(lambda: shards(out) >= 4, site.tend)
    stopped = workers(site)[0]
    send(stopped, signal.SIGSTOP)
    said = site.end(driver, out)
    assert "another worker gets it too" in said
    site.expect_undisturbed(out)


def test_a_worker_that_is_twenty_times_as_slow(site: Site, ray_cluster: RayCluster, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ray_cluster.add(site.environment | {"PATIENT_SLOW": str(tmp_path / "slow")})
    site.finish(out, **settings(ray_cluster, patience=10))
    assert (tmp_path / "slow").exists()
    site.expect_undisturbed(out)


def test_a_worker_of_another_fingerprint_is_refused_and_its_shards_go_elsewhere(
    site: Site, ray_cluster: RayCluster, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    good = ray_cluster.add(site.environment, 1)
    driver = site.start(out, **settings(ray_cluster))
    until(lambda: shards(out) >= 2, site.tend)
    ray_cluster.add(site.environment | {"PATIENT_WEIGHTS": "others"}, 1)
    said = site.end(driver, out)
    assert "takes no part in this run" in said
    assert said.count("takes no part in this run") == 1, "its node gets no more shards"
    assert said.count("sha256:") >= 2, "both fingerprints are named"
    site.expect_undisturbed(out)
    (out / "shards" / "00003.parquet").unlink()
    ray_cluster.remove(good)
    said = site.finish(out, 1, **settings(ray_cluster))
    assert "no node of the Ray cluster is left that may take part in this run" in said
    assert shards(out) == SHARDS - 1


def test_an_error_of_a_worker_costs_one_attempt_and_not_its_node(
    site: Site, ray_cluster: RayCluster, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ray_cluster.add(site.environment | {"PATIENT_FAILS": str(tmp_path / "fails")})
    said = site.finish(out, **settings(ray_cluster))
    assert "tried again: OSError: the device is busy" in said
    assert "takes no part in this run" not in said
    assert list((tmp_path / "fails").iterdir())
    site.expect_undisturbed(out)


def test_two_launchers_and_a_plain_process_share_a_run(site: Site, ray_cluster: RayCluster, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ray_cluster.add(site.environment, 3)
    together = [site.start(out, **settings(ray_cluster, workers=1)) for _ in range(2)]
    until(lambda: shards(out) >= 1, site.tend)
    together.append(site.start(out))
    for process in together:
        site.end(process, out)
    assert len(os.listdir(site.environment["PATIENT_NOTES"])) >= 3  # noqa: PTH208 (names only)
    site.expect_undisturbed(out)


def test_a_disk_that_fills_at_the_driver(site: Site, ray_cluster: RayCluster, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ray_cluster.add(site.environment)
    assert "No space left on device" in site.finish(out, 1, **settings(ray_cluster, full=40))
    assert 0 < shards(out) < SHARDS
    site.finish(out, **settings(ray_cluster))
    site.expect_undisturbed(out)


def test_begun_under_ray_gone_on_without_it_and_finished_under_ray(
    site: Site, ray_cluster: RayCluster, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    node = ray_cluster.add(site.environment)
    driver = site.start(out, **settings(ray_cluster))
    until(lambda: shards(out) >= 6, site.tend)
    driver.send_signal(signal.SIGINT)  # Ctrl-C
    assert driver.wait() != 0
    assert not list(out.rglob("*.lease")), "leases are given back"
    driver = site.start(out, **settings(ray_cluster))
    until(lambda: shards(out) >= 12, site.tend)
    driver.kill()
    driver.wait()
    ray_cluster.remove(node)
    alone = site.start(out)
    until(lambda: shards(out) >= 18, site.tend)
    alone.kill()
    alone.wait()
    pair = [site.start(out), site.start(out)]
    until(lambda: shards(out) >= 26, site.tend)
    for process in pair:
        process.kill()
        process.wait()
    assert shards(out) < SHARDS
    ray_cluster.add(site.environment)
    site.finish(out, **settings(ray_cluster))
    site.expect_undisturbed(out)
