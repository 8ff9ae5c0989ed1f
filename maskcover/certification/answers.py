"""Certification of answers without scores: text, choices, actions, in place of class numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from maskcover.cells import IntArray
from maskcover.certification.results import CertificationResult
from maskcover.classifiers.evaluation import MaskedClassifier
from maskcover.classifiers.interned import AnyAnswer, plain_answer
from maskcover.classifiers.masked_answers import MaskedAnswers
from maskcover.errors import InvalidInput


@dataclass(frozen=True)
class AnswersResult(CertificationResult):
    """The verdicts of a certification of answers: `labels`, `defended` and `undefended` hold the answers themselves.

    In `verdicts` answers are numbers; `answer_of` gives the answer of a number.

    >>> import maskcover as mc
    >>> def shade(images):
    ...     return ["dark" if image.mean() < 0.5 else "bright" for image in images]
    >>> masks = mc.cover(mc.squares(size=3), image_size=12, grid=(3, 3))
    >>> images = np.stack([np.zeros((12, 12)), np.ones((12, 12))])
    >>> result = mc.certify(shade, images, ["dark", "dark"], masks, task="answers", fill=0.5)
    >>> result.certified, result.defended
    (array([ True, False]), array(['dark', 'bright'], dtype=object))
    """

    answers: Mapping[int, AnyAnswer] = field(default_factory=dict, compare=False, repr=False)
    """The answers of the verdicts, by their numbers."""

    @classmethod
    def of(cls, result: CertificationResult, reader: MaskedAnswers) -> AnswersResult:
        """The result of a certification with the answers in place of their numbers."""
        numbers = {
            number
            for verdict in result.verdicts
            for number in (verdict.label, verdict.undefended, verdict.defended.label)
            if number >= 0
        }
        own = {each.name: getattr(result, each.name) for each in fields(result)}
        return cls(**own, answers={number: reader.answer_of(number) for number in numbers})

    @property
    def labels(self) -> npt.NDArray[Any]:
        """The true answers, an array of objects of shape (n,)."""
        return self._array(verdict.label for verdict in self.verdicts)

    @property
    def defended(self) -> npt.NDArray[Any]:
        """The answers by the defence on the clean images; None where there is none, or an alert."""
        return self._array(verdict.answer for verdict in self.verdicts)

    @property
    def undefended(self) -> npt.NDArray[Any]:
        """The answers of the bare function; None where there is none."""
        return self._array(verdict.undefended for verdict in self.verdicts)

    def answer_of(self, number: int) -> AnyAnswer:
        """The answer that has a number in `verdicts`; None for negative numbers."""
        return None if number < 0 else self.answers[number]

    def _array(self, numbers: Iterable[int]) -> npt.NDArray[Any]:
        chosen = list(numbers)
        array = np.empty(len(chosen), dtype=np.object_)
        for place, number in enumerate(chosen):  # entry by entry: numpy would make a second axis of tuples
            array[place] = self.answer_of(number)
        return array


def numbers_of_answers(labels: Any, count: int, reader: MaskedAnswers) -> IntArray:
    """The numbers of the true answers, int64 (count,).

    Args:
        labels: The true answers, one for each image.
        count: The number of images.
        reader: The classifier that will be asked.

    Raises:
        InvalidInput: not one answer for each image, or None or NaN among them.
    """
    if isinstance(labels, str | bytes) or not isinstance(labels, Iterable):
        raise InvalidInput(f"expected {count} true answers, one for each image; got {labels!r:.60}")
    texts = list(labels)
    if len(texts) != count:
        raise InvalidInput(f"expected {count} true answers, one for each image; got {len(texts)}")
    for number, text in enumerate(texts):
        if plain_answer(text) is None:
            raise InvalidInput(
                f"the true answer of image {number} is {text!r}, which stands for no answer and is never certified; "
                "leave the image out, or let the function give a text such as 'nothing'"
            )
    return np.array([reader.number_of(text) for text in texts], dtype=np.int64)


def expect_reader(task: str | None, classifier: MaskedClassifier) -> None:
    """Raise `InvalidInput` if a classifier of answers is to be certified for class numbers, or the other way round."""
    if task == "labels" and isinstance(classifier, MaskedAnswers):
        raise InvalidInput('a MaskedAnswers has no class numbers; type task="answers", or leave task out')
    if task == "answers" and not isinstance(classifier, MaskedAnswers):
        raise InvalidInput(
            f'task="answers" needs a function from images to answers, or a MaskedAnswers of one; got '
            f"{type(classifier).__name__}, which gives scores: leave task out"
        )
