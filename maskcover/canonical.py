"""Strict JSON: one canonical byte form for digests, and a reader that refuses what JSON leaves open.

Knows nothing of what the documents mean.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import re
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from maskcover.errors import DiskFull, InvalidInput, MaskFileError
from maskcover.system import locked, sync_folder

_FULL = (errno.ENOSPC, errno.EDQUOT)
_TRIES, _PAUSE = 100, 0.05  # and seconds between them, while another process has claimed a name
_NO_LINKS = (
    errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EINVAL,
)  # fmt: skip


def canonical_bytes(document: object) -> bytes:
    """The canonical bytes of a document: sorted keys, no spaces, ASCII only.

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


def read_strict(text: str, *, fractions: bool = False) -> Any:
    """Parse JSON, refusing duplicate keys, NaN, infinities and −0; and fractions too, unless they are allowed.

    Mask sets and certificates hold whole numbers only; what a run keeps holds a few fractions.

    Raises:
        MaskFileError: the text is no JSON, or holds something of these.
    """

    def refuse_number(literal: str) -> Any:
        expected = "finite numbers" if fractions else "whole numbers"
        raise MaskFileError(f"expected {expected} only; found {literal[:40]}")

    def whole(literal: str) -> int:
        return refuse_number(literal) if literal == "-0" else int(literal)

    def finite(literal: str) -> float:
        number = float(literal)
        return number if math.isfinite(number) else refuse_number(literal)

    try:
        return json.loads(
            text,
            object_pairs_hook=_no_duplicates,
            parse_constant=refuse_number,
            parse_float=finite if fractions else refuse_number,
            parse_int=whole,
        )
    except MaskFileError:
        raise
    except (ValueError, RecursionError) as error:
        raise MaskFileError(f"not a JSON document: {error}") from error


def write_atomically(path: str | PathLike[str], content: bytes, *, only_new: bool = False) -> bool:
    """Write a file so that a reader sees the old one or the new one, never half of it, also after a power cut.

    With `only_new` a file that is there stays as it is, also if another process writes at the same time. Returns
    whether the content was written.

    Raises:
        DiskFull: there is no room.
        InvalidInput: the file cannot be written for another reason.
    """
    try:
        path = Path(path)
        if path.exists() and not path.is_file():
            path.write_bytes(content)  # a device or a pipe, such as /dev/stdout, must not make room for a file
            return True
        partial = path.parent / f".{path.name}.{secrets.token_hex(8)}"
        stream = partial.open("xb")  # with the rights of any new file, which mkstemp would not give
    except (OSError, TypeError, ValueError) as error:  # the latter two: what no file can be called
        raise cannot_write(path, error) from error
    try:
        with stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if only_new:
            _put_new(partial, path)
        else:
            partial.replace(path)
        sync_folder(path.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        partial.unlink(missing_ok=True)
    return True


def cannot_write(path: object, error: Exception) -> InvalidInput:
    """The error for a file that cannot be written: `DiskFull` where there is no room, else `InvalidInput`."""
    message = f"cannot write {path}: {getattr(error, 'strerror', None) or error}"
    if isinstance(path, Path) and isinstance(error, FileNotFoundError) and not path.parent.exists():
        message = f"cannot write {path}: there is no folder {path.parent}; make it, or name another file"
    return DiskFull(message) if getattr(error, "errno", None) in _FULL else InvalidInput(message)


def _put_new(partial: Path, path: Path) -> None:
    """Give a file its name; `FileExistsError` if something has that name."""
    try:
        path.hardlink_to(partial)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _rename_new(partial, path)


def _rename_new(partial: Path, path: Path) -> None:
    """Give a file its name in a folder without hard links, as on a USB stick.

    The lock keeps out processes of this machine; claims, files that only one process can create, those of others that
    share the folder. The content is written into the claim, and the claim gets the name. So a process whose claim
    another one has removed, because it seemed lost, cannot give anything its name any more: it starts again. On Windows
    renaming never replaces a file.
    """
    content, claims = partial.read_bytes(), _Claims(path)
    with locked(path.parent):
        while True:
            claim = claims.claimed()
            try:
                with suppress(FileNotFoundError), claim.open("r+b") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
                _expect_new(path)
                if _renamed(claim, path):
                    return
            finally:
                claim.unlink(missing_ok=True)


def _renamed(claim: Path, path: Path) -> bool:
    """Give a claim the name that it is for; whether it was still there."""
    try:
        claim.rename(path)
    except FileNotFoundError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Claims:
    """The claims of processes on one name: files with growing numbers, of which the newest one counts."""

    path: Path

    def claimed(self) -> Path:
        """Create a claim. While another process has one this waits, and then removes that claim.

        The first time it waits `_TRIES` pauses, and each time twice as long as before, so that slow ones get there too.

        Raises:
            FileExistsError: something has the name.
        """
        watched, looks = -1, 0
        while True:
            _expect_new(self.path)
            newest = max(self._numbers(), default=-1)
            watched, looks = newest, looks + 1 if newest == watched else 0
            if newest >= 0 and looks < _TRIES << min(newest, 10):
                time.sleep(_PAUSE)
            elif self._created(newest + 1):
                # The new claim comes first: at no time is there none while somebody may still use an older one.
                for older in self._numbers():
                    if older <= newest:
                        self._claim(older).unlink(missing_ok=True)
                return self._claim(newest + 1)

    def _created(self, number: int) -> bool:
        try:
            self._claim(number).open("xb").close()
        except FileExistsError:
            return False
        return True

    def _claim(self, number: int) -> Path:
        return self.path.parent / f".{self.path.name}.{number}.claim"

    def _numbers(self) -> list[int]:
        """The numbers of the claims that are there."""
        claim = re.compile(rf"\.{re.escape(self.path.name)}\.([0-9]+)\.claim")
        with os.scandir(self.path.parent) as entries:
            return [int(match[1]) for entry in entries if (match := claim.fullmatch(entry.name))]


def _expect_new(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        keys = [key for key, _ in pairs]
        doubled = next(key for key in keys if keys.count(key) > 1)
        raise MaskFileError(f"the key {doubled!r} stands twice in one object")
    return document
