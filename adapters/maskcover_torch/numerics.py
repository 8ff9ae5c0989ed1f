"""The numeric contract in torch: flags pinned around every batch and read back, and the model in its precision."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch

from maskcover.defense import NumericContract
from maskcover.errors import InvalidInput

_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def flags(device: torch.device) -> dict[str, str]:
    """The flags that decide how torch computes, as they are now."""
    found = {
        "tf32.matmul": torch.backends.cuda.matmul.allow_tf32,
        "tf32.convolution": torch.backends.cudnn.allow_tf32,
        "matmul_precision": torch.get_float32_matmul_precision(),
        "reduced_precision.bfloat16": torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction,
        "reduced_precision.float16": torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction,
        "autotune": torch.backends.cudnn.benchmark,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "autocast": torch.is_autocast_enabled(device.type),
        "mkldnn": torch.backends.mkldnn.enabled,
        "threads": torch.get_num_threads(),
    }
    return {f"flag.{name}": str(value) for name, value in found.items()}


@contextmanager
def pinned(contract: NumericContract, device: torch.device) -> Iterator[None]:
    """Compute as the contract says, and leave the flags as they were found."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic
    algorithms = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    fill = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]  # torch's stubs lack it
    try:
        matmul.allow_tf32 = cudnn.allow_tf32 = contract.tf32
        cudnn.benchmark, cudnn.deterministic = False, contract.deterministic
        torch.use_deterministic_algorithms(contract.deterministic)
        # Filling what is overwritten anyway costs time and changes no result.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        # Autocast around the call would lower the precision.
        with torch.inference_mode(), torch.autocast(device.type, enabled=False):
            yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic = before
        torch.use_deterministic_algorithms(algorithms[0], warn_only=algorithms[1])
        torch.utils.deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]


def contracted(model: torch.nn.Module, contract: NumericContract) -> torch.nn.Module:
    """The model as the contract wants it: itself where it is so already, else a copy."""
    dtype = getattr(torch, contract.dtype) if contract.dtype else None
    wanted = [tensor.dtype for tensor in model.parameters() if dtype and tensor.is_floating_point()]
    if any(one != dtype for one in wanted):
        model = copy.deepcopy(model).to(dtype)
    if contract.memory_format and contract.memory_format != memory_format(model):
        model = copy.deepcopy(model).to(memory_format=_FORMATS[contract.memory_format])
    if next((one.is_cuda for one in model.parameters()), False):
        # cuBLAS is deterministic only with a workspace of its own, which it reads at its first call.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if contract.compiled:
        on_gpu = next((one.is_cuda for one in model.parameters()), False)
        return cast("torch.nn.Module", torch.compile(model, dynamic=False, mode="reduce-overhead" if on_gpu else None))
    return model


def memory_format(model: torch.nn.Module) -> str:
    """ "channels_last" if the kernels of convolutions are stored so, else "contiguous"."""
    kernels = [one for one in model.parameters() if one.ndim == 4 and not one.is_contiguous()]
    last = bool(kernels) and all(one.is_contiguous(memory_format=torch.channels_last) for one in kernels)
    return "channels_last" if last else "contiguous"


def expect(before: dict[str, str], device: torch.device) -> None:
    """Raise if a flag is not what it was at the start of the run (threats.md, 23)."""
    now = flags(device)
    if now != before:
        changed = ", ".join(f"{name} from {before[name]} to {now[name]}" for name in now if now[name] != before[name])
        raise InvalidInput(f"numeric flags changed during the run: {changed}; leave them alone, and start again")
