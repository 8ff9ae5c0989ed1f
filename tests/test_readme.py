"""The README's geometry runs as it stands, and says what comes out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import maskcover as mc

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def code_below(heading: str) -> str:
    """The first Python block below a heading."""
    found = re.search(rf"^## {heading}\n.*?```python\n(.*?)```", README, re.DOTALL | re.MULTILINE)
    assert found, heading
    return found[1]


def test_the_first_steps_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code = code_below("Cover and verify")
    exec(code, {})  # noqa: S102 (our own README)
    said = re.search(r"print\(report\)  # … (.*)", code)
    assert said
    assert said[1].split(": ")[-1] in capsys.readouterr().out
    assert mc.verify(mc.MaskSet.load("cover.json"))


def test_the_three_threat_models_need_as_many_masks_as_it_says() -> None:
    blocks = code_below("Three threat models").split("\n\n")
    assert len(blocks) == 3
    names: dict[str, Any] = {"mc": mc}
    for block in blocks:
        exec(block, names)  # noqa: S102 (likewise)
        said = re.search(r"# (\d+) masks(?: of at most ([\d.]+) %)?", block)
        assert said
        masks = names["masks"]
        assert len(masks) == int(said[1])
        assert mc.verify(masks)
        if said[2]:
            assert f"{100 * masks.largest_hidden_area / masks.grid.size:.1f}" == said[2]
    assert names["seen"].describe().pixels == 545
