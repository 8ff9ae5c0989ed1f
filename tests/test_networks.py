"""The networks of the tests are exact: a place in a batch, its size, threads and kernels change no bit."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.networks import Convolution, exact, whole

SIZES = (1, 2, 3, 5, 7, 8, 12, 16, 31, 32)


def network() -> nn.Sequential:
    layers = Convolution(2, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(48, 3)
    return exact(nn.Sequential(*layers))


@pytest.mark.parametrize("mkldnn", [True, False])
@pytest.mark.parametrize("last", [True, False])
def test_rows_of_exact_networks_are_the_same_in_batches_of_every_size(
    mkldnn: bool, last: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, model = whole(32, 2, 6, 8) + whole(32, 2, 6, 8, seed=1) / 7, network()
    layout = torch.channels_last if last else torch.contiguous_format
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", mkldnn)
    with torch.no_grad():
        wide = network().double()(images.double())
        for size in SIZES:
            scores = model.to(memory_format=layout)(images[:size].to(memory_format=layout))
            assert torch.equal(scores.double(), wide[:size])
    assert wide.abs().max() > 1000  # and are no zeros
