"""The adapter for ONNX files, run by onnxruntime on the CPU or on CUDA."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime

from maskcover.defense.arrays import ArrayClassifier
from maskcover.errors import InvalidInput
from maskcover_onnx.files import Content, network_of, read_network
from maskcover_onnx.network import Network

__all__ = ["ADAPTER", "Network", "OnnxAdapter"]


class OnnxAdapter:
    """What the entry points `maskcover.classifiers: onnx` and `onnxruntime` name."""

    names = "FILE"

    def classifier(self, model: Any, *, output: str | None = None, **options: Any) -> ArrayClassifier:
        """A classifier around a session of onnxruntime, or a model of the package onnx.

        A session is opened anew from the same files with pinned settings, and must then give the same scores.

        Args:
            model: An `onnxruntime.InferenceSession` that was made from a file, or an `onnx.ModelProto`.
            output: Name of the scores among the network's outputs, if it has several.
            **options: As for `ArrayClassifier`; images are float arrays (channels, height, width).
        """
        if isinstance(model, onnxruntime.InferenceSession):
            if not model._model_path:
                raise InvalidInput("the session was made from bytes; give the file, as onnx:FILE, or the ModelProto")
            content = read_network(Path(model._model_path))
            return _classifier(content, model.get_providers(), output, options, given=model)
        return _classifier(network_of(model), None, output, options)

    def load(
        self, name: str, *, providers: str | Sequence[str] = "CPUExecutionProvider", output: str | None = None,
        **options: Any,
    ) -> ArrayClassifier:  # fmt: skip
        """The classifier in a file.

        Args:
            name: The file; weights that the exporter has put into files of their own lie beside it.
            providers: "CPUExecutionProvider" or "CUDAExecutionProvider", or several in order; each must be there.
            output, options: As for `classifier`.
        """
        chosen = providers.split(",") if isinstance(providers, str) else list(providers)
        return _classifier(read_network(Path(name)), chosen, output, options)


def _classifier(
    content: Content,
    providers: Sequence[str] | None,
    output: str | None,
    options: dict[str, Any],
    given: onnxruntime.InferenceSession | None = None,
) -> ArrayClassifier:
    network = Network(content, providers or ["CPUExecutionProvider"], output, given)
    asked = options.pop("batch_size", None)
    if network.batch_size is not None and asked not in (None, network.batch_size):
        raise InvalidInput(
            f"the network was exported for batches of {network.batch_size}, not {asked}; leave batch_size out, or "
            "export it with a dynamic first axis"
        )
    size = network.batch_size if network.batch_size is not None else asked
    return ArrayClassifier(network, batch_size=size, layout="chw", identity=network.identity, **options)


ADAPTER = OnnxAdapter()
