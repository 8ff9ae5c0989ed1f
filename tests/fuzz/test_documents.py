"""Documents from elsewhere, spoilt at random: each gives a value or `InvalidInput`, and the judges agree on it.

`FUZZ_EXAMPLES` says how many of each to try; nothing here is ever another exception, or takes for ever.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given

import maskcover as mc
from maskcover.certificate.check import check
from maskcover.certificate.claims import judge
from tests.certificate.helpers import digested, proved
from tests.certificate.odd import CLAIMS, HOLDS, MALFORMED, PAIRS, REFUTED, SQUARES, UNDECIDED
from tests.fuzz.mutations import FUZZ, spoilt_documents, spoilt_texts
from tests.regions.test_parse import EXAMPLES

AGREED = {(code, code) for code in (HOLDS, REFUTED, MALFORMED)} | {
    (code, UNDECIDED) for code in (HOLDS, REFUTED, MALFORMED, UNDECIDED)
}
"""What `maskcover verify` and check.py may say of one document: the same, or check.py that it cannot decide."""

MASKS = {"schema": "maskcover/mask-set"} | {
    key: SQUARES[key] for key in ("version", "image_size", "regions", "masks", "digest")
}
UNION = proved(
    mc.cover("union(squares(size=3), rectangle(height=1, width=5), patches(squares(size=2), k=2))", (12, 14))
)
AREA = proved(mc.cover('within(rectangles(area=6), "111111/111111/110111/111111")', (4, 6), max_mask_area=12))

pytestmark = pytest.mark.filterwarnings("ignore::maskcover.MaskcoverWarning")


@FUZZ
@given(spoilt_texts(EXAMPLES))
def test_threat_56_a_region_text_is_read_or_refused(text: str) -> None:
    try:
        regions = mc.parse_regions(text)
    except mc.InvalidInput:
        return
    assert mc.parse_regions(str(regions)) == regions
    try:
        assert regions.describe(24).placements
    except mc.InvalidInput:
        return


@FUZZ
@given(spoilt_documents([MASKS, SQUARES], digested))
def test_threat_56_a_mask_file_is_read_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "masks.json")
        path.write_bytes(content)
        try:
            masks = mc.MaskSet.load(path)
        except mc.InvalidInput:
            return
        masks.save(path)
        assert mc.MaskSet.load(path) == masks
        assert judge(path).outcome in (HOLDS, REFUTED, MALFORMED)


@FUZZ
@given(spoilt_documents([SQUARES, PAIRS, UNION, AREA], digested))
def test_threat_57_judges_agree_on_a_spoilt_certificate(content: bytes) -> None:
    agree(content)


@FUZZ
@given(spoilt_texts([*EXAMPLES, *(claim.name for claim in CLAIMS)]))
def test_threat_57_judges_agree_on_a_spoilt_claim(text: str) -> None:
    agree(json.dumps(digested(SQUARES | {"regions": text})).encode())


def agree(content: bytes) -> None:
    """Both judges answer, and what they say can be true of one document."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.cover.json")
        path.write_bytes(content)
        judgement = judge(path)
    code, line = check(content)
    assert "internal error" not in judgement.message, judgement.message
    assert (judgement.outcome, code) in AGREED, (judgement.message, line, content)
