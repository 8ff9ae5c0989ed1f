"""Models of transformers from folders and from the hub: numbers and configurations, never code (threats.md, 55)."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import transformers
from maskcover_torch import TorchClassifier
from maskcover_torch.weights import only_weights, reason

from maskcover.errors import InvalidInput

_MADE_UP = re.compile(r"LABEL_\d+")


def loaded(name: str) -> tuple[Any, Any, Any]:
    """The model in evaluation mode, its image processor, and for CLIP its tokenizer, else None.

    Raises:
        InvalidInput: see `TransformersAdapter.load`.
    """
    try:
        with only_weights():
            model, told, processor, texts = _loaded(name)
    except InvalidInput:
        raise
    except Exception as error:  # whatever unpicklers, readers of JSON and constructors meet in files
        raise InvalidInput(
            f"transformers cannot load an image classifier from {name} ({_reason(error)}); "
            "expected a folder with a model and its preprocessor_config.json, as save_pretrained writes them"
        ) from error
    if told["missing_keys"]:
        some = ", ".join(sorted(told["missing_keys"])[:3])
        raise InvalidInput(
            f"{name} has no weights for {some}: transformers would go on with random ones; expected an image "
            "classifier, fine-tuned and saved with its head"
        )
    return model.eval(), processor, texts


def class_names_of(config: Any) -> tuple[str, ...] | None:
    """The names of the classes in a configuration's `id2label`; None where they were never given.

    >>> class_names_of(transformers.ViTConfig(id2label={0: "cat", 1: "dog"})), class_names_of(transformers.ViTConfig())
    (('cat', 'dog'), None)
    """
    found = getattr(config, "id2label", None) or {}
    if sorted(found) != list(range(len(found))):
        return None
    names = tuple(str(found[number]) for number in range(len(found)))
    return None if not names or all(map(_MADE_UP.fullmatch, names)) else names


def fitting(classifier: TorchClassifier, config: Any) -> TorchClassifier:
    """The classifier, if its model takes what images become; else `InvalidInput`.

    Some models take images of any size, whatever their configuration names: they are tried, where it names another.
    """
    made, seen = classifier.preprocessing, getattr(config, "vision_config", config)
    named = _sides(getattr(seen, "image_size", None)), getattr(seen, "num_channels", None)
    if made is None or made.size is None or (named[0] in (None, made.size) and named[1] in (None, made.channels)):
        return classifier
    try:
        black = np.zeros((made.channels, *made.size), np.float32)
        classifier.scores([black], np.zeros((1, *made.size), np.bool_))
    except Exception as error:
        raise InvalidInput(
            f"the images become {made.size[0]}×{made.size[1]} with {made.channels} channels ({made}), which "
            f"{type(classifier.model).__name__} does not take ({reason(error)}); take the processor that the model was "
            "saved with, or name what images go through with preprocessing=maskcover.data.Preprocessing(…)"
        ) from error
    return classifier


def _loaded(name: str) -> tuple[Any, Any, Any, Any]:
    """Without `trust_remote_code=False` transformers asks at the keyboard whether to run what a folder brings."""
    config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False)
    _expect_own_kernels(name, config)
    processor = transformers.AutoImageProcessor.from_pretrained(name, backend="pil", trust_remote_code=False)
    kind: Any = transformers.CLIPModel if config.model_type == "clip" else None
    loader = kind or transformers.AutoModelForImageClassification
    told = {"trust_remote_code": False} if kind is None else {}
    model, information = loader.from_pretrained(name, config=config, output_loading_info=True, **told)
    texts = None if kind is None else transformers.AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    return model, information, processor, texts


def _expect_own_kernels(name: str, config: Any) -> None:
    """A configuration may name attention kernels on the hub, which transformers would fetch and run."""
    parts = [config, *(getattr(config, key, None) for key in getattr(config, "sub_configs", {}))]
    named = {str(getattr(part, "_attn_implementation", None)) for part in parts}
    foreign = sorted(one for one in named if "/" in one)
    if foreign:
        raise InvalidInput(
            f"the config.json of {name} names {foreign[0]} to compute attention, which is code from the hub and is not "
            'run; expected "eager", "sdpa" or nothing as attn_implementation'
        )


def _sides(size: Any) -> tuple[int, int] | None:
    if isinstance(size, int):
        return size, size
    return (int(size[0]), int(size[1])) if isinstance(size, list | tuple) and len(size) == 2 else None


def _reason(error: Exception) -> str:
    """As `reason`, without transformers' advice to run what a folder brings."""
    return "it needs code of its own, which is not run" if "trust_remote_code" in str(error) else reason(error)
