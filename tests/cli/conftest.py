"""Running commands in this process: exit code, stdout and stderr."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image

from maskcover.cli import app
from maskcover.cli.output import guarded

PROGRAM = typer.main.get_command(app)  # as the app makes it anew for each call


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> Run:
    """Runs a command in an empty folder; `--model` finds the tests from there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(pytestconfig.rootpath))
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)

    def command(*arguments: str) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            guarded(PROGRAM, arguments)
        captured = capsys.readouterr()
        code = exit_.value.code
        return Ran(code if isinstance(code, int) else 0, captured.out, captured.err)

    return command


def picture(path: Path, value: int, size: tuple[int, int] = (24, 24)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), value, np.uint8)).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two dark and one bright image, in folders by class."""
    folder = tmp_path / "photos"
    for name, value in (("dark/a", 10), ("dark/b", 40), ("light/c", 250)):
        picture(folder / f"{name}.png", value)
    return folder
