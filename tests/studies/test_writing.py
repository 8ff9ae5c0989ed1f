"""The files of a study hold its table and nothing that a name from elsewhere could do."""

from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from maskcover import InvalidInput
from maskcover.studies import Curve, Panel, Study, markdown, write
from maskcover.studies.study import Row
from maskcover.studies.writing import cells, parquet
from maskcover.terminal import printable

pq = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("matplotlib")
HOSTILE = (
    "a|b\n# heading",
    "<script>alert(1)</script>",
    "![x](http://example.org/x.png)",
    "$\\frac{1}{0}$ _x_ *y* `z`",
    "_hidden",
    "\x1b[2J‮evil",
    "half\udc80",
    "日本" * 200,
)


def study_of(*names: str) -> Study:
    rows = tuple({"model": name, "images": 1200, "certified": 0.123, "milliseconds": None} for name in names)
    curves = tuple(Curve(name, (1, 2), (0.5, 0.25)) for name in names)
    bars = (Curve("certified", tuple(names), (0.5,) * len(names)),)
    panels = (Panel("masks", "images, %", curves), Panel("model", "images, %", bars))
    return Study("sizes", f"Of {names[0]}", "Figure 8", f"the model {names[0]}", rows, panels, (names[0],))


def test_four_files_are_written_and_read_back(tmp_path: Path) -> None:
    paths = write(study_of("first", "second"), tmp_path / "deep" / "out")
    assert [path.name for path in paths] == ["sizes.parquet", "sizes.png", "sizes.svg", "sizes.md"]
    table = pq.read_table(paths[0])
    assert table.to_pylist() == [dict(row) for row in study_of("first", "second").table]
    assert table.schema.metadata[b"paper"] == b"Figure 8"
    assert paths[1].read_bytes().startswith(b"\x89PNG")
    assert ET.fromstring(paths[2].read_text(encoding="utf-8")).tag.endswith("svg")  # noqa: S314  # our own file
    page = paths[3].read_text(encoding="utf-8").splitlines()
    assert page[-2:] == ["| first | 1,200 | 12.3 % |  |", "| second | 1,200 | 12.3 % |  |"]
    assert "![The curves of the table below](sizes.svg)" in page


def test_equal_studies_give_equal_files(tmp_path: Path) -> None:
    first, second = (write(study_of("a", "b"), tmp_path / name) for name in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_stays_text(name: str, tmp_path: Path) -> None:
    study = study_of(name)
    paths = write(study, tmp_path)
    page = markdown(study)
    assert len(page.splitlines()) == len(markdown(study_of("plain")).splitlines())
    plain = page
    for escaped in ("\\\\", "\\|", "\\<", "\\[", "\\!", "\\`", "\\*", "\\_", "\\$", "\\#"):
        plain = plain.replace(escaped, "")
    assert plain.count("|") == markdown(study_of("plain")).count("|")
    assert plain.count("![") == 1
    assert "<" not in plain
    assert "\x1b" not in page
    tags = {element.tag.split("}")[-1] for element in ET.fromstring(paths[2].read_bytes()).iter()}  # noqa: S314
    assert "script" not in tags
    assert "image" not in tags
    (value,) = pq.read_table(io.BytesIO(parquet(study))).column("model").to_pylist()
    assert value == name.encode("utf-8", "backslashreplace").decode()


def test_a_name_that_begins_with_an_underscore_is_in_the_legend(tmp_path: Path) -> None:
    texts = texts_in(write(study_of("_hidden", "other"), tmp_path)[2])
    assert texts.count("_hidden") == texts.count("other") == 2  # in the legend, and below a bar


def test_dollars_are_no_formula(tmp_path: Path) -> None:
    name = "$\\frac{1}{0}$ and $x$"
    texts = texts_in(write(study_of(name, "other"), tmp_path)[2])
    assert (texts.count(printable(name)), f"Of {printable(name)}" in texts) == (2, True)


def texts_in(svg: Path) -> list[str]:
    """The texts that a drawing shows."""
    root = ET.fromstring(svg.read_bytes())  # noqa: S314  # our own file
    return [(element.text or "").strip() for element in root.iter() if element.tag.endswith("}text")]


def test_values_are_shown_as_what_they_are() -> None:
    row: Row = {"model": "m", "images": 1234, "certified": 1.0, "ratio": 1.5, "low": None}
    assert cells(row) == ["m", "1,234", "100.0 %", "1.5", ""]


def test_a_study_without_rows_or_with_odd_ones_is_refused() -> None:
    panel = Panel("x", "y", (Curve("c", (1,), (1.0,)),))
    for rows in ((), ({"a": 1}, {"b": 1})):
        with pytest.raises(InvalidInput, match="do not have the same columns, or there are none"):
            Study("sizes", "t", "Figure 8", "v", rows, (panel,))
    for x, y, style in (((1, 2), (1.0,), "line"), ((), (), "line"), ((1,), (1.0,), "odd")):
        with pytest.raises(InvalidInput, match="as many x as y"):
            Curve("c", x, y, style)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot make the folder"):
        write(study_of("a"), tmp_path / "file" / "out")
