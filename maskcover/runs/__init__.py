"""Runs over data sets: shards that are written once, summaries from rows, and replays."""

from __future__ import annotations

import warnings
from typing import Any

from maskcover.errors import MaskcoverWarning
from maskcover.runs.binding import certified
from maskcover.runs.folder import Config, Folder, Shard, shards
from maskcover.runs.replaying import ChangedRow, Replay, replay
from maskcover.runs.rows import Row
from maskcover.runs.running import run
from maskcover.runs.size_groups import SizeGroup, by_size, groups
from maskcover.runs.source_frame import (
    SourceResult,
    certify_source,
    error_rows,
    is_source_run,
    run_source,
    source_document,
    summary,
)
from maskcover.runs.summary import Summary

__all__ = [
    "ChangedRow",
    "Config",
    "Folder",
    "Replay",
    "Row",
    "Shard",
    "SizeGroup",
    "SourceResult",
    "Summary",
    "by_size",
    "certified",
    "certify_source",
    "error_rows",
    "groups",
    "is_source_run",
    "replay",
    "run",
    "run_source",
    "shards",
    "source_document",
    "summary",
]


def __getattr__(name: str) -> Any:
    """The earlier name of `ChangedRow`, for one release."""
    if name != "Flip":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    message = "maskcover.runs.Flip is called ChangedRow now; the old name goes with the next release"
    warnings.warn(message, MaskcoverWarning, stacklevel=2)
    return ChangedRow
