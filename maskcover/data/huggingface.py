"""Hugging Face data sets as `save_to_disk` writes them, read through pyarrow: nothing is loaded but what is asked for.

The package `datasets` is not needed, and nothing can be downloaded.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any, cast

from maskcover.data.arrays import numbered
from maskcover.data.dataset import Dataset, IntArray
from maskcover.data.labels import Request, whole_labels
from maskcover.data.pictures import Picture, read_picture
from maskcover.data.tables import inside
from maskcover.errors import InvalidInput, MissingExtra, install_hint

_IMAGES = ("image", "img", "picture", "pixels")
_LABELS = ("label", "labels", "fine_label")
Features = Mapping[str, Mapping[str, Any]]


def open_huggingface(path: Path, asked: Request) -> Dataset:
    """A data set, or one split of several, in a folder that `save_to_disk` wrote.

    The pictures are the column of images, the labels the column label, labels or fine_label, or the only one of class
    labels; −1 throughout means that there are none. Files that rows name are relative to the folder, and stay inside it
    unless the request allows others.
    """
    folder, part = _part(path, asked.split)
    table = _table(folder)
    features = _features(folder, table)
    image, label = columns(str(folder), features)
    if image is None:
        raise InvalidInput(f"{folder}: expected a column of images; got {', '.join(table.column_names)}: cast one")
    pictures = _valid(folder, table, image)

    def read(number: int) -> Picture:
        return _picture(pictures[number].as_py(), f"{folder}, {part}/{number:06}", folder, outside=asked.outside)

    return Dataset(
        f"{folder}, column {image}",
        numbered(part, len(table)),
        None if label is None else _labels(folder, _valid(folder, table, label)),
        read,
        None,
        None if label is None else _class_names(folder, label, features[label]),
    )


def columns(source: str, features: Features) -> tuple[str | None, str | None]:
    """The column of images and that of labels, None where there is none."""
    plain = [one for one in _LABELS if one in features and features[one].get("_type") != "ClassLabel"]
    label = _column(source, features, _LABELS, "ClassLabel") or next(iter(plain), None)
    if {"label", "labels"} <= features.keys():
        raise InvalidInput(f"{source} has the columns label and labels; remove_columns the one that is not meant")
    return _column(source, features, _IMAGES, "Image"), label


def names_of(names: Any) -> tuple[str, ...] | None:
    """Names of classes, if a list of texts is what is there; several for one class are one text, with commas."""
    if not isinstance(names, list | tuple) or not names:
        return None
    every = [(one,) if isinstance(one, str) else one for one in names]
    if not all(isinstance(one, list | tuple) and one and all(isinstance(word, str) for word in one) for one in every):
        return None
    return tuple(", ".join(words) for words in every)


def is_huggingface(folder: Path) -> bool:
    """Whether `save_to_disk` wrote a folder."""
    return any((folder / name).is_file() for name in ("dataset_dict.json", "state.json"))


def _part(path: Path, split: str | None) -> tuple[Path, str]:
    """The folder of the split, and what ids begin with."""
    if not path.is_dir():
        raise InvalidInput(f"{path} is no folder; expected one that save_to_disk of Hugging Face's datasets wrote")
    if (path / "dataset_dict.json").is_file():
        splits = _texts(path / "dataset_dict.json", _json(path / "dataset_dict.json"), "splits")
        if split not in splits:
            raise InvalidInput(f"{path}: got split={split!r}; expected one of {', '.join(splits)}")
        return _beside(path, str(split)), str(split)
    if not (path / "state.json").is_file():
        raise InvalidInput(f"{path} holds neither dataset_dict.json nor state.json, which save_to_disk writes")
    known = _json(path / "state.json").get("_split")
    if not isinstance(known, str | None):
        raise InvalidInput(f"{path / 'state.json'}: expected a text or null as _split; got {known!r:.60}")
    if split not in (None, known):
        raise InvalidInput(f"{path} is one split, {known or 'without a name'}; leave split={split!r} out")
    return path, known or "row"


def _beside(folder: Path, name: str) -> Path:
    """What lies in a folder under a name that is no path."""
    if name in ("", ".", "..") or PurePath(name).name != name or "\\" in name:
        raise InvalidInput(f"{folder}: expected the name of something inside that folder; got {name!r:.200}")
    return folder / name


def _texts(file: Path, document: Mapping[str, Any], key: str) -> list[str]:
    found = document.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise InvalidInput(f"{file}: expected a list of texts as {key}; got {found!r:.60}")
    return found


def _table(folder: Path) -> Any:
    """All rows, as a table that lies in the files."""
    arrow, files = _pyarrow(), _data_files(folder)
    options = arrow.ipc.IpcReadOptions(use_threads=False)
    try:
        parts = [arrow.ipc.open_stream(arrow.memory_map(str(file)), options=options).read_all() for file in files]
        return arrow.concat_tables(parts)
    except (OSError, ValueError, TypeError, OverflowError, MemoryError, arrow.ArrowException) as error:
        raise InvalidInput(f"cannot read the data set {folder}: {error}") from error


def _data_files(folder: Path) -> list[Path]:
    file = folder / "state.json"
    state = _json(file)
    entries = state.get("_data_files", [])
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise InvalidInput(f"{file}: expected a list of objects as _data_files; got {entries!r:.60}")
    if not entries or state.get("_indices_data_files"):
        raise InvalidInput(f"{folder}: expected data files and no indices; write it again with save_to_disk")
    names = [one.get("filename") for one in entries]
    return [_beside(folder, one) for one in _texts(file, {"filename": names}, "filename")]


def _features(folder: Path, table: Any) -> dict[str, dict[str, Any]]:
    """What each column is, as the table itself says, or the file beside it."""
    told = (table.schema.metadata or {}).get(b"huggingface")
    where = f"{folder}, metadata of the columns" if told else str(folder / "dataset_info.json")
    document = _object(told, where).get("info") if told else _json(folder / "dataset_info.json")
    features = document.get("features", {}) if isinstance(document, dict) else None
    if not isinstance(features, dict | None) or not isinstance(document, dict):
        raise InvalidInput(f"{where}: expected an object of features; got {features or document!r:.60}")
    return {name: one for name, one in (features or {}).items() if isinstance(one, dict) and name in table.column_names}


def _valid(folder: Path, table: Any, name: str) -> Any:
    """A column whose places all lie inside the file, whatever the file says of them."""
    if table.column_names.count(name) > 1:
        raise InvalidInput(f"{folder} has several columns {name}; expected one, so that it is clear which is meant")
    found = table.column(name)
    try:
        found.validate(full=True)
    except (ValueError, _pyarrow().ArrowException) as error:
        raise InvalidInput(f"cannot read the column {name} of {folder}: {error}") from error
    return found


def _column(source: str, features: Features, names: tuple[str, ...], kind: str) -> str | None:
    """The column of a kind: one of the usual name, or the only one; None if there is none."""
    of_kind = [name for name, one in features.items() if one.get("_type") == kind]
    usual = [name for name in names if name in of_kind]
    if usual or len(of_kind) == 1:
        return (usual or of_kind)[0]
    if of_kind:
        found = ", ".join(f"{name} ({one.get('_type')})" for name, one in features.items())
        raise InvalidInput(
            f"{source}: expected a column of the type {kind} named {', '.join(names)}; got {found}: rename_column helps"
        )
    return None


def _labels(folder: Path, column: Any) -> IntArray | None:
    if column.null_count or not _pyarrow().types.is_integer(column.type):
        raise InvalidInput(
            f"{folder}: expected whole numbers as labels; got {column.type}, {column.null_count} missing"
        )
    labels = whole_labels(column.to_numpy(), str(folder))
    return None if (labels == -1).all() else labels


def _class_names(folder: Path, label: str, feature: Mapping[str, Any]) -> tuple[str, ...] | None:
    names = feature.get("names")
    found = names_of(names)
    if names is not None and found is None:
        raise InvalidInput(f"{folder}: expected a list of texts as the names of the column {label}; got {names!r:.60}")
    return found


def _picture(kept: Any, name: str, folder: Path, *, outside: bool) -> Picture:
    """A picture from its bytes, or else from the file that is named."""
    content, path = (kept.get("bytes"), kept.get("path")) if isinstance(kept, dict) else (None, None)
    if isinstance(content, bytes):
        return read_picture(io.BytesIO(content), name)
    if not isinstance(path, str) or content is not None:
        raise InvalidInput(f"{name} holds no picture")
    return read_picture(inside(folder, path, name, outside=outside), f"{name} ({path})")


def _json(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error}") from error
    return _object(text, str(path))


def _object(text: bytes, where: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"cannot read {where}: {error}") from error
    if not isinstance(document, dict):
        raise InvalidInput(f"{where}: expected a JSON object")
    return document


def _pyarrow() -> ModuleType:
    try:
        import pyarrow
        import pyarrow.ipc
    except ImportError as error:
        raise MissingExtra(f"Hugging Face data sets are read by pyarrow; {install_hint('data')}") from error
    return cast("ModuleType", pyarrow)
