"""The reader that mask sets and certificates share: strict JSON, then the form of the file, then its digest.

A document that it returns has the right form and was not edited. The modules that use it decide whether it makes sense.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from maskcover.canonical import digest, read_strict
from maskcover.errors import MaskFileError
from maskcover.schemas.validation import expect_valid


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file that holds masks.

    Args:
        schema: The value of ``schema`` in its documents.
        words: The name of the kind in messages.
        file: The schema file that describes it.
        version: The version of the format that is read and written.
    """

    schema: str
    words: str
    file: str
    version: int = 1


MASK_SET = Kind("maskcover/mask-set", "mask-set file", "masks.schema.json")
CERTIFICATE = Kind("maskcover/cover-certificate", "cover certificate", "certificate.schema.json")


def document_in(path: str | PathLike[str], *kinds: Kind) -> dict[str, Any]:
    """Read the document in a file of one of these kinds.

    Raises:
        MaskFileError: the file cannot be read, or is of another kind; the message names the file and the field.
    """
    try:
        content = Path(path).read_bytes()
    except (OSError, TypeError, ValueError) as error:  # the latter two: for impossible names
        reason = getattr(error, "strerror", None) or error
        raise MaskFileError(f"cannot read {path}: {reason}; expected a {kinds[0].words}") from error
    return document_of(content, str(path), *kinds)


def document_of(content: bytes, name: str, *kinds: Kind) -> dict[str, Any]:
    """Read the document in the bytes of a file; the name is for messages. See `document_in`."""
    try:
        document = read_strict(content.decode("utf-8"))
        expect_valid(document, _kind_of(document, kinds).file)
        _expect_unedited(document)
    except UnicodeDecodeError as error:
        raise MaskFileError(f"{name}: not a text file in UTF-8; expected a {kinds[0].words}") from error
    except MaskFileError as error:
        raise MaskFileError(f"{name}: {error}") from error
    except RecursionError as error:
        raise MaskFileError(f"{name}: nested too deeply for a {kinds[0].words}") from error
    return dict(document)


def _kind_of(document: Any, kinds: tuple[Kind, ...]) -> Kind:
    """The kind that a document declares; raises unless it is one of these kinds, in the version that is read."""
    schema = document.get("schema") if isinstance(document, dict) else None
    kind = next((kind for kind in kinds if kind.schema == schema), None)
    if kind is None:
        raise MaskFileError(
            f"schema: expected a JSON object with schema {kinds[0].schema!r}; is this a {kinds[0].words}?"
        )
    version = document.get("version")
    if type(version) is not int or version != kind.version:
        raise MaskFileError(f"version: expected {kind.version}; found {version!r:.40} (update maskcover?)")
    return kind


def _expect_unedited(document: dict[str, Any]) -> None:
    content = {key: value for key, value in document.items() if key != "digest"}
    if document["digest"] != digest(content):
        raise MaskFileError("digest: does not match the content; the file was edited or damaged, so make it anew")
