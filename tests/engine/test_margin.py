"""The margin: a right prediction that leads by too little may be rounded to another label, and certifies nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from maskcover import InvalidInput, certify, cover, predict, squares
from maskcover.classifiers import UNDECIDED, margins, top_labels
from maskcover.runs import run

MASKS = cover(squares(size=2), image_size=8, grid=(2, 2))
IMAGE = np.zeros((1, 8, 8))


class Leading:
    """Gives class 1 everywhere, with a lead that is smaller while the first mask hides."""

    batch_size = 4

    def __init__(self, lead: float) -> None:
        self.lead = lead

    def scores(self, images: Sequence[Any], hidden: npt.NDArray[np.bool_]) -> npt.ArrayLike:
        first = np.array([hide[:2, :2].all() for hide in hidden])
        return np.stack([np.where(first, 1.0 - self.lead, 0.5), np.ones(len(images))], axis=1)


@pytest.mark.parametrize(("lead", "certified"), [(0.0, False), (0.01, False), (0.0625, False), (0.125, True)])
def test_only_a_lead_above_the_margin_certifies(lead: float, certified: bool) -> None:
    for rule in ("rows", "all-pairs"):
        result = certify(Leading(lead), IMAGE, [1], MASKS, min_margin=0.0625, rule=rule)
        assert result.certified.tolist() == [certified]


@pytest.mark.parametrize("lead", [0.125, 0.25])
def test_the_smallest_lead_is_kept_and_a_margin_of_that_size_would_not_certify(lead: float) -> None:
    (verdict,) = certify(Leading(lead), IMAGE, [1], MASKS).verdicts
    assert verdict.margin == lead
    assert not certify(Leading(lead), IMAGE, [1], MASKS, min_margin=lead).certified.any()


def test_serving_needs_no_margin() -> None:
    assert [one.label for one in predict(Leading(1e-9), IMAGE, MASKS)] == [1]


@pytest.mark.parametrize("margin", [-0.1, 1.0, float("nan"), float("inf"), True, "0.1"])
def test_a_margin_is_a_share(margin: Any) -> None:
    with pytest.raises(InvalidInput, match="margin"):
        certify(Leading(0.5), IMAGE, [1], MASKS, min_margin=margin)


def test_leads_are_shares_of_the_largest_score() -> None:
    scores = [[4.0, 1.0, 0.0], [-1.0, -4.0, -2.0], [1e-30, 0.0, 0.0], [0.0, 0.0, -1.0], [np.nan, 1.0, 0.0]]
    assert margins(scores).tolist() == [0.75, 0.25, 1.0, 0.0, 0.0]


def test_scores_too_large_to_subtract_have_no_lead() -> None:
    huge = np.finfo(np.float64).max
    assert margins([[huge, -huge]]).tolist() == [0.0]
    assert top_labels([[huge, -huge]]).tolist() == [0]


def test_no_label_has_no_lead() -> None:
    scores = np.random.default_rng(0).choice([0.0, 1.0, np.inf, np.nan], size=(200, 3))
    undecided = top_labels(scores) == UNDECIDED
    assert undecided.any()
    assert (margins(scores)[undecided] == 0).all()
    assert (margins(scores)[~undecided] > 0).all()


class Absolute:
    """Scores [−f, f]: f is how far the brightest pixel lies above a quarter, rounded at the last rows of a batch."""

    batch_size = 4

    def scores(self, images: Sequence[Any], hidden: npt.NDArray[np.bool_]) -> npt.ArrayLike:
        above = np.array([image[~hide].max() - 0.25 for image, hide in zip(images, hidden, strict=True)])
        above[2:] -= 1e-8  # which does not shrink with f: the numbers that were summed were large
        return np.stack([-above, above], axis=1)


@pytest.mark.filterwarnings("ignore:on this machine a row's place")
@pytest.mark.parametrize("margin", [None, 1e-4])
def test_a_row_whose_scores_are_all_small_leads_by_little(margin: float | None) -> None:
    """Measured by itself alone it would lead by 2, which no margin exceeds."""
    clear, near = np.full((8, 8), 1.0), np.full((8, 8), 0.25 + 3e-7)
    result = certify(Absolute(), np.stack([clear, near]), [1, 1], MASKS, min_margin=margin)
    assert (result.numerics, result.defended.tolist()) == ("margin", [1, 1])
    assert result.certified.tolist() == [True, False]


@pytest.mark.filterwarnings("ignore:on this machine a row's place")
def test_a_run_that_goes_on_measures_leads_as_it_did(tmp_path: Path) -> None:
    images = np.stack([np.full((8, 8), 1.0), np.full((8, 8), 0.25 + 3e-7)])
    for part in (0, 1):
        done = run(Absolute(), images, [1, 1], MASKS, tmp_path, shard_size=1, shard=(part, 2))
    assert (done.rows, done.certified) == (2, 1)
