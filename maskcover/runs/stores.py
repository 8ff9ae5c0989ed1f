"""The places where runs are kept: folders of a file system, and object stores such as S3 through fsspec.

A run needs little of its place: a file is read, created only if there is none of its name, replaced as a whole, edited
unless somebody else did, removed, and the names in a folder are listed. An object store does that with conditional
requests; it has no folders to make and nothing to rename. A place that cannot create a file only once is refused,
because two processes would believe that they had done it.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from os import PathLike
from pathlib import Path
from typing import Any

from maskcover.canonical import cannot_write, write_atomically
from maskcover.errors import InvalidInput, MissingExtra, install_hint

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)  # Path("s3://b/run") has one slash; "C:/" is no URL
_SCHEMES = ("s3", "memory")
_TRIES, _PAUSE = 5, 0.1  # and seconds between them, where a store is busy with another request for the same object
_LOCK = threading.RLock()  # the objects in memory belong to this process: a lock makes a request of two steps one


@dataclass(frozen=True, slots=True)
class RemotePath:
    """A file or folder in an object store, used as a `pathlib.Path` is.

    Args:
        scheme: The kind of the store: "s3", or "memory" for one in this process, for tests.
        key: The bucket and the name in it, without slashes at the ends.

    >>> RemotePath("memory", "bucket/run") / "run.json"
    RemotePath(scheme='memory', key='bucket/run/run.json')
    >>> print(RemotePath("s3", "bucket/run/shards"))
    s3://bucket/run/shards
    """

    scheme: str
    key: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.key}"

    def __fspath__(self) -> str:
        return str(self)

    def __truediv__(self, name: str | PathLike[str]) -> RemotePath:
        return RemotePath(self.scheme, "/".join(part for part in (self.key, os.fspath(name).strip("/")) if part))

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return Path(self.name).stem

    @property
    def parent(self) -> RemotePath:
        """The folder."""
        return RemotePath(self.scheme, self.key.rpartition("/")[0])

    def resolve(self) -> RemotePath:
        """This: there are no links, and no folder that a name may begin in."""
        return self

    def exists(self) -> bool:
        """Whether there is such a file or folder."""
        with _as_os_errors():
            return bool(self._store.exists(self._name))

    def is_file(self) -> bool:
        """Whether there is such a file."""
        with _as_os_errors():
            return bool(self._store.isfile(self._name))

    def read_bytes(self) -> bytes:
        """The content of the file.

        Raises:
            FileNotFoundError: there is none.
            OSError: the store does not answer.
        """
        with _as_os_errors():
            return bytes(self._store.cat_file(self._name))

    def iterdir(self) -> Iterator[RemotePath]:
        """The files and folders in the folder.

        Raises:
            FileNotFoundError: there is nothing.
            OSError: the store does not answer.
        """
        with _as_os_errors():
            names = self._store.ls(self._name, detail=False)
        for name in sorted(str(name).rstrip("/").rpartition("/")[2] for name in names):
            yield self / name

    def glob(self, pattern: str) -> Iterator[RemotePath]:
        """The files in the folder that match a pattern, which may begin with the name of a folder."""
        inner, _, pattern = pattern.rpartition("/")
        try:
            yield from (path for path in (self / inner).iterdir() if fnmatchcase(path.name, pattern))
        except FileNotFoundError:
            return

    def mkdir(self, *, parents: bool = True, exist_ok: bool = True) -> None:
        """Do nothing: a folder is there as soon as something is in it."""

    def unlink(self, *, missing_ok: bool = False) -> None:
        """Remove the file."""
        try:
            with _as_os_errors():
                self._store.rm_file(self._name)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def put(self, content: bytes) -> None:
        """Write the file, or replace it as a whole."""
        with _as_os_errors():
            self._store.pipe_file(self._name, content)

    def create(self, content: bytes) -> bool:
        """Write the file unless there is one: whether its content is now this one, written by this call.

        A request of which the answer was lost is sent again by the libraries below, and then refused: the content
        tells that it was this process's. So a content that is to tell who was first holds something that only one
        process writes.

        Raises:
            InvalidInput: the store cannot create a file only once.
            OSError: the store does not answer, or refuses.
        """
        _expect_exclusive(self.parent)
        return self._create(content)

    def edit(self, new: Callable[[bytes], bytes | None]) -> bool:
        """Replace the content by one that depends on it, unless somebody else changes the file meanwhile.

        Args:
            new: From the content to the new one; None to leave the file as it is.

        Returns:
            Whether the new content was written.
        """
        with _as_os_errors(), _LOCK if self.scheme == "memory" else _nothing():
            # The version is older than the content or the same: a change between the two is noticed by the store.
            version = self._store.info(self._name).get("ETag")
            content = new(bytes(self._store.cat_file(self._name)))
            if content is None:
                return False
            try:
                self._store.pipe_file(self._name, content, **({} if version is None else {"IfMatch": version}))
            except FileNotFoundError:
                return False
            except OSError as error:
                if error.errno == errno.EINVAL:  # the condition did not hold
                    return False
                raise
            return True

    def _create(self, content: bytes) -> bool:
        """See `create`; the store is not tried before."""
        for number in range(_TRIES):
            try:
                with _as_os_errors(), _LOCK if self.scheme == "memory" else _nothing():
                    self._store.pipe_file(self._name, content, mode="create")
            except FileExistsError:
                try:
                    return self.read_bytes() == content
                except FileNotFoundError:  # whoever created it has removed it since
                    return False
            except OSError as error:
                if error.errno != errno.EBUSY and "ConditionalRequestConflict" not in str(error):
                    raise
                if number == _TRIES - 1:
                    raise
                time.sleep(_PAUSE)
            else:
                return True
        raise AssertionError  # not reached

    @property
    def _name(self) -> str:
        return f"/{self.key}" if self.scheme == "memory" else self.key

    @property
    def _store(self) -> Any:
        return _store(self.scheme)


Place = Path | RemotePath
"""A file or folder: in a file system or in an object store."""


def place(out: str | PathLike[str]) -> Place:
    """The place that a text or a path names: a folder, or ``s3://BUCKET/RUN``.

    Raises:
        InvalidInput: it is a URL of another kind.

    >>> place("s3://bucket/run/")
    RemotePath(scheme='s3', key='bucket/run')
    >>> place("runs/first").parts
    ('runs', 'first')
    """
    if isinstance(out, RemotePath):
        return out
    text = os.fspath(out)
    url = _URL.fullmatch(text) if isinstance(text, str) else None
    if url is None:
        return Path(out)
    scheme, key = url[1].lower(), url[2].strip("/")
    if scheme not in _SCHEMES:
        raise InvalidInput(
            f"runs are kept in folders, or in object stores as s3://BUCKET/RUN; got {text}. For a store of another "
            "kind use a folder in which it is mounted; for a folder of that name type ./ before it"
        )
    if not key:
        raise InvalidInput(f"name the bucket and the run, such as {scheme}://BUCKET/RUN; got {text}")
    return RemotePath(scheme, key)


def names_in(folder: Place) -> list[str]:
    """The names of what lies in a folder; none if there is no such folder yet, or none that can be read."""
    try:
        if isinstance(folder, RemotePath):
            return [entry.name for entry in folder.iterdir()]
        with os.scandir(folder) as entries:  # a run may have thousands of shards, and is looked at often
            return [entry.name for entry in entries]
    except (OSError, ValueError):
        return []


def start_of(path: Place, count: int) -> bytes:
    """The first bytes of a file; of one in an object store all of them."""
    if not isinstance(path, Path):
        return path.read_bytes()
    with path.open("rb") as stream:
        return stream.read(count)


def write(path: Place, content: bytes, *, only_new: bool = False) -> bool:
    """Write a file whole or not at all, with `only_new` only if there is none: whether the content was written.

    Raises:
        DiskFull, InvalidInput: it cannot be written.
    """
    if isinstance(path, Path):
        return write_atomically(path, content, only_new=only_new)
    try:
        if only_new:
            return path.create(content)
        path.put(content)
    except OSError as error:
        raise cannot_write(path, error) from error
    return True


@cache
def _expect_exclusive(folder: RemotePath) -> None:
    """Raise `InvalidInput` unless the store creates a file of a folder only once; tried with a file of its own."""
    trial = folder / f".trial.{secrets.token_hex(8)}"
    if not trial._create(b"first"):
        raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), str(trial))
    try:
        exclusive = not trial._create(b"second") and trial.read_bytes() == b"first"
    except OSError:
        exclusive = False
    trial.unlink(missing_ok=True)
    if not exclusive:
        raise InvalidInput(
            f"the store of {folder} does not refuse to write a file that is there already (If-None-Match: *), so that "
            "processes would overwrite each other's files; name a store that does, such as Amazon S3, or a folder"
        )


def _store(scheme: str) -> Any:
    """The file system of fsspec; one of this process, also after a fork."""
    try:
        import fsspec

        return fsspec.filesystem(scheme, use_listings_cache=False)
    except ImportError as error:
        raise MissingExtra(f"{scheme}:// needs the packages fsspec and s3fs; {install_hint('remote')}") from error


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """Turn what the libraries of stores raise into `OSError`, as file systems do."""
    try:
        yield
    except (OSError, ImportError):
        raise
    except Exception as error:  # botocore's and aiohttp's errors have no common class
        raise OSError(errno.EIO, f"the object store does not answer as it should: {error}") from error
