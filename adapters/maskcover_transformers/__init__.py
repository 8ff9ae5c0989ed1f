"""The adapter for Hugging Face transformers: image classifiers, CLIP with prompts, and the defended pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from maskcover_torch import TorchAdapter, TorchClassifier
from maskcover_torch.making import torch_classifier

from maskcover.data import Preprocessing
from maskcover.errors import InvalidInput
from maskcover_transformers.loading import class_names_of, expect_fitting, load_model
from maskcover_transformers.pipeline import DefendedPipeline
from maskcover_transformers.processors import preprocessing_of
from maskcover_transformers.zeroshot import ZeroShot

__all__ = ["ADAPTER", "DefendedPipeline", "TransformersAdapter", "ZeroShot", "preprocessing_of"]


class TransformersAdapter(TorchAdapter):
    """The adapter behind the entry points `maskcover.classifiers: transformers` and `hf`."""

    names = "FOLDER or hub name"
    several_labels = True

    def classifier(
        self,
        model: torch.nn.Module,
        *,
        processor: Any = None,
        preprocessing: Preprocessing | None = None,
        several_labels: bool = False,
        **options: Any,
    ) -> TorchClassifier:
        """A `TorchClassifier` around an image classifier.

        Args:
            model: A model that takes ``pixel_values`` and returns an output with `logits`, in evaluation mode.
            processor: The model's image processor, which prepares the images of a data set.
            preprocessing: A preprocessing to use instead of the processor.
            several_labels: Whether each class is decided by itself, for ``certify(…, task="multilabel")``, which sets
                it. A model whose configuration says otherwise is refused.
            **options: As for `TorchClassifier`; by default the names of the classes are those of `id2label`.
        """
        _expect_labels(getattr(model.config, "problem_type", None), several_labels)
        if isinstance(model, transformers.CLIPModel):
            raise InvalidInput("CLIP needs prompts: wrap it as maskcover_transformers.ZeroShot.of(model, processor, …)")
        chosen = preprocessing if processor is None or preprocessing is not None else preprocessing_of(processor)
        named = {"class_names": class_names_of(model.config)} | options
        return expect_fitting(torch_classifier(model, preprocessing=chosen, **named), model.config)

    def load(self, name: str, *, prompts: str | Sequence[str] | None = None, **options: Any) -> TorchClassifier:
        """Load a model with its image processor, from a folder of `save_pretrained` or by its name on the hub.

        Args:
            name: A folder, or else a name on the hub: transformers downloads the model unless it is on this machine, or
                ``HF_HUB_OFFLINE=1`` forbids it.
            prompts: Only for CLIP: one text for each class, or a file with one text in each line.
            **options: As for `TorchClassifier`, such as `device`.

        A model that needs code of its own is refused, without a question; such code is never run (threats.md, 55).

        Raises:
            InvalidInput: there is no such model, it is damaged, needs code of its own, or is not an image classifier.
        """
        model, processor, texts = load_model(name)
        model.eval()
        if texts is None:
            if prompts is not None:
                raise InvalidInput(f"{name} is a {model.config.model_type}, which takes no prompts; leave them out")
            return self.classifier(model, processor=processor, **options)
        chosen = options.pop("preprocessing", None) or preprocessing_of(processor)
        lines = _lines(prompts)
        named = {"class_names": lines} | options
        classifier = torch_classifier(ZeroShot.of(model, texts, lines), preprocessing=chosen, **named)
        return expect_fitting(classifier, model.config)


def _expect_labels(problem: str | None, several: bool) -> None:
    """Raise `InvalidInput` if a model was made for another number of labels an image than is asked for."""
    if problem == "multi_label_classification" and not several:
        raise InvalidInput(
            'the model gives each image several labels, and a certificate is about one; type task="multilabel" in '
            "certify, with labels of shape (images, classes)"
        )
    if problem == "single_label_classification" and several:
        raise InvalidInput(
            'the model gives each image one label, that of the largest score, and task="multilabel" is for models '
            "that decide each class by itself; leave task out"
        )


def _lines(prompts: str | Sequence[str] | None) -> list[str]:
    """The prompts as a list, one for each class; a text is the name of a file with one in each line."""
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
