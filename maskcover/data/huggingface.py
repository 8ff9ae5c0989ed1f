"""Reading Hugging Face data sets that `save_to_disk` wrote, by pyarrow; only rows that are used are loaded.

The package `datasets` would open files outside the folder if its JSON names them, download an image whose path is a
URL, and read other memory, or crash, if a damaged file gives places beyond its end. None of this can happen here.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any, cast

import numpy as np

from maskcover.data.arrays import numbered
from maskcover.data.dataset import BoolArray, Dataset, IntArray
from maskcover.data.images import ImageArray, read_image
from maskcover.data.labels import Request, true_texts, whole_labels
from maskcover.data.several import with_table
from maskcover.data.tables import inside
from maskcover.errors import InvalidInput, MissingExtra, install_hint

_IMAGES = ("image", "img", "picture", "pixels")
_LABELS = ("label", "labels", "fine_label")
_LISTS = ("Sequence", "List", "LargeList")
Features = Mapping[str, Mapping[str, Any]]


def open_huggingface(path: Path, request: Request) -> Dataset:
    """Open a data set, or one of several splits, in a folder that `save_to_disk` wrote.

    The images are the column of images. The labels are the column label, labels or fine_label, or the only column of
    class labels; if all are −1 there are none. Where the request is for answers, a column of texts holds the true
    answers. Files that rows name are relative to the folder, and stay inside it unless the request allows others.
    """
    folder, part = _part(path, request.split)
    table = _table(folder)
    features = _features(folder, table)
    image, label = columns(str(folder), features)
    sets = _sets_column(folder, features) if request.several else None
    label = None if request.several else label
    if image is None:
        raise InvalidInput(f"{folder}: expected a column of images; got {', '.join(table.column_names)}: cast one")
    images = _valid(folder, table, image)

    def image_at(number: int) -> ImageArray:
        return _image(images[number].as_py(), f"{folder}, {part}/{number:06}", folder, outside=request.outside)

    dataset = Dataset(f"{folder}, column {image}", numbered(part, len(table)), None, image_at)
    if label is not None:
        dataset = _with_labels(dataset, folder, label, _valid(folder, table, label), features[label], request)
    if sets is None:
        return dataset
    own = _class_names(folder, sets, features[sets]["feature"])
    if own is None:
        raise InvalidInput(f"{folder}: expected names of the classes of the column {sets}; cast it with names=")
    return with_table(dataset, _set_table(folder, _valid(folder, table, sets), len(own)), own, request.classes)


def columns(source: str, features: Features) -> tuple[str | None, str | None]:
    """The names of the columns of images and of labels; None if there is no such column."""
    plain = [name for name in _LABELS if name in features and features[name].get("_type") != "ClassLabel"]
    label = _column(source, features, _LABELS, "ClassLabel") or next(iter(plain), None)
    if {"label", "labels"} <= features.keys():
        raise InvalidInput(f"{source} has the columns label and labels; remove_columns the one that is not meant")
    return _column(source, features, _IMAGES, "Image"), label


def names_of(names: Any) -> tuple[str, ...] | None:
    """Names of classes from a list of texts, or of lists of texts for one class each; None for anything else."""
    if not isinstance(names, list | tuple) or not names:
        return None
    every = [(name,) if isinstance(name, str) else name for name in names]
    if not all(isinstance(words, list | tuple) and words and all(map(_is_text, words)) for words in every):
        return None
    return tuple(", ".join(words) for words in every)


def is_huggingface(folder: Path) -> bool:
    """Whether `save_to_disk` wrote a folder."""
    return any((folder / name).is_file() for name in ("dataset_dict.json", "state.json"))


def _part(path: Path, split: str | None) -> tuple[Path, str]:
    """The folder of the split, and the start of the ids."""
    if not path.is_dir():
        raise InvalidInput(f"{path} is not a folder; expected one that save_to_disk of Hugging Face's datasets wrote")
    if (path / "dataset_dict.json").is_file():
        splits = _texts(path / "dataset_dict.json", _json(path / "dataset_dict.json"), "splits")
        if split is None:
            raise InvalidInput(f"{path} has the parts {', '.join(splits)}; name one with split= (--split)")
        if split not in splits:
            raise InvalidInput(f"{path} has no part {split!r}; expected one of {', '.join(splits)}")
        return _beside(path, str(split)), str(split)
    if not (path / "state.json").is_file():
        raise InvalidInput(f"{path} holds neither dataset_dict.json nor state.json, which save_to_disk writes")
    only = _json(path / "state.json").get("_split")
    if not isinstance(only, str | None):
        raise InvalidInput(f"{path / 'state.json'}: expected a text or null as _split; got {only!r:.60}")
    if split not in (None, only):
        raise InvalidInput(f"{path} is one split, {only or 'without a name'}; leave split={split!r} out")
    return path, only or "row"


def _beside(folder: Path, name: str) -> Path:
    """The path of a name in a folder; `InvalidInput` if the name is a path, which might lead elsewhere."""
    if name in ("", ".", "..") or PurePath(name).name != name or "\\" in name:
        raise InvalidInput(f"{folder}: expected the name of something inside that folder; got {name!r:.200}")
    return folder / name


def _texts(file: Path, document: Mapping[str, Any], key: str) -> list[str]:
    texts = document.get(key, [])
    if not isinstance(texts, list) or not all(map(_is_text, texts)):
        raise InvalidInput(f"{file}: expected a list of texts as {key}; got {texts!r:.60}")
    return texts


def _table(folder: Path) -> Any:
    """All rows as one table, mapped from the files."""
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
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidInput(f"{file}: expected a list of objects as _data_files; got {entries!r:.60}")
    if not entries or state.get("_indices_data_files"):
        raise InvalidInput(f"{folder}: expected data files and no indices; write it again with save_to_disk")
    names = [entry.get("filename") for entry in entries]
    return [_beside(folder, name) for name in _texts(file, {"filename": names}, "filename")]


def _features(folder: Path, table: Any) -> dict[str, dict[str, Any]]:
    """The type of each column, as the table itself says, or else the file beside it."""
    metadata = (table.schema.metadata or {}).get(b"huggingface")
    where = f"{folder}, metadata of the columns" if metadata else str(folder / "dataset_info.json")
    document = _object(metadata, where).get("info") if metadata else _json(folder / "dataset_info.json")
    features = document.get("features", {}) if isinstance(document, dict) else None
    if not isinstance(features, dict | None) or not isinstance(document, dict):
        raise InvalidInput(f"{where}: expected an object of features; got {features or document!r:.60}")
    columns = table.column_names
    return {name: words for name, words in (features or {}).items() if isinstance(words, dict) and name in columns}


def _valid(folder: Path, table: Any, name: str) -> Any:
    """A column, after a check that all its places lie inside the file."""
    if table.column_names.count(name) > 1:
        raise InvalidInput(f"{folder} has several columns {name}; expected one, so that it is clear which is meant")
    column = table.column(name)
    try:
        column.validate(full=True)
    except (ValueError, _pyarrow().ArrowException) as error:
        raise InvalidInput(f"cannot read the column {name} of {folder}: {error}") from error
    return column


def _column(source: str, features: Features, names: tuple[str, ...], kind: str) -> str | None:
    """The name of the column of a kind: one with a usual name, or the only one; None if there is none."""
    of_kind = [name for name, words in features.items() if words.get("_type") == kind]
    usual = [name for name in names if name in of_kind]
    if usual or len(of_kind) == 1:
        return (usual or of_kind)[0]
    if of_kind:
        listed = ", ".join(f"{name} ({words.get('_type')})" for name, words in features.items())
        raise InvalidInput(
            f"{source}: expected a column of the type {kind} named {', '.join(names)}; got {listed}: "
            "rename_column helps"
        )
    return None


def _with_labels(
    dataset: Dataset, folder: Path, label: str, column: Any, feature: Mapping[str, Any], request: Request
) -> Dataset:
    """The data set with its column of labels: numbers of classes, or texts that are true answers."""
    types = _pyarrow().types
    if request.answers and (types.is_string(column.type) or types.is_large_string(column.type)):
        return replace(dataset, answers=true_texts(column.to_pylist(), dataset.ids, f"{folder}, column {label}"))
    return replace(dataset, labels=_labels(folder, column), classes=_class_names(folder, label, feature))


def _labels(folder: Path, column: Any) -> IntArray | None:
    if column.null_count or not _pyarrow().types.is_integer(column.type):
        raise InvalidInput(
            f"{folder}: expected whole numbers as labels; got {column.type}, {column.null_count} missing"
        )
    labels = whole_labels(column.to_numpy(), str(folder))
    return None if (labels == -1).all() else labels


def _sets_column(folder: Path, features: Features) -> str:
    """The name of the column of lists of class labels."""
    sets = [
        name
        for name, words in features.items()
        if words.get("_type") in _LISTS
        and isinstance(words.get("feature"), dict)
        and words["feature"].get("_type") == "ClassLabel"
    ]
    usual = [name for name in _LABELS if name in sets]
    if not usual and len(sets) != 1:
        listed = ", ".join(f"{name} ({words.get('_type')})" for name, words in features.items())
        raise InvalidInput(
            f"{folder}: expected a column of lists of ClassLabel, named labels or label; got {listed}: cast one"
        )
    return (usual or sets)[0]


def _set_table(folder: Path, column: Any, classes: int) -> BoolArray:
    """The lists of class numbers as a table, bool (rows, classes)."""
    table = np.zeros((len(column), classes), dtype=np.bool_)
    for place, numbers in enumerate(column.to_pylist()):
        if numbers is None or any(type(number) is not int or not 0 <= number < classes for number in numbers):
            raise InvalidInput(
                f"{folder}: expected lists of class numbers from 0 to {classes - 1}; row {place} has {numbers!r:.60}"
            )
        table[place, numbers] = True
    return table


def _class_names(folder: Path, label: str, feature: Mapping[str, Any]) -> tuple[str, ...] | None:
    names = feature.get("names")
    classes = names_of(names)
    if names is not None and classes is None:
        raise InvalidInput(f"{folder}: expected a list of texts as the names of the column {label}; got {names!r:.60}")
    return classes


def _image(value: Any, name: str, folder: Path, *, outside: bool) -> ImageArray:
    """An image from its bytes, or else from the file that is named."""
    content, path = (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (None, None)
    if isinstance(content, bytes):
        return read_image(io.BytesIO(content), name)
    if not isinstance(path, str) or content is not None:
        raise InvalidInput(f"{name} holds no image")
    return read_image(inside(folder, path, name, outside=outside), f"{name} ({path})")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


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
