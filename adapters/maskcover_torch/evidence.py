"""`LocalEvidence`: a network without its pooling, as scores for each cell of its grid; and the search for its head."""

from __future__ import annotations

import torch

from maskcover.errors import InvalidInput
from maskcover_torch.cells import Cells, layer_of


class LocalEvidence(torch.nn.Module):
    """The class scores of each cell: the head of a network applied to the features of one layer, before any pooling.

    Args:
        model: Takes images (n, channels, height, width); in evaluation mode.
        layer: The layer whose output is the features of the cells; None if the model returns scores of cells itself.
        head: The linear layer, or other module, from features (…, channels) to scores (…, classes), or a convolution;
            or its name in the model. By default the classifier of the model, if there is a layer.
        layout: The layout of the layer, as for `maskcover_torch.cells.Cells`.

    >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),
    ...                           torch.nn.Linear(8, 5)).eval()
    >>> LocalEvidence(net, "0")(torch.zeros(1, 3, 6, 6)).shape
    torch.Size([1, 5, 4, 4])
    """

    def __init__(
        self,
        model: torch.nn.Module,
        layer: str | None = None,
        head: torch.nn.Module | str | None = None,
        layout: str | None = None,
    ) -> None:
        super().__init__()
        self.cells = Cells(model, layer, layout)
        own = head_of(model) if head is None and layer is not None else head
        self.head_name = _name_in(model, own) if isinstance(own, torch.nn.Module) else own
        # A head of the model itself stays where it is, so that its weights have one name.
        self.head = own if isinstance(own, torch.nn.Module) and self.head_name is None else None
        if self.head_name is not None:
            layer_of(model, self.head_name)
        self.training = model.training  # a new module is in training mode

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores (n, classes, rows, columns) of images (n, channels, height, width)."""
        features: torch.Tensor = self.cells(images)
        head = self.head if self.head_name is None else layer_of(self.cells.model, self.head_name)
        if head is None:
            return features
        scores: torch.Tensor = (
            head(features) if isinstance(head, torch.nn.Conv2d) else head(features.permute(0, 2, 3, 1))
        )
        if scores.ndim != 4:
            raise InvalidInput(
                f"the head makes shape {tuple(scores.shape)} of the features of cells; expected one that keeps rows "
                "and columns, such as a linear layer: name it with head="
            )
        return scores if isinstance(head, torch.nn.Conv2d) else scores.permute(0, 3, 1, 2)


def head_of(model: torch.nn.Module) -> torch.nn.Module:
    """The last layer of a classifier: as timm names it, or `fc`, `classifier` or `head`; else its last linear layer.

    Raises:
        InvalidInput: there is none.
    """
    named = getattr(model, "get_classifier", None)
    candidates = [named() if callable(named) else None, *(getattr(model, name, None) for name in _HEADS)]
    plain = [part for part in candidates if isinstance(part, torch.nn.Linear | torch.nn.Conv2d)]
    linear = [part for part in model.modules() if isinstance(part, torch.nn.Linear)]
    if not plain and not linear:
        raise InvalidInput(
            f"{type(model).__name__} has no linear layer that scores classes; name the head with head=, or a model "
            "that returns scores of cells (n, classes, rows, columns) without layer="
        )
    return plain[0] if plain else linear[-1]


_HEADS = ("fc", "classifier", "head")


def _name_in(model: torch.nn.Module, part: torch.nn.Module) -> str | None:
    """The name of a part of the model; None if it is no part of it."""
    return next((name for name, module in model.named_modules() if module is part and name), None)
