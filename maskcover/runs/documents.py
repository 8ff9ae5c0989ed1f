"""The JSON documents of a run's folder: read within limits, and sealed by a digest so that an edit is noticed.

`maskcover/schemas` describes them, in every version that is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from maskcover.canonical import digest, read_strict
from maskcover.data import Chosen
from maskcover.runs.stores import Place, start_of
from maskcover.schemas import expect_valid

LARGEST = 16 * 2**20
"""Bytes of the largest document that is read; maskcover itself writes some kilobytes."""
ODD = (OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""The errors that reading a damaged document may raise."""
_SEAL = "digest"


def read_document(path: Place, schema: str) -> dict[str, Any]:
    """Read a document from a file of JSON; it must have the form that a schema file describes.

    Raises:
        FileNotFoundError: there is no such file.
        OSError, ValueError, RecursionError: it is no file, larger than `LARGEST`, no JSON, or of another form.
    """
    if path.exists() and not path.is_file():
        raise ValueError("not a regular file")
    content = start_of(path, LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"larger than {LARGEST:,} bytes")
    document = read_strict(content.decode("utf-8"), fractions=True)
    expect_valid(document, schema)
    return dict(document)


def chosen_in(document: Mapping[str, Any]) -> Chosen | None:
    """How the images were chosen among more, if a document has it."""
    return Chosen(**document["sample"]) if "sample" in document else None


def claim(document: Mapping[str, Any], without: frozenset[str] = frozenset()) -> str:
    """``sha256:…`` of all entries of a document except the seal itself and those of `without`."""
    return digest({name: value for name, value in document.items() if name != _SEAL and name not in without})


def sealed(document: Mapping[str, Any], without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Add the seal to a document."""
    return {**document, _SEAL: claim(document, without)}


def expect_sealed(document: Mapping[str, Any], without: frozenset[str] = frozenset()) -> None:
    """Raise `ValueError` if a document was edited after it was sealed."""
    if document[_SEAL] != claim(document, without):
        raise ValueError("it was edited: its digest is that of another text; put back the file as it was written")


def written(document: Mapping[str, Any]) -> bytes:
    """The bytes of a document, indented so that people can read it."""
    return (json.dumps(dict(document), indent=2) + "\n").encode()
