"""Devices for onnxruntime: from the names that torch uses, such as "cuda:1", to execution providers."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import onnxruntime

from maskcover.errors import InvalidInput

DEVICES = "auto, cpu, cuda, cuda:1"
"""The devices that users can name, for help texts."""
Providers = Sequence[str | tuple[str, dict[str, Any]]]
CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"


def providers_of(device: str, available: Sequence[str] | None = None) -> Providers:
    """The execution providers for a device.

    Args:
        device: "auto" is the GPU if this onnxruntime is built for one, else the CPU. "cuda" is the GPU; of several
            GPUs, the one with this process's rank under torchrun, else the first. Or "cuda:1", or "cpu".
        available: The providers that onnxruntime was built with; by default it is asked.

    >>> providers_of("auto", [CPU])
    ['CPUExecutionProvider']
    """
    built = onnxruntime.get_available_providers() if available is None else available
    if device == "cpu" or (device == "auto" and CUDA not in built):
        return [CPU]
    match = re.fullmatch(r"auto|cuda(?::(\d{1,4}))?", device)
    if match is None:
        raise InvalidInput(f"onnxruntime computes here on one of: {DEVICES}; got the device {device!r}")
    if CUDA not in built:
        raise InvalidInput(f"this onnxruntime is built without CUDA, so there is no {device}; install onnxruntime-gpu")
    return [(CUDA, {"device_id": _of_rank() if match[1] is None else int(match[1])}), CPU]


def _of_rank() -> int:
    """The number of the GPU for this process, from its rank; onnxruntime does not tell how many GPUs there are."""
    rank, shown = os.environ.get("LOCAL_RANK", ""), os.environ.get("CUDA_VISIBLE_DEVICES", "")
    number = int(rank) if rank.isdecimal() else 0
    return number % len(shown.split(",")) if shown else number


def name_of(provider: str | tuple[str, dict[str, Any]]) -> str:
    """The name of a provider that may come with settings."""
    return provider if isinstance(provider, str) else provider[0]
