"""The notebook of the site: kept without outputs, shown as it runs, and a cell that fails or warns stops the build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat.v4
import pytest
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from tests.docs.test_site import loaded

ROOT = Path(__file__).parent.parent.parent
FORMAT: Any = nbformat  # which has no types
NOTEBOOK = FORMAT.read(ROOT / "docs/notebook.ipynb", as_version=4)
# The smallest PNG: one pixel.
DRAWS = "from IPython.display import Image\n\nImage(b'\\x89PNG\\r\\n\\x1a\\n' + bytes(25))"


def written(folder: Path, *cells: str, alt: str | None = None) -> Path:
    """A notebook with a title and these cells of code, the last with a text for its picture."""
    made = [FORMAT.v4.new_code_cell(cell) for cell in cells]
    if alt is not None:
        made[-1].metadata["alt"] = alt
    title = FORMAT.v4.new_markdown_cell("# Title\nWords.")
    path = folder / "notebook.ipynb"
    FORMAT.write(FORMAT.v4.new_notebook(cells=[title, *made]), path)
    return path


def test_the_notebook_is_kept_without_outputs() -> None:
    code = [cell for cell in NOTEBOOK.cells if cell.cell_type == "code"]
    assert 10 <= len(code) <= 15
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_the_page_has_the_title_of_the_notebook_and_leads_to_it() -> None:
    page = (ROOT / "docs/notebook.md").read_text(encoding="utf-8")
    assert page.splitlines()[0] == NOTEBOOK.cells[0].source.splitlines()[0]
    assert "(notebook.ipynb)" in page
    configuration = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "  - docs/notebooks.py\n" in configuration


def test_what_a_cell_prints_and_gives_stands_below_it(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "a = 6\nprint('first')\nprint('second')",
        "a * 7",
        "from IPython.display import HTML\n\nHTML('<b>x</b>\\n\\n<i>y</i>')",
    )
    assert loaded("notebooks").shown(path) == (
        "Words.\n\n```python\na = 6\nprint('first')\nprint('second')\n```\n\n```text\nfirst\nsecond\n```\n\n"
        "```python\na * 7\n```\n\n```text\n42\n```\n\n"
        "```python\nfrom IPython.display import HTML\n\nHTML('<b>x</b>\\n\\n<i>y</i>')\n```\n\n"
        "<div>\n<b>x</b>\n<i>y</i>\n</div>\n"
    )


def test_a_picture_is_in_the_page_with_its_text(tmp_path: Path) -> None:
    page = loaded("notebooks").shown(written(tmp_path, DRAWS, alt="A <pixel>"))
    assert '<p><img alt="A &lt;pixel&gt;" src="data:image/png;base64,iVBORw0KGgoAAAAA' in page


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("1 / 0", r"notebook\.ipynb does not run: (?s:.*)ZeroDivisionError"),
        ("assert 1 == 2", r"notebook\.ipynb does not run: (?s:.*)AssertionError"),
        ("import warnings\n\nwarnings.warn('old')", r"the cell that begins with .import warnings(?s:.*) warns: .*old"),
        (DRAWS, r"say in the metadata of the cell, as \"alt\", what its picture shows"),
    ],
)
def test_a_notebook_that_fails_stops_the_build(tmp_path: Path, cell: str, words: str) -> None:
    hook, path = loaded("notebooks"), written(tmp_path, cell)
    config = MkDocsConfig()
    config.docs_dir = str(path.parent)
    page = Page("Notebook", File("notebook.md", "docs", "site", use_directory_urls=True), config)
    with pytest.raises(PluginError, match=words):
        hook.on_page_markdown("# Title", page=page, config=config, files=Files([]))


def test_other_pages_are_left_alone() -> None:
    config = MkDocsConfig()
    page = Page("Start", File("index.md", "docs", "site", use_directory_urls=True), config)
    assert loaded("notebooks").on_page_markdown("# Start", page=page, config=config, files=Files([])) == "# Start"
