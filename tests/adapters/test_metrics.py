"""The metric of torchmetrics counts what certify certifies, batch by batch, and leaves the model alone."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from maskcover_torch.metrics import CertifiedAccuracy

from maskcover import InvalidInput, ProbeFailed, certify, cover, squares
from tests.networks import Eighths, exact, whole

pytestmark = pytest.mark.usefixtures("one_thread")
MASKS = cover(squares(size=2), 8, grid=(2, 2))
IMAGES = whole(12, 3, 8, 8, seed=2)


def net() -> torch.nn.Module:
    return exact(torch.nn.Sequential(Eighths(), torch.nn.Flatten(), torch.nn.Linear(192, 3)))


def labels() -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = net()(IMAGES).argmax(dim=1)
    return found


def test_it_is_the_share_that_certify_certifies() -> None:
    metric = CertifiedAccuracy(net(), MASKS, options={"batch_size": 4})
    for part in (slice(0, 5), slice(5, 12)):
        metric.update(IMAGES[part], labels()[part])
    expected = certify(net(), IMAGES, labels().numpy(), MASKS, batch_size=4).certified
    assert 0 < expected.sum() < 12
    assert metric.compute().item() == pytest.approx(expected.mean())
    metric.reset()
    assert int(metric.total) == 0
    assert metric(IMAGES[:5], labels()[:5]).item() == pytest.approx(expected[:5].mean())


def test_the_model_is_no_part_of_the_metric() -> None:
    metric = CertifiedAccuracy(net(), MASKS)
    assert list(metric.parameters()) == []
    assert not any("weight" in name for name in metric.state_dict())


def test_wrong_labels_and_other_regions_certify_nothing_they_should_not() -> None:
    metric = CertifiedAccuracy(net(), MASKS, regions="squares(size=1)")
    metric.update(IMAGES, (labels() + 1) % 3)
    assert metric.compute().item() == 0.0


class Mixing(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return net()(images - images.mean(dim=0, keepdim=True))  # type: ignore[no-any-return]


def test_what_certify_refuses_is_refused() -> None:
    with pytest.raises(InvalidInput, match="training mode"):
        CertifiedAccuracy(net().train(), MASKS).update(IMAGES, labels())
    with pytest.raises(ProbeFailed):
        CertifiedAccuracy(Mixing().eval(), MASKS).update(IMAGES, labels())


def test_missing_torchmetrics_names_the_extra() -> None:
    code = "import sys; sys.modules['torchmetrics'] = None; import maskcover_torch.metrics"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "[metrics]'" in done.stderr
