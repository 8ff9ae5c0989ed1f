"""Launchers as values, on the command line, and where they are not installed."""

from __future__ import annotations

import re
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

import maskcover as mc
from maskcover.cli import main
from maskcover.runs import RunSpec, launchers
from maskcover.runs.launchers import launcher_of
from maskcover.runs.shard_sizes import shard_size_for


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"workers": 0}, "workers is a whole number from 1 to 1,000,000; got 0"),
        ({"workers": 2.5}, "got 2.5"),
        ({"workers": True}, "got True"),
        ({"gpus_per_worker": -1}, "gpus_per_worker is a number from 0 on; got -1"),
        ({"gpus_per_worker": "1"}, "got '1'"),
        ({"patience": 0}, "patience is a number of seconds above 0; got 0"),
        ({"patience": float("nan")}, "patience is a number from 0 on; got nan"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(mc.InvalidInput, match=message):
        mc.Ray(**arguments)


def test_an_option_that_a_launcher_does_not_have_is_refused() -> None:
    with pytest.raises(mc.InvalidInput, match=r"--launcher slurm: .*'address'"):
        launcher_of("slurm", {"address": "auto"})


def test_a_launcher_of_another_distribution_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("pair", "fractions:Fraction", launchers.GROUP)
    monkeypatch.setattr(launchers, "entry_points", lambda group: [entry] if group == launchers.GROUP else [])
    assert str(launcher_of("pair", {"numerator": 3})) == "3"


@pytest.mark.parametrize("launcher", [mc.Ray(workers=1), mc.Slurm(workers=1)])
def test_a_launcher_that_is_not_installed_says_what_to_install(
    launcher: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = type(launcher).__name__.lower()
    entry = EntryPoint(name, "maskcover_nowhere", launchers.GROUP)
    monkeypatch.setattr(launchers, "entry_points", lambda group: [entry] if group == launchers.GROUP else [])
    with pytest.raises(mc.MissingExtra, match=rf"the launcher {name} cannot be imported .*\[{name}\]"):
        launcher.launch(RunSpec("numpy:sum", "nowhere"), tmp_path, False)
    monkeypatch.setattr(launchers, "entry_points", lambda **_: [])
    with pytest.raises(mc.MissingExtra, match=rf"the launcher {name} is not installed.*\[{name}\]"):
        launcher.launch(RunSpec("numpy:sum", "nowhere"), tmp_path, False)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["--workers", "2"], "--workers is for launchers; add --launcher ray or --launcher slurm"),
        (["--launcher", "ray"], "--launcher is for runs; add --out RUN"),
        (["--launcher", "rey", "--out", "RUN"], "there is no launcher rey; expected one of: ray, slurm"),
        (["--launcher", "ray", "--out", "RUN", "--shard", "0/2"], "a launcher hands out all shards"),
        (["--launcher", "ray", "--out", "RUN", "--launcher-option", "nodes=2"], "--launcher ray: .*'nodes'"),
    ],
)
def test_options_of_the_command_line_that_do_not_fit_are_refused(
    typed: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["maskcover", "certify", "--model", "a:b", "--data", "photos", "--regions", "squares(size=2)", *typed]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert re.search(message, said), said


@pytest.mark.parametrize("images", [0, 1, 63, 50_000, 10**7])
def test_shards_are_small_enough_for_the_workers_and_not_empty(images: int) -> None:
    sizes = [shard_size_for(images, workers) for workers in range(1, 600)]
    assert sizes == sorted(sizes, reverse=True)
    assert all(1 <= size <= 64 for size in sizes)
    assert all(size == 1 or images / size >= 48 * workers for workers, size in enumerate(sizes, 1))
