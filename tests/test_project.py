"""The project itself: layout, public names, wheel, the direction of knowledge, and that its check can fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import pytest

import maskcover
from maskcover.schemas import FILES
from tests import mutants
from tests.mutants import MUTANTS

ROOT = Path(__file__).parent.parent
FOLDERS = {"maskcover", "adapters", "docs", "examples", "proofs", "tests", "benchmarks"}
DESIGNED = {
    "squares", "rectangle", "rectangles", "union", "patches", "cover", "verify", "MaskSet", "certify", "defend",
}  # fmt: skip


def run(*command: str, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=os.environ | env, capture_output=True, text=True, check=False)


def tracked() -> list[str]:
    return run("git", "ls-files").stdout.splitlines()


def test_the_top_level_holds_exactly_the_seven_folders() -> None:
    folders = {name.split("/")[0] for name in tracked() if "/" in name}
    assert {folder for folder in folders if not folder.startswith(".")} == FOLDERS


def test_adapters_is_a_source_root_and_not_a_package() -> None:
    assert not (ROOT / "adapters/__init__.py").exists()
    assert (ROOT / "adapters/maskcover_torch/__init__.py").exists()


def test_public_names_are_those_of_the_design_and_all_resolve() -> None:
    assert set(maskcover.__all__) >= DESIGNED
    assert all(getattr(maskcover, name) is not None for name in maskcover.__all__)
    assert maskcover.__all__ == sorted(maskcover.__all__, key=lambda name: (not name[0].isupper(), name))


def test_every_planted_fault_is_still_in_the_sources() -> None:
    """So that `make mutants`, which takes hours, does not stop halfway."""
    for mutant in MUTANTS:
        source = (ROOT / "maskcover" / mutant.module).read_text()
        assert source.count(mutant.old) == 1, (mutant.module, mutant.old)
        places = [word.partition("::")[0] for word in mutant.tests.split() if word.startswith("tests")]
        assert places
        assert all((ROOT / place).exists() for place in places), mutant.tests


@pytest.mark.parametrize(
    ("code", "end"), [(0, "survived"), (1, "killed"), (2, "killed"), (4, "did not run"), (5, "did not run")]
)
def test_a_fault_is_killed_only_by_tests_that_ran(code: int, end: str, tmp_path: Path) -> None:
    assert mutants.ended([sys.executable, "-c", f"raise SystemExit({code})"], tmp_path, dict(os.environ)) == end


def test_the_parts_of_the_planted_faults_are_all_of_them_and_a_sample_depends_on_the_day() -> None:
    every = list(MUTANTS)
    parts = [mutants.part_of(every, f"{number}/8") for number in range(1, 9)]
    assert sorted(map(id, (fault for part in parts for fault in part))) == sorted(map(id, every))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    day, next_day = date(2026, 11, 28), date(2026, 11, 29)
    assert mutants.sampled(every, 20, day) == mutants.sampled(every, 20, day) != mutants.sampled(every, 20, next_day)
    assert len(set(map(id, mutants.sampled(every, 20, day)))) == 20
    assert len(mutants.sampled(every[:3], 20, day)) == 3


def test_a_word_that_names_no_planted_fault_is_refused() -> None:
    assert {mutant.module for mutant in mutants.chosen_by(["covering/axis"])} == {"covering/axis.py"}
    with pytest.raises(SystemExit, match="no planted fault is in a module whose path contains coverring"):
        mutants.chosen_by(["covering/axis", "coverring"])


def test_the_version_is_said_once_and_the_changelog_knows_it() -> None:
    assert f'version = "{maskcover.__version__}"' in (ROOT / "pyproject.toml").read_text()
    assert maskcover.__version__ in (ROOT / "CHANGELOG.md").read_text()


def test_constraints_are_names_and_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []


def test_the_wheel_holds_exactly_the_import_packages(tmp_path: Path) -> None:
    built = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names}
    packages = {name for name in top if not name.endswith(".dist-info")}
    assert packages == {"maskcover"} | {path.name for path in (ROOT / "adapters").iterdir() if path.is_dir()}
    assert all(f"{package}/py.typed" in names for package in packages)
    assert "maskcover_torch/demo/page.html.j2" in names
    assert {"maskcover/data/imagenet_wnids.txt", "maskcover/data/imagenet_words.txt"} <= set(names)
    assert {f"maskcover/schemas/{file}" for file in FILES} <= set(names)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("maskcover", *(f"adapters/{path.name}" for path in (ROOT / "adapters").iterdir())):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(root), str(root / "adapters")])
    return run(str(Path(sys.executable).parent / "lint-imports"), "--no-cache", cwd=root, PYTHONPATH=path)


def test_knowledge_flows_one_way(copy: Path) -> None:
    found = lint_imports(copy)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("maskcover/covering/axis.py", "from maskcover.certification import certify"),
        ("maskcover/classifiers/labels.py", "from maskcover.defense import Procedure"),
        ("maskcover/defense/table.py", "from maskcover.engine import settle"),
        ("maskcover/covering/axis.py", "def late():\n    from maskcover.covering import synthesis"),
        ("adapters/maskcover_torch/module.py", "def late():\n    from maskcover_torch import classifier"),
        ("maskcover/masks/mask.py", "import maskcover.regions"),
        ("maskcover/engine/queue.py", "import torch"),
        ("maskcover/runs/rows.py", "import maskcover_torch"),
        ("maskcover/runs/rows.py", "from maskcover.choosing import choose"),
        ("adapters/maskcover_torch/module.py", "import maskcover.plot"),
        ("adapters/maskcover_torch/attacks/run.py", "import maskcover.runs"),
        ("maskcover/certificate/check.py", "from maskcover.canonical import digest"),
        ("maskcover/certificate/check.py", "from maskcover.certificate import document"),
        ("maskcover/certificate/check.py", "import numpy"),
        ("maskcover/covering/blocks.py", "from maskcover.certificate import prove"),
        ("maskcover/canonical.py", "import maskcover_pytest"),
        ("adapters/maskcover_pytest/__init__.py", "import maskcover.covering"),
    ],
)
def test_a_planted_violation_is_caught(copy: Path, module: str, line: str) -> None:
    with (copy / module).open("a") as stream:
        stream.write(f"\n{line}\n")
    found = lint_imports(copy)
    assert found.returncode == 1
    assert "BROKEN" in found.stdout
