"""The checker as one lone file: standard library only, exit codes, one line, and claims that would deceive it."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import maskcover as mc
from maskcover.certificate import check as checker
from maskcover.certificate import prove
from tests.certificate.helpers import Document, at, digested, edited, judged, numbers, proved

SOURCE = Path(checker.__file__)
SQUARES = proved(mc.cover("squares(size=3)", (12, 14)))


def alone(folder: Path, document: Document) -> subprocess.CompletedProcess[str]:
    shutil.copy(SOURCE, folder / "check.py")
    (folder / "x.cover.json").write_text(json.dumps(document))
    command = [sys.executable, "-I", "-S", "check.py", "x.cover.json"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_it_imports_the_standard_library_alone() -> None:
    found = [node for node in ast.walk(ast.parse(SOURCE.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {
        str(node.module) if isinstance(node, ast.ImportFrom) else alias.name for node in found for alias in node.names
    }
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names
    assert not any(node.level for node in found if isinstance(node, ast.ImportFrom))


@pytest.mark.parametrize(
    ("document", "code", "line"),
    [
        (SQUARES, 0, "holds: each region of squares(size=3) on the model's input of 12x14 cells lies inside one"),
        (digested(edited(SQUARES, ("masks", 0), [])), 1, "refuted: mask 0 does not hide (0, 0)"),
        (edited(SQUARES, ("masks", 0), []), 2, "not a certificate: digest"),
        (proved(mc.cover(mc.disc(3, subpixel=True), 24)), 3, "could not decide: "),
    ],
)
def test_the_lone_file_answers_by_its_exit_code_and_one_line(
    document: Document, code: int, line: str, tmp_path: Path
) -> None:
    ran = alone(tmp_path, document)
    assert (ran.returncode, ran.stderr) == (code, "")
    assert ran.stdout.startswith(line), ran.stdout
    assert ran.stdout.count("\n") == 1


@pytest.mark.parametrize("files", [(), ("none.cover.json",), ("x.cover.json", "x.cover.json"), (".",)])
def test_it_takes_one_file_and_says_so(files: tuple[str, ...], tmp_path: Path) -> None:
    alone(tmp_path, SQUARES)
    ran = subprocess.run([sys.executable, "check.py", *files], cwd=tmp_path, capture_output=True, check=False)
    assert (ran.returncode, ran.stdout.count(b"usage"), ran.stderr) == (2, 1, b"")


def test_a_poor_terminal_changes_no_answer(tmp_path: Path) -> None:
    alone(tmp_path, digested(edited(SQUARES, ("regions",), "é×")))
    environment = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    ran = subprocess.run(
        [sys.executable, "check.py", "x.cover.json"], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (2, b"")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("squares(size=3)  # and everything else", 2),
        ("squares(size=3)\n", 2),
        ("squares(size=3)\\", 2),
        ("ｓquares(size=3)", 2),
        ("squares(size=٣)", 2),
        ("", 2),
        ("squares(size=4)", 1),
        ("union(squares(size=3), rectangle(height=1, width=4))", 1),
        ("patches(squares(size=3), k=2)", 1),
        ("squares(size=15)", 2),
        ("within(squares(size=3), (11, 0, 1, 14))", 2),
        ("within(squares(size=3), (0, 0, 13, 14))", 2),
        ("within(squares(size=3), (0.5, 0, 12, 14))", 2),
        ("squares(size=0)", 2),
        ("squares(size=-3)", 2),
        ("squares(size=3.5)", 2),
        ("squares(size=True)", 3),
        ("squares(size=3, size=2)", 2),
        ("squares(size=3, **{})", 2),
        ("squares(3)(4)", 2),
        ("squares(size=squares(size=3))", 2),
        ("patches(patches(squares(size=3), k=2), k=2)", 2),
        ("patches(squares(size=3), k=0)", 2),
        ("patches(squares(size=3), k=1000000)", 2),
        ("squares", 2),
        ("union()", 2),
        ("union(3)", 2),
        ("place(3)", 3),
        ("area((0, 0, 1, 1), True)", 3),
        ("squares.size", 2),
        ("polygon(\"POLYGON ((0 0, 1 0, 0 1, 0 0))\")", 3),
        ("through(squares(size=3), Resize(12), source=(24, 24))", 3),
        ("rotations(rectangle(height=2, width=3), degrees=(-5.0, 5.0))", 3),
        ("rectangles(area=1e-2)", 3),
        ("rectangles(area=\"1/0\")", 2),
        ("bitmap(\"\")", 3),
        ("bitmap(\"000\")", 3),
        ("bitmap(111)", 2),
        ("bitmap(\"111//111\")", 3),
        ("bitmap(\"0101\")", 3),
        ("bitmap(\"11/1\")", 2),
        ("bitmap(\"1/1\", grid=(2, 1))", 2),
        ("within(squares(size=3), \"11/11\")", 2),
        ("within(squares(size=3), (0, 0, 12))", 2),
        ("within(squares(size=3), (0, 0, 12, 14, 1))", 2),
        ("squares(size=3, area=9)", 2),
        ("rectangle(height=3)", 2),
        ("rectangles(area=9, min_side=4)", 2),
        ("patches([], k=None)", 2),
        ("patches([])", 2),
        ("patches([squares(size=3)], k=1)", 2),
        ("patches(squares(size=3), k=17)", 2),
        ("patches([patches(squares(size=3), k=2)])", 2),
        ("(" * 5000 + ")" * 5000, 2),
    ],
)  # fmt: skip
def test_a_certificate_of_squares_shows_nothing_else(text: str, code: int) -> None:
    found, line = judged(SQUARES | {"regions": text})
    assert found == code, line


@pytest.mark.parametrize(
    "text",
    [
        "tubes(squares(size=1))",
        "half_planes(share=0.1)",
        "half_planes(rows=3, columns=(4, 9))",
        "sides(fraction=0.1)",
        "stripes(width=1)",
        "stripes(width=1, axis=0)",
        "disc(diameter=1)",
        "within(squares(size=3), (0, 0, 12, 14), touching=True)",
        "within(squares(size=3), (0, 0, 12, 14), touching=False)",
        "union(squares(size=3), stripes(width=1))",
        "patches([squares(size=3), disc(diameter=3)])",
        "avoiding(sides(fraction=0.1), (0, 0, 1, 1))",
    ],
)
def test_families_that_it_does_not_read_are_undecided_even_if_all_is_hidden(text: str) -> None:
    everything = mc.MaskSet(mc.Grid((12, 14)), (mc.Mask([mc.Box((0, 0), (12, 14))]),))
    code, line = judged(proved(everything, "patches(rectangles(area=168), k=2)") | {"regions": text})
    assert (code, line.startswith("could not decide: this checker cannot")) == (3, True), line
    code, line = judged(SQUARES | {"regions": text})
    assert code == 3, line


def test_a_false_frame_is_refused_though_the_claim_is_true() -> None:
    code, line = judged(SQUARES | {"frame": "source=(12, 14)"})
    assert (code, "another frame" in line) == (2, True)


@pytest.mark.parametrize(
    "spoilt",
    [
        edited(SQUARES, ("terms",), []),
        edited(SQUARES, ("terms", 0, "patches"), [0, 0]),
        edited(SQUARES, ("terms", 0, "slots"), [[]]),
        edited(SQUARES, ("terms", 0, "slots", 0, 0, "tiles"), []),
        edited(SQUARES, ("terms", 0, "slots", 0, 0, "places"), [[0, 0, 1, 1]]),
        edited(SQUARES, ("terms", 0, "slots", 0, 0, "shape"), []),
        edited(SQUARES, ("terms", 0, "slots", 0, 0, "shape"), [[0, 0, 3, 2]]),
        edited(SQUARES, ("terms", 0, "signatures"), [[]]),
        edited(SQUARES, ("terms", 0, "signatures"), [[number] for number in range(500)]),
        edited(SQUARES, ("image_size",), [12, 15]),
        edited(SQUARES, ("image_size",), [14, 12]),
        edited(SQUARES, ("image_size",), [12, 14, 1]),
        edited(SQUARES, ("masks",), []),
        edited(SQUARES, ("frame",), "source"),
        edited(SQUARES, ("masks", 0), [["0", "0", "9", "9"]]),
        edited(SQUARES, ("masks", 0), [[0, 0, 3.0, 3]]),
        edited(SQUARES, ("masks", 0), [[0, 0, None, 3]]),
        edited(SQUARES, ("masks", 0), {"all": 1}),
    ],
)
def test_evidence_with_holes_is_refused(spoilt: Document) -> None:
    code, line = judged(spoilt)
    assert code in {1, 2}, line


def test_overlapping_tiles_are_refused_though_each_is_true() -> None:
    row = SQUARES["terms"][0]["slots"][0][0]["tiles"]
    doubled = edited(SQUARES, ("terms", 0, "slots", 0, 0, "tiles"), [*row, row[0]])
    assert judged(doubled)[0] == 1
    assert judged(edited(SQUARES, ("terms", 0, "slots", 0, 0, "tiles"), [*row[1:], row[1]]))[0] == 1
    places = [*row[0][:4]], *SQUARES["terms"][0]["slots"][0][0]["places"]
    assert judged(edited(doubled, ("terms", 0, "slots", 0, 0, "places"), [*places]))[0] == 1


@pytest.mark.filterwarnings("ignore::maskcover.MaskcoverWarning")
def test_a_shape_that_does_not_begin_at_0_cannot_stand_for_what_lies_before_it() -> None:
    document = proved(mc.MaskSet.from_boxes([(0, 0, 5, 5)], (5, 5)), "squares(size=3)")
    assert judged(document)[0] == 0
    corner = edited(
        edited(document, ("masks", 0), [[2, 2, 3, 3]]), ("terms", 0, "slots", 0, 0, "shape"), [[2, 2, 1, 1]]
    )
    code, line = judged(corner)
    assert (code, "does not begin at 0" in line) == (2, True)


def test_patches_that_share_no_mask_are_refused() -> None:
    masks = mc.MaskSet.from_boxes([(0, 0, 6, 12), (6, 0, 6, 12)], 12)
    document = proved(masks, "union(within(squares(2), (0, 0, 6, 12)), within(squares(2), (6, 0, 6, 12)))")
    term = document["terms"][0]
    slot = {**term, "patches": [0, 0], "signatures": [[0], [1]]}
    code, line = judged(edited(document, ("terms", 0), slot))
    assert (code, "share no mask" in line) == (1, True)


def test_it_decides_the_paper_s_setting_in_seconds_and_the_file_does_not_grow_with_the_image() -> None:
    sizes = []
    for size in (224, (540, 960)):
        document = json.dumps(digested(proved(mc.cover("rectangles(area=0.01)", size, shipped=False)))).encode()
        begun = time.perf_counter()
        assert checker.check(document)[0] == 0
        assert time.perf_counter() - begun < 5
        sizes.append(len(document))
    assert max(sizes) < 2 * min(sizes)


def test_the_checker_stays_small_enough_to_read() -> None:
    lines = SOURCE.read_text().splitlines()
    assert len(lines) <= 390
    assert max(map(len, lines)) <= 120


def test_a_certificate_of_nothing_is_refused() -> None:
    with pytest.raises(mc.InvalidInput):
        prove(mc.cover("squares(size=3)", 12), "within(squares(size=3), (0, 0, 2, 2))")


@pytest.mark.parametrize(
    "area", ["110000/110000/000100", "111000/111010/000000", "110000/110111/000111/100111", "010000/111000/010001"]
)
def test_beside_barriers_every_listed_stencil_is_needed(area: str) -> None:
    # A cell on its own holds a small rectangle and no larger one: the maximal shapes of the room are not enough.
    regions = f'within(rectangles(area=4), "{area}")'
    rows = [[int(cell) for cell in row] for row in area.split("/")]
    cells = [(i, j, 1, 1) for i, row in enumerate(rows) for j, cell in enumerate(row) if cell]
    masks = mc.MaskSet(mc.Grid((len(rows), len(rows[0]))), (mc.Mask([mc.Box.at(c[:2], c[2:]) for c in cells]),))
    document = proved(masks, regions)
    slot = document["terms"][0]["slots"][0]
    assert judged(document)[0] == 0
    assert len(slot) > 1
    for number in range(len(slot)):
        fewer = [one for other, one in enumerate(slot) if other != number]
        code, line = judged(edited(document, ("terms", 0, "slots"), [fewer]))
        assert (code, "no listed stencil holds" in line) == (1, True), slot[number]


def test_true_is_not_one() -> None:
    ones = [path for path in numbers(SQUARES) if at(SQUARES, path) == 1 and path != ("version",)]
    assert ones
    for path in ones:
        assert judged(edited(SQUARES, path, True))[0] == 2, path


def test_every_term_of_a_union_needs_its_evidence() -> None:
    regions = mc.union(mc.squares(3), mc.patches(mc.squares(1), k=2), mc.patches(mc.squares(1), k=3))
    document = proved(mc.MaskSet(mc.Grid((5, 5)), (mc.Mask([mc.Box((0, 0), (5, 5))]),)), regions)
    assert (judged(document)[0], len(document["terms"])) == (0, 3)
    for number in range(3):
        fewer = [term for other, term in enumerate(document["terms"]) if other != number]
        assert judged(edited(document, ("terms",), fewer))[0] == 1
