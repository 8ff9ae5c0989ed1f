"""The frame.json of a run in the frame of the source, and the runs of its sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from os import PathLike
from typing import Any, cast

from maskcover.canonical import cannot_write
from maskcover.data import Chosen, Preprocessing
from maskcover.errors import InvalidInput
from maskcover.regions import RegionSet, parse_regions
from maskcover.regions.transformed import Through
from maskcover.runs.config import Config
from maskcover.runs.documents import ODD, claim, expect_sealed, read_document, sealed, written
from maskcover.runs.folder import Folder, expect_free
from maskcover.runs.stores import Place, place, write

_NAME = "frame.json"
_SCHEMA = 2  # 1 had no seal
_UNCOMPARED = ("schema", "sample", "digest")


def is_source_run(out: str | PathLike[str]) -> bool:
    """Whether a folder holds runs in the frame of the source."""
    return (place(out) / _NAME).is_file()


def expect_input_frame(out: str | PathLike[str]) -> None:
    """Raise `InvalidInput` with the names of the runs of its sizes if a folder is of the frame of the source."""
    folder = place(out)
    if is_source_run(folder):
        names = ", ".join(str(folder / name) for name in source_document(folder)["sizes"])
        raise InvalidInput(f"{folder} holds one run for each image size; name one of them: {names}")


def source_document(out: str | PathLike[str]) -> dict[str, Any]:
    """The document of a run in the frame of the source: regions, preprocessing, and the number of images of each size.

    Raises:
        InvalidInput: the document is damaged or was edited, or the runs of the sizes belong to another one.
    """
    document = _document(place(out))
    for _ in size_folders(place(out), document):
        pass
    return document


def _document(out: Place) -> dict[str, Any]:
    """The content of frame.json; raise `InvalidInput` if it is damaged or was edited."""
    path = out / _NAME
    try:
        document = read_document(path, "frame.schema.json")
        if document["schema"] == _SCHEMA:
            expect_sealed(document)
    except ODD as error:
        raise InvalidInput(f"{path} does not say what was run ({error}); name another folder") from error
    return document


def size_folders(out: Place, document: Mapping[str, Any]) -> Iterator[tuple[Folder, Config]]:
    """The runs of the sizes that have one, each of them bound to the document (threats.md, 59).

    Runs of the first version name no frame, and must not name one of a later version.
    """
    for name, count in document["sizes"].items():
        folder = Folder(out / name)
        config = folder.config()
        if config is None:
            continue
        bound = config.frame == (claim(document), name) or (document["schema"] == 1 and config.frame is None)
        if not bound or config.count != count:
            raise InvalidInput(
                f"{out / name} is no part of the run that {out / _NAME} describes: one of them was edited, or put in "
                "the place of another; put back the files as they were written"
            )
        yield folder, config


def size_runs(
    out: Place, document: Mapping[str, Any]
) -> Iterator[tuple[Place, Config, Callable[[RegionSet], RegionSet]]]:
    """The runs of the sizes that have one: folder, configuration, and the way from source regions to the input."""
    for folder, config in size_folders(out, document):
        yield folder.path, config, partial(_seen_like, config.regions, document["regions"])


def _seen_like(seen: str, source: str, regions: RegionSet) -> RegionSet:
    """Other regions on the source, through the preprocessing by which those of `source` are `seen`."""
    if seen == source:
        return regions  # the preprocessing has no steps
    return replace(cast("Through", parse_regions(seen)), base=regions)


def frame_document(
    regions: RegionSet, preprocessing: Preprocessing, sizes: Mapping[str, int], sample: Chosen | None
) -> dict[str, Any]:
    """The document of a run in the frame of the source, without its seal."""
    document = {
        "schema": _SCHEMA,
        "frame": "source",
        "regions": str(regions),
        "preprocessing": str(preprocessing),
        "sizes": dict(sizes),
    }
    return document if sample is None else document | {"sample": sample.document()}


def keep_frame(out: Place, document: Mapping[str, Any]) -> dict[str, Any]:
    """Write the document of a run, or compare it with the one in the folder. Returns the document of the folder.

    Raises:
        InvalidInput: the folder holds another run or something else, or cannot be written.
    """
    if not is_source_run(out):
        if Folder(out).config() is not None:
            raise InvalidInput(f"{out} holds a run in the frame of the model's input; name another folder")
        _expect_free(out)
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(f"to the folder {out}", error) from error
        write(out / _NAME, written(sealed(document)), only_new=True)
    before = source_document(out)
    pairs = [(name, before.get(name), now) for name, now in document.items() if name not in _UNCOMPARED]
    changed = [f"{name}: {old} before, {now} now" for name, old, now in pairs if old != now]
    if changed:
        raise InvalidInput(f"{out} holds another run ({'; '.join(changed)}); name another folder")
    return before


def _expect_free(out: Place) -> None:
    """See `expect_free`; a run that another process started meanwhile is no other run."""
    try:
        expect_free(out)
    except InvalidInput:
        if not is_source_run(out):
            raise
