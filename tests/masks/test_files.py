"""Mask-set files: what is saved is loaded, and whatever else is refused with the path of the field."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import (
    Box,
    InvalidInput,
    Mask,
    MaskcoverWarning,
    MaskFileError,
    MaskSet,
    cover,
    patches,
    prove,
    squares,
    verify,
)
from tests.geometry_strategies import SIDES, plain_set, stacks

SMALL = MaskSet.from_boxes([(0, 0, 2, 3), [(1, 4, 2, 2), (4, 0, 1, 3)]], image_size=(6, 7), regions="é squares(2)")
Document = dict[str, Any]


def _digest(document: Document) -> str:
    content = {key: value for key, value in document.items() if key != "digest"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode("ascii")).hexdigest()


def _saved(masks: MaskSet, path: Path) -> Document:
    masks.save(path)
    document: Document = json.loads(path.read_text(encoding="utf-8"))
    return document


@given(SIDES.flatmap(lambda sides: stacks(sides)).map(plain_set), st.none() | st.text(max_size=9))
def test_what_is_saved_is_loaded(masks: MaskSet, regions: str | None) -> None:
    claimed = MaskSet(masks.grid, tuple(mask for mask in masks if 0 < 2 * mask.area <= masks.grid.size), regions)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "masks.json")
        claimed.save(path)
        loaded = MaskSet.load(str(path))
    assert (loaded, loaded.regions, loaded.digest) == (claimed, claimed.regions, claimed.digest)


def test_a_file_is_a_function_of_the_set(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    SMALL.save(first)
    MaskSet.load(first).save(second)
    assert first.read_bytes() == second.read_bytes()
    assert list(tmp_path.iterdir()) in ([first, second], [second, first])


def test_a_saved_cover_still_covers_what_it_claims(tmp_path: Path) -> None:
    cover(patches(squares(size=8), k=2), (64, 96)).save(tmp_path / "cover.json")
    loaded = MaskSet.load(tmp_path / "cover.json")
    assert loaded.regions == "patches(squares(size=8), k=2)"
    assert verify(loaded)


def test_the_digest_of_a_file_is_that_of_its_canonical_content(tmp_path: Path) -> None:
    document = _saved(SMALL, tmp_path / "file")
    assert document["digest"] == _digest(document)
    assert document == {
        "schema": "maskcover/mask-set",
        "version": 1,
        "image_size": [6, 7],
        "regions": "é squares(2)",
        "masks": [[[0, 0, 2, 3]], [[1, 4, 2, 2], [4, 0, 1, 3]]],
        "digest": document["digest"],
    }


def test_one_bit_changed_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "masks.json"
    original = _saved(SMALL, path)
    content = path.read_bytes()
    accepted = []
    for bit in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            loaded = MaskSet.load(path)
        except MaskFileError:
            continue
        # The case of a hexadecimal digit in an escape is the only thing in a file that means nothing.
        assert json.loads(damaged) == original
        assert (loaded, loaded.regions) == (SMALL, SMALL.regions)
        accepted.append(bit)
    assert len(accepted) == content.count(b"\\u00e9")


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "masks.json"
    SMALL.save(path)
    content = path.read_bytes()
    for length in range(len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(MaskFileError, match=r"masks\.json: not a JSON document"):
            MaskSet.load(path)


def _set(*path: str | int, to: object) -> Callable[[Document], None]:
    """Puts a value at the path of a document."""

    def edit(document: Document) -> None:
        inner: Any = document
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = to

    return edit


def _drop(key: str) -> Callable[[Document], None]:
    return lambda document: document.pop(key)


def _deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


# Every one of these is a well-formed document with the right digest: only its meaning is wrong.
MALFORMED: list[tuple[str, Callable[[Document], object], str]] = [
    ("another schema", _set("schema", to="maskcover/certificate"), "schema: expected"),
    ("no schema", _drop("schema"), "schema: expected"),
    ("schema of another type", _set("schema", to=["maskcover/mask-set"]), "schema: expected"),
    ("a later version", _set("version", to=2), "version: expected 1; found 2"),
    ("version true", _set("version", to=True), "version: expected 1; found True"),
    ("version as a text", _set("version", to="1"), "version: expected 1; found '1'"),
    ("no version", _drop("version"), "version: expected 1; found None"),
    ("unknown field", _set("note", to="x"), "missing or unknown: note"),
    ("no masks", _drop("masks"), "missing or unknown: masks"),
    ("no image size", _drop("image_size"), "missing or unknown: image_size"),
    ("no claim", _drop("regions"), "missing or unknown: regions"),
    ("image size is a number", _set("image_size", to=6), "image_size: expected a list .*; found 6"),
    ("image size is empty", _set("image_size", to=[]), "image_size: "),
    ("image size is zero", _set("image_size", 0, to=0), "image_size: "),
    ("image size is negative", _set("image_size", 1, to=-7), r"image_size\[1\]: expected a whole number"),
    ("image size is a text", _set("image_size", 0, to="6"), r"image_size\[0\]: expected a whole number .* found '6'"),
    ("image size is true", _set("image_size", 0, to=True), r"image_size\[0\]: .* found True"),
    ("image size is beyond reason", _set("image_size", 0, to=2**80), r"image_size\[0\]: "),
    ("other dimensions", _set("image_size", to=[6, 7, 8]), r"masks\[0\]\[0\]: expected 6 numbers, .* found 4"),
    ("another, smaller image size", _set("image_size", to=[6, 5]), r"masks\[1\]\[0\]: leaves the 6×5 image"),
    ("claim is a number", _set("regions", to=3), "regions: expected a text or null; found 3"),
    ("claim is a list", _set("regions", to=["squares(2)"]), "regions: expected a text or null"),
    ("masks is an object", _set("masks", to={}), "masks: expected a list"),
    ("masks is null", _set("masks", to=None), "masks: expected a list of masks; found None"),
    ("a mask is a number", _set("masks", 1, to=3), r"masks\[1\]: expected a list of boxes; found 3"),
    (
        "a box is a number",
        _set("masks", 1, 0, to=3),
        r"masks\[1\]\[0\]: expected a list of numbers, starts then extents; found 3",
    ),
    ("a box is short", _set("masks", 1, 1, to=[4, 0, 1]), r"masks\[1\]\[1\]: expected 4 numbers, .* found 3"),
    ("a box is long", _set("masks", 0, 0, to=[0, 0, 1, 1, 1]), r"masks\[0\]\[0\]: expected 4 numbers"),
    ("a box is empty", _set("masks", 1, 0, 2, to=0), r"masks\[1\]\[0\]: .*0 <= start < stop"),
    (
        "a start is negative",
        _set("masks", 1, 0, 0, to=-1),
        r"masks\[1\]\[0\]\[0\]: expected a whole number .* found -1",
    ),
    ("a start is null", _set("masks", 1, 0, 0, to=None), r"masks\[1\]\[0\]\[0\]: expected a whole number"),
    ("a start is true", _set("masks", 1, 0, 0, to=True), r"masks\[1\]\[0\]\[0\]: .* found True"),
    ("an extent is a text", _set("masks", 1, 1, 3, to="3"), r"masks\[1\]\[1\]\[3\]: .* found '3'"),
    ("an extent is beyond reason", _set("masks", 1, 1, 3, to=2**80), r"masks\[1\]\[1\]\[3\]: "),
    ("a mask leaves the image", _set("masks", 1, 0, 3, to=4), r"masks\[1\]\[0\]: leaves the 6×7 image"),
    ("a mask in a mask", _set("masks", 0, 0, to=[[0, 0, 2, 3]]), r"masks\[0\]\[0\]\[0\]: expected a whole number"),
    ("nested deep", _set("masks", to=_deep(200)), r"masks\[0\]\[0\]"),
]


@pytest.mark.parametrize(("edit", "message"), [case[1:] for case in MALFORMED], ids=[case[0] for case in MALFORMED])
def test_a_malformed_document_is_refused_with_the_path_of_the_field(
    edit: Callable[[Document], object], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "masks.json"
    document = _saved(SMALL, path)
    edit(document)
    path.write_text(json.dumps({**document, "digest": _digest(document)}))
    with pytest.raises(MaskFileError, match=message) as refusal:
        MaskSet.load(path)
    assert str(refusal.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "edit",
    [
        _set("masks", 0, 0, 2, to=1),
        _set("masks", to=[]),
        _set("image_size", to=[8, 8]),
        _set("regions", to="squares(3)"),
        _set("regions", to=None),
        _set("digest", to="sha256:" + "0" * 64),
    ],
)
def test_an_edited_file_is_refused_by_its_digest(edit: Callable[[Document], None], tmp_path: Path) -> None:
    path = tmp_path / "masks.json"
    document = _saved(SMALL, path)
    edit(document)
    path.write_text(json.dumps(document))
    with pytest.raises(MaskFileError, match="digest: does not match the content"):
        MaskSet.load(path)


@pytest.mark.parametrize("digest", [None, [], "", "sha256:", 3, "sha256:" + "0" * 63, "sha256:" + "A" * 64])
def test_what_is_no_digest_is_refused(digest: object, tmp_path: Path) -> None:
    path = tmp_path / "masks.json"
    path.write_text(json.dumps(_saved(SMALL, path) | {"digest": digest}))
    with pytest.raises(MaskFileError, match="digest: expected sha256: and 64 hexadecimal digits; found"):
        MaskSet.load(path)


def test_a_file_without_a_digest_is_refused(tmp_path: Path) -> None:
    document = _saved(SMALL, tmp_path / "masks.json")
    del document["digest"]
    (tmp_path / "masks.json").write_text(json.dumps(document))
    with pytest.raises(MaskFileError, match="missing or unknown: digest"):
        MaskSet.load(tmp_path / "masks.json")


TEXTS: list[tuple[str, str, str, str]] = [
    ("a fraction", '"version": 1', '"version": 1.0', "whole numbers only; found 1.0"),
    ("a fraction in a box", "[0,0,2,3]", "[0,0,2.0,3]", "whole numbers only; found 2.0"),
    ("an exponent", "[0,0,2,3]", "[0,0,2e0,3]", "whole numbers only; found 2e0"),
    ("not a number", "[0,0,2,3]", "[0,0,NaN,3]", "whole numbers only; found NaN"),
    ("a doubled key", '"version": 1', '"version": 1, "version": 1', "the key 'version' stands twice"),
    ("an endless number", "[0,0,2,3]", "[0,0," + "9" * 5000 + ",3]", "not a JSON document"),
    ("a trailing comma", "[0,0,2,3]", "[0,0,2,3,]", "not a JSON document"),
    ("more after the end", "\n]}\n", "\n]}{}\n", "not a JSON document"),
    ("a byte-order mark", '{"schema"', '\ufeff{"schema"', "not a JSON document"),
    ("brackets without end", '"masks": [', '"masks": ' + "[" * 100_000, "not a JSON document"),
]


@pytest.mark.parametrize(("old", "new", "message"), [case[1:] for case in TEXTS], ids=[case[0] for case in TEXTS])
def test_what_json_leaves_open_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "masks.json"
    SMALL.save(path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(MaskFileError, match=message):
        MaskSet.load(path)


@pytest.mark.parametrize("digested", [True, False])
def test_no_depth_of_nesting_escapes_as_another_error(digested: bool, tmp_path: Path) -> None:
    path = tmp_path / "masks.json"
    document = _saved(SMALL, path)
    for levels in range(700, 1020):
        text = json.dumps({**document, "masks": "HERE"}).replace('"HERE"', "[" * levels + "]" * levels)
        path.write_text(_with_digest(text) if digested else text)
        with pytest.raises(MaskFileError):
            MaskSet.load(path)


def _with_digest(text: str) -> str:
    """The text with the right digest, made without parsing it, for no parser reads it at any depth."""
    masks = text[text.index("[[[") : text.rindex("]") + 1]
    claim = '"regions":"\\u00e9 squares(2)","schema":"maskcover/mask-set","version":1'
    content = f'{{"image_size":[6,7],"masks":{masks},{claim}}}'
    digest = "sha256:" + hashlib.sha256(content.encode("ascii")).hexdigest()
    start = text.index("sha256:")
    return text[:start] + digest + text[start + len(digest) :]


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"3", b'"x"', b"{}", b"\xff\xfe{}", b"\x00", b"PK\x03\x04"])
def test_a_file_of_another_kind_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(MaskFileError, match=r"other: "):
        MaskSet.load(path)


@pytest.mark.parametrize("name", ["missing.json", ".", "missing/masks.json", "nul\0byte"])
def test_a_file_that_cannot_be_read_is_an_error_of_that_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(MaskFileError, match="cannot read"):
        MaskSet.load(tmp_path / name)


@pytest.mark.parametrize("name", ["missing/masks.json", ".", "nul\0byte"])
def test_a_place_that_cannot_be_written_is_an_error_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot write"):
        SMALL.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "masks.json"
    SMALL.save(path)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InvalidInput, match=r"cannot write .* No space left"):
        SMALL[:1].save(path)
    assert MaskSet.load(path) == SMALL
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("regions", [3, squares(2), ["squares(2)"]])
def test_a_claim_that_is_no_text_is_never_written(regions: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="regions"):
        MaskSet.from_boxes([(0, 0, 1, 1)], 9, regions=regions).save(tmp_path / "masks.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (Mask([]), "mask 2 hides nothing"),
        (Mask([Box((0, 0), (6, 4))]), "mask 2 hides more than half of the image"),
    ],
)
def test_loading_masks_that_are_rarely_meant_draws_a_warning(odd: Mask, message: str, tmp_path: Path) -> None:
    masks = MaskSet(SMALL.grid, (*SMALL.masks, odd))
    masks.save(tmp_path / "masks.json")
    with pytest.warns(MaskcoverWarning, match=message):
        assert MaskSet.load(tmp_path / "masks.json") == masks


def test_the_masks_of_a_certificate_are_read_with_their_claim(tmp_path: Path) -> None:
    masks = cover("squares(size=4)", 24)
    prove(masks).save(tmp_path / "x.cover.json")
    loaded = MaskSet.load(tmp_path / "x.cover.json")
    assert (loaded, loaded.regions) == (masks, "squares(size=4)")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_set("masks", 0, 0, 2, to=1), "digest: does not match"),
        (_set("terms", to=[]), "digest: does not match"),
        (_drop("terms"), "missing or unknown: terms"),
        (_set("schema", to="maskcover/mask-set"), "missing or unknown: frame, terms"),
        (_set("schema", to=["maskcover/mask-set"]), "schema: expected"),
    ],
)
def test_a_damaged_certificate_gives_no_masks(edit: Callable[[Document], object], message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.cover.json"
    prove(cover("squares(size=4)", 24)).save(path)
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))
    with pytest.raises(MaskFileError, match=message):
        MaskSet.load(path)


def test_minus_zero_is_refused_though_it_equals_zero(tmp_path: Path) -> None:
    path = tmp_path / "masks.json"
    SMALL.save(path)
    path.write_text(path.read_text().replace("[[0,0,2,3]]", "[[-0,0,2,3]]"))
    with pytest.raises(MaskFileError, match="whole numbers only; found -0"):
        MaskSet.load(path)
