"""The example of a third party's adapter: installed as a distribution of its own, found, and under contract."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from maskcover.cli import app

EXAMPLE = Path(__file__).parent.parent.parent / "examples/adapter"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed distribution."""
    folder = tmp_path_factory.mktemp("site")
    wheels = tmp_path_factory.mktemp("wheels")
    run("-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels), cwd=EXAMPLE)
    (wheel,) = wheels.glob("*.whl")
    run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(folder), str(wheel), cwd=wheels)
    return folder


def run(*arguments: str, cwd: Path, site: Path | None = None) -> str:
    env = os.environ | (
        {} if site is None else {"PYTHONPATH": os.pathsep.join([str(site), str(EXAMPLE.parent.parent)])}
    )
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_contract_suite_passes_where_the_adapter_is_installed(site: Path) -> None:
    told = run("-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests"), cwd=site, site=site)
    assert "17 passed" in told


def test_it_is_listed(site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.syspath_prepend(str(site))
    with pytest.raises(SystemExit):
        app(["models"])  # in this process, which may have imported every framework already
    told = capsys.readouterr().out
    assert "linear:FILE.npz" in told
    assert "maskcover-linear" in told
