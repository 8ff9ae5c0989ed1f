"""Reading CSV files of image paths and labels."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from maskcover.data.dataset import Dataset
from maskcover.data.folders import of_files
from maskcover.data.labels import Request, class_number, named_by
from maskcover.data.several import with_names, with_table
from maskcover.errors import InvalidInput

_COLUMNS = ("path", "label")
_WORDS = {False: "a name of the model's classes or a class number from 0", True: "the true answer, which is not empty"}
_NAMES = "labels"
_BETWEEN = re.compile(r"[;|]")


def open_table(table: Path, request: Request, folder: Path | None = None) -> Dataset:
    """Open the images that a CSV file lists in the columns ``path`` and ``label``.

    Paths are relative to the folder, by default that of the table, and stay inside it unless the request allows others.
    A label is a name of the model's classes, a WordNet id of ImageNet-1k, or the number of a class; where the request
    is for answers, the text of the true answer without spaces around it. For several
    labels there is either one more column, ``labels``, with names between ``;`` or ``|``, or one column of 0 and 1 for
    each class, named after it.
    """
    if request.split is not None:
        raise InvalidInput(f"{table}: a table has no parts; leave split out, or make a table for {request.split!r}")
    base = table.parent if folder is None else folder
    try:
        with table.open(newline="", encoding="utf-8-sig") as stream:
            rows = csv.DictReader(stream, strict=True)
            if request.several:
                return _several(table, rows, base, request)
            _expect_columns(table, rows.fieldnames or ())
            samples = [_row(row, f"{table}, line {rows.line_num}", base, request) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"cannot read {table}: {error}") from error
    paths = [path for path, _ in samples]
    if request.answers:
        return replace(of_files(str(table), base, paths, None), answers=tuple(label for _, label in samples))
    labels = np.array([label for _, label in samples], np.int64)
    return named_by(of_files(str(table), base, paths, labels), request)


def inside(folder: Path, path: str, place: str, *, outside: bool) -> Path:
    """The path of a file that data name, inside their folder.

    Raises:
        InvalidInput: an absolute path, or one that leads upwards, unless the caller allows files outside.
    """
    pure = PurePath(path)
    if not outside and (pure.is_absolute() or ".." in pure.parts):
        raise InvalidInput(
            f"{place}: expected a path inside {folder}; got {path!r:.200}. If that file is meant, open the data with "
            "outside=True (--outside)"
        )
    return folder / pure


def _several(table: Path, rows: csv.DictReader[str], folder: Path, request: Request) -> Dataset:
    """The images of a table with several labels."""
    columns = list(rows.fieldnames or ())
    classes = [name for name in columns if name != "path"]
    if columns.count("path") != 1 or not classes or (_NAMES in classes and len(classes) > 1):
        raise InvalidInput(
            f"{table}: expected the column path, and either the column labels with names between ; or |, or one column "
            f"of 0 and 1 for each class; got {', '.join(columns) or 'nothing'}"
        )
    files, cells = list[str](), list[list[str]]()
    for row in rows:
        place = f"{table}, line {rows.line_num}"
        files.append(_file(row, place, folder, request))
        cells.append([str(row[name]).strip() for name in dict.fromkeys(classes)])
        if classes != [_NAMES] and not set(cells[-1]) <= {"0", "1"}:
            odd = next(cell for cell in cells[-1] if cell not in ("0", "1"))
            raise InvalidInput(f"{place}: expected 0 or 1 for each class, absent or present; got {odd!r:.80}")
    dataset = of_files(str(table), folder, files, None)
    if classes == [_NAMES]:
        names = [[name.strip() for name in _BETWEEN.split(cell) if name.strip()] for (cell,) in cells]
        return with_names(dataset, names, request.classes)
    return with_table(dataset, np.array(cells) == "1", classes, request.classes)


def _file(row: dict[str | None, Any], place: str, folder: Path, request: Request) -> str:
    """The path of the image of a row; all its cells must be there."""
    path = row.get("path")
    if not path or None in row or any(not isinstance(cell, str) for cell in row.values()):
        raise InvalidInput(f"{place}: expected a path, and one cell for each column; got {row!s:.200}")
    file = inside(folder, path, place, outside=request.outside)
    if not file.is_file():
        raise InvalidInput(f"{place}: there is no file {file}")
    return PurePath(path).as_posix()


def _expect_columns(table: Path, names: Sequence[str]) -> None:
    twice = [name for name in _COLUMNS if list(names).count(name) > 1]
    if twice:
        raise InvalidInput(f"{table} has several columns {twice[0]}; expected one, so that it is clear which is meant")


def _row(row: dict[str | None, Any], place: str, folder: Path, request: Request) -> tuple[str, int | str]:
    path, label = row.get("path"), row.get("label")
    number: int | str | None
    if request.answers:
        number = (label.strip() or None) if isinstance(label, str) and None not in row else None
    else:
        number = class_number(label.strip(), request.classes) if isinstance(label, str) and None not in row else None
    if not path or number is None:
        raise InvalidInput(f"{place}: expected the columns path and label, {_WORDS[request.answers]}; got {row!s:.200}")
    file = inside(folder, path, place, outside=request.outside)
    if not file.is_file():
        raise InvalidInput(f"{place}: there is no file {file}")
    return PurePath(path).as_posix(), number
