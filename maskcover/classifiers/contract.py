"""The numeric contract: how predictions are computed, for certifying and serving alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from maskcover.errors import InvalidInput

Dtype = Literal["float64", "float32", "bfloat16", "float16"]
MemoryFormat = Literal["contiguous", "channels_last"]


@dataclass(frozen=True, slots=True)
class NumericContract:
    """The settings of a computation, fixed while a model certifies and while it serves (threats.md 21 to 24).

    Args:
        dtype: The dtype in which the model computes; by default that of its parameters. For another one the model is
            copied.
        tf32: Whether a GPU may compute float32 with 10 bits; frameworks often allow it by default.
        memory_format: The memory format of the model; see below.
        compiled: Whether the framework compiles the model (`torch.compile`, CUDA graphs on a GPU).
        batch_size: Rows of every batch; see below.
        deterministic: Whether operations without a deterministic kernel are refused.
        threads: Threads of a CPU for one operation; by default as many as the process has; see below.

    Without a batch size a run searches the fastest settings whose predictions repeat to the bit: it tries a few batch
    sizes and, unless they are given, memory formats and numbers of threads. The choice is fixed from then on, and a
    serving model uses the same.

    Autotuning, which may choose other kernels at each start, is always off.

    >>> NumericContract(dtype="bfloat16", batch_size=64).dtype
    'bfloat16'
    """

    dtype: Dtype | None = None
    tf32: bool = False
    memory_format: MemoryFormat | None = None
    compiled: bool = False
    batch_size: int | None = None
    deterministic: bool = True
    threads: int | None = None

    def __post_init__(self) -> None:
        _expect_one_of("dtype", self.dtype, get_args(Dtype))
        _expect_one_of("memory_format", self.memory_format, get_args(MemoryFormat))
        for name in ("tf32", "compiled", "deterministic"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidInput(f"{name} must be True or False; got {getattr(self, name)!r}")
        for name in ("batch_size", "threads"):
            number = getattr(self, name)
            if number is not None and (type(number) is not int or number < 1):
                raise InvalidInput(f"{name} must be a whole number of at least 1; got {number!r}")


def _expect_one_of(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise InvalidInput(f"{name} must be one of {', '.join(choices)}; got {value!r}")
