"""The mask-set file: versioned JSON, one mask a line, with a digest that is checked before anything is used.

`maskcover/schemas/masks.schema.json` describes it. The digest is that of the document without its digest, in canonical
bytes. A cover certificate has the same fields and more, with the same meaning, so its masks can be read here too; that
its evidence is true is not checked.
"""

from __future__ import annotations

import json
from os import PathLike
from typing import Any

from maskcover.canonical import digest, write_atomically
from maskcover.errors import MaskFileError
from maskcover.grid import Grid
from maskcover.masks.mask import Mask
from maskcover.masks.rows import boxes_of, grid_of, rows_of
from maskcover.schemas import CERTIFICATE, MASK_SET, document_in, document_of

Masks = tuple[Mask, ...]
Content = tuple[Grid, Masks, tuple[Masks, ...], str | None]
"""Grid, masks, the masks of each level, and the claim."""


def write_masks(path: str | PathLike[str], content: Content) -> None:
    """Write grid, masks, levels and claim; an existing file is replaced at once or not at all."""
    write_atomically(path, text_of(content).encode())


def text_of(content: Content) -> str:
    """The text of a file: grid, masks, levels and claim, and the digest of all that."""
    document = _document(*content)
    lines = [json.dumps(rows, separators=(",", ":")) for rows in document["masks"]]
    head = {key: value for key, value in document.items() if key != "masks"}
    head["digest"] = digest(document)
    return json.dumps(head)[:-1] + ', "masks": [\n' + ",\n".join(lines) + "\n]}\n"


def read_masks(path: str | PathLike[str]) -> Content:
    """Read and check a file of `write_masks`, or the masks and the claim of a certificate, which has no levels.

    `MaskFileError` names the file and the field that is wrong.
    """
    return _read(document_in(path, MASK_SET, CERTIFICATE), path)


def read_text(text: str, name: str) -> Content:
    """Read and check the text of a mask-set file; the error `MaskFileError` calls it by a name."""
    return _read(document_of(text.encode(), name, MASK_SET), name)


def _read(document: dict[str, Any], path: str | PathLike[str]) -> Content:
    """Grid, masks, levels and claim of a document of the right form."""
    try:
        grid, masks = masks_of(document)
        levels = document.get("levels", [])
        coarser = (_masks_in(level, grid, f"levels[{number}]") for number, level in enumerate(levels))
        return grid, masks, tuple(coarser), document["regions"]
    except MaskFileError as error:
        raise MaskFileError(f"{path}: {error}") from error


def masks_of(document: dict[str, Any]) -> tuple[Grid, tuple[Mask, ...]]:
    """Grid and masks of a document of the right form; `MaskFileError` names the path of a field that makes no sense."""
    grid = grid_of(document["image_size"])
    return grid, _masks_in(document["masks"], grid, "masks")


def _masks_in(rows: list[Any], grid: Grid, name: str) -> Masks:
    return tuple(Mask(boxes_of(row, f"{name}[{number}]", grid), ndim=grid.ndim) for number, row in enumerate(rows))


def _document(grid: Grid, masks: Masks, levels: tuple[Masks, ...], regions: str | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "schema": MASK_SET.schema,
        "version": MASK_SET.version,
        "image_size": list(grid.shape),
        "regions": regions,
        "masks": [rows_of(mask) for mask in masks],
    }
    return document | ({"levels": [[rows_of(mask) for mask in level] for level in levels]} if levels else {})
