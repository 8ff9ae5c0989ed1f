"""The commands prove and verify on certificates, folders, and their reports for CI systems."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from maskcover import MaskSet, cover
from maskcover.certificate import check as checker
from maskcover.certificate import claims as judging
from maskcover.certificate import prove
from maskcover.certificate.claims import Outcome, judge
from tests.certificate.helpers import digested, edited, written
from tests.cli.conftest import Run

SQUARES = cover("squares(size=4)", 24)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two claims that hold, a mask set that claims nothing, a stranger, and something hidden."""
    made = tmp_path / "claims"
    (made / "deep").mkdir(parents=True)
    (made / ".hidden").mkdir()
    prove(SQUARES).save(made / "a.cover.json")
    SQUARES.save(made / "deep/masks.json")
    MaskSet(SQUARES.grid, SQUARES.masks).save(made / "silent.json")
    (made / "package.json").write_text('{"schema": "another"}')
    (made / "tsconfig.json").write_text("{ // not quite JSON\n}")
    (made / ".hidden/b.cover.json").write_text("{")
    return made


def spoil(path: Path, masks: MaskSet = SQUARES) -> None:
    """A certificate whose masks miss a region, with a right digest."""
    path.write_text(json.dumps(digested(edited(written(prove(masks)), ("masks", 0), []))))


def test_cover_and_prove_write_the_same_certificate(run: Run) -> None:
    assert (
        run("cover", "squares(size=4)", "--image-size", "24", "-o", "m.json", "--certificate", "a.cover.json").code == 0
    )
    made = run("prove", "m.json", "-o", "b.cover.json", "--json")
    assert (made.code, made.json["tiles"]) == (0, 36)
    assert Path("a.cover.json").read_bytes() == Path("b.cover.json").read_bytes()
    found = run("verify", "a.cover.json")
    assert (found.code, "the independent checker agrees" in found.out) == (0, True)
    assert run("verify", "a.cover.json", "--json").json["checker"].startswith("holds: ")


def test_prove_refutes_with_the_witness_and_writes_nothing(run: Run) -> None:
    SQUARES[1:].save("m.json")
    found = run("prove", "m.json", "-o", "a.cover.json")
    assert (found.code, "4×4 at rows 0–3" in found.out) == (1, True)
    assert not Path("a.cover.json").exists()
    assert run("prove", "m.json", "-o", "a.json", "--regions", "squares(size=1)").code in {1, 2}


def test_a_certificate_can_be_asked_about_other_regions(run: Run) -> None:
    prove(SQUARES).save("a.cover.json")
    assert run("verify", "a.cover.json", "--regions", "squares(size=3)").code == 0
    assert run("verify", "a.cover.json", "--regions", "squares(size=9)").code == 1
    assert run("verify", "a.cover.json", "a.cover.json", ".", "--regions", "squares(size=3)").code == 2


def test_a_folder_holds_if_all_its_claims_do(run: Run, folder: Path) -> None:
    found = run("verify", str(folder), "--json")
    assert found.code == 0
    assert [Path(one["path"]).name for one in found.json["claims"]] == ["a.cover.json", "masks.json"]
    assert "2 of 2 claims hold" in run("verify", str(folder)).out


def test_the_worst_claim_decides_the_exit_code(run: Run, folder: Path) -> None:
    (folder / "cut.json").write_text('{"schema": "maskcover/mask-set", ')
    assert run("verify", str(folder)).code == 2
    spoil(folder / "bad.cover.json")
    found = run("verify", str(folder))
    assert found.code == 1
    assert "no mask contains 4×4 at rows 0–3, columns 0–3" in found.out
    assert "2 of 4 claims hold" in found.out


def test_an_empty_folder_proves_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = run("verify", "empty")
    assert (found.code, "no claims in empty" in found.err) == (2, True)


def test_false_evidence_is_refuted_even_if_the_masks_cover(run: Run) -> None:
    document = written(prove(SQUARES))
    spoilt = edited(document, ("terms", 0, "slots", 0, 0, "tiles", 0, 4), 35)
    Path("a.cover.json").write_text(json.dumps(digested(spoilt)))
    found = run("verify", "a.cover.json")
    assert (found.code, "the evidence in the file is false" in found.out) == (1, True)


@pytest.mark.parametrize("code", [0, 2])
def test_judges_that_disagree_are_an_internal_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int) -> None:
    path = tmp_path / "a.cover.json"
    spoil(path) if code == 0 else prove(SQUARES).save(path)
    monkeypatch.setattr(judging, "check", lambda _: (code, "so there"))
    found = judge(path)
    assert (found.outcome, "internal error" in found.message) == (Outcome.UNDECIDED, True)


