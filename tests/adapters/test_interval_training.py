"""Interval training: its bounds are those that certify, but for rounding; and it draws masks as it says."""

from __future__ import annotations

import copy

import pytest
import torch
from maskcover_torch.interval_bounds import Box
from maskcover_torch.interval_network import network_of
from maskcover_torch.training import IntervalTraining
from maskcover_torch.training.interval_training import Range, _Bounds
from torch import nn

import maskcover as mc
from maskcover.errors import InvalidInput
from tests.adapters.test_torch_intervals import boxes, networks

MASKS = mc.cover("squares(size=1)", image_size=4, grid=(2, 2))


@pytest.mark.parametrize("model", networks(), ids=["classic", "convolutional", "residual", "linear"])
def test_the_bounds_of_training_are_those_that_certify_but_for_rounding(model: nn.Module) -> None:
    """The worst scores are the gaps to the label; with a pooling before the scores both come from bounds on scores."""
    model = copy.deepcopy(model).double()
    network, box = network_of(model), boxes(seed=2)
    gaps = network.gaps(box)
    labels = (gaps == 0).int().argmax(dim=1)
    worst = _Bounds.of(model).worst_scores(Range(box.lower, box.upper), labels)
    assert torch.allclose(worst, gaps, rtol=1e-9, atol=1e-9)
    weights = [weights for weights in model.parameters() if weights.ndim > 1]
    assert all(bool(slope.isfinite().all()) for slope in torch.autograd.grad(worst.sum(), weights))


@pytest.mark.parametrize("placements", ["all", "random", "guided"])
def test_the_loss_mixes_that_of_the_images_and_that_of_their_bounds(placements: str) -> None:
    """With a weight of 0 and of 1; the bounds are never better than the images."""
    model = networks()[3]
    images, labels = torch.rand(6, 2, 4, 4), torch.tensor([0, 1, 0, 1, 0, 1])
    losses = []
    for weight in (0.0, 0.5, 1.0):
        training = IntervalTraining(MASKS, placements=placements, count=2, weight=weight)  # type: ignore[arg-type]
        generator = torch.Generator().manual_seed(0)
        losses.append(training.loss(model, images, labels, generator, 0.5).item())
    assert losses[0] == nn.functional.cross_entropy(model(images), labels).item()
    assert losses[0] < losses[2]
    assert losses[1] == pytest.approx((losses[0] + losses[2]) / 2)


def test_guided_masks_are_those_whose_bounds_are_worse() -> None:
    """A network that looks at one pixel: the mask over it is drawn nearly always; by chance alone one time in four."""
    linear = nn.Linear(16, 2)
    with torch.no_grad():
        linear.weight.zero_()
        linear.bias.copy_(torch.tensor([30.0, 0.0]))
        linear.weight[1, 0] = 300.0
    model = nn.Sequential(nn.Flatten(), linear)
    images, labels = torch.zeros(64, 1, 4, 4), torch.zeros(64, dtype=torch.int64)
    drawn = {}
    for placements in ("random", "guided"):
        training = IntervalTraining(MASKS, placements=placements)
        chosen = training._chosen(_Bounds.of(model), images, labels, torch.Generator().manual_seed(0))
        assert chosen.shape == (1, 64)
        drawn[placements] = float((chosen == 0).float().mean())
    assert drawn["guided"] > 0.95
    assert 0.1 < drawn["random"] < 0.4


def test_hidden_pixels_have_the_whole_interval_and_others_none() -> None:
    """The ranges of the images, mask by mask."""
    training = IntervalTraining(MASKS, pixels=(-1, (2, 3)))
    images = torch.full((2, 2, 4, 4), 0.5)
    chosen = torch.tensor([[0, 3], [1, 2]])
    ranges = training._ranges(images, chosen)
    for row, number in enumerate(chosen.flatten().tolist()):
        hidden = torch.from_numpy(MASKS[number].to_array(MASKS.grid))
        assert bool((ranges.lower[row][:, hidden] == -1).all())
        assert bool((ranges.upper[row][0, hidden] == 2).all())
        assert bool((ranges.upper[row][1, hidden] == 3).all())
        assert bool((ranges.lower[row][:, ~hidden] == 0.5).all())
        assert bool((ranges.upper[row][:, ~hidden] == 0.5).all())


def test_bad_arguments_are_refused() -> None:
    """And a network without bounds, when the training begins."""
    with pytest.raises(InvalidInput, match="placements must be one of all, random, guided"):
        IntervalTraining(MASKS, placements="worst")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="count"):
        IntervalTraining(MASKS, count=0)
    with pytest.raises(InvalidInput, match="pixels must be"):
        IntervalTraining(MASKS, pixels=(1, 0))
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 2), nn.Softmax(1))
    with pytest.raises(InvalidInput, match="Softmax"):
        IntervalTraining(MASKS).loss(model, torch.rand(1, 1, 4, 4), torch.tensor([0]), torch.Generator(), 1.0)


def test_the_bounds_of_a_box_hold_its_images() -> None:
    """In the precision of training they do so up to rounding."""
    model = networks()[0].float()
    box = boxes(seed=3)
    labels = torch.zeros(4, dtype=torch.int64)
    worst = _Bounds.of(model).worst_scores(Range(box.lower.float(), box.upper.float()), labels)
    inside = Box(box.lower, box.upper).middle()[0].float()
    scores = model(inside)
    assert bool((scores - scores[:, :1] <= worst + 1e-4).all())
