"""The adapter for ONNX files, run by onnxruntime on the CPU or on CUDA."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime

from maskcover.defense.arrays import ArrayClassifier
from maskcover.errors import InvalidInput
from maskcover_onnx.files import network_of, read_network
from maskcover_onnx.network import Network

_CPU = ["CPUExecutionProvider"]

__all__ = ["ADAPTER", "Network", "OnnxAdapter"]


class OnnxAdapter:
    """What the entry points `maskcover.classifiers: onnx` and `onnxruntime` name."""

    names = "FILE"

    def classifier(
        self, model: Any, *, output: str | None = None, decision: str | None = None, **options: Any
    ) -> ArrayClassifier:
        """A classifier around a session of onnxruntime, or a model of the package onnx.

        A session is opened anew from the same files with pinned settings, and must then give the same scores.

        Args:
            model: An `onnxruntime.InferenceSession` that was made from a file, or an `onnx.ModelProto`.
            output: Name of the scores among the network's outputs, if it has several.
            decision: Name of the output with the network's own labels, see `Network`.
            **options: As for `ArrayClassifier`; images are float arrays (channels, height, width), or (height, width,
                channels) where the network's input says so, or `layout="hwc"`.
        """
        if not isinstance(model, onnxruntime.InferenceSession):
            return _classifier(Network(network_of(model), _CPU, output, decision), options)
        if not model._model_path:
            raise InvalidInput("the session was made from bytes; give the file, as onnx:FILE, or the ModelProto")
        content = read_network(Path(model._model_path))
        return _classifier(Network(content, model.get_providers(), output, decision, given=model), options)

    def load(
        self, name: str, *, providers: str | Sequence[str] = "CPUExecutionProvider", output: str | None = None,
        decision: str | None = None, **options: Any,
    ) -> ArrayClassifier:  # fmt: skip
        """The classifier in a file.

        Args:
            name: The file; weights that the exporter has put into files of their own lie beside it.
            providers: "CPUExecutionProvider" or "CUDAExecutionProvider", or several in order; each must be there.
            output, decision, options: As for `classifier`.
        """
        chosen = providers.split(",") if isinstance(providers, str) else list(providers)
        return _classifier(Network(read_network(Path(name)), chosen, output, decision), options)


def _classifier(network: Network, options: dict[str, Any]) -> ArrayClassifier:
    asked = options.pop("batch_size", None)
    if network.batch_size is not None and asked not in (None, network.batch_size):
        raise InvalidInput(
            f"the network was exported for batches of {network.batch_size}, not {asked}; leave batch_size out, or "
            "export it with a dynamic first axis"
        )
    size = network.batch_size if network.batch_size is not None else asked
    settled = {"layout": network.layout, "batch_size": size}
    return ArrayClassifier(network, identity=network.identity, **(settled | options))


ADAPTER = OnnxAdapter()
