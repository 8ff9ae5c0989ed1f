"""Batches that are odd: none at all, one image without its axis, grey images for a model of colours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from maskcover import InvalidInput, MaskSet, certify, cover, defend, squares

pytestmark = pytest.mark.usefixtures("one_thread")
MASKS: MaskSet = cover(squares(size=1), 4, grid=(2, 2))
IMAGES = torch.arange(96.0).reshape(2, 3, 4, 4).remainder(7)


def net() -> nn.Module:
    """A network of whole numbers."""
    layer = nn.Conv2d(3, 5, 4)
    nn.init.constant_(layer.bias, 0.0)  # type: ignore[arg-type]  # it has one
    with torch.no_grad():
        layer.weight.copy_(torch.arange(240.0).reshape(5, 3, 4, 4).remainder(3))
    return nn.Sequential(layer, nn.Flatten()).eval()


@pytest.fixture(params=["masks", "a result"])
def defended(request: pytest.FixtureRequest) -> Any:
    model = net()
    if request.param == "masks":
        return defend(model, MASKS, batch_size=2)
    return defend(model, certify(model, IMAGES, [0, 1], MASKS, batch_size=2))


def test_no_images_have_no_scores_of_each_class(defended: Any) -> None:
    assert defended(IMAGES[:0]).shape == (0, 5)
    assert defended.decisions(IMAGES[:0]) == []
    assert defend(net(), MASKS, batch_size=2, method="detect", threshold=0.5)(IMAGES[:0]).shape == (0, 6)


@pytest.mark.parametrize(
    ("images", "named"),
    [
        (IMAGES[:, :1], r"fails on images of shape \(1, 4, 4\) .*3 channels"),
        (IMAGES[0], r"images \(n, channels, height, width\); got one of \(3, 4, 4\): one image is a batch .*unsqueeze"),
        (IMAGES[:, 0], r"got one of \(2, 4, 4\)"),
        (IMAGES.permute(0, 2, 3, 1), r"masks are for images of shape .*got an image of \(4, 4, 3\)"),
        (IMAGES.to(torch.uint8), r"images of floats .*uint8"),
        (IMAGES.numpy(), "got ndarray"),
    ],
    ids=["grey", "one image", "no channels", "channels last", "bytes", "an array"],
)
def test_images_that_the_model_does_not_take_have_a_clear_answer(defended: Any, images: Any, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        defended(images)


def test_no_images_have_no_labels() -> None:
    def bright(images: Any) -> Any:
        return np.stack([images.mean(axis=(1, 2)), 1 - images.mean(axis=(1, 2))], axis=1)

    assert defend(bright, MASKS)([]) == []
