"""Reading the pickles in which CIFAR is distributed, without running anything that a pickle may name.

A pickle names functions to be called. Those files name three, all of numpy, for which there are stand-ins here that
only keep what they are given; any other name is refused. So not even numpy's own code is run on what a file says.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.errors import InvalidInput


class _Refused(pickle.UnpicklingError):
    """A pickle names what it has no business with."""


class _Kept:
    """What a pickle says of an array or of a dtype, kept as it is said."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Array(_Kept):
    """Stands in for what numpy calls to make an array."""


class _Dtype(_Kept):
    """Stands in for ``numpy.dtype``."""


class _Encoded(_Kept):
    """Stands in for ``codecs.encode``, by which Python 3 writes bytes in the old protocols."""


_ENTRIES = 32  # of the dictionary; CIFAR's have five
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_STAND_INS: dict[tuple[str, str], type[_Kept]] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Kept,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _Encoded,
}


class _Reader(pickle.Unpickler):
    """Knows the stand-ins and nothing else."""

    def find_class(self, module: str, name: str, /) -> Any:
        """A stand-in, or an error."""
        if (module, name) not in _STAND_INS:
            raise _Refused(f"it names {module}.{name}, which no such file needs; nothing of it was executed")
        return _STAND_INS[module, name]


def read_pickle(path: Path) -> dict[str, Any]:
    """The dictionary in a pickle of CIFAR: texts, numbers, lists, and arrays of bytes (uint8).

    Raises:
        InvalidInput: the file names anything but numpy arrays, or is damaged.
    """
    try:
        content = path.read_bytes()
        _expect_bounded(content)
        found = _Reader(io.BytesIO(content), encoding="latin1").load()
        if not isinstance(found, dict) or len(found) > _ENTRIES:
            raise _Refused(f"expected a dictionary of at most {_ENTRIES} entries")
        return {_text(name): _plain(value) for name, value in found.items()}
    except Exception as error:  # a damaged pickle may fail in any way
        raise InvalidInput(f"cannot read the pickle {path}: {error}") from error


def _expect_bounded(content: bytes) -> None:
    """Refuse what makes pickle take far more memory than the file is long: places in its memo, and bytes to be filled.

    The memo is an array as long as its largest place, of which a file of nine bytes may name any.
    """
    for count, (operation, argument, _) in enumerate(pickletools.genops(content)):
        if operation.name in _PUTS and not 0 <= int(argument or 0) <= count:
            raise _Refused(f"it numbers what it keeps as {argument} after {count} steps")
        if operation.name == "BYTEARRAY8":
            raise _Refused("it holds a bytearray, which no such file needs")


def _plain(value: Any) -> Any:
    """What a value of the dictionary is, without stand-ins."""
    if isinstance(value, list):
        # Lists in lists may be one list many times over, which would take longer than any file is long.
        known: dict[int, Any] = {}
        return [known.setdefault(id(one), _single(one)) if id(one) not in known else known[id(one)] for one in value]
    return _array(value) if isinstance(value, _Array) else _single(value)


def _single(value: Any) -> Any:
    """A text or a number."""
    if isinstance(value, bytes | _Encoded):
        return _text(value)
    if isinstance(value, str | int | float):
        return value
    raise _Refused("expected texts, numbers, lists of these, and arrays of bytes")


def _array(kept: _Array) -> npt.NDArray[np.uint8]:
    """The array, if it is one of unsigned bytes in the order of C."""
    _, shape, dtype, columns_first, content = kept.state
    raw = _bytes(content)
    plain = isinstance(dtype, _Dtype) and dtype.arguments[:1] == ("u1",) and not columns_first
    if not plain or not all(type(side) is int and side >= 0 for side in shape) or len(raw) != math.prod(shape):
        raise _Refused(f"expected arrays of unsigned bytes; got the shape {shape} of {len(raw)} bytes")
    return np.frombuffer(raw, np.uint8).reshape(shape)


def _bytes(content: Any) -> bytes:
    """Bytes: as they are, or as the text that latin1 makes of them."""
    if isinstance(content, _Encoded):
        content = content.arguments[0]
    return content.encode("latin1") if isinstance(content, str) else bytes(memoryview(content))


def _text(name: Any) -> str:
    return _bytes(name).decode("latin1") if isinstance(name, bytes | _Encoded) else str(name)
