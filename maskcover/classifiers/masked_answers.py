"""`MaskedAnswers`: a classifier around a function from images to answers of any kind: text, choices, actions.

There are no scores. Answers are equal or not, which is all that double masking and challenger masking compare; a
procedure that compares scores or confidences with a threshold is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from maskcover.cells import BoolArray, IntArray
from maskcover.classifiers.arrays import ArrayClassifier
from maskcover.classifiers.evaluation import Answers, HostEvaluator
from maskcover.classifiers.interned import CODE_LENGTH, AnswerNumbers, AnyAnswer, answer_code, plain_answer
from maskcover.classifiers.labels import UNDECIDED
from maskcover.classifiers.occlusion import Fill
from maskcover.classifiers.options import known_options
from maskcover.classifiers.registry import as_classifier, is_model
from maskcover.data import Preprocessing
from maskcover.errors import InvalidInput
from maskcover.masks import MaskSet

ANSWERS = "answers"
"""The entry in the identity of a classifier that gives answers in place of scores."""


class MaskedAnswers(ArrayClassifier):
    """A classifier around a function from images to answers: it hides pixels, then calls the function.

    Args:
        function: From images (n, height, width, channels), or (n, height, width) of images without channels, to a
            sequence of n answers. An answer is text, bytes, a number, or a tuple or frozenset of these, and two answers
            are the same if type and value are; None is no answer, and is never certified. The function is always called
            with `batch_size` images, and must not keep or change them.
        batch_size: Images in each call. By default 1: then no answer can depend on other images in the batch.
        fill, layout, preprocessing, identity: As for `ArrayClassifier`. If the function starts a program or asks a
            model that Python cannot see into, name its version in `identity`.

    Bring the answers into one form inside the function (case, spaces, punctuation): a certificate says that this form
    stays the same. A number with digits behind the point should be rounded there as well.

    >>> def shade(images):
    ...     return ["dark" if image.mean() < 0.5 else "bright" for image in images]
    >>> MaskedAnswers(shade).answers([np.ones((2, 2))], np.array([[[True, False], [False, False]]]))
    ['bright']
    """

    has_scores = False
    """False: numbers in `scores` are codes of answers. Procedures and margins that need scores are refused."""

    def __init__(
        self,
        function: Callable[[npt.NDArray[Any]], Iterable[object]],
        *,
        batch_size: int = 1,
        fill: float | Sequence[float] | Fill = 0.0,
        layout: Literal["hwc", "chw"] = "hwc",
        preprocessing: Preprocessing | None = None,
        identity: dict[str, str] | Callable[[], dict[str, str]] | None = None,
    ) -> None:
        if not callable(function):
            raise InvalidInput(f"expected a function from an array of images to answers; got {type(function).__name__}")
        super().__init__(
            function,  # type: ignore[arg-type]  # it gives answers in place of scores
            batch_size=batch_size, fill=fill, layout=layout, preprocessing=preprocessing, identity=identity,
        )  # fmt: skip
        self._numbers = AnswerNumbers()

    @property
    def identity(self) -> dict[str, str]:
        """The entries of the function, the fill and the layout for a fingerprint."""
        return super().identity | {ANSWERS: "compared, without scores"}

    def answers(self, images: Sequence[Any], hidden: BoolArray) -> list[AnyAnswer]:
        """The answers for images whose pixels are hidden where `hidden`, bool (n, height, width), is True.

        Raises:
            InvalidInput: the function does not give one answer for each image, or answers of a type that cannot be one.
        """
        output: Any = self._function(self.shown(images, hidden))
        if isinstance(output, str | bytes) or not isinstance(output, Iterable):
            raise InvalidInput(f"expected a list of {len(images)} answers; got {type(output).__name__}: {output!r:.60}")
        answers = [plain_answer(answer) for answer in output]
        if len(answers) != len(images):
            raise InvalidInput(f"expected one answer for each of {len(images)} images; got {len(answers)}")
        return answers

    def scores(self, images: Sequence[Any], hidden: BoolArray) -> npt.NDArray[np.float64]:
        """Codes of the answers, float64 (n, 512): equal for equal answers only. No label can be made of them."""
        return _codes(self.answers(images, hidden))

    def evaluator(self, masks: MaskSet, example: Any, batch_size: int | None) -> AnswersEvaluator:  # noqa: ARG002
        """The classifier with these masks, see `maskcover.classifiers.evaluation.BringsEvaluator`."""
        return AnswersEvaluator(self, masks)

    def number_of(self, answer: object) -> int:
        """The number that stands for an answer in prediction tables; see `AnswerNumbers.number`."""
        return self._numbers.number(answer)

    def answer_of(self, number: int) -> AnyAnswer:
        """The answer that has a number; None for negative numbers, which stand for no answer."""
        return self._numbers.answer(number)

    def answers_of(self, numbers: Iterable[int]) -> npt.NDArray[np.object_]:
        """The answers that have these numbers, an array of objects of shape (n,)."""
        return self._numbers.array(numbers)


class AnswersEvaluator(HostEvaluator):
    """The evaluator of `MaskedAnswers`: labels are the numbers of answers; margins and confidences are always 1."""

    has_scores = False

    def __init__(self, classifier: MaskedAnswers, masks: MaskSet) -> None:
        super().__init__(classifier, masks)
        self._reader = classifier

    def submit(self, images: Sequence[Any], pairs: IntArray) -> Callable[[], Answers]:
        """See `maskcover.classifiers.Evaluator`."""
        labels = [
            UNDECIDED if answer is None else self._reader.number_of(answer) for answer in self._answers(images, pairs)
        ]
        numbers = np.array(labels, dtype=np.int64)
        # There are no scores that could come close: an answer has the largest margin, and no answer has none.
        certainty = (numbers != UNDECIDED).astype(np.float64)
        answers = Answers(numbers, certainty, certainty.copy())
        return lambda: answers

    def scores(self, images: Sequence[Any], pairs: IntArray) -> npt.NDArray[np.generic]:
        """The codes of the answers, for probes."""
        return _codes(self._answers(images, pairs))

    def answer_of(self, number: int) -> AnyAnswer:
        """The answer that has a number; None for negative numbers."""
        return self._reader.answer_of(number)

    def _answers(self, images: Sequence[Any], pairs: IntArray) -> list[AnyAnswer]:
        return self._reader.answers(list(images), self._drawing.hidden(pairs))


def _codes(answers: Sequence[AnyAnswer]) -> npt.NDArray[np.float64]:
    return np.stack([answer_code(answer) for answer in answers]) if answers else np.zeros((0, CODE_LENGTH))


def as_reader(model: object, options: Mapping[str, Any]) -> MaskedAnswers:
    """The `MaskedAnswers` of a function or of one that was made before.

    Raises:
        InvalidInput: it is a model of a framework, which gives scores; or no function.
    """
    if isinstance(model, MaskedAnswers):
        as_classifier(model, options)  # it refuses options
        return model
    if is_model(model) or not callable(model) or isinstance(model, type):
        raise InvalidInput(
            'task="answers" needs a function from images to answers, or a MaskedAnswers of one; got '
            f"{type(model).__name__}: write a function that calls it and returns one answer for each image"
        )
    with known_options("a function", options, MaskedAnswers):
        return MaskedAnswers(model, **options)
