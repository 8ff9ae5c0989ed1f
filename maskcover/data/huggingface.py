"""Hugging Face data sets as `save_to_disk` writes them, read through pyarrow: nothing is loaded but what is asked for.

The package `datasets` is not needed, and nothing can be downloaded.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np

from maskcover.data.arrays import numbered
from maskcover.data.classes import ClassList
from maskcover.data.dataset import Dataset, IntArray
from maskcover.data.pictures import Picture, read_picture
from maskcover.errors import InvalidInput, MissingExtra, install_hint

_IMAGES = ("image", "img", "picture", "pixels")
_LABELS = ("label", "labels", "fine_label")


def open_huggingface(path: Path, split: str | None, _: ClassList | None) -> Dataset:
    """A data set, or one split of several, in a folder that `save_to_disk` wrote.

    The pictures are the column of images, the labels the column label, labels or fine_label, or the only one of class
    labels; −1 throughout means that there are none.
    """
    folder, part = _part(path, split)
    table = _table(folder)
    features = _features(folder, table)
    image = _column(folder, features, _IMAGES, "Image")
    label = _column(folder, features, _LABELS, "ClassLabel") or next((one for one in _LABELS if one in features), None)
    if image is None:
        raise InvalidInput(f"{folder}: expected a column of images; got {', '.join(table.column_names)}: cast one")
    pictures = table.column(image)

    def read(number: int) -> Picture:
        return _picture(pictures[number].as_py(), f"{folder}, {part}/{number:06}")

    return Dataset(
        f"{folder}, column {image}",
        numbered(part, len(table)),
        None if label is None else _labels(folder, table.column(label)),
        read,
        None,
        None if label is None else _names(features[label]),
    )


def is_huggingface(folder: Path) -> bool:
    """Whether `save_to_disk` wrote a folder."""
    return any((folder / name).is_file() for name in ("dataset_dict.json", "state.json"))


def _part(path: Path, split: str | None) -> tuple[Path, str]:
    """The folder of the split, and what ids begin with."""
    if not path.is_dir():
        raise InvalidInput(f"{path} is no folder; expected one that save_to_disk of Hugging Face's datasets wrote")
    if (path / "dataset_dict.json").is_file():
        splits = _json(path / "dataset_dict.json").get("splits", [])
        if split not in splits:
            raise InvalidInput(f"{path}: got split={split!r}; expected one of {', '.join(map(str, splits))}")
        return path / str(split), str(split)
    if not (path / "state.json").is_file():
        raise InvalidInput(f"{path} holds neither dataset_dict.json nor state.json, which save_to_disk writes")
    known = _json(path / "state.json").get("_split")
    if split not in (None, known):
        raise InvalidInput(f"{path} is one split, {known or 'without a name'}; leave split={split!r} out")
    return path, known or "row"


def _table(folder: Path) -> Any:
    """All rows, as a table that lies in the files."""
    arrow = _pyarrow()
    state = _json(folder / "state.json")
    names = [one.get("filename") for one in state.get("_data_files", [])]
    if not names or state.get("_indices_data_files"):
        raise InvalidInput(f"{folder}: expected data files and no indices; write it again with save_to_disk")
    options = arrow.ipc.IpcReadOptions(use_threads=False)
    try:
        parts = [
            arrow.ipc.open_stream(arrow.memory_map(str(folder / Path(name).name)), options=options).read_all()
            for name in names
        ]
        return arrow.concat_tables(parts)
    except (OSError, TypeError, arrow.ArrowException) as error:
        raise InvalidInput(f"cannot read the data set {folder}: {error}") from error


def _features(folder: Path, table: Any) -> dict[str, dict[str, Any]]:
    """What each column is, as the table itself says, or the file beside it."""
    told = (table.schema.metadata or {}).get(b"huggingface")
    document = json.loads(told)["info"] if told else _json(folder / "dataset_info.json")
    features = document.get("features") or {}
    return {name: one for name, one in features.items() if isinstance(one, dict) and name in table.column_names}


def _column(folder: Path, features: Mapping[str, Mapping[str, Any]], names: tuple[str, ...], kind: str) -> str | None:
    """The column of a kind: one of the usual name, or the only one; None if there is none."""
    of_kind = [name for name, one in features.items() if one.get("_type") == kind]
    usual = [name for name in names if name in of_kind]
    if usual or len(of_kind) == 1:
        return (usual or of_kind)[0]
    if of_kind:
        found = ", ".join(f"{name} ({one.get('_type')})" for name, one in features.items())
        raise InvalidInput(
            f"{folder}: expected a column of the type {kind} named {', '.join(names)}; got {found}: rename_column helps"
        )
    return None


def _labels(folder: Path, column: Any) -> IntArray | None:
    if column.null_count or not _pyarrow().types.is_integer(column.type):
        raise InvalidInput(
            f"{folder}: expected whole numbers as labels; got {column.type}, {column.null_count} missing"
        )
    labels = column.to_numpy().astype(np.int64)
    return None if (labels == -1).all() else labels


def _names(feature: Mapping[str, Any]) -> tuple[str, ...] | None:
    names = feature.get("names")
    return tuple(map(str, names)) if isinstance(names, list) else None


def _picture(kept: Any, name: str) -> Picture:
    """A picture from its bytes, or else from the file that is named."""
    content, path = (kept.get("bytes"), kept.get("path")) if isinstance(kept, dict) else (None, None)
    if content is not None:
        return read_picture(io.BytesIO(content), name)
    if path is None:
        raise InvalidInput(f"{name} holds no picture")
    return read_picture(path, f"{name} ({path})")


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"cannot read {path}: {error}") from error
    if not isinstance(document, dict):
        raise InvalidInput(f"{path}: expected a JSON object")
    return document


def _pyarrow() -> ModuleType:
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise MissingExtra(f"Hugging Face data sets are read by pyarrow; {install_hint('data')}") from error
    return cast("ModuleType", pyarrow)
