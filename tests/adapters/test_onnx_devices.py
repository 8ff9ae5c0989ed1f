"""Where ONNX networks compute: devices as execution providers. There is no GPU in tests: it is made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest
from maskcover_onnx import ADAPTER
from maskcover_onnx.devices import CPU, CUDA, providers_of

import maskcover as mc
from maskcover import InvalidInput
from tests.adapters.test_contract import Net, exported


@pytest.fixture
def network(tmp_path: Path) -> Path:
    onnx.save(exported(Net()), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


@pytest.mark.parametrize(
    ("device", "built", "rank", "expected"),
    [
        ("auto", [CPU], None, [CPU]),
        ("cpu", [CUDA, CPU], None, [CPU]),
        ("auto", [CUDA, CPU], None, [(CUDA, {"device_id": 0}), CPU]),
        ("auto", [CUDA, CPU], "3", [(CUDA, {"device_id": 3}), CPU]),
        ("cuda", [CUDA, CPU], "3", [(CUDA, {"device_id": 3}), CPU]),
        ("cuda:1", [CUDA, CPU], "3", [(CUDA, {"device_id": 1}), CPU]),
    ],
)
def test_a_device_is_told_as_execution_providers(
    device: str, built: list[str], rank: str | None, expected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("LOCAL_RANK", rank)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert list(providers_of(device, built)) == expected
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")  # as launchers do that show each process its own
    assert list(providers_of("cuda", [CUDA, CPU])) == [(CUDA, {"device_id": 0}), CPU]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"device": "cuda"}, "built without CUDA, so there is no cuda"),
        ({"device": "meta"}, "got the device 'meta'"),
        ({"device": "cpu", "providers": CPU}, "not both"),
    ],
)
def test_a_device_that_is_not_there_is_refused(options: dict[str, str], named: str, network: Path) -> None:
    with pytest.raises(InvalidInput, match=named):
        mc.load_classifier(f"onnx:{network}", **options)
    assert getattr(mc.load_classifier(f"onnx:{network}", device="auto"), "device") == "cpu"  # noqa: B009


def test_an_onnxruntime_built_for_gpus_that_finds_none_is_told_of_or_computes_on_the_cpu(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would go on with the CPU, and say so in a log only."""
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *content, **_: real(*content, providers=[CPU]))
    with pytest.raises(InvalidInput, match="cannot use CUDAExecutionProvider here, and would compute by CPU"):
        mc.load_classifier(f"onnx:{network}", device="cuda")
    assert getattr(mc.load_classifier(f"onnx:{network}", device="auto"), "device") == "cpu"  # noqa: B009


def test_a_model_in_memory_takes_a_device_too(network: Path) -> None:
    assert ADAPTER.classifier(onnx.load(network), device="auto").device == "cpu"
    session = onnxruntime.InferenceSession(str(network), providers=[CPU])
    assert ADAPTER.classifier(session, device="cpu").device == "cpu"
    with pytest.raises(InvalidInput, match="built without CUDA"):
        ADAPTER.classifier(onnx.load(network), device="cuda")
