"""Images given as the model takes them, whose values say otherwise: refused where that is certain, else a warning."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch

import maskcover as mc
from maskcover import InvalidInput, MaskcoverWarning
from maskcover.classifiers import ArrayClassifier
from maskcover.data import Dataset, Preprocessing
from maskcover.engine.ranges import expect_in_range

IMAGENET = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
CENTRED = Preprocessing(mean=(0.5,), std=(0.5,))
PLAIN = Preprocessing()
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)
PIXELS[:, 0, 0], PIXELS[:, 0, 1] = 0, 255
UNIT = PIXELS.transpose(0, 3, 1, 2).astype(np.float32) / 255
MASKS = mc.cover(mc.squares(size=4), 40, grid=(2, 2))


def prepared(by: Preprocessing) -> list[Any]:
    return [by(picture) for picture in PIXELS]


@pytest.mark.parametrize(
    ("images", "declared"),
    [
        (PIXELS.astype(np.float32), IMAGENET),
        (PIXELS, IMAGENET),
        (torch.from_numpy(PIXELS), CENTRED),
        (UNIT * 255, PLAIN),
        (prepared(IMAGENET), PLAIN),
        (prepared(CENTRED), PLAIN),
        (prepared(IMAGENET), Preprocessing(mean=(0.5,), std=(1.0,))),
        ([UNIT[0] * 2 - 1, UNIT[1] * 255], CENTRED),
    ],
    ids=["bytes as floats", "bytes", "tensors", "0 to 255", "normalised", "centred", "other std", "the second"],
)
def test_threat_58_values_that_the_preprocessing_cannot_give_are_refused(images: Any, declared: Preprocessing) -> None:
    with pytest.raises(InvalidInput, match=r"image \d has values from .* but the model takes .*prepared"):
        expect_in_range(images, declared)


@pytest.mark.parametrize(
    ("images", "declared", "named"),
    [
        (UNIT, IMAGENET, r"lie in \[0, 1\], but the model takes -2.118 \(black\) to 2.64 \(white\)"),
        (torch.from_numpy(UNIT), CENTRED, r"lie in \[0, 1\]"),
        (UNIT * 2 - 1, IMAGENET, r"lie in \[-1, 1\] and reach both"),
        ([image * 0.7 for image in prepared(IMAGENET)], CENTRED, r"values from -1\.48"),
    ],
)
def test_threat_58_values_that_look_otherwise_scaled_draw_a_warning(
    images: Any, declared: Preprocessing, named: str
) -> None:
    with pytest.warns(MaskcoverWarning, match=named):
        expect_in_range(images, declared)


class Unreadable:
    """Files of which none can be read."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, number: int) -> Any:
        raise OSError("gone")


@pytest.mark.parametrize("declared", [IMAGENET, CENTRED, PLAIN])
@pytest.mark.parametrize("images", [[], ["a text"], [np.full((3, 2, 2), np.nan)], Unreadable(), [np.zeros((3, 4, 4))]])
def test_what_tells_nothing_passes(images: Any, declared: Preprocessing) -> None:
    expect_in_range(images, declared)


@pytest.mark.parametrize("declared", [IMAGENET, CENTRED, PLAIN])
def test_what_the_preprocessing_gives_passes_also_where_a_kernel_overshoots(declared: Preprocessing) -> None:
    expect_in_range(prepared(declared), declared)
    edges = torch.zeros(1, 3, 8, 8)
    edges[..., ::2] = 1.0
    sharp = torch.nn.functional.interpolate(edges, size=37, mode="bicubic")[0]
    low, high = (torch.tensor(values)[:, None, None] for values in declared.range)
    assert sharp.max() > 1
    expect_in_range([low + sharp * (high - low)], declared)


def test_a_few_images_of_many_are_looked_at() -> None:
    looked: list[int] = []

    class Many(Unreadable):
        def __len__(self) -> int:
            return 1000

        def __getitem__(self, number: int) -> Any:
            looked.append(number)
            return prepared(CENTRED)[0]

    expect_in_range(Many(), CENTRED)
    assert looked == [0, 125, 250, 375, 500, 625, 750, 875]


def classifier(declared: Preprocessing | None) -> ArrayClassifier:
    def brightness(images: Any) -> Any:
        bright = images.max(axis=(1, 2, 3)) - 0.5  # exact, in whatever order
        return np.stack([-bright, bright], axis=1)

    return ArrayClassifier(brightness, layout="chw", preprocessing=declared, batch_size=2)


def test_threat_58_certify_refuses_raw_images_of_a_model_that_declares_how_they_are_prepared() -> None:
    with pytest.raises(InvalidInput, match="image 0 has values from 0 to 255"):
        mc.certify(classifier(IMAGENET), UNIT * 255, [0, 1, 0], MASKS)
    with pytest.warns(MaskcoverWarning, match=r"lie in \[0, 1\]"):
        mc.certify(classifier(IMAGENET), UNIT, [0, 1, 0], MASKS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mc.certify(classifier(None), UNIT * 255, [0, 1, 0], MASKS)
        pictures = Dataset("noise", ("a", "b", "c"), np.array([0, 1, 0]), lambda number: PIXELS[number])
        mc.certify(classifier(IMAGENET), pictures.prepared(IMAGENET), pictures.true_labels, MASKS)
