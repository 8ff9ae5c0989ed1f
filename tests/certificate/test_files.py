"""Certificate files: what is saved is loaded, old files load for ever, and whatever else is refused with its path."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import maskcover as mc
from maskcover.certificate import CoverCertificate, certificate, prove
from maskcover.certificate.check import check
from maskcover.certificate.claims import Outcome, judge
from tests.certificate.helpers import Document, digested, edited, proved
from tests.laws import examples

GOLDEN = Path(__file__).parent.parent / "golden"
DIGESTS = {
    "union.cover.json": "sha256:ad0179dc2046a42a329e6142cc660c4d8efd7c8dcf7373b44e660c2f7b5d6c2f",
    "polygon.cover.json": "sha256:4f5de8bc872c129d876696e582efc9850140e52863868d4c6c1955a2c24fa16c",
}
SMALL = proved(mc.cover("patches(squares(size=3), k=2)", (12, 14)))
RECTANGLES = proved(mc.cover("rectangles(area=0.1)", (12, 14)))


@pytest.mark.parametrize("name", sorted(DIGESTS))
def test_golden_files_load_for_ever_and_hold(name: str, tmp_path: Path) -> None:
    path = GOLDEN / name
    loaded = CoverCertificate.load(path)
    assert json.loads(path.read_text())["digest"] == DIGESTS[name]
    assert judge(path).outcome is Outcome.HOLDS
    loaded.save(tmp_path / name)
    assert (tmp_path / name).read_bytes() == path.read_bytes()


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    for text in ("squares(size=3)", "patches(rectangles(area=6), k=2)", "union(disc(diameter=4), stripes(width=2))"):
        certificate = prove(mc.cover(text, (12, 14)))
        certificate.save(tmp_path / "a.cover.json")
        loaded = CoverCertificate.load(str(tmp_path / "a.cover.json"))
        assert loaded == certificate
        assert (loaded.regions, loaded.masks.regions) == (text, text)
        assert text in str(loaded)


def test_the_name_of_a_certificate_says_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(mc.InvalidInput, match=r"expected one ending in \.cover\.json"):
        prove(mc.cover("squares(3)", 12)).save(tmp_path / "cover.json")


def test_masks_that_do_not_cover_are_not_certified() -> None:
    masks = mc.cover("squares(3)", 12)
    with pytest.raises(mc.NotCovering, match="no mask contains 3×3 at rows 0–2, columns 0–2"):
        prove(masks[1:])
    with pytest.raises(mc.InvalidInput, match="claim no region set"):
        prove(mc.MaskSet(masks.grid, masks.masks))


def test_a_text_that_reads_back_as_another_set_is_not_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = mc.cover("squares(3)", 12)
    monkeypatch.setattr(certificate, "parse_regions", lambda _: mc.squares(2))
    with pytest.raises(mc.InvalidInput, match="reads back as another set"):
        prove(masks, mc.squares(3))


def test_a_bitmap_of_one_row_is_certified() -> None:
    one_row = mc.bitmap(np.array([[True, True]]))
    assert prove(mc.cover(one_row, (12, 14)), one_row).regions == 'bitmap("11/")'


def test_the_frame_is_named() -> None:
    through = mc.through(mc.squares(5), mc.Resize(24, "bilinear"), source=(48, 48))
    document = proved(mc.cover(through, 24, max_mask_area=0.5))
    assert document["frame"].startswith("source=(48, 48), Resize(24")
    assert SMALL["frame"] == "input"


def _set(*path: str | int, to: object) -> Callable[[Document], Document]:
    return lambda document: edited(document, path, to)


def _without(key: str) -> Callable[[Document], Document]:
    return lambda document: {name: value for name, value in document.items() if name != key}


STENCIL = ("terms", 0, "slots", 0, 0)
MALFORMED: list[tuple[Callable[[Document], Any], str]] = [
    (lambda _: [], "schema: expected a JSON object"),
    (lambda _: None, "schema: expected a JSON object"),
    (_set("schema", to="maskcover/mask-set"), "schema: expected"),
    (_set("version", to=2), "version: expected 1; found 2"),
    (_set("version", to=True), "version: expected 1; found True"),
    (_without("frame"), "missing or unknown: frame"),
    (lambda document: document | {"note": "trust me"}, "missing or unknown: note"),
    (_set("image_size", to=[]), "image_size: expected a list of at least one number"),
    (_set("image_size", to=[12, 0]), "image_size: "),
    (_set("image_size", to=[2**30, 2**30]), "image_size: .* too large"),
    (_set("image_size", to="12x14"), "image_size: expected a list"),
    (_set("image_size", to=[12]), r"masks\[0\]\[0\]: expected 2 numbers"),
    (_set("regions", to=None), "regions: expected one line"),
    (_set("regions", to="patches(squares(size=3), k=2) # and more"), "regions: expected one line"),
    (_set("regions", to="everything()"), "regions: expected one of"),
    (_set("frame", to="source"), "frame: expected 'input'"),
    (_set("masks", to={}), "masks: expected a list"),
    (_set("masks", 0, 0, 0, to=-1), r"masks\[0\]\[0\]\[0\]: expected a whole number"),
    (_set("masks", 0, 0, 0, to=True), r"masks\[0\]\[0\]\[0\]: expected a whole number"),
    (_set("masks", 0, 0, 0, to="0"), r"masks\[0\]\[0\]\[0\]: expected a whole number"),
    (_set("masks", 0, 0, 2, to=0), r"masks\[0\]\[0\]: a box needs"),
    (_set("masks", 0, 0, 2, to=99), r"masks\[0\]\[0\]: leaves the 12×14 image"),
    (_set("terms", to=3), "terms: expected a list"),
    (_set("terms", 0, to=[]), r"terms\[0\]: expected an object of patches, slots and signatures"),
    (_set("terms", 0, "patches", to=[0, 1]), r"terms\[0\]\.patches\[1\]: expected a whole number below 1"),
    (_set("terms", 0, "patches", to=[]), r"terms\[0\]\.patches: expected a list of at least one number"),
    (_set("terms", 0, "signatures", 0, to=[3, 1]), r"terms\[0\]\.signatures: expected different sorted"),
    (_set("terms", 0, "signatures", 0, to=[10**6]), r"terms\[0\]\.signatures\[0\]\[0\]: expected a whole number below"),
    (_set(*STENCIL, to={}), r"terms\[0\]\.slots\[0\]\[0\]: expected exactly the fields"),
    (_set(*STENCIL, "shape", to=[[1, 0, 3, 3]]), r"terms\[0\]\.slots\[0\]\[0\]: expected a shape that begins at 0"),
    (_set(*STENCIL, "places", to=[]), r"terms\[0\]\.slots\[0\]\[0\]: expected a shape that begins at 0"),
    (_set(*STENCIL, "tiles", 0, to=[0, 0, 1]), r"slots\[0\]\[0\]\.tiles\[0\]: expected 4 numbers"),
    (_set(*STENCIL, "tiles", 0, 4, to=10**6), r"slots\[0\]\[0\]\.tiles\[0\]\[4\]: expected a whole number below"),
]


@pytest.mark.parametrize(("edit", "message"), MALFORMED)
def test_malformed_files_are_refused_with_the_path_of_the_field(
    edit: Callable[[Document], Any], message: str, tmp_path: Path
) -> None:
    found = edit(SMALL)
    text = json.dumps(digested(found) if isinstance(found, dict) else found)
    path = tmp_path / "x.cover.json"
    path.write_text(text)
    with pytest.raises(mc.MaskFileError, match=rf"x\.cover\.json: .*{message}"):
        CoverCertificate.load(path)
    assert check(text.encode())[0] != 0
    assert judge(path).outcome is Outcome.UNREADABLE


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "nul", "[" * 100_000, '{"schema": 1, "schema": 1}', '{"version": NaN}', '{"version": 1.0}', "\ud800",
        '{"schema": "maskcover/cover-certificate"}', "1" * 5000, '"' + "x" * 10 + '"',
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.cover.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(mc.MaskFileError, match=r"x\.cover\.json"):
        CoverCertificate.load(path)
    assert check(path.read_bytes())[0] == 2


def test_doubled_keys_are_refused_even_if_the_last_one_is_right() -> None:
    text = json.dumps(SMALL)
    for key in SMALL:
        assert check(text.replace(f'"{key}":', f'"{key}": 0, "{key}":', 1).encode())[0] == 2


def test_numbers_that_only_equal_whole_ones_are_refused() -> None:
    for number in ("1.0", "true", "1e0"):
        text = json.dumps(digested(edited(SMALL, ("version",), 1))).replace('"version": 1', f'"version": {number}')
        assert check(text.encode())[0] == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 20) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [found for key, item in items for found in _paths(item, (*path, key))]


@examples(300)
@given(st.sampled_from([SMALL, RECTANGLES]), st.data())
def test_no_edit_makes_the_loader_or_the_checker_crash(document: Document, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(_paths(document)))
        document = edited(document, path, data.draw(JSON))
    text = json.dumps(digested(document))
    code, line = check(text.encode())
    try:
        CoverCertificate.from_bytes(text.encode(), "x")
    except mc.InvalidInput:
        # Forms that only the library refuses: the order of a signature, the spelling of the regions.
        assert code != 0 or "frame" in line or _loosely_the_same(document), line


def _loosely_the_same(document: Document) -> bool:
    return any(document[key] != source[key] for source in (SMALL, RECTANGLES) for key in ("terms", "regions", "masks"))


@examples(100)
@given(st.binary(max_size=60), st.integers(0, 3000))
def test_no_bytes_make_the_checker_crash(noise: bytes, where: int) -> None:
    content = json.dumps(SMALL).encode()
    assert check(content[:where] + noise + content[where + 1 :])[0] in {0, 2, 3}
    assert check(noise)[0] == 2


def test_a_file_cut_short_anywhere_is_refused() -> None:
    content = json.dumps(RECTANGLES).encode()
    assert {check(content[:length])[0] for length in range(0, len(content), 7)} == {2}
