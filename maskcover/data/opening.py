"""`open_dataset`: makes a `Dataset` from a path, a text or an object; recognises the format, and selects a part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from maskcover.data import cifar, coco, idx, voc, webdataset
from maskcover.data.classes import Classes, few, known_classes
from maskcover.data.dataset import Dataset
from maskcover.data.folders import has_images, open_folder, part_of, subfolders
from maskcover.data.huggingface import is_huggingface, open_huggingface
from maskcover.data.labels import Request, labelled
from maskcover.data.mapstyle import is_mapstyle, of_mapstyle
from maskcover.data.npz import open_npz
from maskcover.data.tables import open_table
from maskcover.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Format:
    """A format of data sets.

    Args:
        words: A description of the format, for messages.
        folder: Tells whether a folder is of the format.
        file: Tells by its name whether a file, or a pattern of files, is of the format.
        open: Opens a path of the format.
    """

    words: str
    folder: Callable[[Path], bool]
    file: Callable[[Path], bool]
    open: Callable[[Path, Request], Dataset]


def _never(_: Path) -> bool:
    return False


def _called(suffix: str) -> Callable[[Path], bool]:
    return lambda path: path.suffix.lower() == suffix


FORMATS = {
    "folder": Format("a folder of images, with a subfolder for each class", _never, _never, open_folder),
    "csv": Format("a table with the columns path and label", _never, _called(".csv"), open_table),
    "cifar10": Format("the folder of CIFAR-10, binary or pickled", cifar.is_cifar10, _never, cifar.open_cifar10),
    "cifar100": Format("the folder of CIFAR-100, binary or pickled", cifar.is_cifar100, _never, cifar.open_cifar100),
    "idx": Format("the files of MNIST or Fashion-MNIST", idx.is_idx_folder, idx.is_idx_file, idx.open_idx),
    "npz": Format("arrays such as x_test and y_test", _never, _called(".npz"), open_npz),
    "hf": Format("what save_to_disk of Hugging Face writes", is_huggingface, _never, open_huggingface),
    "wds": Format(
        "tar shards, a folder of them, or a pattern such as {000..009}.tar",
        webdataset.is_webdataset,
        _called(".tar"),
        webdataset.open_webdataset,
    ),
    "coco": Format("COCO's JSON of instances, for several labels", _never, _called(".json"), coco.open_coco),
    "voc": Format("a folder of Pascal VOC, for several labels", voc.is_voc, _never, voc.open_voc),
}
SEVERAL = ("csv", "coco", "voc", "hf")
"""The formats that can give several labels for an image."""


def open_dataset(
    source: Any,
    *,
    split: str | None = None,
    labels: str | PathLike[str] | None = None,
    classes: Classes | None = None,
    class_names: Sequence[str] | None = None,
    outside: bool = False,
    answers: bool = False,
    several: bool = False,
    limit: int | None = None,
    sample: int | None = None,
    seed: int = 0,
) -> Dataset:
    """Open a data set in any known format; nothing is downloaded, and each image is read when it is needed.

    Args:
        source: A path, whose format is recognised; a text such as "cifar10:PATH" or "wds:shards/{000..009}.tar", which
            names it (folder, csv, cifar10, cifar100, idx, npz, hf, wds, coco, voc); an object with a length and items
            (image, label); or a `Dataset`.
        split: The part: the subfolder or the files of "train", "val" or "test"; by default the test images of CIFAR,
            MNIST and NPZ files.
        labels: For the images of a folder: a CSV file with the columns path and label; with `several` also one with
            several labels, or COCO's JSON of instances.
        classes: The model's classes: their number, their names or WordNet ids in order, a mapping between names and
            numbers, or a file with these (see `read_classes`). Classes that the data name are matched by name, also if
            the names are numbers; WordNet ids of ImageNet-1k become ImageNet's class numbers, also if there are only
            some of them, unless there are exactly `classes` of them.
        class_names: The names that the model itself knows, such as ``classifier.class_names``; they are used if
            `classes` gives none.
        outside: Let tables and Hugging Face data sets name files outside their own folder.
        answers: Read labels as answers, for ``task="answers"``: names of classes and texts (of a table, NPZ, Hugging
            Face or an object) as they are, and numbers where there are no names; see `Dataset.true_answers`.
        several: Read several labels for each image, into `Dataset.label_sets`: from a table, COCO's JSON, a folder of
            Pascal VOC, or lists of class labels of Hugging Face. Classes are matched with the model's by name.
        limit: Use the first N images.
        sample: Use N images, drawn at random with the seed.
        seed: The random seed for `sample`.

    Raises:
        InvalidInput: an unknown or ambiguous format, a damaged file, a label that is no class, two images of one id.
        MissingExtra: a package that reads the format is not installed.

    >>> import numpy as np
    >>> squares = [(np.full((4, 4), 9 * label, np.uint8), label) for label in (0, 1, 1)]
    >>> data = open_dataset(squares, classes=2, sample=2)
    >>> data.ids, data.labels, str(data.chosen)
    (('item/000001', 'item/000002'), array([1, 1]), 'a sample of 2 of 3 (seed 0)')
    """
    if limit is not None and sample is not None:
        raise InvalidInput("give limit or sample, not both: the first N images, or N images drawn with a seed")
    if answers and classes is not None:
        raise InvalidInput(
            "classes (--classes) are for class numbers; answers are compared as they are, so leave it out"
        )
    names = None if answers else known_classes(classes, class_names)
    dataset = _open(source, labels, Request(split, names, outside, answers, several))
    dataset = dataset if answers else labelled(dataset, names)
    if several:
        _ = dataset.true_label_sets  # raises the error where there are none
    return dataset.limited(limit).sampled(sample, seed)


def _open(source: Any, labels: str | PathLike[str] | None, request: Request) -> Dataset:
    """The whole data set with its own labels."""
    if isinstance(source, str | PathLike):
        name, path = _split_name(str(source))
        if not is_here(str(source)):
            raise InvalidInput(f"there is no file or folder {path}; nothing is downloaded: give a path on this machine")
        if labels is not None:
            return _open_labelled(name, path, Path(labels), request)
        return FORMATS[_expect_several(name or _format_of(path), path, request)].open(path, request)
    if request.split is not None or labels is not None:
        raise InvalidInput("split and labels are for paths; choose the part, and give the labels, in the object itself")
    if isinstance(source, Dataset):
        return source
    if is_mapstyle(source):
        return of_mapstyle(source, answers=request.answers)
    parts = few([str(name) for name in source]) if isinstance(source, Mapping) else ""
    advice = f" of {parts}: choose one, such as data[{next(iter(source))!r}]" if parts else ""
    raise InvalidInput(f"expected a path, or an object with a length and an index; got {type(source).__name__}{advice}")


def is_here(source: str) -> bool:
    """Whether a path, with or without the name of a format, names something on this machine, or is a pattern."""
    _, path = _split_name(source)
    return _exists(path) or webdataset.is_pattern(path)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long for a file
        return False


def _open_labelled(name: str | None, path: Path, table: Path, request: Request) -> Dataset:
    """The images of a folder that a table lists."""
    if name not in (None, "folder") or path.is_file():
        raise InvalidInput(f"labels are for a folder of images; {path} brings its own, so leave {table} out")
    open_labels = coco.open_coco if table.suffix.lower() == ".json" else open_table
    return open_labels(
        table, replace(request, split=None), path if request.split is None else part_of(path, request.split)
    )


def can_give_several(source: str, labels: str | PathLike[str] | None = None) -> bool:
    """Whether the format of a path can give several labels for an image, or a table named with it gives labels."""
    name, path = _split_name(source)
    return labels is not None or (name or _format_of(path)) in SEVERAL


def _expect_several(name: str, path: Path, request: Request) -> str:
    """Return the name of a format; raise `InvalidInput` if several labels are asked of one that cannot give them."""
    if request.several and name not in SEVERAL:
        listed = "; ".join(f"{name}: {FORMATS[name].words}" for name in SEVERAL)
        raise InvalidInput(
            f"{path} is {FORMATS[name].words}, which has one label for each image; several labels come from {listed}; "
            "or name a table with labels= (--labels)"
        )
    return name


def _split_name(text: str) -> tuple[str | None, Path]:
    """The format that a text names before a colon, or None, and the path."""
    name, colon, path = text.partition(":")
    if colon and name in FORMATS:
        if not path:
            raise InvalidInput(f"expected a path after {name}:; got {text!r}")
        return name, Path(path)
    return None, Path(text)


def _format_of(path: Path) -> str:
    """The name of the format of a file or folder."""
    if path.is_dir():
        names = [name for name, kind in FORMATS.items() if kind.folder(path)]
        mixed = names == ["wds"] and _holds_classes(path)
        if not names and (subfolders(path) or has_images(path)):
            return "folder"
        names += ["folder"] * mixed
    else:
        names = [name for name, kind in FORMATS.items() if kind.file(path)]
    if len(names) == 1:
        return names[0]
    listed = "; ".join(f"{name}: {kind.words}" for name, kind in FORMATS.items() if not names or name in names)
    problem = "more than one format" if names else "no known format"
    raise InvalidInput(
        f"{path} looks like {problem}; name the format, as in {(names or ['folder'])[0]}:{path}. {listed}"
    )


def _holds_classes(folder: Path) -> bool:
    return any(has_images(folder / name) for name in subfolders(folder))
