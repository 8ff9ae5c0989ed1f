"""The JSON documents of a run's folder: read within limits, and sealed by a digest so that an edit is noticed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maskcover.canonical import digest
from maskcover.data import Chosen

LARGEST = 16 * 2**20
"""Bytes of the largest document that is read; what maskcover writes itself has some kilobytes."""
ODD = (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What reading a document that is none may raise."""
_SEAL = "digest"


def read_document(path: Path) -> Any:
    """What a file of JSON holds.

    Raises:
        FileNotFoundError: there is no such file.
        OSError, ValueError, RecursionError: it is no file, larger than `LARGEST`, or no JSON.
    """
    if path.exists() and not path.is_file():
        raise ValueError("not a regular file")
    with path.open("rb") as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"larger than {LARGEST:,} bytes")
    return json.loads(content.decode("utf-8"))


def chosen_in(document: Mapping[str, Any]) -> Chosen | None:
    """How images were chosen among more, if a document says so; `TypeError` if it says so in no way that is known."""
    if "sample" not in document:
        return None
    found = Chosen(**document["sample"])
    if not all(type(number) is int for number in (found.count, found.of, found.seed or 0)):
        raise TypeError(f"a sample is of whole numbers; got {document['sample']!r:.80}")
    return found


def claim(document: Mapping[str, Any], without: frozenset[str] = frozenset()) -> str:
    """``sha256:…`` of all that a document claims: of everything but the seal itself and what is left out."""
    return digest({name: value for name, value in document.items() if name != _SEAL and name not in without})


def sealed(document: Mapping[str, Any], without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The document with its seal."""
    return {**document, _SEAL: claim(document, without)}


def expect_sealed(document: Mapping[str, Any], without: frozenset[str] = frozenset()) -> None:
    """Raise `ValueError` if a document was edited after it was sealed."""
    if document[_SEAL] != claim(document, without):
        raise ValueError("it was edited: its digest is of another text; put back the file as it was written")


def written(document: Mapping[str, Any]) -> bytes:
    """The bytes of a document, for people to read too."""
    return (json.dumps(dict(document), indent=2) + "\n").encode()
