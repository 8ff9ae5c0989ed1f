"""CSV files of image paths and labels."""

from __future__ import annotations

import csv
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from maskcover.data.classes import ClassList, class_number
from maskcover.data.dataset import Dataset
from maskcover.data.folders import of_files
from maskcover.errors import InvalidInput


def open_table(table: Path, split: str | None, classes: ClassList | None, folder: Path | None = None) -> Dataset:
    """The images that a CSV file lists in the columns ``path`` and ``label``.

    Paths are relative to the folder, by default that of the table. A label is a class number, or a name of the model's
    classes, or a WordNet id of ImageNet-1k.
    """
    if split is not None:
        raise InvalidInput(f"{table}: a table has no parts; leave split out, or make a table for {split!r}")
    base = table.parent if folder is None else folder
    try:
        with table.open(newline="", encoding="utf-8-sig") as stream:
            rows = csv.DictReader(stream, strict=True)
            samples = [_row(row, f"{table}, line {rows.line_num}", base, classes) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"cannot read {table}: {error}") from error
    labels = np.array([label for _, label in samples], np.int64)
    return of_files(str(table), base, [path for path, _ in samples], labels)


def _row(row: dict[str, Any], place: str, folder: Path, classes: ClassList | None) -> tuple[str, int]:
    path, label = row.get("path"), row.get("label")
    number = class_number(label.strip(), classes) if isinstance(label, str) else None
    if not path or number is None:
        raise InvalidInput(
            f"{place}: expected the columns path and label, a class number from 0 or a name of the model's classes; "
            f"got {row}"
        )
    if not (folder / path).is_file():
        raise InvalidInput(f"{place}: there is no file {folder / path}")
    return PurePath(path).as_posix(), number
