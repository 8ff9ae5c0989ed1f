"""Checkpoints: numbers are read from them, code never; and how many classes they are for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from maskcover_torch.weights import classes_in, only_weights, read_weights

from maskcover import InvalidInput

ONE, TWO = torch.tensor([1.0]), torch.tensor([2.0])


class Leaves:
    """Pickled, it makes a folder of this name where it is read."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"a": ONE}, {"a": ONE}),
        ({"state_dict": {"a": ONE}, "epoch": 3}, {"a": ONE}),
        ({"model": {"a": ONE}, "optimizer": {"b": 1}}, {"a": ONE}),
        ({"state_dict": {"a": ONE}, "state_dict_ema": {"a": TWO}}, {"a": TWO}),
        ({"model": ONE, "a": TWO}, {"model": ONE, "a": TWO}),
        ({"module.a": ONE, "_orig_mod.b": ONE, "module._orig_mod.c": TWO}, {"a": ONE, "b": ONE, "c": TWO}),
    ],
)
def test_the_weights_are_found_where_training_scripts_put_them(
    content: dict[str, Any], expected: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.save(content, tmp_path / "checkpoint.pth")
    assert read_weights(tmp_path / "checkpoint.pth") == expected


def test_safetensors_are_read(tmp_path: Path) -> None:
    safetensors.torch.save_file({"module.a": ONE}, tmp_path / "a.safetensors")
    assert read_weights(str(tmp_path / "a.safetensors")) == {"a": ONE}


def saved(content: Any) -> Callable[[Path], object]:
    return lambda path: torch.save(content, path)


@pytest.mark.parametrize(
    ("write", "named"),
    [
        (lambda path: path.write_bytes(b""), "no checkpoint that holds weights only"),
        (lambda path: path.write_bytes(b"PK\x03\x04 cut off"), "no checkpoint that holds weights only"),
        (lambda path: torch.save(torch.nn.Linear(1, 1), path), "a whole model is code, which is not run from a file"),
        (saved([ONE]), "no state dict of names and tensors, but list"),
        (saved({}), "but dict"),
        (saved({"a": ONE, "epoch": 3}), "but dict of a, epoch"),
        (saved({1: ONE}), "but dict of 1"),
        (saved({"a": ONE, "module.a": TWO}), "weights of two models"),
    ],
)
def test_what_holds_no_weights_is_refused(write: Callable[[Path], object], named: str, tmp_path: Path) -> None:
    write(tmp_path / "checkpoint.pth")
    with pytest.raises(InvalidInput, match=named):
        read_weights(tmp_path / "checkpoint.pth")


def test_broken_safetensors_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"garbage")
    with pytest.raises(InvalidInput, match="no checkpoint that holds weights only"):
        read_weights(tmp_path / "a.safetensors")


def test_threat_55_code_that_a_checkpoint_names_is_not_run(tmp_path: Path) -> None:
    torch.save({"a": ONE, "b": Leaves(tmp_path / "trace")}, tmp_path / "checkpoint.pth")
    with pytest.raises(InvalidInput, match="no checkpoint that holds weights only"):
        read_weights(tmp_path / "checkpoint.pth")
    assert not (tmp_path / "trace").exists()


def test_threat_55_libraries_are_kept_from_running_what_pickles_name(tmp_path: Path) -> None:
    torch.save(Leaves(tmp_path / "trace"), tmp_path / "checkpoint.pth")
    before = dict(os.environ)
    with only_weights(), pytest.raises(Exception, match="Weights only load failed"):
        torch.load(tmp_path / "checkpoint.pth", weights_only=False)  # as timm before 1.0.26 says
    assert dict(os.environ) == before
    assert not (tmp_path / "trace").exists()
    torch.load(tmp_path / "checkpoint.pth", weights_only=False)
    assert (tmp_path / "trace").exists()  # the file would have done it


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, 10),
        ({"head": (7, 3), "bias": (7,)}, 7),
        ({"head": (7, 3)}, 7),
        ({"head": (7, 3), "bias": (8,)}, 10),
        ({"head": (7, 4), "bias": (7,)}, 10),
        ({"head": (7, 3), "body": (3, 5)}, 10),
        ({"head": ()}, 10),
    ],
)
def test_the_number_of_classes_is_that_of_the_layers_that_differ(changed: dict[str, Any], expected: int) -> None:
    own = {name: torch.zeros(shape) for name, shape in {"body": (3, 4), "head": (10, 3), "bias": (10,)}.items()}
    theirs = own | {name: torch.zeros(shape) for name, shape in changed.items()}
    assert classes_in(theirs, own, 10) == expected
    assert classes_in(theirs | {"unknown": torch.from_numpy(np.zeros(3))}, own, 10) == expected
