"""Digests of the content of Python objects, which are the same in every process and after saving and loading.

They do not depend on addresses, printed forms, the order of sets or the padding of records.
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

Replacer = Callable[[object], object]
"""A function that replaces objects of a framework, such as a tensor by its bytes, and returns others as they are."""

PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"
"""The version of Python: another version compiles the same source to other code."""
_SHOWN = 60  # the longest text of a value that is shown as it is
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_SPACES = (types.SimpleNamespace, argparse.Namespace)
_NAMED = (types.ModuleType, types.BuiltinFunctionType, np.ufunc)


def content_digest(value: object, replacer: Replacer = lambda value: value, *, whole: bool = False) -> str:
    """The digest ``sha256:…`` of the content of an object.

    Args:
        value: Numbers, texts, arrays, containers and functions count by their content. Objects of the user's own
            classes count by their attributes and by the code of their class.
        replacer: Replaces objects of a framework, before anything else is tried.
        whole: Whether objects of installed classes count by the state that pickle would save, not only by their class.

    >>> content_digest({"a": np.float32([1, 2])}) == content_digest({"a": np.array([1, 2], np.float32)})
    True
    >>> content_digest(lambda x: x + 1) == content_digest(lambda x: x + 2)
    False
    """
    return "sha256:" + _Walk(replacer, whole).digest(value).hex()


def value_text(value: object, replacer: Replacer = lambda value: value) -> str:
    """The text of a value for a fingerprint: its `repr` if it is short and plain, else its digest.

    >>> value_text(0.5), value_text((1, "a")), value_text([]).startswith("sha256:")
    ('0.5', "(1, 'a')", False)
    """
    plain = _is_plain(value) and len(repr(value)) <= _SHOWN
    return repr(value) if plain else content_digest(value, replacer)


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
        **{f"function {name}": value_text(value) for name, value in carried.items()},
    }


def class_code(kind: type) -> list[object]:
    """The code of a class for digests: its functions and those of its bases; installed classes only by their names."""
    own = [base for base in kind.__mro__ if base is not object]
    return [_name(base) if is_installed(base) else [_name(base), _functions(base)] for base in own]


class _Walk:
    """A walk through an object and all objects that it refers to."""

    def __init__(self, replacer: Replacer, whole: bool) -> None:
        self._replacer, self._whole = replacer, whole
        # The objects are kept as well: a new object could get the id of a deleted one.
        self._done: dict[int, tuple[object, bytes]] = {}
        self._path: dict[int, int] = {}

    def digest(self, value: object) -> bytes:
        """The digest of a value; inside itself, a value counts by the number of levels between the two places."""
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
        other = self._replacer(value)
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
        native = value.dtype.newbyteorder("=")  # since pickle changes the byte order of some arrays
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
    """The entries of a sparse array, in a fixed order."""
    entries = value.tocoo(copy=True)
    entries.sum_duplicates()
    return [value.format, value.shape, entries.row, entries.col, entries.data]


def _reduced(value: object) -> tuple[object, ...]:
    """The state of an object that pickle would save; empty if pickle cannot save it, such as a lock."""
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
        if not isinstance(content, list | set | dict):  # those may hold results of earlier calls
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
    except ValueError:  # a variable that is not set yet, or was deleted
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
    """Whether code belongs to Python or to an installed package; its version is another entry of a fingerprint."""
    return code.co_filename.startswith(("<frozen", *_INSTALLED)) or "site-packages" in code.co_filename


def is_installed(kind: type) -> bool:
    """Whether a class belongs to Python or to an installed package, and is not the user's own."""
    package = kind.__module__.partition(".")[0]
    path = str(getattr(sys.modules.get(kind.__module__), "__file__", None))
    named_package = package in sys.stdlib_module_names or package == "maskcover"
    return named_package or package.startswith("maskcover_") or path.startswith(_INSTALLED) or "site-packages" in path


def _is_sparse(value: object) -> bool:
    """Whether a value is a sparse array of scipy; if scipy was not imported, there can be none."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(value))


def _name(value: object) -> str:
    if isinstance(value, types.ModuleType):
        return value.__name__
    owner: Any = value if hasattr(value, "__qualname__") else type(value)
    return f"{getattr(owner, '__module__', '')}.{owner.__qualname__}"
