"""`Fill` and `DropTokens`: values that say what a model gets in place of hidden cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from maskcover_torch import TorchClassifier

from maskcover import InvalidInput, MaskSet, certify, cover, squares
from maskcover.classifiers import ArrayClassifier
from maskcover.classifiers.occlusion import DropTokens, Fill, Occlusion, occlusion_of

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


def test_dropped_tokens_are_a_value_with_a_text_of_its_own() -> None:
    assert (
        DropTokens(16) == DropTokens(16, 16) == occlusion_of("drop_tokens(16)") == occlusion_of(" drop_tokens( 16 ) ")
    )
    assert occlusion_of(str(DropTokens(16, 8))) == DropTokens(16, 8) != DropTokens(8, 16)
    assert hash(DropTokens(4)) == hash(DropTokens(4, 4))
    assert occlusion_of("0.5") == occlusion_of(0.5) == Fill(0.5)
    assert occlusion_of((0, 1)) == Fill((0.0, 1.0))
    assert occlusion_of(DropTokens(3)) == DropTokens(3)
    assert DropTokens(16).identity == {"fill": "drop_tokens(16)"}


@pytest.mark.parametrize(
    "odd", ["drop_tokens", "drop_tokens()", "drop_tokens(16.0)", "drop_tokens(-1)", "zero", "nan", ""]
)
def test_texts_that_name_no_occlusion_are_refused(odd: str) -> None:
    with pytest.raises(InvalidInput, match="finite number"):
        occlusion_of(odd)


@pytest.mark.parametrize("sides", [(0,), (16.0,), (True,), (16, 0), ("16",)])
def test_sides_of_tokens_are_whole_numbers(sides: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidInput, match="whole numbers of at least 1"):
        DropTokens(*sides)


def test_hidden_tokens_are_those_whose_pixels_are_all_hidden() -> None:
    masks = MaskSet.from_boxes([(0, 0, 2, 3), (2, 3, 4, 3)], image_size=(6, 6))
    assert DropTokens(2, 3).hidden_tokens(masks).tolist() == [
        [True, False, False, False, False, False],
        [False, False, False, True, False, True],
    ]
    with pytest.raises(InvalidInput, match=r"mask 0 hides a part of a token of 2×2 pixels.*--align 2"):
        DropTokens(2).hidden_tokens(masks)
    with pytest.raises(InvalidInput, match=r"6×6 do not consist of whole tokens of 4×4"):
        DropTokens(4).hidden_tokens(masks)
    with pytest.raises(InvalidInput, match="multiples of 3 pixels from the top and 2 from the left"):
        DropTokens(3, 2).hidden_tokens(masks)


def test_only_vision_transformers_of_torch_have_tokens() -> None:
    with pytest.raises(InvalidInput, match="finite number"):
        ArrayClassifier(lambda images: images.mean(axis=(1, 2)), batch_size=1, fill=DropTokens(2))  # type: ignore[arg-type]
