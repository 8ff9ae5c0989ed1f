"""Runs of the first k labels: an image is right if its label is among them, in rows, rates, questions and reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import maskcover as mc
from maskcover import Detection, MaskSet, Voting
from maskcover.classifiers import UNDECIDED
from maskcover.defense import Procedure
from maskcover.report import to_markdown
from maskcover.runs import open_run, replay, run

SIDE, COUNT = 8, 40
GREYS = np.array([-0.45, -0.15, 0.15, 0.45])
BANDS = mc.bands(width=1, image_size=SIDE)
COVER = mc.cover(mc.squares(size=2), image_size=SIDE, grid=(3, 3))
CASES: dict[str, tuple[Procedure, MaskSet]] = {
    "votes": (Voting(top=2), BANDS),
    "votes above a threshold": (Voting(threshold=0.3, top=2), BANDS),
    "evidence": (Voting(evidence="clip(0, 1)", top=2), BANDS),
    "detection": (Detection(0.2, top=2), COVER),
}


def nearest(images: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Four classes: the grey that is nearest to the mean of all pixels that are not 0, which is the fill."""
    shown = np.maximum((images != 0).sum(axis=(1, 2)), 1)
    mean = images.sum(axis=(1, 2)) / shown
    scores: npt.NDArray[np.float64] = 4 * (0.5 - np.abs(mean[:, None] - GREYS - np.arange(4) / 1000))
    return scores


