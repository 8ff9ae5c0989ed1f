"""The mask-set file: versioned JSON, one mask a line, with a digest that is checked before anything is used.

Schema 1: {schema, version, image_size, regions, masks, digest}; a mask is a list of boxes, a box is its starts
followed by its extents. The digest is that of the document without its digest, in canonical bytes. A cover certificate
has the same fields and more, with the same meaning, so its masks can be read here too; its evidence is not looked at.
"""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

from maskcover.canonical import digest, read_strict, write_atomically
from maskcover.errors import InvalidInput, MaskFileError
from maskcover.grid import Box, Grid
from maskcover.masks.mask import Mask

SCHEMA = "maskcover/mask-set"
VERSION = 1
Content = tuple[Grid, tuple[Mask, ...], str | None]
_FIELDS = {"schema", "version", "image_size", "regions", "masks", "digest"}
CERTIFICATE = "maskcover/cover-certificate"
_SCHEMAS = {SCHEMA: _FIELDS, CERTIFICATE: _FIELDS | {"frame", "terms"}}


def write_masks(path: str | PathLike[str], content: Content) -> None:
    """Write grid, masks and claim; an existing file is replaced at once or not at all."""
    document = _document(*content)
    lines = [json.dumps(rows, separators=(",", ":")) for rows in document["masks"]]
    head = {key: document[key] for key in ("schema", "version", "image_size", "regions")}
    head["digest"] = digest(document)
    text = json.dumps(head)[:-1] + ', "masks": [\n' + ",\n".join(lines) + "\n]}\n"
    write_atomically(path, text.encode())


def read_masks(path: str | PathLike[str]) -> Content:
    """Read and check a file of `write_masks`, or the masks and the claim of a certificate.

    `MaskFileError` names the file and the field that is wrong.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise MaskFileError(f"{path}: not a text file in UTF-8; expected a file written by MaskSet.save") from error
    except (OSError, TypeError, ValueError) as error:  # the latter two: what no file can be called
        reason = getattr(error, "strerror", None) or error
        raise MaskFileError(f"cannot read {path}: {reason}; expected a file written by MaskSet.save") from error
    try:
        return _read(read_strict(text))
    except MaskFileError as error:
        raise MaskFileError(f"{path}: {error}") from error
    except RecursionError as error:
        raise MaskFileError(f"{path}: nested too deeply for a mask-set file") from error


def _document(grid: Grid, masks: tuple[Mask, ...], regions: str | None) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "image_size": list(grid.shape),
        "regions": regions,
        "masks": [[[*box.start, *box.extents] for box in mask.boxes] for mask in masks],
    }


def _read(document: Any) -> Content:
    _check_head(document)
    grid = _grid(document["image_size"])
    regions = document["regions"]
    if regions is not None and not isinstance(regions, str):
        raise MaskFileError(f"regions: expected a text or null; found {regions!r:.40}")
    rows = _list(document["masks"], "masks")
    masks = tuple(_mask(row, f"masks[{number}]", grid) for number, row in enumerate(rows))
    return grid, masks, regions


def _check_head(document: Any) -> None:
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(schema, str) or schema not in _SCHEMAS:
        raise MaskFileError(f"schema: expected a JSON object with schema {SCHEMA!r}; is this a mask-set file?")
    if document.get("version") != VERSION or type(document["version"]) is not int:
        raise MaskFileError(f"version: expected {VERSION}; found {document.get('version')!r:.40} (update maskcover?)")
    expected = _SCHEMAS[schema]
    if set(document) != expected:
        odd = ", ".join(sorted(set(document) ^ expected))
        raise MaskFileError(f"expected exactly the fields {sorted(expected)}; missing or unknown: {odd:.80}")
    content = {key: value for key, value in document.items() if key != "digest"}
    if document["digest"] != digest(content):
        raise MaskFileError("digest: does not match the content; the file was edited or damaged, so make it anew")


def _grid(value: Any) -> Grid:
    sides = _list(value, "image_size")
    try:
        return Grid(tuple(_whole(side, f"image_size[{axis}]") for axis, side in enumerate(sides)))
    except InvalidInput as error:
        raise MaskFileError(f"image_size: {error}") from error


def _mask(value: Any, path: str, grid: Grid) -> Mask:
    rows = _list(value, path)
    mask = Mask((_box(row, f"{path}[{number}]", grid) for number, row in enumerate(rows)), ndim=grid.ndim)
    if not mask.fits(grid):
        raise MaskFileError(f"{path}: leaves the {grid} image")
    return mask


def _box(value: Any, path: str, grid: Grid) -> Box:
    row = [_whole(item, f"{path}[{number}]") for number, item in enumerate(_list(value, path))]
    if len(row) != 2 * grid.ndim:
        raise MaskFileError(f"{path}: expected {2 * grid.ndim} numbers, starts then extents; found {len(row)}")
    try:
        return Box.at(row[: grid.ndim], row[grid.ndim :])
    except InvalidInput as error:
        raise MaskFileError(f"{path}: {error}") from error


def _list(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise MaskFileError(f"{path}: expected a list; found {value!r:.40}")
    return value


def _whole(value: Any, path: str) -> int:
    if type(value) is not int or not 0 <= value < 2**40:
        raise MaskFileError(f"{path}: expected a whole number of pixels; found {value!r:.40}")
    return value
