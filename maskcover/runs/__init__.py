"""Runs over data sets: shards that are written once, summaries from rows, and replays."""

from maskcover.runs.folder import Config, Folder, Shard, shards
from maskcover.runs.frames import SizeGroup, SourceResult, certify_source, run_source, summary
from maskcover.runs.replay import Flip, Replay, replay
from maskcover.runs.rows import Row
from maskcover.runs.run import run
from maskcover.runs.summary import Summary

__all__ = [
    "Config",
    "Flip",
    "Folder",
    "Replay",
    "Row",
    "Shard",
    "SizeGroup",
    "SourceResult",
    "Summary",
    "certify_source",
    "replay",
    "run",
    "run_source",
    "shards",
    "summary",
]
