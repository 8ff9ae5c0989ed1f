"""Summaries of the folders of runs, in both frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from maskcover.runs.documents import chosen_in
from maskcover.runs.folder import Folder
from maskcover.runs.frames import is_source_run, size_folders, source_document
from maskcover.runs.rows import Row
from maskcover.runs.summary import Summary, errors_among


def summary(out: str | PathLike[str]) -> Summary:
    """The summary of the rows in a folder; of all sizes if it holds a run in the frame of the source."""
    if is_source_run(out):
        document = source_document(out)
        return Summary.of(_shards(Path(out), document), sum(document["sizes"].values()), chosen_in(document))
    folder = Folder(Path(out))
    config = folder.existing()
    return Summary.of(folder.all_columns(config), config.count, config.chosen)


def error_rows(out: str | PathLike[str]) -> Iterator[Row]:
    """The rows of errors in a folder; of all sizes if it holds a run in the frame of the source."""
    if is_source_run(out):
        return errors_among(_shards(Path(out), source_document(out)))
    folder = Folder(Path(out))
    return errors_among(folder.all_columns(folder.existing()))


def _shards(out: Path, document: Mapping[str, Any]) -> Iterator[tuple[Any, float]]:
    """The rows and seconds of all shards, of all sizes."""
    for folder, config in size_folders(out, document):
        yield from folder.all_columns(config)
