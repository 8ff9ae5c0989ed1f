"""Reading several labels from folders of Pascal VOC: a class is present where the XML of an image has an object of it.

The XML is read by Python's own parser. A document type declaration is refused, so that there are no entities that could
grow without bound or name other files (docs/threats.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any
from xml.parsers import expat

from maskcover.data.dataset import Dataset
from maskcover.data.folders import files_in, of_files
from maskcover.data.labels import Request
from maskcover.data.several import with_names
from maskcover.data.tables import inside
from maskcover.errors import InvalidInput

_ANNOTATIONS, _IMAGES, _SETS = "Annotations", "JPEGImages", PurePath("ImageSets", "Main")
_LONGEST, _DEEPEST = 1 << 24, 64  # bytes of a file, elements in elements
_FILE, _OBJECT, _NAME = ("annotation", "filename"), ("annotation", "object"), ("annotation", "object", "name")


def is_voc(folder: Path) -> bool:
    """Whether a folder has the subfolders of Pascal VOC."""
    return (folder / _ANNOTATIONS).is_dir() and (folder / _IMAGES).is_dir()


def open_voc(folder: Path, request: Request) -> Dataset:
    """Open the images of a folder with ``Annotations/*.xml`` and ``JPEGImages``, with all classes that each has.

    A split names a list of images, such as ``ImageSets/Main/val.txt``; without one all XML files count. Objects marked
    as difficult count: their class is present.
    """
    if not request.several:
        raise InvalidInput(f"{folder} has several labels for each image; type task='multilabel' (--task multilabel)")
    names = _names(folder, request.split)
    annotations = [_annotation(folder / _ANNOTATIONS / f"{name}.xml") for name in names]
    files = []
    for name, annotation in zip(names, annotations, strict=True):
        place = str(folder / _ANNOTATIONS / f"{name}.xml")
        file = inside(folder / _IMAGES, annotation.file, place, outside=request.outside)
        if not file.is_file():
            raise InvalidInput(f"{place}: there is no file {file}")
        files.append(PurePath(annotation.file).as_posix())
    dataset = of_files(str(folder), folder / _IMAGES, files, None)
    return with_names(dataset, [annotation.classes for annotation in annotations], request.classes)


@dataclass(slots=True)
class _Annotation:
    """Collects the file and the classes of one XML file while it is parsed."""

    path: Path
    open: list[str] = field(default_factory=list)
    text: str = ""
    names: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    objects: int = 0

    def start(self, name: str, _: Any) -> None:
        """Called where an element begins."""
        self.open.append(name)
        self.text = ""
        self.objects += tuple(self.open) == _OBJECT
        if len(self.open) > _DEEPEST:
            raise InvalidInput(f"cannot read {self.path}: elements lie more than {_DEEPEST} deep")

    def data(self, text: str) -> None:
        """Called with each piece of text."""
        self.text += text

    def end(self, _: str) -> None:
        """Called where an element ends."""
        way, text = tuple(self.open), self.text.strip()
        if way == _NAME:
            self.names.append(text)
        elif way == _FILE:
            self.files.append(text)
        self.open.pop()
        self.text = ""

    def refuse(self, *_: object) -> None:
        """Called where a document type is declared."""
        raise InvalidInput(
            f"cannot read {self.path}: it declares a document type (DOCTYPE), and such files may make a parser open "
            "other files or fill the memory; take the declaration out"
        )

    @property
    def file(self) -> str:
        """The name of the image."""
        return self.files[0]

    @property
    def classes(self) -> list[str]:
        """The names of the classes, each once."""
        return list(dict.fromkeys(self.names))


def _annotation(path: Path) -> _Annotation:
    annotation, parser = _Annotation(path), expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = annotation.start, annotation.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = annotation.data, annotation.refuse
    try:
        if path.stat().st_size > _LONGEST:
            raise InvalidInput(f"cannot read {path}: it is larger than {_LONGEST >> 20} MiB")
        parser.Parse(path.read_bytes(), True)
    except (OSError, expat.ExpatError, ValueError) as error:
        raise InvalidInput(f"cannot read {path}: {error}; expected an XML file of Pascal VOC") from error
    if len(annotation.files) != 1 or len(annotation.names) != annotation.objects or not all(annotation.names):
        raise InvalidInput(
            f"{path}: expected one annotation with one filename, and a name for each object; got "
            f"{len(annotation.files)} filenames, and {len(annotation.names)} names for {annotation.objects} objects"
        )
    return annotation


def _names(folder: Path, split: str | None) -> list[str]:
    """The names of the XML files, without their ending."""
    if split is None:
        return [name.removesuffix(".xml") for name in files_in(folder / _ANNOTATIONS) if name.endswith(".xml")]
    lists = sorted(path.stem for path in (folder / _SETS).glob("*.txt"))
    if split not in lists:
        raise InvalidInput(f"{folder} has no list {split!r} in {_SETS}; expected one of {', '.join(lists) or 'none'}")
    try:
        lines = (folder / _SETS / f"{split}.txt").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"cannot read the list {split!r} of {folder}: {error}") from error
    names = [line.strip() for line in lines if line.strip()]
    odd = next((name for name in names if len(name.split()) > 1 or PurePath(name).name != name), None)
    if odd is not None:
        raise InvalidInput(f"{folder / _SETS / split}.txt: expected one name of an image a line; got {odd!r:.80}")
    return names
