"""Boxes around objects, from a CSV file or from ImageNet's XML files, and the part of each image that they fill.

XML is read by expat, event by event; a document type, which could define entities, is refused.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path, PurePosixPath
from xml.parsers import expat

import numpy as np
import numpy.typing as npt

from maskcover.data import Dataset
from maskcover.errors import InvalidInput
from maskcover.terminal import printable

Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in pixels of the image: columns from x0 to before x1, rows from y0 to before y1."""
Boxes = Mapping[str, Sequence[Box]]
_COLUMNS = ("id", "x0", "y0", "x1", "y1")
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_LARGEST = 1 << 20  # bytes of an XML file
_MOST = 500  # boxes of one image


def read_boxes(path: str | PathLike[str]) -> dict[str, list[Box]]:
    """The boxes of each image, by its id.

    Args:
        path: A CSV file with the columns id, x0, y0, x1, y1, a line for each box; or a folder, searched to its
            bottom, of XML files as ImageNet has them, whose names without ``.xml`` are the ids.

    Raises:
        InvalidInput: nothing can be read, or a box is none; the message names the file and the line.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "boxes.csv")
    ...     _ = path.write_text("id,x0,y0,x1,y1\\ncat.png,0,0,10,5\\n")
    ...     boxes = read_boxes(path)
    >>> boxes
    {'cat.png': [(0.0, 0.0, 10.0, 5.0)]}
    """
    place = Path(path)
    try:
        return _from_xml(place) if place.is_dir() else _from_csv(place)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"cannot read boxes from {printable(str(place))}: {error}") from error


def object_sizes(dataset: Dataset, boxes: Boxes) -> npt.NDArray[np.float64]:
    """The fraction of each image that the union of its boxes fills, NaN for images without boxes; float64 (images,).

    An image has the boxes of its id; if there are none, those of its file name without folder and ending.

    Raises:
        InvalidInput: no image has a box, or two images would have the same boxes.

    >>> data = Dataset("one image", ("cats/cat.png",), None, lambda number: np.zeros((10, 10), np.uint8))
    >>> object_sizes(data, {"cat": [(0, 0, 10, 5)]})
    array([0.5])
    """
    names = [name if name in boxes else PurePosixPath(name.replace("\\", "/")).stem for name in dataset.ids]
    used = [name for name in names if name in boxes]
    if not used:
        raise InvalidInput(f"no image of {dataset.source} has a box; ids are such as {printable(dataset.ids[0])}")
    if len(set(used)) != len(used):
        raise InvalidInput("two images have the same file name; write the boxes' ids in full, as `certify` prints them")
    fractions = np.full(len(dataset), np.nan)
    for number, name in enumerate(names):
        if boxes.get(name):
            fractions[number] = filled_fraction(boxes[name], dataset.size(number))
    return fractions


def filled_fraction(boxes: Sequence[Box], size: tuple[int, int]) -> float:
    """The fraction of an image of (height, width) that the union of some boxes fills; what lies outside is cut off.

    >>> filled_fraction([(0, 0, 2, 4), (1, 0, 4, 2)], (4, 4))
    0.75
    """
    if len(boxes) > _MOST:
        raise InvalidInput(f"an image has at most {_MOST} boxes; got {len(boxes)}")
    height, width = size
    corners = np.array(boxes, dtype=np.float64).reshape(-1, 4).clip(0, [width, height, width, height])
    xs, ys = np.unique(corners[:, [0, 2]]), np.unique(corners[:, [1, 3]])
    inside = np.zeros((max(len(ys) - 1, 0), max(len(xs) - 1, 0)), dtype=np.bool_)
    for x0, y0, x1, y1 in corners:
        columns = slice(*np.searchsorted(xs, [x0, x1]))
        inside[slice(*np.searchsorted(ys, [y0, y1])), columns] = True
    area = float((np.diff(ys)[:, None] * np.diff(xs)[None, :])[inside].sum())
    return min(1.0, area / (height * width))


def _from_csv(path: Path) -> dict[str, list[Box]]:
    boxes: dict[str, list[Box]] = {}
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream)
        if reader.fieldnames is None or not set(_COLUMNS) <= set(reader.fieldnames):
            raise InvalidInput(
                f"{path} must have the columns {', '.join(_COLUMNS)} in its first line; got {reader.fieldnames}"
            )
        for row in reader:
            corners = tuple(row[name] or "" for name in _COLUMNS[1:])
            boxes.setdefault(row["id"], []).append(_box(corners, f"{path}, line {reader.line_num}"))
    return boxes


def _from_xml(folder: Path) -> dict[str, list[Box]]:
    files = sorted(folder.rglob("*.xml"))
    if not files:
        raise InvalidInput(f"{folder} has no .xml files; expected ImageNet's annotations, or a CSV file of boxes")
    boxes: dict[str, list[Box]] = {}
    for path in files:
        if path.stem in boxes:
            raise InvalidInput(f"two files in {folder} are named {printable(path.name)}; boxes go by file names")
        boxes[path.stem] = list(_boxes_in(path))
    return boxes


def _boxes_in(path: Path) -> Iterator[Box]:
    """The boxes of one XML file: the elements ``object/bndbox`` of its root."""
    with path.open("rb") as stream:
        content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise InvalidInput(f"{printable(str(path))} is larger than {_LARGEST:,} bytes; expected the boxes of one image")
    texts: list[dict[str, str]] = []
    place: list[str] = []

    def start(name: str, _: object) -> None:
        place.append(name)
        if place[1:] == ["object", "bndbox"]:
            texts.append({})

    def words(text: str) -> None:
        if place[1:-1] == ["object", "bndbox"]:
            texts[-1][place[-1]] = texts[-1].get(place[-1], "") + text

    def refuse(*_: object) -> None:
        raise InvalidInput(f"{printable(str(path))} has a document type (<!DOCTYPE …>), which is refused")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.CharacterDataHandler = start, words
    parser.EndElementHandler = lambda _: place.pop()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise InvalidInput(f"{printable(str(path))} is no XML: {error}") from error
    for corners in texts:
        yield _box(tuple(corners.get(name, "") for name in _CORNERS), str(path))


def _box(texts: Sequence[str], where: str) -> Box:
    try:
        x0, y0, x1, y1 = map(float, texts)
    except ValueError:
        x0, y0, x1, y1 = (math.nan,) * 4
    if not (all(map(math.isfinite, (x0, y0, x1, y1))) and x0 < x1 and y0 < y1):
        raise InvalidInput(
            f"{printable(where)}: a box is four numbers with x0 < x1 and y0 < y1; "
            f"got {', '.join(map(printable, texts))}"
        )
    return x0, y0, x1, y1
