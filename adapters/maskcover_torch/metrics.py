"""`CertifiedAccuracy`: the fraction of certified images as a metric of torchmetrics, for training and evaluation."""

from __future__ import annotations

from typing import Any

import torch

from maskcover.certification import certify
from maskcover.classifiers.options import renamed
from maskcover.errors import MissingExtra, install_hint
from maskcover.masks import MaskSet
from maskcover.regions import RegionSet
from maskcover_torch.classifier import TorchClassifier

try:
    from torchmetrics import Metric
except ImportError as error:
    raise MissingExtra(f"the metric needs torchmetrics ({error}); {install_hint('metrics')}") from error


class CertifiedAccuracy(Metric):
    """The fraction of images on which no attack within the regions can make the defended model wrong.

    Args:
        model: Maps float tensors (n, channels, height, width) to scores (n, classes); in evaluation mode when the
            metric is updated. The metric uses it, but does not hold it as a submodule.
        masks: The mask set of the defence.
        regions, min_margin: As for `maskcover.certify`.
        options: For `TorchClassifier`, such as ``{"batch_size": 64, "fill": 0.5}``; by default batches have 16 rows.
        kwargs: For `torchmetrics.Metric`.

    The model is probed at the first update after each reset. Counts are added up over processes.

    >>> from maskcover import cover, squares
    >>> model = torch.nn.Sequential(torch.nn.AvgPool2d(6), torch.nn.Flatten(), torch.nn.Linear(1, 2)).eval()
    >>> with torch.no_grad():                            # 1 if the mean of the image exceeds 0.1, else 0
    ...     _ = model[2].weight.copy_(torch.tensor([[0.0], [1.0]])), model[2].bias.copy_(torch.tensor([0.1, 0.0]))
    >>> metric = CertifiedAccuracy(model, cover(squares(size=2), image_size=6, grid=(2, 2)))
    >>> metric.update(torch.zeros(3, 1, 6, 6), torch.tensor([0, 0, 1]))
    >>> metric.compute()
    tensor(0.6667)
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    certified: torch.Tensor
    total: torch.Tensor

    def __init__(
        self,
        model: torch.nn.Module,
        masks: MaskSet,
        *,
        regions: RegionSet | str | None = None,
        min_margin: float | None = None,
        options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        min_margin = renamed(kwargs, "margin", "min_margin", min_margin)
        super().__init__(**kwargs)
        # In a tuple, so that it is no submodule: its weights are not moved or saved with the metric.
        self._model = (model,)
        self._masks, self._regions, self._min_margin = masks, regions, min_margin
        self._used_margin = min_margin  # or the one that replaced it when the model was last probed
        self._options = {"batch_size": 16} | (options or {})
        self.add_state("certified", torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("total", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """Certify images (n, channels, height, width) with true labels, whole numbers (n,)."""
        classifier, probes = TorchClassifier(self._model[0], **self._options), not int(self.total)
        result = certify(
            classifier, list(images), labels.cpu().numpy(), self._masks,
            regions=self._regions, min_margin=self._min_margin if probes else self._used_margin, probes=probes,
        )  # fmt: skip
        self._used_margin = result.min_margin
        self.certified += int(result.certified.sum())
        self.total += len(result)

    def compute(self) -> torch.Tensor:
        """The fraction of certified images; nan if there are no images."""
        return self.certified / self.total
