"""What to type where something is not installed: nothing is published, so it is a checkout that is installed."""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from maskcover.errors import install_hint

ROOT = Path(__file__).parent.parent


class Distribution:
    def __init__(self, direct_url: str | None) -> None:
        self.direct_url = direct_url

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self.direct_url


def installed_from(monkeypatch: pytest.MonkeyPatch, document: Any) -> None:
    text = document if document is None or isinstance(document, str) else json.dumps(document)
    monkeypatch.setattr(metadata, "distribution", lambda _: Distribution(text))


def test_the_checkout_that_is_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my checkout"
    folder.mkdir()
    installed_from(monkeypatch, {"url": folder.as_uri(), "dir_info": {"editable": True}})
    assert install_hint("timm") == f"try: pip install -e '{folder}[timm]'"
    installed_from(monkeypatch, {"url": folder.as_uri(), "dir_info": {}})
    assert install_hint("timm") == f"try: pip install '{folder}[timm]'"


@pytest.mark.parametrize(
    "document",
    [
        None,
        "no JSON",
        [1],
        {"url": 3},
        {"url": "https://example.org/maskcover.whl"},
        {"url": "file:///nowhere/at/all", "dir_info": {}},
    ],
)
def test_without_one_it_is_any_checkout(document: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    installed_from(monkeypatch, document)
    assert install_hint("timm") == "from a checkout of maskcover: pip install '.[timm]'"


def test_a_package_that_is_not_installed_at_all_has_a_hint_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    assert "pip install '.[timm]'" in install_hint("timm")


def test_every_message_about_an_extra_takes_its_hint_from_here() -> None:
    sources = [*ROOT.glob("maskcover/**/*.py"), *ROOT.glob("adapters/**/*.py")]
    found = [path for path in sources if re.search(r"pip install .*maskcover\[", path.read_text(encoding="utf-8"))]
    assert found == []


def test_every_extra_that_is_hinted_at_is_there() -> None:
    sources = [*ROOT.glob("maskcover/**/*.py"), *ROOT.glob("adapters/**/*.py")]
    named = {name for path in sources for name in re.findall(r"install_hint\('(\w+)'\)", path.read_text("utf-8"))}
    declared = set(re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"data", "demo", "metrics", "plot", "remote", "torch"} <= named <= declared
