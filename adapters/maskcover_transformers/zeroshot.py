"""`ZeroShot`: CLIP as a classifier of images, with one prompt for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import transformers


class ZeroShot(torch.nn.Module):
    """The image half of CLIP as a classifier; each class is the direction of the embedding of a prompt.

    The prompts are part of what is certified: their directions are a buffer, so the digest of the weights covers them.

    Source: Radford et al., Learning transferable visual models from natural language supervision (ICML 2021).
    """

    directions: torch.Tensor

    def __init__(self, clip: transformers.CLIPModel, directions: torch.Tensor) -> None:
        super().__init__()
        self.vision, self.projection = clip.vision_model, clip.visual_projection
        self.register_buffer("directions", directions)
        # A new module is in training mode.
        self.training = clip.training

    @classmethod
    def of(cls, clip: transformers.CLIPModel, tokenizer: Any, prompts: Sequence[str]) -> ZeroShot:
        """The classifier with some prompts, one for each class.

        Args:
            clip: The model, in evaluation mode.
            tokenizer: CLIP's own, or the processor that holds it.
            prompts: Texts, such as ``"a photo of a cat"``.
        """
        tokens = getattr(tokenizer, "tokenizer", tokenizer)(list(prompts), padding=True, return_tensors="pt")
        with torch.no_grad():
            output = clip.text_model(**tokens.to(clip.device))
            texts = clip.text_projection(output.pooler_output)
            return cls(clip, clip.logit_scale.exp() * texts / texts.norm(dim=-1, keepdim=True))

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Scores (n, prompts) of images (n, 3, height, width)."""
        embedded = self.projection(self.vision(pixel_values=pixel_values).pooler_output)
        scores: torch.Tensor = (embedded / embedded.norm(dim=-1, keepdim=True)) @ self.directions.T
        return scores
