"""The judges of a certificate agree, on odd documents too, and none of them hangs or crashes on any."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import maskcover as mc
from maskcover.certificate.check import DEEPEST, TEXT, check
from maskcover.certificate.claims import judge
from maskcover.regions.parse import parse_regions
from tests.certificate.helpers import digested, judged, proved
from tests.certificate.odd import ODD, SQUARES, UNDECIDED, Odd
from tests.regions.test_parse import EXAMPLES


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_threat_57_odd_documents_have_the_one_right_answer(odd: Odd, tmp_path: Path) -> None:
    path = tmp_path / "x.cover.json"
    path.write_text(odd.content, encoding="utf-8")
    judgement = judge(path)
    assert judgement.outcome == odd.right, judgement.message
    code, line = check(path.read_bytes())
    assert code == odd.checkers, line
    assert (code == UNDECIDED) or code == judgement.outcome


@pytest.mark.parametrize("odd", [odd for odd in ODD if odd.right == 2], ids=str)
def test_what_is_malformed_is_said_so_in_one_sentence(odd: Odd, tmp_path: Path) -> None:
    path = tmp_path / "x.cover.json"
    path.write_text(odd.content, encoding="utf-8")
    message = judge(path).message
    assert "internal error" not in message
    assert "Error" not in message
    assert message.count("\n") == 0
    assert len(message) < 700


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_text_of_every_region_set_is_one_that_the_judges_read(text: str) -> None:
    assert TEXT.fullmatch(text), text
    assert str(parse_regions(text)) == text


def test_threat_56_a_claim_of_five_thousand_members_is_decided() -> None:
    members = [f"squares(size={1 + number % 3})" for number in range(5_000)]
    text = f"union({', '.join(members)})"
    assert parse_regions(text) == mc.union(*map(mc.squares, (1, 2, 3)))
    code, line = judged(SQUARES | {"regions": text})
    assert code == 0, line[-200:]


def test_threat_56_what_would_take_the_checker_for_ever_is_undecided() -> None:
    large = SQUARES | {"image_size": [2**20, 2**19], "masks": [], "terms": []}
    for regions in ("rectangles(area=0.5)", "rectangles(area=0.5, max_aspect=2)"):
        code, line = judged(large | {"regions": regions})
        assert (code, "more than the 10,000,000 steps" in line) == (UNDECIDED, True), line


@pytest.mark.filterwarnings("ignore::maskcover.MaskcoverWarning")
@pytest.mark.parametrize("regions", ["squares(area=0.5)", "rectangles(area=0.5)"])
def test_threat_56_long_axes_are_no_loops(regions: str) -> None:
    masks = mc.MaskSet(mc.Grid((2**39,)), (mc.Mask([mc.Box((0,), (2**39,))]),))
    assert judged(proved(masks, regions))[0] == 0


def test_brackets_are_counted_outside_texts() -> None:
    text = "((" * DEEPEST + "))" * DEEPEST
    polygon = f'union(squares(size=3), polygon("POLYGON {text}"))'
    code, line = judged(SQUARES | {"regions": polygon})
    assert (code, "cannot expand polygon" in line) == (3, True), line


def test_a_digest_over_what_is_written_otherwise_is_that_of_what_is_said() -> None:
    spaced = json.dumps(digested(SQUARES), indent=3)
    assert check(spaced.encode())[0] == 0
