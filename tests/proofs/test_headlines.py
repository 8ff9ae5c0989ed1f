"""The table of proofs names theorems that exist and Python that exists; the build fails on what is not proved."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

PROOFS = Path(__file__).parent.parent.parent / "proofs"
HEADLINES = (PROOFS / "headlines.txt").read_text(encoding="ascii").split()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (PROOFS / "README.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and "---" not in line
][1:]
NEEDS_COQ = pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed; make proofs installs it")


def test_every_theorem_of_the_table_is_a_headline() -> None:
    named = [re.search(r"`(.+?)`", row[1]) for row in ROWS]
    assert len(named) > 30
    theorems = {found[1] for found in named if found}
    assert theorems - set(HEADLINES) == {"Cells.covers"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_the_python_of_the_table_is_there(row: list[str]) -> None:
    found = re.match(r"`([\w.]+)`", row[2])
    assert found
    name = found[1]
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute)


def test_the_certificates_of_first_rounds_are_headlines_and_in_the_table() -> None:
    """Those by pairs and by levels, before Algorithm 1 and before challenger masking."""
    certificates = {
        f"FirstRounds.{theorem}"
        for theorem in (
            "pairs_certificate",
            "pairs_challenger_certificate",
            "levels_certificate",
            "levels_challenger_certificate",
            "levels_pairs_certificate",
            "levels_mapped_safe",
            "level_condition_needed",
        )
    }
    assert certificates <= set(HEADLINES)
    assert certificates <= {row[1].strip("`") for row in ROWS}


def test_no_headline_is_listed_twice_and_each_is_in_its_module() -> None:
    assert len(HEADLINES) == len(set(HEADLINES)) > 80
    for headline in HEADLINES:
        module, _, name = headline.partition(".")
        source = (PROOFS / f"theories/{module}.v").read_text(encoding="utf-8")
        assert re.search(rf"^\s*(Theorem|Lemma|Corollary|Example|Fact)\s+{name}\b", source, re.MULTILINE), headline


def script(tmp_path: Path, theory: str, headlines: str) -> subprocess.CompletedProcess[str]:
    """What headlines.sh makes of a folder with one theory."""
    (tmp_path / "theories").mkdir()
    (tmp_path / "theories/Some.v").write_text(theory, encoding="ascii")
    (tmp_path / "headlines.txt").write_text(headlines, encoding="ascii")
    shutil.copy(PROOFS / "headlines.sh", tmp_path)
    compiler = shutil.which("coqc") or ""
    command = [compiler, "-Q", "theories", "Maskcover", "theories/Some.v"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    return subprocess.run(["./headlines.sh"], cwd=tmp_path, capture_output=True, text=True, check=False)


@NEEDS_COQ
def test_what_is_proved_passes(tmp_path: Path) -> None:
    found = script(tmp_path, "Theorem one : 1 = 1. Proof. reflexivity. Qed.\n", "Some.one\n")
    assert found.returncode == 0, found.stderr
    assert "Some.one  Closed under the global context" in found.stdout


@NEEDS_COQ
@pytest.mark.parametrize(
    "theory",
    [
        "Theorem one : 1 = 2. Admitted.\n",
        "Axiom trust : 1 = 2.\nTheorem one : 1 = 2. Proof. exact trust. Qed.\n",
        # An axiom of the standard library, which no word in our own files gives away.
        "From Coq Require Import FunctionalExtensionality.\n"
        "Theorem one (f g : nat -> nat) : (forall n, f n = g n) -> f = g.\n"
        "Proof. apply functional_extensionality. Qed.\n",
    ],
    ids=["admitted", "an axiom", "an axiom of the library"],
)
def test_what_rests_on_anything_fails(tmp_path: Path, theory: str) -> None:
    found = script(tmp_path, theory, "Some.one\n")
    assert found.returncode == 1
