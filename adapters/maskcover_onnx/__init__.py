"""The adapter for ONNX files, run by onnxruntime on the CPU or on CUDA."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime

from maskcover.defense.arrays import ArrayClassifier
from maskcover.errors import InvalidInput
from maskcover_onnx.devices import CPU, DEVICES, Providers, name_of, providers_of
from maskcover_onnx.network import Network

__all__ = ["ADAPTER", "Network", "OnnxAdapter"]


class OnnxAdapter:
    """What the entry points `maskcover.classifiers: onnx` and `onnxruntime` name."""

    names = "FILE"
    devices = DEVICES

    def classifier(
        self, model: Any, *, output: str | None = None, device: str | None = None, **options: Any
    ) -> ArrayClassifier:
        """A classifier around a session of onnxruntime, or a model of the package onnx.

        A session is opened anew from the same bytes with pinned settings.

        Args:
            model: An `onnxruntime.InferenceSession` that was made from a file, or an `onnx.ModelProto`.
            output: Name of the scores among the network's outputs, if it has several.
            device: See `maskcover_onnx.devices.providers_of`; by default that of the session, or the CPU.
            **options: As for `ArrayClassifier`; images are float arrays (channels, height, width).
        """
        told = None if device is None else providers_of(device)
        if isinstance(model, onnxruntime.InferenceSession):
            if not model._model_path:
                raise InvalidInput("the session was made from bytes; give the file, as onnx:FILE, or the ModelProto")
            return _classifier(Path(model._model_path).read_bytes(), told or model.get_providers(), output, options)
        return _classifier(model.SerializeToString(), told, output, options)

    def load(
        self, name: str, *, providers: str | Sequence[str] | None = None, device: str | None = None,
        output: str | None = None, **options: Any,
    ) -> ArrayClassifier:  # fmt: skip
        """The classifier in a file.

        Args:
            name: The file.
            providers: "CPUExecutionProvider" or "CUDAExecutionProvider", or several in order; each must be there.
            device: Instead of providers: see `maskcover_onnx.devices.providers_of`. By default the CPU.
            output, options: As for `classifier`.
        """
        try:
            content = Path(name).read_bytes()
        except OSError as error:
            raise InvalidInput(f"cannot read the network {name}: {error.strerror}; expected an ONNX file") from error
        if providers is not None and device is not None:
            raise InvalidInput(f"name the device or the providers, not both; got {device!r} and {providers!r}")
        if device == "auto":
            return self._on_the_gpu_if_possible(name, output, options)
        chosen = providers.split(",") if isinstance(providers, str) else providers or providers_of(device or "cpu")
        return _classifier(content, chosen, output, options)

    def _on_the_gpu_if_possible(self, name: str, output: str | None, options: dict[str, Any]) -> ArrayClassifier:
        """An onnxruntime that is built for GPUs may find none."""
        device = "cpu" if name_of(providers_of("auto")[0]) == CPU else "cuda"
        try:
            return self.load(name, device=device, output=output, **options)
        except InvalidInput:
            if device == "cpu":
                raise
            return self.load(name, device="cpu", output=output, **options)


def _classifier(
    content: bytes, providers: Providers | None, output: str | None, options: dict[str, Any]
) -> ArrayClassifier:
    network = Network(content, providers or ["CPUExecutionProvider"], output)
    asked = options.pop("batch_size", None)
    if network.batch_size is not None and asked not in (None, network.batch_size):
        raise InvalidInput(
            f"the network was exported for batches of {network.batch_size}, not {asked}; leave batch_size out, or "
            "export it with a dynamic first axis"
        )
    size = network.batch_size if network.batch_size is not None else asked
    found = ArrayClassifier(network, batch_size=size, layout="chw", identity=network.identity, **options)
    found.device = network.device
    return found


ADAPTER = OnnxAdapter()
