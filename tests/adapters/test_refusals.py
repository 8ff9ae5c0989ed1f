"""Wrong mean, wrong size, training mode, NaN and rows that mix: each refused with the right words, on real adapters."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
from maskcover_timm import ADAPTER
from maskcover_torch import TorchClassifier

import maskcover as mc
from maskcover import InvalidInput, ProbeFailed
from maskcover.data import Dataset, Preprocessing
from maskcover.regions import CenterCrop, Resize

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = Preprocessing((Resize(36, "bicubic"), CenterCrop(32)), (0.5,), (0.5,))
MASKS = mc.cover(mc.squares(size=4), 32, grid=(2, 2))
NOISE = np.random.default_rng(0).integers(0, 256, (2, 40, 51, 3), dtype=np.uint8)
PHOTOS = Dataset("noise", ("a", "b"), np.array([1, 2]), lambda number: NOISE[number])


def classifier_of(model: torch.nn.Module) -> TorchClassifier:
    # Of one: its sums are rounded, on some processors otherwise in other rows.
    return ADAPTER.classifier(model, preprocessing=SMALL, batch_size=1)


def small() -> torch.nn.Module:
    torch.manual_seed(3)
    model: torch.nn.Module = timm.create_model("test_resnet", num_classes=4).eval()
    return model


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (Preprocessing(SMALL.steps, (0.485, 0.456, 0.406), (0.5,)), r"expected .*mean 0\.5, .* got .*mean 0\.485"),
        (Preprocessing(SMALL.steps, (0.5,), (0.25,)), "std 0.25"),
        (Preprocessing((Resize(36), CenterCrop(32)), (0.5,), (0.5,)), r"Resize\(36\)"),
        (Preprocessing((Resize((32, 32)),), (0.5,), (0.5,)), r"Resize\(\(32, 32\)\)"),
    ],
    ids=["mean", "std", "kernel", "crop"],
)
def test_images_prepared_otherwise_than_the_model_declares(given: Preprocessing, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        mc.certify(classifier_of(small()), PHOTOS.prepared(given), PHOTOS.true_labels, MASKS)
    assert len(mc.certify(classifier_of(small()), PHOTOS.prepared(SMALL), PHOTOS.true_labels, MASKS)) == 2


def test_masks_of_another_size_than_the_model_takes() -> None:
    masks = mc.cover(mc.squares(size=4), 48, grid=(2, 2))
    with pytest.raises(InvalidInput, match="masks are for 48×48, but the model takes 32×32"):
        mc.certify(classifier_of(small()), PHOTOS.prepared(SMALL), PHOTOS.true_labels, masks)


@pytest.mark.parametrize("part", ["", "bn1"])
def test_a_model_in_training_mode(part: str) -> None:
    model = small()
    model.get_submodule(part).train()
    with pytest.raises(InvalidInput, match=f"{part or 'the model'} .*training mode; call model.eval"):
        classifier_of(model)


def test_a_model_that_gives_nan_certifies_nothing_and_says_so() -> None:
    model = small()
    torch.nn.init.constant_(model.get_parameter("fc.bias"), float("nan"))
    result = mc.certify(classifier_of(model), PHOTOS.prepared(SMALL), [0, 0], MASKS)
    assert not result.certified.any()
    assert all("finite" in str(verdict.error) for verdict in result.verdicts)


class Batch(torch.nn.Module):
    """Subtracts the mean of the batch: one row's patch reaches every other row."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images - images.mean(dim=0, keepdim=True)


def test_a_model_that_mixes_rows() -> None:
    model = torch.nn.Sequential(Batch(), small()).eval()
    with pytest.raises(ProbeFailed, match="rows that influence each other"):
        mc.certify(TorchClassifier(model, batch_size=4), PHOTOS.prepared(SMALL), PHOTOS.true_labels, MASKS)
