"""Describes a torch module besides its weights, for fingerprints: hooks, attributes, code.

It names what can be inspected, so that an error says what changed; other changes show when scores are compared.
"""

from __future__ import annotations

import dis
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import torch
from torch.nn.modules import module as modules

from maskcover.classifiers.content import (
    PYTHON,
    class_code,
    content_digest,
    function_identity,
    is_installed,
    value_text,
)
from maskcover_torch.identity import architecture_digest, tensor_bytes, unwrapped, weights_digest
from maskcover_torch.outputs import Picked

_INTERNAL = frozenset(vars(torch.nn.Module()))
# Attributes that compute nothing: where weights came from, which warnings were issued, settings for generating text.
_ASIDE = frozenset({"pretrained_cfg", "default_cfg", "warnings_issued", "name_or_path", "generation_config"})
# Entries of configurations that compute nothing, and the dtype, which stands elsewhere in a fingerprint.
_NAMES = frozenset(
    {
        "_name_or_path", "name_or_path", "_commit_hash", "transformers_version", "architectures", "dtype",
        "torch_dtype", "id2label", "label2id",
    }
)  # fmt: skip
_WRAPPERS = (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)
_SHOWN = 4  # names of modules in one entry


def described(model: torch.nn.Module) -> dict[str, str]:
    """Entries for a fingerprint: the chosen output, hooks, attributes, code and packages, if there are any.

    >>> sorted(described(torch.nn.Sequential(torch.nn.ReLU())))
    ['attributes of torch']
    """
    every = dict(model.named_modules())
    parts = {name: part for name, part in every.items() if not _is_wrapper(part)}
    return {
        **({"output": str(model.output)} if isinstance(model, Picked) else {}),
        **dict(_hooks(every)),
        **_attributes(model, parts),
        **_code(parts),
    }


def _is_wrapper(part: torch.nn.Module) -> bool:
    """Whether a module only holds another one, or an output of it, and computes nothing itself."""
    return isinstance(part, (*_WRAPPERS, Picked)) or unwrapped(part) is not part


def _hooks(parts: dict[str, torch.nn.Module]) -> Iterator[tuple[str, str]]:
    """Entries for hooks of the forward pass, one for each function; an entry names the modules that it is on."""
    places_of: dict[tuple[str, str], list[str]] = defaultdict(list)
    digests: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for place, kind, function in _hooked(parts):
        words = function_identity(function)
        places_of[words["function"], kind].append(place)
        digests[words["function"], kind].append(words)
    for (function, kind), places in places_of.items():
        named = ", ".join(places[:_SHOWN]) + (f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else "")
        yield f"hook {function}", f"{kind} of {named} {content_digest([places, digests[function, kind]])}"


def _hooked(parts: dict[str, torch.nn.Module]) -> Iterator[tuple[str, str, Any]]:
    everywhere = modules._global_forward_pre_hooks, modules._global_forward_hooks
    for kind, hooks in zip(("forward pre-hook", "forward hook"), everywhere, strict=True):
        yield from (("every module", kind, function) for function in hooks.values())
    for name, part in parts.items():
        own = part._forward_pre_hooks, part._forward_hooks
        for kind, hooks in zip(("forward pre-hook", "forward hook"), own, strict=True):
            yield from ((name or "the model", kind, function) for function in hooks.values())


def _attributes(model: torch.nn.Module, parts: dict[str, torch.nn.Module]) -> dict[str, str]:
    """Attributes that are neither weights nor modules, by name; those of torch's own modules as one."""
    places = {id(part): name for name, part in model.named_modules()}
    named: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for place, part in parts.items():
        own = _is_torchs(type(part))
        for name, value in sorted(vars(part).items()):
            if name not in _INTERNAL and not isinstance(part, _CODED) and not _is_aside(part, name):
                key = "attributes of torch" if own and name != "forward" else f"attribute {name}"
                lasting = tuple(_lasting(value)) if isinstance(value, list | set | dict) else value
                named[key].append((f"{place}.{name}" if own else place, value_text(lasting, _Plain(places))))
    return {name: _together(values) for name, values in named.items()}


