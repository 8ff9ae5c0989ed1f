"""Runs over data sets: shards that are written once, summaries from rows, and replays."""

import warnings
from typing import Any

from maskcover.errors import MaskcoverWarning
from maskcover.runs.answers import Answers
from maskcover.runs.binding import certified
from maskcover.runs.comparison import Comparison, PairedCounts, compare
from maskcover.runs.config import Config, Shard
from maskcover.runs.folder import Folder, shards
from maskcover.runs.frames import is_source_run, source_document
from maskcover.runs.launchers import Ray, Slurm
from maskcover.runs.leases import Leases
from maskcover.runs.ledger import Ledger
from maskcover.runs.opened import OpenedRun
from maskcover.runs.orders import Order
from maskcover.runs.plans import Plan
from maskcover.runs.replaying import ChangedRow, Replay, replay
from maskcover.runs.rows import Row
from maskcover.runs.running import run
from maskcover.runs.size_groups import SizeGroup, by_size, groups
from maskcover.runs.sizes import CertifiedSizes
from maskcover.runs.source_frame import (
    SourceResult,
    certify_source,
    run_source,
)
from maskcover.runs.sources import Source
from maskcover.runs.spec import RunSpec
from maskcover.runs.starting import Launcher, open_run, run_spec, worker
from maskcover.runs.statuses import RunStatus, ShardInWork, SizeStatus, status
from maskcover.runs.summaries import error_rows, summary
from maskcover.runs.summary import Summary
from maskcover.runs.working import Work, Worker

__all__ = [
    "Answers",
    "CertifiedSizes",
    "ChangedRow",
    "Comparison",
    "Config",
    "Folder",
    "Launcher",
    "Leases",
    "Ledger",
    "OpenedRun",
    "Order",
    "PairedCounts",
    "Plan",
    "Ray",
    "Replay",
    "Row",
    "RunSpec",
    "RunStatus",
    "Shard",
    "ShardInWork",
    "SizeGroup",
    "SizeStatus",
    "Slurm",
    "Source",
    "SourceResult",
    "Summary",
    "Work",
    "Worker",
    "by_size",
    "certified",
    "certify_source",
    "compare",
    "error_rows",
    "groups",
    "is_source_run",
    "open_run",
    "replay",
    "run",
    "run_source",
    "run_spec",
    "shards",
    "source_document",
    "status",
    "summary",
    "worker",
]


def __getattr__(name: str) -> Any:
    """Give `ChangedRow` under its name up to version 0.1, with a warning."""
    if name != "Flip":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn("maskcover.runs.Flip is now maskcover.runs.ChangedRow", MaskcoverWarning, stacklevel=2)
    return ChangedRow
