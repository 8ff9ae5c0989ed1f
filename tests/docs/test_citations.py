"""No text cites a document that is not in the repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
_CITED = re.compile(r"\bdesign §", re.IGNORECASE)
_MAY = ("CHANGELOG.md", Path(__file__).relative_to(ROOT).as_posix())


def tracked() -> list[str]:
    """The paths that git tracks, outside a checkout those of the texts that there are."""
    if not (ROOT / ".git").exists():
        return [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.suffix in {".py", ".md", ".v"}]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607
    return [path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()]


def cites(content: bytes) -> bool:
    """Whether a text cites a section of the design that it was written from; bytes that are no text do not."""
    return _CITED.search(content.decode("utf-8", errors="ignore")) is not None


def test_no_text_cites_the_design_that_is_not_here() -> None:
    texts = [path for path in tracked() if path not in _MAY]
    assert [path for path in texts if cites((ROOT / path).read_bytes())] == []


@pytest.mark.parametrize("text", ["see design §5", "Design §12: votes"])
def test_a_citation_is_noticed(text: str) -> None:
    assert cites(text.encode())
    assert not cites(b"docs/design/erosion.md")


def test_every_page_that_is_cited_is_there() -> None:
    cited = {
        (path, page)
        for path in tracked()
        if path.endswith((".py", ".v", ".md"))
        for page in re.findall(r"\bdocs/[\w/-]+\.md\b", (ROOT / path).read_text(encoding="utf-8"))
    }
    assert {(path, page) for path, page in cited if not (ROOT / page).is_file()} == set()


def test_every_section_of_the_theory_that_is_cited_is_there() -> None:
    headings = set(re.findall(r"^## (.*)$", (ROOT / "docs/theory.md").read_text(encoding="utf-8"), re.MULTILINE))
    for path in tracked():
        if path.endswith((".py", ".v")):
            text = " ".join((ROOT / path).read_text(encoding="utf-8").split())
            for place in re.finditer(r"docs/theory\.md, (?=[A-Z])", text):
                assert any(text[place.end() :].startswith(heading) for heading in headings), (path, place[0])
