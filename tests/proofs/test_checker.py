"""The proved checker: as a program it agrees with the Python checker and with `verify`; as a theorem with itself."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import maskcover as mc
from maskcover.certificate import CoverCertificate, prove
from maskcover.certificate.check import check
from maskcover.certificate.coq import coq_text
from maskcover.cli import app
from tests.certificate.helpers import Document, at, digested, edited, is_undecided, judged, numbers, proved
from tests.certificate.odd import ODD, PAIRS, SQUARES
from tests.certificate.strategies import claims
from tests.certificate.test_agreement import reads_back
from tests.fuzz.mutations import FUZZ, spoilt_documents
from tests.laws import examples

PROOFS = Path(__file__).parents[2] / "proofs"
MANY = settings(
    examples(int(os.environ.get("CERTIFICATES", "100"))),
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    deadline=None,
)
SPOILT = 8  # of each certificate
Checker = Callable[[Sequence[Document]], list[int]]

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("coqc", "ocamlfind", "make")),
    reason="Coq and OCaml are not installed: apt install coq ocaml-nox ocaml-findlib",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of proofs/ with the checker built; theorems that `make proofs` has compiled are not compiled again."""
    folder = tmp_path_factory.mktemp("built") / "proofs"
    shutil.copytree(
        PROOFS, folder, ignore=shutil.ignore_patterns("*.cm*", "*.o", "maskcover-check", "maskcover_check.*")
    )
    made = run("make", "-C", str(folder), "checker", cwd=folder)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


