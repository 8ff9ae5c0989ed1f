"""`Fill`: a value that replaces hidden cells, in arrays and in tensors, wherever their channels are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from maskcover_torch import TorchClassifier

from maskcover import InvalidInput, MaskSet, certify, cover, squares
from maskcover.classifiers import ArrayClassifier
from maskcover.classifiers.occlusion import Fill, Occlusion

IMAGES = np.array([[[[1.0, np.nan], [3.0, np.inf]], [[5.0, 6.0], [7.0, 8.0]]]])  # 1 image of 2 channels, 2×2
HIDDEN = np.array([[[[False, True], [False, True]]]])
SHOWN = [[[[1, 0.5], [3, 0.5]], [[5, -0.5], [7, -0.5]]]]


def test_hidden_cells_are_chosen_away_whatever_was_there() -> None:
    fill = Fill((0.5, -0.5))
    assert fill.shown(IMAGES, HIDDEN, 1, np).tolist() == SHOWN
    assert fill.shown(torch.from_numpy(IMAGES), torch.from_numpy(HIDDEN), 1, torch).tolist() == SHOWN
    last = fill.shown(np.moveaxis(IMAGES, 1, -1), np.moveaxis(HIDDEN, 1, -1), 3, np)
    assert np.moveaxis(last, -1, 1).tolist() == SHOWN


def test_one_image_is_spread_under_many_masks() -> None:
    both = np.concatenate([HIDDEN, ~HIDDEN])
    shown = Fill(0.0).shown(IMAGES, both, 1, np)
    assert shown.shape == (2, 2, 2, 2)
    assert shown[1, 1].tolist() == [[0, 6], [0, 8]]


def test_it_is_a_value_and_names_itself_in_the_fingerprint() -> None:
    assert Fill(0) == Fill((0.0,)) == Fill(Fill(0.0)) != Fill(1)
    assert hash(Fill([0, 1])) == hash(Fill((0.0, 1.0)))
    assert isinstance(Fill(), Occlusion)
    assert Fill((0.5, 1)).identity == {"fill": "0.5 1.0"}


@pytest.mark.parametrize("values", [(), "0", None, True, float("nan"), (0.0, float("inf")), 10**400, [[0.0]]])
def test_what_is_no_fill_is_refused(values: Any) -> None:
    with pytest.raises(InvalidInput, match="fill must be a finite number, or one for each channel"):
        Fill(values)


@pytest.mark.parametrize("given", [0.5, Fill(0.5)], ids=["number", "value"])
def test_classifiers_take_a_number_or_the_value(given: Any) -> None:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2)).eval()
    masks: MaskSet = cover(squares(size=1), 4, grid=(2, 2))
    for classifier in (
        TorchClassifier(network, fill=given, batch_size=1),
        ArrayClassifier(lambda images: images.reshape(len(images), -1)[:, :2], fill=given, batch_size=1),
    ):
        assert classifier.fill == (0.5,)
        assert classifier.occlusion == Fill(0.5)
    result = certify(network, torch.zeros(1, 1, 4, 4), [0], masks, fill=given, batch_size=1)
    assert dict(result.fingerprint.entries)["fill"] == "0.5"
