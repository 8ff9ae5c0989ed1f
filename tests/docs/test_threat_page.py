"""The page of threats names every threat once, with tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.test_threats import TESTS

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/threats.md").read_text(encoding="utf-8")
LINES = re.findall(r"^\| (\d+) \| (.*) \|$", PAGE, re.MULTILINE)
ROWS = {int(number): row for number, row in LINES}


def named(text: str) -> list[tuple[str, str]]:
    """Files, each with the test in it that is named, if one is."""
    return re.findall(r"`((?:tests|maskcover)/[\w/]+\.py)(?:::(\w+))?`", text)


def test_every_threat_has_a_row_with_a_test() -> None:
    assert len(LINES) == len(ROWS)
    assert sorted(ROWS) == [*range(1, 12), *TESTS]
    assert [number for number, row in ROWS.items() if not named(row)] == []


def test_every_test_that_is_named_is_there() -> None:
    for path, name in named(PAGE):
        source = (ROOT / path).read_text(encoding="utf-8")
        assert not name or re.search(rf"^\s*(def|class) {name}\b", source, re.MULTILINE), (path, name)


def test_the_page_agrees_with_the_table_of_the_tests() -> None:
    for number, tests in TESTS.items():
        files = {f"tests/{test.partition('::')[0]}" for test in tests}
        assert files & {path for path, _ in named(ROWS[number])}, number
