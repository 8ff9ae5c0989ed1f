"""An ONNX network as it lies on disk, in one file or in several: read once, hashed, and run from what was read.

Exporters keep weights in files of their own ("external data"). onnxruntime looks for them beside a network that it is
given by name, and in the current folder when it is given bytes; here they are read from beside the network, always.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import onnx

from maskcover.errors import InvalidInput

LARGEST = 1 << 30
"""Bytes of weights that are put inside the network; a message of protobuf ends at 2 GiB."""


@dataclass(frozen=True)
class Content:
    """The bytes of a network, and those of its weights in other files.

    Args:
        network: What onnxruntime opens.
        beside: Files that it is to read from memory, by the names that the network has for them.
        digests: ``sha256:…`` of every file that was read, by name; the network's own has an empty name.
    """

    network: bytes = field(repr=False)
    digests: Mapping[str, str]
    beside: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def identity(self) -> dict[str, str]:
        """The digests in words; nothing of other files where there are none."""
        others = "; ".join(f"{name} {digest}" for name, digest in sorted(self.digests.items()) if name)
        return {"weights": self.digests[""]} | ({"external data": others} if others else {})


def read_network(path: Path) -> Content:
    """The network in a file, with its weights, which lie beside it.

    Raises:
        InvalidInput: no network, or weights that are not where it says.
    """
    content = _read(path, "expected an ONNX file")
    network = _parsed(content)
    outside = [tensor for tensor in _tensors(network) if tensor.data_location == onnx.TensorProto.EXTERNAL]
    names = sorted({_entries(tensor).get("location", "") for tensor in outside})
    found = {name: _read_beside(path, name) for name in names}
    digests = {name: _digest(data) for name, data in {"": content, **found}.items()}
    if not outside:
        return Content(content, digests)
    handed_over = _put_inside(network, outside, found)
    return Content(network.SerializeToString(), digests, found if handed_over else {})


def network_of(model: onnx.ModelProto) -> Content:
    """A network in memory, which must hold its weights."""
    for tensor in _tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise InvalidInput(
                f"weights of the ModelProto are in {_entries(tensor).get('location')}, and where that lies is not "
                "known; give the file, as onnx:FILE, or load the model with onnx.load(FILE)"
            )
    content = model.SerializeToString()
    return Content(content, {"": _digest(content)})


def _put_inside(network: onnx.ModelProto, outside: list[Any], found: Mapping[str, bytes]) -> bool:
    """Put the weights inside the network; those of a large one stay outside, if onnxruntime can be handed them."""
    large = sum(map(len, found.values())) > LARGEST
    apart = {one.name for one in network.graph.initializer} if large else set()
    for tensor in outside:
        data = _part(tensor, found)
        if tensor.name not in apart:
            tensor.raw_data = data
            del tensor.external_data[:]
            tensor.data_location = onnx.TensorProto.DEFAULT
    return bool(apart)


def _parsed(content: bytes) -> onnx.ModelProto:
    try:
        network: onnx.ModelProto = onnx.ModelProto.FromString(content)
    except Exception as error:  # of protobuf, which is no dependency of ours
        raise InvalidInput(f"cannot open the network: it is no ONNX file ({error})") from error
    if any(node.op_type == "EPContext" for node in network.graph.node):
        raise InvalidInput(
            "the network holds EPContext nodes, which a provider has compiled and which may name further files; "
            "give the network that they were compiled from"
        )
    return network


def _tensors(message: Any) -> Iterator[Any]:
    """Every tensor in a message of protobuf: weights, constants, and those in graphs and functions within."""
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            for part in [value] if hasattr(value, "ListFields") else value:
                yield from _tensors(part)


def _entries(tensor: Any) -> dict[str, str]:
    return {entry.key: entry.value for entry in tensor.external_data}


def _part(tensor: Any, found: Mapping[str, bytes]) -> bytes:
    """The bytes of a tensor in its file."""
    entries = _entries(tensor)
    data = found[entries.get("location", "")]
    begin = _number(entries.get("offset", "0"), tensor.name)
    end = begin + _number(entries["length"], tensor.name) if "length" in entries else len(data)
    if not begin <= end <= len(data):
        raise InvalidInput(
            f"the weights {tensor.name} are bytes {begin} to {end} of {entries['location']}, which is a file of "
            f"{len(data)}; export the network again"
        )
    return data[begin:end]


def _number(text: str, name: str) -> int:
    # At most the digits of 2^63, as whoever writes these numbers has them.
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise InvalidInput(f"the place of the weights {name} must be a whole number of bytes; got {text[:40]!r}")
    return int(text)


def _read_beside(path: Path, name: str) -> bytes:
    """A file of weights; its name may lead into a folder beside the network, and nowhere else."""
    if not name:
        raise InvalidInput(f"{path} does not say in which file its weights are; export the network again")
    if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
        raise InvalidInput(f"{path} has weights in {name!r}; they must stay beside the network: export it again")
    return _read(path.parent / name, f"{path.name} has weights in it, which lies beside the network")


def _read(path: Path, expected: str) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidInput(f"cannot read the network {path}: {reason}; {expected}") from error


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
