"""The adapter for ONNX files, run by onnxruntime on the CPU or on CUDA."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime

from maskcover.defense.arrays import ArrayClassifier
from maskcover.errors import InvalidInput
from maskcover_onnx.network import Network

__all__ = ["ADAPTER", "Network", "OnnxAdapter"]


class OnnxAdapter:
    """What the entry points `maskcover.classifiers: onnx` and `onnxruntime` name."""

    names = "FILE"

    def classifier(self, model: Any, *, output: str | None = None, **options: Any) -> ArrayClassifier:
        """A classifier around a session of onnxruntime, or a model of the package onnx.

        A session is opened anew from the same bytes with pinned settings.

        Args:
            model: An `onnxruntime.InferenceSession` that was made from a file, or an `onnx.ModelProto`.
            output: Name of the scores among the network's outputs, if it has several.
            **options: As for `ArrayClassifier`; images are float arrays (channels, height, width).
        """
        if isinstance(model, onnxruntime.InferenceSession):
            if not model._model_path:
                raise InvalidInput("the session was made from bytes; give the file, as onnx:FILE, or the ModelProto")
            return _classifier(Path(model._model_path).read_bytes(), model.get_providers(), output, options)
        return _classifier(model.SerializeToString(), None, output, options)

    def load(
        self, name: str, *, providers: str | Sequence[str] = "CPUExecutionProvider", output: str | None = None,
        **options: Any,
    ) -> ArrayClassifier:  # fmt: skip
        """The classifier in a file.

        Args:
            name: The file.
            providers: "CPUExecutionProvider" or "CUDAExecutionProvider", or several in order; each must be there.
            output, options: As for `classifier`.
        """
        try:
            content = Path(name).read_bytes()
        except OSError as error:
            raise InvalidInput(f"cannot read the network {name}: {error.strerror}; expected an ONNX file") from error
        chosen = providers.split(",") if isinstance(providers, str) else list(providers)
        return _classifier(content, chosen, output, options)


def _classifier(
    content: bytes, providers: Sequence[str] | None, output: str | None, options: dict[str, Any]
) -> ArrayClassifier:
    network = Network(content, providers or ["CPUExecutionProvider"], output)
    asked = options.pop("batch_size", None)
    if network.batch_size is not None and asked not in (None, network.batch_size):
        raise InvalidInput(
            f"the network was exported for batches of {network.batch_size}, not {asked}; leave batch_size out, or "
            "export it with a dynamic first axis"
        )
    size = network.batch_size if network.batch_size is not None else asked
    return ArrayClassifier(network, batch_size=size, layout="chw", identity=network.identity, **options)


ADAPTER = OnnxAdapter()
