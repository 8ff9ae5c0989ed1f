"""What other installed distributions offer: entry points, read again only where something was installed meanwhile."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib import metadata
from importlib.metadata import EntryPoints
from pathlib import Path


def entry_points(*, group: str) -> EntryPoints:
    """The entry points of a group, as `importlib.metadata` has them.

    Reading them takes some 25 ms where many distributions are installed, so they are kept until a folder that Python
    imports from has changed.

    >>> "torch" in entry_points(group="maskcover.classifiers").names
    True
    """
    return _read(group, tuple((folder, _changed(folder)) for folder in sys.path))


@lru_cache(maxsize=8)
def _read(group: str, folders: tuple[tuple[str, int], ...]) -> EntryPoints:  # noqa: ARG001  # a part of the key
    return metadata.entry_points(group=group)


def _changed(folder: str) -> int:
    """When an entry was last added to a folder or removed from it; 0 if there is no such folder."""
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0
