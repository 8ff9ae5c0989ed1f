"""Strict JSON: one canonical byte form for digests, and a reader that refuses what JSON leaves open.

Knows nothing of what the documents mean.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from os import PathLike
from pathlib import Path
from typing import Any

from maskcover.errors import InvalidInput, MaskFileError


def canonical_bytes(document: object) -> bytes:
    """The one byte string of a document: sorted keys, no spaces, ASCII only.

    >>> canonical_bytes({"b": [1, 2], "a": "é"})
    b'{"a":"\\\\u00e9","b":[1,2]}'
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def digest(document: object) -> str:
    """``sha256:…`` of the canonical bytes.

    >>> digest({})[:15]
    'sha256:44136fa3'
    """
    return "sha256:" + hashlib.sha256(canonical_bytes(document)).hexdigest()


def read_strict(text: str) -> Any:
    """Parse JSON, refusing duplicate keys, NaN, infinities, fractions and -0 (no file of maskcover holds a float)."""

    def refuse_number(literal: str) -> Any:
        raise MaskFileError(f"expected whole numbers only; found {literal[:40]}")

    def whole(literal: str) -> int:
        return refuse_number(literal) if literal == "-0" else int(literal)

    try:
        return json.loads(
            text,
            object_pairs_hook=_no_duplicates,
            parse_constant=refuse_number,
            parse_float=refuse_number,
            parse_int=whole,
        )
    except MaskFileError:
        raise
    except (ValueError, RecursionError) as error:
        raise MaskFileError(f"not a JSON document: {error}") from error


def write_atomically(path: str | PathLike[str], content: bytes, *, only_new: bool = False) -> bool:
    """Write a file so that a reader sees the old one or the new one, never half of it.

    With `only_new` a file that is there stays as it is, also if another process writes at the same time. Returns
    whether the content was written.
    """
    try:
        path = Path(path)
        partial = path.parent / f".{path.name}.{secrets.token_hex(8)}"
        stream = partial.open("xb")  # with the rights of any new file, which mkstemp would not give
    except (OSError, TypeError, ValueError) as error:  # the latter two: what no file can be called
        raise InvalidInput(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        with stream:
            stream.write(content)
        if only_new:
            path.hardlink_to(partial)
        else:
            partial.replace(path)
    except FileExistsError:
        return False
    except OSError as error:
        raise InvalidInput(f"cannot write {path}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
    return True


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        keys = [key for key, _ in pairs]
        doubled = next(key for key in keys if keys.count(key) > 1)
        raise MaskFileError(f"the key {doubled!r} stands twice in one object")
    return document
