"""One preprocessing for certifying and serving: the same bits everywhere, and what it says of itself is true."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from maskcover import InvalidInput
from maskcover.data import Preprocessing, expect_same
from maskcover.regions import CenterCrop, Crop, Fit, Flip, Jpeg, Pad, Resize
from maskcover.regions.preprocessing import pull

STEPS = st.sampled_from(
    [
        (),
        (Resize(20, "bicubic"), CenterCrop(16)),
        (Resize((16, 12), "lanczos"), Flip("horizontal")),
        (Fit((16, 12), "bilinear"), Pad(1, 2, 3, 4)),
        (CenterCrop(24, rounding="down"), Crop(2, 3, 9, 8)),
        (CenterCrop((9, 30)), Resize(8, "nearest")),
        (Resize((7, 31), "hamming"), Resize((9, 9), "area")),
    ]
)


def noise(height: int, width: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@given(STEPS, st.integers(12, 30), st.integers(12, 30), st.integers(0, 99))
def test_a_pixel_changes_only_what_the_frames_say_it_can_reach(steps: Any, height: int, width: int, seed: int) -> None:
    """The steps that make the image are those that pull regions back (threats.md, 12)."""
    preprocessing, picture = Preprocessing(steps), noise(height, width, seed)
    row, column = (int(one) for one in np.random.default_rng(seed).integers((height, width)))
    changed = picture.copy()
    changed[row, column] = 255 - changed[row, column]
    rows, columns = pull(steps, (height, width))
    reached = rows.touched(row, row + 1)[:, None] & columns.touched(column, column + 1)[None, :]
    differs = (preprocessing(picture) != preprocessing(changed)).any(axis=0)
    assert differs.shape == preprocessing.output((height, width))
    assert not (differs & ~reached).any()


@given(STEPS, st.integers(12, 30), st.integers(12, 30))
def test_the_size_is_that_of_every_result_or_none(steps: Any, height: int, width: int) -> None:
    preprocessing = Preprocessing(steps)
    shape = preprocessing(noise(height, width)).shape[1:]
    assert preprocessing.size in (shape, None)
    assert preprocessing.output((height, width)) == shape


def test_threat_14_the_bits_of_one_picture_are_those_of_every_machine() -> None:
    preprocessing = Preprocessing(
        (Resize(256, "bicubic"), CenterCrop(224)), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    )
    found = preprocessing(noise(301, 418))
    assert found.dtype == np.float32
    assert hashlib.sha256(found.tobytes()).hexdigest() == GOLDEN


GOLDEN = "7e4c32f253d5402794273f5d36482083460040caf146930ad7d4f5555c95c543"


def test_it_does_what_pillow_does() -> None:
    picture = noise(40, 51)
    image = Image.fromarray(picture)
    fitted = np.asarray(ImageOps.fit(image, (16, 24), Image.Resampling.BICUBIC))
    assert np.array_equal(Preprocessing((Fit((24, 16)),), layout="hwc")(picture), fitted.astype(np.float32) / 255)
    resized = np.asarray(image.resize((30, 20), Image.Resampling.LANCZOS)).astype(np.float32) / 255
    assert np.array_equal(Preprocessing((Resize((20, 30), "lanczos"),), layout="hwc")(picture), resized)


def test_values_are_scaled_and_normalised_and_channels_come_first() -> None:
    red = np.tile(np.array([255, 0, 51], np.uint8), (2, 4, 1))
    image = Preprocessing((Fit((2, 4)),), mean=(0.5, 0.25, 0.2), std=(0.5, 0.25, 2.0))(red)
    assert image.shape == (3, 2, 4)
    assert image[:, 0, 0] == pytest.approx([1.0, -1.0, 0.0])


def test_padding_is_black_before_it_is_normalised() -> None:
    found = Preprocessing((CenterCrop((4, 2)),), (0.5,), (0.5,))(np.full((2, 2, 3), 255, np.uint8))
    assert found[0].tolist() == [[-1, -1], [1, 1], [1, 1], [-1, -1]]


def test_grey_and_colour_become_each_other() -> None:
    grey = noise(4, 4)[:, :, 0]
    colour = Preprocessing(layout="hwc")(grey)
    assert np.array_equal(colour, np.repeat(grey[:, :, None], 3, axis=2).astype(np.float32) / 255)
    back = Preprocessing(channels=1)(np.repeat(grey[:, :, None], 3, axis=2))
    assert np.array_equal(back, grey[None].astype(np.float32) / 255)
    assert np.array_equal(Preprocessing(channels=1)(grey[:, :, None]), back)


@pytest.mark.parametrize(
    "steps",
    [
        (), (Resize(8, "bicubic"), CenterCrop((4, 6), rounding="down")), (Fit((24, 32)), Flip("vertical")),
        (Crop(1, 2, 3, 4), Pad(1, 2, 0, 3)),
    ],
    ids=str,
)  # fmt: skip
def test_an_identity_names_its_preprocessing(steps: tuple[Any, ...]) -> None:
    named = Preprocessing(steps, mean=(0.1, -0.2, 1e-9), std=(0.3, 1.5, 2.0), layout="hwc")
    assert Preprocessing.of_identity(named.identity) == named


@pytest.mark.parametrize(
    "text",
    [
        "", "none", "halved by Pillow 11", "Preprocessing() ",
        "Preprocessing(()) by Pillow 11", "Fit(size=(24, 24)) by Pillow 11.0",
        "Preprocessing(steps=(Jpeg(),)) by Pillow 11", "Preprocessing(mean=print(1)) by Pillow 11",
        "Preprocessing(std=(0.0,)) by Pillow 11", "__import__('os') by Pillow 11", "Preprocessing(**{}) by Pillow 11",
        "Preprocessing(odd=1) by Pillow 11", "Preprocessing(steps=1) by Pillow 11", "(" * 9000 + " by Pillow 11",
    ],
    ids=lambda text: text[:30],
)  # fmt: skip
def test_an_identity_of_other_words_names_none(text: str) -> None:
    assert Preprocessing.of_identity(text) is None


def test_equal_preprocessings_are_equal_values_and_the_text_has_pillows_version() -> None:
    one, other = Preprocessing(mean=(0.5,), std=(1,)), Preprocessing(mean=(0.5, 0.5, 0.5), std=(1.0, 1.0, 1.0))
    assert one == other
    assert hash(one) == hash(other)
    assert one.identity == other.identity
    assert "by Pillow " in one.identity
    assert one.identity != Preprocessing(mean=(0.4,)).identity
    assert one.range == ((-0.5,) * 3, (0.5,) * 3)


@pytest.mark.parametrize(
    ("made", "named"),
    [
        (lambda: Preprocessing(mean=(0.1, 0.2)), "mean must be one finite number, or one for each channel, of 3"),
        (lambda: Preprocessing(mean=(float("nan"),)), "mean"),
        (lambda: Preprocessing(std=(0.0,)), "std must be above 0"),
        (lambda: Preprocessing(std=(1.0, -1.0, 1.0)), "std must be above 0"),
        (lambda: Preprocessing(std=(float("inf"),)), "std"),
        (lambda: Preprocessing(channels=4), "channels must be 1 or 3"),
        (lambda: Preprocessing(layout="nchw"), "layout"),  # type: ignore[arg-type]
        (lambda: Preprocessing((Jpeg("4:2:0"),)), "done by Pillow"),
        (lambda: Preprocessing((Resize(4, backend="torch"),)), "done by Pillow"),
        (lambda: Preprocessing((Pad(1, 1, 1, 1, mode="edge"),)), "pads with black"),
        (lambda: Preprocessing((len,)), "done by Pillow"),  # type: ignore[arg-type]
        (lambda: Preprocessing()(np.zeros((4, 4, 4), np.uint8)), r"uint8 \(4, 4, 4\)"),
        (lambda: Preprocessing()(np.zeros((4, 4, 3))), "float64"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_done_is_refused(made: Callable[[], object], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        made()


def test_a_preprocessing_that_does_something_else_than_it_declares_is_found_out() -> None:
    ours = Preprocessing((Resize(32), CenterCrop(24)))
    assert expect_same(ours, lambda picture: ours(picture) + 1e-7, "the same") is ours
    others = (
        Preprocessing((Resize(32), CenterCrop(24, rounding="down")), (1e-3,)),
        Preprocessing((Resize(33), CenterCrop(24))),
        Preprocessing((Resize(32, "bicubic"), CenterCrop(24))),
        Preprocessing((Resize(32), CenterCrop(22))),
    )
    for other in others:
        with pytest.raises(InvalidInput, match="that one does something else than it declares"):
            expect_same(ours, other, "that one")
    with pytest.raises(InvalidInput, match="does something else"):
        expect_same(ours, lambda picture: ours(picture)[::-1], "one of blue, green and red")
