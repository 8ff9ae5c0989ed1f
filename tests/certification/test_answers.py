"""Answers of any kind: certificates that no attack breaks, and all that needs scores is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import maskcover as mc
from maskcover import FingerprintMismatch, InvalidInput, MaskedAnswers, ProbeFailed, UndecidedPrediction
from maskcover.certification import predict_with
from maskcover.classifiers import evaluator_of
from maskcover.classifiers.interned import AnyAnswer
from maskcover.testing import World
from maskcover.testing.procedures import WORLDS

HIDDEN = 2
WORDS: tuple[AnyAnswer, ...] = ("stop", ("go", 3), 7)
VOTES = World(mc.bands(width=2, image_size=(1, 6)), "squares(size=1)")
PROCEDURES = {
    "double_masking()": WORLDS,
    "double_masking(rule='all-pairs')": WORLDS,
    "double_masking(first_round='pairs')": WORLDS,
    "challenger_masking()": WORLDS,
    "detection(threshold=0)": WORLDS,
    "voting()": (VOTES,),
}


class Reading:
    """A random function from what is visible to words; it is right about most views of one image."""

    def __init__(self, chance: np.random.Generator, views: npt.NDArray[Any], true: AnyAnswer, wrong: int) -> None:
        self._views = {view.tobytes(): true for view in views}
        for number in chance.choice(len(views), size=min(wrong, len(views)), replace=False).tolist():
            self._views[views[number].tobytes()] = WORDS[int(chance.integers(len(WORDS)))]
        self._seed = int(chance.integers(1 << 30))

    def __call__(self, images: npt.NDArray[Any]) -> list[AnyAnswer]:
        return [self._views.get(image.tobytes(), self._any(image)) for image in images]

    def _any(self, image: npt.NDArray[Any]) -> AnyAnswer:
        chance = np.random.default_rng([self._seed, *image.ravel().tolist()])
        return (*WORDS, None, f"word {chance.integers(3)}")[int(chance.integers(5))]


def cases(worlds: tuple[World, ...]) -> Iterator[tuple[World, MaskedAnswers, npt.NDArray[Any], AnyAnswer]]:
    chance = np.random.default_rng(0)
    for world in worlds:
        for number in range(24):
            image = chance.integers(0, 2, world.masks.grid.shape)
            hidden = np.concatenate([np.asarray(world.masks), np.zeros((1, *image.shape), np.bool_)])
            unions = np.stack([first | second for first in hidden for second in hidden])
            true = WORDS[number % len(WORDS)]
            reading = Reading(chance, np.unique(np.where(unions, HIDDEN, image), axis=0), true, wrong=number % 4)
            identity = {"function": f"reading {number}"}
            yield world, MaskedAnswers(reading, batch_size=4, fill=HIDDEN, identity=identity), image, true


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_no_certificate_of_an_answer_is_broken_by_any_attack(procedure: str) -> None:
    certified = lost = 0
    for world, reader, image, true in cases(PROCEDURES[procedure]):
        result = mc.certify(reader, [image], [true], world.masks, regions=world.regions, procedure=procedure)
        lost += not result.certified[0]
        if result.certified[0]:
            certified += 1
            attacked = list(world.attacked(image))
            # A new reader, as in another process: it meets the answers in another order.
            other = MaskedAnswers(reader._function, batch_size=4, fill=HIDDEN)  # type: ignore[arg-type]
            answers = predict_with(evaluator_of(other, result.masks), attacked, result.procedure)
            for answer in answers:
                assert getattr(answer, "value", None) == true or (answer.alert and result.procedure.may_alert)
    assert certified
    assert lost


class Columns:
    """Gives each view of one column its own answer."""

    def __init__(self, answers: list[AnyAnswer]) -> None:
        self._answers = answers

    def __call__(self, images: npt.NDArray[Any]) -> list[AnyAnswer]:
        return [self._answers[int((image[0] != HIDDEN).argmax())] for image in images]


def test_a_tie_of_votes_is_not_certified_whatever_the_numbers_are() -> None:
    """Of five votes three are right, one is another answer, one none: one touched view makes two against two."""
    views = mc.bands(width=1, image_size=(1, 5))
    for word in map(str, range(12)):  # of some the number is smaller than that of "b", of others larger
        tied, sure = (Columns([word, word, word, *rest]) for rest in (["b", None], [None, None]))
        for reading, certified in ((tied, False), (sure, True)):
            reader = MaskedAnswers(reading, fill=HIDDEN)
            image = np.ones((1, 5), np.int64)
            result = mc.certify(reader, [image], [word], views, regions="squares(size=1)", procedure="voting()")
            assert result.certified.tolist() == [certified]


def shade(images: npt.NDArray[Any]) -> list[str]:
    return ["dark" if image.mean() < 0.5 else "bright" for image in images]


MASKS = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
IMAGES = np.stack([np.zeros((12, 12)), np.ones((12, 12))])


def test_results_name_the_answers_and_serving_returns_them() -> None:
    result = mc.certify(shade, IMAGES, ["dark", "dark"], MASKS, task="answers", fill=0.5)
    assert isinstance(result, mc.AnswersResult)
    assert result.certified.tolist() == [True, False]
    assert result.labels.tolist() == ["dark", "dark"]
    assert result.defended.tolist() == result.undefended.tolist() == ["dark", "bright"]
    assert "1 of 2 images certified" in str(result)
    assert "1 defended, 1 undefended" in str(result)
    for model in (shade, MaskedAnswers(shade, fill=0.5)):
        defended = mc.defend(model, result)
        assert defended(IMAGES) == ["dark", "bright"]
        assert [answer.value for answer in defended.stream(iter(IMAGES))] == ["dark", "bright"]
        assert [str(answer) for answer in mc.predict(model, IMAGES, result)] == ["'dark' (agreed)", "'bright' (agreed)"]


def test_answers_of_tuples_stay_one_an_image() -> None:
    reader = MaskedAnswers(lambda images: [("dark", int(image.max())) for image in images])
    result = mc.certify(reader, IMAGES, [("dark", 0), ("dark", 1)], MASKS)
    assert result.defended.shape == (2,)
    assert result.defended.tolist() == [("dark", 0), ("dark", 1)]
    assert result.certified.tolist() == [True, True]


def test_another_function_is_refused_when_it_serves() -> None:
    result = mc.certify(shade, IMAGES, ["dark", "bright"], MASKS, task="answers", fill=0.5)

    def other(images: npt.NDArray[Any]) -> list[str]:
        return ["dark" if image.mean() < 0.6 else "bright" for image in images]

    with pytest.raises(FingerprintMismatch, match="function"):
        mc.defend(other, result)
    with pytest.raises(FingerprintMismatch, match="fill"):
        mc.defend(shade, result, fill=0.25)


def test_a_function_with_a_memory_is_caught_when_it_serves() -> None:
    """The reference answers notice what no fingerprint names."""
    level = [0.5]
    reader = MaskedAnswers(
        lambda images: ["dark" if image.mean() < level[0] else "bright" for image in images],
        identity={"function": "shade"},
    )
    result = mc.certify(reader, IMAGES, ["dark", "bright"], MASKS)
    served = mc.defend(reader, result)
    assert served(IMAGES) == ["dark", "bright"]
    level[0] = 0.0
    with pytest.raises(FingerprintMismatch, match="reference batch"):
        served(IMAGES)


def test_no_answer_is_never_certified_and_not_served() -> None:
    reader = MaskedAnswers(lambda images: [None for _ in images])
    result = mc.certify(reader, IMAGES[:1], ["dark"], MASKS)
    assert not result.certified.any()
    assert result.defended.tolist() == [None]
    with pytest.raises(UndecidedPrediction):
        mc.defend(reader, MASKS)(IMAGES[:1])
    with pytest.raises(InvalidInput, match="image 0 is None"):
        mc.certify(reader, IMAGES[:1], [None], MASKS)


def test_an_alert_is_no_answer() -> None:
    """−1 could be an answer, so an alert is None."""
    reader = MaskedAnswers(lambda images: [-1 if image[0, 0] else 1 for image in images])
    result = mc.certify(reader, IMAGES, [-1, 1], MASKS, procedure="detection(threshold=0)")
    assert mc.defend(reader, result)(IMAGES) == [1, None]
    assert result.alerts.tolist() == [False, True]


SCORED = (
    "detection(threshold=0.5)", "detection(threshold=0, alert_below=0.5)", "robust_masking()", "intervals()",
    "voting(threshold=0.5)", "voting(evidence='clip(0, 1)')",
)  # fmt: skip


@pytest.mark.parametrize("procedure", SCORED)
def test_procedures_that_compare_scores_are_refused(procedure: str) -> None:
    masks, regions = (VOTES.masks, VOTES.regions) if "voting" in procedure else (MASKS, None)
    images = [np.ones(masks.grid.shape)]
    with pytest.raises(InvalidInput, match=r"needs (scores|certain labels)"):
        mc.certify(shade, images, ["dark"], masks, regions=regions, task="answers", procedure=procedure)
    with pytest.raises(InvalidInput, match=r"needs (scores|certain labels)"):
        mc.defend(MaskedAnswers(shade), masks, procedure=procedure)(images)


def test_a_curve_over_confidences_is_refused() -> None:
    with pytest.raises(InvalidInput, match="scores"):
        mc.detection_curve(MaskedAnswers(shade), IMAGES, [0, 1], MASKS)


@pytest.mark.parametrize("options", [{"min_margin": 0.1}, {"numerics": "margin"}])
def test_margins_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="answers without scores"):
        mc.certify(shade, IMAGES, ["dark", "bright"], MASKS, task="answers", **options)


def test_no_margin_replaces_answers_that_do_not_repeat() -> None:
    """A function that looks at hidden pixels, at other rows, or at a counter stops the certification."""
    calls = [0]

    def counting(images: npt.NDArray[Any]) -> list[str]:
        calls[0] += 1
        return [f"call {calls[0] // 3}" for _ in images]

    def beside(images: npt.NDArray[Any]) -> list[str]:
        return [f"{np.nan_to_num(images).mean():.3f}" for _ in images]

    for function, size in ((counting, 1), (beside, 4)):
        reader = MaskedAnswers(function, batch_size=size, identity={"function": "bad"})
        with pytest.raises(ProbeFailed, match="No margin allows"):
            mc.certify(reader, IMAGES, ["call 0", "call 0"], MASKS)


def test_rows_that_are_nearly_undecided_are_mixed_from_nearby_answers() -> None:
    """Without scores the probes look for another answer among the images, and mix the two."""
    seen = list[float]()

    def watch(images: npt.NDArray[Any]) -> list[str]:
        seen.extend(float(image[-1, -1]) for image in images)
        return shade(images)

    reader = MaskedAnswers(watch, batch_size=8, fill=0.5, identity={"function": "watch"})
    mc.certify(reader, IMAGES, ["dark", "bright"], MASKS)
    assert len({round(value, 2) for value in seen if 0 < value < 1}) > 4  # the fill, noise, and eight mixtures


class Peeking(MaskedAnswers):
    """Looks under the masks."""

    def answers(self, images: Any, hidden: Any) -> list[AnyAnswer]:  # noqa: ARG002  # that is the fault
        return [f"{np.nan_to_num(image).mean():.3f}" for image in images]


def test_hidden_pixels_are_probed() -> None:
    with pytest.raises(ProbeFailed, match="hidden pixels"):
        mc.certify(Peeking(shade), IMAGES, ["dark", "dark"], MASKS)


@pytest.mark.parametrize(
    ("labels", "text"), [(["dark"], "2 true answers"), ("dark", "2 true answers"), (["a", ["b"]], "got list")]
)
def test_labels_that_do_not_fit_are_refused(labels: Any, text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        mc.certify(shade, IMAGES, labels, MASKS, task="answers")


@pytest.mark.parametrize(
    ("output", "text"),
    [("dark", "expected a list of 1"), (["a", "b"], "one answer for each of 1"), ([["a"]], "got list")],
)
def test_outputs_that_do_not_fit_are_refused(output: Any, text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        mc.certify(lambda _: output, IMAGES, ["dark", "dark"], MASKS, task="answers", probes=False)


def test_tasks_and_models_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidInput, match="labels, answers"):
        mc.certify(shade, IMAGES, ["dark", "dark"], MASKS, task="words")  # type: ignore[call-overload]
    with pytest.raises(InvalidInput, match="no class numbers"):
        mc.certify(MaskedAnswers(shade), IMAGES, [0, 1], MASKS, task="labels")
    with pytest.raises(InvalidInput, match="already"):
        mc.certify(MaskedAnswers(shade), IMAGES, ["dark", "dark"], MASKS, fill=0.5)
    with pytest.raises(InvalidInput, match="needs a function"):
        mc.certify("tesseract", IMAGES, ["dark", "dark"], MASKS, task="answers")


def test_an_explanation_names_answers() -> None:
    why = mc.explain(shade, IMAGES, MASKS, number=1, label="dark", task="answers", fill=0.5)
    assert not why.certified
    assert "label 'dark': not certified" in str(why)
    assert "under one mask: 'bright' (9 masks)" in str(why)