@pytest.fixture(scope="module")
def program(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Checker:
    """The exit codes of the program for some documents, which are given right digests."""
    folder = tmp_path_factory.mktemp("documents")

    def codes(documents: Sequence[Document]) -> list[int]:
        paths = [folder / f"{number}.cover.json" for number in range(len(documents))]
        for path, document in zip(paths, documents, strict=True):
            path.write_text(json.dumps(digested(document)), encoding="utf-8")
        # With two names or more there is a line with its code for each.
        found = run(str(built / "checker/maskcover-check"), *map(str, [*paths, paths[0]]), cwd=folder)
        assert not found.stderr
        lines = [int(line.split()[0]) for line in found.stdout.splitlines()]
        assert len(lines) == len(documents) + 1
        assert found.returncode == max(lines)
        return lines[:-1]

    return codes


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def coqc(built: Path, file: Path) -> subprocess.CompletedProcess[str]:
    return run("coqc", "-q", "-Q", str(built / "theories"), "Maskcover", file.name, cwd=file.parent)


def agree(program: Checker, documents: Sequence[Document]) -> None:
    """Both checkers accept the same documents, and cannot decide the same; what they refuse first may differ."""
    for document, code in zip(documents, program(documents), strict=True):
        said, line = judged(document)
        assert (code == 0) == (said == 0), (code, line, json.dumps(document))
        assert (code == 3) == (said == 3), (code, line, json.dumps(document))


@MANY
@given(claims())
def test_what_verify_accepts_is_proved(program: Checker, claim: tuple[mc.MaskSet, mc.RegionSet]) -> None:
    masks, regions = claim
    assume(reads_back(regions))
    try:
        assume(mc.verify(masks, regions).covers)
    except mc.InvalidInput:
        return
    document = proved(masks, regions)
    assert program([document]) == [3 if is_undecided(masks, regions) else 0], json.dumps(document)


@MANY
@given(claims(), st.randoms(use_true_random=False))
def test_spoilt_certificates_are_judged_as_by_the_python_checker(
    program: Checker, claim: tuple[mc.MaskSet, mc.RegionSet], chance: random.Random
) -> None:
    masks, regions = claim
    assume(reads_back(regions))
    try:
        assume(mc.verify(masks, regions).covers)
    except mc.InvalidInput:
        return
    document = proved(masks, regions)
    paths = chance.choices(list(numbers(document)), k=SPOILT)
    steps = chance.choices([-2, -1, 1, 2, 99], k=SPOILT)
    chosen = zip(paths, steps, strict=True)
    agree(program, [edited(document, path, max(0, at(document, path) + step)) for path, step in chosen])


@MANY
@given(claims(), claims())
def test_evidence_for_one_claim_shows_another_as_by_the_python_checker(
    program: Checker, claim: tuple[mc.MaskSet, mc.RegionSet], other: tuple[mc.MaskSet, mc.RegionSet]
) -> None:
    masks, regions = claim
    stranger = other[1]
    assume(reads_back(regions) and reads_back(stranger))
    try:
        assume(mc.verify(masks, regions).covers)
        truth = mc.verify(masks, stranger).covers
    except mc.InvalidInput:
        return
    document = proved(masks, regions) | {"regions": str(stranger)}
    agree(program, [document])
    assert truth or program([document]) != [0]


def real_covers() -> list[Document]:
    sets = [
        mc.cover(mc.rectangles(area=0.01), max_mask_area="4902px", shipped=False),
        mc.cover(mc.patches(mc.squares(area=0.01), k=2)),
        mc.cover(mc.within(mc.rectangles(area=0.1), (2, 3, 15, 20)), (20, 24)),
    ]
    return list(map(proved, sets))


def test_real_covers_hold_and_without_a_mask_or_a_tile_they_do_not(program: Checker) -> None:
    documents = real_covers()
    assert len(documents[0]["masks"]) == 78
    assert program(documents) == [0, 0, 0]
    for document in documents:
        tiles = ("terms", 0, "slots", 0, 0, "tiles")
        fewer = edited(document, tiles, at(document, tiles)[1:])
        smaller = edited(document, ("masks", 0, 0, -1), 1)
        agree(program, [fewer, smaller])
        assert 0 not in program([fewer, smaller])


HOSTILE = [
    ("version", 2),
    ("version", "1"),
    ("schema", "maskcover/mask-set"),
    ("frame", "source=(480, 640), Resize(224)"),
    ("image_size", [2**70, 12]),
    ("image_size", []),
    ("masks", []),
    ("masks", [[[0, 0, 12, 2**80]]]),
    ("terms", []),
    ("regions", "squares(size=2) # smaller"),
    ("regions", "squares(2, 3)"),
    ("regions", "squares(size=2, size=2)"),
    ("regions", "squares(area=1.5)"),
    ("regions", "squares(area=0.0)"),
    ("regions", 'squares(area="1/0")'),
    ("regions", "squares(size=02)"),
    ("regions", "squares(size=2) squares(size=2)"),
    ("regions", "squares"),
    ("regions", "union()"),
    ("regions", "patches(patches(squares(size=2), k=2), k=2)"),
    ("regions", "patches(squares(size=1), k=17)"),
    ("regions", "within(squares(size=2), (0, 0, 99, 1))"),
    ("regions", "within(squares(size=2), (0, 0, 5))"),
    ("regions", 'bitmap("11")'),
    ("regions", 'bitmap("00/00")'),
    ("regions", 'bitmap("11/1")'),
    ("regions", "rectangle(2, 2, 2)"),
    ("regions", "rectangle(height=13, width=1)"),
    ("regions", "rectangles(area=4, min_side=3)"),
]


@pytest.mark.parametrize(("field", "value"), HOSTILE, ids=str)
def test_what_is_no_certificate_is_not_accepted(program: Checker, field: str, value: object) -> None:
    document = proved(mc.cover(mc.squares(size=2), 12, grid=(3, 3)))
    assert program([document]) == [0]
    assert program([document | {field: value}]) != [0]
    assert judged(document | {field: value})[0] != 0


def test_odd_documents_have_the_one_right_answer(built: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.cover.json" for number in range(len(ODD))]
    for path, one in zip(paths, ODD, strict=True):
        path.write_text(one.content, encoding="utf-8")
    found = run(str(built / "checker/maskcover-check"), *map(str, paths), cwd=tmp_path)
    codes = [int(line.split()[0]) for line in found.stdout.splitlines()]
    assert not found.stderr
    assert [(one.name, code) for one, code in zip(ODD, codes, strict=True)] == [(one.name, one.checkers) for one in ODD]


@FUZZ
@given(spoilt_documents([SQUARES, PAIRS], digested))
def test_documents_spoilt_anyhow_are_judged_as_by_the_python_checker(
    built: Path, tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("spoilt") / "x.cover.json"
    path.write_bytes(content)
    found = run(str(built / "checker/maskcover-check"), str(path), cwd=path.parent)
    code, line = check(content)
    # Each has limits of its own, beyond which it says that it could not decide.
    assert found.returncode == code or 3 in (found.returncode, code), (found.stdout, line, content)


def test_without_its_digest_a_certificate_is_refused(built: Path, tmp_path: Path) -> None:
    document = proved(mc.cover(mc.squares(size=2), 12, grid=(3, 3)))
    path = tmp_path / "x.cover.json"
    for text in (json.dumps(edited(document, ("masks", 0, 0, 0), 1)), json.dumps(document)[:-1], "", "[1.5]"):
        path.write_text(text, encoding="utf-8")
        assert check(text.encode())[0] == 2
        assert (
            subprocess.run([built / "checker/maskcover-check", path], check=False, capture_output=True).returncode == 2
        )


def test_coq_accepts_the_file_of_prove_and_refuses_it_spoilt(built: Path, tmp_path: Path) -> None:
    certificate = prove(mc.cover(mc.rectangles(area=0.01), max_mask_area="4902px", shipped=False))
    certificate.save(tmp_path / "x.cover.json")
    made = CliRunner().invoke(app, ["prove", str(tmp_path / "x.cover.json"), "-o", str(tmp_path / "cover.v")])
    assert made.exit_code == 0, made.output
    assert (tmp_path / "cover.v").read_text(encoding="utf-8") == coq_text(certificate)
    assert coqc(built, tmp_path / "cover.v").returncode == 0

    spoilt = tmp_path / "spoilt.v"
    first = certificate.masks.masks[0].boxes[0]
    masks = mc.MaskSet.from_boxes(
        [(*first.start, first.extents[0] - 1, first.extents[1]), *(_row(mask) for mask in certificate.masks.masks[1:])],
        224,
    )
    spoilt.write_text(coq_text(CoverCertificate(masks, certificate.regions, certificate.terms)), encoding="utf-8")
    refused = coqc(built, spoilt)
    assert refused.returncode == 1
    assert 'Unable to unify "true" with "false"' in refused.stderr


FEW = settings(MANY, max_examples=MANY.max_examples // 10)


@FEW
@given(claims(), claims())
def test_what_coq_is_told_is_what_the_file_says(
    built: Path,
    program: Checker,
    tmp_path_factory: pytest.TempPathFactory,
    claim: tuple[mc.MaskSet, mc.RegionSet],
    other: tuple[mc.MaskSet, mc.RegionSet],
) -> None:
    """The program reads the region text by itself: it accepts the evidence for another claim exactly if Coq does."""
    masks, regions = claim
    stranger = other[1]
    assume(reads_back(regions) and reads_back(stranger))
    assume(not is_undecided(masks, regions) and not is_undecided(masks, stranger))
    try:
        assume(mc.verify(masks, regions).covers)
        mc.verify(masks, stranger)
    except mc.InvalidInput:
        return
    certificate = prove(masks, regions)
    file = tmp_path_factory.mktemp("coq") / "cover.v"
    for text in (str(regions), str(stranger)):
        file.write_text(coq_text(CoverCertificate(masks, text, certificate.terms)), encoding="utf-8")
        accepted = program([proved(masks, regions) | {"regions": text}]) == [0]
        found = coqc(built, file)
        assert (found.returncode == 0) == accepted, (file.read_text(encoding="utf-8"), found.stderr)
        assert accepted or 'Unable to unify "true" with "false"' in found.stderr


def _row(mask: mc.Mask) -> tuple[int, ...]:
    (box,) = mask.boxes
    return (*box.start, *box.extents)


CLAIMS: list[tuple[tuple[int, ...], mc.RegionSet | str]] = [
    ((6, 7), "squares(area=0.1)"),
    ((9,), "rectangles(area=3)"),
    ((6, 7), "rectangles(area=6, min_side=2, max_aspect=1.5)"),
    ((6, 7), 'union(bitmap("010/111"), rectangle(height=1, width=3))'),
    (
        (6, 7),
        'patches([squares(size=2), within(rectangles(area=3), "0000000/0111110/0111110/0111110/0000000/0000000")])',
    ),
    ((6, 7), "avoiding(patches(squares(size=2), k=3), (0, 0, 2, 2))"),
    ((3, 4, 5), "patches(rectangles(area=4), k=2)"),
]


@pytest.mark.parametrize(("size", "regions"), CLAIMS, ids=str)
@pytest.mark.filterwarnings("ignore::maskcover.MaskcoverWarning")
def test_coq_accepts_every_family(built: Path, tmp_path: Path, size: tuple[int, ...], regions: str) -> None:
    everything = (*(0 for _ in size), *size)
    file = tmp_path / "cover.v"
    file.write_text(coq_text(prove(mc.MaskSet.from_boxes([everything], size), regions)), encoding="utf-8")
    found = coqc(built, file)
    assert found.returncode == 0, found.stderr


@pytest.mark.filterwarnings("ignore::maskcover.MaskcoverWarning")
def test_families_without_theorems_are_named(tmp_path: Path) -> None:
    for regions in (
        "sides(fraction=0.1)",
        "half_planes(rows=3)",
        "within(squares(size=2), (0, 0, 4, 4), touching=True)",
    ):
        certificate = prove(mc.MaskSet.from_boxes([(0, 0, 8, 8)], 8), regions)
        with pytest.raises(mc.InvalidInput, match="no theorem speaks of"):
            coq_text(certificate)
    certificate.save(tmp_path / "x.cover.json")
    refused = CliRunner().invoke(app, ["prove", str(tmp_path / "x.cover.json"), "-o", str(tmp_path / "cover.v")])
    assert isinstance(refused.exception, mc.InvalidInput)
    assert not (tmp_path / "cover.v").exists()


HEADLINES = ["check_cover_sound", "rectangles_are_hidden", "squares_are_hidden", "pairs_are_hidden"]


def test_the_theorems_rest_on_no_axiom(built: Path, tmp_path: Path) -> None:
    file = tmp_path / "axioms.v"
    asked = "".join(f"Print Assumptions {name}.\n" for name in HEADLINES)
    file.write_text(f"From Maskcover Require Import Checker Meaning.\n{asked}", encoding="utf-8")
    found = coqc(built, file)
    assert found.stdout.count("Closed under the global context") == len(HEADLINES), found.stdout + found.stderr
    sources = "".join(path.read_text(encoding="utf-8") for path in (PROOFS / "theories").glob("*.v"))
    assert not any(word in sources for word in ("Admitted", "admit.", "Axiom", "Parameter"))
