"""Functions from arrays to scores: what they are given, whatever the attacker wrote under the masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import maskcover as mc
from maskcover import InvalidInput
from maskcover.classifiers import ArrayClassifier, as_classifier

MASKS = mc.cover(mc.squares(size=1), (4, 6), grid=(2, 2))


class Recorder:
    """A function that keeps what it was given."""

    def __init__(self) -> None:
        self.seen: list[npt.NDArray[Any]] = []

    def __call__(self, images: npt.NDArray[Any]) -> npt.ArrayLike:
        self.seen.append(images.copy())
        bright = images.reshape(len(images), -1).sum(axis=1)
        return np.stack([bright, -bright], axis=1)


@given(st.sampled_from(["hwc", "chw", "grey"]), st.integers(0, 2**32 - 1))
def test_what_is_hidden_is_the_fill_and_nothing_else_changes(layout: str, seed: int) -> None:
    chance, called = np.random.default_rng(seed), Recorder()
    shape = {"hwc": (4, 6, 3), "chw": (3, 4, 6), "grey": (4, 6)}[layout]
    images, hidden = chance.random((2, *shape)), chance.random((2, 4, 6)) < 0.5
    fill = (0.25,) if layout == "grey" else (0.25, 0.5, -1.0)
    classifier = ArrayClassifier(called, batch_size=2, fill=fill, layout="chw" if layout == "chw" else "hwc")
    poisoned = images.copy()
    spread = {"hwc": hidden[..., None], "chw": hidden[:, None], "grey": hidden}[layout]
    poisoned[np.broadcast_to(spread, images.shape)] = np.nan
    classifier.scores(list(poisoned), hidden)
    (seen,) = called.seen
    filling = np.array(fill).reshape((-1, 1, 1) if layout == "chw" else -1)
    expected = np.where(spread, filling if layout != "grey" else 0.25, images)
    assert np.array_equal(seen, expected)


def test_a_plain_function_is_certified_and_served() -> None:
    def bright(images: npt.NDArray[Any]) -> npt.ArrayLike:
        mean = images.mean(axis=(1, 2, 3))
        return np.stack([0.5 - mean, mean - 0.5], axis=1)

    images = [np.full((4, 6, 3), value) for value in (0.0, 1.0)]
    result = mc.certify(bright, images, [0, 1], MASKS, fill=0.5, batch_size=2)
    assert result.certified.tolist() == [True, True]
    assert mc.defend(bright, result)(images) == [0, 1]
    assert dict(result.fingerprint.entries)["function"].endswith("bright")


def test_a_class_is_no_function() -> None:
    with pytest.raises(InvalidInput, match="no adapter knows a type"):
        as_classifier(Recorder, {})


def test_whole_numbers_are_hidden_by_whole_numbers() -> None:
    called = Recorder()
    images, hidden = [np.full((4, 6), 9, np.uint8)], np.ones((1, 4, 6), np.bool_)
    ArrayClassifier(called, batch_size=1, fill=127).scores(images, hidden)
    assert called.seen[0].dtype == np.uint8
    assert (called.seen[0] == 127).all()
    for fill in (0.5, 256, -1):
        with pytest.raises(InvalidInput, match="uint8 can hold"):
            ArrayClassifier(called, batch_size=1, fill=fill).scores(images, hidden)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"fill": float("nan")}, "fill"),
        ({"fill": ()}, "fill"),
        ({"layout": "nchw"}, "layout"),
        ({"function": 7}, "got int"),
    ],
)
def test_bad_arguments_are_refused(options: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        ArrayClassifier(**{"function": Recorder(), **options})


@pytest.mark.parametrize(
    ("images", "named"),
    [
        ([np.zeros((4, 6, 3)), np.zeros((4, 6, 1))], r"\(4, 6, 1\)"),
        ([np.zeros((6, 4)), np.zeros((6, 4))], r"\(6, 4\)"),
        ([np.zeros((1, 4, 6, 3))] * 2, r"\(1, 4, 6, 3\)"),
        ([[0.0], [0.0]], "list"),
        ([np.zeros((4, 6), np.complex64)] * 2, "complex64"),
    ],
)
def test_images_that_do_not_fit_are_refused(images: Any, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        ArrayClassifier(Recorder(), batch_size=2).scores(images, np.zeros((2, 4, 6), np.bool_))


def test_a_fill_of_other_channels_than_the_images_is_refused() -> None:
    with pytest.raises(InvalidInput, match="each of 3 channels"):
        ArrayClassifier(Recorder(), batch_size=1, fill=(0.0, 1.0)).scores(
            [np.zeros((4, 6, 3))], np.zeros((1, 4, 6), np.bool_)
        )
