"""The plug-in of pytest: claims are tests, failures show the witness, and nothing heavy is imported at the start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from maskcover import cover
from maskcover.certificate import prove
from tests.cli.test_claims import spoil

pytest_plugins = ("pytester",)
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "adapters")]))
    prove(cover("squares(size=4)", 24)).save(pytester.path / "good.cover.json")
    return pytester


def ran(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-p", "maskcover_pytest", "-p", "no:cacheprovider", *arguments)


def test_a_claim_that_holds_is_a_test_that_passes(project: pytest.Pytester) -> None:
    found = ran(project, "-v")
    found.assert_outcomes(passed=1)
    found.stdout.fnmatch_lines(["*good.cover.json*PASSED*"])


def test_a_refuted_claim_fails_with_its_witness_and_without_a_traceback(project: pytest.Pytester) -> None:
    spoil(project.path / "bad.cover.json")
    (project.path / "cut.cover.json").write_text("{")
    found = ran(project)
    found.assert_outcomes(passed=1, failed=2)
    found.stdout.fnmatch_lines(["bad.cover.json: refuted: *no mask contains 4×4 at rows 0–3, columns 0–3*"])
    found.stdout.fnmatch_lines(["cut.cover.json: unreadable: *not a JSON document*"])
    found.stdout.no_fnmatch_line("*Traceback*")


def test_it_can_be_turned_off(project: pytest.Pytester) -> None:
    ran(project, "-p", "no:maskcover_pytest").assert_outcomes()


def test_the_plug_in_imports_nothing_of_maskcover_before_it_has_to() -> None:
    script = "import sys, maskcover_pytest; print(sorted({'maskcover', 'numpy'} & set(sys.modules)))"
    path = os.pathsep.join([str(ROOT), str(ROOT / "adapters")])
    found = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "[]"
