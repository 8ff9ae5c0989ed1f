"""Plain processes on one folder, disturbed: killed, stopped, short of disk, with a clock set back, or slow."""

from __future__ import annotations

import random
import signal
from functools import partial
from pathlib import Path

import pytest

from tests.runs.faults.conftest import LONG, SHARDS, Site, shards, until

pytestmark = pytest.mark.faults


def has(out: Path, least: int) -> bool:
    """Whether some shards are there."""
    return shards(out) >= least


def test_processes_that_are_killed_at_random_moments_leave_a_run_that_goes_on(site: Site, tmp_path: Path) -> None:
    out, chance = tmp_path / "out", random.Random(0)  # noqa: S311 (moments, not secrets)
    moments = sorted(chance.sample(range(1, SHARDS - 4), 30 if LONG else 5))
    for moment in moments:
        pair = [site.start(out), site.start(out)]
        until(partial(has, out, moment))
        for process in pair:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert shards(out) < SHARDS, "killed in the middle"
    site.finish(out)
    site.expect_undisturbed(out)


def test_the_shard_of_a_process_that_hangs_is_taken_over(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "out"
    hanging = site.start(out, patience=3)
    until(lambda: shards(out) >= 3)
    hanging.send_signal(signal.SIGSTOP)
    site.finish(out, patience=3)
    site.expect_undisturbed(out)
    hanging.send_signal(signal.SIGCONT)  # it wakes up, and does no harm
    site.end(hanging, out)
    site.expect_undisturbed(out)


def test_a_disk_that_fills_stops_the_run_which_goes_on_when_there_is_room(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "No space left on device" in site.finish(out, 1, full=40)
    assert 0 < shards(out) < SHARDS
    assert not list(out.rglob("*.lease"))
    site.finish(out)
    site.expect_undisturbed(out)


def test_a_clock_that_is_set_back_changes_nothing(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "out"
    site.environment["PATIENT_CLOCK"] = "back"
    pair = [site.start(out, patience=20), site.start(out, patience=20)]
    said = [site.end(process, out) for process in pair]
    assert any("the clock was set back" in text for text in said)
    site.expect_undisturbed(out)


def test_a_process_that_is_twenty_times_as_slow_keeps_its_shard_and_holds_up_nobody(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "out"
    site.environment["PATIENT_SLOW"] = str(tmp_path / "slow")
    slow = site.start(out, patience=20)
    until(lambda: list(out.rglob("*.lease")))
    site.finish(out, patience=20)
    site.end(slow, out)
    site.expect_undisturbed(out)
