"""The check of a document against a schema file; errors name the wrong field and what was expected there.

The words of an error come from the schema file: the ``title`` of each part says what is expected.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from maskcover.errors import MaskFileError

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

FILES = ("masks.schema.json", "certificate.schema.json", "run.schema.json", "frame.schema.json")
_WHOLE = {"title", "type", "minimum", "maximum"}
_LIST = {"title", "description", "type", "minItems", "maxItems", "items"}


def expect_valid(document: Any, file: str) -> None:
    """Raise `MaskFileError` unless a document has the form that a schema file describes.

    The message names the path of the first field that is wrong, what was expected there, and what came.

    Args:
        document: The result of a JSON reader.
        file: One of `FILES`.

    >>> expect_valid({"schema": "maskcover/mask-set", "version": 1, "image_size": [4, "4"], "regions": None,
    ...               "masks": [], "digest": "sha256:" + 64 * "0"}, "masks.schema.json")
    Traceback (most recent call last):
    maskcover.errors.MaskFileError: image_size[1]: expected a whole number of pixels from 0 to 2^40 - 1; found '4'
    """
    error = next(_validator(file).iter_errors(document), None)
    if error is not None:
        path = _path(error.absolute_path)
        raise MaskFileError(f"{path}: {_reason(error)}" if path else _reason(error))


def schema(file: str) -> dict[str, Any]:
    """The content of a schema file, one of `FILES`."""
    content: dict[str, Any] = json.loads(files("maskcover.schemas").joinpath(file).read_text(encoding="utf-8"))
    return content


@cache
def _validator(file: str) -> Validator:
    """The validator of a schema file, made when it is first needed: jsonschema takes a tenth of a second to import."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    checker = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    # Its stubs leave extend untyped.
    validator: Validator = extend(Draft202012Validator, {"items": _items}, type_checker=checker)(schema(file))  # type: ignore[no-untyped-call]
    return validator


def _items(validator: Any, items: Mapping[str, Any], instance: Any, _: object) -> Iterator[ValidationError]:
    """Check the keyword ``items``, with a short way for (nested) lists of numbers: large files consist of them."""
    if not isinstance(instance, list):
        return
    if _is_of_numbers(items) and all(_fits(value, items) for value in instance):
        return
    for number, value in enumerate(instance):
        yield from validator.descend(value, items, path=number)


def _is_of_numbers(rules: Mapping[str, Any]) -> bool:
    """Whether rules are about whole numbers between two bounds, or about (nested) lists of such numbers."""
    if rules.get("type") == "array":
        return rules.keys() <= _LIST and "items" in rules and _is_of_numbers(rules["items"])
    return rules.get("type") == "integer" and rules.keys() == _WHOLE


def _fits(value: Any, rules: Mapping[str, Any]) -> bool:
    """Whether a value satisfies rules about numbers; the same answer as from jsonschema, but without a reason."""
    if rules["type"] == "integer":
        return type(value) is int and rules["minimum"] <= value <= rules["maximum"]
    if not isinstance(value, list) or not rules.get("minItems", 0) <= len(value) <= rules.get("maxItems", len(value)):
        return False
    items = rules["items"]
    return all(_fits(inner, items) for inner in value)


def _path(parts: Iterable[str | int]) -> str:
    """The path of a field as a text, such as ``masks[2][0]`` or ``samples.count``; empty for the whole document."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")


def _reason(error: ValidationError) -> str:
    """The text of an error: what was expected, and what came."""
    rules: Any = error.schema
    value: Any = error.instance
    if error.validator not in ("required", "additionalProperties") or "required" not in rules:
        return f"expected {rules['title']}; found {value!r:.40}"
    missing = rules["required"] - value.keys()
    if rules.get("additionalProperties", True):
        return f"expected the fields {sorted(rules['required'])}; missing: {', '.join(sorted(missing)):.80}"
    odd = ", ".join(sorted(missing | (value.keys() - rules["properties"].keys())))
    return f"expected exactly the fields {sorted(rules['properties'])}; missing or unknown: {odd:.80}"
