"""Digests of the content of Python objects: the same in every process, and after an object was saved and loaded.

No address, no printed form, no order of a set and no padding of a record goes into them.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import sys
import sysconfig
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Known = Callable[[object], object]
"""A function that replaces objects of a framework, such as a tensor by its bytes, and returns others as they are."""

PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"
"""The version of Python; another one compiles the same text to other code."""
_SHOWN = 60  # characters of a value that is told as it is
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_SPACES = (types.SimpleNamespace, argparse.Namespace)
_NAMED = (types.ModuleType, types.BuiltinFunctionType, np.ufunc)


def content_digest(value: object, known: Known = lambda value: value, *, whole: bool = False) -> str:
    """``sha256:…`` of the content of an object.

    Args:
        value: Numbers, texts, arrays, containers and functions count by their content. Objects of the user's own
            classes count by their attributes and by the code of their class.
        known: Replaces objects of a framework, before anything else is tried.
        whole: Objects of installed classes count by the state that pickle would keep, not by their class alone.

    >>> content_digest({"a": np.float32([1, 2])}) == content_digest({"a": np.array([1, 2], np.float32)})
    True
    >>> content_digest(lambda x: x + 1) == content_digest(lambda x: x + 2)
    False
    """
    return "sha256:" + _Walk(known, whole).digest(value).hex()


def told(value: object, known: Known = lambda value: value) -> str:
    """A value in words for a fingerprint: itself if it is short and plain, else its digest.

    >>> told(0.5), told((1, "a")), told([]).startswith("sha256:")
    ('0.5', "(1, 'a')", False)
    """
    plain = _is_plain(value) and len(repr(value)) <= _SHOWN
    return repr(value) if plain else content_digest(value, known)


def function_identity(function: Any) -> dict[str, str]:
    """The entries of a function for a fingerprint: its name, its code, and the values that it carries, by name.

    >>> scale = 2.0
    >>> function_identity(functools.partial(lambda images, scale: images * scale, scale=scale))["function scale"]
    '2.0'
    """
    inner, carried = _unwrapped(function)
    return {
        "function": _name(inner),
        "function code": f"{content_digest(_code_of(inner))} {PYTHON}",
        **{f"function {name}": told(value) for name, value in carried.items()},
    }


def class_code(kind: type) -> list[object]:
    """The code of a class, for digests: of the functions of its own and of its bases, installed ones by their names."""
    own = [base for base in kind.__mro__ if base is not object]
    return [_name(base) if is_installed(base) else [_name(base), _functions(base)] for base in own]


class _Walk:
    """A walk through an object and all objects that it refers to."""

    def __init__(self, known: Known, whole: bool) -> None:
        self._known, self._whole = known, whole
        # The objects are kept as well: a new object could get the id of a deleted one.
        self._done: dict[int, tuple[object, bytes]] = {}
        self._path: dict[int, int] = {}

    def digest(self, value: object) -> bytes:
        """The digest of a value; a value inside itself counts by the number of levels between the two."""
        plain = _plain(value)
        if plain is not None:
            return plain
        if id(value) in self._done:
            return self._done[id(value)][1]
        if id(value) in self._path:
            return _hashed("above", str(len(self._path) - self._path[id(value)]).encode())
        self._path[id(value)] = len(self._path)
        result = self._composite(value)
        del self._path[id(value)]
        self._done[id(value)] = value, result
        return result

    def _composite(self, value: object) -> bytes:
        other = self._known(value)
        if other is not value:
            return _hashed("known", self.digest(other))
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, Mapping):
            return _hashed(_name(type(value)), *(self.digest(part) for item in value.items() for part in item))
        if isinstance(value, set | frozenset):
            return _hashed("set", *sorted(map(self.digest, value)))
        if isinstance(value, list | tuple):
            return _hashed(_name(type(value)), *map(self.digest, value))
        if _is_sparse(value):
            return self._parts("sparse", _entries(value))
        if isinstance(value, np.dtype):
            return _hashed("dtype", str(value).encode())
        if isinstance(value, type):
            return self._parts("class", class_code(value))
        if isinstance(value, _NAMED):
            return _hashed("named", _name(value).encode())
        if (callable(value) and _unwrapped(value)[0] is not value) or isinstance(value, types.FunctionType):
            inner, carried = _unwrapped(value)
            return self._parts("function", [_name(inner), _code_of(inner), list(carried.items())])
        return self._object(value)

    def _array(self, value: npt.NDArray[Any]) -> bytes:
        kind = "array" if type(value) in (np.ndarray, np.memmap) else _name(type(value))
        native = value.dtype.newbyteorder("=")  # which pickle turns some arrays into
        head = [f"{kind} {native.str} {value.shape}"]
        if isinstance(value, np.ma.MaskedArray):
            return self._parts("masked", [*head, value.filled(0) if value.dtype.kind in "fiub" else value.tolist()])
        if value.dtype.names:  # a record: the padding between its fields has no meaning
            return self._parts("record", [*head, *((name, value[name]) for name in value.dtype.names)])
        if value.dtype.hasobject:
            return self._parts("objects", [*head, value.ravel().tolist()])
        return _hashed(head[0], np.ascontiguousarray(value, native).tobytes())

    def _object(self, value: object) -> bytes:
        kind = type(value)
        if hasattr(value, "get_arrays") and hasattr(value, "get_tree_stats"):  # a search tree counts its calls
            return self._parts("tree", [_name(kind), list(value.get_arrays())])
        if not is_installed(kind) or is_dataclass(kind) or isinstance(value, _SPACES):
            return self._parts("object", [class_code(kind), _attributes(value)])
        return self._parts("installed", [_name(value), _reduced(value) if self._whole else ()])

    def _parts(self, tag: str, parts: Iterable[object]) -> bytes:
        return _hashed(tag, *map(self.digest, parts))


def _plain(value: object) -> bytes | None:
    """The digest of a number, a text or None; None for other values."""
    if value is None or type(value) in (bool, int, float, complex, str):
        return _hashed(type(value).__name__, repr(value).encode(errors="backslashreplace"))
    if isinstance(value, bytes | bytearray):
        return _hashed("bytes", bytes(value))
    if isinstance(value, np.generic) and not isinstance(value, np.void | np.object_):
        return _hashed(value.dtype.str, value.tobytes())
    return None


def _is_plain(value: object) -> bool:
    if type(value) in (list, tuple):
        return all(map(_is_plain, value))  # type: ignore[call-overload]  # is a sequence here
    return value is None or type(value) in (bool, int, float, complex, str)


def _hashed(tag: str, *parts: bytes) -> bytes:
    hasher = hashlib.sha256(tag.encode())
    for part in parts:
        hasher.update(b"%d " % len(part))
        hasher.update(part)
    return hasher.digest()


def _entries(value: Any) -> list[object]:
    """The entries of a sparse array, in one order."""
    entries = value.tocoo(copy=True)
    entries.sum_duplicates()
    return [value.format, value.shape, entries.row, entries.col, entries.data]


def _reduced(value: object) -> tuple[object, ...]:
    """The state that pickle would keep of an object; empty if it can keep none, as of locks."""
    try:
        reduced = value.__reduce_ex__(4)
    except Exception:  # objects may raise anything here
        return ()
    if isinstance(reduced, str):
        return (reduced,)
    maker, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    ordered = sorted(state.items(), key=lambda item: str(item[0])) if isinstance(state, dict) else state
    return (_name(maker), arguments, ordered, list(items or ()), list(pairs or ()))


def _attributes(value: object) -> list[tuple[str, object]]:
    """The attributes of an object, sorted by name, so that the order in which they were set does not matter."""
    own = dict(getattr(value, "__dict__", {}))
    slots = (name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()) if isinstance(name, str))
    own |= {name: getattr(value, name) for name in slots if name != "__dict__" and hasattr(value, name)}
    return sorted((str(name), part) for name, part in own.items())


def _unwrapped(function: Any) -> tuple[Any, dict[str, object]]:
    """The function inside partial functions and methods, and the values that it carries, by name."""
    if isinstance(function, functools.partial):
        inner, carried = _unwrapped(function.func)
        arguments = {f"argument {place}": value for place, value in enumerate(function.args)} | dict(function.keywords)
        return inner, carried | arguments
    if isinstance(function, types.MethodType):
        inner, carried = _unwrapped(function.__func__)
        return inner, carried | {"self": function.__self__}
    if isinstance(function, types.FunctionType):
        return function, dict(_carried(function))
    if isinstance(function, functools._lru_cache_wrapper):
        return _unwrapped(function.__wrapped__)
    if isinstance(function, type) or not hasattr(function, "__dict__") or is_installed(type(function)):
        return function, {}
    return function, dict(_attributes(function))


def _carried(function: types.FunctionType) -> Iterator[tuple[str, object]]:
    """The defaults of a function, the values in its closure, and the constants of its module that it uses."""
    code = function.__code__
    defaults = function.__defaults__ or ()
    yield from zip(code.co_varnames[: code.co_argcount][-len(defaults) :] if defaults else (), defaults, strict=True)
    yield from (function.__kwdefaults__ or {}).items()
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        content = cell.cell_contents if _is_filled(cell) else "not set"
        if not isinstance(content, list | set | dict):  # which may be a record of earlier calls
            yield name, content
    if not _is_library(code):
        for name in sorted(_names(code) & function.__globals__.keys()):
            value = function.__globals__[name]
            if _is_plain(value) or isinstance(value, np.ndarray) or _is_own(value):
                yield name, value


def _is_own(value: object) -> bool:
    """Whether a value is a function or a class of the user's own, not an installed one."""
    if isinstance(value, type):
        return not is_installed(value)
    return isinstance(value, types.FunctionType) and not _is_library(value.__code__)


