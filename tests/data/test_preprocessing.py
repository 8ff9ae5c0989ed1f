"""From a picture to the model's input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from maskcover.data import Preprocessing
from maskcover.errors import InvalidInput
from maskcover.regions import Fit
from tests.data.files import gradient


def test_the_centre_is_cut_out_of_a_wide_image() -> None:
    pixels = np.asarray(gradient(6, 10))
    found = Preprocessing((Fit((6, 6)),))(pixels)
    assert np.array_equal(found, pixels[:, 2:8].transpose(2, 0, 1).astype(np.float32) / np.float32(255))


def test_values_are_scaled_and_normalised_and_channels_come_first() -> None:
    pixels = np.asarray(Image.new("RGB", (4, 2), (255, 0, 51)))
    image = Preprocessing((Fit((2, 4)),), mean=(0.5, 0.25, 0.2), std=(0.5, 0.25, 2.0))(pixels)
    assert image.shape == (3, 2, 4)
    assert image.dtype == np.float32
    assert image[:, 0, 0] == pytest.approx([1.0, -1.0, 0.0])


def test_a_grey_picture_becomes_three_equal_channels() -> None:
    grey = np.asarray(gradient(3, 5))[:, :, 0]
    found = Preprocessing()(grey)
    assert found.shape == (3, 3, 5)
    assert (found == found[0]).all()


@pytest.mark.parametrize(
    "options",
    [
        {"mean": (0.1, 0.2)},
        {"mean": (float("nan"),)},
        {"std": (0.0,)},
        {"std": (1.0, -1.0, 1.0)},
        {"std": (float("inf"),)},
    ],
)
def test_nonsense_normalisation_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Preprocessing((Fit((4, 4)),), **options)
