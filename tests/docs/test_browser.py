"""The built site in a real browser: its search finds what is typed, and no page is wider than a phone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install '.[dev]'")
ROOT = Path(__file__).parent.parent.parent
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.site,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: make site-test installs it"),
]
PHONE = {"width": 390, "height": 844}
# What sticks out of the page at its right, but for what scrolls in a box of its own.
WIDER = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [document.documentElement.scrollWidth, ...[...document.querySelectorAll('.md-content *')]
    .filter(one => one.getBoundingClientRect().right > innerWidth)
    .slice(0, 5).map(one => one.outerHTML.slice(0, 120))]"""


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that does not say what it is asked for."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site: the one that `make site-test` has built, or a new one."""
    if built := os.environ.get("MASKCOVER_SITE"):
        return ROOT / built
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, check=True)
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served: search runs in a worker, which a browser does not start from files."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport=PHONE)
    yield context.new_page()
    context.close()


def found(page: Any, address: str, words: str) -> list[str]:
    """The pages that the search shows for these words, best first, below the address of the site."""
    page.goto(address)
    page.locator("label[for=__search]").first.click()
    page.get_by_role("textbox", name="Search").type(words)
    page.locator(".md-search-result__link").first.wait_for()
    links = page.locator(".md-search-result__link").evaluate_all("links => links.map(link => link.href)")
    return [link.removeprefix(f"{address}/").partition("?")[0].partition("#")[0] for link in links]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("torchvision", "how-to/torchvision/"),
        ("ankle boot", "notebook/"),
        ("half_planes", "how-to/regions/"),
        ("assessor", "assessors/"),
    ],
)
def test_the_search_finds_the_page(page: Any, address: str, words: str, expected: str) -> None:
    assert expected in found(page, address, words)


def test_a_word_that_is_nowhere_is_not_found(page: Any, address: str) -> None:
    page.goto(address)
    page.locator("label[for=__search]").first.click()
    page.get_by_role("textbox", name="Search").type("xylophone")
    page.get_by_text("No matching documents").wait_for()
    assert page.locator(".md-search-result__link").count() == 0


def test_no_page_scrolls_sideways_on_a_phone_and_none_asks_elsewhere(page: Any, site: Path, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    # Each page would fill the search again.
    page.route("**/search_index.json", lambda route: route.abort())
    paths = sorted(path.parent.relative_to(site).as_posix() for path in site.rglob("index.html"))
    assert len(paths) > 100
    wider = {}
    for path in paths:
        page.goto(f"{address}/{path}/")
        if sticking := page.evaluate(WIDER):
            wider[path] = sticking
    assert wider == {}
    assert [url for url in asked if not url.startswith((f"{address}/", "data:"))] == []


def test_a_page_that_is_wider_than_a_phone_is_noticed(page: Any, address: str) -> None:
    page.goto(f"{address}/notebook/")
    assert page.evaluate(WIDER) == []
    page.evaluate("document.querySelector('.md-content p').style.width = '500px'")
    width, element, *_ = page.evaluate(WIDER)
    assert width > PHONE["width"]
    assert element.startswith("<p")
