"""Loading models of transformers from folders and the hub, without running code from there (threats.md, 55)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import transformers
from maskcover_torch import TorchClassifier
from maskcover_torch.weights import only_weights, reason

from maskcover.errors import InvalidInput

_GENERIC = re.compile(r"LABEL_\d+")


def load_model(name: str) -> tuple[Any, Any, Any]:
    """Load a model in evaluation mode, its image processor, and for CLIP its tokenizer, else None.

    Raises:
        InvalidInput: see `TransformersAdapter.load`.
    """
    try:
        with only_weights(), _without_bars():
            model, report, processor, texts = _load_with_report(name)
    except InvalidInput:
        raise
    except Exception as error:  # damaged files may fail in any way
        raise InvalidInput(
            f"transformers cannot load an image classifier from {name} ({_reason(error)}); "
            "expected a folder with a model and its preprocessor_config.json, as save_pretrained writes them"
        ) from error
    if report["missing_keys"]:
        some = ", ".join(sorted(report["missing_keys"])[:3])
        raise InvalidInput(
            f"{name} has no weights for {some}: transformers would go on with random ones; expected an image "
            "classifier, fine-tuned and saved with its head"
        )
    return model.eval(), processor, texts


def class_names_of(config: Any) -> tuple[str, ...] | None:
    """The names of the classes in a configuration's `id2label`; None if they are missing or only generic ones.

    >>> class_names_of(transformers.ViTConfig(id2label={0: "cat", 1: "dog"})), class_names_of(transformers.ViTConfig())
    (('cat', 'dog'), None)
    """
    by_number = getattr(config, "id2label", None) or {}
    if sorted(by_number) != list(range(len(by_number))):
        return None
    names = tuple(str(by_number[number]) for number in range(len(by_number)))
    return None if not names or all(map(_GENERIC.fullmatch, names)) else names


def expect_fitting(classifier: TorchClassifier, config: Any) -> TorchClassifier:
    """Raise `InvalidInput` unless the model accepts images as the preprocessing makes them; returns the classifier.

    Some models accept images of any size. So where the configuration declares another size, a black image is tried.
    """
    preprocessing, vision = classifier.preprocessing, getattr(config, "vision_config", config)
    if preprocessing is None or preprocessing.size is None:
        return classifier
    size, channels = preprocessing.size, preprocessing.channels
    declared = _sides(getattr(vision, "image_size", None)), getattr(vision, "num_channels", None)
    if declared[0] in (None, size) and declared[1] in (None, channels):
        return classifier
    try:
        black = np.zeros((channels, *size), np.float32)
        classifier.scores([black], np.zeros((1, *size), np.bool_))
    except Exception as error:
        raise InvalidInput(
            f"the images become {size[0]}×{size[1]} with {channels} channels ({preprocessing}), which "
            f"{type(classifier.model).__name__} does not take ({reason(error)}); use the processor that the model was "
            "saved with, or name what images go through with preprocessing=maskcover.data.Preprocessing(…)"
        ) from error
    return classifier


@contextmanager
def _without_bars() -> Iterator[None]:
    """Within this context transformers draws no progress bars: they would stand between the remarks of a command."""
    bars = transformers.utils.logging
    if not bars.is_progress_bar_enabled():
        yield
        return
    bars.disable_progress_bar()
    try:
        yield
    finally:
        bars.enable_progress_bar()


def _load_with_report(name: str) -> tuple[Any, Any, Any, Any]:
    """Load a model, the report about its weights, its processor, and its tokenizer or None.

    Without `trust_remote_code=False` transformers asks at the keyboard whether to run code of the model.
    """
    config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False)
    _expect_own_kernels(name, config)
    processor = transformers.AutoImageProcessor.from_pretrained(name, backend="pil", trust_remote_code=False)
    kind: Any = transformers.CLIPModel if config.model_type == "clip" else None
    loader = kind or transformers.AutoModelForImageClassification
    options = {"trust_remote_code": False} if kind is None else {}
    model, report = loader.from_pretrained(name, config=config, output_loading_info=True, **options)
    texts = None if kind is None else transformers.AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    return model, report, processor, texts


def _expect_own_kernels(model_name: str, config: Any) -> None:
    """Refuse a configuration that names attention kernels on the hub, which transformers would download and run."""
    parts = [config, *(getattr(config, key, None) for key in getattr(config, "sub_configs", {}))]
    named = {str(getattr(part, "_attn_implementation", None)) for part in parts}
    foreign = sorted(name for name in named if "/" in name)
    if foreign:
        raise InvalidInput(
            f"the config.json of {model_name} names {foreign[0]} to compute attention, which is code from the hub and "
            'is not run; expected "eager", "sdpa" or nothing as attn_implementation'
        )


def _sides(size: Any) -> tuple[int, int] | None:
    if isinstance(size, int):
        return size, size
    return (int(size[0]), int(size[1])) if isinstance(size, list | tuple) and len(size) == 2 else None


def _reason(error: Exception) -> str:
    """The same as `reason`, but without transformers' advice to run code of the model."""
    return "it needs code of its own, which is not run" if "trust_remote_code" in str(error) else reason(error)
