"""The published schema files: right in themselves, true of every file of before, and the source of what errors say."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from maskcover.errors import MaskFileError
from maskcover.schemas import FILES, expect_valid
from maskcover.schemas.validation import schema
from tests.certificate.helpers import edited

GOLDEN = Path(__file__).parent.parent / "golden"
WRITTEN = {
    "run/masks.json": "masks.schema.json",
    "union.cover.json": "certificate.schema.json",
    "polygon.cover.json": "certificate.schema.json",
    "run/run.json": "run.schema.json",
    "source-run/frame.json": "frame.schema.json",
    "source-run/6x6/run.json": "run.schema.json",
    "source-run-2/24x24/masks.json": "masks.schema.json",
    "source-run-2/24x24/run.json": "run.schema.json",
    "source-run-2/frame.json": "frame.schema.json",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**41) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


def parts(rules: Any) -> Iterator[dict[str, Any]]:
    """A schema and all schemas inside it."""
    yield rules
    inner = [rules["items"]] if "items" in rules else []
    for key in ("properties", "patternProperties"):
        inner += rules.get(key, {}).values()
    inner += [rules[key] for key in ("if", "then", "additionalProperties") if isinstance(rules.get(key), dict)]
    for rule in inner:
        yield from parts(rule)


@pytest.mark.parametrize("file", FILES)
def test_a_schema_file_is_right_in_itself_and_each_part_says_what_is_expected(file: str) -> None:
    Draft202012Validator.check_schema(schema(file))
    assert all(isinstance(part["title"], str) for part in parts(schema(file)))


@pytest.mark.parametrize(("name", "file"), WRITTEN.items(), ids=WRITTEN)
def test_files_of_before_have_the_published_form_for_any_validator(name: str, file: str) -> None:
    document = json.loads((GOLDEN / name).read_text())
    Draft202012Validator(schema(file)).validate(document)
    expect_valid(document, file)


def test_masks_have_one_form_in_mask_sets_and_certificates() -> None:
    masks, certificate = (schema(file)["properties"] for file in FILES[:2])
    assert all(masks[name] == certificate[name] for name in ("version", "image_size", "masks", "digest"))


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [inner for key, item in items for inner in places(item, (*path, key))]


@given(st.sampled_from(sorted(WRITTEN)), st.data())
def test_a_document_is_refused_if_jsonschema_alone_refuses_it(name: str, data: st.DataObject) -> None:
    """Or holds a float that equals a whole number. The short way for lists of numbers changes no answer."""
    document = json.loads((GOLDEN / name).read_text())
    path = data.draw(st.sampled_from(places(document)))
    document = edited(document, path, data.draw(JSON))
    refusal = _refusal(document, WRITTEN[name])
    refused_alone = not Draft202012Validator(schema(WRITTEN[name])).is_valid(document)
    assert bool(refusal) == refused_alone or _has_float(document)
    assert not refusal or "expected " in refusal


def _refusal(document: Any, file: str) -> str:
    try:
        expect_valid(document, file)
    except MaskFileError as error:
        return str(error)
    return ""


def _has_float(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_has_float, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


RUN = json.loads((GOLDEN / "run/run.json").read_text())
WRONG: list[tuple[tuple[str, ...], Any, str]] = [
    (("schema",), 3, "schema: expected 1 or 2, the schemas that this version of maskcover reads; found 3"),
    (("schema",), True, "schema: expected 1 or 2"),
    (("schema",), 1.0, "schema: expected 1 or 2"),
    (("schema",), 2, "expected the fields ['digest']; missing: digest"),
    (("samples", "count"), 2.0, "samples.count: expected a whole number from 0 to 10^12; found 2.0"),
    (("samples", "count"), -1, "samples.count: expected a whole number from 0 to 10^12; found -1"),
    (("samples", "ids"), "sha256:0", "samples.ids: expected sha256: and 64 hexadecimal digits; found 'sha256:0'"),
    (("batch_size",), 10**6 + 1, "batch_size: expected a whole number from 1 to 1,000,000; found 1000001"),
    (("fingerprint", "weights"), 5, "fingerprint.weights: expected a text; found 5"),
    (("margin",), 0.5, "margin: expected a number as a text, from 0 to below 1; found 0.5"),
    (("example",), {"id": "a"}, "example: expected the fields ['id', 'pixels']; missing: pixels"),
    (("sample",), {"count": 1, "of": 2, "by": 3}, "sample: expected exactly the fields"),
    (("sample",), {"count": True, "of": 2}, "sample.count: expected a whole number; found True"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_an_error_names_the_path_what_was_expected_and_what_came(
    path: tuple[str, ...], value: Any, message: str
) -> None:
    with pytest.raises(MaskFileError) as refused:
        expect_valid(edited(RUN, path, value), "run.schema.json")
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize("name", ["6", "6x", "x6", "1234567890x1", "6x6\n", " 6x6", "../6x6", "6X6", ""])
def test_sizes_of_images_are_spelt_in_one_way(name: str) -> None:
    document = json.loads((GOLDEN / "source-run/frame.json").read_text())
    spoilt = copy.deepcopy(document) | {"sizes": {name: 1}}
    with pytest.raises(MaskFileError, match="sizes: expected an object of numbers of images, by sizes such as 375x500"):
        expect_valid(spoilt, "frame.schema.json")


def test_what_a_later_version_may_add_to_a_run_is_no_error() -> None:
    expect_valid(RUN | {"weather": "fine"}, "run.schema.json")
