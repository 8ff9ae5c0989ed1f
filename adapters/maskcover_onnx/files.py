"""Reading ONNX networks from one file or several: each file is read once, hashed, and run from the bytes read.

Exporters keep weights in files of their own ("external data"). For a network opened by name,
onnxruntime looks for them beside the network; for one opened from bytes, in the current folder. Here they are always
read from beside the network.
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
"""The most bytes of weights that are put inside the network: a message of protobuf holds less than 2 GiB."""


@dataclass(frozen=True)
class Content:
    """The bytes of a network, and those of its weights in other files.

    Args:
        network: The bytes that onnxruntime opens.
        digests: ``sha256:…`` of every file that was read, by name; the network itself has an empty name.
        beside: The content of files that onnxruntime reads from memory, by their names in the network.
    """

    network: bytes = field(repr=False)
    digests: Mapping[str, str]
    beside: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def identity(self) -> dict[str, str]:
        """The digests as entries of a fingerprint; without an entry for other files if there are none."""
        others = "; ".join(f"{name} {digest}" for name, digest in sorted(self.digests.items()) if name)
        return {"weights": self.digests[""]} | ({"external data": others} if others else {})


def read_network(path: Path) -> Content:
    """Read the network in a file, and its weights in files beside it.

    Raises:
        InvalidInput: the file holds no network, or weights are not where the network says.
    """
    content = _read(path, "expected an ONNX file")
    network = _parsed(content)
    outside = [tensor for tensor in _tensors(network) if tensor.data_location == onnx.TensorProto.EXTERNAL]
    names = sorted({_entries(tensor).get("location", "") for tensor in outside})
    weights = {name: _read_beside(path, name) for name in names}
    digests = {name: _digest(data) for name, data in {"": content, **weights}.items()}
    if not outside:
        return Content(content, digests)
    from_memory = _put_inside(network, outside, weights)
    return Content(network.SerializeToString(), digests, weights if from_memory else {})


def network_of(model: onnx.ModelProto) -> Content:
    """The content of a network in memory; raises `InvalidInput` if weights are in other files."""
    for tensor in _tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise InvalidInput(
                f"weights of the ModelProto are in {_entries(tensor).get('location')}, a file whose folder is not "
                "known; give the file, as onnx:FILE, or load the model with onnx.load(FILE)"
            )
    content = model.SerializeToString()
    return Content(content, {"": _digest(content)})


def _put_inside(network: onnx.ModelProto, outside: list[Any], weights: Mapping[str, bytes]) -> bool:
    """Put weights into the network; if they are too large, those that onnxruntime can read from memory stay outside.

    Returns:
        Whether some weights stay outside.
    """
    large = sum(map(len, weights.values())) > LARGEST
    outside_names = {tensor.name for tensor in network.graph.initializer} if large else set()
    for tensor in outside:
        data = _part(tensor, weights)
        if tensor.name not in outside_names:
            tensor.raw_data = data
            del tensor.external_data[:]
            tensor.data_location = onnx.TensorProto.DEFAULT
    return bool(outside_names)


def _parsed(content: bytes) -> onnx.ModelProto:
    try:
        network: onnx.ModelProto = onnx.ModelProto.FromString(content)
    except Exception as error:  # of protobuf, which is no dependency of ours
        raise InvalidInput(f"cannot open the network: it is not an ONNX file ({error})") from error
    if any(node.op_type == "EPContext" for node in network.graph.node):
        raise InvalidInput(
            "the network holds EPContext nodes, which a provider compiled and which may name other files; "
            "give the network before it was compiled"
        )
    return network


def _tensors(message: Any) -> Iterator[Any]:
    """Every tensor in a message of protobuf: weights, constants, and the tensors of inner graphs and functions."""
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None:
            for part in [value] if hasattr(value, "ListFields") else value:
                yield from _tensors(part)


def _entries(tensor: Any) -> dict[str, str]:
    return {entry.key: entry.value for entry in tensor.external_data}


def _part(tensor: Any, weights: Mapping[str, bytes]) -> bytes:
    """The bytes of a tensor in its file."""
    entries = _entries(tensor)
    data = weights[entries.get("location", "")]
    begin = _number(entries.get("offset", "0"), tensor.name)
    end = begin + _number(entries["length"], tensor.name) if "length" in entries else len(data)
    if not begin <= end <= len(data):
        raise InvalidInput(
            f"the weights {tensor.name} are bytes {begin} to {end} of {entries['location']}, which is a file of "
            f"{len(data)}; export the network again"
        )
    return data[begin:end]


def _number(text: str, name: str) -> int:
    # 2^63 has 19 digits; exporters write these numbers as int64.
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise InvalidInput(f"the place of the weights {name} must be a whole number of bytes; got {text[:40]!r}")
    return int(text)


def _read_beside(path: Path, name: str) -> bytes:
    """The content of a file of weights, which must lie beside the network or in a folder there."""
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
