"""Where a model computes. There is no GPU in tests: their number is told by a function."""

from __future__ import annotations

import pytest
import torch
from maskcover_torch import ADAPTER, TorchClassifier
from maskcover_torch.devices import chosen, moved

import maskcover as mc
from maskcover import InvalidInput
from tests.networks import exact

MASKS = mc.cover(mc.squares(size=2), 6, grid=(2, 2))


def net() -> torch.nn.Module:
    return exact(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3)))


@pytest.mark.parametrize(
    ("wanted", "gpus", "rank", "expected"),
    [
        ("auto", 0, None, "cpu"),
        ("auto", 0, "1", "cpu"),
        ("auto", 1, None, "cuda:0"),
        ("auto", 4, None, "cuda:0"),
        ("auto", 4, "2", "cuda:2"),
        ("auto", 2, "3", "cuda:1"),  # more processes than GPUs share them
        ("auto", 2, "", "cuda:0"),
        ("cuda", 4, "2", "cuda:2"),
        ("cuda", 4, None, "cuda:0"),
        ("cuda:1", 4, "2", "cuda:1"),
        ("cpu", 4, "2", "cpu"),
    ],
)
def test_the_device_is_the_gpu_if_there_is_one_and_the_ranks_own(
    wanted: str, gpus: int, rank: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("LOCAL_RANK", rank)
    assert chosen(wanted, lambda: gpus) == torch.device(expected)


@pytest.mark.parametrize(
    ("wanted", "gpus", "named"),
    [
        ("cuda", 0, "sees no GPU here, so there is no cuda; expected one of: auto, cpu"),
        ("cuda:0", 0, "sees no GPU here"),
        ("cuda:4", 2, "there is no cuda:4: torch sees 2 GPUs"),
        ("meta", 1, "holds shapes and no numbers"),
        ("gpu", 1, "did you mean cuda"),
        ("", 1, "knows no device ''"),
        ("cpu:x", 1, "knows no device 'cpu:x'"),
        ("vulkan", 1, "cannot use the device vulkan here"),
    ],
)
def test_a_device_that_is_not_here_is_refused(wanted: str, gpus: int, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        chosen(wanted, lambda: gpus)


def test_a_model_is_moved_and_one_without_numbers_is_not() -> None:
    model = net()
    assert moved(model, "auto", lambda: 0) is model
    with pytest.raises(InvalidInput, match="cannot move the model to cpu"):
        moved(net().to("meta"), "cpu")


def test_the_classifier_tells_where_it_computes() -> None:
    classifier = TorchClassifier(net(), device="cpu", batch_size=2)
    assert classifier.device == "cpu"
    result = mc.certify(classifier, torch.zeros(1, 1, 6, 6), [0], MASKS)
    assert dict(result.fingerprint.entries)["device"].startswith("cpu ")
    assert ADAPTER.classifier(net(), device="auto").of_batch_size(2).device == classifier.device
    again = mc.certify(net(), torch.zeros(1, 1, 6, 6), [0], MASKS, batch_size=2, device="cpu")
    assert again.options == {"batch_size": 2, "device": "cpu"}


def test_a_model_on_the_device_of_shapes_is_refused() -> None:
    with pytest.raises(InvalidInput, match="meta"):
        TorchClassifier(net().to("meta"))
    with pytest.raises(InvalidInput, match="cuda:9"):
        TorchClassifier(net(), device="cuda:9")


def test_a_module_with_buffers_only_computes_where_they_are() -> None:
    class Buffered(torch.nn.Module):
        weight: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("weight", torch.zeros(1))

    with pytest.raises(InvalidInput, match="meta"):
        TorchClassifier(Buffered().eval().to("meta"))
