"""Pages of a hostile run: every text from elsewhere stays a text, in HTML, in Markdown, and in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from maskcover.report import Facts, to_html, to_markdown
from maskcover.report.markdown import escaped
from maskcover.runs import OpenedRun, open_run
from tests.report.hostile import attacks, greys, hostile_run

pytest.importorskip("jinja2")
URL = "http://192.0.2.1"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ELEMENTS = {
    "a", "article", "body", "br", "code", "dd", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3",
    "head", "header", "html", "image", "li", "line", "main", "meta", "p", "polygon", "polyline", "pre", "rect",
    "section", "span", "strong", "style", "svg", "table", "tbody", "td", "text", "th", "thead", "title", "tr",
    "ul", "use",
}  # fmt: skip


class Elements(HTMLParser):
    """The elements of a page, its links, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def facts_of(run: OpenedRun, url: str) -> Facts:
    texts = attacks(url)
    return run.facts(images=greys(), show=6, class_names=[texts[0] + texts[3], texts[2] + texts[5]])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> OpenedRun:
    return hostile_run(tmp_path_factory.mktemp("hostile"), URL)


@pytest.fixture(scope="module")
def facts(run: OpenedRun) -> Facts:
    return facts_of(run, URL)


def test_the_facts_hold_all_hostile_texts_on_one_line(facts: Facts) -> None:
    text = json.dumps(facts.document())
    assert all(text.count(part) for part in ("<script>", "onerror", "<iframe", "{{ 7*7 }}", "# heading"))
    assert len(facts.errors) == facts.error_count == 1
    assert "onerror" in facts.errors[0][1]
    every = [*facts.commands, *(text for pair in facts.setting for text in pair), *(image.id for image in facts.images)]
    assert all(text.isprintable() for text in every)


def test_a_page_has_no_element_or_attribute_of_a_hostile_text(facts: Facts) -> None:
    page = Elements(to_html(facts))
    assert page.names <= ELEMENTS
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    links = [value for name, value in page.attributes if name in ("href", "src", "action", "data")]
    assert len(links) > 5
    assert all(value.startswith(("data:image/png;base64,", "#image-")) for value in links)
    assert not [value for name, value in page.attributes if name == "style" and "url" in value]
    shown = "".join(page.texts)
    for hostile in ("<script>document.title", "<iframe src=", "</svg><svg onload=", "{{ 7*7 }}", "&lt;script&gt;"):
        assert hostile in shown, hostile


def test_a_page_is_valid_utf8_without_control_characters(facts: Facts) -> None:
    page = to_html(facts)
    page.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", page)


def test_the_policy_of_the_page_forbids_scripts_and_requests(facts: Facts) -> None:
    page = to_html(facts)
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
    assert "http" not in re.sub(re.escape("http-equiv") + "|" + re.escape(URL), "", page)


def test_equal_runs_give_equal_pages(run: OpenedRun, facts: Facts) -> None:
    again = facts_of(open_run(run.path), URL)
    assert again == facts
    assert to_html(again) == to_html(facts)
    assert to_markdown(again) == to_markdown(facts)


def test_markdown_has_no_markup_of_a_hostile_text(facts: Facts) -> None:
    lines = to_markdown(facts).splitlines()
    headings = [line for line in lines if line.startswith("#")]
    assert not [line for line in headings if "heading" in line]
    # What a reader of Markdown would take for markup: punctuation without a backslash, outside of commands.
    for line in lines:
        if line.startswith("    "):
            continue
        bare = re.sub(r"\\[!-/:-@\[-`{-~]|&(lt|gt|amp);", "", line)
        assert not re.search(r"[<>`\[\]_~$]|://|&", bare), line
        if line.startswith("|"):
            assert len(re.findall(r"\|", bare)) in (3, 4, 5, 6, 7, 9)


def test_columns_of_markdown_tables_stay_apart(facts: Facts) -> None:
    lines = to_markdown(facts).splitlines()
    rules = [number for number, line in enumerate(lines) if set(line) <= set("|- ") and "---" in line]
    assert len(rules) > 5
    for rule in rules:
        columns = lines[rule].count("|")
        following = iter(lines[rule + 1 :])
        while (line := next(following, "")).startswith("|"):
            assert re.sub(r"\\.", "", line).count("|") == columns, line


def test_escaping_leaves_letters_alone() -> None:
    assert escaped("T-shirt 5×5 Ärmel") == r"T\-shirt 5×5 Ärmel"


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine, and the paths that it is asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that the server calls
            paths.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()


def opened_in_browser(page: str, folder: Path) -> str:
    """The document that a browser makes of a page, after its scripts."""
    assert CHROMIUM is not None
    folder.mkdir()
    (folder / "page.html").write_text(page, encoding="utf-8")
    options = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile", "--dump-dom")
    address = (folder / "page.html").as_uri()
    done = subprocess.run(
        [CHROMIUM, *options, "--virtual-time-budget=3000", address], capture_output=True, check=True, timeout=120
    )
    return done.stdout.decode("utf-8")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
def test_a_browser_runs_no_script_and_asks_for_nothing(tmp_path: Path) -> None:
    with listening() as (url, paths):
        page = to_html(facts_of(hostile_run(tmp_path, url), url))
        document = opened_in_browser(page, tmp_path / "escaped")
        assert paths == []
        assert "<title>Certification report: " in document
        assert Elements(document).names <= ELEMENTS
        # The same page without escaping and without its policy: the browser does notice.
        broken = re.sub("<meta http-equiv[^>]*>", "", page).replace("&lt;", "<").replace("&gt;", ">")
        broken = broken.replace("&#39;", "'").replace("&#34;", '"')
        document = opened_in_browser(broken, tmp_path / "unescaped")
        assert paths
        assert Elements(document).names - ELEMENTS >= {"script", "iframe"}
