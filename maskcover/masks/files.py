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
from maskcover.schemas import CERTIFICATE, MASK_SET, document_in

Content = tuple[Grid, tuple[Mask, ...], str | None]


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
    document = document_in(path, MASK_SET, CERTIFICATE)
    try:
        return *masks_of(document), document["regions"]
    except MaskFileError as error:
        raise MaskFileError(f"{path}: {error}") from error


def masks_of(document: dict[str, Any]) -> tuple[Grid, tuple[Mask, ...]]:
    """Grid and masks of a document of the right form; `MaskFileError` names the path of a field that makes no sense."""
    grid = grid_of(document["image_size"])
    rows = enumerate(document["masks"])
    return grid, tuple(Mask(boxes_of(row, f"masks[{number}]", grid), ndim=grid.ndim) for number, row in rows)


def _document(grid: Grid, masks: tuple[Mask, ...], regions: str | None) -> dict[str, Any]:
    return {
        "schema": MASK_SET.schema,
        "version": MASK_SET.version,
        "image_size": list(grid.shape),
        "regions": regions,
        "masks": [rows_of(mask) for mask in masks],
    }
