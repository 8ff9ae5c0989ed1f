"""Runs over data sets: shards that are written once, summaries from rows, and replays."""

from maskcover.runs.folder import Config, Folder, Shard, shards
from maskcover.runs.replay import Flip, Replay, replay
from maskcover.runs.rows import Row
from maskcover.runs.run import run, summary
from maskcover.runs.summary import Summary

__all__ = ["Config", "Flip", "Folder", "Replay", "Row", "Shard", "Summary", "replay", "run", "shards", "summary"]
