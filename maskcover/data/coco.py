"""Reading several labels from COCO's JSON of instances: a class is present where an image has an instance of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from maskcover.data.dataset import BoolArray, Dataset
from maskcover.data.folders import of_files
from maskcover.data.labels import Request
from maskcover.data.several import with_table
from maskcover.data.tables import inside
from maskcover.errors import InvalidInput

_LONGEST = 1 << 30  # bytes of a file; COCO's own have half of it
_KEYS = ("images", "annotations", "categories")


def open_coco(path: Path, request: Request, folder: Path | None = None) -> Dataset:
    """Open the images that a JSON file of instances lists, with all classes that each of them has.

    Paths (``file_name``) are relative to the folder, by default that of the file, and stay inside it unless the request
    allows others. An image without an instance has no class. Crowds (``iscrowd``) count: their class is present.
    """
    if not request.several:
        raise InvalidInput(f"{path} has several labels for each image; type task='multilabel' (--task multilabel)")
    if request.split is not None:
        raise InvalidInput(f"{path}: a JSON file of instances has no parts; leave split={request.split!r} out")
    base = path.parent if folder is None else folder
    instances = _Instances.read(path)
    ids = [PurePath(name).as_posix() for name in instances.files]
    for name, place in zip(ids, instances.places, strict=True):
        file = inside(base, name, f"{path}, {place}", outside=request.outside)
        if not file.is_file():
            raise InvalidInput(f"{path}, {place}: there is no file {file}; name the folder of the images as the data")
    return with_table(of_files(str(path), base, ids, None), instances.table, instances.classes, request.classes)


@dataclass(frozen=True, slots=True)
class _Instances:
    """What is read of a JSON file of instances: files, their places in it, classes, and the table of both."""

    files: tuple[str, ...]
    places: tuple[str, ...]
    classes: tuple[str, ...]
    table: BoolArray

    @classmethod
    def read(cls, path: Path) -> _Instances:
        """Those of a file."""
        images, annotations, categories = _lists(path)
        numbers = _numbers(path, "images", images)
        classes = _numbers(path, "categories", categories)
        table = np.zeros((len(images), len(categories)), dtype=np.bool_)
        for number, annotation in enumerate(annotations):
            image, category = annotation.get("image_id"), annotation.get("category_id")
            if not (_is_whole(image) and _is_whole(category) and image in numbers and category in classes):
                raise InvalidInput(
                    f"{path}, annotations[{number}]: expected an image_id of images and a category_id of categories; "
                    f"got {image!r:.40} and {category!r:.40}"
                )
            table[numbers[image], classes[category]] = True
        files = _texts(path, "images", images, "file_name")
        places = tuple(f"images[{number}]" for number in range(len(images)))
        return cls(files, places, _texts(path, "categories", categories, "name"), table)


def _lists(path: Path) -> list[Sequence[Mapping[str, Any]]]:
    """The images, annotations and categories of a file, each a list of objects."""
    try:
        if path.stat().st_size > _LONGEST:
            raise InvalidInput(f"cannot read {path}: it is larger than {_LONGEST >> 20} MiB")
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput(f"cannot read {path}: {error}; expected COCO's JSON of instances") from error
    lists = [document.get(key) if isinstance(document, dict) else None for key in _KEYS]
    for key, values in zip(_KEYS, lists, strict=True):
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise InvalidInput(f"{path}: expected COCO's JSON of instances, with a list of objects named {key}")
    return lists  # type: ignore[return-value]  # they were checked


def _numbers(path: Path, key: str, values: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """The place of each object in its list, by its id."""
    names = [value.get("id") for value in values]
    odd = next((number for number, name in enumerate(names) if not _is_whole(name)), None)
    if odd is not None:
        raise InvalidInput(f"{path}, {key}[{odd}]: expected a whole number as id; got {names[odd]!r:.40}")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InvalidInput(f"{path}: expected different ids of {key}; {twice[0]} is there twice")
    return {int(name): place for place, name in enumerate(names)}  # type: ignore[arg-type]  # they are numbers


def _texts(path: Path, key: str, values: Sequence[Mapping[str, Any]], name: str) -> tuple[str, ...]:
    texts = [value.get(name) for value in values]
    odd = next((number for number, text in enumerate(texts) if not isinstance(text, str) or not text), None)
    if odd is not None:
        raise InvalidInput(f"{path}, {key}[{odd}]: expected a text as {name}; got {texts[odd]!r:.40}")
    return tuple(map(str, texts))


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
