"""The files of a study: DIR/NAME.parquet, .png, .svg and .md, each written at once and whole."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from maskcover.canonical import write_atomically
from maskcover.errors import InvalidInput, MissingExtra, install_hint
from maskcover.studies.running import Folder
from maskcover.studies.study import Row, Study, Value
from maskcover.terminal import printable

_SPECIAL = re.compile(r"([\\`*_{}\[\]#!|<>~&$])")
_FRACTIONS = frozenset(
    {"area", "undefended", "clean", "certified", "alerts", "all pairs", "low", "high", "threshold", "object size"}
)


def write(study: Study, out: Folder) -> tuple[Path, ...]:
    """Write the four files of a study into a folder.

    Returns:
        The paths: the table as Parquet, the drawing as PNG and as SVG, and a page in Markdown with both.

    Raises:
        MissingExtra: matplotlib or pyarrow is not installed.
        InvalidInput: a file cannot be written.
    """
    from maskcover.studies.drawing import drawn

    folder = Path(out)
    paths = tuple(folder / f"{study.name}.{ending}" for ending in ("parquet", "png", "svg", "md"))
    picture, vectors = drawn(study)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"cannot make the folder {folder}: {error}") from error
    for path, content in zip(paths, (parquet(study), picture, vectors, markdown(study).encode()), strict=True):
        write_atomically(path, content)
    return paths


def parquet(study: Study) -> bytes:
    """The table as a Parquet file, with title, source and what was varied among its metadata."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra(f"the table of a study is kept as Parquet, by pyarrow; {install_hint('data')}") from error
    words = {"study": study.name, "title": study.title, "paper": study.source, "varied": study.varied}
    columns = {name: [_encodable(value) for value in study.column(name)] for name in study.columns}
    table = pyarrow.table(columns).replace_schema_metadata({name: _clean(text) for name, text in words.items()})
    stream = BytesIO()
    pyarrow.parquet.write_table(table, stream)
    return stream.getvalue()


def markdown(study: Study) -> str:
    r"""A page with the drawing and the table; names from elsewhere are escaped, so that they stay text.

    >>> from maskcover.studies import Curve, Panel
    >>> panel = Panel("side, px", "images, %", (Curve("certified", (1,), (0.5,)),))
    >>> study = Study("sizes", "Sizes", "Figure 8", "the side", ({"model": "a|b", "certified": 0.5},), (panel,))
    >>> print(markdown(study).splitlines()[-1])
    | a\|b | 50.0 % |
    """
    lines = [
        f"# {_escaped(study.title)}",
        "",
        f"Paper: {study.source}. Varied: {_escaped(study.varied)}.",
        "",
        *(line for note in study.notes for line in (f"Note: {_escaped(note)}.", "")),
        f"![The curves of the table below]({study.name}.svg)",
        "",
        f"| {' | '.join(map(_escaped, study.columns))} |",
        f"| {' | '.join('---' for _ in study.columns)} |",
        *(f"| {' | '.join(_escaped(text) for text in cells(row))} |" for row in study.table),
    ]
    return "\n".join(lines) + "\n"


def cells(row: Row) -> list[str]:
    """The values of a row in words: fractions in per cent, nothing for None."""
    return [_cell(name, value) for name, value in row.items()]


def _cell(name: str, value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.1%}".replace("%", " %") if name in _FRACTIONS else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else value


def _escaped(text: str) -> str:
    """A text as Markdown shows it unchanged, on one line."""
    return _SPECIAL.sub(r"\\\1", printable(text))


def _clean(text: str) -> str:
    """A text that UTF-8 can encode: the name of a file may hold half a character."""
    return text.encode("utf-8", "backslashreplace").decode()


def _encodable(value: Value) -> Value:
    return _clean(value) if isinstance(value, str) else value
