"""`maskcover doctor`: what is here, what is missing, and the command for it; and the extras of pyproject.toml."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from maskcover.cli import app, doctor

ROOT = Path(__file__).parent.parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DECLARED: dict[str, list[str]] = PROJECT["optional-dependencies"]
ALIASES = {"hf": "transformers", "onnxruntime": "onnx", "runs": "data"}
FOR_DEVELOPERS = {"all", "bench", "demo", "dev", "docs"}


def hide(monkeypatch: pytest.MonkeyPatch, *hidden: str) -> None:
    """Let modules look as if they were not installed."""
    find = importlib.util.find_spec

    def find_others(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in hidden else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_others)


def test_a_missing_extra_is_named_with_its_modules_and_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "numba", "submitit")
    ran = CliRunner().invoke(app, ["doctor"])
    assert ran.exit_code == 0
    (line,) = [line for line in ran.output.splitlines() if line.startswith("not here: search")]
    assert "needs numba; " in line
    assert "pip install" in line
    assert line.rstrip("'").endswith("[search]")
    assert "not here: slurm (the launcher slurm) needs submitit" in ran.output


def test_what_is_here_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: ModuleSpec(name, None))
    assert doctor.missing_extras() == []


def test_the_document_has_versions_devices_and_cores() -> None:
    ran = CliRunner().invoke(app, ["doctor", "--json"])
    document = json.loads(ran.stdout)
    assert ran.exit_code == 0
    assert re.match(r"\d+\.\d+", document["versions"]["numpy"])
    assert document["devices"][0].startswith("cpu")
    assert document["cores"] >= 1


def requirements(extra: str) -> set[str]:
    """The distributions that an extra installs, those of the extras that it names included."""
    names: set[str] = set()
    for text in DECLARED[extra]:
        inner = re.fullmatch(r"maskcover\[(.*)\]", text)
        names |= {name for part in inner[1].split(",") for name in requirements(part)} if inner else {plain(text)}
    return names


def plain(requirement: str) -> str:
    return re.split(r"[\[>=<!~ ]", requirement)[0].lower()


def test_an_earlier_name_of_an_extra_installs_the_same() -> None:
    for earlier, now in ALIASES.items():
        assert DECLARED[earlier] == [f"maskcover[{now}]"]


def test_doctor_speaks_of_every_extra_and_of_what_it_installs() -> None:
    assert set(doctor.EXTRAS) == set(DECLARED) - set(ALIASES) - FOR_DEVELOPERS
    packages = {"PIL": "pillow", "sklearn": "scikit-learn"}
    for name, (_, modules) in doctor.EXTRAS.items():
        assert {packages.get(module, module) for module in modules} <= requirements(name), name


def test_all_has_every_extra() -> None:
    assert set.union(*(requirements(extra) for extra in doctor.EXTRAS)) <= requirements("all")


def test_the_first_page_of_the_docs_lists_every_extra() -> None:
    page = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", page, re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert listed == set(DECLARED) - set(ALIASES) - (FOR_DEVELOPERS - {"demo", "all"})