def world() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Images whose columns have one of four greys each, mostly one and some of another; labels of both kinds."""
    chance = np.random.default_rng(5)
    first, second = chance.integers(4, size=COUNT), chance.integers(4, size=COUNT)
    columns = np.where(
        chance.random((COUNT, SIDE)) < np.linspace(0, 0.5, COUNT)[:, None], second[:, None], first[:, None]
    )
    labels = np.where(np.arange(COUNT) % 3 == 0, first, np.where(np.arange(COUNT) % 3 == 1, second, 3 - first))
    return np.repeat(GREYS[columns][:, None], SIDE, axis=1), labels


def options_of(name: str) -> dict[str, Any]:
    """The options of a case for `certify` and `run`."""
    regions = "squares(size=2)" if name == "detection" else "squares(size=1)"
    return {"regions": regions, "procedure": CASES[name][0], "batch_size": 4, "fill": 0.0}


@pytest.mark.parametrize("name", CASES)
def test_rows_count_a_label_among_the_first_ones_as_right(name: str, tmp_path: Path) -> None:
    (images, labels), masks = world(), CASES[name][1]
    result = mc.certify(nearest, images, labels, masks, **options_of(name))
    right = np.array([verdict.right for verdict in result.verdicts])
    second = np.array([verdict.right and verdict.defended.label != verdict.label for verdict in result.verdicts])
    assert result.certified.any()
    assert (second & result.certified).any()
    assert (~right).any()
    assert result.alerts.any() == (name == "detection")
    assert (right >= (result.certified & ~result.alerts)).all()
    assert np.array_equal(result.defended == labels, right)
    firsts = [UNDECIDED if verdict.defended.alert else verdict.defended.label for verdict in result.verdicts]
    assert np.array_equal(result.defended[~right], np.array(firsts)[~right])
    summary = run(nearest, images, labels, masks, tmp_path, shard_size=16, **options_of(name))
    assert (summary.defended, summary.certified) == (right.sum(), result.certified.sum())
    opened = open_run(tmp_path)
    assert np.array_equal(opened.defended, result.defended)
    assert np.array_equal(opened.certified(), result.certified)
    assert opened.summary().defended == right.sum()
    assert replay(tmp_path, nearest, images, labels, batch_size=4, fill=0.0).flips == ()


def test_a_finished_run_of_votes_answers_for_other_numbers_of_first_labels(tmp_path: Path) -> None:
    images, labels = world()
    run(nearest, images, labels, BANDS, tmp_path, **options_of("votes"))
    opened, counts = open_run(tmp_path), []
    for top in (1, 2, 3):
        procedure = Voting(top=top)
        result = mc.certify(nearest, images, labels, BANDS, **options_of("votes") | {"procedure": procedure})
        answers = opened.answers(procedure=procedure)
        assert answers.complete
        assert np.array_equal(answers.certified, result.certified)
        assert np.array_equal(answers.defended, result.defended)
        assert opened.summary(procedure=procedure).defended == int((result.defended == labels).sum())
        counts.append((int((result.defended == labels).sum()), int(result.certified.sum())))
    assert len(set(counts)) == 3
    assert counts == sorted(counts)


def test_rows_of_detection_cannot_be_asked_about_first_labels(tmp_path: Path) -> None:
    images, labels = world()
    run(nearest, images, labels, COVER, tmp_path, **options_of("detection"))
    with pytest.raises(mc.InvalidInput, match="observes more than the labels that rows keep"):
        open_run(tmp_path).certified("squares(size=1)")


@pytest.mark.parametrize("name", CASES)
def test_a_report_says_among_how_many_labels_the_true_one_stays(name: str, tmp_path: Path) -> None:
    (images, labels), masks = world(), CASES[name][1]
    run(nearest, images, labels, masks, tmp_path, **options_of(name))
    facts = open_run(tmp_path).facts()
    assert "the defended model has the true label among its first 2 labels" in facts.claim
    assert facts.claim.endswith("or raises an alert.") == (name == "detection")
    assert "answers the true label" not in to_markdown(facts)
    assert "An image is right with it if its true label is among them" in " ".join(facts.remarks)
    rates = dict(facts.rates)
    assert rates["right with the defence"].count == int((open_run(tmp_path).defended == labels).sum())
    if name != "detection":
        assert rates["right with the defence"].count >= rates["certified"].count


def test_a_comparison_says_that_certified_means_something_else(tmp_path: Path) -> None:
    images, labels = world()
    for name, top in (("one", 1), ("two", 2)):
        run(nearest, images, labels, BANDS, tmp_path / name, **options_of("votes") | {"procedure": Voting(top=top)})
    compared = mc.compare(tmp_path / "one", tmp_path / "two")
    assert "the true label is among them" in str(compared)
    assert "the true label is among them" not in str(mc.compare(tmp_path / "two", tmp_path / "two"))


@pytest.mark.parametrize("name", CASES)
def test_a_result_says_what_certified_means(name: str) -> None:
    (images, labels), masks = world(), CASES[name][1]
    text = str(mc.certify(nearest, images, labels, masks, **options_of(name)))
    assert "images certified to have their label among the first 2" in text
    assert (", or to get an alert" in text) == (name == "detection")


@pytest.mark.parametrize("name", CASES)
def test_a_defended_model_gives_its_first_labels(name: str) -> None:
    (images, labels), masks = world(), CASES[name][1]
    result = mc.certify(nearest, images, labels, masks, **options_of(name))
    served = mc.defend(nearest, result)(images)
    for value, verdict in zip(served, result.verdicts, strict=True):
        assert value == (UNDECIDED if verdict.defended.alert else getattr(verdict.defended, "labels"))  # noqa: B009
    assert any(isinstance(value, tuple) and len(value) == 2 for value in served)


@pytest.mark.parametrize("name", CASES)
def test_an_explanation_names_the_first_labels(name: str) -> None:
    (images, labels), masks = world(), CASES[name][1]
    result = mc.certify(nearest, images, labels, masks, **options_of(name))
    second = [verdict.right and verdict.defended.label != verdict.label for verdict in result.verdicts]
    number = second.index(True)
    why = mc.explain(nearest, images, masks, number=number, label=int(labels[number]), **options_of(name))
    assert why.answer == result.verdicts[number].defended
    assert why.certified == result.certified[number]
    first, other = why.answer.labels  # type: ignore[attr-defined]  # it has several
    assert f"defended {first}, {other} (" in str(why)
    assert other == labels[number]


def test_a_function_that_gives_answers_has_no_first_labels() -> None:
    def reads(images: Any) -> list[str]:
        return ["dark" if image.mean() < 0 else "bright" for image in images]

    images, labels = world()[0][:2], ["dark", "bright"]
    for procedure, masks in ((Voting(top=2), BANDS), (Detection(0.0, top=2), COVER)):
        with pytest.raises(
            mc.InvalidInput, match=r"top=2\) \(.* labels\) needs scores, and this classifier gives answers without any"
        ):
            mc.certify(
                reads, images, labels, masks, task="answers", regions="squares(size=2)", procedure=procedure,
                batch_size=4, fill=0.0,
            )  # fmt: skip
