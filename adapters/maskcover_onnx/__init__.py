"""The adapter for ONNX files, run by onnxruntime on the CPU or on CUDA."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime

from maskcover.classifiers.arrays import ArrayClassifier
from maskcover.errors import InvalidInput
from maskcover_onnx.devices import CPU, DEVICES, name_of, providers_of
from maskcover_onnx.files import Content, network_of, read_network
from maskcover_onnx.network import Network

__all__ = ["ADAPTER", "Network", "OnnxAdapter"]


class OnnxAdapter:
    """The adapter behind the entry points `maskcover.classifiers: onnx` and `onnxruntime`."""

    names = "FILE"
    devices = DEVICES

    def classifier(
        self, model: Any, *, output: str | None = None, decision: str | None = None, device: str | None = None,
        **options: Any,
    ) -> ArrayClassifier:  # fmt: skip
        """A classifier around a session of onnxruntime, or a model of the package onnx.

        The network is opened again from the file of the session, with fixed settings, and must give the same scores.

        Args:
            model: An `onnxruntime.InferenceSession` that was opened from a file, or an `onnx.ModelProto`.
            output: The name of the output that holds the scores, if the network has several outputs.
            decision: The name of the output with the network's own labels, see `Network`.
            device: See `maskcover_onnx.devices.providers_of`; by default that of the session, or the CPU.
            **options: As for `ArrayClassifier`; images are float arrays (channels, height, width), or (height, width,
                channels) where the network's input says so, or `layout="hwc"`.
        """
        requested = None if device is None else providers_of(device)
        if not isinstance(model, onnxruntime.InferenceSession):
            return _classifier(Network(network_of(model), requested or [CPU], output, decision), options)
        if not model._model_path:
            raise InvalidInput("the session was opened from bytes; give the file, as onnx:FILE, or the ModelProto")
        content = read_network(Path(model._model_path))
        providers = requested or model.get_providers()
        return _classifier(Network(content, providers, output, decision, given=model), options)

    def load(
        self, name: str, *, providers: str | Sequence[str] | None = None, device: str | None = None,
        output: str | None = None, decision: str | None = None, **options: Any,
    ) -> ArrayClassifier:  # fmt: skip
        """A classifier from an ONNX file.

        Args:
            name: The path of the file; weights in files of their own must lie beside it.
            providers: "CPUExecutionProvider" or "CUDAExecutionProvider", or several, the preferred one first. Each must
                be available.
            device: Instead of providers: see `maskcover_onnx.devices.providers_of`. By default the CPU.
            output, decision, options: As for `classifier`.
        """
        if providers is not None and device is not None:
            raise InvalidInput(f"name the device or the providers, not both; got {device!r} and {providers!r}")
        content = read_network(Path(name))
        if device == "auto":
            return _classifier(_on_the_gpu_if_possible(content, output, decision), options)
        chosen = providers.split(",") if isinstance(providers, str) else providers or providers_of(device or "cpu")
        return _classifier(Network(content, chosen, output, decision), options)


def _on_the_gpu_if_possible(content: Content, output: str | None, decision: str | None) -> Network:
    """The network on the GPU, or on the CPU if no GPU can be used: onnxruntime may be built for GPUs and find none."""
    providers = providers_of("auto")
    try:
        return Network(content, providers, output, decision)
    except InvalidInput:
        if name_of(providers[0]) == CPU:
            raise
        return Network(content, [CPU], output, decision)


def _classifier(network: Network, options: dict[str, Any]) -> ArrayClassifier:
    batch_size = options.pop("batch_size", None)
    if network.batch_size is not None and batch_size not in (None, network.batch_size):
        raise InvalidInput(
            f"the network was exported for batches of {network.batch_size}, not {batch_size}; leave batch_size out, or "
            "export it with a dynamic first axis"
        )
    size = network.batch_size if network.batch_size is not None else batch_size
    derived: dict[str, Any] = {"layout": network.layout, "batch_size": size}
    classifier = ArrayClassifier(network, identity=network.identity, **(derived | options))
    classifier.device = network.device
    classifier.input_size = network.size_of_images(classifier.layout)
    return classifier


ADAPTER = OnnxAdapter()
