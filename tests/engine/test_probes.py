"""Before a run the probes stop every classifier that breaks what a certificate takes for granted (threats.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskcover import InvalidInput, certify, cover, squares
from maskcover.classifiers import evaluator_of
from maskcover.engine import probe
from maskcover.engine.probes import Finding, ProbeReport
from maskcover.errors import ProbeFailed
from tests.defense.naive import BoolArray

SIDE = 8
MASKS = cover(squares(size=2), image_size=SIDE, grid=(3, 3))
IMAGES = np.random.default_rng(0).uniform(0.1, 0.9, (3, SIDE, SIDE))
LABELS = [0, 1, 0]
WEIGHTS = np.random.default_rng(1).normal(size=(SIDE * SIDE, 3))
Views = npt.NDArray[np.float64]
Scores = npt.NDArray[np.float64]


def shown(images: Sequence[Any], hidden: BoolArray) -> Views:
    """The images with zeros where hidden, by selection."""
    return np.where(hidden, 0.0, np.stack(images).astype(np.float64))


def scored(views: Views) -> Scores:
    """Scores of each view by itself: no row is summed with another, whatever the shape of the batch."""
    return np.stack([(WEIGHTS * view.reshape(-1, 1)).sum(axis=0) for view in views])


@dataclass
class Model:
    """A classifier of arrays; it behaves, but for what a test gives it to do."""

    scoring: Callable[[Model, Sequence[Any], BoolArray], Scores] = lambda _, images, hidden: scored(
        shown(images, hidden)
    )
    batch_size: int = 5
    calls: int = 0

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> Scores:
        self.calls += 1
        return self.scoring(self, images, hidden)


def certified(model: Model, images: Any = IMAGES, **options: Any) -> str:
    """The numerics of a certification that was not stopped."""
    return str(certify(model, images, LABELS[: len(images)], MASKS, **options).numerics)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 22, 40])
def test_a_good_classifier_passes_to_the_bit(batch_size: int) -> None:
    result = certify(Model(batch_size=batch_size), IMAGES, LABELS, MASKS)
    assert result.numerics == "bitwise"
    assert result.start.probes.bitwise
    assert result.start.probes.skipped == ()
    names = " ".join(one.probe for one in result.start.probes.findings)
    for value in ("0", "1", "noise", "1e+30", "nan"):
        assert f"hidden pixels of {value}" in names
        assert (f"other rows of {value}" in names) == (batch_size > 1)


# 17: what is hidden is seen.


def blurred(views: Views) -> Views:
    return (views + np.roll(views, 1, axis=1) + np.roll(views, 1, axis=2)) / 3


SEEN: dict[str, Callable[[Model, Sequence[Any], BoolArray], Scores]] = {
    "a blur before the mask": lambda _, images, hidden: scored(np.where(hidden, 0.0, blurred(np.stack(images)))),
    "a shift after the mask's drawing": lambda _, i, hidden: scored(shown(i, np.roll(hidden, 1, axis=2))),
    "a resize of the mask": lambda _, i, hidden: scored(shown(i, hidden[:, ::2, ::2].repeat(2, 1).repeat(2, 2))),
    "multiplication": lambda _, images, hidden: scored(np.stack(images) * ~hidden),
    "the fill is the mean of all": lambda _, i, hidden: scored(
        np.where(hidden, np.stack(i).mean(axis=(1, 2), keepdims=True), np.stack(i))
    ),
    "a last row that is never hidden": lambda _, i, hidden: scored(shown(i, hidden & (np.arange(SIDE) < SIDE - 1))),
    "nothing is hidden": lambda _, images, hidden: scored(np.stack(images) + 0.0 * hidden),
}


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("scoring", SEEN.values(), ids=SEEN)
def test_threat_17_a_classifier_that_sees_hidden_pixels_is_stopped(scoring: Any, batch_size: int) -> None:
    for margin in (None, 0.5):
        with np.errstate(all="ignore"), pytest.raises(ProbeFailed, match="hidden pixels") as caught:
            certified(Model(scoring, batch_size), min_margin=margin)
        assert "a crop, a resize or a window inside the model" in str(caught.value)
        assert "a certificate could not be relied on" in str(caught.value)


# 20: rows influence each other.


def quantised(_: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
    views = shown(images, hidden)
    with np.errstate(all="ignore"):
        step = np.abs(views).max() / 127
        return scored(np.round(views / step) * step)


def routed(_: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
    # At most two rows go to the expert; the brighter ones are served first.
    scores, views = scored(shown(images, hidden)), shown(images, hidden)
    served = np.argsort(-np.nan_to_num(views).sum(axis=(1, 2)), kind="stable")[:2]
    return np.where(np.isin(np.arange(len(scores)), served)[:, None], scores, 0.5 * scores)


INFLUENCED: dict[str, Callable[[Model, Sequence[Any], BoolArray], Scores]] = {
    "batch statistics": lambda _, images, hidden: scored(shown(images, hidden) - shown(images, hidden).mean(axis=0)),
    "dynamic quantisation": quantised,
    "routing with a capacity": routed,
    "softmax over the batch": lambda _, i, h: scored(shown(i, h)) / np.abs(scored(shown(i, h))).sum(axis=0),
    "the neighbour's row": lambda _, i, h: scored(shown(i, h)) + 1e-3 * np.roll(scored(shown(i, h)), 1, axis=0),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8, np.int16])
@pytest.mark.parametrize("scoring", INFLUENCED.values(), ids=INFLUENCED)
def test_threat_20_rows_that_influence_each_other_are_stopped(scoring: Any, dtype: Any) -> None:
    images = IMAGES.astype(dtype) if np.dtype(dtype).kind == "f" else (200 * IMAGES[:1]).astype(dtype)
    with np.errstate(all="ignore"), pytest.raises(ProbeFailed, match="rows"):
        certified(Model(scoring, batch_size=6), images, min_margin=1e-5)


# 21: places in the batch round differently.


def rounding(share: float) -> Callable[[Model, Sequence[Any], BoolArray], Scores]:
    def scoring(_: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
        scores = scored(shown(images, hidden))
        return scores * np.where(np.arange(len(scores)) == len(scores) - 1, 1 + share, 1.0)[:, None]

    return scoring


def test_threat_21_a_tiny_difference_between_rows_stops_where_bits_are_wanted_and_goes_on_with_a_margin() -> None:
    model = Model(rounding(1e-6))
    told = r"Type min_margin=0\.0001 \(--min-margin 0\.0001\) or a classifier whose batch_size is 1"
    with pytest.raises(ProbeFailed, match=told):
        certified(model, numerics="bitwise")
    with pytest.raises(ProbeFailed, match=told):
        certified(model, min_margin=0.0)
    result = certify(model, IMAGES, LABELS, MASKS, min_margin=1e-4)
    assert (result.numerics, result.min_margin) == ("margin", 1e-4)
    assert certified(Model(rounding(1e-6), batch_size=1)) == "bitwise"


def test_threat_21_a_difference_that_is_too_large_for_the_margin_stops() -> None:
    with pytest.raises(ProbeFailed, match="No margin allows for that"):
        certified(Model(rounding(1e-2)), min_margin=1e-3)
    assert certified(Model(rounding(1e-2)), min_margin=0.1) == "margin"


def test_the_advice_is_the_classifiers_own_margin() -> None:
    model = Model(rounding(1e-3))
    vars(model)["margin"] = 0.0625
    with pytest.raises(ProbeFailed, match=r"min_margin=0\.0625"):
        certified(model)
    vars(model)["margin"] = 1e-3  # of which half is less than what was seen
    with pytest.raises(ProbeFailed, match="No margin allows for that"):
        certified(model)


@given(st.floats(1e-12, 0.4), st.floats(0, 0.9))
def test_half_the_margin_is_the_limit(deviation: float, margin: float) -> None:
    report = ProbeReport((Finding("one", True, 0.0), Finding("two", False, deviation, scale=1.0, gap=deviation)))
    assert report.within(margin) == (deviation <= margin / 2)
    assert "two" in str(report.failure(margin, 1e-4))
    assert not report.bitwise


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=4), st.floats(1e-6, 0.5), st.data())
def test_moves_of_half_the_margin_never_turn_a_firm_lead(row: list[float], margin: float, data: Any) -> None:
    """The arithmetic on which `numerics == "margin"` stands, in the worst case: the top falls, the others rise."""
    scores = np.array(row)
    top, scale = int(scores.argmax()), float(np.abs(scores).max())
    second = float(np.sort(scores)[-2])
    if scale == 0 or not (scores[top] - second) / scale > margin * (1 + 1e-9):
        return
    share = data.draw(st.floats(0, margin / 2))
    moved = scores + np.where(np.arange(len(row)) == top, -1, 1) * share * scale
    assert int(moved.argmax()) == top


# 22 and 28: what is random, or remembers.


def remembers(model: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
    return scored(shown(images, hidden)) * (1 + 0.01 * model.calls)


def caches(model: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
    kept: dict[int, Scores] = vars(model).setdefault("kept", {})
    return kept.setdefault(id(images[0]), scored(shown(images, hidden)))


def runs_an_average(model: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
    views = shown(images, hidden)
    vars(model)["mean"] = 0.9 * vars(model).get("mean", 0.0) + 0.1 * float(np.nan_to_num(views).mean())
    return scored(views - vars(model)["mean"])


def spoils(_: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
    for image, hide in zip(images, hidden, strict=True):
        image[hide] = 0.0
    return scored(np.stack(images))


def is_random(model: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
    noise: np.random.Generator = vars(model).setdefault("noise", np.random.default_rng(2))
    return scored(shown(images, hidden)) + 1e-2 * noise.normal(size=(len(images), 3))


def reuses_its_output(model: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
    """Random, and always written into the same array: what was kept of it changes along."""
    buffer: Scores = vars(model).setdefault("buffer", np.zeros((len(images), 3)))
    buffer[:] = is_random(model, images, hidden)
    return buffer


STATES = {one.__name__: one for one in (remembers, caches, runs_an_average, spoils, is_random, reuses_its_output)}


@pytest.mark.parametrize("scoring", STATES.values(), ids=STATES)
def test_threats_22_and_28_what_is_random_or_remembers_is_stopped(scoring: Any) -> None:
    with pytest.raises(ProbeFailed, match="scored differently"):
        certified(Model(scoring))


def test_threat_28_a_classifier_whose_words_about_itself_change_during_the_run_is_stopped() -> None:
    @dataclass
    class Drifting(Model):
        @property
        def identity(self) -> dict[str, str]:
            return {"weights": str(self.calls // 200)}

    calls = Model()
    certified(calls)
    assert calls.calls < 200
    model = Drifting(calls=200 - calls.calls + 1)
    with pytest.raises(ProbeFailed, match="weights: 1, not 0"):
        certified(model)
    with pytest.raises(ProbeFailed, match=r"model after some batches \(weights: 1, not 0: a counter.*inf"):
        certified(Drifting(calls=190))


# What is no fault.


def test_images_that_cannot_be_altered_are_named() -> None:
    images = [{"pixels": image} for image in IMAGES]
    model = Model(lambda _, given, hidden: scored(shown([one["pixels"] for one in given], hidden)))
    result = certify(model, images, LABELS, MASKS)
    assert result.start.probes.skipped == ("hidden pixels, other rows: images of type dict cannot be altered",)
    assert not any("hidden" in one.probe for one in result.start.probes.findings)


@pytest.mark.parametrize("shape", [(SIDE, SIDE + 1), (SIDE, 1), (SIDE,), (SIDE, SIDE, SIDE), (2, 2, SIDE, SIDE + 1)])
def test_arrays_that_do_not_say_where_a_pixel_is_are_not_altered(shape: tuple[int, ...]) -> None:
    asked = evaluator_of(Model(), MASKS)
    assert asked.overwritten(np.zeros(shape), np.ones((SIDE, SIDE), dtype=np.bool_), 1.0) is None
    assert asked.overwritten(np.zeros(shape), None, None) is None


@pytest.mark.parametrize("shape", [(SIDE, SIDE), (SIDE, SIDE, 3), (3, SIDE, SIDE)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float16, np.float32, np.float64])
def test_altered_images_differ_where_hidden_and_nowhere_else(shape: tuple[int, ...], dtype: Any) -> None:
    rng = np.random.default_rng(3)
    image, asked = rng.integers(2, 100, shape).astype(dtype), evaluator_of(Model(), MASKS)
    hide = rng.random((SIDE, SIDE)) < 0.5
    inside = np.broadcast_to(hide[..., None] if shape[-1] == 3 else hide, shape)
    for value in (0.0, 1.0, None, 1e30, float("nan")):
        made = asked.overwritten(image, hide, value)
        if value is not None and np.isnan(value) and np.dtype(dtype).kind != "f":
            assert made is None
            continue
        assert made is not None
        assert (made.dtype, made.shape) == (image.dtype, image.shape)
        assert (made[~inside] == image[~inside]).all()
        assert (made[inside] != image[inside]).any()
        if value == 1e30:  # or what comes closest in this dtype
            assert (made[inside] >= np.array(100, dtype)).all()
            assert np.isfinite(made.astype(np.float64)).all()


def test_a_classifier_that_refuses_odd_pixels_is_not_stopped() -> None:
    def strict(_: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
        if not (np.abs(np.stack(images)) <= 1).all():
            raise ValueError("pixels are numbers from -1 to 1")
        return scored(shown(images, hidden))

    result = certify(Model(strict), IMAGES, LABELS, MASKS)
    assert result.numerics == "bitwise"
    assert "hidden pixels of nan: refused by the classifier (ValueError)" in result.start.probes.skipped
    assert "other rows of 1e+30: refused by the classifier (ValueError)" in result.start.probes.skipped


def test_other_classes_for_odd_pixels_are_no_refusal() -> None:
    def narrower(_: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
        return scored(shown(images, hidden))[:, : 3 if (np.abs(np.stack(images)) <= 1).all() else 2]

    with pytest.raises(InvalidInput, match="scores of shape"):
        certified(Model(narrower))


def test_without_probes_nothing_is_asked_and_the_result_says_so() -> None:
    model = Model(is_random)
    result = certify(model, IMAGES, LABELS, MASKS, probes=False)
    assert result.numerics == "not probed"
    assert "predictions were not probed" in str(result)
    assert -(-result.evaluations // 5) <= model.calls <= result.evaluations
    assert certify(Model(), [], [], MASKS).numerics == "not probed"


def test_every_sampled_pair_is_tried_at_any_batch_size() -> None:
    class Leaky(Model):
        """Sees what only the last mask hides."""

        def scores(self, images: Sequence[Any], hidden: BoolArray) -> Scores:
            leaks = (hidden == np.asarray(MASKS)[-1]).all(axis=(1, 2))
            return scored(shown(images, hidden & ~leaks[:, None, None]))

    for batch_size in (1, 3, 30):
        with pytest.raises(ProbeFailed, match="hidden pixels"):
            certified(Leaky(batch_size=batch_size))


def test_a_report_counts_its_worst_finding() -> None:
    asked = evaluator_of(Model(rounding(1e-3)), MASKS)
    report = probe(asked, IMAGES[0])
    assert report.worst is not None
    assert report.worst.deviation == pytest.approx(1e-3, rel=0.01)
    assert "scores changed by 1.0e-03" in str(report.worst)
    assert ProbeReport().worst is None
    assert not ProbeReport().bitwise


def test_images_read_into_one_array_are_not_mixed_up() -> None:
    class Reused:
        """A data set that reads every image into the same memory."""

        buffer = np.zeros((SIDE, SIDE))

        def __len__(self) -> int:
            return len(IMAGES)

        def __getitem__(self, number: int) -> Any:
            self.buffer[:] = IMAGES[number]
            return self.buffer

    found = certify(Model(batch_size=40), Reused(), LABELS, MASKS)
    assert found.verdicts == certify(Model(batch_size=40), IMAGES, LABELS, MASKS).verdicts


def test_random_scores_in_one_array_are_seen_also_where_there_is_one_row() -> None:
    with pytest.raises(ProbeFailed, match="scored differently"):
        certified(Model(reuses_its_output, batch_size=1))


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_one_score_that_turns_non_finite_is_a_change_that_no_margin_makes_up_for(broken: float) -> None:
    def leaks(_: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
        bright = np.array([bool((image[hide] == 1).any()) for image, hide in zip(images, hidden, strict=True)])
        scores = scored(shown(images, hidden))
        scores[bright, 2] = broken
        return scores

    with pytest.raises(ProbeFailed, match=r"hidden pixels of 1: scores changed by inf"):
        certified(Model(leaks), min_margin=0.9)
