"""`DoubleMasking`: Algorithm 1 as a torch module."""

from __future__ import annotations

import torch

from maskcover.defense import Defended, predict
from maskcover.errors import InvalidInput, UndecidedPrediction
from maskcover.masks import MaskSet
from maskcover_torch.classifier import Fill, TorchClassifier, refuse_training


class DoubleMasking(torch.nn.Module):
    """A model defended by double masking: its output's argmax is the label of Algorithm 1.

    Args:
        model: The undefended model, in evaluation mode; a submodule, so `.to(device)` and `state_dict` work.
        masks: The mask set.
        fill, batch_size: As for `TorchClassifier`, and as they were for `certify`.

    The output has one row of scores an image: 1 at the defended label, 0 elsewhere.

    >>> from maskcover import cover, squares
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3)).eval()
    >>> defended = DoubleMasking(model, cover(squares(size=2), image_size=6))
    >>> defended(torch.zeros(2, 1, 6, 6)).sum(dim=1)
    tensor([1., 1.])
    """

    def __init__(self, model: torch.nn.Module, masks: MaskSet, *, fill: Fill = 0.0, batch_size: int = 16) -> None:
        super().__init__()
        classifier = TorchClassifier(model, fill=fill, batch_size=batch_size)
        self.model = model
        self.masks = masks
        self.fill = classifier.fill
        self.batch_size = batch_size
        # A new module says that it is training; this one holds an evaluating model and must not.
        self.training = False

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores of shape (n, classes) for float images of shape (n, channels, height, width).

        Raises:
            UndecidedPrediction: the model gave an image no unique finite top score where Algorithm 1 needed one.
        """
        if not isinstance(images, torch.Tensor) or images.ndim != 4:
            raise InvalidInput("expected one tensor of images (n, channels, height, width)")
        refuse_training(self)
        classifier = self._classifier()
        decisions = predict(classifier, list(images), self.masks)
        undecided = [number for number, decision in enumerate(decisions) if decision.label < 0]
        if undecided:
            raise UndecidedPrediction(f"no defended label for the images {undecided}: non-finite or tied scores")
        scores = torch.zeros((len(decisions), classifier.classes), device=images.device)
        scores[range(len(decisions)), [decision.label for decision in decisions]] = 1.0
        return scores

    def decisions(self, images: torch.Tensor) -> list[Defended]:
        """The defended labels with their cases."""
        return predict(self._classifier(), list(images), self.masks)

    def _classifier(self) -> TorchClassifier:
        # Made anew for each call, since the module may have been moved to another device.
        return TorchClassifier(self.model, fill=self.fill, batch_size=self.batch_size)
