"""What is decided for a whole batch, or leaks between some rows only, is stopped by the probes (threats.md, 43)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from maskcover import certify, cover, squares
from maskcover.classifiers import evaluator_of, margins, top_labels
from maskcover.engine import probe
from maskcover.engine.probes import _patterns, probe_rows
from maskcover.errors import ProbeFailed
from tests.defense.naive import BoolArray
from tests.engine.test_probes import MASKS, SIDE, WEIGHTS, Model, Scores, scored, shown

Scoring = Callable[[Model, Sequence[Any], BoolArray], Scores]
SIZES = pytest.mark.parametrize("batch_size", [2, 3, 4, 8, 16])
TOWARDS = WEIGHTS.T.reshape(3, SIDE, SIDE)


def photos() -> list[Any]:
    """Images of three labels, clearly decided: each leans towards the weights of its class."""
    rng = np.random.default_rng(4)
    lean = 0.1 * (TOWARDS - TOWARDS.mean(axis=0))
    return [np.clip(0.5 + lean[number % 3] + 0.01 * rng.normal(size=(SIDE, SIDE)), 0, 1) for number in range(10)]


IMAGES = photos()
LABELS = top_labels(scored(np.stack(IMAGES))).tolist()
BARE = margins(scored(np.stack(IMAGES)))


def exits_early(decided: Callable[[Any], Any]) -> Scoring:
    """A cheaper head, a little different, where a whole batch is said to be decided clearly."""

    def scoring(_: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
        scores = scored(shown(images, hidden))
        finite = np.isfinite(scores).all()
        return scores * (1 + 1e-9) if finite and decided(margins(scores) > 0.5 * BARE.min()) else scores

    return scoring


def leaks_into_the_middle(_: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
    """One row that overflows is felt by its neighbours, but neither by the first nor by the last row."""
    views = shown(images, hidden)
    scores = scored(views)
    felt = np.array([bool((np.abs(views[max(0, row - 1) : row]) > 1e6).any()) for row in range(len(views))])
    felt[[0, -1]] = False
    return scores * np.where(felt, 1 + 1e-9, 1.0)[:, None]


def feels_another_class(_: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
    """A row is scored otherwise beside an ordinary, clearly decided row of another label."""
    views = shown(images, hidden)
    scores = scored(views)
    ordinary = np.array([bool(((view >= 0) & (view <= 1)).all()) for view in views])
    labels, clear = top_labels(scores), ordinary & (margins(scores) > 0.5 * BARE.min())
    before = np.roll(np.arange(len(views)), 1)
    felt = clear & clear[before] & (labels != labels[before])
    return scores * np.where(felt, 1 + 1e-9, 1.0)[:, None]


def feels_a_close_decision(_: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
    """A clearly decided row is scored otherwise beside an ordinary row that is nearly tied."""
    views = shown(images, hidden)
    scores = scored(views)
    ordinary = np.array([bool(((view >= 0) & (view <= 1)).all()) for view in views])
    lead = margins(scores)
    felt = (lead > 0.5) & np.roll(ordinary & (lead < 0.05), 1)
    return scores * np.where(felt, 1 + 1e-9, 1.0)[:, None]


def has_a_capacity(_: Model, images: Sequence[Any], hidden: BoolArray) -> Scores:
    """An expert for each label takes half of a batch, and the later rows of that label get nobody."""
    scores = scored(shown(images, hidden))
    labels = top_labels(scores)
    turn = np.array([(labels[:row] == labels[row]).sum() for row in range(len(labels))])
    return scores * np.where(2 * turn < len(labels), 1.0, 0.5)[:, None]


FAULTS: dict[str, Scoring] = {
    "leaves early when all are decided": exits_early(lambda clear: clear.all()),
    "leaves early when one is decided": exits_early(lambda clear: clear.any()),
    "leaves early when most are decided": exits_early(lambda clear: clear.mean() > 0.6),
    "leaves late when all are close": exits_early(lambda clear: not clear.any()),
    "leaks when a neighbour is of another class": feels_another_class,
    "leaks when a neighbour is nearly tied": feels_a_close_decision,
    "has a capacity": has_a_capacity,
}


@SIZES
@pytest.mark.parametrize("scoring", FAULTS.values(), ids=FAULTS)
def test_threat_43_control_flow_over_a_batch_is_stopped(scoring: Scoring, batch_size: int) -> None:
    with np.errstate(all="ignore"), pytest.raises(ProbeFailed, match="rows"):
        certify(Model(scoring, batch_size), IMAGES, LABELS, MASKS)


@pytest.mark.parametrize("batch_size", [4, 8, 16])
def test_threat_20_a_leak_into_middle_rows_only_is_stopped(batch_size: int) -> None:
    with np.errstate(all="ignore"), pytest.raises(ProbeFailed, match="other rows of 1e"):
        certify(Model(leaks_into_the_middle, batch_size), IMAGES, LABELS, MASKS)


@SIZES
def test_a_good_classifier_of_the_same_images_passes(batch_size: int) -> None:
    assert certify(Model(batch_size=batch_size), IMAGES, LABELS, MASKS).numerics == "bitwise"


@pytest.mark.parametrize("size", [2, 3, 4, 5, 8, 16, 31])
def test_of_any_two_places_each_is_hostile_while_the_other_is_compared(size: int) -> None:
    def places(chosen: BoolArray) -> list[int]:
        found: list[int] = np.flatnonzero(chosen).tolist()
        return found

    patterns = _patterns(size)
    assert all(0 < pattern.sum() < size for pattern in patterns)
    met = {(bad, kept) for one in patterns for bad in places(one) for kept in places(~one)}
    assert met == {(bad, kept) for bad in range(size) for kept in range(size) if bad != kept}


def strangers(images: Sequence[Any], hidden: BoolArray, place: int) -> BoolArray:
    """The rows that show all of an image, which is another one than the row at this place shows."""
    seen = ~hidden[place]
    other = [not np.array_equal(image[seen], images[place][seen], equal_nan=True) for image in images]
    return np.array(other) & ~hidden.any(axis=(1, 2))


@pytest.mark.parametrize("batch_size", [4, 5, 16])
def test_every_place_of_a_batch_is_probed(batch_size: int) -> None:
    """A single place that feels the others, or that is felt by them, is found wherever it is."""
    for place in range(batch_size):

        def felt(_: Model, images: Sequence[Any], hidden: BoolArray, place: int = place) -> Scores:
            scores = scored(shown(images, hidden))
            scores[place] += 1e-9 * bool(strangers(images, hidden, place).any())
            return scores

        def feels(_: Model, images: Sequence[Any], hidden: BoolArray, place: int = place) -> Scores:
            scores = scored(shown(images, hidden))
            # The others feel that this row is a stranger among them.
            apart = bool(strangers(images, hidden, place).any())
            return scores + np.where(np.arange(len(scores)) == place, 0.0, 1e-9 * apart)[:, None]

        for scoring in (felt, feels):
            with np.errstate(all="ignore"), pytest.raises(ProbeFailed, match="other rows"):
                certify(Model(scoring, batch_size), IMAGES[:1], LABELS[:1], MASKS)


@pytest.mark.parametrize("images", [1, 2, 10])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 8, 16, 40])
def test_the_probes_take_no_more_rows_than_they_say(batch_size: int, images: int) -> None:
    model, masks = Model(batch_size=batch_size), cover(squares(size=1), image_size=SIDE, grid=(6, 6))
    asked = evaluator_of(model, masks)
    loaded = [asked.load(image) for image in IMAGES[:images]]
    assert probe(asked, loaded[0], loaded[1:]).bitwise
    assert model.calls * batch_size <= probe_rows(batch_size, min(3, images - 1))
    assert model.calls * batch_size <= probe_rows(batch_size)


def test_the_probes_take_a_tenth_of_a_run_of_ten_images_where_batches_are_of_at_most_sixteen() -> None:
    whole = 10 * (1 + 36 + 36 * 35 // 2)
    assert [size for size in range(1, 33) if 10 * probe_rows(size) <= whole][-1] == 20
