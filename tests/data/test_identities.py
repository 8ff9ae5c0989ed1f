"""Preprocessings read back from fingerprints, and texts that are none."""

from __future__ import annotations

import pytest

from maskcover import CenterCrop, Crop, Fit, Flip, InvalidInput, Pad, Resize
from maskcover.data import Preprocessing
from maskcover.data.identities import read_preprocessing

STEPS = {
    "none": (),
    "fit": (Fit((28, 20), kernel="lanczos"),),
    "resized": (Resize(256, "bilinear"), CenterCrop(224)),
    "cropped": (Crop(1, 2, 30, 40), Flip("vertical"), Pad(1, 2, 3, 4)),
}


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_preprocessing_is_read_back(steps: tuple[object, ...], channels: int) -> None:
    made = Preprocessing(steps, mean=(-0.25,), std=(1e-3,), channels=channels, layout="hwc")  # type: ignore[arg-type]
    assert read_preprocessing(made.identity) == made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "none",
        "Preprocessing()",
        "Preprocessing() by Pillow 13",
        "Fit(size=(28, 28), kernel='bicubic') by Pillow 13",
        "__import__('os').system('touch ran') by Pillow 13",
        "Preprocessing(steps=(), mean=(0.0,), std=(0.0,), channels=1, layout='chw') by Pillow 13",
        "Preprocessing(steps=(), mean=(0.0,), std=(1.0,), channels=1, layout='chw', more=1) by Pillow 13",
        "Preprocessing(**{}) by Pillow 13",
        "Preprocessing(steps=[], mean=(0.0,), std=(1.0,), channels=1, layout='chw') by Pillow 13",
        f"{'(' * 1000}{')' * 1000} by Pillow 13",
    ],
    ids=str,
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be made again"):
        read_preprocessing(text)
