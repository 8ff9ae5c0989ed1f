"""The numeric contract in torch: flags pinned around every batch and read back, and the model in its precision."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from threading import RLock
from typing import Any, cast

import torch

from maskcover.classifiers import NumericContract
from maskcover.errors import InvalidInput

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
# Where torch from 2.9 on keeps the precision of float32, for each backend and kind of operation.
_FLOAT32 = ("cuda.matmul", "cudnn.conv", "cudnn.rnn", "mkldnn.matmul", "mkldnn.conv", "mkldnn.rnn")
_ONE_AT_A_TIME = RLock()
_ATTENTION = ("flash", "mem_efficient", "math", "cudnn")


def flags(device: torch.device) -> dict[str, str]:
    """The flags that decide how torch computes, as they are now."""
    kernels = {name: getattr(torch.backends.cuda, f"{name}_sdp_enabled", None) for name in _ATTENTION}
    values = {
        "matmul_precision": _legacy(torch.get_float32_matmul_precision),
        "tf32.convolution": _legacy(lambda: torch.backends.cudnn.allow_tf32),
        **{f"float32.{name}": backend.fp32_precision for name, backend in _backends().items()},
        "reduced_precision.bfloat16": torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction,
        "reduced_precision.float16": torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction,
        "autotune": torch.backends.cudnn.benchmark,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "autocast": torch.is_autocast_enabled(device.type),
        "mkldnn": torch.backends.mkldnn.enabled,
        "cudnn": torch.backends.cudnn.enabled,
        "attention": " ".join(name for name, enabled in kernels.items() if enabled and enabled()),
        "attention.fastpath": torch.backends.mha.get_fastpath_enabled(),
        "threads": torch.get_num_threads(),
    }
    return {f"flag.{name}": str(value) for name, value in values.items()}


@contextmanager
def pinned(contract: NumericContract, device: torch.device) -> Iterator[None]:
    """Compute as the contract says, and restore the flags afterwards.

    Flags belong to the process, not to a thread, so one thread computes at a time.
    """
    with _ONE_AT_A_TIME, _pinned(contract, device):
        yield


@contextmanager
def _pinned(contract: NumericContract, device: torch.device) -> Iterator[None]:
    cudnn, before = torch.backends.cudnn, (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic)
    float32 = _precisions()
    algorithms = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    threads = torch.get_num_threads()
    fill = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]  # torch's stubs lack it
    try:
        _set_precisions("high" if contract.tf32 else "highest", contract.tf32, _pinned_precisions(contract.tf32))
        cudnn.benchmark, cudnn.deterministic = False, contract.deterministic
        torch.use_deterministic_algorithms(contract.deterministic)
        if contract.threads not in (None, threads):
            torch.set_num_threads(contract.threads)
        # Filling what is overwritten anyway costs time and changes no result.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        # Autocast around the call would lower the precision.
        with torch.inference_mode(), torch.autocast(device.type, enabled=False):
            yield
    finally:
        cudnn.benchmark, cudnn.deterministic = before
        _set_precisions(*float32)
        torch.use_deterministic_algorithms(algorithms[0], warn_only=algorithms[1])
        if contract.threads is not None and torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        torch.utils.deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]


def contracted(model: torch.nn.Module, contract: NumericContract) -> torch.nn.Module:
    """The model in the dtype and memory format of the contract: itself if it has them already, else a copy."""
    dtype = getattr(torch, contract.dtype) if contract.dtype else None
    dtypes = [tensor.dtype for tensor in model.parameters() if dtype and tensor.is_floating_point()]
    if any(own != dtype for own in dtypes):
        model = copy.deepcopy(model).to(dtype)
    if contract.memory_format and contract.memory_format != memory_format(model):
        model = copy.deepcopy(model).to(memory_format=FORMATS[contract.memory_format])
    if next((tensor.is_cuda for tensor in model.parameters()), False):
        # cuBLAS is deterministic only with a workspace of its own, which it reads at its first call.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    return model


def compiled(model: torch.nn.Module, contract: NumericContract) -> torch.nn.Module:
    """The model, compiled if the contract says so."""
    if not contract.compiled:
        return model
    on_gpu = next((tensor.is_cuda for tensor in model.parameters()), False)
    return cast("torch.nn.Module", torch.compile(model, dynamic=False, mode="reduce-overhead" if on_gpu else None))


def memory_format(model: torch.nn.Module) -> str:
    """The memory format: "channels_last" if the kernels of convolutions are stored so, else "contiguous"."""
    kernels = [tensor for tensor in model.parameters() if tensor.ndim == 4 and not tensor.is_contiguous()]
    last = bool(kernels) and all(tensor.is_contiguous(memory_format=torch.channels_last) for tensor in kernels)
    return "channels_last" if last else "contiguous"


def expect(before: dict[str, str], device: torch.device) -> None:
    """Raise if a flag is not what it was at the start of the run (threats.md, 23)."""
    now = flags(device)
    if now != before:
        changed = ", ".join(f"{name} from {before[name]} to {now[name]}" for name in now if now[name] != before[name])
        raise InvalidInput(f"numeric flags changed during the run: {changed}; leave them alone, and start again")


def cpu_capability() -> str:
    """The vector instructions that torch uses on this machine; others round differently."""
    return str(torch.backends.cpu.get_cpu_capability())


def _backends() -> dict[str, Any]:
    holders = {name: attrgetter(name)(torch.backends) for name in _FLOAT32 if _has(name)}
    return {name: backend for name, backend in holders.items() if hasattr(backend, "fp32_precision")}


def _has(name: str) -> bool:
    backend, _, kind = name.partition(".")
    return hasattr(getattr(torch.backends, backend), kind)


def _precisions() -> tuple[str | None, bool | None, dict[str, str]]:
    """The precision of float32: torch's two older settings, None if they cannot express it, and its newer ones."""
    new = {name: backend.fp32_precision for name, backend in _backends().items()}
    return _legacy(torch.get_float32_matmul_precision), _legacy(lambda: torch.backends.cudnn.allow_tf32), new


def _pinned_precisions(tf32: bool) -> dict[str, str]:
    """The newer settings for a contract; TF32 is for GPUs only, a CPU computes in full float32."""
    return {name: "tf32" if tf32 and not name.startswith("mkldnn") else "ieee" for name in _backends()}


def _set_precisions(matmul: str | None, convolution: bool | None, new: dict[str, str]) -> None:
    if matmul is not None:
        torch.set_float32_matmul_precision(matmul)
    if convolution is not None:
        torch.backends.cudnn.allow_tf32 = convolution
    for name, backend in _backends().items():
        if backend.fp32_precision != new[name]:
            backend.fp32_precision = new[name]


def _legacy(get: Callable[[], Any]) -> Any:
    """The value of torch's older setting; None if its newer ones say something that the older cannot express."""
    try:
        return get()
    except RuntimeError:
        return None