def test_a_crash_is_undecided_and_hides_no_other_claim(monkeypatch: pytest.MonkeyPatch, run: Run, folder: Path) -> None:
    def broken(_: bytes) -> tuple[int, str]:
        raise RuntimeError("boom")

    monkeypatch.setattr(judging, "check", broken)
    found = run("verify", str(folder))
    assert (found.code, "could not decide: RuntimeError: boom" in found.out) == (3, True)
    assert "1 of 2 claims hold" in found.out


def test_what_the_checker_cannot_expand_holds_by_maskcover_alone(tmp_path: Path) -> None:
    prove(cover("disc(diameter=4, subpixel=True)", 24)).save(tmp_path / "a.cover.json")
    found = judge(tmp_path / "a.cover.json")
    assert (found.outcome, "by maskcover alone" in found.message) == (Outcome.HOLDS, True)


def test_reports_for_ci_systems(run: Run, folder: Path) -> None:
    spoil(folder / "bad é&<.cover.json")
    (folder / "cut.cover.json").write_text("{\x0b")
    assert run("verify", str(folder), "--junit", "out.xml", "--sarif", "out.sarif").code == 1
    suite = ET.parse("out.xml").getroot().find("testsuite")  # noqa: S314  # our own file
    assert suite is not None
    assert {key: suite.get(key) for key in ("tests", "failures", "errors")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
    }
    failures = [case.find("failure") for case in suite]
    assert ["4×4 at rows 0–3" in str(found.get("message")) for found in failures if found is not None] == [True]
    sarif: Any = json.loads(Path("out.sarif").read_text())
    (made,) = sarif["runs"]
    rules = [rule["id"] for rule in made["tool"]["driver"]["rules"]]
    assert (sarif["version"], rules) == ("2.1.0", ["MC001", "MC002", "MC003"])
    assert [(one["ruleId"], rules[one["ruleIndex"]]) for one in made["results"]] == [("MC001",) * 2, ("MC002",) * 2]
    assert "4×4 at rows 0–3" in made["results"][0]["message"]["text"]
    place = made["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "claims/bad%20%C3%A9%26%3C.cover.json"


def test_reports_of_one_bad_file(run: Run) -> None:
    found = run("verify", "none.cover.json", "--junit", "out.xml", "--sarif", "out.sarif")
    assert (found.code, "cannot read none.cover.json" in found.err) == (2, True)
    assert len(json.loads(Path("out.sarif").read_text())["runs"][0]["results"]) == 1


def test_check_answers_as_the_lone_file_does(run: Run) -> None:
    prove(SQUARES).save("a.cover.json")
    spoil(Path("b.cover.json"))
    Path("c.cover.json").write_text("{")
    prove(cover("disc(diameter=4, subpixel=True)", 24)).save("d.cover.json")
    for name, code in (("a", 0), ("b", 1), ("c", 2), ("d", 3), ("none", 2)):
        found = run("check", f"{name}.cover.json")
        command = [sys.executable, "-I", "-S", str(checker.__file__), f"{name}.cover.json"]
        alone = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (found.code, found.out, found.err) == (code, alone.stdout, "")
        assert alone.returncode == code


@pytest.mark.parametrize("evidence", [True, False])
def test_a_certificate_by_another_name_is_judged_with_its_evidence(tmp_path: Path, evidence: bool) -> None:
    document = written(prove(SQUARES))
    if not evidence:
        document = edited(document, ("terms", 0, "slots", 0, 0, "tiles", 0, 4), 35)
    first = {"terms": document["terms"]}  # what it is stands far behind
    text = json.dumps(digested(first | document)).replace("maskcover/cover", "maskcover\\/cover")
    (tmp_path / "a.json").write_text(text)
    assert judge(tmp_path / "a.json").outcome == (Outcome.HOLDS if evidence else Outcome.REFUTED)


def test_malformed_certificates_are_unreadable_and_no_internal_error(run: Run) -> None:
    document = written(prove(SQUARES))
    slots = document["terms"][0]["slots"]
    Path("a.cover.json").write_text(json.dumps(digested(edited(document, ("terms", 0, "slots"), slots * 2))))
    found = run("verify", "a.cover.json")
    assert (found.code, "terms[0].slots[1]: expected only what is used" in found.err) == (2, True)
    assert run("check", "a.cover.json").code == 2


def test_masks_of_a_certificate_are_masks(run: Run) -> None:
    prove(SQUARES).save("a.cover.json")
    assert MaskSet.load("a.cover.json") == SQUARES
    assert MaskSet.load("a.cover.json").regions == "squares(size=4)"
    spoil(Path("b.cover.json"))
    refused = run("prove", "b.cover.json", "-o", "c.cover.json")
    assert (refused.code, "no mask contains 4×4" in refused.out) == (1, True)
