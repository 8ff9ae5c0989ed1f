"""`--device`: named models go to the GPU if there is one; where they compute is said. The GPUs are made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import maskcover_torch.devices
import pytest
import torch

import maskcover as mc
from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("one_thread")
TIMM = ("--model", "timm:test_resnet", "--weights", "random", "--batch-size", "2", "--option", "num_classes=2")
OWN = ("--model", "tests.cli.models:shapeless", "--mean", "0", "--batch-size", "2")
MASKS = ("--masks", "masks.json")


@pytest.fixture(autouse=True)
def _masks(tmp_path: Path) -> None:
    mc.cover(mc.squares(size=8), 160, grid=(2, 2)).save(tmp_path / "masks.json")


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two GPUs, to which no model really moves; where they were told to go."""
    found: list[str] = []

    def to(self: torch.nn.Module, device: Any, **_: Any) -> torch.nn.Module:
        found.append(str(device))
        return self

    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.setattr(maskcover_torch.devices, "gpus", lambda: 2)
    monkeypatch.setattr(torch.nn.Module, "to", to)
    return found


def test_a_model_by_name_goes_to_the_gpu_of_the_rank(
    run: Run, photos: Path, moves: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = run("predict", *TIMM, "--data", str(photos), *MASKS)
    assert found.code == 0, found.err
    assert moves == ["cuda:0"]
    assert "maskcover: timm:test_resnet computes on cpu\n" in found.err  # it was not moved here, and so it says
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert run("predict", *TIMM, "--data", str(photos), *MASKS).code == 0
    assert moves == ["cuda:0", "cuda:1"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [(("--device", "cuda:1"), ["cuda:1"]), (("--device", "cpu"), ["cpu"]), (("-O", "device=cpu"), ["cpu"])],
)
def test_a_device_that_is_named_is_taken(
    run: Run, photos: Path, moves: list[str], more: tuple[str, ...], expected: list[str]
) -> None:
    for model in (TIMM, OWN):
        found = run("predict", *model, "--data", str(photos), *MASKS, *more)
        assert found.code == 0, found.err
        assert "computes on cpu" in found.err
    assert moves == expected * 2


def test_a_model_of_ones_own_stays_where_it_was_put(run: Run, photos: Path, moves: list[str]) -> None:
    found = run("predict", *OWN, "--data", str(photos), *MASKS)
    assert (found.code, "computes on" in found.err, moves) == (0, False, [])


def test_a_run_keeps_the_device_that_was_named_and_a_replay_may_name_another(
    run: Run, photos: Path, moves: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    certify = ("certify", *TIMM, "--data", str(photos), *MASKS, "--at-least", "0", "--classes", "2", "--out", "RUN")
    assert run(*certify, "--device", "cuda:1").code == 0
    assert json.loads(Path("RUN/run.json").read_text())["source"]["device"] == "cuda:1"
    assert run("replay", "RUN").code == 0
    monkeypatch.setattr(maskcover_torch.devices, "gpus", lambda: 0)
    gone = run("replay", "RUN")
    assert gone.code == 2
    assert "sees no GPU here, so there is no cuda:1" in gone.err
    assert run("replay", "RUN", "--device", "cpu").code == 0
    assert moves == ["cuda:1", "cuda:1", "cpu"]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ((*TIMM, "--device", "gpu"), "did you mean cuda"),
        ((*TIMM, "--device", "meta"), "shapes and no numbers"),
        ((*TIMM, "--device", "cpu", "-O", "device=cpu"), "name the device once"),
        (("--model", "tests.cli.models:function", "--device", "cpu"), "leave --device out"),
        (("--model", "tests.cli.models:made", "--device", "cpu"), "device"),
    ],
)
def test_a_device_that_cannot_be_taken_is_refused(run: Run, photos: Path, more: tuple[str, ...], named: str) -> None:
    found = run("predict", *more, "--data", str(photos), *MASKS)
    assert (found.code, named in found.err) == (2, True), found.err


def test_a_gpu_that_cannot_be_used_says_what_to_type(run: Run, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maskcover_torch.devices, "gpus", lambda: 1)
    monkeypatch.setattr(torch.nn.Module, "to", lambda *_: 1 / 0)
    found = run("predict", *TIMM, "--data", str(photos), *MASKS)
    assert found.code == 2
    assert "name another device, such as cpu" in found.err
