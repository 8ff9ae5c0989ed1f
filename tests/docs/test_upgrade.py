"""The upgrade page names every deprecated name, and what it says to type is there."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from pathlib import Path

import pytest

import maskcover as mc
from maskcover.data import _RENAMED
from maskcover.defense import _MOVED

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/upgrade.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE))
PATHS = {
    key.strip("`"): now.strip("`") for key, now in ROWS.items() if key.startswith("`maskcover.") and "(" not in key
}
SOURCES = [path for top in ("maskcover", "adapters") for path in (ROOT / top).rglob("*.py")]


def messages() -> set[str]:
    """What the deprecations of the sources say, as far as it is plain text."""
    texts = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " is now " in node.value:
                texts.add(node.value)
    return texts


def test_every_deprecated_attribute_is_on_the_page() -> None:
    attributes = {
        found.groups() for text in messages() if (found := re.fullmatch(r"(\w+\.\w+) is now (\w+\.\w+)", text))
    }
    assert len(attributes) >= 10
    assert {f"`{earlier}`": f"`{now}`" for earlier, now in attributes}.items() <= ROWS.items()


@pytest.mark.parametrize("earlier", sorted(PATHS))
def test_an_earlier_name_of_a_module_warns_and_gives_what_the_page_says(earlier: str) -> None:
    module, name = earlier.rpartition(".")[::2]
    home, now = PATHS[earlier].rpartition(".")[::2]
    with pytest.warns(mc.MaskcoverWarning, match=re.escape(now)):
        value = getattr(importlib.import_module(module), name)
    assert value is getattr(importlib.import_module(home), now)


def test_every_moved_name_is_on_the_page() -> None:
    moved = {f"maskcover.defense.{name}": f"{home}.{now}" for name, (home, now) in _MOVED.items()}
    renamed = {f"maskcover.data.{name}": f"maskcover.data.{now}" for name, now in _RENAMED.items()}
    assert (moved | renamed).items() <= PATHS.items()


def test_every_earlier_extra_is_on_the_page() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    rows = {key[11:-2]: now[11:-2] for key, now in ROWS.items() if key.startswith("`maskcover[")}
    assert rows == {"hf": "transformers", "onnxruntime": "onnx", "runs": "data"}
    assert {earlier: extras[earlier] for earlier in rows} == {old: [f"maskcover[{now}]"] for old, now in rows.items()}


def test_the_earlier_call_of_sides_warns_and_gives_the_same_regions() -> None:
    with pytest.warns(mc.MaskcoverWarning, match="sides"):
        regions = mc.half_planes(share=0.5)
    assert regions == mc.sides(fraction=0.5)
