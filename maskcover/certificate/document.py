"""The certificate file: strict JSON with a digest, read with the path of whatever is wrong. It proves nothing.

Schema 1: {schema, version, image_size, regions, frame, masks, terms, digest}. A box is its starts followed by its
extents, a mask a list of boxes. A term is {patches, slots, signatures}, a slot a list of stencils {shape, places,
tiles}; a tile is a box of placements followed by the number of a mask, or of a signature where there are any.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping, Sized
from os import PathLike
from pathlib import Path
from typing import Any

from maskcover.canonical import digest, read_strict, write_atomically
from maskcover.cells import Cells
from maskcover.certificate.check import TEXT
from maskcover.certificate.tiling import TermEvidence, Tile, TiledSlot, TiledStencil
from maskcover.errors import InvalidInput, MaskFileError
from maskcover.grid import Box, Grid
from maskcover.masks import Mask
from maskcover.masks.files import CERTIFICATE
from maskcover.regions import Stencil, parse_regions

SCHEMA = CERTIFICATE
VERSION = 1
Content = tuple[Grid, tuple[Mask, ...], str, tuple[TermEvidence, ...]]
_FIELDS = {"schema", "version", "image_size", "regions", "frame", "masks", "terms", "digest"}


def frame_of(regions: str) -> str:
    """Where a region text draws its patches: on the model's input, or on a source image and what is done to it.

    >>> frame_of("through(squares(size=5), Resize(224), source=(480, 640))")
    'source=(480, 640), Resize(224)'
    """
    calls = [node for node in ast.walk(ast.parse(regions, mode="eval")) if isinstance(node, ast.Call)]
    sources = [node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "through"]
    return "; ".join(dict.fromkeys(map(_source, sources))) or "input"


def _source(call: ast.Call) -> str:
    return ", ".join(ast.unparse(part) for part in (*call.keywords, *call.args[1:]))


def write_certificate(path: str | PathLike[str], content: Content) -> None:
    """Write masks, claim and evidence; an existing file is replaced at once or not at all."""
    document = _document(*content)
    head = {key: document[key] for key in ("schema", "version", "image_size", "regions", "frame")}
    head["digest"] = digest(document)
    masks, terms = _lines(document["masks"]), ",\n".join(map(_term_text, document["terms"]))
    text = f'{json.dumps(head)[:-1]}, "masks": {masks}, "terms": [\n{terms}\n]}}\n'
    write_atomically(path, text.encode())


def read_certificate(path: str | PathLike[str]) -> Content:
    """Read a file of `write_certificate`; `MaskFileError` names the file and the field that is wrong.

    The form is checked, and that the text and the frame are those of a region set; the evidence is not.
    """
    try:
        content = Path(path).read_bytes()
    except (OSError, TypeError, ValueError) as error:  # the latter two: what no file can be called
        reason = getattr(error, "strerror", None) or error
        raise MaskFileError(f"cannot read {path}: {reason}; expected a cover certificate") from error
    return content_of(content, str(path))


def content_of(content: bytes, name: str) -> Content:
    """What the bytes of a file of this name say."""
    try:
        return parsed(read_strict(content.decode("utf-8")))
    except UnicodeDecodeError as error:
        raise MaskFileError(f"{name}: not a text file in UTF-8; expected a cover certificate") from error
    except MaskFileError as error:
        raise MaskFileError(f"{name}: {error}") from error
    except RecursionError as error:
        raise MaskFileError(f"{name}: nested too deeply for a cover certificate") from error


def parsed(document: Any) -> Content:
    """The content of a document; `MaskFileError` with the path of the field that is wrong."""
    _check_head(document)
    grid = _grid(document["image_size"])
    rows = _list(document["masks"], "masks")
    masks = tuple(Mask(_boxes(row, f"masks[{number}]", grid), ndim=grid.ndim) for number, row in enumerate(rows))
    terms = _list(document["terms"], "terms")
    evidence = tuple(_term(term, f"terms[{number}]", grid, len(masks)) for number, term in enumerate(terms))
    return grid, masks, _claim(document), evidence


def _document(grid: Grid, masks: tuple[Mask, ...], regions: str, terms: tuple[TermEvidence, ...]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "image_size": list(grid.shape),
        "regions": regions,
        "frame": frame_of(regions),
        "masks": [_rows(mask) for mask in masks],
        "terms": [
            {
                "patches": list(term.patches),
                "slots": [[_stencil_rows(one) for one in slot] for slot in term.slots],
                "signatures": None if term.signatures is None else [list(one) for one in term.signatures],
            }
            for term in terms
        ],
    }


def _rows(cells: Cells) -> list[list[int]]:
    return [[*box.start, *box.extents] for box in cells.boxes]


def _stencil_rows(tiled: TiledStencil) -> dict[str, Any]:
    return {
        "shape": _rows(tiled.stencil.cells),
        "places": _rows(tiled.stencil.places),
        "tiles": [[*box.start, *box.extents, number] for box, number in tiled.tiles],
    }


def _term_text(term: Mapping[str, Any]) -> str:
    slots = ",\n".join(map(_lines, term["slots"]))
    signatures = "null" if term["signatures"] is None else _lines(term["signatures"])
    return f'{{"patches": {json.dumps(term["patches"])}, "slots": [\n{slots}\n], "signatures": {signatures}}}'


def _lines(items: Iterable[object]) -> str:
    """A list with one item a line, so that it reads well in a diff."""
    return "[\n" + ",\n".join(json.dumps(item, separators=(",", ":")) for item in items) + "\n]"


def _check_head(document: Any) -> None:
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise MaskFileError(f"schema: expected a JSON object with schema {SCHEMA!r}; is this a cover certificate?")
    if document.get("version") != VERSION or type(document["version"]) is not int:
        raise MaskFileError(f"version: expected {VERSION}; found {document.get('version')!r:.40} (update maskcover?)")
    _fields(document, _FIELDS, "certificate")
    content = {key: value for key, value in document.items() if key != "digest"}
    if document["digest"] != digest(content):
        raise MaskFileError("digest: does not match the content; the file was edited or damaged, so make it anew")


def _fields(value: Any, expected: set[str], path: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != expected:
        odd = ", ".join(sorted(set(value) ^ expected)) if isinstance(value, dict) else repr(value)
        raise MaskFileError(f"{path}: expected exactly the fields {sorted(expected)}; missing or unknown: {odd:.80}")
    return value


def _claim(document: Mapping[str, Any]) -> str:
    """The region text: one plain line as `prove` writes it, so that no judge reads in it what another one does not."""
    text, frame = document["regions"], document["frame"]
    if not isinstance(text, str) or not TEXT.fullmatch(text):
        raise MaskFileError(f"regions: expected one line of a region text, spelt as str(R) does; found {text!r:.40}")
    try:
        parse_regions(text)
    except InvalidInput as error:
        raise MaskFileError(f"regions: {error}") from error
    if frame != frame_of(text):
        raise MaskFileError(f"frame: expected {frame_of(text)!r:.80} by the regions; found {frame!r:.80}")
    return text


def _term(value: Any, path: str, grid: Grid, masks: int) -> TermEvidence:
    _fields(value, {"patches", "slots", "signatures"}, path)
    listed = value["signatures"]
    signatures = None if listed is None else _signatures(listed, f"{path}.signatures", masks)
    limit = masks if signatures is None else len(signatures)
    rows = _list(value["slots"], f"{path}.slots")
    slots = tuple(_slot(row, f"{path}.slots[{number}]", grid, limit) for number, row in enumerate(rows))
    patches = _numbers(value["patches"], f"{path}.patches", len(slots))
    _all_used(set(patches), slots, f"{path}.slots")
    if signatures is not None:
        tiles = (tile for slot in slots for one in slot for tile in one.tiles)
        _all_used({number for _, number in tiles}, signatures, f"{path}.signatures")
    return TermEvidence(patches, slots, signatures)


def _all_used(used: set[int], items: Sized, path: str) -> None:
    """Refuse a list of which something is never named: it would be read and not checked."""
    if len(used) < len(items):
        unused = next(number for number in range(len(items)) if number not in used)
        raise MaskFileError(f"{path}[{unused}]: expected only what is used; nothing names it")


def _signatures(value: Any, path: str, masks: int) -> tuple[tuple[int, ...], ...]:
    rows = enumerate(_list(value, path))
    found = tuple(_numbers(row, f"{path}[{number}]", masks) for number, row in rows)
    if any(sorted(set(one)) != list(one) for one in found) or len(set(found)) != len(found):
        raise MaskFileError(f"{path}: expected different sorted lists of masks, each mask once")
    return found


def _slot(value: Any, path: str, grid: Grid, limit: int) -> TiledSlot:
    rows = _list(value, path)
    return tuple(_stencil(row, f"{path}[{number}]", grid, limit) for number, row in enumerate(rows))


def _stencil(value: Any, path: str, grid: Grid, limit: int) -> TiledStencil:
    _fields(value, {"shape", "places", "tiles"}, path)
    boxes = _boxes(value["shape"], f"{path}.shape", grid)
    shape, places = Cells(boxes, ndim=grid.ndim), Cells(_boxes(value["places"], f"{path}.places", grid), ndim=grid.ndim)
    if shape.area != sum(box.volume for box in boxes):
        raise MaskFileError(f"{path}.shape: expected disjoint boxes; two of them have a common cell")
    if not shape or not places or any(shape.span.start):
        raise MaskFileError(f"{path}: expected a shape that begins at 0 on every axis, and places for it")
    rows = enumerate(_list(value["tiles"], f"{path}.tiles"))
    tiles = tuple(_tile(row, f"{path}.tiles[{number}]", grid, limit) for number, row in rows)
    return TiledStencil(Stencil(shape, places), tiles)


def _tile(value: Any, path: str, grid: Grid, limit: int) -> Tile:
    row = _list(value, path)
    return _box(row[:-1], path, grid), _numbers(row[-1:], path, limit)[0]


def _grid(value: Any) -> Grid:
    try:
        return Grid(_numbers(value, "image_size", 1 << 40))
    except MaskFileError:
        raise
    except InvalidInput as error:
        raise MaskFileError(f"image_size: {error}") from error


def _boxes(value: Any, path: str, grid: Grid) -> list[Box]:
    return [_box(row, f"{path}[{number}]", grid) for number, row in enumerate(_list(value, path))]


def _box(value: Any, path: str, grid: Grid) -> Box:
    row = _numbers(value, path, 1 << 40)
    if len(row) != 2 * grid.ndim:
        raise MaskFileError(f"{path}: expected {2 * grid.ndim} numbers, starts then extents; found {len(row)}")
    try:
        box = Box.at(row[: grid.ndim], row[grid.ndim :])
    except InvalidInput as error:
        raise MaskFileError(f"{path}: {error}") from error
    if not grid.whole.contains(box):
        raise MaskFileError(f"{path}: leaves the {grid} image")
    return box


def _list(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise MaskFileError(f"{path}: expected a list; found {value!r:.40}")
    return value


def _numbers(value: Any, path: str, limit: int) -> tuple[int, ...]:
    """A list of whole numbers below a limit, at least one."""
    for number, item in enumerate(_list(value, path)):
        if type(item) is not int or not 0 <= item < limit:
            raise MaskFileError(f"{path}[{number}]: expected a whole number below {limit}; found {item!r:.40}")
    if not value:
        raise MaskFileError(f"{path}: expected at least one number; found none")
    return tuple(value)
