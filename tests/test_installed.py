"""Entry points are read once, and again when something is installed, removed, or found at another place."""

from __future__ import annotations

import os
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from maskcover.installed import entry_points

GROUP = "maskcover.tests_of_installed"


def install(folder: Path, name: str, moment: int) -> None:
    """Put a distribution with one entry point into a folder, which shows this moment as that of its last change."""
    info = folder / f"{name}-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = json:dumps\n")
    os.utime(folder, (moment, moment))


def names() -> list[str]:
    """The names of the entry points of the group."""
    return sorted(entry_points(group=GROUP).names)


def test_what_is_installed_or_removed_is_seen_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names() == []
    install(tmp_path / "one", "first", 1_000)
    monkeypatch.syspath_prepend(tmp_path / "one")
    assert names() == ["first"]
    install(tmp_path / "one", "second", 2_000)
    assert names() == ["first", "second"]
    shutil.rmtree(tmp_path / "one" / "first-1.dist-info")
    os.utime(tmp_path / "one", (3_000, 3_000))
    assert names() == ["second"]
    install(tmp_path / "two", "third", 3_000)
    monkeypatch.syspath_prepend(tmp_path / "two")
    assert names() == ["second", "third"]
    shutil.rmtree(tmp_path / "one")
    assert names() == ["third"]


def test_they_are_read_once_for_each_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "only", 1_000)
    monkeypatch.syspath_prepend(tmp_path)
    read, asked = metadata.entry_points, list[str]()

    def counted(*, group: str) -> Any:
        asked.append(group)
        return read(group=group)

    monkeypatch.setattr(metadata, "entry_points", counted)
    assert names() == names() == ["only"]
    assert not entry_points(group=f"{GROUP}.others")
    assert names() == ["only"]
    assert asked == [GROUP, f"{GROUP}.others"]
