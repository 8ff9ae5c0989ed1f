"""`DefendedPipeline`: the defended model behind transformers' own interface for image classification."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import transformers
from maskcover_torch import TorchClassifier
from PIL import Image, ImageOps

from maskcover.certification import CertificationResult, defend
from maskcover.data import pixels_of, read_image
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet
from maskcover_transformers.processors import preprocessing_of


class DefendedPipeline(transformers.ImageClassificationPipeline):  # type: ignore[misc]  # typed in part only
    """The defended model as a pipeline of transformers.

    Make one by ``pipeline("image-classification", …, pipeline_class=DefendedPipeline, masks=masks)``.

    Args:
        masks: A mask set, or the result of a certification of this same model.
        defense: Further arguments for `TorchClassifier`, such as ``{"batch_size": 16}``.

    Images are files or images of Pillow, prepared as for certifying: by Pillow, whatever the processor's backend.
    The answer has the form of transformers: labels with scores, 1 for the label of the defence and 0 for the others.

    Raises:
        UndecidedPrediction: a prediction that the defence needed has no unique finite top score.
    """

    def __init__(
        self,
        *args: Any,
        masks: MaskSet | CertificationResult,
        defense: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.preprocessing = preprocessing_of(self.image_processor)
        options = {"preprocessing": self.preprocessing, **(defense or {})}
        classifier = TorchClassifier(self.model.eval(), **options)
        self.defended = defend(classifier, masks, preprocessing=self.preprocessing.identity)

    def preprocess(self, image: Any, timeout: float | None = None) -> dict[str, torch.Tensor]:
        """Prepare an image file, or an image of Pillow, for the model."""
        if isinstance(image, Image.Image):
            pixels = pixels_of(ImageOps.exif_transpose(image))
        elif isinstance(image, str) and not image.startswith(("http://", "https://", "data:")):
            pixels = read_image(image, image)
        elif isinstance(image, str):
            pixels = pixels_of(transformers.image_utils.load_image(image, timeout=timeout))
        else:
            raise InvalidInput(f"expected a file or an image of Pillow; got {type(image).__name__}")
        return {"pixel_values": torch.from_numpy(self.preprocessing(pixels)[np.newaxis])}

    def _forward(self, model_inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {"logits": self.defended(model_inputs["pixel_values"])}

    def postprocess(self, model_outputs: Any, function_to_apply: Any = None, top_k: int = 5) -> Any:
        """Labels with scores, the defended label first."""
        return super().postprocess(model_outputs, function_to_apply=function_to_apply or "none", top_k=top_k)
