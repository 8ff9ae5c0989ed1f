"""A hook of the site: the page of the notebook shows it as a fresh kernel runs it; a cell that fails stops the build.

The notebook is kept without outputs. It is run by Jupyter's own client and written as Markdown, so that it looks like
every other page, is found by the search, and needs no script of Jupyter in the browser.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from traitlets.config import Config

PAGE = "notebook.md"
_SECONDS = 300  # for one cell; all of them take a few
# Small networks are slower on many threads. A kernel without the widgets of Jupyter need not say so: tqdm writes text.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore:IProgress not found"}


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001  # theirs
    """Add the notebook, executed, to the page that is named after it."""
    if page.file.src_uri != PAGE:
        return markdown
    return f"{markdown}\n{shown(Path(config.docs_dir) / 'notebook.ipynb')}"


def shown(path: Path) -> str:
    """A notebook with its outputs as Markdown, without its title, which the page has.

    Raises:
        PluginError: a cell fails, writes to stderr (warnings do), or draws without a text for those who cannot see it.
    """
    cells = _executed(path)
    texts = [text for cell in cells for text in _texts(cell, path.name)]
    return re.sub(r"\A# .*\n", "", "\n\n".join(texts)) + "\n"


def _executed(path: Path) -> list[Any]:
    notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory() as folder:
        # The two talk by files of Unix, not by the network; and nothing is written beside the notebook.
        talking = Config(AsyncKernelManager={"transport": "ipc", "connection_file": f"{folder}/kernel.json"})
        place = {"metadata": {"path": folder}}
        client = NotebookClient(notebook, timeout=_SECONDS, kernel_name="python3", resources=place, config=talking)
        try:
            client.execute(env=os.environ | _ENVIRONMENT)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise PluginError(f"{path.name} does not run: {error}") from error
    cells: list[Any] = notebook.cells
    return cells


def _texts(cell: Any, name: str) -> Iterator[str]:
    """The Markdown of a cell: its text, or its code and what comes out of it."""
    if cell.cell_type != "code":
        yield cell.source
        return
    yield f"```python\n{cell.source}\n```"
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stderr":
            raise PluginError(f"{name}: the cell that begins with {cell.source[:40]!r} warns: {output.text}")
        yield _output(output, cell, name)


def _output(output: Any, cell: Any, name: str) -> str:
    if output.output_type == "stream":
        return f"```text\n{output.text.rstrip()}\n```"
    if "image/png" in output.data:
        if "alt" not in cell.metadata:
            raise PluginError(f'{name}: say in the metadata of the cell, as "alt", what its picture shows')
        image = "".join(output.data["image/png"].split())
        return f'<p><img alt="{escape(cell.metadata["alt"])}" src="data:image/png;base64,{image}"></p>'
    if "text/html" in output.data:
        # An empty line would end the block of HTML.
        lines = filter(str.strip, output.data["text/html"].splitlines())
        return "\n".join(("<div>", *lines, "</div>"))
    return f"```text\n{output.data['text/plain']}\n```"