def _is_aside(part: torch.nn.Module, name: str) -> bool:
    """Whether an attribute says how a model was made or loaded, and not what it computes."""
    kind: Any = type(part)
    loading = name.startswith("_") and hasattr(kind, "from_pretrained")
    return name in _ASIDE or "cache" in name or loading or name in _set_in_passing(kind)


@lru_cache(maxsize=4096)
def _set_in_passing(kind: type) -> frozenset[str]:
    """The attributes that a forward pass itself sets: counters and records, not settings."""
    visited, names, waiting = set[str](), set[str](), ["forward"]
    while waiting:
        name = waiting.pop()
        code = getattr(getattr(kind, name, None), "__code__", None)
        if name not in visited and code is not None and name != "__init__":
            names |= {line.argval for line in dis.get_instructions(code) if line.opname == "STORE_ATTR"}
            waiting += code.co_names
        visited.add(name)
    return frozenset(names)


def _together(values: list[tuple[str, str]]) -> str:
    """One text for an attribute of several modules: its value if it is the same everywhere, else a digest."""
    texts = {text for _, text in values}
    digest = content_digest(values)
    if len(texts) > 1:
        return digest
    return texts.pop() if len(values) == 1 else f"{texts.pop()} in {len(values)} modules {digest}"


class _Plain:
    """Replaces objects of torch and transformers by plain values, for digests of attributes."""

    def __init__(self, places: dict[int, str]) -> None:
        self._places = places

    def __call__(self, value: object) -> object:
        if isinstance(value, torch.Tensor):
            return "tensor", tensor_bytes(value)
        if isinstance(value, torch.nn.Module):
            place = self._places.get(id(value))
            return (
                ("part", place)
                if place is not None
                else ("module", architecture_digest(value), weights_digest(value), described(value))
            )
        if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
            return str(value)
        if isinstance(value, torch.device):
            return "device"
        if type(value).__module__.startswith("transformers") and hasattr(value, "to_dict"):
            entries = {name: part for name, part in sorted(value.to_dict().items()) if name not in _NAMES}
            return type(value).__name__, json.dumps(entries, sort_keys=True, default=str)
        return value


def _lasting(value: Any) -> Iterator[object]:
    """The parts of lists and dicts that compute: modules, parameters, functions. The rest may be a record of passes."""
    if isinstance(value, torch.nn.Module | torch.nn.Parameter) or callable(value):
        yield value
    elif isinstance(value, list | tuple | set | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _lasting(part)


def _code(parts: dict[str, torch.nn.Module]) -> dict[str, str]:
    """The code of the user's own classes, and the versions of the packages of the other classes."""
    kinds = {type(part) for part in parts.values() if not _is_torchs(type(part)) and not isinstance(part, _CODED)}
    own = (kind for kind in kinds if not is_installed(kind))
    ordered = sorted(own, key=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
    packages = {kind.__module__.partition(".")[0] for kind in kinds}
    versions = {name: getattr(sys.modules.get(name), "__version__", None) for name in sorted(packages)}
    package_text = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    scripts = [(name, script_of(part)) for name, part in parts.items() if isinstance(part, _CODED)]
    code = {"code": f"{content_digest([class_code(kind) for kind in ordered])} {PYTHON}"} if ordered else {}
    return (
        code
        | ({"packages": package_text} if package_text else {})
        | ({"script": content_digest(scripts)} if scripts else {})
    )


_CODED = (torch.jit.ScriptModule, torch.fx.GraphModule)
"""Modules whose code is data, and not in their classes."""


def script_of(part: Any) -> list[object]:
    """The code of a traced, scripted or exported module, and its constants; empty for one that has none."""
    if isinstance(part, torch.fx.GraphModule):
        return [part.code]
    try:
        code, constants = part.code_with_constants
    except RuntimeError:  # a module without a forward of its own
        return []
    # Classes are numbered as they come in each process.
    plain = re.sub(r"___torch_mangle_\d+\.", "", code)
    return [plain, [tensor_bytes(value) for _, value in sorted(constants.const_mapping.items())]]


def _is_torchs(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "torch"
