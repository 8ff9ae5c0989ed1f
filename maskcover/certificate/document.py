"""The certificate file: strict JSON with a digest, read with the path of whatever is wrong. It proves nothing.

`maskcover/schemas/certificate.schema.json` describes it. Here its values are made, and what no schema can say is
checked: that boxes lie on the image, that numbers name masks and slots which are there, that the claim is a region set.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping, Sized
from os import PathLike
from typing import Any

from maskcover.canonical import digest, write_atomically
from maskcover.cells import Cells
from maskcover.certificate.check import TEXT
from maskcover.certificate.tiling import TermEvidence, Tile, TiledSlot, TiledStencil
from maskcover.errors import InvalidInput, MaskFileError
from maskcover.grid import Grid
from maskcover.masks import Mask
from maskcover.masks.files import masks_of
from maskcover.masks.rows import box_of, boxes_of, rows_of
from maskcover.regions import Stencil, parse_regions
from maskcover.schemas import CERTIFICATE, document_in, document_of

Content = tuple[Grid, tuple[Mask, ...], str, tuple[TermEvidence, ...]]


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
    return _content(document_in(path, CERTIFICATE), str(path))


def content_of(content: bytes, name: str) -> Content:
    """What the bytes of a file of this name say; see `read_certificate`."""
    return _content(document_of(content, name, CERTIFICATE), name)


def _content(document: dict[str, Any], name: str) -> Content:
    """The values of a document of the right form."""
    try:
        grid, masks = masks_of(document)
        terms = enumerate(document["terms"])
        evidence = tuple(_term(term, f"terms[{number}]", grid, len(masks)) for number, term in terms)
        return grid, masks, _claim(document), evidence
    except MaskFileError as error:
        raise MaskFileError(f"{name}: {error}") from error


def _document(grid: Grid, masks: tuple[Mask, ...], regions: str, terms: tuple[TermEvidence, ...]) -> dict[str, Any]:
    return {
        "schema": CERTIFICATE.schema,
        "version": CERTIFICATE.version,
        "image_size": list(grid.shape),
        "regions": regions,
        "frame": frame_of(regions),
        "masks": [rows_of(mask) for mask in masks],
        "terms": [
            {
                "patches": list(term.patches),
                "slots": [[_stencil_rows(stencil) for stencil in slot] for slot in term.slots],
                "signatures": None if term.signatures is None else [*map(list, term.signatures)],
            }
            for term in terms
        ],
    }


def _stencil_rows(tiled: TiledStencil) -> dict[str, Any]:
    return {
        "shape": rows_of(tiled.stencil.cells),
        "places": rows_of(tiled.stencil.places),
        "tiles": [[*box.start, *box.extents, number] for box, number in tiled.tiles],
    }


def _term_text(term: Mapping[str, Any]) -> str:
    slots = ",\n".join(map(_lines, term["slots"]))
    signatures = "null" if term["signatures"] is None else _lines(term["signatures"])
    return f'{{"patches": {json.dumps(term["patches"])}, "slots": [\n{slots}\n], "signatures": {signatures}}}'


def _lines(items: Iterable[object]) -> str:
    """A list with one item a line, so that it reads well in a diff."""
    return "[\n" + ",\n".join(json.dumps(item, separators=(",", ":")) for item in items) + "\n]"


def _claim(document: Mapping[str, Any]) -> str:
    """The region text: one plain line as `prove` writes it, so that no judge reads in it what another one does not."""
    text, frame = str(document["regions"]), document["frame"]
    if not TEXT.fullmatch(text):
        raise MaskFileError(f"regions: expected one line of a region text, spelt as str(R) does; found {text!r:.40}")
    try:
        parse_regions(text)
    except InvalidInput as error:
        raise MaskFileError(f"regions: {error}") from error
    if frame != frame_of(text):
        raise MaskFileError(f"frame: expected {frame_of(text)!r:.80} by the regions; found {frame!r:.80}")
    return text


def _term(term: Mapping[str, Any], path: str, grid: Grid, masks: int) -> TermEvidence:
    signatures = None if term["signatures"] is None else _signatures(term["signatures"], f"{path}.signatures", masks)
    limit = masks if signatures is None else len(signatures)
    rows = enumerate(term["slots"])
    slots = tuple(_slot(row, f"{path}.slots[{number}]", grid, limit) for number, row in rows)
    patches = tuple(term["patches"])
    _expect_below(len(slots), patches, f"{path}.patches")
    _expect_all_used(set(patches), slots, f"{path}.slots")
    if signatures is not None:
        tiles = (tile for slot in slots for stencil in slot for tile in stencil.tiles)
        _expect_all_used({number for _, number in tiles}, signatures, f"{path}.signatures")
    return TermEvidence(patches, slots, signatures)


def _expect_below(limit: int, numbers: Iterable[int], path: str) -> None:
    """Refuse numbers of things that are not there."""
    for place, number in enumerate(numbers):
        if number >= limit:
            raise MaskFileError(f"{path}[{place}]: expected a whole number below {limit}; found {number!r:.40}")


def _expect_all_used(used: set[int], items: Sized, path: str) -> None:
    """Refuse a list of which something is never named: it would be read and not checked."""
    if len(used) < len(items):
        unused = next(number for number in range(len(items)) if number not in used)
        raise MaskFileError(f"{path}[{unused}]: expected only what is used; nothing names it")


def _signatures(rows: list[list[int]], path: str, masks: int) -> tuple[tuple[int, ...], ...]:
    for number, row in enumerate(rows):
        _expect_below(masks, row, f"{path}[{number}]")
    signatures = tuple(map(tuple, rows))
    tidy = all(sorted(set(members)) == list(members) for members in signatures)
    if not tidy or len(set(signatures)) != len(signatures):
        raise MaskFileError(f"{path}: expected different sorted lists of masks, each mask once")
    return signatures


def _slot(rows: list[Any], path: str, grid: Grid, limit: int) -> TiledSlot:
    return tuple(_stencil(row, f"{path}[{number}]", grid, limit) for number, row in enumerate(rows))


def _stencil(value: Mapping[str, Any], path: str, grid: Grid, limit: int) -> TiledStencil:
    boxes = boxes_of(value["shape"], f"{path}.shape", grid)
    shape = Cells(boxes, ndim=grid.ndim)
    places = Cells(boxes_of(value["places"], f"{path}.places", grid), ndim=grid.ndim)
    if shape.area != sum(box.volume for box in boxes):
        raise MaskFileError(f"{path}.shape: expected disjoint boxes; two of them have a common cell")
    if not shape or not places or any(shape.span.start):
        raise MaskFileError(f"{path}: expected a shape that begins at 0 on every axis, and places for it")
    rows = enumerate(value["tiles"])
    tiles = tuple(_tile(row, f"{path}.tiles[{number}]", grid, limit) for number, row in rows)
    return TiledStencil(Stencil(shape, places), tiles)


def _tile(row: list[int], path: str, grid: Grid, limit: int) -> Tile:
    *box, number = row
    if number >= limit:
        raise MaskFileError(f"{path}[{len(box)}]: expected a whole number below {limit}; found {number!r:.40}")
    return box_of(box, path, grid), number
