"""The site beyond its Markdown: the page of the command line, examples in docstrings, and the pages that there are."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import maskcover_torch.training
import pytest
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import maskcover
import maskcover.plot
from maskcover.cli import app

ROOT = Path(__file__).parent.parent.parent
REFERENCE = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs/reference").glob("*.md"))

MODULES = {"maskcover.errors"}


def loaded(name: str) -> ModuleType:
    """A module of docs/, which is no package."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / f"docs/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_command_stands_on_its_page_with_every_option() -> None:
    page: str = loaded("hooks").commands()
    names = [one.name or getattr(one.callback, "__name__", "") for one in app.registered_commands]
    assert re.findall(r"^## maskcover (.*)$", page, re.MULTILINE) == names
    assert "| `--frame` | text | `input` | Where --regions are drawn" in page
    assert "| `--model` | text | must be given |" in page
    assert "| `--option` `-O` | text, repeatable |" in page
    assert "| `--try-fill` | text, repeatable |" in page
    assert "$ maskcover verify PATHS… [OPTIONS]" in page


def test_a_page_that_fetches_something_is_refused() -> None:
    hooks, config = loaded("hooks"), MkDocsConfig()
    page = Page("Start", File("index.md", "docs", "site", use_directory_urls=True), config)
    kept = '<a href="https://example.org">elsewhere</a><script src="assets/x.js"></script>'
    assert hooks.on_post_page(kept, page=page, config=config) == kept
    for fetched in ('<script src="https://example.org/x.js">', '<link rel="stylesheet" href="//example.org/x.css">'):
        with pytest.raises(PluginError, match=r"index\.md fetches .*example\.org"):
            hooks.on_post_page(fetched, page=page, config=config)


def test_a_command_without_options_has_no_empty_table() -> None:
    _, _, page = loaded("hooks").commands().partition("## maskcover check\n")
    page, _, _ = page.partition("\n## ")
    assert "$ maskcover check FILE\n" in page
    assert "| option |" not in page


def test_cells_with_sentences_are_marked() -> None:
    hooks, config = loaded("hooks"), MkDocsConfig()
    page = Page("Start", File("index.md", "docs", "site", use_directory_urls=True), config)
    words = "more than seventy characters " * 3
    cells = f'<tr><td>short</td><td style="text-align: left;">{words}</td><td><a href="{words}">x</a></td></tr>'
    marked = hooks.on_page_content(cells, page=page, config=config, files=Files([]))
    assert marked == cells.replace(
        f'<td style="text-align: left;">{words}', f'<td class="long" style="text-align: left;">{words}'
    )


def test_no_directive_shows_a_whole_module_for_a_function_of_the_same_name() -> None:
    """A name that is both, such as `certify`, is the module to what reads the sources."""
    for name in re.findall(r"^::: ([\w.]+)", REFERENCE, re.MULTILINE):
        path = name.replace(".", "/") + ".py"
        if name not in MODULES:
            assert not any((root / path).exists() for root in (ROOT, ROOT / "adapters")), name


def test_every_public_name_is_in_the_reference() -> None:
    directives = re.findall(r"^::: ([\w.]+)", REFERENCE, re.MULTILINE)
    shown = {name.rpartition(".")[2] for name in directives}
    errors = {
        name for name in maskcover.__all__ if getattr(getattr(maskcover, name), "__module__", "") == "maskcover.errors"
    }
    assert set(maskcover.__all__) - shown - errors == set()
    assert "maskcover.errors" in directives
    for module in (maskcover.plot, maskcover_torch.training):
        assert {name for name in module.__all__ if callable(getattr(module, name))} - shown == set()
