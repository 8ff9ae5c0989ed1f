"""Streams: answers in order, few images open at once, and no earlier answer lost to a later fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from maskcover import InvalidInput, cover, defend, predict, squares
from maskcover.certification.streaming import streamed
from maskcover.classifiers.evaluation import evaluator_of
from maskcover.defense import ChallengerMasking, Detection, DoubleMasking, Procedure
from maskcover.engine import Failed

MASKS = cover(squares(size=1), image_size=8, grid=(3, 3))  # none hides a whole quarter
PROCEDURES = [
    DoubleMasking(),
    DoubleMasking(first_round="pairs"),
    ChallengerMasking(),
    ChallengerMasking(first_round="pairs"),
    Detection(0.5),
]


class Quadrants:
    """Calls an image after the quarter with the largest sum; it keeps the number of rows of each batch."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size
        self.batches = 0

    def scores(self, images: Any, hidden: Any) -> Any:
        """Scores (rows, 4); an image of only NaN breaks it."""
        self.batches += 1
        shown = np.where(hidden, 0.0, np.stack(images))
        if np.isnan(shown).all(axis=(1, 2)).any() or any(np.isnan(image).all() for image in images):
            raise RuntimeError("a broken row")
        return np.stack([part.sum(axis=(1, 2)) for half in np.split(shown, 2, 1) for part in np.split(half, 2, 2)], 1)


def images(count: int, seed: int = 0) -> list[Any]:
    """Noise in which some views differ from others; every other image is clear, so that all of its views agree."""
    noise = np.random.default_rng(seed).normal(size=(count, 8, 8))
    noise[::2, :4, :4] += 100.0
    return list(noise)


class Source:
    """An iterable that keeps how many images it gave, and may raise behind the last one."""

    def __init__(self, content: list[Any], error: Exception | None = None) -> None:
        self.content, self.error, self.fetched = content, error, 0

    def __iter__(self) -> Iterator[Any]:
        for image in self.content:
            self.fetched += 1
            yield image
        if self.error is not None:
            raise self.error


def stream(classifier: Any, source: Any, procedure: Procedure = DoubleMasking(), **options: Any) -> Iterator[Any]:  # noqa: B008  # immutable
    return streamed(evaluator_of(classifier, MASKS), source, procedure, **options)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("open_images", [None, 1, 2, 5])
@pytest.mark.parametrize("batch_size", [1, 3, 16])
@pytest.mark.parametrize("procedure", PROCEDURES, ids=str)
def test_answers_are_those_of_predict_in_order(procedure: Procedure, batch_size: int, open_images: int | None) -> None:
    classifier, content = Quadrants(batch_size), images(7)
    expected = predict(classifier, content, MASKS, procedure=procedure)
    assert len({answer.case for answer in expected}) > 1
    assert list(stream(classifier, iter(content), procedure, open_images=open_images)) == expected


@pytest.mark.parametrize("open_images", [1, 2, 5])
def test_an_image_is_fetched_only_when_there_is_room(open_images: int) -> None:
    source = Source(images(12))
    most = 0
    for number, _ in enumerate(stream(Quadrants(16), source, open_images=open_images)):
        assert source.fetched <= number + open_images
        most = max(most, source.fetched - number)
    assert most == open_images  # the room is used


def test_open_images_share_batches() -> None:
    alone, shared = Quadrants(16), Quadrants(16)
    content = [np.pad(np.ones((4, 4)), ((0, 4), (0, 4)))] * 16  # all views agree: 9 rows each
    assert list(stream(alone, content, open_images=1)) == list(stream(shared, content, open_images=4))
    assert (alone.batches, shared.batches) == (16, 9)


def test_a_fault_of_the_source_comes_after_the_answers_to_all_images_before_it() -> None:
    content, answers = images(5), list[Any]()
    with pytest.raises(OSError, match="the camera is gone"):
        drain(stream(Quadrants(16), Source(content, OSError("the camera is gone"))), answers)
    assert answers == list(stream(Quadrants(16), content))


def drain(answers: Iterator[Any], into: list[Any]) -> None:
    """Take all answers; those before an exception are kept."""
    for answer in answers:
        into.append(answer)  # noqa: PERF402  # extend would lose them


BROKEN = np.full((8, 8), np.nan)


@pytest.mark.parametrize("broken", [BROKEN, np.zeros((5, 5))], ids=["breaks its batch", "is of another size"])
@pytest.mark.parametrize("open_images", [1, 4])
def test_a_broken_image_loses_no_answer(broken: Any, open_images: int) -> None:
    content = images(6)
    expected = list(stream(Quadrants(16), content))
    spoilt = [*content[:3], broken, *content[3:]]
    served = list(stream(Quadrants(16), spoilt, open_images=open_images, errors="yield"))
    assert isinstance(served.pop(3), Failed)
    assert served == expected
    before = list[Any]()
    with pytest.raises((RuntimeError, InvalidInput), match=r"broken row|as the first"):
        drain(stream(Quadrants(16), spoilt, open_images=open_images), before)
    assert before == expected[:3]


def test_a_stream_without_images_has_no_answers() -> None:
    classifier = Quadrants(4)
    assert list(stream(classifier, [])) == []
    assert classifier.batches == 0


@pytest.mark.parametrize("options", [{"open_images": 0}, {"open_images": True}, {"open_images": 1.5}, {"errors": "no"}])
def test_odd_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(options))):
        list(stream(Quadrants(4), images(1), **options))


def test_a_defended_plain_classifier_streams_and_explains_its_cost() -> None:
    defended = defend(Quadrants(4), MASKS)
    content = images(5)
    assert list(defended.stream(content)) == defended.decisions(content)
    assert defended.explain_cost().agreeing == 9


def test_a_second_round_of_an_image_alone_fills_its_batch() -> None:
    """The other 8 unions of a disagreer are one batch of 16; in waves of 4 they would be two."""
    image = np.zeros((8, 8))
    image[0, 0], image[4:, 4:] = 1000.0, 1.0  # only the first mask hides the corner
    classifier = Quadrants(16)
    (answer,) = defend(classifier, MASKS).decisions([image])
    assert (str(answer), classifier.batches) == ("3 (disagreer, mask 0)", 2)
    classifier.batches = 0
    assert list(stream(classifier, [image], open_images=1)) == [answer]
    assert classifier.batches == 2