def _names(code: types.CodeType) -> set[str]:
    inner = (part for part in code.co_consts if isinstance(part, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _is_filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:  # a variable that was not set yet, or is no more
        return False


def _code_of(function: object) -> object:
    """The code of a function, or of the class of a callable object, for digests."""
    if isinstance(function, types.FunctionType):
        return _code(function.__code__)
    return _name(function) if isinstance(function, _NAMED) else class_code(type(function))


def _code(code: types.CodeType) -> tuple[object, ...]:
    """The parts of a code object that decide what it does, without its place in a file."""
    constants = [_code(part) if isinstance(part, types.CodeType) else part for part in code.co_consts]
    names = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
    return code.co_code, constants, names, code.co_argcount, code.co_kwonlyargcount, code.co_flags


def _functions(kind: type) -> list[tuple[str, types.FunctionType]]:
    """The functions of a class, sorted by name; those inside properties and class methods too."""
    functions = []
    for name, value in sorted(vars(kind).items()):
        parts = (value, *(getattr(value, inner, None) for inner in ("__func__", "fget", "func")))
        functions += [(name, part) for part in parts if isinstance(part, types.FunctionType)]
    return functions


def _is_library(code: types.CodeType) -> bool:
    """Whether code is of Python or of an installed package, whose version is another entry of a fingerprint."""
    return code.co_filename.startswith(("<frozen", *_INSTALLED)) or "site-packages" in code.co_filename


def is_installed(kind: type) -> bool:
    """Whether a class is of Python or of an installed package, and not the user's own."""
    package = kind.__module__.partition(".")[0]
    path = str(getattr(sys.modules.get(kind.__module__), "__file__", None))
    named_package = package in sys.stdlib_module_names or package == "maskcover"
    return named_package or package.startswith("maskcover_") or path.startswith(_INSTALLED) or "site-packages" in path


def _is_sparse(value: object) -> bool:
    """Whether a value is a sparse array of scipy. Importing scipy takes long: if it was not imported, there is none."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(value))


def _name(value: object) -> str:
    if isinstance(value, types.ModuleType):
        return value.__name__
    owner: Any = value if hasattr(value, "__qualname__") else type(value)
    return f"{getattr(owner, '__module__', '')}.{owner.__qualname__}"
