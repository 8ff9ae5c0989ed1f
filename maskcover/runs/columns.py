"""Rows as columns of a Parquet file, in two schemas: 2 is written, 1 had no evidence and is still read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, cast

import numpy as np

from maskcover.canonical import digest
from maskcover.errors import MissingExtra, install_hint
from maskcover.runs.evidence import Evidence, Predictions
from maskcover.runs.rows import Row

SCHEMA = 2
_KINDS: Mapping[str, str] = {
    "id": "text", "label": "whole", "undefended": "whole", "defended": "whole", "case": "text", "verdict": "text",
    "reason": "text", "fraction": "real", "margin": "real", "failing": "wholes", "evaluations": "whole",
    "pixels": "text", "certifying": "numbers",
    "one_mask_labels": "numbers", "one_mask_margins": "reals", "one_mask_confidences": "reals", "row_margins": "reals",
    "union_numbers": "numbers", "union_labels": "numbers", "union_margins": "reals", "union_confidences": "reals",
}  # fmt: skip
"""The columns of schema 2; the lists after `certifying` are null for an image without evidence."""
_PLAIN, _EVIDENCE = tuple(_KINDS)[:12], tuple(_KINDS)[-8:]
_EARLIER = {"share": "fraction", "lead": "margin"}  # names in schema 1


def pyarrow() -> ModuleType:
    """The module, or an error that names the extra."""
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra(f"runs are kept as Parquet, by pyarrow; {install_hint('data')}") from error
    return cast("ModuleType", pyarrow)


def table_of(rows: Sequence[Row], metadata: Mapping[str, str] | None = None) -> Any:
    """The rows as a `pyarrow.Table` of schema 2."""
    return pyarrow().Table.from_pylist([_flat(row) for row in rows], schema=_schema().with_metadata(metadata or {}))


def rows_of(table: Any) -> list[Row]:
    """The rows of a table of schema 2."""
    return [_row(document) for document in table.to_pylist()]


def read(table: Any) -> tuple[Any, str]:
    """A table of either schema in the columns of schema 2, and the digest of its rows as it is.

    Rows of schema 1 have no evidence.

    Raises:
        ValueError: the table has other columns, or values that are missing.
    """
    schema = _schema()
    if set(table.column_names) == set(_KINDS):
        checked = _checked(table.select(list(_KINDS)).cast(schema))
        return checked, digest_of(checked)
    renamed = table.rename_columns([_EARLIER.get(name, name) for name in table.column_names])
    before = dict.fromkeys(_PLAIN) | dict(zip(renamed.column_names, renamed.columns, strict=True))
    if set(before) != set(_PLAIN) or any(before[name] is None for name in _PLAIN if name != "pixels"):
        raise ValueError(f"its columns are {', '.join(table.column_names)}")
    values = [_missing(field, len(table)) if before.get(field.name) is None else before[field.name] for field in schema]
    upgraded = _checked(pyarrow().table(values, names=list(_KINDS)).cast(schema))
    return upgraded, digest([_document(row) for row in upgraded.to_pylist()])


def digest_of(table: Any) -> str:
    """``sha256:…`` of the bytes of each column of a table of schema 2, whatever file they came from."""
    hasher = hashlib.sha256()
    for name in _KINDS:
        hasher.update(f"{name} {len(table)} ".encode())
        for part in _bytes(table.column(name).combine_chunks()):
            hasher.update(part)
    return f"sha256:{hasher.hexdigest()}"


def _schema() -> Any:
    """The Arrow schema of the columns."""
    arrow = pyarrow()
    whole, text, real = arrow.int64(), arrow.string(), arrow.float64()
    kinds = {
        "text": text, "whole": whole, "real": real, "wholes": arrow.list_(whole), "reals": arrow.list_(real),
        "numbers": arrow.list_(arrow.int32()),
    }  # fmt: skip
    return arrow.schema({name: kinds[kind] for name, kind in _KINDS.items()})


def _checked(table: Any) -> Any:
    """Return a table; raise `ValueError` if a value is missing that every row has, or one in a list."""
    for name, kind in _KINDS.items():
        column = table.column(name).combine_chunks()
        listed = kind in ("wholes", "reals", "numbers")
        holes = column.flatten().null_count if listed else column.null_count
        if holes or (name == "certifying" and column.null_count):
            raise ValueError(f"values of {name} are missing")
    return table


def _flat(row: Row) -> dict[str, Any]:
    """The row as a dict of its columns."""
    document: dict[str, Any] = {name: getattr(row, name) for name in (*_PLAIN, "certifying")}
    evidence = row.evidence
    if evidence is None:
        return document | dict.fromkeys(_EVIDENCE)
    one_mask, unions = evidence.one_mask, evidence.unions
    return document | {
        "one_mask_labels": one_mask.labels,
        "one_mask_margins": one_mask.margins,
        "one_mask_confidences": one_mask.confidences,
        "row_margins": evidence.row_margins,
        "union_numbers": unions.numbers,
        "union_labels": unions.labels,
        "union_margins": unions.margins,
        "union_confidences": unions.confidences,
    }


def _row(document: Mapping[str, Any]) -> Row:
    lists = {name: document[name] and tuple(document[name]) for name in ("failing", "certifying")}
    plain = {name: document[name] for name in (*_PLAIN, "certifying")}
    evidence = None
    if document["one_mask_labels"] is not None:
        columns = [tuple(document[name]) for name in _EVIDENCE]
        evidence = Evidence(Predictions((), *columns[:3]), columns[3], Predictions(*columns[4:]))
    return Row(**(plain | lists | {"certifying": lists["certifying"] or (), "evidence": evidence}))


def _document(document: Mapping[str, Any]) -> dict[str, Any]:
    """The row of schema 1 as JSON, as it was for the digest of a shard; `pixels` is left out if it is empty."""
    names = {now: before for before, now in _EARLIER.items()}
    return {names.get(name, name): document[name] for name in _PLAIN if name != "pixels" or document[name]}


def _missing(field: Any, count: int) -> Any:
    """A column for rows of schema 1, which did not have it."""
    value = {"pixels": "", "certifying": []}.get(field.name)
    return pyarrow().array([value] * count, type=field.type)


def _bytes(column: Any) -> Iterator[bytes]:
    """The values of an Arrow array as bytes: numbers little-endian, texts and lists after their lengths, null as −1."""
    arrow = pyarrow()
    if arrow.types.is_list(column.type):
        lengths = arrow.compute.list_value_length(column).fill_null(-1)
        yield np.asarray(lengths, dtype="<i8").tobytes()
        yield from _bytes(column.flatten())
    elif arrow.types.is_string(column.type):
        encoded = [text.encode() for text in column.to_pylist()]
        yield np.array([len(text) for text in encoded], dtype="<i8").tobytes()
        yield b"".join(encoded)
    else:
        kind = "<f8" if arrow.types.is_floating(column.type) else "<i8"
        yield np.asarray(column, dtype=kind).tobytes()
