"""Certificates as documents: made, spoilt, re-digested, and judged by brute force on the pixels of small images."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

import maskcover as mc
from maskcover.certificate import CoverCertificate, prove
from maskcover.certificate.check import check
from tests.oracles import BoolArray

Document = dict[str, Any]
Path_ = tuple[str | int, ...]


def written(certificate: CoverCertificate) -> Document:
    """What `save` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.cover.json")
        certificate.save(path)
        document: Document = json.loads(path.read_text(encoding="utf-8"))
    return document


def proved(masks: mc.MaskSet, regions: mc.RegionSet | str | None = None) -> Document:
    return written(prove(masks, regions))


def digested(document: Document) -> Document:
    """The document with the digest of what it says now."""
    body = {key: value for key, value in document.items() if key != "digest"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return body | {"digest": "sha256:" + hashlib.sha256(text.encode()).hexdigest()}


def judged(document: Document) -> tuple[int, str]:
    """What the checker says of a document with a right digest."""
    return check(json.dumps(digested(document)).encode())


def is_undecided(masks: mc.MaskSet, regions: mc.RegionSet) -> bool:
    """Whether the checker does not read such regions: other families, and bitmaps of any but two axes."""
    others = re.search(r"sides\(|half_planes\(|stripes\(|disc\(|tubes\(|touching=", str(regions))
    drawn = re.search(r'[( ]"', str(regions))
    return others is not None or (drawn is not None and masks.grid.ndim != 2)


def numbers(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The paths of all whole numbers in a document."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from numbers(item, (*path, key))
    elif type(value) is int:
        yield path


def edited(document: Document, path: Path_, value: object) -> Document:
    """A copy with another value at a path."""
    made = copy.deepcopy(document)
    inner: Any = made
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return made


def at(document: Document, path: Path_) -> Any:
    for key in path:
        document = document[key]  # type: ignore[index]  # paths come from the document
    return document


def painted(rows: list[list[int]], sides: tuple[int, ...]) -> BoolArray:
    """The cells of boxes written as starts and extents."""
    cells = np.zeros(sides, dtype=np.bool_)
    axes = len(sides)
    for row in rows:
        cells[tuple(slice(a, a + n) for a, n in zip(row[:axes], row[axes : 2 * axes], strict=True))] = True
    return cells


def cells_of(rows: list[list[int]], axes: int) -> list[tuple[int, ...]]:
    """The cells of boxes one by one, as often as they occur."""
    return [
        cell
        for row in rows
        for cell in product(*(range(a, a + n) for a, n in zip(row[:axes], row[axes : 2 * axes], strict=True)))
    ]


def is_true(document: Document) -> bool:
    """Every sentence of the evidence, cell by cell; the document must have the right form and lie on its image."""
    sides = tuple(document["image_size"])
    hidden = [painted(rows, sides) for rows in document["masks"]]
    return all(_term_is_true(term, hidden, sides) for term in document["terms"])


def _term_is_true(term: Document, hidden: list[BoolArray], sides: tuple[int, ...]) -> bool:
    names = term["signatures"] or [[mask] for mask in range(len(hidden))]
    used = [{row[-1] for one in slot for row in one["tiles"]} for slot in term["slots"]]
    shared = all(
        set.intersection(*(set(names[number]) for number in chosen))
        for chosen in product(*(used[slot] for slot in term["patches"]))
    )
    return shared and all(_stencil_is_true(one, names, hidden, sides) for slot in term["slots"] for one in slot)


def _stencil_is_true(one: Document, names: list[list[int]], hidden: list[BoolArray], sides: tuple[int, ...]) -> bool:
    axes = len(sides)
    if sorted(cells_of(one["places"], axes)) != sorted(cells_of(one["tiles"], axes)):
        return False
    if len(set(cells_of(one["places"], axes))) != len(cells_of(one["places"], axes)):
        return False
    shape = cells_of(one["shape"], axes)
    for row in one["tiles"]:
        for place in cells_of([row], axes):
            for cell in shape:
                moved = tuple(a + b for a, b in zip(place, cell, strict=True))
                if any(a >= n for a, n in zip(moved, sides, strict=True)):
                    return False
                if not all(hidden[mask][moved] for mask in names[row[-1]]):
                    return False
    return True
