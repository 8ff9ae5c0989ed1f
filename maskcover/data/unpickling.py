"""Reading the pickles in which CIFAR is distributed, without running anything that a pickle may name.

A pickle names functions to be called. Those files name three of numpy and one of codecs; here stand-ins for them only
keep their arguments, and any other name is refused. So a file cannot run even numpy's own code. A library would not do:
torchvision calls ``pickle.load``, and where numpy's own functions are allowed, a file of a few bytes can request an
array of any size.
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


class _Refusal(pickle.UnpicklingError):
    """The error of a pickle that holds something that no file of CIFAR needs."""


class _StandIn:
    """An object that keeps the arguments and the state from a pickle, and does nothing with them."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Array(_StandIn):
    """The stand-in for numpy's function that makes an array."""


class _Dtype(_StandIn):
    """The stand-in for ``numpy.dtype``."""


class _Encoded(_StandIn):
    """The stand-in for ``codecs.encode``, by which Python 3 writes bytes in the old protocols."""


_ENTRIES = 32  # of the dictionary; CIFAR's have five
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_STAND_INS: dict[tuple[str, str], type[_StandIn]] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _StandIn,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _Encoded,
}


class _Reader(pickle.Unpickler):
    """An unpickler that knows the stand-ins and no other name."""

    def find_class(self, module: str, name: str, /) -> Any:
        """The stand-in for a name; raises for any other name."""
        if (module, name) not in _STAND_INS:
            raise _Refusal(f"it names {module}.{name}, which no such file needs; nothing of it was executed")
        return _STAND_INS[module, name]


def read_pickle(path: Path) -> dict[str, Any]:
    """The dictionary in a pickle of CIFAR: texts, numbers, lists, and arrays of bytes (uint8).

    Raises:
        InvalidInput: the file names anything but numpy arrays, or is damaged.
    """
    try:
        content = path.read_bytes()
        _expect_bounded(content)
        document = _Reader(io.BytesIO(content), encoding="latin1").load()
        if not isinstance(document, dict) or len(document) > _ENTRIES:
            raise _Refusal(f"expected a dictionary of at most {_ENTRIES} entries")
        return {_text(name): _plain(value) for name, value in document.items()}
    except Exception as error:  # a damaged pickle may fail in any way
        raise InvalidInput(f"cannot read the pickle {path}: {error}") from error


def _expect_bounded(content: bytes) -> None:
    """Refuse content for which pickle would use far more memory than the file is long.

    The memo is an array as long as its largest place, and a file of nine bytes may name any place.
    """
    for count, (operation, argument, _) in enumerate(pickletools.genops(content)):
        if operation.name in _PUTS and not 0 <= int(argument or 0) <= count:
            raise _Refusal(f"it numbers what it keeps as {argument} after {count} steps")
        if operation.name == "BYTEARRAY8":
            raise _Refusal("it holds a bytearray, which no such file needs")


def _plain(value: Any) -> Any:
    """A value of the dictionary, with stand-ins replaced by plain values."""
    if isinstance(value, list):
        # Lists in lists may be one list many times over, which would take longer than any file is long.
        plain: dict[int, Any] = {}
        return [plain[id(item)] if id(item) in plain else plain.setdefault(id(item), _single(item)) for item in value]
    return _array(value) if isinstance(value, _Array) else _single(value)


def _single(value: Any) -> Any:
    """A text or a number."""
    if isinstance(value, bytes | _Encoded):
        return _text(value)
    if isinstance(value, str | int | float):
        return value
    raise _Refusal("expected texts, numbers, lists of these, and arrays of bytes")


def _array(array: _Array) -> npt.NDArray[np.uint8]:
    """The array of a stand-in; raises unless it is an array of unsigned bytes in the order of C."""
    _, shape, dtype, columns_first, content = array.state
    raw = _bytes(content)
    plain = isinstance(dtype, _Dtype) and dtype.arguments[:1] == ("u1",) and not columns_first
    if not plain or not all(type(side) is int and side >= 0 for side in shape) or len(raw) != math.prod(shape):
        raise _Refusal(f"expected arrays of unsigned bytes; got the shape {shape} of {len(raw)} bytes")
    return np.frombuffer(raw, np.uint8).reshape(shape)


def _bytes(content: Any) -> bytes:
    """The bytes of a value: bytes are returned as they are, a text is encoded as latin1."""
    if isinstance(content, _Encoded):
        content = content.arguments[0]
    return content.encode("latin1") if isinstance(content, str) else bytes(memoryview(content))


def _text(name: Any) -> str:
    return _bytes(name).decode("latin1") if isinstance(name, bytes | _Encoded) else str(name)
