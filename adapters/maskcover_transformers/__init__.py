"""The adapter for Hugging Face transformers: image classifiers, CLIP with given prompts, and the defended pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from maskcover_torch import TorchAdapter, TorchClassifier

from maskcover.data import Preprocessing
from maskcover.errors import InvalidInput
from maskcover_transformers.loading import class_names_of, fitting, loaded
from maskcover_transformers.pipeline import DefendedPipeline
from maskcover_transformers.processors import preprocessing_of
from maskcover_transformers.zeroshot import ZeroShot

__all__ = ["ADAPTER", "DefendedPipeline", "TransformersAdapter", "ZeroShot", "preprocessing_of"]


class TransformersAdapter(TorchAdapter):
    """What the entry points `maskcover.classifiers: transformers` and `hf` name."""

    names = "FOLDER or hub name"

    def classifier(
        self,
        model: torch.nn.Module,
        *,
        processor: Any = None,
        preprocessing: Preprocessing | None = None,
        **options: Any,
    ) -> TorchClassifier:
        """A `TorchClassifier` around an image classifier.

        Args:
            model: Takes ``pixel_values`` and returns an output with `logits`; in evaluation mode.
            processor: Its image processor: what the images of a data set go through.
            preprocessing: Instead of the processor.
            **options: As for `TorchClassifier`; the names of the classes are those of `id2label`, if it has any.
        """
        if getattr(model.config, "problem_type", None) == "multi_label_classification":
            raise InvalidInput("the model gives each image several labels; a certificate is about one: choose another")
        if isinstance(model, transformers.CLIPModel):
            raise InvalidInput("CLIP needs prompts: wrap it as maskcover_transformers.ZeroShot.of(model, processor, …)")
        known = preprocessing if processor is None or preprocessing is not None else preprocessing_of(processor)
        named = {"class_names": class_names_of(model.config)} | options
        return fitting(TorchClassifier(model, preprocessing=known, **named), model.config)

    def load(self, name: str, *, prompts: str | Sequence[str] | None = None, **options: Any) -> TorchClassifier:
        """A model with its image processor, from a folder of `save_pretrained` or a name on the hub.

        Args:
            name: A folder; anything else is a name on the hub, which transformers fetches unless it is here already
                and ``HF_HUB_OFFLINE=1`` forbids it.
            prompts: For CLIP: one text for each class, or a file with one a line.
            **options: As for `TorchClassifier`, such as `device`.

        Code that comes with a model is never run, nor asked about: such a model is refused (threats.md, 55).

        Raises:
            InvalidInput: there is no such model, it is broken, needs code of its own, or is no image classifier.
        """
        model, processor, texts = loaded(name)
        model.eval()
        if texts is None:
            if prompts is not None:
                raise InvalidInput(f"{name} is a {model.config.model_type}, which takes no prompts; leave them out")
            return self.classifier(model, processor=processor, **options)
        known = options.pop("preprocessing", None) or preprocessing_of(processor)
        lines = _lines(prompts)
        named = {"class_names": lines} | options
        classifier = TorchClassifier(ZeroShot.of(model, texts, lines), preprocessing=known, **named)
        return fitting(classifier, model.config)


def _lines(prompts: str | Sequence[str] | None) -> list[str]:
    """The prompts, one a class."""
    if isinstance(prompts, str):
        try:
            prompts = [line for line in Path(prompts).read_text(encoding="utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(f"cannot read the prompts {prompts}: {error}; expected one text a line") from error
    if not prompts or len(prompts) < 2:
        raise InvalidInput(
            "CLIP needs prompts, one text for each class and at least two: prompts=[…], or a file of lines"
        )
    return list(prompts)


ADAPTER = TransformersAdapter()
