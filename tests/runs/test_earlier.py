"""Runs of earlier versions, whose fingerprints named less: they go on, and say what could not be compared."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import maskcover as mc
from maskcover import InvalidInput, MaskcoverWarning

MASKS = mc.cover(mc.squares(size=1), 4, grid=(2, 2))
IMAGES = np.random.default_rng(0).random((4, 4, 4))
_NEW = ("function code", "function scale")


def scorer(scale: float) -> Any:
    """A function of which an earlier version knew the name alone."""
    return lambda images: np.stack([images.mean(axis=(1, 2)), 0.5 + 0 * images[:, 0, 0]], axis=1) * scale


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A run that an earlier version has just started."""
    mc.run(scorer(1.0), IMAGES, [0, 1, 0, 1], MASKS, tmp_path / "run")
    path = tmp_path / "run" / "run.json"
    document = json.loads(path.read_text())
    kept = {name: text for name, text in document["fingerprint"].items() if name not in _NEW}
    assert len(kept) == len(document["fingerprint"]) - len(_NEW)
    left = {name: value for name, value in document.items() if name not in ("digest", "example", "frame", "reference")}
    path.write_text(json.dumps(left | {"schema": 1, "fingerprint": kept}))
    for shard in (tmp_path / "run" / "shards").iterdir():
        shard.unlink()
    return tmp_path / "run"


def test_a_run_whose_fingerprint_named_less_goes_on_and_says_what_was_not_compared(earlier: Path) -> None:
    with (
        pytest.warns(MaskcoverWarning, match="kept no reference scores"),
        pytest.warns(MaskcoverWarning, match=r"earlier version, .* could not be compared: what the function carries"),
    ):
        found = mc.run(scorer(1.0), IMAGES, [0, 1, 0, 1], MASKS, earlier)
    assert found.rows == 4
    replayed = mc.replay(earlier, scorer(1.0), IMAGES, [0, 1, 0, 1])
    assert [text for text in replayed.differences if "function" in text] == []


def test_what_it_did_name_is_still_compared(earlier: Path) -> None:
    with pytest.raises(InvalidInput, match=r"fingerprint\.fill: 0\.0 before, 0\.5 now"):
        mc.run(scorer(1.0), IMAGES, [0, 1, 0, 1], MASKS, earlier, fill=0.5)


def test_a_run_of_today_is_compared_in_all(tmp_path: Path) -> None:
    mc.run(scorer(1.0), IMAGES, [0, 1, 0, 1], MASKS, tmp_path / "run")
    with pytest.raises(InvalidInput, match=r"function scale: 1\.0 before, 2\.0 now"):
        mc.run(scorer(2.0), IMAGES, [0, 1, 0, 1], MASKS, tmp_path / "run")
    with pytest.raises(InvalidInput, match=r"function: .*scorer.* before, .*quarter now"):
        mc.run(quarter, IMAGES, [0, 1, 0, 1], MASKS, tmp_path / "run")
    replayed = mc.replay(tmp_path / "run", scorer(2.0), IMAGES, [0, 1, 0, 1])
    assert "function scale: 2.0, not 1.0" in replayed.differences


def quarter(images: Any) -> Any:
    return scorer(0.25)(images)


def loose(images: Any, **given: Any) -> Any:
    return scorer(1.0 + given.get("more", 0.0))(images)


def test_what_a_run_of_today_has_not_named_was_not_there(tmp_path: Path) -> None:
    mc.run(loose, IMAGES, [0, 1, 0, 1], MASKS, tmp_path / "run")
    with pytest.raises(InvalidInput, match=r"function more: None before, 0\.0 now"):
        mc.run(functools.partial(loose, more=0.0), IMAGES, [0, 1, 0, 1], MASKS, tmp_path / "run")
